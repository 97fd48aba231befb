//! The act that Pinwire exists for: a pin is sent to people.

use std::collections::HashMap;

use pinwire_domain::conversation::{self, People, SendMode};
use pinwire_domain::event::EventKind;
use pinwire_domain::message::MessageDraft;
use pinwire_domain::{ConversationId, PinId, Refusal, UserId};
use serde::{Deserialize, Serialize};

use crate::db::Conn;
use crate::db::batch::{Abort, LockKey, Tx};
use crate::error::Result;
use crate::idempotency::{IdempotencyKey, Keep, Made};
use crate::log::{About, NewEvent};
use crate::messages::{self, Post};
use crate::pin_snapshots::{self, PinSnapshot};
use crate::{Store, conversations, people, safety};

/// Whom a pin is sent to, as the caller names them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Recipient {
    /// An account by id.
    User(UserId),
    /// An account by username, in lower case.
    Username(String),
    /// A conversation the caller takes part in.
    Conversation(ConversationId),
}

/// A send as it was asked for.
#[derive(Debug, Clone)]
pub struct SendRequest {
    /// The pin.
    pub pin: PinId,
    /// To whom.
    pub recipients: Vec<Recipient>,
    /// Apart or as a group.
    pub mode: SendMode,
    /// The message that carries the pin.
    pub draft: MessageDraft,
    /// The caller's own mark for the messages.
    pub client_message_id: Option<String>,
    /// The key that makes a repeat harmless.
    pub key: Option<IdempotencyKey>,
}

/// What a send made for one recipient, or for the group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentTo {
    /// The places in the request's list that this is for.
    pub recipients: Vec<usize>,
    /// Conversation and position of the message; none if the recipient is unavailable.
    pub message: Option<(i64, i64)>,
}

/// What a send would do for one recipient, or for the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WouldSend {
    /// The places in the request's list that this is for.
    pub recipients: Vec<usize>,
    /// Whether it would arrive, as far as the caller may know.
    pub available: bool,
    /// The conversation it would go to, if there is one already.
    pub existing: Option<ConversationId>,
    /// Whether that conversation holds this pin already.
    pub already_sent: bool,
}

/// A recipient that was looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Person(UserId),
    Conversation(ConversationId),
    Unavailable,
}

/// A send that was decided and not yet written.
struct Plan {
    pin: PinSnapshot,
    /// One for each message: where it goes, and which places of the request it is for.
    goals: Vec<(Goal, Vec<usize>)>,
}

enum Goal {
    People(People),
    Conversation(ConversationId),
    Unavailable,
}

/// Loads what the rules need and lets them decide. The real send and the dry run share it.
fn plan(conn: &mut Conn, caller: UserId, request: &SendRequest, people_max: usize) -> Result<Plan> {
    conversation::check_recipients(request.recipients.len())?;
    let pin = pin_snapshots::sendable(conn, caller, request.pin)?;
    let targets = resolve(conn, caller, request)?;
    let available: Vec<bool> = targets.iter().map(|t| *t != Target::Unavailable).collect();
    conversation::check_available(request.mode, &available)?;
    let mut goals: Vec<(Goal, Vec<usize>)> = Vec::new();
    match request.mode {
        SendMode::Group => {
            let others = targets.iter().filter_map(|t| match t {
                Target::Person(id) => Some(*id),
                _ => None,
            });
            let people = People::new(caller, others, people_max)?;
            goals.push((Goal::People(people), (0..targets.len()).collect()));
        }
        SendMode::Separate => {
            let mut seen: HashMap<ConversationOrPerson, usize> = HashMap::new();
            for (place, target) in targets.iter().enumerate() {
                let (goal, same) = separate_goal(conn, caller, *target)?;
                // The same person named twice gets the pin once.
                let first = same.and_then(|key| seen.get(&key).copied());
                if let Some((_, places)) = first.and_then(|first| goals.get_mut(first)) {
                    places.push(place);
                } else {
                    seen.extend(same.map(|key| (key, goals.len())));
                    goals.push((goal, vec![place]));
                }
            }
        }
    }
    Ok(Plan { pin, goals })
}

/// What makes two recipients the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum ConversationOrPerson {
    Conversation(ConversationId),
    Person(UserId),
}

