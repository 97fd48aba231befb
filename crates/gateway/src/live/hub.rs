//! The streams that are open on this node, by person.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pinwire_domain::UserId;
use tokio::sync::{Notify, mpsc};

use super::close::{self, CloseCode};
use super::render::Delivery;
use crate::metrics::{STREAM_OVERFLOWS, STREAMS};

/// Events that wait for one stream; beyond it the stream reads the log at its own pace.
const QUEUE_MAX: usize = 64;
/// Streams of one person on one node by each door; one more closes the oldest by the same.
pub const STREAMS_PER_USER_MAX: usize = 20;

/// What a stream is told beside events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// End with this code.
    Close(CloseCode),
    /// Ask the store whether the session is still signed in.
    CheckSession,
}

/// Orders that wait for one stream; they are few.
const ORDERS_MAX: usize = 8;

/// By which door a stream goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// A WebSocket.
    Socket,
    /// Server-Sent Events.
    Events,
    /// A poll that waits.
    Poll,
}

struct Entry {
    id: u64,
    door: Door,
    queue: mpsc::Sender<Arc<Delivery>>,
    orders: mpsc::Sender<Order>,
    behind: Arc<Behind>,
}

/// Tells a stream that its queue was full and it has to read the log.
#[derive(Default)]
pub struct Behind {
    is_behind: AtomicBool,
    changed: Notify,
}

impl Behind {
    fn set(&self) {
        if !self.is_behind.swap(true, Ordering::AcqRel) {
            metrics::counter!(STREAM_OVERFLOWS).increment(1);
        }
        self.changed.notify_one();
    }

    /// Whether the stream has to read the log.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.is_behind.load(Ordering::Acquire)
    }

    /// Waits until the stream is behind, and takes note of it.
    pub async fn wait(&self) {
        while !self.is_behind.swap(false, Ordering::AcqRel) {
            self.changed.notified().await;
        }
    }
}

/// The receiving side of a stream; leaves the hub when dropped.
pub struct Stream {
    /// Events, in order.
    pub queue: mpsc::Receiver<Arc<Delivery>>,
    /// Orders.
    pub orders: mpsc::Receiver<Order>,
    /// Whether the queue was full.
    pub behind: Arc<Behind>,
    hub: Arc<Hub>,
    user: UserId,
    id: u64,
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.hub.leave(self.user, self.id);
        metrics::gauge!(STREAMS).decrement(1.0);
    }
}

/// The open streams.
#[derive(Default)]
pub struct Hub {
    streams: Mutex<HashMap<UserId, Vec<Entry>>>,
    next_id: AtomicU64,
    /// Up to where the log has been handed to the streams.
    position: AtomicI64,
}

impl Hub {
    /// Opens a stream for a person. Join first, then read the log: so nothing falls between.
    ///
    /// Streams by different doors are counted apart: one more than a person may have ends the oldest by the same door.
    #[must_use]
    pub fn join(self: &Arc<Self>, user: UserId, door: Door) -> Stream {
        let (queue, events) = mpsc::channel(QUEUE_MAX);
        let (orders, told) = mpsc::channel(ORDERS_MAX);
        let behind = Arc::new(Behind::default());
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let entry = Entry {
            id,
            door,
            queue,
            orders,
            behind: Arc::clone(&behind),
        };
        let mut streams = self.lock();
        let mine = streams.entry(user).or_default();
        let mut alike = mine.iter().enumerate().filter(|(_, it)| it.door == door);
        let oldest = alike.next().map(|(place, _)| place);
        if let Some(oldest) = oldest
            && alike.count() + 1 >= STREAMS_PER_USER_MAX
        {
            let oldest = mine.remove(oldest);
            // A stream with no room for an order ends all the same: its queue is gone.
            let _ = oldest
                .orders
                .try_send(Order::Close(close::TOO_MANY_CONNECTIONS));
        }
        mine.push(entry);
        drop(streams);
        metrics::gauge!(STREAMS).increment(1.0);
        Stream {
            queue: events,
            orders: told,
            behind,
            hub: Arc::clone(self),
            user,
            id,
        }
    }

