//! The one way of writing: the acts that wait are run one after another in one transaction,
//! get their place in the log together, and are answered after the one commit.
//!
//! Each act is all or nothing, in a savepoint of its own. What two acts may not touch at once is named by
//! [`LockKey`]s, taken for the whole batch in one global order before the first act runs; an act that finds it
//! needs another key is undone and runs again with it. The log's head row is locked last.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt};
use tokio::sync::{mpsc, oneshot};

use super::pool::Connections;
use super::{Begin, Conn};
use crate::error::{Result, StoreError};
use crate::log::{self, LoggedEvent, NewEvent};
use crate::source::Source;

/// Acts that may wait for the writer; one more is told to come back later.
const QUEUE_MAX: usize = 4_096;
/// Acts committed together at most.
const BATCH_MAX: usize = 64;
/// How often an act is tried when locks, ids or the database's own conflicts stand in its way.
const ATTEMPTS_MAX: u32 = 6;

/// What two acts may not touch at the same time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum LockKey {
    /// A person's own settings, heads, boards, follows, sessions.
    User(i64),
    /// A conversation with its members and messages.
    Conversation(i64),
    /// The conversation of these people, also before it exists.
    CreationKey(String),
    /// What a caller's idempotency key made.
    Idempotency(i64, String),
    /// A username or e-mail address, also before it is taken.
    Name(String),
    /// The signing keys.
    SigningKeys,
}

impl LockKey {
    /// The same number on every node: the first 8 bytes of SHA-256.
    fn number(&self) -> i64 {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(format!("{self:?}").as_bytes());
        let mut first = [0_u8; 8];
        first.copy_from_slice(digest.as_slice().get(..8).unwrap_or(&[0; 8]));
        i64::from_be_bytes(first)
    }
}

/// Why an act stopped.
pub(crate) enum Abort {
    /// It is refused or failed.
    Failed(StoreError),
    /// It has to run again with this key locked.
    NeedsLock(LockKey),
}

impl<E: Into<StoreError>> From<E> for Abort {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What an act works with.
pub(crate) struct Tx<'a> {
    pub(crate) conn: &'a mut Conn,
    pub(crate) source: &'a Source,
    held: &'a BTreeSet<LockKey>,
    /// What this act made itself, and nobody else can know of before the commit.
    fresh: BTreeSet<LockKey>,
    events: Vec<NewEvent>,
}

impl Tx<'_> {
    /// Makes sure that no other act touches `key` until this one is committed.
    ///
    /// Take it before reading what the act decides on. On SQLite the one writer is lock enough.
    pub(crate) fn lock(&mut self, key: LockKey) -> std::result::Result<(), Abort> {
        if self.conn.is_postgres() && !self.held.contains(&key) && !self.fresh.contains(&key) {
            return Err(Abort::NeedsLock(key));
        }
        Ok(())
    }

    /// Tells that this act made `key` itself, so that no lock is needed.
    pub(crate) fn made(&mut self, key: LockKey) {
        self.fresh.insert(key);
    }

    /// Adds an event to the log; its `seq` is given just before the commit.
    pub(crate) fn emit(&mut self, event: NewEvent) {
        self.events.push(event);
    }
}

/// What was committed together, for those who follow the log.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The events, in order of `seq`, without holes.
    pub events: Vec<LoggedEvent>,
}

