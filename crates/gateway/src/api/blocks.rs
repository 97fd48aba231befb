//! Blocks: whom you want to hear no more of.

use actix_web::{HttpResponse, delete, get, put, web};

use super::path_id;
use crate::App;
use crate::auth::Caller;
use crate::error::ApiResult;
use crate::page::{PageParams, Paged};
use crate::params::Params;
use crate::view::{self, BlockView};

/// List whom you have blocked
///
/// Whom you blocked last comes first.
#[utoipa::path(
    tag = "Blocks",
    params(PageParams),
    responses((status = 200, description = "A page of people", body = Paged<BlockView>))
)]
#[get("/v5/blocks")]
pub async fn list(
    app: web::Data<App>,
    caller: Caller,
    Params(paging): Params<PageParams>,
) -> ApiResult {
    let list = format!("blocks {}", caller.user);
    let after = app.bookmarks.open(&list, paging.bookmark.as_deref())?;
    let read = app.store.blocks(caller.user, after, paging.size()?).await?;
    let page = app.bookmarks.page(&list, read.value, BlockView::from)?;
    Ok(view::at(&read.cursor, &page))
}

/// Block somebody
///
/// From now on nothing that they do arrives with you: what they write is withheld for ever and moves nothing of yours,
/// not in groups either. They notice nothing. Nothing happens if you have blocked them already.
#[utoipa::path(
    tag = "Blocks",
    params(("user_id" = String, Path, description = "Whom")),
    responses((status = 204, description = "They are blocked"))
)]
#[put("/v5/blocks/{user_id}")]
pub async fn block(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    let other = path_id(&path, "user_id")?;
    app.store.block(caller.user, other).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Take a block back
///
/// What they write from now on arrives again; what was withheld meanwhile stays so. Nothing happens if you have not
/// blocked them.
#[utoipa::path(
    tag = "Blocks",
    params(("user_id" = String, Path, description = "Whom")),
    responses((status = 204, description = "They are not blocked"))
)]
#[delete("/v5/blocks/{user_id}")]
pub async fn unblock(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    let other = path_id(&path, "user_id")?;
    app.store.unblock(caller.user, other).await?;
    Ok(HttpResponse::NoContent().finish())
}
