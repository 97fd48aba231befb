//! Boards in the shape of API v5.

use pinwire_storage::boards::Board;
use serde::Serialize;
use utoipa::ToSchema;

use super::image::{self, COVER_WIDTH, ImageTemplate, THUMBNAIL_WIDTH};
use super::kinds::BoardPrivacy;
use super::pin::BoardOwnerView;

/// A board.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Board)]
pub struct BoardView {
    /// Its id.
    #[schema(pattern = r"^\d+$", example = "3763541867536385")]
    pub id: String,
    /// Its name.
    #[schema(max_length = 180, example = "Summer recipes")]
    pub name: String,
    /// What it is about.
    #[schema(required, max_length = 500, example = "My favorite summer recipes")]
    pub description: Option<String>,
    /// Who may find it.
    pub privacy: BoardPrivacy,
    /// Whose it is.
    pub owner: BoardOwnerView,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When a pin was last put on it, changed or taken away; absent while it never held one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub board_pins_modified_at: Option<String>,
    /// Pins on it.
    #[schema(minimum = 0, example = 5)]
    pub pin_count: i64,
    /// Always 0: boards are not followed.
    #[schema(minimum = 0, example = 0)]
    pub follower_count: i64,
    /// Always 0: a board has one owner.
    #[schema(minimum = 0, example = 0)]
    pub collaborator_count: i64,
    /// Always false.
    pub is_ads_only: bool,
    /// What it shows of its pins.
    pub media: BoardMediaView,
}

/// What a board shows of its pins.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BoardMedia)]
pub struct BoardMediaView {
    /// The picture of its newest pin.
    #[schema(required)]
    pub image_cover_url: Option<String>,
    /// The pictures of its newest pins, newest first.
    #[schema(example = json!(["https://img.example/cat.jpg"]))]
    pub pin_thumbnail_urls: Vec<String>,
}

impl BoardView {
    /// The board.
    #[must_use]
    pub fn of(board: Board, template: Option<&ImageTemplate>) -> Self {
        let sized = |url: &String, width| image::address(template, url, width);
        Self {
            id: board.id.to_string(),
            name: board.name,
            description: board.description,
            privacy: board.privacy.into(),
            owner: BoardOwnerView {
                username: board.owner_username,
            },
            created_at: board.created_at.to_string(),
            board_pins_modified_at: board.pins_modified_at.map(|t| t.to_string()),
            pin_count: board.pin_count,
            follower_count: 0,
            collaborator_count: 0,
            is_ads_only: false,
            media: BoardMediaView {
                image_cover_url: board.pictures.first().map(|url| sized(url, COVER_WIDTH)),
                pin_thumbnail_urls: board
                    .pictures
                    .iter()
                    .map(|url| sized(url, THUMBNAIL_WIDTH))
                    .collect(),
            },
        }
    }
}
