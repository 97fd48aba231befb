//! Signs: that somebody is typing, or online. Never stored, at most once, and the first to be dropped.
//!
//! They go past the log: from the node where they begin to its own streams, and over the bus to those of the others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pinwire_domain::{ConversationId, UserId};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::frames::{Frame, ServerFrame};
use super::hub::Hub;
use super::presence::Presence;
use super::redis::RedisBus;
use crate::App;
use crate::error::ApiResult;

/// At most one sign that a person types in a conversation goes out in this time.
pub const TYPING_EVERY: Duration = Duration::from_secs(3);
/// People who type at once, counted for each conversation; beyond it signs are dropped.
const TYPING_MAX: usize = 10_000;
/// Signs that wait for the bus; what finds no room is dropped.
pub const WAITING_MAX: usize = 1_024;

/// Tells nodes apart.
pub type NodeId = u64;

/// A sign, as nodes tell each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sign {
    /// Somebody types.
    Typing {
        /// Where.
        conversation: i64,
        /// Who.
        user: i64,
        /// Who sees it.
        people: Vec<i64>,
    },
    /// People came to the node that tells it, or went.
    Presence {
        /// They have a stream there.
        online: Vec<i64>,
        /// They have none there any more.
        offline: Vec<i64>,
    },
}

/// The signs that begin at this node, and those that reach it.
pub struct Signs {
    hub: Arc<Hub>,
    presence: Arc<Presence>,
    /// The way to the other nodes, if there are any.
    outbox: Option<mpsc::Sender<Sign>>,
    typing: Throttle,
}

impl Signs {
    /// Those of this node, which leave it by `outbox`.
    #[must_use]
    pub fn new(hub: Arc<Hub>, presence: Arc<Presence>, outbox: Option<mpsc::Sender<Sign>>) -> Self {
        Self {
            hub,
            presence,
            outbox,
            typing: Throttle::default(),
        }
    }

    /// Tells the other nodes; what finds no room is dropped.
    fn send(&self, sign: Sign) {
        if let Some(outbox) = &self.outbox {
            drop(outbox.try_send(sign));
        }
    }

    /// Tells the other nodes who came here, or is still here, and who went.
    pub fn tell_presence(&self, online: &[UserId], offline: &[UserId]) {
        let ids = |people: &[UserId]| people.iter().map(|user| user.get()).collect();
        self.send(Sign::Presence {
            online: ids(online),
            offline: ids(offline),
        });
    }

    /// Somebody types: tells those who see it, here and at the other nodes.
    fn tell_typing(&self, user: UserId, conversation: ConversationId, people: &[UserId]) {
        if people.is_empty() || !self.typing.passes((user, conversation), Instant::now()) {
            return;
        }
        self.show_typing(user, conversation, people);
        self.send(Sign::Typing {
            conversation: conversation.get(),
            user: user.get(),
            people: people.iter().map(|it| it.get()).collect(),
        });
    }

    fn show_typing(&self, user: UserId, conversation: ConversationId, people: &[UserId]) {
        let frame = Frame::of(&ServerFrame::Typing {
            conversation_id: conversation.to_string(),
            user_id: user.to_string(),
        });
        // Two ids are always written.
        if let Ok(frame) = frame {
            self.hub.sign(people, &Arc::new(frame));
        }
    }

    /// Takes a sign of another node.
    pub fn take(&self, node: NodeId, sign: Sign) {
        match sign {
            Sign::Typing {
                conversation,
                user,
                people,
            } => {
                let (user, conversation) = (UserId::new(user), ConversationId::new(conversation));
                let people: Vec<UserId> = people.into_iter().map(UserId::new).collect();
                if self.typing.passes((user, conversation), Instant::now()) {
                    self.show_typing(user, conversation, &people);
                }
            }
            Sign::Presence { online, offline } => {
                self.presence.hear(node, &online, &offline, Instant::now());
            }
        }
    }
}

/// Lets others see that a person types.
///
/// # Errors
/// 404 for a conversation that the person takes no part in.
pub async fn type_in(app: &App, user: UserId, conversation: ConversationId) -> ApiResult<()> {
    let signs = &app.live.signs;
    // What would not go out need not be looked up.
    if signs.typing.is_recent((user, conversation), Instant::now()) {
        return Ok(());
    }
    let people = app.store.typing_audience(user, conversation).await?;
    signs.tell_typing(user, conversation, &people);
    Ok(())
}

/// Passes one sign of each kind in a time.
#[derive(Default)]
struct Throttle(Mutex<HashMap<TypingKey, Instant>>);

/// Who types, and where.
type TypingKey = (UserId, ConversationId);

impl Throttle {
    /// Whether a sign passed a short time ago.
    fn is_recent(&self, key: TypingKey, now: Instant) -> bool {
        let passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        passed.get(&key).is_some_and(|at| is_recent(*at, now))
    }

    /// Lets a sign pass, unless one did a short time ago.
    fn passes(&self, key: TypingKey, now: Instant) -> bool {
        let mut passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if passed.get(&key).is_some_and(|at| is_recent(*at, now)) {
            return false;
        }
        if passed.len() >= TYPING_MAX {
            passed.retain(|_, at| is_recent(*at, now));
        }
        let has_room = passed.len() < TYPING_MAX;
        if has_room {
            passed.insert(key, now);
        }
        has_room
    }
}

fn is_recent(at: Instant, now: Instant) -> bool {
    now.duration_since(at) < TYPING_EVERY
}

/// Carries signs to the other nodes. Ends with the outbox.
pub async fn tell_others(mut outbox: mpsc::Receiver<Sign>, bus: RedisBus) {
    while let Some(sign) = outbox.recv().await {
        bus.publish_sign(&sign).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(user: usize) -> TypingKey {
        let user = i64::try_from(user).unwrap();
        (UserId::new(user), ConversationId::new(1))
    }

    #[test]
    fn one_sign_passes_in_a_time() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        assert!(throttle.passes(key(1), now));
        let just_before = now + TYPING_EVERY - Duration::from_millis(1);
        assert!(!throttle.passes(key(1), just_before));
        assert!(throttle.is_recent(key(1), just_before));
        assert!(throttle.passes(key(2), just_before), "somebody else");
        assert!(!throttle.is_recent(key(1), now + TYPING_EVERY));
        assert!(throttle.passes(key(1), now + TYPING_EVERY));
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for user in 0..TYPING_MAX {
            assert!(throttle.passes(key(user), now));
        }
        assert!(!throttle.passes(key(TYPING_MAX), now));
        assert!(throttle.passes(key(TYPING_MAX), now + TYPING_EVERY));
    }
}
