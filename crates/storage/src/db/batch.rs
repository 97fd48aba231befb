//! The one way of writing: the acts that wait are decided one after another in one transaction, get their place in
//! the log together, and are answered after the one commit.
//!
//! An act that decides on rows in memory runs together with others: what all of them ask for is read in a few
//! statements, and what all of them changed is written in a few. An act that needs the connection runs before them,
//! in a savepoint of its own. Either way each act is all or nothing, and decided as if it were alone.
//!
//! What two acts may not touch at once is named by [`LockKey`]s, taken for the whole batch in one global order
//! before the first act decides; an act that finds it needs another key is undone and runs again with it. The log's
//! head row is locked last.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot};

use super::many::Writes;
use super::meter::{self, Moment};
use super::pool::Connections;
use super::tx::{Abort, Emitted, LockKey, ROUNDS_MAX, Step, Tx, lock_all, no_end};
use super::{Begin, Conn};
use crate::error::{Result, StoreError};
use crate::log::{self, Base, Committed};
use crate::rows::Rows;
use crate::source::Source;

/// Acts that may wait for the writer; one more is told to come back later.
const QUEUE_MAX: usize = 4_096;
/// Acts committed together at most.
const BATCH_MAX: usize = 64;
/// How often an act is tried when locks, ids or the database's own conflicts stand in its way.
const ATTEMPTS_MAX: u32 = 6;
/// How an act decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// On rows in memory, together with others.
    Together,
    /// With the connection, by itself.
    Alone,
}

