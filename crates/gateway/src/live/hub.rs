//! The streams that are open on this node, by person.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use pinwire_domain::UserId;

use super::close;
use super::frames::Frame;
use super::mailbox::{Behind, Mailbox, Orders, Queue};
use super::render::Delivery;
use crate::metrics::{STREAM_OVERFLOWS, STREAMS};

pub use super::mailbox::{Order, Told};

/// Streams of one person on one node by each door; one more closes the oldest by the same.
pub const STREAMS_PER_USER_MAX: usize = 20;

/// Names a stream of this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamKey {
    /// Whose it is.
    pub user: UserId,
    /// Which of theirs.
    pub id: u64,
}

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
    mailbox: Arc<Mailbox>,
}

impl Entry {
    /// Whether who holds it is there. Polls come and go.
    fn is_open(&self) -> bool {
        self.door != Door::Poll
    }
}

/// The receiving side of a stream; leaves the hub when dropped.
pub struct Stream {
    /// Events, in order, and signs.
    pub queue: Queue,
    /// Orders.
    pub orders: Orders,
    /// Whether the queue was full.
    pub behind: Behind,
    hub: Arc<Hub>,
    user: UserId,
    id: u64,
}

impl Stream {
    /// Its name in the hub.
    #[must_use]
    pub const fn key(&self) -> StreamKey {
        StreamKey {
            user: self.user,
            id: self.id,
        }
    }
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
    /// The people who opened or closed a stream since this was last asked for.
    changes: Mutex<HashSet<UserId>>,
}

impl Hub {
    /// Opens a stream for a person. Join first, then read the log: so nothing falls between.
    ///
    /// Streams by different doors are counted apart: one more than a person may have ends the oldest by the same door.
    #[must_use]
    pub fn join(self: &Arc<Self>, user: UserId, door: Door) -> Stream {
        let mailbox = Arc::new(Mailbox::default());
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let entry = Entry {
            id,
            door,
            mailbox: Arc::clone(&mailbox),
        };
        let mut streams = self.lock();
        let mine = streams.entry(user).or_default();
        let mut alike = mine.iter().enumerate().filter(|(_, it)| it.door == door);
        let oldest = alike.next().map(|(place, _)| place);
        if let Some(oldest) = oldest
            && alike.count() + 1 >= STREAMS_PER_USER_MAX
        {
            let oldest = mine.remove(oldest).mailbox;
            oldest.order(Order::Close(close::TOO_MANY_CONNECTIONS));
            oldest.leave();
        }
        mine.push(entry);
        drop(streams);
        if door != Door::Poll {
            self.note_change(user);
        }
        metrics::gauge!(STREAMS).increment(1.0);
        Stream {
            queue: Queue(Arc::clone(&mailbox)),
            orders: Orders(Arc::clone(&mailbox)),
            behind: Behind(mailbox),
            hub: Arc::clone(self),
            user,
            id,
        }
    }

    fn note_change(&self, user: UserId) {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.insert(user);
    }

