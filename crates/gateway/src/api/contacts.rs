//! Contacts: whom to send a pin to.

use actix_web::{get, web};
use pinwire_domain::PinId;
use pinwire_domain::people_query::PeopleQuery;
use pinwire_domain::token::Scope;
use serde::Deserialize;
use utoipa::IntoParams;

use super::path_id;
use crate::App;
use crate::auth::Caller;
use crate::error::{ApiResult, ErrorBody};
use crate::page::{PageParams, Paged};
use crate::params::Params;
use crate::view::{self, ContactView, PinContactView};

/// Which contacts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ContactParams {
    /// Beginnings of words of a name or username, 8 at most, accents and case aside; all contacts without it.
    #[serde(default)]
    #[param(max_length = 100, example = "ana lop")]
    pub query: String,
}

impl ContactParams {
    fn query(&self) -> ApiResult<Option<PeopleQuery>> {
        let typed = Some(&self.query).filter(|typed| !typed.trim().is_empty());
        Ok(typed.map(|typed| PeopleQuery::parse(typed)).transpose()?)
    }
}

/// List contacts
///
/// The people you may want to send a pin to, the likeliest first: those you talk with, follow, or are followed
/// by, without those you blocked. Nobody keeps this list, it follows from what you do; to be on it gives no
/// right. Without `query` it holds the latest 1,000 people you talked with and the newest 2,000 you follow
/// and are followed by; with it any contact is found.
#[utoipa::path(
    tag = "Contacts",
    params(ContactParams, PageParams),
    responses(
        (status = 200, description = "A page of contacts", body = Paged<ContactView>),
        (status = 422, description = "The query is too long or holds no letter", body = ErrorBody),
    )
)]
#[get("/v5/contacts")]
pub async fn all(
    app: web::Data<App>,
    caller: Caller,
    Params(params): Params<ContactParams>,
    Params(paging): Params<PageParams>,
) -> ApiResult {
    let query = params.query()?;
    let list = format!("contacts of {}: {}", caller.user, params.query);
    let after = app.bookmarks.open(&list, paging.bookmark.as_deref())?;
    let size = paging.size()?;
    let read = app.store.contacts(caller.user, query, after, size).await?;
    let page = app.bookmarks.page(&list, read.value, ContactView::from)?;
    Ok(view::at(&read.cursor, &page))
}

/// List contacts for a pin
///
/// Your contacts as in `GET /v5/contacts`, to choose from for a pin that you may send, with who has it already.
#[utoipa::path(
    tag = "Contacts",
    params(
        ("pin_id" = String, Path, description = "The pin", example = "3763541867536385"),
        ContactParams, PageParams
    ),
    responses(
        (status = 200, description = "A page of contacts", body = Paged<PinContactView>),
        (status = 422, description = "The query is too long or holds no letter", body = ErrorBody),
    )
)]
#[get("/v5/pins/{pin_id}/contacts")]
pub async fn for_pin(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    Params(params): Params<ContactParams>,
    Params(paging): Params<PageParams>,
) -> ApiResult {
    let pin: PinId = path_id(&path, "pin_id")?;
    let query = params.query()?;
    let list = format!("contacts of {} for {pin}: {}", caller.user, params.query);
    let after = app.bookmarks.open(&list, paging.bookmark.as_deref())?;
    let size = paging.size()?;
    let read = app
        .store
        .contacts_for_pin(
            caller.access(Scope::PinsReadSecret),
            pin,
            query,
            after,
            size,
        )
        .await?;
    let page = app
        .bookmarks
        .page(&list, read.value, PinContactView::from)?;
    Ok(view::at(&read.cursor, &page))
}
