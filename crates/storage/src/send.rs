//! The act that Pinwire exists for: a pin is sent to people.

use std::collections::HashMap;
use std::sync::Arc;

use pinwire_domain::board::Access;
use pinwire_domain::conversation::{self, ConversationKind, People, SendMode};
use pinwire_domain::message::MessageDraft;
use pinwire_domain::{ConversationId, PinId, Refusal, UserId};
use serde::{Deserialize, Serialize};

use crate::db::tx::{self, LockKey, Step, Tx};
use crate::error::Result;
use crate::idempotency::{self, IdempotencyKey, Keep, Made};
use crate::messages::content::{self, Content};
use crate::messages::post::{self, Post};
use crate::messages::{self, Message};
use crate::{Store, conversations, people, requests, safety};

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

/// What is sent.
#[derive(Debug, Clone)]
pub enum What {
    /// What the caller wrote, and what it carries.
    Draft(MessageDraft),
    /// A message that the caller sees, passed on: its conversation and position.
    Forward(ConversationId, i64),
}

/// A send as it was asked for.
#[derive(Debug, Clone)]
pub struct SendRequest {
    /// What is sent.
    pub what: What,
    /// To whom.
    pub recipients: Vec<Recipient>,
    /// Apart or as a group.
    pub mode: SendMode,
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

/// What a send made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<SentTo>", into = "Vec<SentTo>")]
pub struct Sent {
    /// One for each message, and one for each recipient who is unavailable.
    pub to: Vec<SentTo>,
    /// The messages, as the sender sees them; of a repeated send they have to be read.
    pub messages: Vec<Arc<Message>>,
}

// What is kept for a repeat is where the messages are.
impl From<Vec<SentTo>> for Sent {
    fn from(to: Vec<SentTo>) -> Self {
        let messages = Vec::new();
        Self { to, messages }
    }
}

impl From<Sent> for Vec<SentTo> {
    fn from(sent: Sent) -> Self {
        sent.to
    }
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
    content: Content,
    /// One for each message: where it goes, and which places of the request it is for.
    goals: Vec<(Goal, Vec<usize>)>,
}

enum Goal {
    People(People),
    Conversation(ConversationId),
    Unavailable,
}

/// Loads what the rules need and lets them decide. The real send and the dry run share it.
fn plan(tx: &mut Tx<'_>, access: Access, request: &SendRequest, people_max: usize) -> Step<Plan> {
    let caller = access.user;
    conversation::check_recipients(request.recipients.len())?;
    if let What::Draft(draft) = &request.what {
        content::want(tx, caller, draft);
    }
    let targets = resolve(tx, caller, request)?;
    let content = match &request.what {
        What::Draft(draft) => content::of_draft(tx, access, draft)?,
        What::Forward(id, position) => content::of_message(tx, access, (*id, *position))?,
    };
    let available: Vec<bool> = targets.iter().map(|t| *t != Target::Unavailable).collect();
    conversation::check_available(request.mode, &available)?;
    let goals = match request.mode {
        SendMode::Group => {
            let people = people_of(caller, &targets, people_max)?;
            vec![(Goal::People(people), (0..targets.len()).collect())]
        }
        SendMode::Separate => separate_goals(tx, caller, &targets)?,
    };
    Ok(Plan { content, goals })
}

/// The group of all who are named.
fn people_of(
    caller: UserId,
    targets: &[Target],
    people_max: usize,
) -> std::result::Result<People, Refusal> {
    let others = targets.iter().filter_map(|t| match t {
        Target::Person(id) => Some(*id),
        _ => None,
    });
    People::new(caller, others, people_max)
}

/// What makes two recipients the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum ConversationOrPerson {
    Conversation(ConversationId),
    Person(UserId),
}

/// Where separate messages go; the same person named twice gets the pin once.
fn separate_goals(
    tx: &mut Tx<'_>,
    caller: UserId,
    targets: &[Target],
) -> Step<Vec<(Goal, Vec<usize>)>> {
    let mut goals: Vec<(Goal, Vec<usize>)> = Vec::new();
    let mut seen: HashMap<ConversationOrPerson, usize> = HashMap::new();
    for (place, target) in targets.iter().enumerate() {
        let (goal, same) = separate_goal(tx, caller, *target)?;
        let first = same.and_then(|key| seen.get(&key).copied());
        if let Some((_, places)) = first.and_then(|first| goals.get_mut(first)) {
            places.push(place);
        } else {
            seen.extend(same.map(|key| (key, goals.len())));
            goals.push((goal, vec![place]));
        }
    }
    Ok(goals)
}

