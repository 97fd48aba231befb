//! Pins in the shape of API v5.

use pinwire_domain::UserId;
use pinwire_storage::links::LinkCheck;
use pinwire_storage::pins::Pin;
use serde::Serialize;
use utoipa::ToSchema;

use super::image::{ImageSizesView, ImageTemplate};

/// A pin.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pin)]
pub struct PinView {
    /// Its id.
    #[schema(pattern = r"^\d+$", example = "3763541867536385")]
    pub id: String,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// Where it leads; of somebody else's pin, null while something is held against the link.
    #[schema(required, max_length = 2048, example = "https://cats.example/1")]
    pub link: Option<String>,
    /// The title.
    #[schema(required, max_length = 100, example = "Grey cat")]
    pub title: Option<String>,
    /// The description.
    #[schema(required, max_length = 800)]
    pub description: Option<String>,
    /// The picture's main colour.
    #[schema(required, pattern = "^#[0-9A-Fa-f]{6}$", example = "#6E7874")]
    pub dominant_color: Option<String>,
    /// What the picture shows, in words.
    #[schema(required, max_length = 500)]
    pub alt_text: Option<String>,
    /// Always `REGULAR`.
    #[schema(example = "REGULAR")]
    pub creative_type: &'static str,
    /// The board it is on; absent for a pin on no board, and on a secret one of somebody else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = r"^\d+$")]
    pub board_id: Option<String>,
    /// Whose board it is on; absent where `board_id` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub board_owner: Option<BoardOwnerView>,
    /// Always null: boards have no sections.
    #[schema(required)]
    pub board_section_id: Option<String>,
    /// Whether it is yours.
    pub is_owner: bool,
    /// The picture.
    pub media: PinMediaView,
    /// The pin it was saved from.
    #[schema(required, pattern = r"^\d+$")]
    pub parent_pin_id: Option<String>,
    /// Always true.
    pub is_standard: bool,
    /// Always false.
    pub has_been_promoted: bool,
    /// Your own note on it, as API v5.14 has it; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub note: Option<String>,
    /// Always null: nothing is measured.
    #[schema(required, value_type = Option<Object>)]
    pub pin_metrics: Option<()>,
}

/// Whose board it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoardOwner)]
pub struct BoardOwnerView {
    /// The owner's username.
    #[schema(example = "ana")]
    pub username: String,
}

/// A pin's picture.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PinMedia)]
pub struct PinMediaView {
    /// Always `image`.
    #[schema(example = "image")]
    pub media_type: &'static str,
    /// The picture in its sizes.
    pub images: ImageSizesView,
}

impl PinView {
    /// The pin as `viewer` sees it.
    #[must_use]
    pub fn of(pin: Pin, viewer: UserId, template: Option<&ImageTemplate>) -> Self {
        let is_owner = pin.owner == viewer;
        let is_shown = is_owner || pin.link_check.as_ref().is_some_and(LinkCheck::is_ok);
        Self {
            id: pin.id.to_string(),
            created_at: pin.created_at.to_string(),
            link: pin.link.filter(|_| is_shown),
            title: pin.title,
            description: pin.description,
            dominant_color: pin.dominant_color,
            alt_text: pin.alt_text,
            creative_type: "REGULAR",
            board_id: pin.board.map(|board| board.to_string()),
            // A board and its pins have one owner.
            board_owner: pin.board.map(|_| BoardOwnerView {
                username: pin.owner_username,
            }),
            board_section_id: None,
            is_owner,
            media: PinMediaView {
                media_type: "image",
                images: ImageSizesView::of(template, &pin.image_url, pin.picture_size),
            },
            parent_pin_id: pin.parent.map(|parent| parent.to_string()),
            is_standard: true,
            has_been_promoted: false,
            note: pin.note,
            pin_metrics: None,
        }
    }
}
