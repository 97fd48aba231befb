//! Read marks and unread counts.

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::path_id;
use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::ApiResult;
use crate::view::{self, UnreadTotalsView};

/// Up to where you have read.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReadUpdate)]
pub struct ReadBody {
    /// The position of the last message read. A mark never moves back.
    #[schema(minimum = 0, example = 3)]
    pub position: i64,
}

/// Mark read
///
/// Moves your read mark up to a position; never back. Clears the unread flag.
#[utoipa::path(
    tag = "Read marks",
    params(("conversation_id" = String, Path, description = "The conversation")),
    request_body = ReadBody,
    responses((status = 204, description = "Read"))
)]
#[put("/v5/conversations/{conversation_id}/read")]
pub async fn read(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    body: Body<ReadBody>,
) -> ApiResult {
    let id = path_id(&path, "conversation_id")?;
    app.store
        .read_to(caller.user, id, body.value.position)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Mark unread
///
/// Sets a flag that the next read clears.
#[utoipa::path(
    tag = "Read marks",
    params(("conversation_id" = String, Path, description = "The conversation")),
    responses((status = 204, description = "Flagged"))
)]
#[put("/v5/conversations/{conversation_id}/unread")]
pub async fn flag(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    app.store
        .flag_unread(caller.user, path_id(&path, "conversation_id")?, true)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Clear the unread flag
///
/// The read mark stays where it is.
#[utoipa::path(
    tag = "Read marks",
    params(("conversation_id" = String, Path, description = "The conversation")),
    responses((status = 204, description = "Cleared"))
)]
#[delete("/v5/conversations/{conversation_id}/unread")]
pub async fn unflag(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    app.store
        .flag_unread(caller.user, path_id(&path, "conversation_id")?, false)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// How many conversations were marked read.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadAllResult {
    /// At most 500 a call; call again until it is 0.
    #[schema(example = 2)]
    pub conversations: usize,
}

/// Mark everything read
///
/// At most 500 conversations a call.
#[utoipa::path(
    tag = "Read marks",
    responses((status = 200, description = "Read", body = ReadAllResult))
)]
#[post("/v5/conversations/read_all")]
pub async fn read_all(app: web::Data<App>, caller: Caller) -> ApiResult {
    let conversations = app.store.read_all(caller.user).await?;
    Ok(HttpResponse::Ok().json(ReadAllResult { conversations }))
}

/// Count what is unread
///
/// Over all conversations; archived ones never count, muted ones count apart.
#[utoipa::path(
    tag = "Read marks",
    responses((status = 200, description = "Totals", body = UnreadTotalsView))
)]
#[get("/v5/unread")]
pub async fn unread(app: web::Data<App>, caller: Caller) -> ApiResult {
    Ok(view::snapshot(
        app.store.unread(caller.user).await?,
        UnreadTotalsView::from,
    ))
}
