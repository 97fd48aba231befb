//! Jobs: work that goes on after the act that it began with, since it concerns more than one transaction should hold.
//!
//! Each turn does a bounded part and notes what is left in the same transaction: so a part is done once, however often
//! nodes stop in the middle.

use diesel::prelude::*;
use pinwire_domain::Time;
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::{Result, StoreError};
use crate::pin_states::Telling;
use crate::requests::Delivery;
use crate::schema::jobs;

/// How long a job waits after a turn of it failed, in milliseconds, so that it does not keep others waiting.
const RETRY_AFTER_MS: i64 = 30_000;

/// Jobs that are looked at for one that this version knows.
const LOOKED_AT_MAX: i64 = 100;

/// What is left to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Work {
    /// Conversations are told that pins which they hold stand otherwise.
    TellPinStates(Telling),
    /// Requests that waited for a moderator go on.
    DeliverHeld(Delivery),
}

/// A job, as it was found.
#[derive(Clone, Queryable)]
struct Job {
    id: i64,
    work: String,
}

impl Work {
    fn locks(&self, conn: &mut Conn) -> Result<Vec<LockKey>> {
        match self {
            Self::TellPinStates(telling) => telling.locks(conn),
            Self::DeliverHeld(delivery) => delivery.locks(conn),
        }
    }

    /// Does a part of it; what is left then.
    fn go_on(self, tx: &mut Tx<'_>) -> Step<Option<Self>> {
        match self {
            Self::TellPinStates(telling) => Ok(telling.tell(tx)?.map(Self::TellPinStates)),
            Self::DeliverHeld(delivery) => Ok(delivery.go_on(tx)?.map(Self::DeliverHeld)),
        }
    }
}

/// Adds a job.
pub(crate) fn add(tx: &mut Tx<'_>, work: &Work) -> Step<()> {
    add_after(tx, work, 0)
}

/// Adds a job that begins after so many milliseconds.
pub(crate) fn add_after(tx: &mut Tx<'_>, work: &Work, wait_ms: i64) -> Step<()> {
    let values = (
        jobs::id.eq(tx.source.new_id()),
        jobs::work.eq(serde_json::to_string(work).map_err(StoreError::from)?),
        jobs::due_at.eq(tx.source.now().plus_millis(wait_ms).as_millis()),
    );
    on!(tx.conn()?, c => diesel::insert_into(jobs::table).values(&values).execute(c))?;
    Ok(())
}

/// The job that waits for longest, and the locks of its next turn. Of another kind than this version knows, it is left
/// to nodes that know it.
fn next(conn: &mut Conn, now: Time) -> Result<Option<(Job, Work, Vec<LockKey>)>> {
    let jobs: Vec<Job> = on!(conn, c => jobs::table
        .filter(jobs::due_at.le(now.as_millis()))
        .order((jobs::due_at, jobs::id))
        .limit(LOOKED_AT_MAX)
        .select((jobs::id, jobs::work))
        .load(c))?;
    let known = jobs.into_iter().find_map(|job| {
        let work = serde_json::from_str(&job.work).ok()?;
        Some((job, work))
    });
    let Some((job, work)): Option<(Job, Work)> = known else {
        return Ok(None);
    };
    let mut locks = work.locks(conn)?;
    locks.push(LockKey::Job(job.id));
    Ok(Some((job, work, locks)))
}

/// A turn of a job, unless another node took it meanwhile.
fn turn(tx: &mut Tx<'_>, job: &Job, work: &Work) -> Step<()> {
    tx.lock(LockKey::Job(job.id))?;
    let row = jobs::table.find(job.id);
    let now: Option<String> = on!(tx.conn()?, c => row.select(jobs::work).first(c).optional())?;
    if now.as_ref() != Some(&job.work) {
        return Ok(());
    }
    match work.clone().go_on(tx)? {
        None => on!(tx.conn()?, c => diesel::delete(row).execute(c))?,
        Some(left) => {
            let left = serde_json::to_string(&left).map_err(StoreError::from)?;
            let due_at = tx.source.now().as_millis();
            on!(tx.conn()?, c => diesel::update(row)
                .set((jobs::work.eq(left), jobs::due_at.eq(due_at)))
                .execute(c))?
        }
    };
    Ok(())
}

impl Store {
    /// Does a part of the job that waits for longest, if there is one; whether there was.
    ///
    /// Any number of nodes may do it at any time. A job that fails waits for half a minute.
    pub async fn run_job(&self) -> Result<bool> {
        let now = self.inner.source.now();
        let Some((job, work, locks)) = self.read(move |conn| next(conn, now)).await? else {
            return Ok(false);
        };
        let id = job.id;
        let done = self.act(locks, move |tx| turn(tx, &job, &work)).await;
        if done.is_err() {
            let later = self.act(vec![LockKey::Job(id)], move |tx| {
                let due_at = tx.source.now().plus_millis(RETRY_AFTER_MS).as_millis();
                on!(tx.conn()?, c => diesel::update(jobs::table.find(id))
                    .set(jobs::due_at.eq(due_at))
                    .execute(c))?;
                Ok(())
            });
            later.await?;
        }
        done.map(|()| true)
    }
}
