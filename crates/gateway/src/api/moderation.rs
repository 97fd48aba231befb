//! Moderation: what was reported, decisions, and the audit log.

use actix_web::{HttpResponse, get, post, web};
use pinwire_domain::ReportId;
use pinwire_domain::report::Decision;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::path_id;
use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::ApiResult;
use crate::page::{PageParams, Paged};
use crate::params::Params;
use crate::view::kinds::{CaseState, ModerationAction};
use crate::view::report::{AuditEntryView, CaseView};

/// Which reports.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CaseParams {
    /// How far they are; `open` if left out.
    #[serde(default = "open")]
    #[param(inline)]
    pub state: CaseState,
    /// Where the page begins: the `bookmark` of the page before.
    pub bookmark: Option<String>,
    /// Items on the page at most.
    #[param(minimum = 1, maximum = 250, default = 25)]
    pub page_size: Option<i64>,
}

const fn open() -> CaseState {
    CaseState::Open
}

/// List what was reported
///
/// Each thing once, the oldest first.
#[utoipa::path(
    tag = "Moderation",
    params(CaseParams),
    responses((status = 200, description = "A page of reports", body = Paged<CaseView>))
)]
#[get("/v5/moderation/reports")]
pub async fn list(
    app: web::Data<App>,
    caller: Caller,
    Params(params): Params<CaseParams>,
) -> ApiResult {
    app.store.require_moderator(caller.user).await?;
    let paging = PageParams {
        bookmark: params.bookmark,
        page_size: params.page_size,
    };
    let name = format!("cases {:?}", params.state);
    let after = app.bookmarks.open(&name, paging.bookmark.as_deref())?;
    let size = paging.size()?;
    let page = app.store.cases(params.state.into(), after, size).await?;
    let page = app.bookmarks.page(&name, page, CaseView::from)?;
    Ok(HttpResponse::Ok().json(page))
}

/// Get what was reported
///
/// With its evidence, and what people hold against it.
#[utoipa::path(
    tag = "Moderation",
    params(("report_id" = String, Path, description = "The report")),
    responses((status = 200, description = "What was reported", body = CaseView))
)]
#[get("/v5/moderation/reports/{report_id}")]
pub async fn get(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    app.store.require_moderator(caller.user).await?;
    let id: ReportId = path_id(&path, "report_id")?;
    let case = app.store.case(id.get()).await?;
    Ok(HttpResponse::Ok().json(CaseView::from(case)))
}

/// Claim what was reported
///
/// For half an hour nobody else decides about it. A repeat begins the time anew.
#[utoipa::path(
    tag = "Moderation",
    params(("report_id" = String, Path, description = "The report")),
    responses((status = 200, description = "It is yours", body = CaseView))
)]
#[post("/v5/moderation/reports/{report_id}/claim")]
pub async fn claim(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    app.store.require_moderator(caller.user).await?;
    let id: ReportId = path_id(&path, "report_id")?;
    app.store.claim_case(caller.user, id.get()).await?;
    let case = app.store.case(id.get()).await?;
    Ok(HttpResponse::Ok().json(CaseView::from(case)))
}

/// A decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ModerationDecision)]
pub struct DecisionBody {
    /// What is done.
    pub action: ModerationAction,
    /// Why: shown to the person concerned, and in the audit log.
    #[schema(max_length = 500, example = "Leads to a shop for pills.")]
    pub reason: Option<String>,
    /// The domain to block; without one, that of the link in question.
    #[schema(example = "pills.example")]
    pub domain: Option<String>,
}

/// Decide about what was reported
///
/// Does what is decided, tells the person concerned, and notes it in the audit log. Claim it first.
#[utoipa::path(
    tag = "Moderation",
    params(("report_id" = String, Path, description = "The report")),
    request_body = DecisionBody,
    responses((status = 200, description = "It is decided", body = CaseView))
)]
#[post("/v5/moderation/reports/{report_id}/resolve")]
pub async fn resolve(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    body: Body<DecisionBody>,
) -> ApiResult {
    app.store.require_moderator(caller.user).await?;
    let id: ReportId = path_id(&path, "report_id")?;
    let body = body.value;
    let (reason, domain) = (body.reason.as_deref(), body.domain.as_deref());
    let decision = Decision::new(body.action.into(), reason, domain)?;
    app.store
        .resolve_case(caller.user, id.get(), decision)
        .await?;
    let case = app.store.case(id.get()).await?;
    Ok(HttpResponse::Ok().json(CaseView::from(case)))
}

/// Read the audit log
///
/// What moderators and operators did, the newest first.
#[utoipa::path(
    tag = "Moderation",
    params(PageParams),
    responses((status = 200, description = "A page of the log", body = Paged<AuditEntryView>))
)]
#[get("/v5/moderation/audit_log")]
pub async fn audit_log(
    app: web::Data<App>,
    caller: Caller,
    Params(paging): Params<PageParams>,
) -> ApiResult {
    app.store.require_moderator(caller.user).await?;
    let name = "audit_log";
    let before = app.bookmarks.open(name, paging.bookmark.as_deref())?;
    let page = app.store.audit_log(before, paging.size()?).await?;
    let page = app.bookmarks.page(name, page, AuditEntryView::from)?;
    Ok(HttpResponse::Ok().json(page))
}
