//! What events are about, as it goes over the wire.

use pinwire_domain::reaction::Reactions;
use pinwire_domain::{PinId, UserId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::view::kinds::PinState;
use crate::view::link::LinkCheckView;
use crate::view::{
    ConversationView, DraftView, HeadView, MessageView, PersonView, ReactionView, SettingsView,
    UnreadView,
};

/// The present state of what an event is about. Which fields are there follows from the event's `type`.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Subject {
    /// The message, with all reactions to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageView>,
    /// The pin in the conversation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<SubjectPin>,
    /// The place of the message that was deleted (`message.deleted`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, example = 3)]
    pub position: Option<i64>,
    /// The conversation: where it was made or changed, and with the first message of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<ConversationView>,
    /// The conversation it is about, where the whole is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = r"^\d+$")]
    pub conversation_id: Option<String>,
    /// Somebody's read mark (`read.updated`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read: Option<ReadMark>,
    /// Somebody's delivery mark (`delivery.updated`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryMark>,
    /// Your draft (`draft.updated`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft: Option<DraftView>,
    /// A person (`user.updated`), whom you blocked (`block.added`, `block.removed`), or who saved a pin (`pin.saved`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<PersonView>,
    /// Your settings (`settings.updated`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<SettingsView>,
}

/// A pin in a conversation, and what was made of it there.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubjectPin {
    /// The pin.
    #[schema(pattern = r"^\d+$")]
    pub pin_id: String,
    /// All reactions to it (`reaction.changed`).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 20)]
    pub reactions: Option<Vec<ReactionView>>,
}

impl SubjectPin {
    /// The pin alone.
    pub(super) fn of(pin: PinId) -> Self {
        Self {
            pin_id: pin.to_string(),
            reactions: None,
        }
    }

    /// The pin with all that people put to it.
    pub(super) fn with(pin: PinId, reactions: &Reactions) -> Self {
        Self {
            reactions: Some(ReactionView::of(reactions, None)),
            ..Self::of(pin)
        }
    }
}

/// How a pin stands at a place where it was sent.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlacedPinState {
    /// The message's place.
    #[schema(minimum = 1, example = 1)]
    pub position: i64,
    /// How the pin stands now, compared with what was sent there.
    pub pin_state: PinState,
    /// Where it led when it was sent; null without a link, and while `link_check` holds something against it.
    #[schema(required, max_length = 2048)]
    pub link: Option<String>,
    /// What was found out about the link as it was sent; null without one.
    #[schema(required)]
    pub link_check: Option<LinkCheckView>,
    /// Pixels of the picture's width; null while unknown.
    #[schema(required, minimum = 1, example = 600)]
    pub image_width: Option<u32>,
    /// Pixels of the picture's height; null while unknown.
    #[schema(required, minimum = 1, example = 900)]
    pub image_height: Option<u32>,
    /// The picture's main colour.
    #[schema(required, pattern = "^#[0-9A-Fa-f]{6}$", example = "#6E7874")]
    pub dominant_color: Option<String>,
}

/// Up to where somebody has read. A newer mark is never lower.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReadMark {
    /// Who.
    #[schema(pattern = r"^\d+$")]
    pub user_id: String,
    /// The position.
    #[schema(minimum = 0, example = 3)]
    pub position: i64,
}

impl ReadMark {
    /// This person's, at this position.
    pub(super) fn of(user: UserId, position: i64) -> Self {
        Self {
            user_id: user.to_string(),
            position,
        }
    }
}

/// Up to where messages have reached a device of somebody's. A newer mark is never lower.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveryMark {
    /// Who.
    #[schema(pattern = r"^\d+$")]
    pub user_id: String,
    /// The position.
    #[schema(minimum = 0, example = 3)]
    pub position: i64,
}

impl DeliveryMark {
    /// This person's, at this position.
    pub(super) fn of(user: UserId, position: i64) -> Self {
        Self {
            user_id: user.to_string(),
            position,
        }
    }
}

/// What is yours alone in an event.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// The mark you gave the message; on the sender's devices only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<String>,
    /// The reactions to the message or the pin as you see them, instead of those in `data`: there if one is yours, or
    /// one is of somebody you have blocked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reactions: Option<Vec<ReactionView>>,
    /// How the pin stands at each place where you see it (`pin.state_changed`), the newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 250)]
    pub pin_states: Option<Vec<PlacedPinState>>,
    /// Up to where you have read this conversation.
    #[schema(minimum = 0, example = 2)]
    pub read_position: i64,
    /// What is unread in this conversation.
    pub unread: UnreadView,
    /// Whether you marked it unread.
    pub unread_flag: bool,
    /// Whether you put it away.
    pub archived: bool,
    /// No notice until then; null if not muted.
    #[schema(required, format = DateTime)]
    pub muted_until: Option<String>,
    /// Whether you took it out of your lists until the next message.
    pub hidden: bool,
    /// Your head of this conversation; null if there is none.
    #[schema(required)]
    pub head: Option<HeadView>,
    /// Grows with each change of what is yours in this conversation.
    pub version: i64,
}
