//! From described events to what goes over the wire: the common part serialised once, each person's own beside it.

use std::collections::HashMap;
use std::fmt::Write;

use pinwire_domain::event::EventKind;
use pinwire_domain::{ConversationId, Time, UserId};
use pinwire_storage::conversations::{Conversation, Mine};
use pinwire_storage::events::{StreamEvent, What};
use pinwire_storage::messages::Message;
use pinwire_storage::pin_snapshots::SentPin;
use serde::Serialize;

use super::frames::EventType;
use super::subject::{DeliveryMark, Me, PlacedPinState, ReadMark, Subject, SubjectPin};
use crate::view::conversation::Shown;
use crate::view::link::SafeLink;
use crate::view::{
    ConversationView, DraftView, HeadView, MessageView, PersonView, ReactionView, SettingsView,
};

/// An event, ready to be written to each person's stream.
#[derive(Debug)]
pub struct Delivery {
    /// Its place in the log.
    pub seq: i64,
    /// Everything between `prev` and `me`, as JSON: what most are shown first, then what some are shown of it.
    forms: Vec<String>,
    /// The event's type.
    pub kind: &'static str,
    /// What is each person's.
    own: HashMap<UserId, Own>,
    /// The message that it brings: its place, and who sent it.
    message: Option<(ConversationId, i64, UserId)>,
    /// Whose session was signed out, instead of anything to show.
    pub signed_out: Option<UserId>,
}

/// How much of what an event is about is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Form<'a> {
    /// What of the conversation, where it is shown.
    conversation: Option<Shown<'a>>,
    /// What stands in the message that is answered.
    quote: bool,
}

/// What is one person's in an event.
#[derive(Debug, Default)]
struct Own {
    /// Their own part, as JSON, where there is one.
    me: Option<String>,
    /// Which form they are shown.
    form: usize,
}

impl Delivery {
    /// The people it concerns.
    pub fn people(&self) -> impl Iterator<Item = UserId> {
        self.own.keys().copied()
    }

    /// The place of the message that it brings to this person, if it is not their own.
    #[must_use]
    pub fn message_for(&self, user: UserId) -> Option<(ConversationId, i64)> {
        let (conversation, position, sender) = self.message?;
        (sender != user).then_some((conversation, position))
    }

