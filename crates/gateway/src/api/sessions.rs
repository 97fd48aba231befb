//! Sessions: the devices you are signed in on.

use actix_web::{HttpResponse, delete, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::path_id;
use crate::App;
use crate::auth::Caller;
use crate::error::ApiResult;
use crate::page::{PageParams, Paged};
use crate::params::Params;
use crate::view::{self, SessionView};

/// List your sessions
///
/// The newest sign-in first; at most 50, since beyond that the one unused for longest is signed out.
#[utoipa::path(
    tag = "Sessions",
    params(PageParams),
    responses((status = 200, description = "A page of sessions", body = Paged<SessionView>))
)]
#[get("/v5/user_account/sessions")]
pub async fn list(
    app: web::Data<App>,
    caller: Caller,
    Params(paging): Params<PageParams>,
) -> ApiResult {
    let list = format!("sessions {}", caller.user);
    let before = app.bookmarks.open(&list, paging.bookmark.as_deref())?;
    let read = app
        .store
        .sessions(caller.user, before, paging.size()?)
        .await?;
    let show = |session| SessionView::of(session, caller.session);
    let page = app.bookmarks.page(&list, read.value, show)?;
    Ok(view::at(&read.cursor, &page))
}

/// Get a session
///
/// One of your own.
#[utoipa::path(
    tag = "Sessions",
    params(("session_id" = String, Path, description = "The session")),
    responses((status = 200, description = "The session", body = SessionView))
)]
#[get("/v5/user_account/sessions/{session_id}")]
pub async fn get(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    let id = path_id(&path, "session_id")?;
    let session = app.store.session(caller.user, id).await?;
    Ok(view::snapshot(session, |session| {
        SessionView::of(session, caller.session)
    }))
}

/// Sign out a session
///
/// Its tokens end at once (on other nodes, as its open streams, within 2 seconds).
#[utoipa::path(
    tag = "Sessions",
    params(("session_id" = String, Path, description = "The session")),
    responses((status = 204, description = "Signed out"))
)]
#[delete("/v5/user_account/sessions/{session_id}")]
pub async fn sign_out(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    app.store
        .sign_out(caller.user, path_id(&path, "session_id")?)
        .await?;
    app.admissions.signed_out(caller.user);
    Ok(HttpResponse::NoContent().finish())
}

/// How many sessions were signed out.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignedOut {
    /// This one is among them.
    #[schema(example = 2)]
    pub sessions: usize,
}

/// Sign out everywhere
///
/// All your sessions, this one too.
#[utoipa::path(
    tag = "Sessions",
    responses((status = 200, description = "Signed out", body = SignedOut))
)]
#[delete("/v5/user_account/sessions")]
pub async fn sign_out_everywhere(app: web::Data<App>, caller: Caller) -> ApiResult {
    let sessions = app.store.sign_out_everywhere(caller.user).await?;
    app.admissions.signed_out(caller.user);
    Ok(HttpResponse::Ok().json(SignedOut { sessions }))
}
