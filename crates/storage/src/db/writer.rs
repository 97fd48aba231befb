//! A writer: runs the acts of a batch and commits them together.
//!
//! A writer whose last commit is still the log's newest runs *ahead*: it decides on what it has in memory, without locks
//! and without looking whether an act was done before. All is written at once, or nothing if somebody has written
//! meanwhile or an act was done before.
//!
//! On PostgreSQL other nodes write, too. Where running ahead is in vain for that, a writer waits its *turn*: nobody else
//! decides until it has committed, and what others have changed since its last commit is read anew. Acts that need the
//! connection take locks: what two acts may not touch at once is named by [`LockKey`]s, taken for the whole batch in one
//! global order before the first act decides; an act that finds it needs another key is undone and runs again with it.
//! The log's head row is locked last.

mod ahead;
mod deciding;
mod kept;
mod proposing;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::batch::{Waiting, Way};
use super::checkpoints::Checkpoints;
use super::meter;
use super::pool::Connections;
use super::queue::Queue;
use super::tx::{Abort, LockKey, ROUNDS_MAX, Tx, lock_all, no_end, wait_for_turn};
use super::{Begin, Conn};
use crate::error::{Result, StoreError};
use crate::log::{self, Base, Committed, Proposal};
use crate::rows::Rows;
use crate::source::Source;
use ahead::Ahead;
use deciding::{ATTEMPTS_MAX, Decided, Ended, Outcome, apart};
use kept::Kept;

pub(super) struct Writer {
    connections: Arc<Connections>,
    /// On SQLite.
    checkpoints: Option<Checkpoints>,
    source: Source,
    committed: mpsc::Sender<Committed>,
    /// Acts of the last batch that have to run once more.
    again: Vec<Waiting>,
    /// What the last batch left in memory.
    kept: Kept,
    ahead: Ahead,
}

/// What was written of a batch that was decided without locks.
enum Written {
    All(Outcome),
    /// The log did not stand where it was decided on.
    Nothing,
    /// An act needs more than rows in memory; perhaps what it did before.
    NeedsMore,
}

impl Writer {
    pub(super) fn new(
        connections: &Arc<Connections>,
        source: &Source,
        committed: &mpsc::Sender<Committed>,
        checkpoints: Option<Checkpoints>,
    ) -> Self {
        Self {
            connections: Arc::clone(connections),
            checkpoints,
            source: source.clone(),
            committed: committed.clone(),
            again: Vec::new(),
            kept: Kept::default(),
            ahead: Ahead::default(),
        }
    }

    pub(super) fn run(mut self, queue: &Queue<Waiting>) {
        loop {
            let mut batch = std::mem::take(&mut self.again);
            // What failed for a reason of the database's own runs apart.
            if batch.iter().any(|w| w.attempts > 1) {
                self.again = batch.split_off(1);
            } else if !queue.fill(&mut batch) {
                return;
            }
            // A panic in an act must not end the writer; its batch is rolled back with the connection.
            let again = catch_unwind(AssertUnwindSafe(|| self.commit(batch))).unwrap_or_default();
            self.again.extend(again);
        }
    }

    /// Runs and answers a batch; gives back the acts that have to run again.
    fn commit(&mut self, mut batch: Vec<Waiting>) -> Vec<Waiting> {
        let begun = meter::begin(batch.iter().map(|waiting| waiting.came));
        let conn = self.connections.get();
        let outcome = conn.and_then(|mut conn| self.transact(&mut conn, &mut batch));
        let outcome = outcome.map(|(ended, committed)| {
            if !committed.events.is_empty() {
                // Followers that miss it find it by the log's head.
                drop(self.committed.try_send(committed));
            }
            ended
        });
        let again = answer(batch, outcome);
        meter::end(begun, again.len());
        again
    }