    /// The frame for one person's stream, whose last frame had the seq `prev`.
    #[must_use]
    pub fn frame(&self, user: UserId, prev: i64) -> String {
        let own = self.own.get(&user);
        let form = self.forms.get(own.map_or(0, |own| own.form));
        let common = form.map_or("", String::as_str);
        let own = own.and_then(|own| own.me.as_deref());
        let room = common.len() + own.map_or(0, str::len) + 96;
        let mut frame = String::with_capacity(room);
        // Writing to a String cannot fail.
        let _ = write!(
            frame,
            r#"{{"type":"{}","seq":{},"prev":{prev},{}"#,
            self.kind, self.seq, common
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
            forms: vec!["\"data\":{}".into()],
            kind: "user.updated",
            own: HashMap::from([(user, Own::default())]),
            message: None,
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
        forms: Vec::new(),
        kind: "",
        own: event
            .viewers
            .iter()
            .map(|(user, _)| (*user, Own::default()))
            .collect(),
        message: match &event.what {
            What::Message(it) => Some((it.conversation, it.position, it.sender.id)),
            _ => None,
        },
        signed_out: None,
    };
    let Some(kind) = event_type(row.kind) else {
        delivery.signed_out = Some(row.actor);
        return Ok(delivery);
    };
    delivery.kind = kind.name();
    let common = |form: Form<'_>| -> Result<String, serde_json::Error> {
        let data = json(&data(event, form))?;
        Ok(format!(r#""at":"{}","data":{data}"#, row.at))
    };
    let whole = event.conversation.as_deref();
    let whole = whole.filter(|_| shows_conversation(event));
    let mut forms = vec![Form {
        conversation: whole.map(Shown::to_most),
        quote: true,
    }];
    for (user, mine) in &event.viewers {
        let (Some(conversation), Some(mine)) = (&event.conversation, mine) else {
            continue;
        };
        let message = brought(event);
        let reply = message.and_then(|m| m.reply_to.as_ref());
        let form = Form {
            conversation: whole.map(|it| Shown::to_one(it, mine)),
            quote: reply.is_none_or(|reply| !reply.is_special_for(*user)),
        };
        let known = forms.iter().position(|it| *it == form);
        if known.is_none() {
            forms.push(form);
        }
        let form = known.unwrap_or(forms.len() - 1);
        let me = Some(json(&me_of(event, conversation, mine, *user, now))?);
        delivery.own.insert(*user, Own { me, form });
    }
    delivery.forms = forms.into_iter().map(common).collect::<Result<_, _>>()?;
    Ok(delivery)
}

/// The message that an event is about.
fn brought(event: &StreamEvent) -> Option<&Message> {
    match &event.what {
        What::Message(message) | What::Accepted(Some(message)) => Some(message),
        _ => None,
    }
}

/// What is this person's alone in an event.
fn me_of(
    event: &StreamEvent,
    conversation: &Conversation,
    mine: &Mine,
    user: UserId,
    now: Time,
) -> Me {
    let sent = brought(event).filter(|m| m.sender.id == user);
    let reactions = match &event.what {
        What::Message(message) => Some(&message.reactions),
        What::PinReactions(_, reactions) => Some(reactions),
        _ => None,
    };
    let special = reactions.filter(|it| it.are_special_for(user));
    Me {
        client_message_id: sent.and_then(|m| m.client_message_id.clone()),
        reactions: special.map(|it| ReactionView::of(it, Some(user))),
        pin_states: pin_states(event, user),
        read_position: mine.read_position,
        unread: mine.unread.into(),
        unread_flag: mine.unread_flag,
        archived: mine.archived,
        muted_until: mine.muted_until.map(|t| t.to_string()),
        hidden: mine.is_hidden(conversation),
        head: HeadView::of(conversation, mine, user, now),
        version: mine.version,
    }
}

/// How a pin stands at each place where this person sees it.
fn pin_states(event: &StreamEvent, user: UserId) -> Option<Vec<PlacedPinState>> {
    let What::PinStates(_, states) = &event.what else {
        return None;
    };
    let placed = |(position, pin): &(i64, SentPin)| {
        let safe = SafeLink::of(pin.snapshot.link.clone(), pin.link_check.as_ref());
        PlacedPinState {
            position: *position,
            pin_state: pin.state.into(),
            link: safe.link,
            link_check: safe.check,
            image_width: pin.snapshot.image_width,
            image_height: pin.snapshot.image_height,
            dominant_color: pin.snapshot.dominant_color.clone(),
        }
    };
    Some(states.get(&user)?.iter().map(placed).collect())
}

fn json<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    serde_json::to_string(value)
}

const fn event_type(kind: EventKind) -> Option<EventType> {
    Some(match kind {
        EventKind::MessageCreated => EventType::MessageCreated,
        EventKind::MessageEdited => EventType::MessageEdited,
        EventKind::MessageDeleted => EventType::MessageDeleted,
        EventKind::ReactionChanged => EventType::ReactionChanged,
        EventKind::PinSaved => EventType::PinSaved,
        EventKind::PinStateChanged => EventType::PinStateChanged,
        EventKind::ConversationCreated => EventType::ConversationCreated,
        EventKind::ConversationUpdated => EventType::ConversationUpdated,
        EventKind::MemberJoined => EventType::MemberJoined,
        EventKind::MemberLeft => EventType::MemberLeft,
        EventKind::RequestCreated => EventType::RequestCreated,
        EventKind::RequestAccepted => EventType::RequestAccepted,
        EventKind::RequestIgnored => EventType::RequestIgnored,
        EventKind::MembershipUpdated => EventType::MembershipUpdated,
        EventKind::DraftUpdated => EventType::DraftUpdated,
        EventKind::ReadUpdated => EventType::ReadUpdated,
        EventKind::DeliveryUpdated => EventType::DeliveryUpdated,
        EventKind::HeadUpdated => EventType::HeadUpdated,
        EventKind::HeadClosed => EventType::HeadClosed,
        EventKind::UserUpdated => EventType::UserUpdated,
        EventKind::SettingsUpdated => EventType::SettingsUpdated,
        EventKind::NoticeCreated => EventType::NoticeCreated,
        EventKind::BlockAdded => EventType::BlockAdded,
        EventKind::BlockRemoved => EventType::BlockRemoved,
        EventKind::SessionRevoked => return None,
    })
}

/// Whether an event shows its conversation with all members.
fn shows_conversation(event: &StreamEvent) -> bool {
    match &event.what {
        // The first one brings its conversation along, and so does a change of the group.
        What::Message(message) => {
            let kind = event.event.kind;
            kind.changes_group() || (kind == EventKind::MessageCreated && message.position == 1)
        }
        What::Conversation | What::Accepted(_) => true,
        _ => false,
    }
}

fn data(event: &StreamEvent, form: Form<'_>) -> Subject {
    let kind = event.event.kind;
    let conversation = event.conversation.as_deref();
    let shown = conversation.zip(form.conversation);
    let shown = || shown.map(|(it, shown)| ConversationView::of(it, &shown));
    let about = Subject {
        conversation_id: conversation.map(|c| c.id.to_string()),
        ..Subject::default()
    };
    match &event.what {
        What::Message(message) => Subject {
            message: Some(MessageView::of(message, None).quoting(form.quote)),
            position: (kind == EventKind::MessageDeleted).then_some(message.position),
            conversation: shown(),
            ..about
        },
        What::PinReactions(pin, reactions) => Subject {
            pin: Some(SubjectPin::with(*pin, reactions)),
            ..about
        },
        What::PinSaved(pin, saver) => Subject {
            pin: Some(SubjectPin::of(*pin)),
            user: Some(PersonView::from(saver)),
            ..about
        },
        What::PinStates(pin, _) => Subject {
            pin: Some(SubjectPin::of(*pin)),
            ..about
        },
        What::Gone(position) => Subject {
            position: Some(*position),
            ..about
        },
        What::Outside(id) => Subject {
            conversation_id: Some(id.to_string()),
            ..about
        },
        What::Conversation => Subject {
            conversation: shown(),
            ..about
        },
        What::Accepted(message) => Subject {
            message: message.as_deref().map(|it| MessageView::of(it, None)),
            conversation: shown(),
            ..about
        },
        What::Read(position) => Subject {
            read: Some(ReadMark::of(event.event.actor, *position)),
            ..about
        },
        What::Delivery(position) => Subject {
            delivery: Some(DeliveryMark::of(event.event.actor, *position)),
            ..about
        },
        What::Draft(draft) => Subject {
            draft: Some(DraftView::from(draft)),
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
        What::Mine | What::Notice | What::Sessions => about,
    }
}
