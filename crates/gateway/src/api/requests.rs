//! Contact requests: the conversations that you are asked into.

use actix_web::{HttpResponse, get, post, web};
use pinwire_domain::conversation::ConversationKind;
use pinwire_domain::{ConversationId, Field, Refusal};
use serde::Deserialize;
use utoipa::IntoParams;

use super::path_id;
use crate::auth::Caller;
use crate::error::ApiResult;
use crate::page::{PageParams, Paged};
use crate::params::Params;
use crate::view::{self, ConversationItem, RequestView};
use crate::{App, clock};

/// List contact requests
///
/// The conversations that you are asked into, the newest first.
#[utoipa::path(
    tag = "Contact requests",
    params(PageParams),
    responses((status = 200, description = "A page of requests", body = Paged<RequestView>))
)]
#[get("/v5/contact_requests")]
pub async fn list(
    app: web::Data<App>,
    caller: Caller,
    Params(paging): Params<PageParams>,
) -> ApiResult {
    let list = format!("requests {}", caller.user);
    let after: Option<i64> = app.bookmarks.open(&list, paging.bookmark.as_deref())?;
    let after = after.map(ConversationId::new);
    let size = paging.size()?;
    let read = app.store.requests(caller.user, after, size).await?;
    let next = read.value.next.map(ConversationId::get);
    let bookmark = next.map(|m| app.bookmarks.seal(&list, &m)).transpose()?;
    Ok(view::snapshot(read, |page| Paged {
        items: page.items.into_iter().map(RequestView::from).collect(),
        bookmark,
    }))
}

/// Get a contact request
///
/// A conversation that you are asked into: of two people, who asks, the picture of their pin and a short text; of a
/// group, its title and people, and nothing that is written there.
#[utoipa::path(
    tag = "Contact requests",
    params(("conversation_id" = String, Path, description = "The conversation")),
    responses((status = 200, description = "The request", body = RequestView))
)]
#[get("/v5/contact_requests/{conversation_id}")]
pub async fn get(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    let id = path_id(&path, "conversation_id")?;
    let read = app.store.request(caller.user, id).await?;
    Ok(view::snapshot(read, RequestView::from))
}

/// Accept a contact request
///
/// You take part from now on. In a conversation of two nobody but you learns of it.
#[utoipa::path(
    tag = "Contact requests",
    params(("conversation_id" = String, Path, description = "The conversation")),
    responses((status = 200, description = "The conversation as you see it", body = ConversationItem))
)]
#[post("/v5/contact_requests/{conversation_id}/accept")]
pub async fn accept(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    let id = path_id(&path, "conversation_id")?;
    app.store.accept_request(caller.user, id).await?;
    let view = app.store.conversation(caller.user, id).await?.value;
    Ok(HttpResponse::Ok().json(ConversationItem::of(&view, caller.user, clock::now())))
}

/// How to ignore.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct IgnoreParams {
    /// Whether to block who asks as well, in a conversation of two.
    #[serde(default)]
    #[param(default = false)]
    pub block: bool,
}

/// Ignore a contact request
///
/// It is gone, and nobody learns of it; nobody can ask you into this conversation again. In a conversation of two it is
/// answered still by writing to the other one.
#[utoipa::path(
    tag = "Contact requests",
    params(("conversation_id" = String, Path, description = "The conversation"), IgnoreParams),
    responses((status = 204, description = "Ignored"))
)]
#[post("/v5/contact_requests/{conversation_id}/ignore")]
pub async fn ignore(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    Params(params): Params<IgnoreParams>,
) -> ApiResult {
    let id = path_id(&path, "conversation_id")?;
    if params.block {
        let request = app.store.request(caller.user, id).await?.value;
        if request.conversation.kind == ConversationKind::Group {
            let field = Field::new("block", "in a group, block people one by one");
            return Err(Refusal::InvalidValue(field).into());
        }
        for other in request.conversation.members {
            // That ignores their request, too.
            app.store.block(caller.user, other.person.id).await?;
        }
    } else {
        app.store.ignore_request(caller.user, id).await?;
    }
    Ok(HttpResponse::NoContent().finish())
}
