//! Cases: what was reported, each thing once, and what moderators decide about it.

use diesel::prelude::*;
use pinwire_domain::report::{Action, CaseState, Category, Decision, NoticeCode, Subject};
use pinwire_domain::{PinId, Refusal, Time, UserId, limits};
use serde_json::Value;

use super::{Entry, note, notices};
use crate::Store;
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::{Result, StoreError};
use crate::links;
use crate::messages::changes;
use crate::page::{Page, one_more};
use crate::pin_states::Changed;
use crate::schema::{cases, reports, users};
use crate::{pins, requests, sessions};

/// What somebody reported, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its id; later ones are higher.
    pub id: i64,
    /// What about.
    pub subject: Subject,
    /// What is held against it.
    pub category: Category,
    /// In the reporter's words.
    pub comment: Option<String>,
    /// When.
    pub created_at: Time,
    /// When it was decided.
    pub resolved_at: Option<Time>,
    /// Whether something was done.
    pub was_acted_on: bool,
}

/// The columns of a [`Report`].
#[allow(
    clippy::type_complexity,
    reason = "the columns of a query are a type each"
)]
pub(super) const REPORT: (
    reports::id,
    reports::subject,
    reports::category,
    reports::comment,
    reports::created_at,
    cases::resolved_at,
    cases::action,
) = (
    reports::id,
    reports::subject,
    reports::category,
    reports::comment,
    reports::created_at,
    cases::resolved_at,
    cases::action,
);

pub(super) type ReportRow = (
    i64,
    String,
    String,
    Option<String>,
    i64,
    Option<i64>,
    Option<String>,
);

fn corrupt(name: String) -> StoreError {
    StoreError::Corrupt(name)
}

impl Report {
    pub(super) fn read(row: ReportRow) -> Result<Self> {
        let (id, subject, category, comment, created_at, resolved_at, action) = row;
        Ok(Self {
            id,
            subject: Subject::from_key(&subject).ok_or_else(|| corrupt(subject))?,
            category: Category::from_name(&category).ok_or_else(|| corrupt(category))?,
            comment,
            created_at: Time::from_millis(created_at),
            resolved_at: resolved_at.map(Time::from_millis),
            was_acted_on: action.is_some_and(|name| name != Action::None.name()),
        })
    }
}

/// What was reported, for moderators.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Its id; later ones are higher.
    pub id: i64,
    /// What about.
    pub subject: Subject,
    /// Whose it is; of a group, nobody's.
    pub accused: Option<UserId>,
    /// What was there when it was reported first.
    pub evidence: Value,
    /// How far it is.
    pub state: CaseState,
    /// Who has it, or decided.
    pub claimed_by: Option<UserId>,
    /// What was done.
    pub action: Option<Action>,
    /// Why.
    pub reason: Option<String>,
    /// People who reported it.
    pub reporters: i64,
    /// What they hold against it, the newest first, as many as are shown.
    pub reports: Vec<(Category, Option<String>)>,
    /// When it was reported first.
    pub created_at: Time,
    /// When it was decided.
    pub resolved_at: Option<Time>,
}

/// Reports of a case that are shown.
const REPORTS_SHOWN: i64 = 20;

#[derive(Queryable)]
struct Row {
    id: i64,
    subject: String,
    accused_id: Option<i64>,
    evidence: String,
    state: String,
    claimed_by: Option<i64>,
    claimed_at: Option<i64>,
    resolved_at: Option<i64>,
    action: Option<String>,
    reason: Option<String>,
    reporters: i64,
    created_at: i64,
}

impl Row {
    fn state(&self) -> Result<CaseState> {
        CaseState::from_name(&self.state).ok_or_else(|| corrupt(self.state.clone()))
    }

    fn subject(&self) -> Result<Subject> {
        Subject::from_key(&self.subject).ok_or_else(|| corrupt(self.subject.clone()))
    }

    /// Who has it: a claim runs out.
    fn holder(&self, now: Time) -> Option<UserId> {
        let since = self.claimed_at.map(Time::from_millis)?;
        let holds = since.plus_millis(limits::CLAIM_MS) > now;
        self.claimed_by.filter(|_| holds).map(UserId::new)
    }

