//! From described events to what goes over the wire: the common part serialised once, each person's own beside it.

use std::collections::HashMap;
use std::fmt::Write;

use pinwire_domain::event::EventKind;
use pinwire_domain::{ConversationId, Time, UserId};
use pinwire_storage::events::{StreamEvent, What};
use serde::Serialize;

use super::frames::{EventType, Me, ReadMark, Subject};
use crate::view::{ConversationView, HeadView, MessageView, PersonView};

/// An event, ready to be written to each person's stream.
#[derive(Debug)]
pub struct Delivery {
    /// Its place in the log.
    pub seq: i64,
    /// Everything between `prev` and `me`, as JSON.
    common: String,
    /// The event's type, as JSON.
    kind: String,
    /// Each person's own part, as JSON, where there is one.
    own: HashMap<UserId, Option<String>>,
    /// Whose session was signed out, instead of anything to show.
    pub signed_out: Option<UserId>,
}

impl Delivery {
    /// The people it concerns.
    pub fn people(&self) -> impl Iterator<Item = UserId> {
        self.own.keys().copied()
    }

    /// The frame for one person's stream, whose last frame had the seq `prev`.
    #[must_use]
    pub fn frame(&self, user: UserId, prev: i64) -> String {
        let own = self.own.get(&user).and_then(Option::as_deref);
        let room = self.common.len() + own.map_or(0, str::len) + 96;
        let mut frame = String::with_capacity(room);
        // Writing to a String cannot fail.
        let _ = write!(
            frame,
            r#"{{"type":{},"seq":{},"prev":{prev},{}"#,
            self.kind, self.seq, self.common
        );
        if let Some(own) = own {
            frame.push_str(",\"me\":");
            frame.push_str(own);
        }
        frame.push('}');
        frame
    }

    #[cfg(test)]
    pub(super) fn plain(seq: i64, user: UserId) -> Self {
        Self {
            seq,
            common: "\"data\":{}".into(),
            kind: "\"ping\"".into(),
            own: HashMap::from([(user, None)]),
            signed_out: None,
        }
    }
}

/// Renders an event for everyone it is shown to.
///
/// # Errors
/// Only if a view cannot be serialised.
pub fn render(event: &StreamEvent, now: Time) -> Result<Delivery, serde_json::Error> {
    let row = &event.event;
    let mut delivery = Delivery {
        seq: row.seq,
        common: String::new(),
        kind: String::new(),
        own: event
            .viewers
            .iter()
            .map(|(user, _)| (*user, None))
            .collect(),
        signed_out: None,
    };
    let Some(kind) = event_type(row.kind) else {
        delivery.signed_out = Some(row.actor);
        return Ok(delivery);
    };
    delivery.kind = json(&kind)?;
    let data = json(&data(&event.what, row.actor))?;
    delivery.common = format!(r#""at":"{}","data":{data}"#, row.at);
    for (user, view) in &event.viewers {
        let Some(view) = view else { continue };
        let sent = match &event.what {
            What::Message(message, _) if message.sender.id == *user => {
                message.client_message_id.clone()
            }
            _ => None,
        };
        let me = Me {
            client_message_id: sent,
            read_position: view.mine.read_position,
            unread: view.mine.unread.into(),
            unread_flag: view.mine.unread_flag,
            head: HeadView::of(view, *user, now),
            version: view.mine.version,
        };
        delivery.own.insert(*user, Some(json(&me)?));
    }
    Ok(delivery)
}

fn json<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string(value)
}

const fn event_type(kind: EventKind) -> Option<EventType> {
    Some(match kind {
        EventKind::MessageCreated => EventType::MessageCreated,
        EventKind::ConversationCreated => EventType::ConversationCreated,
        EventKind::ConversationUpdated => EventType::ConversationUpdated,
        EventKind::MembershipUpdated => EventType::MembershipUpdated,
        EventKind::ReadUpdated => EventType::ReadUpdated,
        EventKind::HeadUpdated => EventType::HeadUpdated,
        EventKind::HeadClosed => EventType::HeadClosed,
        EventKind::UserUpdated => EventType::UserUpdated,
        EventKind::SessionRevoked => return None,
    })
}

fn data(what: &What, actor: UserId) -> Subject {
    let about = |id: &ConversationId| Some(id.to_string());
    match what {
        What::Message(message, conversation) => Subject {
            conversation_id: about(&message.conversation),
            message: Some(MessageView::of(message, None)),
            conversation: conversation.as_deref().map(ConversationView::from),
            ..Subject::default()
        },
        What::Conversation(conversation) => Subject {
            conversation_id: about(&conversation.id),
            conversation: Some(ConversationView::from(&**conversation)),
            ..Subject::default()
        },
        What::Read(id, position) => Subject {
            conversation_id: about(id),
            read: Some(ReadMark {
                user_id: actor.to_string(),
                position: *position,
            }),
            ..Subject::default()
        },
        What::Mine(id) => Subject {
            conversation_id: about(id),
            ..Subject::default()
        },
        What::Person(person) => Subject {
            user: Some(PersonView::from(person)),
            ..Subject::default()
        },
        What::Sessions => Subject::default(),
    }
}
