//! What waits for one stream: events and signs, orders, and whether it has to read the log.
//!
//! Most streams wait for something nearly always, so a mailbox without anything in it is as small as can be: one
//! allocation, and none for what may come.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::close::CloseCode;
use super::frames::Frame;
use super::render::Delivery;

/// Events that wait for one stream; beyond it the stream reads the log at its own pace.
pub(super) const QUEUE_MAX: usize = 64;

/// Signs are dropped where fewer places than this are free, so that they never keep an event out.
pub(super) const FREE_FOR_SIGNS: usize = QUEUE_MAX / 2;

/// What waits for a stream.
#[derive(Debug, Clone)]
pub enum Told {
    /// An event.
    Event(Arc<Delivery>),
    /// A frame that is no event, and may be lost.
    Sign(Arc<Frame>),
}

/// What a stream is told beside events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// End with this code.
    Close(CloseCode),
    /// Ask the store whether the session is still signed in.
    CheckSession,
}

#[derive(Default)]
struct Waiting {
    queue: VecDeque<Told>,
    close: Option<CloseCode>,
    checks_session: bool,
    is_behind: bool,
    /// The hub knows the stream no more.
    is_left: bool,
    /// Of the one task that a stream belongs to.
    waker: Option<Waker>,
}

impl Waiting {
    fn take_told(&mut self) -> Option<Told> {
        let told = self.queue.pop_front();
        if self.queue.is_empty() {
            // The room for a burst is not kept for the next one.
            self.queue = VecDeque::new();
        }
        told
    }

    fn take_order(&mut self) -> Option<Order> {
        if let Some(code) = self.close.take() {
            return Some(Order::Close(code));
        }
        std::mem::take(&mut self.checks_session).then_some(Order::CheckSession)
    }
}

/// The sending side, which is the hub's.
#[derive(Default)]
pub(super) struct Mailbox(Mutex<Waiting>);

impl Mailbox {
    /// Puts an event in. Without room for it the stream is behind; whether it has just become so.
    pub(super) fn put(&self, event: &Arc<Delivery>) -> bool {
        self.change(|waiting| {
            if waiting.queue.len() < QUEUE_MAX {
                waiting.queue.push_back(Told::Event(Arc::clone(event)));
                return false;
            }
            !std::mem::replace(&mut waiting.is_behind, true)
        })
    }

    /// Puts a sign in, if there is room for signs; whether there is.
    pub(super) fn sign(&self, frame: &Arc<Frame>) -> bool {
        self.change(|waiting| {
            let has_room = waiting.queue.len() + FREE_FOR_SIGNS <= QUEUE_MAX && !waiting.is_behind;
            if has_room {
                waiting.queue.push_back(Told::Sign(Arc::clone(frame)));
            }
            has_room
        })
    }

    /// Gives an order. One to end replaces none that came before it, and to check the session once is enough.
    pub(super) fn order(&self, order: Order) {
        self.change(|waiting| match order {
            Order::Close(code) => waiting.close = waiting.close.or(Some(code)),
            Order::CheckSession => waiting.checks_session = true,
        });
    }

    /// Nothing comes any more.
    pub(super) fn leave(&self) {
        self.change(|waiting| waiting.is_left = true);
    }

    fn change<T>(&self, change: impl FnOnce(&mut Waiting) -> T) -> T {
        let mut waiting = self.lock();
        let outcome = change(&mut waiting);
        let waker = waiting.waker.take();
        drop(waiting);
        if let Some(waker) = waker {
            waker.wake();
        }
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `take` finds something.
    async fn wait<T>(&self, mut take: impl FnMut(&mut Waiting) -> Option<T>) -> T {
        poll_fn(|cx: &mut Context<'_>| {
            let mut waiting = self.lock();
            if let Some(found) = take(&mut waiting) {
                return Poll::Ready(found);
            }
            match &mut waiting.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            Poll::Pending
        })
        .await
    }
}

/// The events of a stream, in order, and signs. This and the two below are for one task.
pub struct Queue(pub(super) Arc<Mailbox>);

impl Queue {
    /// The next one; none once the hub knows the stream no more.
    pub async fn recv(&mut self) -> Option<Told> {
        self.0
            .wait(|waiting| match waiting.take_told() {
                None if waiting.is_left => Some(None),
                told => told.map(Some),
            })
            .await
    }