/// Where a separate message goes: to the conversation with this person if there is one already.
fn separate_goal(
    tx: &mut Tx<'_>,
    caller: UserId,
    target: Target,
) -> Step<(Goal, Option<ConversationOrPerson>)> {
    Ok(match target {
        Target::Unavailable => (Goal::Unavailable, None),
        Target::Conversation(id) => (
            Goal::Conversation(id),
            Some(ConversationOrPerson::Conversation(id)),
        ),
        Target::Person(id) => {
            let people = People::new(caller, [id], 2)?;
            match conversations::existing(tx, &people)? {
                Some(known) => (
                    Goal::Conversation(known),
                    Some(ConversationOrPerson::Conversation(known)),
                ),
                None => (Goal::People(people), Some(ConversationOrPerson::Person(id))),
            }
        }
    })
}

/// Looks up the recipients.
fn resolve(tx: &mut Tx<'_>, caller: UserId, request: &SendRequest) -> Step<Vec<Target>> {
    for recipient in &request.recipients {
        want(tx, caller, recipient, request.mode);
    }
    let mut targets = Vec::with_capacity(request.recipients.len());
    for recipient in &request.recipients {
        targets.push(match recipient {
            Recipient::User(id) => Target::Person(*id),
            Recipient::Username(name) => match tx.rows.usernames.get(name)? {
                Some(username) => Target::Person(username.0),
                None => Target::Unavailable,
            },
            Recipient::Conversation(_) if request.mode == SendMode::Group => {
                return Err(Refusal::ConversationInGroup.into());
            }
            Recipient::Conversation(id) => {
                tx.lock(LockKey::Conversation(id.get()))?;
                if safety::is_with_blocked(tx, caller, *id)? {
                    Target::Unavailable
                } else {
                    Target::Conversation(*id)
                }
            }
        });
    }
    if targets.contains(&Target::Person(caller)) {
        return Err(Refusal::Yourself.into());
    }
    for target in &mut targets {
        if let Target::Person(id) = target
            && !people::is_available(tx, caller, *id)?
        {
            *target = Target::Unavailable;
        }
    }
    Ok(targets)
}

/// Asks for what is sure to be needed of a recipient, so that all is read in one go.
fn want(tx: &mut Tx<'_>, caller: UserId, recipient: &Recipient, mode: SendMode) {
    match recipient {
        Recipient::User(id) => {
            tx.rows.accounts.want(*id);
            tx.rows.blocks.want((caller, *id));
            if mode == SendMode::Separate
                && let Ok(people) = People::new(caller, [*id], 2)
            {
                conversations::want(tx, &people);
            }
        }
        Recipient::Username(name) => tx.rows.usernames.want(name.clone()),
        Recipient::Conversation(_) => {}
    }
}

fn write(tx: &mut Tx<'_>, access: Access, request: &SendRequest, people_max: usize) -> Step<Sent> {
    let caller = access.user;
    let plan = plan(tx, access, request, people_max)?;
    let post = Post {
        sender: caller,
        content: &plan.content,
        client_message_id: request.client_message_id.as_deref(),
    };
    let mut sent = Sent::from(Vec::with_capacity(plan.goals.len()));
    for (goal, recipients) in plan.goals {
        let id = match goal {
            Goal::Unavailable => None,
            Goal::Conversation(id) => Some(id),
            Goal::People(people) => Some(conversations::find_or_create(tx, caller, &people)?),
        };
        let message = match id {
            Some(id) => Some(post::post(tx, id, &post)?),
            None => None,
        };
        sent.to.push(SentTo {
            recipients,
            message: message.as_ref().map(|m| (m.conversation.get(), m.position)),
        });
        sent.messages.extend(message);
    }
    Ok(sent)
}

/// The conversations that a send will most likely go to; a wrong guess costs a second run.
fn goal_locks(
    tx: &mut Tx<'_>,
    caller: UserId,
    request: &SendRequest,
    people_max: usize,
) -> Step<Vec<LockKey>> {
    let mut targets = Vec::with_capacity(request.recipients.len());
    let mut locks = Vec::with_capacity(request.recipients.len() + 1);
    if let What::Forward(from, _) = &request.what {
        locks.push(LockKey::Conversation(from.get()));
    }
    for recipient in &request.recipients {
        match recipient {
            Recipient::User(id) => targets.push(Target::Person(*id)),
            Recipient::Username(name) => {
                let known = tx.rows.usernames.get(name)?;
                targets.extend(known.map(|username| Target::Person(username.0)));
            }
            Recipient::Conversation(id) => locks.push(LockKey::Conversation(id.get())),
        }
    }
    let groups: Vec<People> = match request.mode {
        SendMode::Group => vec![people_of(caller, &targets, people_max)?],
        SendMode::Separate => targets
            .iter()
            .filter_map(|target| people_of(caller, &[*target], 2).ok())
            .collect(),
    };
    for people in &groups {
        conversations::want(tx, people);
    }
    for people in &groups {
        locks.push(match conversations::existing(tx, people)? {
            Some(id) => LockKey::Conversation(id.get()),
            None => conversations::creation_lock(people),
        });
    }
    Ok(locks)
}

