//! Drafts.

use actix_web::{HttpResponse, delete, get, put, web};
use pinwire_domain::draft::DraftContent;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{id, path_id};
use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::ApiResult;
use crate::view::{self, DraftView};

/// What you have begun to write: a text, a pin, or both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DraftUpdate)]
pub struct DraftBody {
    /// What is written so far.
    #[schema(max_length = 5000, example = "For the ")]
    pub text: Option<String>,
    /// The pin it will carry. Whether it may be sent is asked when it is.
    #[schema(pattern = r"^\d+$")]
    pub pin_id: Option<String>,
}

/// Keep a draft
///
/// For you alone, on all your devices; replaces the one before. Sending does not drop it: the app that sends does.
#[utoipa::path(
    tag = "Drafts",
    params(("conversation_id" = String, Path, description = "The conversation")),
    request_body = DraftBody,
    responses((status = 200, description = "The draft as it is kept", body = DraftView))
)]
#[put("/v5/conversations/{conversation_id}/draft")]
pub async fn keep(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    body: Body<DraftBody>,
) -> ApiResult {
    let conversation = path_id(&path, "conversation_id")?;
    let DraftBody { text, pin_id } = &body.value;
    let pin = pin_id.as_deref().map(|pin| id(pin, "pin_id")).transpose()?;
    let content = DraftContent::new(text.as_deref(), pin)?;
    let kept = app.store.keep_draft(caller.user, conversation, content);
    Ok(HttpResponse::Ok().json(DraftView::from(&kept.await?)))
}

/// Get your draft
///
/// What you have begun to write in a conversation, on whichever device.
#[utoipa::path(
    tag = "Drafts",
    params(("conversation_id" = String, Path, description = "The conversation")),
    responses((status = 200, description = "The draft", body = DraftView))
)]
#[get("/v5/conversations/{conversation_id}/draft")]
pub async fn get(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    let conversation = path_id(&path, "conversation_id")?;
    let draft = app.store.draft(caller.user, conversation).await?;
    Ok(view::snapshot(draft, |draft| DraftView::from(&draft)))
}

/// Drop your draft
///
/// Without one, this changes nothing.
#[utoipa::path(
    tag = "Drafts",
    params(("conversation_id" = String, Path, description = "The conversation")),
    responses((status = 204, description = "Dropped"))
)]
#[delete("/v5/conversations/{conversation_id}/draft")]
pub async fn drop(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    let conversation = path_id(&path, "conversation_id")?;
    app.store.drop_draft(caller.user, conversation).await?;
    Ok(HttpResponse::NoContent().finish())
}
