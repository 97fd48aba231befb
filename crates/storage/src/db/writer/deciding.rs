//! Deciding: the acts of a batch run, in memory or with the connection.

use std::collections::BTreeSet;

use super::Writer;
use crate::db::Conn;
use crate::db::batch::{Waiting, Way};
use crate::db::many::Writes;
use crate::db::tx::{Abort, Emitted, LockKey, ROUNDS_MAX, Tx, no_end};
use crate::error::{Result, StoreError};
use crate::log::Committed;
use crate::rows::Rows;

/// How often an act is tried when locks, ids or the database's own conflicts stand in its way.
pub(super) const ATTEMPTS_MAX: u32 = 6;

/// How an act of a batch ended.
pub(super) enum Ended {
    Done,
    Failed(StoreError),
    Again(Again),
}

/// Why an act has to run again.
pub(super) enum Again {
    /// With this key locked.
    Locked(LockKey),
    /// With the connection.
    Alone,
    /// The database refused its batch.
    Apart,
}

/// How the acts of a batch ended, and what was committed.
pub(super) type Outcome = (Vec<Ended>, Committed);

/// How far a batch is decided.
#[derive(Default)]
pub(super) struct Decided {
    /// For each act, how it ended; none while it has not.
    pub(super) ended: Vec<Option<Ended>>,
    pub(super) events: Vec<Emitted>,
}

impl Writer {
    /// Lets those that have not ended decide on rows in memory, and reads what they ask for.
    pub(super) fn run_together(
        &self,
        conn: &mut Conn,
        batch: &mut [Waiting],
        decided: &mut Decided,
        rows: &mut Rows,
        held: Option<&BTreeSet<LockKey>>,
    ) -> Result<()> {
        let Decided { ended, events } = decided;
        let nothing = BTreeSet::new();
        let needs_locks = held.is_some();
        let held = held.unwrap_or(&nothing);
        for _ in 0..ROUNDS_MAX {
            let mut missing = false;
            for (waiting, end) in batch.iter_mut().zip(ended.iter_mut()) {
                if end.is_some() {
                    continue;
                }
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

    /// Runs an act with the connection, in a savepoint.
    pub(super) fn run_alone(
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
    /// Has it run again.
    pub(super) fn prepare(&mut self, again: Again) {
        match again {
            Again::Locked(key) => self.locks.push(key),
            Again::Alone => self.way = Way::Alone,
            Again::Apart => self.attempts = self.attempts.max(2),
        }
    }
}

/// Has each act of a batch run again, by itself.
pub(super) fn apart(batch: &mut [Waiting]) -> Outcome {
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
