//! A writer: runs the acts of a batch and commits them together.
//!
//! On PostgreSQL other nodes write, too. A writer whose last commit is still the log's newest runs *ahead*: it decides
//! without locks on what it has in memory, and all is written by one statement that does nothing if anybody has
//! written meanwhile. Otherwise, and for acts that need the connection, it takes locks: what two acts may not touch at
//! once is named by [`LockKey`]s, taken for the whole batch in one global order before the first act decides; an act
//! that finds it needs another key is undone and runs again with it. The log's head row is locked last.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;

use super::batch::{Waiting, Way, fill};
use super::checkpoints::Checkpoints;
use super::many::Writes;
use super::meter;
use super::pool::Connections;
use super::tx::{Abort, Emitted, LockKey, ROUNDS_MAX, Tx, lock_all, no_end};
use super::{Begin, Conn};
use crate::error::{Result, StoreError};
use crate::log::{self, Base, Committed};
use crate::rows::Rows;
use crate::source::Source;

/// How often an act is tried when locks, ids or the database's own conflicts stand in its way.
const ATTEMPTS_MAX: u32 = 6;
/// Batches that take locks after runs ahead that were in vain, at most.
const LOCKED_MAX: u32 = 63;

/// How an act of a batch ended.
enum Ended {
    Done,
    Failed(StoreError),
    Again(Again),
}

/// Why an act has to run again.
enum Again {
    /// With this key locked.
    Locked(LockKey),
    /// With the connection.
    Alone,
    /// The database refused its batch.
    Apart,
}

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

/// Rows that need not be read again as long as the log stands where it stood.
#[derive(Default)]
struct Kept {
    rows: Rows,
    base: Option<Base>,
}

/// Whether to run ahead: less often, the more often it was in vain.
#[derive(Default)]
struct Ahead {
    /// Batches that still take locks.
    locked: u32,
    /// As many as there were after the last run in vain.
    last: u32,
}

impl Ahead {
    /// Whether this batch may.
    fn may(&mut self) -> bool {
        let may = self.locked == 0;
        self.locked = self.locked.saturating_sub(1);
        may
    }

    fn succeeded(&mut self) {
        self.last = 0;
    }

    fn was_in_vain(&mut self) {
        self.last = (self.last * 2 + 1).min(LOCKED_MAX);
        self.locked = self.last;
    }
}

/// How the acts of a batch ended, and what was committed.
type Outcome = (Vec<Ended>, Committed);

/// How far a batch is decided.
#[derive(Default)]
struct Decided {
    /// For each act, how it ended; none while it has not.
    ended: Vec<Option<Ended>>,
    events: Vec<Emitted>,
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

    pub(super) fn run(mut self, waiting: &Mutex<mpsc::Receiver<Waiting>>) {
        loop {
            let mut batch = std::mem::take(&mut self.again);
            // What failed for a reason of the database's own runs apart.
            if batch.iter().any(|w| w.attempts > 1) {
                self.again = batch.split_off(1);
            } else if !fill(&mut batch, waiting) {
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
        let mut again = Vec::new();
        match outcome {
            Ok((ended, committed)) => {
                if !committed.events.is_empty() {
                    // Followers that miss it find it by the log's head.
                    drop(self.committed.try_send(committed));
                }
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
                    waiting
                        .job
                        .answer(Err(StoreError::Unavailable(reason.clone())));
                }
            }
        }
        meter::end(begun, again.len());
        again
    }

    fn transact(&mut self, conn: &mut Conn, batch: &mut [Waiting]) -> Result<Outcome> {
        // Only what is committed is kept.
        let mut kept = std::mem::take(&mut self.kept);
        if conn.is_postgres() {
            let rows = std::mem::take(&mut kept.rows);
            if let Some(base) = kept.base.take()
                && batch.iter().all(|w| w.way == Way::Together)
                && self.ahead.may()
            {
                if let Some(outcome) = self.run_ahead(conn, batch, rows, base)? {
                    self.ahead.succeeded();
                    return Ok(outcome);
                }
                self.ahead.was_in_vain();
            }
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
                // The connection is given back broken if this fails, and the pool drops it.
                if let Err(rollback) = conn.rollback() {
                    tracing::debug!(%rollback, "the rollback failed");
                }
                if batch.iter().all(|w| w.attempts >= ATTEMPTS_MAX)
                    || matches!(error, StoreError::Unavailable(_))
                {
                    return Err(error);
                }
                for waiting in batch.iter_mut() {
                    waiting.attempts += 1;
                }
                tracing::debug!(%error, "a batch is tried again, one by one");
                let again = batch.iter().map(|_| Ended::Again(Again::Apart));
                Ok((again.collect(), Committed::default()))
            }
        }
    }