/// An act that waits for a writer.
trait Job: Send {
    fn attempt(&mut self, tx: &mut Tx<'_>) -> std::result::Result<(), Abort>;
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
    F: FnMut(&mut Tx<'_>) -> std::result::Result<T, Abort> + Send,
{
    fn attempt(&mut self, tx: &mut Tx<'_>) -> std::result::Result<(), Abort> {
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
    locks: Vec<LockKey>,
    attempts: u32,
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
            };
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new()
                .name(format!("writer-{number}"))
                .spawn(move || writer.run(&waiting))
                .map_err(|e| StoreError::Unavailable(format!("cannot start a writer: {e}")))?;
        }
        Ok(Self { queue })
    }

    /// Runs an act. `locks` are the keys it is known to need; it may find more as it runs.
    pub(crate) async fn act<T: Send + 'static>(
        &self,
        locks: Vec<LockKey>,
        body: impl FnMut(&mut Tx<'_>) -> std::result::Result<T, Abort> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Act {
            body,
            output: None,
            reply,
        });
        self.queue
            .try_send(Waiting {
                locks,
                attempts: 0,
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
    Again(Option<LockKey>),
}

struct Writer {
    connections: Arc<Connections>,
    source: Source,
    committed: mpsc::Sender<Committed>,
    /// Acts of the last batch that have to run once more.
    again: Vec<Waiting>,
}

impl Writer {
    fn run(mut self, waiting: &Mutex<mpsc::Receiver<Waiting>>) {
        loop {
            let mut batch = std::mem::take(&mut self.again);
            // What failed for a reason of the database's own runs alone.
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
    fn commit(&self, mut batch: Vec<Waiting>) -> Vec<Waiting> {
        let outcome = self
            .connections
            .get()
            .and_then(|mut conn| self.transact(&mut conn, &mut batch));
        let mut again = Vec::new();
        match outcome {
            Ok((ended, events)) => {
                if !events.is_empty() {
                    // Followers that miss it find it by the log's head.
                    drop(self.committed.try_send(Committed { events }));
                }
                for (mut waiting, end) in batch.into_iter().zip(ended) {
                    match end {
                        Ended::Done => waiting.job.answer(Ok(())),
                        Ended::Failed(error) => waiting.job.answer(Err(error)),
                        Ended::Again(key) => {
                            // A missing key is no failure: the act may go with others again.
                            if key.is_none() {
                                waiting.attempts = waiting.attempts.max(2);
                            }
                            waiting.locks.extend(key);
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
        again
    }

    fn transact(
        &self,
        conn: &mut Conn,
        batch: &mut [Waiting],
    ) -> Result<(Vec<Ended>, Vec<LoggedEvent>)> {
        let held: BTreeSet<LockKey> = batch.iter().flat_map(|w| w.locks.iter().cloned()).collect();
        conn.begin(Begin::Write)?;
        let outcome = lock_all(conn, &held)
            .and_then(|()| self.run_acts(conn, batch, &held))
            .and_then(|(ended, events)| Ok((ended, log::append(conn, &events)?)));
        match outcome {
            Ok(done) => {
                conn.commit()?;
                Ok(done)
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
                Ok((
                    batch.iter().map(|_| Ended::Again(None)).collect(),
                    Vec::new(),
                ))
            }
        }
    }

    fn run_acts(
        &self,
        conn: &mut Conn,
        batch: &mut [Waiting],
        held: &BTreeSet<LockKey>,
    ) -> Result<(Vec<Ended>, Vec<NewEvent>)> {
        let mut events = Vec::new();
        let mut ended = Vec::with_capacity(batch.len());
        for waiting in batch {
            conn.savepoint()?;
            let fresh = BTreeSet::new();
            let mut tx = Tx {
                conn,
                source: &self.source,
                held,
                fresh,
                events: Vec::new(),
            };
            let outcome = waiting.job.attempt(&mut tx);
            let made = tx.events;
            ended.push(match outcome {
                Ok(()) => {
                    conn.commit()?;
                    events.extend(made);
                    Ended::Done
                }
                Err(abort) => {
                    conn.rollback()?;
                    after_abort(waiting, abort)?
                }
            });
        }
        Ok((ended, events))
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
                Ended::Again(Some(key))
            }
        }
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
            Ended::Again(None)
        }
        Abort::Failed(StoreError::Database(error)) if waiting.attempts < ATTEMPTS_MAX => {
            return Err(StoreError::Database(error));
        }
        Abort::Failed(error) => Ended::Failed(error),
    })
}

/// Takes every key of the batch, in the order of their numbers, as every node does.
fn lock_all(conn: &mut Conn, held: &BTreeSet<LockKey>) -> Result<()> {
    let Conn::Postgres(c) = conn else {
        return Ok(());
    };
    if held.is_empty() {
        return Ok(());
    }
    let numbers: BTreeSet<i64> = held.iter().map(LockKey::number).collect();
    diesel::sql_query("select count(pg_advisory_xact_lock(key)) from unnest($1) as key")
        .bind::<Array<BigInt>, _>(numbers.into_iter().collect::<Vec<_>>())
        .execute(&mut **c)?;
    Ok(())
}