impl Store {
    /// Sends something, or passes a message on. All messages commit together.
    ///
    /// # Errors
    /// The refusals of what is sent, the recipients, the group's size and the idempotency key.
    pub async fn send(&self, access: Access, request: SendRequest) -> Result<Made<Sent>> {
        let caller = access.user;
        let people_max = self.people_max();
        let locks = idempotency::lock(caller, request.key.as_ref());
        let request = Arc::new(request);
        let asked = Arc::clone(&request);
        let find = move |tx: &mut Tx<'_>| goal_locks(tx, caller, &asked, people_max);
        self.decide_finding(locks, find, move |tx| {
            tx.once(caller, request.key.as_ref(), Keep::Forever, |tx| {
                write(tx, access, &request, people_max)
            })
        })
        .await
    }

    /// Tells what a send would do, and writes nothing.
    ///
    /// # Errors
    /// Those of [`Store::send`].
    pub async fn would_send(&self, access: Access, request: SendRequest) -> Result<Vec<WouldSend>> {
        let people_max = self.people_max();
        let source = self.inner.source.clone();
        self.read(move |conn| {
            conn.snapshot(|conn| {
                tx::consider(conn, &source, |tx| would(tx, access, &request, people_max))
            })
        })
        .await
    }

    /// Writes a message into a conversation that the caller takes part in.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`], [`Refusal::BlockedByYou`], and the refusals of what it carries, answers and is about, and of the
    /// idempotency key.
    pub async fn send_message(
        &self,
        access: Access,
        conversation: ConversationId,
        draft: MessageDraft,
        client_message_id: Option<String>,
        key: Option<IdempotencyKey>,
    ) -> Result<Made<Sent>> {
        let caller = access.user;
        let mut locks = idempotency::lock(caller, key.as_ref());
        locks.push(LockKey::Conversation(conversation.get()));
        self.decide(locks, move |tx| {
            tx.rows.conversations.want(conversation);
            tx.rows.members.want(conversation);
            tx.once(caller, key.as_ref(), Keep::Forever, |tx| {
                content::want(tx, caller, &draft);
                if safety::is_with_blocked(tx, caller, conversation)? {
                    return Err(Refusal::BlockedByYou.into());
                }
                let content = content::of_draft_in(tx, access, conversation, &draft)?;
                let post = Post {
                    sender: caller,
                    content: &content,
                    client_message_id: client_message_id.as_deref(),
                };
                let message = post::post(tx, conversation, &post)?;
                Ok(Sent {
                    to: vec![SentTo {
                        recipients: Vec::new(),
                        message: Some((conversation.get(), message.position)),
                    }],
                    messages: vec![message],
                })
            })
        })
        .await
    }

    /// The messages of a send, by their places; those of a repeat as they are now.
    pub async fn sent_messages(
        &self,
        sender: UserId,
        sent: Sent,
    ) -> Result<HashMap<(ConversationId, i64), Arc<Message>>> {
        if !sent.messages.is_empty() {
            let by_place = |m: Arc<Message>| ((m.conversation, m.position), m);
            return Ok(sent.messages.into_iter().map(by_place).collect());
        }
        let places = sent.to.into_iter().filter_map(|to| to.message);
        let places: Vec<_> = places
            .map(|(id, position)| (ConversationId::new(id), position))
            .collect();
        self.read(move |conn| {
            let mut messages = messages::load(conn, &places)?;
            messages.retain(|_, m| m.sender.id == sender);
            let shared = messages.into_iter();
            Ok(shared.map(|(place, m)| (place, Arc::new(m))).collect())
        })
        .await
    }
}

fn would(
    tx: &mut Tx<'_>,
    access: Access,
    request: &SendRequest,
    people_max: usize,
) -> Step<Vec<WouldSend>> {
    let plan = plan(tx, access, request, people_max)?;
    let pin = plan.content.pin().map(|pin| PinId::new(pin.snapshot.id));
    let mut would = Vec::with_capacity(plan.goals.len());
    for (goal, recipients) in plan.goals {
        let available = !matches!(goal, Goal::Unavailable);
        match &goal {
            Goal::Conversation(id) => {
                requests::check_writing(tx, access.user, *id, &plan.content)?;
            }
            Goal::People(people) if people.kind() == ConversationKind::Direct => {
                let mut others = people.ids().iter().filter(|it| **it != access.user);
                if let Some(other) = others.next() {
                    requests::check_beginning(tx, access.user, *other, &plan.content)?;
                }
            }
            Goal::People(_) | Goal::Unavailable => {}
        }
        let existing = match goal {
            Goal::Conversation(id) => Some(id),
            Goal::People(people) => conversations::existing(tx, &people)?,
            Goal::Unavailable => None,
        };
        let already_sent = match (existing, pin) {
            (Some(id), Some(pin)) => {
                let ids = [id.get()];
                !messages::holding_pin(tx.conn()?, access.user, &ids, pin)?.is_empty()
            }
            _ => false,
        };
        would.push(WouldSend {
            recipients,
            available,
            existing,
            already_sent,
        });
    }
    Ok(would)
}
