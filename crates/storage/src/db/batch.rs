//! The one way of writing: the acts that wait are decided one after another in one transaction, get their place in
//! the log together, and are answered after the one commit.
//!
//! An act that decides on rows in memory runs together with others: what all of them ask for is read in a few
//! statements, and what all of them changed is written in a few. An act that needs the connection runs before them,
//! in a savepoint of its own. Either way each act is all or nothing, and decided as if it were alone.
//!
//! Acts wait in the [`Queue`]; the [`Writer`] takes from it.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::checkpoints::Checkpoints;
use super::meter::Moment;
use super::pool::Connections;
use super::queue::{self, Queue};
use super::tx::{LockKey, Step, Tx};
use super::writer::Writer;
use crate::error::{Result, StoreError};
use crate::log::Committed;
use crate::source::Source;

/// How an act decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// On rows in memory, together with others.
    Together,
    /// With the connection, by itself.
    Alone,
    /// As `Alone`, and changes no row that is ever kept in memory.
    Beside,
}

/// Finds the locks of an act by looking up what does not change.
pub(crate) type FindLocks = Box<dyn FnMut(&mut Tx<'_>) -> Step<Vec<LockKey>> + Send>;

/// An act that waits for a writer.
pub(super) trait Job: Send {
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

/// An act in the queue, or in a batch.
pub(super) struct Waiting {
    pub(super) way: Way,
    pub(super) locks: Vec<LockKey>,
    pub(super) find_locks: Option<FindLocks>,
    pub(super) attempts: u32,
    pub(super) came: Moment,
    pub(super) job: Box<dyn Job>,
}

/// The writers, which end when the last handle is gone and nothing waits any more.
#[derive(Clone)]
pub(crate) struct Writers(Arc<Handle>);

struct Handle(Arc<Queue<Waiting>>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Writers {
    /// Starts `count` writers, which tell `checkpoints` of their commits.
    pub(crate) fn start(
        connections: &Arc<Connections>,
        source: &Source,
        count: u32,
        committed: &mpsc::Sender<Committed>,
        checkpoints: Option<&Checkpoints>,
    ) -> Result<Self> {
        let queue = Arc::new(Queue::new());
        let handle = Handle(Arc::clone(&queue));
        for number in 0..count {
            let writer = Writer::new(connections, source, committed, checkpoints.cloned());
            let queue = Arc::clone(&queue);
            std::thread::Builder::new()
                .name(format!("writer-{number}"))
                .spawn(move || writer.run(&queue))
                .map_err(|e| StoreError::Unavailable(format!("cannot start a writer: {e}")))?;
        }
        Ok(Self(Arc::new(handle)))
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
        let topic = queue::topic(&locks);
        let job = Box::new(Act {
            body,
            output: None,
            reply,
        });
        let waiting = Waiting {
            way,
            locks,
            find_locks,
            attempts: 0,
            came: Moment::now(),
            job,
        };
        let Self(handle) = self;
        if !handle.0.put(waiting, topic) {
            return Err(StoreError::Unavailable("too many acts are waiting".into()));
        }
        answer
            .await
            .map_err(|_| StoreError::Unavailable("the writer stopped".into()))?
    }
}