    fn transact(&mut self, conn: &mut Conn, batch: &mut [Waiting]) -> Result<Outcome> {
        // Only what is committed is kept.
        let mut kept = std::mem::take(&mut self.kept);
        let together = batch.iter().all(|w| w.way == Way::Together);
        let mut needs_more = false;
        if let Some(base) = kept.base.filter(|_| together && self.ahead.may()) {
            match self.run_ahead(conn, batch, kept.rows, base) {
                Ok(Written::All(outcome)) => return Ok(outcome),
                Ok(Written::Nothing) => {}
                Ok(Written::NeedsMore) => needs_more = true,
                Err(StoreError::Database(error)) => {
                    tracing::debug!(%error, "what was decided ahead was not written");
                    needs_more = true;
                }
                Err(error) => return Err(error),
            }
            self.ahead.was_in_vain();
            kept = Kept::default();
        }
        if conn.is_postgres() && together && !needs_more {
            if let Some(outcome) = self.run_in_turn(conn, batch, kept)? {
                return Ok(outcome);
            }
            kept = Kept::default();
        }
        conn.begin(Begin::Write)?;
        match self.run_locked(conn, batch, kept) {
            Ok((ended, committed, kept)) => {
                conn.commit()?;
                self.checkpoints.iter().for_each(Checkpoints::wake);
                self.kept = kept;
                Ok((ended, committed))
            }
            Err(error) => {
                roll_back(conn);
                if batch.iter().all(|w| w.attempts >= ATTEMPTS_MAX)
                    || matches!(error, StoreError::Unavailable(_))
                {
                    return Err(error);
                }
                tracing::debug!(%error, "a batch is tried again, one by one");
                Ok(apart(batch))
            }
        }
    }

    /// Decides on what is in memory, without locks, and writes it if the log still stands there.
    fn run_ahead(
        &mut self,
        conn: &mut Conn,
        batch: &mut [Waiting],
        rows: Rows,
        base: Base,
    ) -> Result<Written> {
        let Some(ready) = self.propose(conn, batch, rows, base)? else {
            return Ok(Written::NeedsMore);
        };
        let Some(committed) = write_at_once(conn, ready.proposal)? else {
            return Ok(Written::Nothing);
        };
        self.checkpoints.iter().for_each(Checkpoints::wake);
        self.ahead.succeeded();
        self.kept = ready.kept;
        Ok(Written::All((ready.ended, committed)))
    }

    /// Decides while nobody else does, and writes it by the same statement.
    ///
    /// None, and nothing is written, where an act needs more than rows in memory.
    fn run_in_turn(
        &mut self,
        conn: &mut Conn,
        batch: &mut [Waiting],
        kept: Kept,
    ) -> Result<Option<Outcome>> {
        conn.begin(Begin::Write)?;
        let written = wait_for_turn(conn)
            .and_then(|base| Ok((kept.rows_at(conn, base)?, base)))
            .and_then(|(rows, base)| self.propose(conn, batch, rows, base))
            .and_then(|ready| match ready {
                Some(ready) => {
                    let committed = ready.proposal.write(conn)?;
                    Ok(committed.map(|it| ((ready.ended, it), ready.kept)))
                }
                None => Ok(None),
            });
        match written {
            Ok(Some((outcome, kept))) => {
                conn.commit()?;
                self.kept = kept;
                Ok(Some(outcome))
            }
            Ok(None) | Err(StoreError::Database(_)) => {
                if let Err(error) = written {
                    tracing::debug!(%error, "what was decided in turn was not written");
                }
                // Without its connection it needs another one.
                let is_undone = roll_back(conn);
                Ok((!is_undone).then(|| apart(batch)))
            }
            Err(error) => {
                roll_back(conn);
                Err(error)
            }
        }
    }

