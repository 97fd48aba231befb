//! Other people.

use actix_web::{HttpRequest, HttpResponse, get, web};
use pinwire_domain::people_query::PeopleQuery;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::App;
use crate::auth::Caller;
use crate::error::ApiResult;
use crate::page::{PageParams, Paged};
use crate::params::Params;
use crate::rate_limit::Searched;
use crate::view::{ProfileView, UserSummaryView};

/// Get a profile
///
/// What everyone may know of a person.
#[utoipa::path(
    tag = "Users",
    params(("username" = String, Path, description = "In any case", example = "ana")),
    responses((status = 200, description = "The profile", body = ProfileView))
)]
#[get("/v5/users/{username}")]
pub async fn get(app: web::Data<App>, _: Caller, path: web::Path<String>) -> ApiResult {
    let profile = app.store.profile(&path).await?;
    Ok(HttpResponse::Ok().json(ProfileView::from(profile)))
}

/// Whom to find.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SearchParams {
    /// Beginnings of words of a name or username, 8 at most, accents and case aside.
    #[param(max_length = 100, example = "ana lop")]
    pub query: String,
}

/// Find people
///
/// Those in whom each word of the query begins a word of the name or username. Who is called just so comes
/// first, then whole words before longer ones, then the older account. At most 120 searches a minute.
#[utoipa::path(
    tag = "Users",
    params(SearchParams, PageParams),
    responses((status = 200, description = "A page of people", body = Paged<UserSummaryView>))
)]
#[get("/v5/users")]
pub async fn search(
    app: web::Data<App>,
    caller: Caller,
    Params(params): Params<SearchParams>,
    Params(paging): Params<PageParams>,
    request: HttpRequest,
) -> ApiResult {
    let query = PeopleQuery::parse(&params.query)?;
    let list = format!("users {}", params.query);
    let after = app.bookmarks.open(&list, paging.bookmark.as_deref())?;
    let size = paging.size()?;
    app.rate_limits
        .search(&request, Searched::People, caller.user)?;
    let found = app.store.search_users(query, after, size).await?;
    let page = app.bookmarks.page(&list, found, UserSummaryView::from)?;
    Ok(HttpResponse::Ok().json(page))
}