/// Where a separate message goes: to the conversation with this person if there is one already.
fn separate_goal(
    conn: &mut Conn,
    caller: UserId,
    target: Target,
) -> Result<(Goal, Option<ConversationOrPerson>)> {
    Ok(match target {
        Target::Unavailable => (Goal::Unavailable, None),
        Target::Conversation(id) => (
            Goal::Conversation(id),
            Some(ConversationOrPerson::Conversation(id)),
        ),
        Target::Person(id) => {
            let people = People::new(caller, [id], 2)?;
            match conversations::existing(conn, &people)? {
                Some(known) => (
                    Goal::Conversation(known),
                    Some(ConversationOrPerson::Conversation(known)),
                ),
                None => (Goal::People(people), Some(ConversationOrPerson::Person(id))),
            }
        }
    })
}

fn resolve(conn: &mut Conn, caller: UserId, request: &SendRequest) -> Result<Vec<Target>> {
    let names: Vec<String> = request
        .recipients
        .iter()
        .filter_map(|r| match r {
            Recipient::Username(name) => Some(name.clone()),
            _ => None,
        })
        .collect();
    let named = people::by_usernames(conn, &names)?;
    let mut targets = Vec::with_capacity(request.recipients.len());
    for recipient in &request.recipients {
        targets.push(match recipient {
            Recipient::User(id) => Target::Person(*id),
            Recipient::Username(name) => named
                .get(name)
                .map_or(Target::Unavailable, |id| Target::Person(*id)),
            Recipient::Conversation(_) if request.mode == SendMode::Group => {
                return Err(Refusal::ConversationInGroup.into());
            }
            Recipient::Conversation(id) => {
                conversations::require_member(conn, caller, *id)?;
                Target::Conversation(*id)
            }
        });
    }
    let ids: Vec<i64> = targets
        .iter()
        .filter_map(|t| match t {
            Target::Person(id) => Some(id.get()),
            _ => None,
        })
        .collect();
    if ids.contains(&caller.get()) {
        return Err(Refusal::Yourself.into());
    }
    let open = people::open_accounts(conn, &ids)?;
    let blocked = safety::blocked_by(conn, caller, &ids)?;
    for target in &mut targets {
        if let Target::Person(id) = target
            && (!open.contains(&id.get()) || blocked.contains(&id.get()))
        {
            *target = Target::Unavailable;
        }
    }
    Ok(targets)
}

fn write(
    tx: &mut Tx<'_>,
    caller: UserId,
    request: &SendRequest,
    people_max: usize,
) -> std::result::Result<Vec<SentTo>, Abort> {
    let plan = plan(tx.conn, caller, request, people_max)?;
    let post = Post {
        sender: caller,
        draft: &request.draft,
        pin: Some(&plan.pin),
        client_message_id: request.client_message_id.as_deref(),
    };
    let mut sent = Vec::with_capacity(plan.goals.len());
    for (goal, recipients) in plan.goals {
        let id = match goal {
            Goal::Unavailable => None,
            Goal::Conversation(id) => Some(id),
            Goal::People(people) => Some(conversations::find_or_create(tx, caller, &people)?),
        };
        let message = match id {
            Some(id) => Some((id.get(), messages::post(tx, id, &post)?)),
            None => None,
        };
        sent.push(SentTo {
            recipients,
            message,
        });
    }
    Ok(sent)
}

/// The locks a send is sure to need, so that most sends run once.
fn locks(caller: UserId, key: Option<&IdempotencyKey>, recipients: &[Recipient]) -> Vec<LockKey> {
    let mut locks: Vec<LockKey> = key
        .map(|k| LockKey::Idempotency(caller.get(), k.key.clone()))
        .into_iter()
        .collect();
    locks.extend(recipients.iter().filter_map(|r| match r {
        Recipient::Conversation(id) => Some(LockKey::Conversation(id.get())),
        _ => None,
    }));
    locks
}

impl Store {
    /// Sends a pin. All messages commit together.
    ///
    /// # Errors
    /// The refusals of the pin, the recipients, the group's size and the idempotency key.
    pub async fn send(&self, caller: UserId, request: SendRequest) -> Result<Made<Vec<SentTo>>> {
        let people_max = self.people_max();
        let mut locks = locks(caller, request.key.as_ref(), &request.recipients);
        locks.extend(self.known_conversations(caller, &request).await?);
        self.act(locks, move |tx| {
            tx.once(caller, request.key.as_ref(), Keep::Forever, |tx| {
                write(tx, caller, &request, people_max)
            })
        })
        .await
    }

