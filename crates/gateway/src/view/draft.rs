//! Drafts in answers and events.

use pinwire_storage::drafts::Draft;
use serde::Serialize;
use utoipa::ToSchema;

/// What you have begun to write.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Draft)]
pub struct DraftView {
    /// What is written so far; null without text.
    #[schema(required, max_length = 5000, example = "For the ")]
    pub text: Option<String>,
    /// The pin it will carry; null without one. In an event both are null where the draft was dropped.
    #[schema(required, pattern = r"^\d+$")]
    pub pin_id: Option<String>,
    /// When it was last changed.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// Grows with each change, also when it is dropped and begun anew.
    #[schema(example = 1)]
    pub version: i64,
}

impl From<&Draft> for DraftView {
    fn from(draft: &Draft) -> Self {
        Self {
            text: draft.text.clone(),
            pin_id: draft.pin.map(|pin| pin.to_string()),
            updated_at: draft.updated_at.to_string(),
            version: draft.version,
        }
    }
}
