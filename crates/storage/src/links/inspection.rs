//! Looking where links lead: which one is next, and what was found.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use pinwire_domain::link::judge::{Journey, Suspect};
use pinwire_domain::{PinId, Time, limits};

use super::{CHECK, LinkCheck, LinkRules, listed, note_domains, written};
use crate::Store;
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::{Result, StoreError};
use crate::pin_states::{self, Changed};
use crate::schema::{links, pins};

/// A link to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    id: i64,
    /// The address.
    pub address: String,
    /// Until when nobody else looks at it; so a node that stops loses none.
    leased_until: i64,
}

/// When somebody looks again at a link that was made then.
fn next_due(created_at: Time, now: Time) -> Option<Time> {
    let times = limits::LINK_CHECKED_AGAIN_MS.into_iter();
    times
        .map(|after| created_at.plus_millis(after))
        .find(|due| *due > now)
}

/// That nobody looked lately, and nobody does right now.
#[diesel::dsl::auto_type(no_type_alias)]
fn is_stale(now: Time) -> _ {
    let lately: i64 = now.plus_millis(-limits::LINK_FRESH_MS).as_millis();
    let (from, to): (i64, i64) = (
        now.as_millis(),
        now.plus_millis(limits::LINK_LEASE_MS).as_millis(),
    );
    let old = links::inspected_at
        .is_null()
        .or(links::inspected_at.assume_not_null().lt(lately));
    let free = links::due_at
        .is_null()
        .or(links::due_at.assume_not_null().le(from))
        .or(links::due_at.assume_not_null().gt(to));
    old.and(free)
}

/// The link whose look is due for longest, and its address.
fn due(conn: &mut Conn, now: Time) -> Result<Option<(i64, String)>> {
    Ok(on!(conn, c => links::table
        .filter(links::due_at.le(now.as_millis()))
        .order((links::due_at, links::id))
        .select((links::id, links::address))
        .first(c)
        .optional())?)
}

/// Gives a link to the caller alone for a while.
fn lease(tx: &mut Tx<'_>, (id, address): (i64, String)) -> Step<Inspection> {
    let leased_until = tx.source.now().plus_millis(limits::LINK_LEASE_MS);
    let leased_until = leased_until.as_millis();
    on!(tx.conn()?, c => diesel::update(links::table.find(id))
        .set(links::due_at.eq(leased_until))
        .execute(c))?;
    Ok(Inspection {
        id,
        address,
        leased_until,
    })
}

fn lease_next(tx: &mut Tx<'_>) -> Step<Option<Inspection>> {
    tx.lock(LockKey::LinkLease)?;
    let now = tx.source.now();
    let due = due(tx.conn()?, now)?;
    due.map(|due| lease(tx, due)).transpose()
}

/// A link's row.
#[derive(Queryable)]
struct Row {
    check: (String, String, String),
    inspections: i64,
    failures: i64,
    created_at: i64,
    due_at: Option<i64>,
}

fn row(conn: &mut Conn, id: i64) -> Result<Row> {
    Ok(on!(conn, c => links::table
        .find(id)
        .select((
            CHECK,
            links::inspections,
            links::failures,
            links::created_at,
            links::due_at,
        ))
        .first(c))?)
}

/// Writes down where a link leads, and tells those who hold it if that changes how safe it is.
fn found(tx: &mut Tx<'_>, rules: &LinkRules, seen: &Inspection, journey: &Journey) -> Step<()> {
    tx.lock(LockKey::BlockedDomains)?;
    let before = row(tx.conn()?, seen.id)?;
    if before.due_at != Some(seen.leased_until) {
        // The lease ran out, and somebody else looked.
        return Ok(());
    }
    let now = tx.source.now();
    let link = links::table.find(seen.id);
    if journey.is_unreachable && before.failures + 1 < limits::LINK_TRIES {
        let again = now.plus_millis(limits::LINK_TRIED_AGAIN_MS).as_millis();
        on!(tx.conn()?, c => diesel::update(link)
            .set((links::failures.eq(before.failures + 1), links::due_at.eq(again)))
            .execute(c))?;
        return Ok(());
    }
    let suspect = Suspect {
        link: &seen.address,
        journey: Some(journey),
    };
    let domains = suspect.domains();
    let listed = listed(tx.conn()?, &domains)?;
    let judgement = rules.judge(&suspect, &listed);
    note_domains(tx.conn()?, seen.id, &domains)?;
    let kept = (&journey.redirects, journey.is_unreachable);
    let kept = serde_json::to_string(&kept).map_err(StoreError::from)?;
    let inspections = before.inspections + 1;
    on!(tx.conn()?, c => diesel::update(link)
        .set((
            links::verdict.eq(judgement.verdict.name()),
            links::reasons.eq(written(&judgement.reasons)),
            links::journey.eq(&kept),
            links::inspected_at.eq(now.as_millis()),
            links::inspections.eq(inspections),
            links::failures.eq(0),
            links::due_at.eq(next_due(Time::from_millis(before.created_at), now).map(Time::as_millis)),
        ))
        .execute(c))?;
    let known = LinkCheck::of_columns(before.check)?;
    if (known.verdict, known.reasons) == (judgement.verdict, judgement.reasons) {
        return Ok(());
    }
    pin_states::tell(tx, Changed::Link { id: seen.id })
}