    /// The next one, if there is one already.
    #[must_use]
    pub fn try_recv(&mut self) -> Option<Told> {
        self.0.lock().take_told()
    }
}

/// The orders for a stream.
pub struct Orders(pub(super) Arc<Mailbox>);

impl Orders {
    /// The next order; none once the hub knows the stream no more.
    pub async fn recv(&mut self) -> Option<Order> {
        self.0
            .wait(|waiting| match waiting.take_order() {
                None if waiting.is_left => Some(None),
                order => order.map(Some),
            })
            .await
    }
}

/// Whether a stream's queue was full, so that it has to read the log.
pub struct Behind(pub(super) Arc<Mailbox>);

impl Behind {
    /// Whether the stream has to read the log.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.lock().is_behind
    }

    /// Waits until the stream is behind, and takes note of it.
    pub async fn wait(&self) {
        self.0
            .wait(|waiting| std::mem::take(&mut waiting.is_behind).then_some(()))
            .await;
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use pinwire_domain::UserId;

    use super::super::close;
    use super::*;

    fn mailbox() -> (Arc<Mailbox>, Queue, Orders, Behind) {
        let mailbox = Arc::new(Mailbox::default());
        let clone = || Arc::clone(&mailbox);
        let (queue, orders, behind) = (Queue(clone()), Orders(clone()), Behind(clone()));
        (mailbox, queue, orders, behind)
    }

    fn seq(told: Told) -> i64 {
        match told {
            Told::Event(event) => event.seq,
            Told::Sign(_) => panic!("no event was told"),
        }
    }

    fn event(seq: i64) -> Arc<Delivery> {
        Arc::new(Delivery::plain(seq, UserId::new(1)))
    }

    #[test]
    fn a_queue_holds_so_many_and_one_past_it_is_behind_once() {
        let (mailbox, mut queue, _, behind) = mailbox();
        for seq in 1..=i64::try_from(QUEUE_MAX).unwrap() {
            assert!(!mailbox.put(&event(seq)));
        }
        assert!(!behind.is_set());
        assert!(mailbox.put(&event(1_000)));
        assert!(!mailbox.put(&event(1_001)), "it is behind already");
        behind.wait().now_or_never().unwrap();
        assert!(!behind.is_set());
        let left = std::iter::from_fn(|| queue.try_recv()).map(seq);
        assert!(left.eq(1..=i64::try_from(QUEUE_MAX).unwrap()));
    }

    #[test]
    fn an_empty_queue_has_no_room_of_its_own() {
        let (mailbox, mut queue, ..) = mailbox();
        assert_eq!(mailbox.lock().queue.capacity(), 0);
        mailbox.put(&event(1));
        assert!(queue.try_recv().is_some());
        assert_eq!(mailbox.lock().queue.capacity(), 0);
    }

    #[test]
    fn to_end_comes_first_and_once() {
        let (mailbox, _, mut orders, _) = mailbox();
        for order in [
            Order::CheckSession,
            Order::Close(close::RESTART),
            Order::CheckSession,
            Order::Close(close::TOO_SLOW),
        ] {
            mailbox.order(order);
        }
        let mut next = || orders.recv().now_or_never();
        assert_eq!(next(), Some(Some(Order::Close(close::RESTART))));
        assert_eq!(next(), Some(Some(Order::CheckSession)));
        assert_eq!(next(), None);
    }

    #[test]
    fn who_left_hears_what_was_there_and_then_the_end() {
        let (mailbox, mut queue, mut orders, _) = mailbox();
        mailbox.put(&event(1));
        mailbox.order(Order::CheckSession);
        mailbox.leave();
        assert_eq!(queue.recv().now_or_never().unwrap().map(seq), Some(1));
        assert!(queue.recv().now_or_never().unwrap().is_none());
        assert_eq!(
            orders.recv().now_or_never(),
            Some(Some(Order::CheckSession))
        );
        assert_eq!(orders.recv().now_or_never(), Some(None));
    }

    #[tokio::test]
    async fn whoever_waits_for_one_thing_is_woken_by_it() {
        let (mailbox, mut queue, mut orders, _) = mailbox();
        let waits = tokio::spawn(async move {
            tokio::select! {
                told = queue.recv() => told.map(seq),
                _ = orders.recv() => None,
            }
        });
        tokio::task::yield_now().await;
        mailbox.put(&event(7));
        assert_eq!(waits.await.unwrap(), Some(7));
    }
}