    fn case(self, conn: &mut Conn) -> Result<Case> {
        let rows: Vec<(String, Option<String>)> = on!(conn, c => reports::table
            .filter(reports::case_id.eq(self.id))
            .order(reports::id.desc())
            .limit(REPORTS_SHOWN)
            .select((reports::category, reports::comment))
            .load(c))?;
        let reports = rows.into_iter().map(|(category, comment)| {
            let category = Category::from_name(&category).ok_or_else(|| corrupt(category));
            Ok((category?, comment))
        });
        let action = self.action.clone();
        let action = action.map(|name| Action::from_name(&name).ok_or_else(|| corrupt(name)));
        Ok(Case {
            id: self.id,
            subject: self.subject()?,
            accused: self.accused_id.map(UserId::new),
            evidence: serde_json::from_str(&self.evidence)?,
            state: self.state()?,
            claimed_by: self.claimed_by.map(UserId::new),
            action: action.transpose()?,
            reason: self.reason,
            reporters: self.reporters,
            reports: reports.collect::<Result<_>>()?,
            created_at: Time::from_millis(self.created_at),
            resolved_at: self.resolved_at.map(Time::from_millis),
        })
    }
}

fn row(conn: &mut Conn, id: i64) -> Result<Row> {
    let row: Option<Row> = on!(conn, c => cases::table.find(id).first(c).optional())?;
    Ok(row.ok_or(Refusal::ReportNotFound)?)
}

fn claim(tx: &mut Tx<'_>, moderator: UserId, id: i64) -> Step<()> {
    tx.lock(LockKey::Case(id.to_string()))?;
    let (case, now) = (row(tx.conn()?, id)?, tx.source.now());
    if case.state()? == CaseState::Resolved {
        return Err(Refusal::ReportResolved.into());
    }
    match case.holder(now) {
        Some(holder) if holder != moderator => return Err(Refusal::ReportNotClaimed.into()),
        _ => {}
    }
    on!(tx.conn()?, c => diesel::update(cases::table.find(id))
        .set((
            cases::state.eq(CaseState::Claimed.name()),
            cases::claimed_by.eq(moderator.get()),
            cases::claimed_at.eq(now.as_millis()),
        ))
        .execute(c))?;
    note(tx, Some(moderator), &Entry::Claimed(id))
}

/// The domain that a case is about: that of the link in its evidence.
fn domain_of(evidence: &Value) -> Option<String> {
    let places = ["/pin/link", "/message/pin/link"];
    let link = places
        .iter()
        .find_map(|it| evidence.pointer(it)?.as_str())?;
    pinwire_domain::link::registered_domain(link)
}

/// Bars an account: its sessions end, and it cannot be signed in to.
fn suspend(tx: &mut Tx<'_>, user: UserId) -> Step<()> {
    tx.lock(LockKey::User(user.get()))?;
    let now = tx.source.now().as_millis();
    sessions::revoke_all(tx, user, None)?;
    on!(tx.conn()?, c => diesel::update(users::table.find(user.get()))
        .set((users::suspended_at.eq(now), users::closed_at.eq(now)))
        .execute(c))?;
    // Writers keep whether an account is open.
    crate::log::note_unlogged(tx.conn()?)?;
    Ok(())
}

fn remove(tx: &mut Tx<'_>, subject: Subject, evidence: &Value) -> Step<NoticeCode> {
    match subject {
        Subject::Message(id, position) => {
            changes::take_down(tx, (id, position))?;
            Ok(NoticeCode::MessageRemoved)
        }
        // A request of two is its first message.
        Subject::Request(id) => {
            let position = evidence
                .pointer("/message/position")
                .and_then(Value::as_i64);
            let position = position.ok_or(Refusal::ActionNotPossible)?;
            changes::take_down(tx, (id, position))?;
            Ok(NoticeCode::MessageRemoved)
        }
        Subject::Pin(id) => {
            let owner = pins::owner(tx.conn()?, id)?;
            pins::take_down(tx, owner, id)?;
            Ok(NoticeCode::PinRemoved)
        }
        Subject::User(_) | Subject::Conversation(_) => Err(Refusal::ActionNotPossible.into()),
    }
}

