//! Acts that wait for the writers: each conversation takes its turn, so that a busy one does not keep the others waiting.

use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::tx::LockKey;

/// Acts that may wait; one more is told to come back later.
const WAITING_MAX: usize = 4_096;
/// Acts of a batch at most.
const BATCH_MAX: usize = 64;
/// Acts of a batch about the same at most, also where nothing else waits: who comes next waits for the batch to end.
const BATCH_SHARE_MAX: usize = 16;

/// What takes its turn.
#[derive(Debug)]
enum Turn<A> {
    /// An act that shares what it is about with no other.
    Act(A),
    /// The first of those about the same.
    Topic(LockKey),
}

#[derive(Debug)]
struct Line<A> {
    turns: VecDeque<Turn<A>>,
    /// By what they are about. None is empty.
    topics: HashMap<LockKey, VecDeque<A>>,
    waiting: usize,
    /// Writers that have nothing to do: without one, nobody has to be woken.
    idle: usize,
    is_closed: bool,
}

/// Acts `A` that wait.
#[derive(Debug)]
pub(super) struct Queue<A> {
    line: Mutex<Line<A>>,
    came: Condvar,
}

impl<A> Queue<A> {
    pub(super) fn new() -> Self {
        let line = Line {
            turns: VecDeque::new(),
            topics: HashMap::new(),
            waiting: 0,
            idle: 0,
            is_closed: false,
        };
        Self {
            line: Mutex::new(line),
            came: Condvar::new(),
        }
    }

    /// Puts an act about `topic` in its place; false if there is no room for it.
    #[must_use]
    pub(super) fn put(&self, act: A, topic: Option<LockKey>) -> bool {
        let mut line = self.lock();
        if line.waiting >= WAITING_MAX {
            return false;
        }
        line.put(act, topic);
        let is_awaited = line.idle > 0;
        drop(line);
        if is_awaited {
            self.came.notify_one();
        }
        true
    }

    /// Adds all that waits and has room in a batch, at once; waits for an act if the batch has none. False when
    /// nothing will come any more.
    pub(super) fn fill(&self, batch: &mut Vec<A>) -> bool {
        let mut line = self.lock();
        while batch.is_empty() && line.waiting == 0 {
            if line.is_closed {
                return false;
            }
            line.idle += 1;
            line = self.came.wait(line).unwrap_or_else(PoisonError::into_inner);
            line.idle -= 1;
        }
        line.take(batch);
        true
    }

    /// Nothing comes any more.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.came.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Line<A>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A> Line<A> {
    fn put(&mut self, act: A, topic: Option<LockKey>) {
        self.waiting += 1;
        let Some(topic) = topic else {
            self.turns.push_back(Turn::Act(act));
            return;
        };
        let alike = self.topics.entry(topic.clone()).or_default();
        if alike.is_empty() {
            self.turns.push_back(Turn::Topic(topic));
        }
        alike.push_back(act);
    }

    /// Takes one act of each turn, and again, until the batch is full or a topic has had its share.
    fn take(&mut self, batch: &mut Vec<A>) {
        for _ in 0..BATCH_SHARE_MAX {
            for _ in 0..self.turns.len() {
                if batch.len() >= BATCH_MAX {
                    return;
                }
                batch.extend(self.next());
            }
        }
    }

    fn next(&mut self) -> Option<A> {
        let topic = match self.turns.pop_front()? {
            Turn::Act(act) => {
                self.waiting -= 1;
                return Some(act);
            }
            Turn::Topic(topic) => topic,
        };
        let alike = self.topics.get_mut(&topic)?;
        let act = alike.pop_front()?;
        self.waiting -= 1;
        if alike.is_empty() {
            self.topics.remove(&topic);
        } else {
            self.turns.push_back(Turn::Topic(topic));
        }
        Some(act)
    }
}

