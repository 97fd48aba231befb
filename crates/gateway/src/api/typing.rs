//! That you type.

use actix_web::{HttpResponse, post, web};

use super::path_id;
use crate::App;
use crate::auth::Caller;
use crate::error::ApiResult;
use crate::live::signs;

/// Let others see that you type
///
/// The other members of an accepted conversation are told by a `typing` frame, where both you and they have not turned
/// it off. Ask again every few seconds while you type: at most one in 3 seconds goes out. Nothing is stored.
#[utoipa::path(
    tag = "Conversations",
    params(("conversation_id" = String, Path, description = "The conversation")),
    responses((status = 204, description = "Told, as far as anybody is to be told"))
)]
#[post("/v5/conversations/{conversation_id}/typing")]
pub async fn tell(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    signs::type_in(&app, caller.user, path_id(&path, "conversation_id")?).await?;
    Ok(HttpResponse::NoContent().finish())
}