/// The first pin that was made before links were judged, and where it leads.
fn unjudged(conn: &mut Conn) -> Result<Option<(i64, String)>> {
    Ok(on!(conn, c => pins::table
        .filter(pins::link.is_not_null().and(pins::link_id.is_null()))
        .order(pins::id)
        .select((pins::id, pins::link.assume_not_null()))
        .first(c)
        .optional())?)
}

/// Judges the link of a pin that was made before links were, and of its messages.
fn adopt(tx: &mut Tx<'_>, rules: &LinkRules) -> Step<()> {
    tx.lock(LockKey::LinkLease)?;
    let Some((pin, address)) = unjudged(tx.conn()?)? else {
        return Ok(());
    };
    let link = super::of(tx, rules, &address)?;
    on!(tx.conn()?, c => diesel::update(pins::table.find(pin))
        .set(pins::link_id.eq(link))
        .execute(c))?;
    let kept = if tx.conn()?.is_postgres() {
        "(pin_snapshot::json ->> 'link')"
    } else {
        "json_extract(pin_snapshot, '$.link')"
    };
    let query = format!("update messages set link_id = $1 where pin_id = $2 and {kept} = $3");
    on!(tx.conn()?, c => diesel::sql_query(query)
        .bind::<BigInt, _>(link)
        .bind::<BigInt, _>(pin)
        .bind::<Text, _>(&address)
        .execute(c))?;
    pin_states::tell(tx, Changed::pin(PinId::new(pin)))
}

/// Has links looked at that were sent for the first time.
pub(crate) fn note_sent(conn: &mut Conn, sent: &BTreeSet<i64>, now: Time) -> Result<()> {
    if sent.is_empty() {
        return Ok(());
    }
    on!(conn, c => diesel::update(links::table)
        .filter(links::id.eq_any(sent).and(links::is_sent.eq(false)))
        .set((links::is_sent.eq(true), links::due_at.eq(now.as_millis())))
        .execute(c))?;
    Ok(())
}

impl Store {
    /// The link to look at next, if one is due; nobody else gets it for a minute.
    pub async fn next_inspection(&self) -> Result<Option<Inspection>> {
        let now = self.inner.source.now();
        // Mostly none is, and a look costs less than an act.
        if self.read(move |conn| due(conn, now)).await?.is_none() {
            return Ok(None);
        }
        self.act(vec![LockKey::LinkLease], lease_next).await
    }

    /// The link that this token follows, to be looked at now; none if somebody did lately, or does right now.
    pub async fn inspection_of(&self, token: String) -> Result<Option<Inspection>> {
        self.act(vec![LockKey::LinkLease], move |tx| {
            tx.lock(LockKey::LinkLease)?;
            let now = tx.source.now();
            let due: Option<(i64, String)> = on!(tx.conn()?, c => links::table
                .filter(links::token.eq(&token))
                .filter(is_stale(now))
                .select((links::id, links::address))
                .first(c)
                .optional())?;
            due.map(|due| lease(tx, due)).transpose()
        })
        .await
    }

    /// Notes where a link leads. Those who hold it are told if that changes how safe it is.
    ///
    /// Where it could not be looked at, somebody tries again twice, a minute later each, before that is held against it.
    pub async fn note_inspection(&self, seen: Inspection, journey: Journey) -> Result<()> {
        let changed = Changed::Link { id: seen.id };
        let mut locks = self.told_locks(&changed).await?;
        locks.push(LockKey::BlockedDomains);
        let rules = self.inner.links.clone();
        self.act(locks, move |tx| found(tx, &rules, &seen, &journey))
            .await
    }

    /// Judges the link of a pin that was made before links were; whether there was one.
    pub async fn adopt_link(&self) -> Result<bool> {
        if self.read(unjudged).await?.is_none() {
            return Ok(false);
        }
        let rules = self.inner.links.clone();
        let locks = vec![LockKey::LinkLease, LockKey::BlockedDomains];
        self.act(locks, move |tx| adopt(tx, &rules)).await?;
        Ok(true)
    }
}
