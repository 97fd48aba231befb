//! The bodies of requests that make, change and save pins.

use std::str::FromStr;

use pinwire_domain::pin::{PinChange, PinDraft, Wording};
use pinwire_domain::{BoardId, PinId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::id;
use super::media_source::MediaSourceBody;
use super::v5::{self, NotOffered};
use crate::body;
use crate::error::ApiResult;

/// A pin to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PinCreate)]
pub struct PinCreateBody {
    /// The board it goes on, one of your own; without it, the pin is on no board.
    #[schema(pattern = r"^\d+$")]
    pub board_id: Option<String>,
    /// The title.
    #[schema(max_length = 100, example = "Grey cat")]
    pub title: Option<String>,
    /// The description.
    #[schema(max_length = 800)]
    pub description: Option<String>,
    /// What the picture shows, in words.
    #[schema(max_length = 500)]
    pub alt_text: Option<String>,
    /// Where it leads: http or https.
    #[schema(max_length = 2048, example = "https://cats.example/1")]
    pub link: Option<String>,
    /// A note for yourself.
    #[schema(max_length = 500)]
    pub note: Option<String>,
    /// The picture's main colour.
    #[schema(pattern = "^#[0-9A-Fa-f]{6}$", example = "#6E7874")]
    pub dominant_color: Option<String>,
    /// The picture.
    pub media_source: MediaSourceBody,
    /// The pin it comes from.
    #[schema(pattern = r"^\d+$")]
    pub parent_pin_id: Option<String>,
    #[serde(default)]
    board_section_id: NotOffered,
    #[serde(default)]
    sponsor_id: NotOffered,
}

/// A change of a pin: what is left out stays, null takes away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PinUpdate)]
pub struct PinUpdateBody {
    /// The board it moves to, one of your own; null leaves it where it is.
    #[schema(pattern = r"^\d+$")]
    pub board_id: Option<String>,
    /// The title.
    #[serde(default, deserialize_with = "body::given")]
    #[schema(value_type = Option<String>, max_length = 100)]
    pub title: Option<Option<String>>,
    /// The description.
    #[serde(default, deserialize_with = "body::given")]
    #[schema(value_type = Option<String>, max_length = 800)]
    pub description: Option<Option<String>>,
    /// What the picture shows, in words.
    #[serde(default, deserialize_with = "body::given")]
    #[schema(value_type = Option<String>, max_length = 500)]
    pub alt_text: Option<Option<String>>,
    /// Where it leads: http or https.
    #[serde(default, deserialize_with = "body::given")]
    #[schema(value_type = Option<String>, max_length = 2048)]
    pub link: Option<Option<String>>,
    /// A note for yourself.
    #[serde(default, deserialize_with = "body::given")]
    #[schema(value_type = Option<String>, max_length = 500)]
    pub note: Option<Option<String>>,
    #[serde(default)]
    board_section_id: NotOffered,
    #[serde(default)]
    carousel_slots: NotOffered,
}

/// Where a pin is saved to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PinSave)]
pub struct PinSaveBody {
    /// One of your own boards; without it, the pin is on no board.
    #[schema(pattern = r"^\d+$")]
    pub board_id: Option<String>,
    #[serde(default)]
    board_section_id: NotOffered,
}

fn optional_id<T: FromStr>(given: Option<&str>, field: &str) -> ApiResult<Option<T>> {
    given.map(|text| id(text, field)).transpose()
}

impl PinCreateBody {
    /// The pin that is asked for.
    ///
    /// # Errors
    /// 422 for what is not offered and for values out of bounds, 400 for malformed ids.
    pub fn read(self) -> ApiResult<PinDraft> {
        v5::refuse([
            ("board_section_id", self.board_section_id.given()),
            ("sponsor_id", self.sponsor_id.given()),
        ])?;
        let wording = Wording::default()
            .title(Some(self.title))?
            .description(Some(self.description))?
            .alt_text(Some(self.alt_text))?
            .link(Some(self.link))?
            .note(Some(self.note))?;
        let board: Option<BoardId> = optional_id(self.board_id.as_deref(), "board_id")?;
        let parent: Option<PinId> = optional_id(self.parent_pin_id.as_deref(), "parent_pin_id")?;
        let draft = PinDraft::new(board, self.media_source.image_url()?, wording)?
            .dominant_color(self.dominant_color)?
            .parent(parent);
        Ok(draft)
    }
}

impl PinUpdateBody {
    /// The change that is asked for.
    ///
    /// # Errors
    /// 422 for what is not offered and for values out of bounds, 400 for a malformed id.
    pub fn read(self) -> ApiResult<PinChange> {
        v5::refuse([
            ("board_section_id", self.board_section_id.given()),
            ("carousel_slots", self.carousel_slots.given()),
        ])?;
        Ok(PinChange {
            board: optional_id(self.board_id.as_deref(), "board_id")?,
            wording: Wording::default()
                .title(self.title)?
                .description(self.description)?
                .alt_text(self.alt_text)?
                .link(self.link)?
                .note(self.note)?,
        })
    }
}

impl PinSaveBody {
    /// The board that is asked for.
    ///
    /// # Errors
    /// 422 for what is not offered, 400 for a malformed id.
    pub fn read(self) -> ApiResult<Option<BoardId>> {
        v5::refuse([("board_section_id", self.board_section_id.given())])?;
        optional_id(self.board_id.as_deref(), "board_id")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::ApiError;

    /// A body with these fields beside a picture, as it would be read.
    fn created(fields: &Value) -> ApiResult<PinDraft> {
        let mut body = json!({
            "media_source": { "source_type": "image_url", "url": "https://img.example/cat.jpg" }
        });
        for (name, value) in fields.as_object().unwrap() {
            body[name] = value.clone();
        }
        body::parse::<PinCreateBody>(body.to_string().as_bytes())?.read()
    }

    fn changed(fields: &Value) -> ApiResult<PinChange> {
        body::parse::<PinUpdateBody>(fields.to_string().as_bytes())?.read()
    }

    /// Status and field of an error.
    fn named(error: &ApiError) -> (u16, &str) {
        (error.reason().status, error.details()[0].field.as_str())
    }

    #[test]
    fn a_pin_is_read_with_everything_else_null() {
        let draft = created(&json!({
            "board_id": "7", "title": "Cat", "description": null, "alt_text": null, "link": null,
            "note": null, "dominant_color": null, "parent_pin_id": "8", "board_section_id": null,
            "sponsor_id": null,
        }));
        let wording = Wording::default()
            .title(Some(Some("Cat".into())))
            .and_then(|w| w.description(Some(None)))
            .and_then(|w| w.alt_text(Some(None)))
            .and_then(|w| w.link(Some(None)))
            .and_then(|w| w.note(Some(None)));
        let board = Some(BoardId::new(7));
        let expected = PinDraft::new(board, "https://img.example/cat.jpg", wording.unwrap())
            .unwrap()
            .parent(Some(PinId::new(8)));
        assert_eq!(draft.unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_with_a_new_pin_is_named() {
        for (fields, status, field) in [
            (json!({ "board_section_id": "1" }), 422, "board_section_id"),
            (json!({ "sponsor_id": "1" }), 422, "sponsor_id"),
            (json!({ "title": "x".repeat(101) }), 422, "title"),
            (
                json!({ "description": "x".repeat(801) }),
                422,
                "description",
            ),
            (json!({ "alt_text": "x".repeat(501) }), 422, "alt_text"),
            (json!({ "link": "ftp://cats.example/" }), 422, "link"),
            (json!({ "dominant_color": "grey" }), 422, "dominant_color"),
            (json!({ "board_id": "x" }), 400, "board_id"),
            (json!({ "board_id": 7 }), 400, "board_id"),
            (json!({ "parent_pin_id": "-1" }), 400, "parent_pin_id"),
            (json!({ "id": "1" }), 400, "id"),
            (json!({ "carousel_slots": null }), 400, "carousel_slots"),
        ] {
            assert_eq!(named(&created(&fields).unwrap_err()), (status, field));
        }
    }

    #[test]
    fn a_change_tells_null_from_what_is_left_out() {
        let change = changed(&json!({
            "title": null, "alt_text": "Grey cat", "board_id": null, "carousel_slots": [],
        }));
        let wording = Wording::default()
            .title(Some(None))
            .and_then(|w| w.alt_text(Some(Some("Grey cat".into()))));
        let expected = PinChange {
            board: None,
            wording: wording.unwrap(),
        };
        assert_eq!(change.unwrap(), expected);
        assert_eq!(changed(&json!({})).unwrap(), PinChange::default());
    }

    #[test]
    fn what_is_wrong_with_a_change_is_named() {
        for (fields, status, field) in [
            (
                json!({ "carousel_slots": [{ "title": "x" }] }),
                422,
                "carousel_slots",
            ),
            (json!({ "board_section_id": "1" }), 422, "board_section_id"),
            (json!({ "note": "x".repeat(501) }), 422, "note"),
            (json!({ "media_source": null }), 400, "media_source"),
        ] {
            assert_eq!(named(&changed(&fields).unwrap_err()), (status, field));
        }
    }
}
