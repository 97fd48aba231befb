//! Pins in a conversation.

use pinwire_domain::UserId;
use pinwire_storage::conversation_pins::{ConversationPin, Sending};
use serde::Serialize;
use utoipa::ToSchema;

use super::{PersonView, PinCardView, ReactionView};

/// A pin that was sent in a conversation, and what was made of it there.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConversationPin)]
pub struct ConversationPinView {
    /// The pin as it was last sent, and how it stands now.
    pub pin: PinCardView,
    /// Where it was sent first, as far as you see it.
    pub first_sent: SendingView,
    /// Where it was sent last; the same if it was sent once.
    pub last_sent: SendingView,
    /// How often it was sent.
    #[schema(minimum = 1, example = 1)]
    pub times_sent: i64,
    /// Messages about it, such as answers to a message that carries it.
    #[schema(minimum = 0, example = 2)]
    pub replies: i64,
    /// What people put to it, the kind that came first first.
    #[schema(max_items = 20)]
    pub reactions: Vec<ReactionView>,
    /// Who saved it from this conversation: you, and those who let others know.
    pub saved_by: Vec<PersonView>,
}

/// A sending of a pin.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PinSending)]
pub struct SendingView {
    /// The message's place in the conversation.
    #[schema(minimum = 1, example = 1)]
    pub position: i64,
    /// Who sent it.
    pub sender: PersonView,
    /// When.
    #[schema(format = DateTime)]
    pub at: String,
}

impl From<Sending> for SendingView {
    fn from(sending: Sending) -> Self {
        Self {
            position: sending.position,
            sender: PersonView::from(sending.sender),
            at: sending.at.to_string(),
        }
    }
}

impl ConversationPinView {
    /// The pin as `viewer` sees it.
    #[must_use]
    pub fn of(pin: ConversationPin, viewer: UserId) -> Self {
        Self {
            reactions: ReactionView::of(&pin.reactions, Some(viewer)),
            pin: PinCardView::from(pin.pin),
            first_sent: SendingView::from(pin.first),
            last_sent: SendingView::from(pin.last),
            times_sent: pin.times_sent,
            replies: pin.replies,
            saved_by: pin.saved_by.into_iter().map(PersonView::from).collect(),
        }
    }
}
