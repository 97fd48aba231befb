//! Heads: the avatars at the lower left.

use actix_web::{HttpResponse, delete, get, put, web};
use pinwire_domain::head;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::path_id;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::ApiResult;
use crate::view::kinds::HeadState;
use crate::view::{self, HeadView};
use crate::{App, clock};

/// The heads.
#[derive(Debug, Serialize, ToSchema)]
pub struct Heads {
    /// At most 20, newest activity first.
    #[schema(max_items = 20)]
    pub items: Vec<HeadView>,
}

/// List heads
///
/// All of them, at most 20: beyond that the oldest minimized one is gone.
#[utoipa::path(tag = "Heads", responses((status = 200, description = "Your heads", body = Heads)))]
#[get("/v5/heads")]
pub async fn list(app: web::Data<App>, caller: Caller) -> ApiResult {
    let now = clock::now();
    Ok(view::snapshot(
        app.store.heads(caller.user).await?,
        |heads| Heads {
            items: heads
                .iter()
                .filter_map(|v| HeadView::of(&v.conversation, &v.mine, caller.user, now))
                .collect(),
        },
    ))
}

/// A head's state.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HeadUpdate)]
pub struct HeadBody {
    /// How it is drawn.
    pub state: HeadState,
    /// The device that opens it, so that others may draw it minimized.
    #[schema(min_length = 1, max_length = 64)]
    pub device_id: Option<String>,
}

/// Open or minimize a head
///
/// Brings it back if it was closed.
#[utoipa::path(
    tag = "Heads",
    params(("conversation_id" = String, Path, description = "The conversation")),
    request_body = HeadBody,
    responses((status = 204, description = "Changed"))
)]
#[put("/v5/heads/{conversation_id}")]
pub async fn set(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    body: Body<HeadBody>,
) -> ApiResult {
    let device = body
        .value
        .device_id
        .as_deref()
        .map(head::device_id)
        .transpose()?;
    let id = path_id(&path, "conversation_id")?;
    app.store
        .set_head(caller.user, id, body.value.state.into(), device)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Close a head
///
/// The "x": it is gone until a new message. Marks nothing read.
#[utoipa::path(
    tag = "Heads",
    params(("conversation_id" = String, Path, description = "The conversation")),
    responses((status = 204, description = "Closed"))
)]
#[delete("/v5/heads/{conversation_id}")]
pub async fn close(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    app.store
        .close_head(caller.user, path_id(&path, "conversation_id")?)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
