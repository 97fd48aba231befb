//! The one way of reading: a few threads, as many as there may be connections, take the queries that wait.
//!
//! A thread that is done takes the next query by itself, so a busy store neither wakes nor blocks one for each.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Conn;
use super::pool::{Connections, WAIT_MAX};
use crate::error::{Result, StoreError};

/// Queries that may wait for a reader; one more is told to come back later.
const QUEUE_MAX: usize = 4_096;

/// The queue before the readers, who end when it is dropped.
pub(crate) struct Readers {
    queue: Arc<Queue<Query>>,
}

/// A query that waits for a reader.
type Query = Box<dyn FnOnce(Result<&mut Conn>) + Send>;

impl Readers {
    /// Starts `count` readers, each for one of the connections.
    pub(crate) fn start(connections: Connections, count: u32) -> Result<Self> {
        let queue = Arc::new(Queue::default());
        let connections = Arc::new(connections);
        for number in 0..count {
            let (queue, connections) = (Arc::clone(&queue), Arc::clone(&connections));
            std::thread::Builder::new()
                .name(format!("reader-{number}"))
                .spawn(move || run(&queue, &connections))
                .map_err(|e| StoreError::Unavailable(format!("cannot start a reader: {e}")))?;
        }
        Ok(Self { queue })
    }

    /// Runs a query, which has to begin within [`WAIT_MAX`].
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        // Whoever sets it first decides: the reader to begin, or the caller to wait no longer.
        let settled = Arc::new(AtomicBool::new(false));
        let begins = Arc::clone(&settled);
        let query: Query = Box::new(move |conn| {
            if reply.is_closed() || begins.swap(true, Ordering::AcqRel) {
                return;
            }
            // The caller may have gone; nothing was changed.
            drop(reply.send(conn.and_then(query)));
        });
        self.queue
            .push(query)
            .map_err(|_| StoreError::Unavailable("too many queries are waiting".into()))?;
        let mut answer = answer;
        let answered = match timeout(WAIT_MAX, &mut answer).await {
            Ok(answered) => answered,
            Err(_) if settled.swap(true, Ordering::AcqRel) => answer.await,
            Err(_) => {
                let reason = "no connection to the database was free in time";
                return Err(StoreError::Unavailable(reason.into()));
            }
        };
        answered.map_err(|_| StoreError::Unavailable("the query was broken off".into()))?
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// Takes queries until the queue is closed.
fn run(queue: &Queue<Query>, connections: &Connections) {
    while let Some(query) = queue.next() {
        // A panic in a query must not end the reader; its connection is dropped, and its caller told.
        let outcome = catch_unwind(AssertUnwindSafe(|| match connections.get() {
            Ok(mut conn) => query(Ok(&mut conn)),
            Err(error) => query(Err(error)),
        }));
        if outcome.is_err() {
            tracing::error!("a query panicked");
        }
    }
}

/// What waits, first come, first served.
struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    more: Condvar,
}

struct Waiting<T> {
    items: VecDeque<T>,
    /// Threads that wait for an item: without one, nobody has to be woken.
    idle: usize,
    closed: bool,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        let waiting = Waiting {
            items: VecDeque::new(),
            idle: 0,
            closed: false,
        };
        Self {
            waiting: Mutex::new(waiting),
            more: Condvar::new(),
        }
    }
}

impl<T> Queue<T> {
    /// Adds an item; gives it back if there are [`QUEUE_MAX`] already.
    fn push(&self, item: T) -> std::result::Result<(), T> {
        let mut waiting = self.lock();
        if waiting.items.len() >= QUEUE_MAX {
            return Err(item);
        }
        waiting.items.push_back(item);
        let idle = waiting.idle > 0;
        drop(waiting);
        if idle {
            self.more.notify_one();
        }
        Ok(())
    }

    /// The next item, waited for; none once the queue is closed and empty.
    fn next(&self) -> Option<T> {
        let mut waiting = self.lock();
        loop {
            if let Some(item) = waiting.items.pop_front() {
                return Some(item);
            }
            if waiting.closed {
                return None;
            }
            waiting.idle += 1;
            waiting = self
                .more
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
            waiting.idle -= 1;
        }
    }

    fn close(&self) {
        self.lock().closed = true;
        self.more.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting<T>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_gives_back_one_more() {
        let queue = Queue::default();
        for number in 0..QUEUE_MAX {
            assert_eq!(queue.push(number), Ok(()));
        }
        assert_eq!(queue.push(QUEUE_MAX), Err(QUEUE_MAX));
        assert_eq!(queue.next(), Some(0));
        assert_eq!(queue.push(QUEUE_MAX), Ok(()));
    }

    #[test]
    fn what_waits_is_taken_before_a_closed_queue_ends() {
        let queue = Queue::default();
        assert_eq!(queue.push(1), Ok(()));
        queue.close();
        assert_eq!((queue.next(), queue.next()), (Some(1), None));
    }

    #[test]
    fn who_waits_is_woken_by_an_item_and_by_the_end() {
        let queue = Arc::new(Queue::default());
        let taken = Arc::clone(&queue);
        let reader = std::thread::spawn(move || (taken.next(), taken.next()));
        assert_eq!(queue.push("a"), Ok(()));
        while !queue.lock().items.is_empty() {
            std::thread::yield_now();
        }
        queue.close();
        assert_eq!(reader.join().unwrap(), (Some("a"), None));
    }
}
