//! Drafts: what a member has begun to write.

use crate::{PinId, Refusal, limits, text};

/// What a draft may hold: checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftContent {
    /// NFC, at most [`limits::MESSAGE_TEXT_MAX`] scalars, as it stands: a blank at the end may be the next word's.
    pub text: Option<String>,
    /// The pin it will carry. Whether it may be sent is asked when it is.
    pub pin: Option<PinId>,
}

impl DraftContent {
    /// Checks what a person has begun. A blank text counts as none.
    ///
    /// # Errors
    /// [`Refusal::EmptyMessage`] without text and pin; [`Refusal::InvalidValue`] for a text out of bounds.
    pub fn new(text: Option<&str>, pin: Option<PinId>) -> Result<Self, Refusal> {
        let text = text::optional("text", text, limits::MESSAGE_TEXT_MAX)?;
        if text.is_none() && pin.is_none() {
            return Err(Refusal::EmptyMessage);
        }
        Ok(Self { text, pin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_has_the_bounds_of_a_message() {
        let at = "é".repeat(limits::MESSAGE_TEXT_MAX);
        assert!(DraftContent::new(Some(&at), None).is_ok());
        let past = DraftContent::new(Some(&format!("{at}é")), None);
        assert!(matches!(past, Err(Refusal::InvalidValue(_))));
        assert_eq!(
            DraftContent::new(Some(" \n"), None),
            Err(Refusal::EmptyMessage)
        );
        assert!(DraftContent::new(None, Some(PinId::new(1))).is_ok());
    }

    #[test]
    fn a_draft_keeps_the_blank_at_its_end() {
        let draft = DraftContent::new(Some("For the "), None).unwrap();
        assert_eq!(draft.text.as_deref(), Some("For the "));
    }
}
