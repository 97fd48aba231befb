//! What messages answer, and the boards they carry.

use pinwire_domain::UserId;
use pinwire_domain::message::{BoardState as Standing, Carried};
use pinwire_storage::board_snapshots::BoardSnapshot;
use pinwire_storage::messages::{Quote, QuotedThing, Reply};
use serde::Serialize;
use utoipa::ToSchema;

use super::PersonView;
use super::kinds::BoardState;
use super::pin::BoardOwnerView;

/// The message that a message answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reply)]
pub struct ReplyView {
    /// Its place in the conversation.
    #[schema(minimum = 1, example = 1)]
    pub position: i64,
    /// What is shown of it, as it is now; null if you may not see it.
    #[schema(required)]
    pub quote: Option<QuoteView>,
}

/// What an answer shows of the message that it answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Quote)]
pub struct QuoteView {
    /// Who wrote it.
    pub sender: PersonView,
    /// The first 200 characters of its text, with an ellipsis where it goes on; null without text.
    #[schema(required, max_length = 201, example = "For the hall?")]
    pub text: Option<String>,
    /// What it carries; null for nothing.
    #[schema(required)]
    pub carries: Option<QuotedThingView>,
    /// When it was deleted for everyone; null unless it was. Then there is neither text nor anything it carries.
    #[schema(required, format = DateTime)]
    pub deleted_at: Option<String>,
}

/// What a message carries, in short.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QuotedThing)]
pub struct QuotedThingView {
    /// What it is.
    pub kind: CarriedKind,
    /// The id of the pin, the board or the person.
    #[schema(pattern = r"^\d+$", example = "3763541867536385")]
    pub id: String,
    /// The pin's title, the board's name or the person's full name; null for a pin without title.
    #[schema(required, example = "Grey cat")]
    pub title: Option<String>,
    /// Its picture; null without one.
    #[schema(required, format = "uri", example = "https://img.example/cat.jpg")]
    pub image_url: Option<String>,
}

/// What a message may carry beside its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CarriedKind {
    /// A pin.
    Pin,
    /// A board.
    Board,
    /// Somebody's profile.
    User,
}

impl ReplyView {
    /// The reply as `viewer` sees it; without a viewer, as those do who see what is answered.
    #[must_use]
    pub fn of(reply: &Reply, viewer: Option<UserId>) -> Self {
        Self {
            position: reply.position,
            quote: reply.seen_by(viewer).map(QuoteView::from),
        }
    }
}

impl From<&Quote> for QuoteView {
    fn from(quote: &Quote) -> Self {
        Self {
            sender: PersonView::from(&quote.sender),
            text: quote.text.clone(),
            carries: quote.carries.as_ref().map(QuotedThingView::from),
            deleted_at: quote.deleted_at.map(|t| t.to_string()),
        }
    }
}

impl From<&QuotedThing> for QuotedThingView {
    fn from(quoted: &QuotedThing) -> Self {
        let (kind, id) = match quoted.thing {
            Carried::Pin(pin) => (CarriedKind::Pin, pin.to_string()),
            Carried::Board(board) => (CarriedKind::Board, board.to_string()),
            Carried::Profile(person) => (CarriedKind::User, person.to_string()),
        };
        Self {
            kind,
            id,
            title: quoted.title.clone(),
            image_url: quoted.image_url.clone(),
        }
    }
}

/// A board as it was shared, and how it stands now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoardCard)]
pub struct BoardCardView {
    /// The board.
    #[schema(pattern = r"^\d+$", example = "3763541867536385")]
    pub board_id: String,
    /// Whose it is.
    pub owner: BoardOwnerView,
    /// Its owner.
    #[schema(pattern = r"^\d+$")]
    pub owner_id: String,
    /// Its name when it was shared.
    #[schema(max_length = 180, example = "Summer recipes")]
    pub name: String,
    /// What it was about.
    #[schema(required, max_length = 500)]
    pub description: Option<String>,
    /// Pins on it when it was shared.
    #[schema(minimum = 0, example = 5)]
    pub pin_count: i64,
    /// The picture of its newest pin when it was shared; null of a secret or an empty board.
    #[schema(required, format = "uri", example = "https://img.example/cat.jpg")]
    pub image_url: Option<String>,
    /// How it stands now.
    pub board_state: BoardState,
}

impl BoardCardView {
    /// The board that a message carries.
    #[must_use]
    pub fn of((board, state): (BoardSnapshot, Standing)) -> Self {
        Self {
            board_id: board.id.to_string(),
            owner: BoardOwnerView {
                username: board.owner_username,
            },
            owner_id: board.owner_id.to_string(),
            name: board.name,
            description: board.description,
            pin_count: board.pin_count,
            image_url: board.image_url,
            board_state: state.into(),
        }
    }
}
