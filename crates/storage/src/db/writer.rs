//! A writer: runs the acts of a batch and commits them together.
//!
//! On PostgreSQL other nodes write, too. A writer whose last commit is still the log's newest runs *ahead*: it decides
//! without locks on what it has in memory, and all is written by one statement that does nothing if anybody has
//! written meanwhile. Where that is in vain, since others write as well, it waits its *turn*: nobody else decides until
//! it has committed, and what others have changed since its last commit is read anew. Acts that need the connection take
//! locks: what two acts may not touch at once is named by [`LockKey`]s, taken for the whole batch in one global order
//! before the first act decides; an act that finds it needs another key is undone and runs again with it. The log's head
//! row is locked last.

mod ahead;
mod kept;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;

use super::batch::{Waiting, Way, fill};
use super::checkpoints::Checkpoints;
use super::many::Writes;
use super::meter;
use super::pool::Connections;
use super::tx::{Abort, Emitted, LockKey, ROUNDS_MAX, Tx, lock_all, no_end, wait_for_turn};
use super::{Begin, Conn};
use crate::error::{Result, StoreError};
use crate::log::{self, Base, Committed};
use crate::rows::Rows;
use crate::source::Source;
use ahead::Ahead;
use kept::Kept;

/// How often an act is tried when locks, ids or the database's own conflicts stand in its way.
const ATTEMPTS_MAX: u32 = 6;

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

/// How the acts of a batch ended, and what was committed.
type Outcome = (Vec<Ended>, Committed);

/// What was written of a batch that was decided without locks.
enum Written {
    All(Outcome),
    /// The log did not stand where it was decided on, or what the acts made cannot be written so.
    Nothing,
    /// An act needs more than rows in memory.
    NeedsMore,
}

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
        let mut needs_more = false;
        if conn.is_postgres() && batch.iter().all(|w| w.way == Way::Together) {
            if let Some(base) = kept.base
                && self.ahead.may()
            {
                let rows = std::mem::take(&mut kept.rows);
                let written = self.run_ahead(conn, batch, rows, base)?;
                if let Written::All(outcome) = written {
                    self.ahead.succeeded();
                    return Ok(outcome);
                }
                self.ahead.was_in_vain();
                kept.base = None;
                needs_more = matches!(written, Written::NeedsMore);
            }
            if !needs_more && let Some(outcome) = self.run_in_turn(conn, batch, kept)? {
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

    /// Decides on what is in memory and of `base`, without locks, and writes it if the log still stands there.
    ///
    /// Nothing is written where it does not, and where an act needs more than rows in memory.
    fn run_ahead(
        &mut self,
        conn: &mut Conn,
        batch: &mut [Waiting],
        mut rows: Rows,
        base: Base,
    ) -> Result<Written> {
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
            return Ok(Written::NeedsMore);
        };
        let Some(committed) = log::append_ahead(conn, decided.events, &mut rows, base)? else {
            return Ok(Written::Nothing);
        };
        self.kept = Kept {
            rows: rows.into_kept(),
            base: committed.after(base),
        };
        Ok(Written::All((ended, committed)))
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
            .and_then(|(rows, base)| self.run_ahead(conn, batch, rows, base));
        match written {
            Ok(Written::All(outcome)) => {
                conn.commit().inspect_err(|_| self.kept = Kept::default())?;
                Ok(Some(outcome))
            }
            Ok(_) | Err(StoreError::Database(_)) => {
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

/// Whether that worked: a connection that it failed on is given back broken, and the pool drops it.
fn roll_back(conn: &mut Conn) -> bool {
    let outcome = conn.rollback();
    if let Err(error) = &outcome {
        tracing::debug!(%error, "the rollback failed");
    }
    outcome.is_ok()
}

/// Has each act of a batch run again, by itself.
fn apart(batch: &mut [Waiting]) -> Outcome {
    for waiting in batch.iter_mut() {
        waiting.attempts += 1;
    }
    let again = batch.iter().map(|_| Ended::Again(Again::Apart));
    (again.collect(), Committed::default())
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