/// What an act with these locks is about: a conversation, or else who does it.
pub(super) fn topic(locks: &[LockKey]) -> Option<LockKey> {
    let conversation = locks
        .iter()
        .find(|key| matches!(key, LockKey::Conversation(_)));
    conversation.cloned().or_else(|| {
        locks.iter().find_map(|key| match key {
            LockKey::User(person) | LockKey::Idempotency(person, _) => Some(LockKey::User(*person)),
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Acts by their numbers.
    type Acts = std::ops::Range<usize>;

    /// A conversation.
    const fn about(id: i64) -> LockKey {
        LockKey::Conversation(id)
    }

    fn put(queue: &Queue<usize>, acts: Acts, topic: Option<&LockKey>) {
        for act in acts {
            assert!(queue.put(act, topic.cloned()));
        }
    }

    fn batch(queue: &Queue<usize>) -> Vec<usize> {
        let mut batch = Vec::new();
        assert!(queue.fill(&mut batch));
        batch
    }

    #[test]
    fn a_topic_has_its_share_of_a_batch_and_not_one_more() {
        let queue = Queue::new();
        put(&queue, 0..BATCH_SHARE_MAX + 1, Some(&about(1)));
        assert!(batch(&queue).into_iter().eq(0..BATCH_SHARE_MAX));
        assert_eq!(batch(&queue), [BATCH_SHARE_MAX]);
    }

    #[test]
    fn who_comes_later_waits_for_no_topic_but_its_own() {
        let queue = Queue::new();
        put(&queue, 0..1_000, Some(&about(1)));
        put(&queue, 1_000..1_002, Some(&about(2)));
        put(&queue, 2_000..2_001, None);
        let first = batch(&queue);
        assert_eq!(first[..5], [0, 1_000, 2_000, 1, 1_001]);
        assert_eq!(first.len(), BATCH_SHARE_MAX + 3);
        put(&queue, 3_000..3_001, Some(&about(3)));
        assert_eq!(batch(&queue)[..2], [16, 3_000]);
    }

    #[test]
    fn a_batch_holds_so_many_and_those_left_come_first() {
        let queue = Queue::new();
        put(&queue, 0..BATCH_MAX + 1, None);
        assert!(batch(&queue).into_iter().eq(0..BATCH_MAX));
        let mut again = vec![7];
        assert!(queue.fill(&mut again));
        assert_eq!(again, [7, BATCH_MAX]);
    }

    #[test]
    fn so_many_wait_and_one_more_is_given_back() {
        let queue = Queue::new();
        put(&queue, 0..WAITING_MAX, Some(&about(1)));
        assert!(!queue.put(9, Some(about(2))));
        assert_eq!(batch(&queue).len(), BATCH_SHARE_MAX);
        put(&queue, 0..BATCH_SHARE_MAX, Some(&about(2)));
        assert!(!queue.put(9, None));
    }

    #[test]
    fn what_waits_when_it_is_closed_is_taken_and_then_nothing_comes() {
        let queue = Queue::new();
        put(&queue, 1..2, Some(&about(1)));
        queue.close();
        assert_eq!(batch(&queue), [1]);
        assert!(!queue.fill(&mut Vec::new()));
        let mut again = vec![1];
        assert!(queue.fill(&mut again), "what has to run again is run");
    }

    #[test]
    fn an_act_is_about_its_conversation_or_else_about_who_does_it() {
        let key = LockKey::Idempotency(1, "a".to_owned());
        let conversation = LockKey::Conversation(2);
        let topics = [
            (vec![key.clone(), conversation.clone()], Some(conversation)),
            (vec![key.clone()], Some(LockKey::User(1))),
            (
                vec![LockKey::Pictures, LockKey::User(3)],
                Some(LockKey::User(3)),
            ),
            (vec![LockKey::Pictures], None),
        ];
        for (locks, about) in topics {
            assert_eq!(topic(&locks), about, "{locks:?}");
        }
    }
}
