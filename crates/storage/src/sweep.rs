//! Removing what nobody needs any more, a bounded amount at a time.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use pinwire_domain::{Time, limits};

use crate::Store;
use crate::db::{Conn, on};
use crate::error::Result;
use crate::log;

/// Rows of one kind that one sweep removes at most; the rest takes another.
const SWEEP_MAX: i64 = 1_000;

/// How many rows a sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Tickets that expired.
    pub tickets: usize,
    /// Refresh tokens that expired or whose session ended.
    pub refresh_tokens: usize,
    /// Sessions that expired or were signed out.
    pub sessions: usize,
    /// Idempotency keys whose time is over.
    pub idempotency_keys: usize,
    /// What was reported and decided long ago.
    pub cases: usize,
    /// Tries and invitations that count no more.
    pub counts: usize,
    /// Events older than the log is kept.
    pub events: usize,
}

impl Swept {
    /// Whether there may be more to remove.
    #[must_use]
    pub fn more(self) -> bool {
        let Self {
            tickets,
            refresh_tokens,
            sessions,
            idempotency_keys,
            cases,
            counts,
            events,
        } = self;
        let all = [
            tickets,
            refresh_tokens,
            sessions,
            idempotency_keys,
            cases,
            counts,
            events,
        ];
        all.into_iter()
            .any(|rows| i64::try_from(rows).is_ok_and(|rows| rows >= SWEEP_MAX))
    }
}

const TICKETS: &str = "delete from tickets where ticket_hash in (
    select ticket_hash from tickets where expires_at <= $1 limit $2)";

const REFRESH_TOKENS: &str = "delete from refresh_tokens where token_hash in (
    select token_hash from refresh_tokens where expires_at <= $1 limit $2)";

/// A session that was signed out has expired at that moment.
const REFRESH_TOKENS_OF_ENDED_SESSIONS: &str = "delete from refresh_tokens where token_hash in (
    select token_hash from sessions
    join refresh_tokens on refresh_tokens.session_id = sessions.id
    where sessions.expires_at <= $1 limit $2)";

/// Only those whose tokens are gone: a session may have thousands, and they would all go with it.
const SESSIONS: &str = "delete from sessions where id in (
    select id from sessions where expires_at <= $1
    and not exists (select 1 from refresh_tokens where session_id = sessions.id) limit $2)";

const IDEMPOTENCY_KEYS: &str = "delete from idempotency_keys where (user_id, key) in (
    select user_id, key from idempotency_keys
    where expires_at is not null and expires_at <= $1 limit $2)";

/// Reports go with it; what is undecided stays.
const CASES: &str = "delete from cases where id in (
    select id from cases where resolved_at is not null and resolved_at <= $1 limit $2)";

const ATTEMPTS: &str = "delete from attempts where key_hash in (
    select key_hash from attempts where free_at <= $1 limit $2)";

const REQUEST_MARKS: &str = "delete from request_marks where (mark, conversation_id) in (
    select mark, conversation_id from request_marks where created_at <= $1 limit $2)";

const GROUP_INVITATIONS: &str = "delete from group_invitations where id in (
    select id from group_invitations where created_at <= $1 limit $2)";

/// Runs a deletion of what was over at `now`.
fn remove(conn: &mut Conn, deletion: &'static str, now: Time) -> Result<usize> {
    Ok(on!(conn, c => diesel::sql_query(deletion)
        .bind::<BigInt, _>(now.as_millis())
        .bind::<BigInt, _>(SWEEP_MAX)
        .execute(c))?)
}

impl Store {
    /// Removes what has expired and the oldest events, 1,000 rows of each kind at most.
    ///
    /// Any number of nodes may do it at any time.
    pub async fn sweep(&self) -> Result<Swept> {
        let mut swept = self
            .act(Vec::new(), |tx| {
                let now = tx.source.now();
                let a_day_ago = now.plus_millis(-limits::DAY_MS);
                Ok(Swept {
                    tickets: remove(tx.conn()?, TICKETS, now)?,
                    refresh_tokens: remove(tx.conn()?, REFRESH_TOKENS, now)?
                        + remove(tx.conn()?, REFRESH_TOKENS_OF_ENDED_SESSIONS, now)?,
                    sessions: remove(tx.conn()?, SESSIONS, now)?,
                    idempotency_keys: remove(tx.conn()?, IDEMPOTENCY_KEYS, now)?,
                    cases: remove(
                        tx.conn()?,
                        CASES,
                        now.plus_millis(-limits::EVIDENCE_KEPT_MS),
                    )?,
                    counts: remove(tx.conn()?, ATTEMPTS, now)?
                        + remove(tx.conn()?, GROUP_INVITATIONS, a_day_ago)?
                        + remove(tx.conn()?, REQUEST_MARKS, a_day_ago)?,
                    events: 0,
                })
            })
            .await?;
        // Apart: it locks the log's head, which nothing should wait for while it holds other rows.
        swept.events = self
            .act(Vec::new(), |tx| {
                let before = tx.source.now().plus_millis(-limits::EVENT_LOG_KEPT_MS);
                Ok(log::trim(tx.conn()?, before, SWEEP_MAX)?)
            })
            .await?;
        Ok(swept)
    }
}
