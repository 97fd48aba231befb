//! Reports: telling moderators of something, and what they tell you.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use pinwire_domain::ReportId;
use pinwire_domain::report::ReportDraft;
use pinwire_domain::token::Scope;
use serde::Deserialize;
use utoipa::ToSchema;

use super::path_id;
use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::ApiResult;
use crate::page::{PageParams, Paged};
use crate::params::Params;
use crate::view;
use crate::view::kinds::ReportCategory;
use crate::view::report::{ModerationNoticeView, ReportView, SubjectView};

/// A report.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ReportCreate)]
pub struct ReportBody {
    /// What about; you must see it.
    pub subject: SubjectView,
    /// What you hold against it.
    pub category: ReportCategory,
    /// In your words, 500 characters at most.
    #[schema(max_length = 500, example = "Leads to a shop for pills.")]
    pub comment: Option<String>,
}

/// Report something
///
/// Moderators see it as it is now, also if it is deleted later. Nobody else learns that you reported it. Of what you
/// have reported before, the answer is that report.
#[utoipa::path(
    tag = "Reports",
    request_body = ReportBody,
    responses((status = 201, description = "The report", body = ReportView))
)]
#[post("/v5/reports")]
pub async fn create(app: web::Data<App>, caller: Caller, body: Body<ReportBody>) -> ApiResult {
    let body = body.value;
    let subject = body.subject.subject()?;
    let draft = ReportDraft::new(subject, body.category.into(), body.comment.as_deref())?;
    let access = caller.access(Scope::PinsReadSecret);
    let report = app.store.report(access, draft).await?;
    Ok(HttpResponse::build(StatusCode::CREATED).json(ReportView::from(report)))
}

/// List your reports
///
/// The newest first.
#[utoipa::path(
    tag = "Reports",
    params(PageParams),
    responses((status = 200, description = "A page of reports", body = Paged<ReportView>))
)]
#[get("/v5/reports")]
pub async fn list(
    app: web::Data<App>,
    caller: Caller,
    Params(paging): Params<PageParams>,
) -> ApiResult {
    let list = format!("reports {}", caller.user);
    let before = app.bookmarks.open(&list, paging.bookmark.as_deref())?;
    let size = paging.size()?;
    let read = app.store.own_reports(caller.user, before, size).await?;
    let page = app.bookmarks.page(&list, read.value, ReportView::from)?;
    Ok(view::at(&read.cursor, &page))
}

/// Get a report
///
/// One of yours, with what became of it.
#[utoipa::path(
    tag = "Reports",
    params(("report_id" = String, Path, description = "The report")),
    responses((status = 200, description = "The report", body = ReportView))
)]
#[get("/v5/reports/{report_id}")]
pub async fn get(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    let id: ReportId = path_id(&path, "report_id")?;
    let read = app.store.own_report(caller.user, id.get()).await?;
    Ok(view::snapshot(read, ReportView::from))
}

/// List notices of moderators
///
/// What moderators told you, the newest first.
#[utoipa::path(
    tag = "Reports",
    params(PageParams),
    responses((status = 200, description = "A page of notices", body = Paged<ModerationNoticeView>))
)]
#[get("/v5/user_account/notices")]
pub async fn notices(
    app: web::Data<App>,
    caller: Caller,
    Params(paging): Params<PageParams>,
) -> ApiResult {
    let name = format!("notices {}", caller.user);
    let before = app.bookmarks.open(&name, paging.bookmark.as_deref())?;
    let size = paging.size()?;
    let read = app.store.notices(caller.user, before, size).await?;
    let page = app
        .bookmarks
        .page(&name, read.value, ModerationNoticeView::from)?;
    Ok(view::at(&read.cursor, &page))
}