    fn run_locked(
        &self,
        conn: &mut Conn,
        batch: &mut [Waiting],
        Kept { mut rows, base: at }: Kept,
    ) -> Result<(Vec<Ended>, Committed, Kept)> {
        let (held, base) = self.lock(conn, batch, &mut rows)?;
        // An act with the connection changes rows beside those in memory.
        if base != at || batch.iter().any(|w| w.way == Way::Alone) {
            rows = Rows::default();
        }
        let mut decided = Decided::default();
        for waiting in batch.iter_mut() {
            let end = match waiting.way {
                Way::Alone | Way::Beside => {
                    Some(self.run_alone(conn, waiting, &held, &mut decided.events)?)
                }
                Way::Together => None,
            };
            decided.ended.push(end);
        }
        let needed = conn.is_postgres().then_some(&held);
        self.run_together(conn, batch, &mut decided, &mut rows, needed)?;
        let committed = log::append(conn, decided.events, &mut rows, base)?;
        let stuck = || Ended::Failed(no_end());
        let ended = decided
            .ended
            .into_iter()
            .map(|end| end.unwrap_or_else(stuck));
        let kept = Kept {
            rows: rows.into_kept(),
            base: base.and_then(|base| committed.after(base)),
        };
        Ok((ended.collect(), committed, kept))
    }

    /// Finds and takes the locks of all acts; also tells how far the log went before that.
    fn lock(
        &self,
        conn: &mut Conn,
        batch: &mut [Waiting],
        rows: &mut Rows,
    ) -> Result<(BTreeSet<LockKey>, Option<Base>)> {
        let mut held: BTreeSet<LockKey> = BTreeSet::new();
        if !conn.is_postgres() {
            // Nobody else writes.
            return Ok((held, Some(Base::now(conn)?)));
        }
        // What is found without a lock may be another's a moment later: the acts themselves look again.
        for _ in 0..ROUNDS_MAX {
            let mut missing = false;
            for waiting in batch.iter_mut() {
                held.extend(waiting.locks.iter().cloned());
                if let Some(find) = &mut waiting.find_locks {
                    let nothing = BTreeSet::new();
                    let mut tx = Tx::new(&self.source, rows, &nothing, None, false);
                    match find(&mut tx) {
                        Ok(found) => held.extend(found),
                        Err(Abort::Missing) => missing = true,
                        // The act itself meets the same, and answers for it.
                        Err(_) => {}
                    }
                }
            }
            if !missing {
                break;
            }
            rows.load(conn)?;
        }
        let base = lock_all(conn, &held)?;
        Ok((held, base))
    }
}

/// Answers the acts of a batch; gives back those that have to run again.
fn answer(batch: Vec<Waiting>, outcome: Result<Vec<Ended>>) -> Vec<Waiting> {
    let mut again = Vec::new();
    match outcome {
        Ok(ended) => {
            for (mut waiting, end) in batch.into_iter().zip(ended) {
                match end {
                    Ended::Done => waiting.job.answer(Ok(())),
                    Ended::Failed(error) => waiting.job.answer(Err(error)),
                    Ended::Again(reason) => {
                        waiting.prepare(reason);
                        again.push(waiting);
                    }
                }
            }
        }
        Err(error) => {
            let reason = error.to_string();
            tracing::warn!(%reason, acts = batch.len(), "a batch was not committed");
            for waiting in batch {
                let error = StoreError::Unavailable(reason.clone());
                waiting.job.answer(Err(error));
            }
        }
    }
    again
}

/// Writes a proposal in a transaction of its own; on PostgreSQL it is one.
fn write_at_once(conn: &mut Conn, proposal: Proposal) -> Result<Option<Committed>> {
    if conn.is_postgres() {
        return proposal.write(conn);
    }
    conn.begin(Begin::Write)?;
    let written = proposal.write(conn);
    if matches!(written, Ok(Some(_))) {
        conn.commit()?;
    } else {
        roll_back(conn);
    }
    written
}

/// Whether that worked: a connection that it failed on is given back broken, and the pool drops it.
fn roll_back(conn: &mut Conn) -> bool {
    let outcome = conn.rollback();
    if let Err(error) = &outcome {
        tracing::debug!(%error, "the rollback failed");
    }
    outcome.is_ok()
}
