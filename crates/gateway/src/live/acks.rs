//! What devices say has reached them: noted for each person, and written together once in a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;
use pinwire_domain::{ConversationId, UserId};
use pinwire_storage::Store;
use tokio::time::{MissedTickBehavior, interval};

/// How often what was acknowledged is written: at most one act of each person in this time.
const WRITE_EVERY: Duration = Duration::from_secs(1);
/// Conversations of one act at most; the others wait for the next one.
const CONVERSATIONS_MAX: usize = 100;
/// Acts under way at once.
const ACTS_MAX: usize = 16;
/// Conversations whose messages were sent over one socket and not acknowledged yet; beyond it the one that waits for
/// longest is forgotten, and its next message tells for all before it.
const UNACKNOWLEDGED_MAX: usize = 128;

/// A message that was sent: its frame's seq, and its position.
type Sent = (i64, i64);

/// What was sent over a socket and not acknowledged yet.
#[derive(Default)]
pub struct Unacknowledged {
    /// Of each conversation the first message since the last acknowledgement, and the newest one: so each
    /// acknowledgement moves a mark, however fast messages come.
    conversations: HashMap<ConversationId, (Sent, Sent)>,
}

impl Unacknowledged {
    /// Notes that a message was sent.
    pub fn sent(&mut self, seq: i64, conversation: ConversationId, position: i64) {
        let new = (seq, position);
        let known = self.conversations.entry(conversation).or_insert((new, new));
        known.1 = new;
        if self.conversations.len() > UNACKNOWLEDGED_MAX {
            let oldest = self
                .conversations
                .iter()
                .min_by_key(|(_, (first, _))| first.0);
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                self.conversations.remove(&oldest);
            }
        }
    }

    /// What a device acknowledges by this seq: for each conversation up to where.
    pub fn acknowledge(&mut self, seq: i64) -> Vec<(ConversationId, i64)> {
        let mut reached = Vec::new();
        self.conversations.retain(|id, (first, last)| {
            if last.0 <= seq {
                reached.push((*id, last.1));
                return false;
            }
            if first.0 <= seq {
                reached.push((*id, first.1));
                *first = *last;
            }
            true
        });
        reached
    }
}

/// Up to where messages of some conversations have reached a person.
type Marks = HashMap<ConversationId, i64>;

/// What has reached whom, and is not written yet.
#[derive(Default)]
pub struct Acks {
    waiting: Mutex<HashMap<UserId, Marks>>,
}

impl Acks {
    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Marks>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what has reached a person. As many people wait as have a socket here.
    pub fn note(&self, user: UserId, reached: Vec<(ConversationId, i64)>) {
        if reached.is_empty() {
            return;
        }
        let mut waiting = self.lock();
        let marks = waiting.entry(user).or_default();
        for (conversation, position) in reached {
            let mark = marks.entry(conversation).or_default();
            *mark = position.max(*mark);
        }
    }

    /// What is to be written now, of each person as much as one act takes.
    fn take(&self) -> Vec<(UserId, Vec<(ConversationId, i64)>)> {
        let mut waiting = self.lock();
        let taken = waiting.iter_mut().map(|(user, marks)| {
            let ids: Vec<_> = marks.keys().take(CONVERSATIONS_MAX).copied().collect();
            let marks = ids.into_iter().filter_map(|id| marks.remove_entry(&id));
            (*user, marks.collect())
        });
        let taken = taken.collect();
        waiting.retain(|_, marks| !marks.is_empty());
        taken
    }
}

/// Writes what was acknowledged. Runs as long as the node does.
pub async fn run(acks: Arc<Acks>, store: Store) {
    let mut turns = interval(WRITE_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        turns.tick().await;
        let acts = acks.take().into_iter();
        let acts = acts.map(|(user, marks)| store.deliver(user, marks));
        let mut acts = stream::iter(acts).buffer_unordered(ACTS_MAX);
        while let Some(outcome) = acts.next().await {
            if let Err(error) = outcome {
                // The next message that reaches the device tells the same.
                tracing::warn!(%error, "what was delivered is not noted");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ConversationId = ConversationId::new(1);
    const B: ConversationId = ConversationId::new(2);

    #[test]
    fn an_acknowledgement_reaches_as_far_as_its_seq() {
        let mut sent = Unacknowledged::default();
        assert_eq!(sent.acknowledge(100), []);
        sent.sent(10, A, 1);
        sent.sent(11, A, 2);
        sent.sent(12, A, 3);
        assert_eq!(sent.acknowledge(9), []);
        assert_eq!(sent.acknowledge(10), [(A, 1)]);
        assert_eq!(sent.acknowledge(11), [], "the newest alone is remembered");
        assert_eq!(sent.acknowledge(12), [(A, 3)]);
        assert_eq!(sent.acknowledge(12), []);
        sent.sent(13, A, 4);
        sent.sent(14, B, 1);
        let mut both = sent.acknowledge(20);
        both.sort_unstable();
        assert_eq!(both, [(A, 4), (B, 1)]);
    }

    #[test]
    fn what_is_not_acknowledged_has_a_bound() {
        let mut sent = Unacknowledged::default();
        let bound = i64::try_from(UNACKNOWLEDGED_MAX).unwrap();
        for n in 1..=bound {
            sent.sent(n, ConversationId::new(n), 1);
        }
        assert_eq!(sent.acknowledge(1), [(ConversationId::new(1), 1)]);
        for n in [bound + 1, bound + 2] {
            sent.sent(n, ConversationId::new(n), 1);
        }
        // The second one was forgotten.
        assert_eq!(sent.acknowledge(2), []);
        assert_eq!(sent.acknowledge(bound + 2).len(), UNACKNOWLEDGED_MAX);
    }

    #[test]
    fn one_act_takes_so_many_and_the_greatest_mark_counts() {
        let acks = Acks::default();
        let user = UserId::new(7);
        acks.note(user, vec![(A, 3)]);
        acks.note(user, vec![(A, 2)]);
        acks.note(user, Vec::new());
        assert_eq!(acks.take(), [(user, vec![(A, 3)])]);
        assert_eq!(acks.take(), []);
        let bound = i64::try_from(CONVERSATIONS_MAX).unwrap();
        let many = (0..=bound).map(|n| (ConversationId::new(n), 1)).collect();
        acks.note(user, many);
        for count in [CONVERSATIONS_MAX, 1] {
            let taken = acks.take();
            assert_eq!((taken[0].0, taken[0].1.len()), (user, count));
        }
        assert_eq!(acks.take(), []);
    }
}