fn resolve(tx: &mut Tx<'_>, moderator: UserId, id: i64, decision: &Decision) -> Step<()> {
    tx.lock(LockKey::Case(id.to_string()))?;
    let (case, now) = (row(tx.conn()?, id)?, tx.source.now());
    if case.state()? == CaseState::Resolved {
        return Err(Refusal::ReportResolved.into());
    }
    if case.holder(now) != Some(moderator) {
        return Err(Refusal::ReportNotClaimed.into());
    }
    let subject = case.subject()?;
    let accused = case.accused_id.map(UserId::new);
    if !subject.takes(decision.action) {
        return Err(Refusal::ActionNotPossible.into());
    }
    let accused_person = || accused.ok_or(Refusal::ActionNotPossible);
    let evidence: Value = serde_json::from_str(&case.evidence).map_err(StoreError::from)?;
    let mut decision = decision.clone();
    let notice = match decision.action {
        Action::None => None,
        Action::Warn => Some((accused_person()?, NoticeCode::Warned)),
        Action::Remove => Some((accused_person()?, remove(tx, subject, &evidence)?)),
        Action::Suspend => {
            suspend(tx, accused_person()?)?;
            None
        }
        Action::BlockDomain => {
            let domain = decision.domain.take().or_else(|| domain_of(&evidence));
            let domain = domain.ok_or(Refusal::ActionNotPossible)?;
            let reason = decision.reason.as_deref();
            links::block(tx, Some(moderator), std::slice::from_ref(&domain), reason)?;
            decision.domain = Some(domain);
            None
        }
    };
    if let Subject::Pin(pin) = subject {
        requests::reviewed(tx, pin, decision.action)?;
    }
    if let Some((person, code)) = notice {
        notices::give(tx, person, code, decision.reason.as_deref())?;
    }
    on!(tx.conn()?, c => diesel::update(cases::table.find(id))
        .set((
            cases::state.eq(CaseState::Resolved.name()),
            cases::resolved_at.eq(now.as_millis()),
            cases::action.eq(decision.action.name()),
            cases::reason.eq(decision.reason.as_deref()),
        ))
        .execute(c))?;
    note(
        tx,
        Some(moderator),
        &Entry::Resolved(id, &case.subject, &decision),
    )
}

fn page(conn: &mut Conn, state: CaseState, after: i64, size: usize) -> Result<Page<Case, i64>> {
    let rows: Vec<Row> = on!(conn, c => cases::table
        .filter(cases::state.eq(state.name()))
        .filter(cases::id.gt(after))
        .order(cases::id)
        .limit(one_more(size))
        .load(c))?;
    let Page { items, next } = Page::cut(rows, size, |row| row.id);
    let items = items.into_iter().map(|row| row.case(conn));
    Ok(Page {
        items: items.collect::<Result<_>>()?,
        next,
    })
}

impl Store {
    /// A page of the cases in a state, the oldest first, those after an id.
    pub async fn cases(
        &self,
        state: CaseState,
        after: Option<i64>,
        size: usize,
    ) -> Result<Page<Case, i64>> {
        let after = after.unwrap_or_default();
        self.read(move |conn| page(conn, state, after, size)).await
    }

    /// A case.
    ///
    /// # Errors
    /// [`Refusal::ReportNotFound`].
    pub async fn case(&self, id: i64) -> Result<Case> {
        self.read(move |conn| row(conn, id)?.case(conn)).await
    }

    /// Gives a case to a moderator alone for half an hour. A repeat begins the time anew.
    ///
    /// # Errors
    /// [`Refusal::ReportNotFound`], [`Refusal::ReportResolved`], [`Refusal::ReportNotClaimed`] if another one has it.
    pub async fn claim_case(&self, moderator: UserId, id: i64) -> Result<()> {
        let locks = vec![LockKey::Case(id.to_string())];
        self.act(locks, move |tx| claim(tx, moderator, id)).await
    }

    /// Decides a case that the moderator has claimed, does what is decided, and tells the person concerned.
    ///
    /// # Errors
    /// [`Refusal::ReportNotFound`], [`Refusal::ReportResolved`], [`Refusal::ReportNotClaimed`],
    /// [`Refusal::ActionNotPossible`].
    pub async fn resolve_case(&self, moderator: UserId, id: i64, decision: Decision) -> Result<()> {
        let mut locks = vec![LockKey::Case(id.to_string())];
        let subject = self.read(move |conn| row(conn, id)?.subject()).await?;
        if let Subject::Pin(pin) = subject {
            locks.extend(self.pin_locks_of(pin).await?);
        }
        self.act(locks, move |tx| resolve(tx, moderator, id, &decision))
            .await
    }

    async fn pin_locks_of(&self, pin: PinId) -> Result<Vec<LockKey>> {
        let owner = self.read(move |conn| pins::owner(conn, pin)).await?;
        self.pin_locks(owner, Changed::pin(pin)).await
    }
}
