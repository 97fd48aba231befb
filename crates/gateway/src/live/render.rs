//! From described events to what goes over the wire: the common part serialised once, each person's own beside it.

use std::collections::HashMap;
use std::fmt::Write;

use pinwire_domain::event::EventKind;
use pinwire_domain::{Time, UserId};
use pinwire_storage::events::{StreamEvent, What};
use serde::Serialize;

use super::frames::{EventType, Me, ReadMark, Subject};
use crate::view::{ConversationView, HeadView, MessageView, PersonView, SettingsView};

/// An event, ready to be written to each person's stream.
#[derive(Debug)]
pub struct Delivery {
    /// Its place in the log.
    pub seq: i64,
    /// Everything between `prev` and `me`, as JSON.
    common: String,
    /// The event's type.
    pub kind: &'static str,
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
            r#"{{"type":"{}","seq":{},"prev":{prev},{}"#,
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
            kind: "user.updated",
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
        kind: "",
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
    delivery.kind = kind.name();
    let data = json(&data(event))?;
    delivery.common = format!(r#""at":"{}","data":{data}"#, row.at);
    for (user, mine) in &event.viewers {
        let (Some(conversation), Some(mine)) = (&event.conversation, mine) else {
            continue;
        };
        let sent = match &event.what {
            What::Message(message) if message.sender.id == *user => {
                message.client_message_id.clone()
            }
            _ => None,
        };
        let me = Me {
            client_message_id: sent,
            read_position: mine.read_position,
            unread: mine.unread.into(),
            unread_flag: mine.unread_flag,
            head: HeadView::of(conversation, mine, *user, now),
            version: mine.version,
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
        EventKind::SettingsUpdated => EventType::SettingsUpdated,
        EventKind::SessionRevoked => return None,
    })
}

fn data(event: &StreamEvent) -> Subject {
    let conversation = event.conversation.as_deref();
    let whole = || conversation.map(ConversationView::from);
    let about = Subject {
        conversation_id: conversation.map(|c| c.id.to_string()),
        ..Subject::default()
    };
    match &event.what {
        What::Message(message) => Subject {
            message: Some(MessageView::of(message, None)),
            // The first one brings its conversation along.
            conversation: (message.position == 1).then(whole).flatten(),
            ..about
        },
        What::Conversation => Subject {
            conversation: whole(),
            ..about
        },
        What::Read(position) => Subject {
            read: Some(ReadMark {
                user_id: event.event.actor.to_string(),
                position: *position,
            }),
            ..about
        },
        What::Person(person) => Subject {
            user: Some(PersonView::from(person)),
            ..about
        },
        What::Settings(settings) => Subject {
            settings: Some(SettingsView::from(*settings)),
            ..about
        },
        What::Mine | What::Sessions => about,
    }
}
