//! Messages in answers and events.

use pinwire_domain::UserId;
use pinwire_storage::messages::Message;
use serde::Serialize;
use utoipa::ToSchema;

use super::PersonView;
use super::kinds::{MessageKind, PinState};

/// A message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageView {
    /// Its conversation.
    #[schema(pattern = r"^\d+$", example = "3763541867536384")]
    pub conversation_id: String,
    /// Its gapless place in the conversation, from 1. Clients order by it alone.
    #[schema(minimum = 1, example = 3)]
    pub position: i64,
    /// Who wrote it.
    pub kind: MessageKind,
    /// Who wrote it.
    pub sender: PersonView,
    /// What was written; null without text.
    #[schema(required, max_length = 5000, example = "For the hall?")]
    pub text: Option<String>,
    /// The pin it carries; null without one.
    #[schema(required)]
    pub pin: Option<PinCardView>,
    /// The mark the sender gave it; shown to the sender alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<String>,
    /// When it was sent.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it was deleted for everyone; null unless it was.
    #[schema(required, format = DateTime)]
    pub deleted_at: Option<String>,
    /// Grows with each change of the message.
    #[schema(example = 1)]
    pub version: i64,
}

/// A pin as it was sent, and how it stands now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PinCard)]
pub struct PinCardView {
    /// The pin.
    #[schema(pattern = r"^\d+$", example = "3763541867536385")]
    pub pin_id: String,
    /// Whose it is.
    #[schema(pattern = r"^\d+$")]
    pub owner_id: String,
    /// Its title when it was sent.
    #[schema(required, max_length = 100, example = "Grey cat")]
    pub title: Option<String>,
    /// Its description when it was sent.
    #[schema(required)]
    pub description: Option<String>,
    /// What the picture shows, in words.
    #[schema(required)]
    pub alt_text: Option<String>,
    /// Where it led when it was sent.
    #[schema(required, max_length = 2048, example = "https://cats.example/1")]
    pub link: Option<String>,
    /// Its picture.
    #[schema(format = "uri", example = "https://img.example/cat.jpg")]
    pub image_url: String,
    /// The picture's main colour.
    #[schema(required, pattern = "^#[0-9A-Fa-f]{6}$", example = "#6E7874")]
    pub dominant_color: Option<String>,
    /// How it stands now.
    pub pin_state: PinState,
}

impl MessageView {
    /// The message as `viewer` sees it; without a viewer, as everyone may.
    #[must_use]
    pub fn of(message: &Message, viewer: Option<UserId>) -> Self {
        Self::made_of(message.clone(), viewer)
    }

    /// As [`Self::of`], of a message that nobody else needs.
    #[must_use]
    pub fn made_of(message: Message, viewer: Option<UserId>) -> Self {
        let own = viewer == Some(message.sender.id);
        Self {
            conversation_id: message.conversation.to_string(),
            position: message.position,
            kind: message.kind.into(),
            sender: PersonView::from(message.sender),
            text: message.text,
            pin: message.pin.map(|(pin, state)| PinCardView {
                pin_id: pin.id.to_string(),
                owner_id: pin.owner_id.to_string(),
                title: pin.title,
                description: pin.description,
                alt_text: pin.alt_text,
                link: pin.link,
                image_url: pin.image_url,
                dominant_color: pin.dominant_color,
                pin_state: state.into(),
            }),
            client_message_id: message.client_message_id.filter(|_| own),
            created_at: message.created_at.to_string(),
            deleted_at: message.deleted_at.map(|t| t.to_string()),
            version: message.version,
        }
    }
}