    /// Decides on what is in memory and of `base`, without locks, and writes it if the log still stands there.
    ///
    /// None, and nothing is written, where it does not, and where an act needs more than rows in memory.
    fn run_ahead(
        &mut self,
        conn: &mut Conn,
        batch: &mut [Waiting],
        mut rows: Rows,
        base: Base,
    ) -> Result<Option<Outcome>> {
        // That an act ran before with its key is found when it is written.
        rows.outcomes.presume_absent();
        let mut decided = Decided::default();
        decided.ended.resize_with(batch.len(), || None);
        let all: Option<Vec<Ended>> =
            match self.run_together(conn, batch, &mut decided, &mut rows, None) {
                Ok(()) => decided.ended.into_iter().collect(),
                Err(StoreError::Database(error)) => {
                    tracing::debug!(%error, "a batch is decided again, with locks");
                    None
                }
                Err(error) => return Err(error),
            };
        let Some(ended) = all.filter(|all| !all.iter().any(|e| matches!(e, Ended::Again(_))))
        else {
            return Ok(None);
        };
        let Some(committed) = log::append_ahead(conn, decided.events, &mut rows, base)? else {
            return Ok(None);
        };
        self.kept = Kept {
            rows: rows.into_kept(),
            base: committed.after(base),
        };
        Ok(Some((ended, committed)))
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

    /// Lets those that have not ended decide on rows in memory, and reads what they ask for.
    fn run_together(
        &self,
        conn: &mut Conn,
        batch: &mut [Waiting],
        decided: &mut Decided,
        rows: &mut Rows,
        held: Option<&BTreeSet<LockKey>>,
    ) -> Result<()> {
        let Decided { ended, events } = decided;
        let nothing = BTreeSet::new();
        for _ in 0..ROUNDS_MAX {
            let mut missing = false;
            for (waiting, end) in batch.iter_mut().zip(ended.iter_mut()) {
                if end.is_some() {
                    continue;
                }
                let needs_locks = held.is_some();
                let held = held.unwrap_or(&nothing);
                let mut tx = Tx::new(&self.source, rows, held, None, needs_locks);
                let outcome = waiting.job.attempt(&mut tx);
                let made = std::mem::take(&mut tx.events);
                *end = match outcome {
                    Ok(()) => {
                        rows.keep();
                        events.extend(made);
                        Some(Ended::Done)
                    }
                    Err(Abort::Missing) => {
                        missing = true;
                        rows.undo();
                        None
                    }
                    Err(abort) => {
                        rows.undo();
                        Some(after_abort(waiting, abort)?)
                    }
                };
            }
            if !missing {
                break;
            }
            rows.load(conn)?;
        }
        Ok(())
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

    fn run_alone(
        &self,
        conn: &mut Conn,
        waiting: &mut Waiting,
        held: &BTreeSet<LockKey>,
        events: &mut Vec<Emitted>,
    ) -> Result<Ended> {
        let mut rows = Rows::default();
        for _ in 0..ROUNDS_MAX {
            conn.savepoint()?;
            let needs_locks = conn.is_postgres();
            let mut tx = Tx::new(&self.source, &mut rows, held, Some(conn), needs_locks);
            let outcome = waiting.job.attempt(&mut tx);
            let made = std::mem::take(&mut tx.events);
            let outcome = outcome.and_then(|()| {
                rows.keep();
                let mut writes = Writes::default();
                rows.write(&mut writes);
                Ok(writes.run(conn)?)
            });
            match outcome {
                Ok(()) => {
                    conn.commit()?;
                    events.extend(made);
                    return Ok(Ended::Done);
                }
                Err(Abort::Missing) => {
                    conn.rollback()?;
                    rows.undo();
                    rows.load(conn)?;
                }
                Err(abort) => {
                    conn.rollback()?;
                    return after_abort(waiting, abort);
                }
            }
        }
        Ok(Ended::Failed(no_end()))
    }
}

impl Waiting {
    fn prepare(&mut self, again: Again) {
        match again {
            Again::Locked(key) => self.locks.push(key),
            Again::Alone => self.way = Way::Alone,
            Again::Apart => self.attempts = self.attempts.max(2),
        }
    }
}

/// Decides what becomes of an act that stopped; an error of the database's own ends the batch.
fn after_abort(waiting: &mut Waiting, abort: Abort) -> Result<Ended> {
    use diesel::result::{DatabaseErrorKind, Error};
    Ok(match abort {
        Abort::NeedsLock(key) => {
            waiting.attempts += 1;
            if waiting.attempts > ATTEMPTS_MAX * 8 {
                Ended::Failed(StoreError::Unavailable("too many conflicts".into()))
            } else {
                Ended::Again(Again::Locked(key))
            }
        }
        Abort::Missing | Abort::NeedsConnection => Ended::Again(Again::Alone),
        Abort::Failed(StoreError::Database(Error::DatabaseError(
            DatabaseErrorKind::UniqueViolation,
            info,
        ))) if waiting.attempts < ATTEMPTS_MAX => {
            // An id that was taken, or a row that another node wrote meanwhile: decide anew.
            tracing::debug!(
                message = info.message(),
                "an act met a row that is there already"
            );
            waiting.attempts += 1;
            Ended::Again(Again::Apart)
        }
        Abort::Failed(StoreError::Database(error)) if waiting.attempts < ATTEMPTS_MAX => {
            return Err(StoreError::Database(error));
        }
        Abort::Failed(error) => Ended::Failed(error),
    })
}
