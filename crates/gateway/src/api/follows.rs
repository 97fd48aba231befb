//! Following and being followed.

use actix_web::{HttpResponse, delete, get, post, web};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::v5::{self, AdAccountParams};
use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::ApiResult;
use crate::page::{PageParams, Paged};
use crate::params::Params;
use crate::view::{self, UserSummaryView};

/// Which followed people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = UserFollowingFeedType)]
pub enum FeedTypeParam {
    /// All.
    #[default]
    All,
    /// Not offered by Pinwire.
    Ranked,
    /// Not offered by Pinwire.
    CreatorOnly,
    /// Not offered by Pinwire.
    RankedCreatorOnly,
}

/// Parameters of API v5.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FollowingParams {
    /// Only `ALL` is taken.
    #[serde(default)]
    #[param(inline)]
    pub feed_type: FeedTypeParam,
    /// Whether to leave out people of whom only boards are followed. There are none: both values give the same.
    #[serde(default, deserialize_with = "v5::flag")]
    pub explicit_following: bool,
}

/// List whom you follow
///
/// Whom you followed last comes first.
#[utoipa::path(
    tag = "Follows",
    params(PageParams, FollowingParams, AdAccountParams),
    responses((status = 200, description = "A page of people", body = Paged<UserSummaryView>))
)]
#[get("/v5/user_account/following")]
pub async fn following(
    app: web::Data<App>,
    caller: Caller,
    Params(paging): Params<PageParams>,
    Params(params): Params<FollowingParams>,
    Params(ad_account): Params<AdAccountParams>,
) -> ApiResult {
    ad_account.check()?;
    v5::refuse([("feed_type", params.feed_type != FeedTypeParam::All)])?;
    let list = format!("following {}", caller.user);
    let after = app.bookmarks.open(&list, paging.bookmark.as_deref())?;
    let read = app
        .store
        .following(caller.user, after, paging.size()?)
        .await?;
    let page = app
        .bookmarks
        .page(&list, read.value, UserSummaryView::from)?;
    Ok(view::at(&read.cursor, &page))
}

/// List who follows you
///
/// Who followed you last comes first.
#[utoipa::path(
    tag = "Follows",
    params(PageParams, AdAccountParams),
    responses((status = 200, description = "A page of people", body = Paged<UserSummaryView>))
)]
#[get("/v5/user_account/followers")]
pub async fn followers(
    app: web::Data<App>,
    caller: Caller,
    Params(paging): Params<PageParams>,
    Params(ad_account): Params<AdAccountParams>,
) -> ApiResult {
    ad_account.check()?;
    let list = format!("followers {}", caller.user);
    let after = app.bookmarks.open(&list, paging.bookmark.as_deref())?;
    let read = app
        .store
        .followers(caller.user, after, paging.size()?)
        .await?;
    let page = app
        .bookmarks
        .page(&list, read.value, UserSummaryView::from)?;
    Ok(view::at(&read.cursor, &page))
}

/// How to follow.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = FollowUserRequest)]
pub struct FollowBody {
    /// Only false is taken: there are no follow links.
    #[schema(default = false)]
    pub auto_follow: Option<bool>,
}

/// Follow somebody
///
/// Nothing happens if you do already.
#[utoipa::path(
    tag = "Follows",
    params(("username" = String, Path, description = "In any case", example = "ana")),
    request_body = FollowBody,
    responses((status = 200, description = "Whom you follow", body = UserSummaryView))
)]
#[post("/v5/user_account/following/{username}")]
pub async fn follow(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    body: Body<FollowBody>,
) -> ApiResult {
    v5::refuse([("auto_follow", body.value.auto_follow == Some(true))])?;
    let person = app.store.follow(caller.user, &path).await?;
    Ok(HttpResponse::Ok().json(UserSummaryView::from(person)))
}

/// Follow somebody no more
///
/// Nothing happens if you do not.
#[utoipa::path(
    tag = "Follows",
    params(("username" = String, Path, description = "In any case", example = "ana")),
    responses((status = 204, description = "You do not follow them"))
)]
#[delete("/v5/user_account/following/{username}")]
pub async fn unfollow(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    app.store.unfollow(caller.user, &path).await?;
    Ok(HttpResponse::NoContent().finish())
}
