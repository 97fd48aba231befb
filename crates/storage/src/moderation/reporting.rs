//! Reporting something, and what became of one's reports.

use diesel::prelude::*;
use pinwire_domain::board::Access;
use pinwire_domain::report::{CaseState, ReportDraft, Subject};
use pinwire_domain::{Refusal, Time, UserId, limits};

use super::cases::{REPORT, Report, ReportRow};
use super::evidence::{self, Evidence};
use crate::Snapshot;
use crate::Store;
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::page::{Page, one_more};
use crate::schema::{cases, reports};

fn of(conn: &mut Conn, reporter: UserId, subject: &str) -> Result<Option<ReportRow>> {
    Ok(on!(conn, c => reports::table
        .inner_join(cases::table)
        .filter(reports::subject.eq(subject))
        .filter(reports::reporter_id.eq(reporter.get()))
        .select(REPORT)
        .first(c)
        .optional())?)
}

fn made_since(conn: &mut Conn, reporter: UserId, since: Time) -> Result<i64> {
    Ok(on!(conn, c => reports::table
        .filter(reports::reporter_id.eq(reporter.get()))
        .filter(reports::created_at.gt(since.as_millis()))
        .count()
        .get_result(c))?)
}

/// Adds a report to the undecided case of its subject, or begins one.
fn report(tx: &mut Tx<'_>, reporter: Access, draft: &ReportDraft) -> Step<Report> {
    let (user, key) = (reporter.user, draft.subject.key());
    tx.lock(LockKey::User(user.get()))?;
    if let Some(row) = of(tx.conn()?, user, &key)? {
        return Ok(Report::read(row)?);
    }
    let now = tx.source.now();
    let max = limits::REPORTS_A_DAY_MAX;
    if made_since(tx.conn()?, user, now.plus_millis(-limits::DAY_MS))? >= max {
        let what = "reports";
        return Err(Refusal::DailyLimit { what, max }.into());
    }
    let evidence = evidence::collect(tx, reporter, draft.subject)?;
    if evidence.accused == Some(user) {
        return Err(Refusal::Yourself.into());
    }
    let case = case_of(tx, &key, &evidence, 1)?;
    let values = (
        (
            reports::id.eq(tx.source.new_id()),
            reports::case_id.eq(case),
        ),
        reports::subject.eq(&key),
        reports::reporter_id.eq(user.get()),
        reports::category.eq(draft.category.name()),
        reports::comment.eq(draft.comment.as_deref()),
        reports::created_at.eq(now.as_millis()),
    );
    on!(tx.conn()?, c => diesel::insert_into(reports::table).values(&values).execute(c))?;
    let row = of(tx.conn()?, user, &key)?.ok_or(Refusal::ReportNotFound)?;
    Ok(Report::read(row)?)
}

/// The undecided case of a subject with so many more reporters, begun if there is none.
fn case_of(tx: &mut Tx<'_>, key: &str, evidence: &Evidence, reporters: i64) -> Step<i64> {
    tx.lock(LockKey::Case(key.to_owned()))?;
    let undecided = cases::table
        .filter(cases::subject.eq(key))
        .filter(cases::state.ne(CaseState::Resolved.name()));
    let known: Option<i64> = on!(tx.conn()?, c => undecided.select(cases::id).first(c).optional())?;
    if let Some(id) = known {
        on!(tx.conn()?, c => diesel::update(cases::table.find(id))
            .set(cases::reporters.eq(cases::reporters + reporters))
            .execute(c))?;
        return Ok(id);
    }
    let id = tx.source.new_id();
    let values = (
        (cases::id.eq(id), cases::subject.eq(key)),
        cases::accused_id.eq(evidence.accused.map(UserId::get)),
        cases::evidence.eq(evidence.written()?),
        cases::state.eq(CaseState::Open.name()),
        cases::reporters.eq(reporters),
        cases::created_at.eq(tx.source.now().as_millis()),
    );
    on!(tx.conn()?, c => diesel::insert_into(cases::table).values(&values).execute(c))?;
    Ok(id)
}

/// Brings something before moderators that nobody has reported, as somebody sees it.
pub(crate) fn open_case(tx: &mut Tx<'_>, seen_by: Access, subject: Subject) -> Step<()> {
    let evidence = evidence::collect(tx, seen_by, subject)?;
    case_of(tx, &subject.key(), &evidence, 0)?;
    Ok(())
}

impl Store {
    /// Reports something that the reporter sees. Of what they reported before, the report that there is.
    ///
    /// # Errors
    /// That there is no such thing; [`Refusal::Yourself`] for what is the reporter's own; [`Refusal::DailyLimit`].
    pub async fn report(&self, reporter: Access, draft: ReportDraft) -> Result<Report> {
        let locks = vec![
            LockKey::User(reporter.user.get()),
            LockKey::Case(draft.subject.key()),
        ];
        self.act(locks, move |tx| report(tx, reporter, &draft))
            .await
    }

    /// A page of a person's reports, the newest first, those before an id.
    pub async fn own_reports(
        &self,
        reporter: UserId,
        before: Option<i64>,
        size: usize,
    ) -> Result<Snapshot<Page<Report, i64>>> {
        self.snapshot(move |conn| {
            let rows: Vec<ReportRow> = on!(conn, c => reports::table
                .inner_join(cases::table)
                .filter(reports::reporter_id.eq(reporter.get()))
                .filter(reports::id.lt(before.unwrap_or(i64::MAX)))
                .order(reports::id.desc())
                .limit(one_more(size))
                .select(REPORT)
                .load(c))?;
            let Page { items, next } = Page::cut(rows, size, |row| row.0);
            let items = items.into_iter().map(Report::read);
            Ok(Page {
                items: items.collect::<Result<_>>()?,
                next,
            })
        })
        .await
    }

    /// One of a person's reports.
    ///
    /// # Errors
    /// [`Refusal::ReportNotFound`].
    pub async fn own_report(&self, reporter: UserId, id: i64) -> Result<Snapshot<Report>> {
        self.snapshot(move |conn| {
            let row: Option<ReportRow> = on!(conn, c => reports::table
                .inner_join(cases::table)
                .filter(reports::reporter_id.eq(reporter.get()).and(reports::id.eq(id)))
                .select(REPORT)
                .first(c)
                .optional())?;
            Report::read(row.ok_or(Refusal::ReportNotFound)?)
        })
        .await
    }
}