    fn leave(&self, user: UserId, id: u64) {
        let mut streams = self.lock();
        if let Some(mine) = streams.get_mut(&user) {
            mine.retain(|entry| entry.id != id);
            if mine.is_empty() {
                streams.remove(&user);
            }
        }
    }

    /// Those of `people` who have a stream here.
    #[must_use]
    pub fn present(&self, people: &[UserId]) -> Vec<UserId> {
        let streams = self.lock();
        people
            .iter()
            .copied()
            .filter(|user| streams.contains_key(user))
            .collect()
    }

    /// Hands an event to the streams of the people it concerns.
    pub fn deliver(&self, delivery: &Arc<Delivery>) {
        let streams = self.lock();
        for user in delivery.people() {
            for entry in streams.get(&user).into_iter().flatten() {
                if entry.queue.try_send(Arc::clone(delivery)).is_err() {
                    entry.behind.set();
                }
            }
        }
    }

    /// Gives an order to all streams of a person.
    pub fn order(&self, user: UserId, order: Order) {
        for entry in self.lock().get(&user).into_iter().flatten() {
            // A stream that is too busy to take it has as many orders to check already.
            let _ = entry.orders.try_send(order);
        }
    }

    /// Gives an order to every stream.
    pub fn order_all(&self, order: Order) {
        for entry in self.lock().values().flatten() {
            let _ = entry.orders.try_send(order);
        }
    }

    /// Up to where the log has been handed to the streams. Read it before looking whether a queue is empty.
    #[must_use]
    pub fn position(&self) -> i64 {
        self.position.load(Ordering::Acquire)
    }

    /// Notes how far the log has been handed to the streams.
    pub fn advance(&self, position: i64) {
        self.position.fetch_max(position, Ordering::AcqRel);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<UserId, Vec<Entry>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(seq: i64) -> Arc<Delivery> {
        Arc::new(Delivery::plain(seq, UserId::new(1)))
    }

    #[tokio::test]
    async fn a_full_queue_puts_the_stream_behind_and_loses_nothing_silently() {
        let hub = Arc::new(Hub::default());
        let mut stream = hub.join(UserId::new(1), Door::Socket);
        for seq in 1..=i64::try_from(QUEUE_MAX).unwrap() {
            hub.deliver(&delivery(seq));
        }
        assert!(!stream.behind.is_behind.load(Ordering::Acquire));
        hub.deliver(&delivery(1_000));
        stream.behind.wait().await;
        assert_eq!(stream.queue.recv().await.unwrap().seq, 1);
    }

    /// Opens this many streams.
    fn open(hub: &Arc<Hub>, door: Door, count: usize) -> Vec<Stream> {
        let user = UserId::new(1);
        (0..count).map(|_| hub.join(user, door)).collect()
    }

    #[tokio::test]
    async fn one_stream_too_many_closes_the_oldest() {
        for door in [Door::Socket, Door::Events, Door::Poll] {
            let hub = Arc::new(Hub::default());
            let mut streams = open(&hub, door, STREAMS_PER_USER_MAX);
            assert!(streams[0].orders.try_recv().is_err());
            let _one_more = open(&hub, door, 1);
            let order = streams[0].orders.try_recv().unwrap();
            assert_eq!(order, Order::Close(close::TOO_MANY_CONNECTIONS));
            drop(streams);
            assert_eq!(hub.present(&[UserId::new(1)]), [UserId::new(1)]);
        }
    }

    #[tokio::test]
    async fn doors_are_counted_apart() {
        let hub = Arc::new(Hub::default());
        let mut open: Vec<Stream> = [Door::Socket, Door::Events, Door::Poll]
            .into_iter()
            .flat_map(|door| open(&hub, door, STREAMS_PER_USER_MAX))
            .collect();
        for stream in &mut open {
            assert!(stream.orders.try_recv().is_err());
        }
    }
}
