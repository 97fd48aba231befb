//! The one way of reading: a few threads, at most as many as there may be connections, take the queries that wait.
//!
//! A thread that is done takes the next query by itself, so a busy store neither wakes nor blocks one for each. One is
//! started when a query comes and none of them is free, since each needs memory of its own.

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
    connections: Arc<Connections>,
}

/// Whose query it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Of somebody who waits for an answer.
    Usual,
    /// Of one of many who come back at once: it yields to the usual ones, but for every [`YIELDS_MAX`]th.
    Crowd,
}

/// Usual queries that are taken before one of a crowd that waits.
const YIELDS_MAX: usize = 8;

/// A query that waits for a reader.
type Query = Box<dyn FnOnce(Result<&mut Conn>) + Send>;

impl Readers {
    /// At most `count` readers, each for one of the connections; one is there from the start.
    pub(crate) fn start(connections: Connections, count: u32) -> Result<Self> {
        let readers = Self {
            queue: Arc::new(Queue::new(count)),
            connections: Arc::new(connections),
        };
        readers.add(1)?;
        Ok(readers)
    }

    /// Starts the reader of this number.
    fn add(&self, number: u32) -> Result<()> {
        let (queue, connections) = (Arc::clone(&self.queue), Arc::clone(&self.connections));
        std::thread::Builder::new()
            .name(format!("reader-{number}"))
            .spawn(move || run(&queue, &connections))
            .map_err(|e| StoreError::Unavailable(format!("cannot start a reader: {e}")))?;
        Ok(())
    }

    /// Runs a query, which has to begin within [`WAIT_MAX`].
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        lane: Lane,
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
        let pushed = self.queue.push(lane, query);
        let more =
            pushed.map_err(|_| StoreError::Unavailable("too many queries are waiting".into()))?;
        if let Some(number) = more
            && let Err(error) = self.add(number)
        {
            // Those that are there take the query.
            self.queue.lock().threads -= 1;
            tracing::warn!(%error, "there are fewer readers than there might be");
        }
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

/// What waits, first come, first served in each lane.
struct Queue<T> {
    waiting: Mutex<Waiting<T>>,
    more: Condvar,
}

struct Waiting<T> {
    usual: VecDeque<T>,
    crowd: VecDeque<T>,
    /// How many usual ones were taken while one of the crowd waited.
    yields: usize,
    /// Threads that wait for an item: without one, nobody has to be woken.
    idle: usize,
    /// Threads that take items.
    threads: u32,
    threads_max: u32,
    closed: bool,
}

impl<T> Waiting<T> {
    fn take(&mut self) -> Option<T> {
        if self.crowd.is_empty() {
            self.yields = 0;
            return self.usual.pop_front();
        }
        if self.yields < YIELDS_MAX
            && let Some(item) = self.usual.pop_front()
        {
            self.yields += 1;
            return Some(item);
        }
        self.yields = 0;
        self.crowd.pop_front()
    }
}

impl<T> Queue<T> {
    /// A queue for so many threads at most, of which one is there.
    fn new(threads_max: u32) -> Self {
        let waiting = Waiting {
            usual: VecDeque::new(),
            crowd: VecDeque::new(),
            yields: 0,
            idle: 0,
            threads: 1,
            threads_max,
            closed: false,
        };
        Self {
            waiting: Mutex::new(waiting),
            more: Condvar::new(),
        }
    }

    /// Adds an item, and tells which thread there has to be for it beside those that are all busy; gives it back if
    /// there are [`QUEUE_MAX`] in its lane already.
    fn push(&self, lane: Lane, item: T) -> std::result::Result<Option<u32>, T> {
        let mut waiting = self.lock();
        let items = match lane {
            Lane::Usual => &mut waiting.usual,
            Lane::Crowd => &mut waiting.crowd,
        };
        if items.len() >= QUEUE_MAX {
            return Err(item);
        }
        items.push_back(item);
        let are_too_few = waiting.usual.len() + waiting.crowd.len() > waiting.idle;
        let more = (are_too_few && waiting.threads < waiting.threads_max).then(|| {
            waiting.threads += 1;
            waiting.threads
        });
        let is_awaited = waiting.idle > 0;
        drop(waiting);
        if is_awaited {
            self.more.notify_one();
        }
        Ok(more)
    }

    /// The next item, waited for; none once the queue is closed and empty.
    fn next(&self) -> Option<T> {
        let mut waiting = self.lock();
        loop {
            if let Some(item) = waiting.take() {
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
        let queue = Queue::new(1);
        for number in 0..QUEUE_MAX {
            assert_eq!(queue.push(Lane::Usual, number), Ok(None));
        }
        assert_eq!(queue.push(Lane::Usual, QUEUE_MAX), Err(QUEUE_MAX));
        assert_eq!(queue.push(Lane::Crowd, QUEUE_MAX), Ok(None));
        assert_eq!(queue.next(), Some(0));
        assert_eq!(queue.push(Lane::Usual, QUEUE_MAX), Ok(None));
    }

    #[test]
    fn there_are_as_many_threads_as_items_wait_and_not_one_more_than_may_be() {
        let queue = Queue::new(3);
        queue.lock().idle = 1;
        assert_eq!(queue.push(Lane::Usual, 1), Ok(None), "one is free");
        assert_eq!(queue.push(Lane::Usual, 2), Ok(Some(2)));
        assert_eq!(queue.push(Lane::Crowd, 3), Ok(Some(3)));
        assert_eq!(queue.push(Lane::Usual, 4), Ok(None));
    }

    #[test]
    fn a_crowd_yields_and_is_not_forgotten() {
        let queue = Queue::new(1);
        for number in 0..3 {
            assert_eq!(queue.push(Lane::Crowd, -number), Ok(None));
        }
        for number in 1..=20 {
            assert_eq!(queue.push(Lane::Usual, number), Ok(None));
        }
        let taken: Vec<i32> = (0..23).map(|_| queue.next().unwrap()).collect();
        let (first, rest) = taken.split_at(YIELDS_MAX);
        assert_eq!(first, (1..=8).collect::<Vec<_>>());
        assert_eq!(rest[0], 0);
        assert_eq!(rest[1..9], (9..=16).collect::<Vec<_>>());
        assert_eq!(rest[9..], [-1, 17, 18, 19, 20, -2]);
    }

    #[test]
    fn what_waits_is_taken_before_a_closed_queue_ends() {
        let queue = Queue::new(1);
        assert_eq!(queue.push(Lane::Usual, 1), Ok(None));
        queue.close();
        assert_eq!((queue.next(), queue.next()), (Some(1), None));
    }

    #[test]
    fn who_waits_is_woken_by_an_item_and_by_the_end() {
        let queue = Arc::new(Queue::new(1));
        let taken = Arc::clone(&queue);
        let reader = std::thread::spawn(move || (taken.next(), taken.next()));
        assert_eq!(queue.push(Lane::Usual, "a"), Ok(None));
        while !queue.lock().usual.is_empty() {
            std::thread::yield_now();
        }
        queue.close();
        assert_eq!(reader.join().unwrap(), (Some("a"), None));
    }
}