/// Finds the locks of an act by looking up what does not change.
pub(crate) type FindLocks = Box<dyn FnMut(&mut Tx<'_>) -> Step<Vec<LockKey>> + Send>;

/// An act that waits for a writer.
trait Job: Send {
    fn attempt(&mut self, tx: &mut Tx<'_>) -> Step<()>;
    fn answer(self: Box<Self>, outcome: Result<()>);
}

struct Act<T, F> {
    body: F,
    output: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Job for Act<T, F>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> Step<T> + Send,
{
    fn attempt(&mut self, tx: &mut Tx<'_>) -> Step<()> {
        self.output = Some((self.body)(tx)?);
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<()>) {
        let result = match (outcome, self.output) {
            (Ok(()), Some(output)) => Ok(output),
            (Ok(()), None) => Err(StoreError::Corrupt(
                "an act ended without an outcome".into(),
            )),
            (Err(error), _) => Err(error),
        };
        // The caller may have gone; the act stands all the same.
        drop(self.reply.send(result));
    }
}

struct Waiting {
    way: Way,
    locks: Vec<LockKey>,
    find_locks: Option<FindLocks>,
    attempts: u32,
    came: Moment,
    job: Box<dyn Job>,
}

/// The queue before the writers.
#[derive(Clone)]
pub(crate) struct Writers {
    queue: mpsc::Sender<Waiting>,
}

impl Writers {
    /// Starts `count` writers; each ends when the last handle to the queue is gone.
    pub(crate) fn start(
        connections: &Arc<Connections>,
        source: &Source,
        count: u32,
        committed: &mpsc::Sender<Committed>,
    ) -> Result<Self> {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..count {
            let writer = Writer {
                connections: Arc::clone(connections),
                source: source.clone(),
                committed: committed.clone(),
                again: Vec::new(),
                kept: Kept::default(),
            };
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new()
                .name(format!("writer-{number}"))
                .spawn(move || writer.run(&waiting))
                .map_err(|e| StoreError::Unavailable(format!("cannot start a writer: {e}")))?;
        }
        Ok(Self { queue })
    }

    /// Runs an act. `locks` are the keys it is known to need, beside those that `find_locks` finds; it may find
    /// more as it runs.
    pub(crate) async fn act<T: Send + 'static>(
        &self,
        way: Way,
        locks: Vec<LockKey>,
        find_locks: Option<FindLocks>,
        body: impl FnMut(&mut Tx<'_>) -> Step<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Act {
            body,
            output: None,
            reply,
        });
        self.queue
            .try_send(Waiting {
                way,
                locks,
                find_locks,
                attempts: 0,
                came: Moment::now(),
                job,
            })
            .map_err(|_| StoreError::Unavailable("too many acts are waiting".into()))?;
        answer
            .await
            .map_err(|_| StoreError::Unavailable("the writer stopped".into()))?
    }
}

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

struct Writer {
    connections: Arc<Connections>,
    source: Source,
    committed: mpsc::Sender<Committed>,
    /// Acts of the last batch that have to run once more.
    again: Vec<Waiting>,
    /// What the last batch left in memory.
    kept: Kept,
}

/// Rows that need not be read again as long as the log stands where it stood.
#[derive(Default)]
struct Kept {
    rows: Rows,
    base: Option<Base>,
}

impl Writer {
    fn run(mut self, waiting: &Mutex<mpsc::Receiver<Waiting>>) {
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

    fn transact(
        &mut self,
        conn: &mut Conn,
        batch: &mut [Waiting],
    ) -> Result<(Vec<Ended>, Committed)> {
        // Only what is committed is kept.
        let kept = std::mem::take(&mut self.kept);
        conn.begin(Begin::Write)?;
        match self.run_acts(conn, batch, kept) {
            Ok(Some((ended, committed, kept))) => {
                conn.commit()?;
                self.kept = kept;
                Ok((ended, committed))
            }
            // Once more, on rows that are read: nothing is kept by now.
            Ok(None) => {
                conn.rollback()?;
                self.transact(conn, batch)
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

    /// None where rows that were kept are of before: the log went on while the locks were waited for.
    fn run_acts(
        &self,
        conn: &mut Conn,
        batch: &mut [Waiting],
        Kept { mut rows, base: at }: Kept,
    ) -> Result<Option<(Vec<Ended>, Committed, Kept)>> {
        let (held, base) = self.lock(conn, batch, &mut rows)?;
        // An act with the connection changes rows beside those in memory.
        let keeps = base.is_some() && base == at && batch.iter().all(|w| w.way != Way::Alone);
        if !keeps {
            rows = Rows::default();
        }
        let mut events = Vec::new();
        let mut ended: Vec<Option<Ended>> = Vec::with_capacity(batch.len());
        for waiting in batch.iter_mut() {
            ended.push(match waiting.way {
                Way::Alone => Some(self.run_alone(conn, waiting, &held, &mut events)?),
                Way::Together => None,
            });
        }
        for _ in 0..ROUNDS_MAX {
            let mut missing = false;
            for (waiting, end) in batch.iter_mut().zip(&mut ended) {
                if end.is_some() {
                    continue;
                }
                let needs_locks = conn.is_postgres();
                let mut tx = Tx::new(&self.source, &mut rows, &held, None, needs_locks);
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
        let committed = log::append(conn, events, &mut rows, base)?;
        if let Some(base) = base.filter(|_| keeps)
            && !committed.follows(base, conn)?
        {
            return Ok(None);
        }
        let stuck = || Ended::Failed(no_end());
        let ended = ended.into_iter().map(|end| end.unwrap_or_else(stuck));
        let kept = Kept {
            rows: rows.into_kept(),
            base: base.and_then(|base| committed.after(base)),
        };
        Ok(Some((ended.collect(), committed, kept)))
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

/// Adds all that waits, at once; false when nothing will come any more.
///
/// Only a writer with nothing to do waits for an act, holding the queue: one that has acts to run again
/// must not wait behind it.
fn fill(batch: &mut Vec<Waiting>, waiting: &Mutex<mpsc::Receiver<Waiting>>) -> bool {
    let mut queue = if batch.is_empty() {
        let mut queue = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match queue.blocking_recv() {
            Some(first) => batch.push(first),
            None => return false,
        }
        queue
    } else {
        match waiting.try_lock() {
            Ok(queue) => queue,
            Err(_) => return true,
        }
    };
    while batch.len() < BATCH_MAX {
        match queue.try_recv() {
            Ok(next) => batch.push(next),
            Err(_) => break,
        }
    }
    true
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