    /// The conversations that a send will most likely go to; a wrong guess costs a second run.
    async fn known_conversations(
        &self,
        caller: UserId,
        request: &SendRequest,
    ) -> Result<Vec<LockKey>> {
        let request = request.clone();
        let people_max = self.people_max();
        self.read(move |conn| {
            if !conn.is_postgres() {
                return Ok(Vec::new());
            }
            // What is refused here is refused again by the act, which answers for it.
            let Ok(plan) = plan(conn, caller, &request, people_max) else {
                return Ok(Vec::new());
            };
            let mut keys = Vec::with_capacity(plan.goals.len());
            for (goal, _) in plan.goals {
                match goal {
                    Goal::Conversation(id) => keys.push(LockKey::Conversation(id.get())),
                    Goal::People(people) => {
                        keys.push(match conversations::existing(conn, &people)? {
                            Some(id) => LockKey::Conversation(id.get()),
                            None => conversations::creation_lock(&people),
                        });
                    }
                    Goal::Unavailable => {}
                }
            }
            Ok(keys)
        })
        .await
    }

    /// Tells what a send would do, and writes nothing.
    ///
    /// # Errors
    /// Those of [`Store::send`].
    pub async fn would_send(&self, caller: UserId, request: SendRequest) -> Result<Vec<WouldSend>> {
        let people_max = self.people_max();
        self.read(move |conn| {
            conn.snapshot(|conn| {
                let plan = plan(conn, caller, &request, people_max)?;
                let mut would = Vec::with_capacity(plan.goals.len());
                for (goal, recipients) in plan.goals {
                    let available = !matches!(goal, Goal::Unavailable);
                    let existing = match goal {
                        Goal::Conversation(id) => Some(id),
                        Goal::People(people) => conversations::existing(conn, &people)?,
                        Goal::Unavailable => None,
                    };
                    let already_sent = match existing {
                        Some(id) => {
                            let ids = [id.get()];
                            !messages::holding_pin(conn, caller, &ids, request.pin)?.is_empty()
                        }
                        None => false,
                    };
                    would.push(WouldSend {
                        recipients,
                        available,
                        existing,
                        already_sent,
                    });
                }
                Ok(would)
            })
        })
        .await
    }

    /// Writes a message into a conversation that the caller takes part in.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`], and the refusals of the pin and the idempotency key.
    pub async fn send_message(
        &self,
        caller: UserId,
        conversation: ConversationId,
        draft: MessageDraft,
        client_message_id: Option<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Made<i64>> {
        let recipients = [Recipient::Conversation(conversation)];
        self.act(locks(caller, key.as_ref(), &recipients), move |tx| {
            tx.once(caller, key.as_ref(), Keep::Forever, |tx| {
                conversations::require_member(tx.conn, caller, conversation)?;
                let pin = match draft.pin {
                    Some(pin) => Some(pin_snapshots::sendable(tx.conn, caller, pin)?),
                    None => None,
                };
                let post = Post {
                    sender: caller,
                    draft: &draft,
                    pin: pin.as_ref(),
                    client_message_id: client_message_id.as_deref(),
                };
                messages::post(tx, conversation, &post)
            })
        })
        .await
    }

    /// Finds or makes the conversation with these people, without a message.
    ///
    /// # Errors
    /// [`Refusal::RecipientUnavailable`], and the refusals of the group's size and the idempotency key.
    pub async fn begin_conversation(
        &self,
        caller: UserId,
        others: Vec<UserId>,
        key: Option<IdempotencyKey>,
    ) -> Result<Made<(i64, bool)>> {
        let people_max = self.people_max();
        self.act(locks(caller, key.as_ref(), &[]), move |tx| {
            tx.once(caller, key.as_ref(), Keep::Forever, |tx| {
                let people = People::new(caller, others.iter().copied(), people_max)?;
                let ids: Vec<i64> = others.iter().map(|o| o.get()).collect();
                let open = people::open_accounts(tx.conn, &ids)?;
                let blocked = safety::blocked_by(tx.conn, caller, &ids)?;
                let available: Vec<bool> = ids
                    .iter()
                    .map(|id| open.contains(id) && !blocked.contains(id))
                    .collect();
                conversation::check_available(SendMode::Group, &available)?;
                let known = conversations::existing(tx.conn, &people)?;
                let id = conversations::find_or_create(tx, caller, &people)?;
                if known.is_none() {
                    tx.emit(NewEvent {
                        at: tx.source.now(),
                        kind: EventKind::ConversationCreated,
                        actor: caller,
                        about: About::Conversation(id),
                    });
                }
                Ok((id.get(), known.is_none()))
            })
        })
        .await
    }
}
