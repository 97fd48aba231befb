//! Blocked domains: no link to them is delivered.

use actix_web::{HttpResponse, delete, get, put, web};
use pinwire_domain::link;
use pinwire_domain::report;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::ApiResult;
use crate::page::{PageParams, Paged};
use crate::params::Params;
use crate::view::report::BlockedDomainView;

/// List blocked domains
///
/// By name.
#[utoipa::path(
    tag = "Moderation",
    params(PageParams),
    responses((status = 200, description = "A page of domains", body = Paged<BlockedDomainView>))
)]
#[get("/v5/moderation/domains")]
pub async fn list(
    app: web::Data<App>,
    caller: Caller,
    Params(paging): Params<PageParams>,
) -> ApiResult {
    app.store.require_moderator(caller.user).await?;
    let name = "domains";
    let after = app.bookmarks.open(name, paging.bookmark.as_deref())?;
    let page = app.store.blocked_domains(after, paging.size()?).await?;
    let page = app.bookmarks.page(name, page, BlockedDomainView::from)?;
    Ok(HttpResponse::Ok().json(page))
}

/// Get a blocked domain
///
/// Since when it is blocked, by whom, and why.
#[utoipa::path(
    tag = "Moderation",
    params(("domain" = String, Path, description = "The domain")),
    responses((status = 200, description = "The domain", body = BlockedDomainView))
)]
#[get("/v5/moderation/domains/{domain}")]
pub async fn get(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    app.store.require_moderator(caller.user).await?;
    let domain = link::domain_name("domain", &path)?;
    let blocked = app.store.blocked_domain(domain).await?;
    Ok(HttpResponse::Ok().json(BlockedDomainView::from(blocked)))
}

/// Why a domain is blocked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BlockedDomainCreate)]
pub struct DomainBody {
    /// For other moderators.
    #[schema(max_length = 500, example = "pills")]
    pub reason: Option<String>,
}

/// Block a domain
///
/// From now on no link to it is delivered, nor to hosts below it, nor one that redirects there; conversations that hold
/// such a pin are told by `pin.state_changed`. Nothing happens if it is blocked already.
#[utoipa::path(
    tag = "Moderation",
    params(("domain" = String, Path, description = "The domain")),
    request_body = DomainBody,
    responses((status = 200, description = "The domain", body = BlockedDomainView))
)]
#[put("/v5/moderation/domains/{domain}")]
pub async fn block(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    body: Body<DomainBody>,
) -> ApiResult {
    app.store.require_moderator(caller.user).await?;
    let domain = link::domain_name("domain", &path)?;
    let reason = report::words("reason", body.value.reason.as_deref())?;
    let domains = vec![domain.clone()];
    app.store
        .block_domains(Some(caller.user), domains, reason)
        .await?;
    let blocked = app.store.blocked_domain(domain).await?;
    Ok(HttpResponse::Ok().json(BlockedDomainView::from(blocked)))
}

/// Block a domain no more
///
/// Nothing happens if it is not blocked.
#[utoipa::path(
    tag = "Moderation",
    params(("domain" = String, Path, description = "The domain")),
    responses((status = 204, description = "It is not blocked"))
)]
#[delete("/v5/moderation/domains/{domain}")]
pub async fn unblock(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    app.store.require_moderator(caller.user).await?;
    let domain = link::domain_name("domain", &path)?;
    app.store.unblock_domain(caller.user, domain).await?;
    Ok(HttpResponse::NoContent().finish())
}