    /// The people who opened or closed a stream since the last call.
    #[must_use]
    pub fn take_changes(&self) -> HashSet<UserId> {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut changes)
    }

    /// Whether a person has a stream open that is no poll.
    #[must_use]
    pub fn is_listening(&self, user: UserId) -> bool {
        let streams = self.lock();
        let mine = streams.get(&user);
        mine.is_some_and(|mine| mine.iter().any(Entry::is_open))
    }

    fn leave(&self, user: UserId, id: u64) {
        let mut streams = self.lock();
        if let Some(mine) = streams.get_mut(&user) {
            mine.retain(|entry| entry.id != id);
            if mine.is_empty() {
                streams.remove(&user);
            }
        }
        drop(streams);
        self.note_change(user);
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
                if entry.mailbox.put(delivery) {
                    metrics::counter!(STREAM_OVERFLOWS).increment(1);
                }
            }
        }
    }

    /// Hands a sign to the streams of these people; where there is no room, it is dropped.
    pub fn sign(&self, people: &[UserId], frame: &Arc<Frame>) {
        let streams = self.lock();
        for user in people {
            let mine = streams.get(user).into_iter().flatten();
            for entry in mine.filter(|entry| entry.is_open()) {
                entry.mailbox.sign(frame);
            }
        }
    }

    /// Hands a sign to one stream; false if it has no room. For a stream that is no more there is nothing to do.
    pub fn sign_to(&self, stream: StreamKey, frame: &Arc<Frame>) -> bool {
        let streams = self.lock();
        let mut mine = streams.get(&stream.user).into_iter().flatten();
        let entry = mine.find(|entry| entry.id == stream.id);
        entry.is_none_or(|entry| entry.mailbox.sign(frame))
    }

    /// Gives an order to all streams of a person.
    pub fn order(&self, user: UserId, order: Order) {
        for entry in self.lock().get(&user).into_iter().flatten() {
            entry.mailbox.order(order);
        }
    }

    /// Gives an order to every stream.
    pub fn order_all(&self, order: Order) {
        for entry in self.lock().values().flatten() {
            entry.mailbox.order(order);
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
    use futures_util::FutureExt;

    use super::super::frames::ServerFrame;
    use super::super::mailbox::{FREE_FOR_SIGNS, QUEUE_MAX};
    use super::*;

    fn told(stream: &mut Stream) -> Option<Order> {
        stream.orders.recv().now_or_never().flatten()
    }

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
        assert!(!stream.behind.is_set());
        hub.deliver(&delivery(1_000));
        stream.behind.wait().await;
        let Told::Event(first) = stream.queue.recv().await.unwrap() else {
            panic!("no event was told")
        };
        assert_eq!(first.seq, 1);
    }

    #[tokio::test]
    async fn signs_are_dropped_before_they_keep_an_event_out() {
        let hub = Arc::new(Hub::default());
        let user = UserId::new(1);
        let (mut stream, mut poll) = (hub.join(user, Door::Socket), hub.join(user, Door::Poll));
        let frame = Arc::new(Frame::of(&ServerFrame::Ping { seq: 1 }).unwrap());
        for _ in 0..QUEUE_MAX {
            hub.sign(&[user], &frame);
        }
        assert!(poll.queue.try_recv().is_none(), "a poll waits for events");
        let key = stream.key();
        assert!(!hub.sign_to(key, &frame));
        let events = i64::try_from(FREE_FOR_SIGNS).unwrap() - 1;
        for seq in 1..=events {
            hub.deliver(&delivery(seq));
        }
        assert!(!stream.behind.is_set(), "there was room for events");
        let mut signs = 0;
        while let Some(Told::Sign(_)) = stream.queue.try_recv() {
            signs += 1;
        }
        assert_eq!(signs, QUEUE_MAX - FREE_FOR_SIGNS + 1);
        drop(stream);
        assert!(hub.sign_to(key, &frame), "nothing to do for nobody");
    }

    #[tokio::test]
    async fn who_comes_and_goes_is_noted() {
        let hub = Arc::new(Hub::default());
        let user = UserId::new(1);
        assert!(hub.take_changes().is_empty());
        let poll = hub.join(user, Door::Poll);
        assert!(!hub.is_listening(user));
        assert!(hub.take_changes().is_empty());
        let stream = hub.join(user, Door::Events);
        assert!(hub.is_listening(user));
        assert_eq!(hub.take_changes(), HashSet::from([user]));
        drop((stream, poll));
        assert!(!hub.is_listening(user));
        assert_eq!(hub.take_changes(), HashSet::from([user]));
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
            assert_eq!(told(&mut streams[0]), None);
            let _one_more = open(&hub, door, 1);
            let order = told(&mut streams[0]);
            assert_eq!(order, Some(Order::Close(close::TOO_MANY_CONNECTIONS)));
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
            assert_eq!(told(stream), None);
        }
    }
}
