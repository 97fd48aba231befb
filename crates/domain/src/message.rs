//! Messages: what one may contain.

use crate::{PinId, Refusal, limits, link, text};

/// What wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    /// A person.
    User,
    /// Pinwire itself: a change of the group, told in codes.
    System,
}

impl MessageKind {
    /// The name in rows and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::System => "system",
        }
    }

    /// The kind of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::User, Self::System]
            .into_iter()
            .find(|k| k.name() == name)
    }
}

/// A message that may be sent: checked, not yet placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageDraft {
    /// NFC, at most [`limits::MESSAGE_TEXT_MAX`] scalars, not blank.
    pub text: Option<String>,
    /// The pin it carries.
    pub pin: Option<PinId>,
}

impl MessageDraft {
    /// Checks what a person wrote. A blank text counts as none.
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

/// How a pin that was sent stands now, compared with the snapshot in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinState {
    /// As it was sent.
    Live,
    /// Changed since, with a link to the same host.
    Edited,
    /// Its link leads to another host than when it was sent.
    LinkChanged,
    /// Removed by its owner.
    Removed,
    /// Blocked by moderation.
    Blocked,
}

impl PinState {
    /// The name in answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Edited => "edited",
            Self::LinkChanged => "link_changed",
            Self::Removed => "removed",
            Self::Blocked => "blocked",
        }
    }
}

/// Judges a pin that was sent: the snapshot's version and link against those of now.
#[must_use]
pub fn pin_state(sent: (i64, Option<&str>), now: Option<(i64, Option<&str>)>) -> PinState {
    let Some((version, link)) = now else {
        return PinState::Removed;
    };
    if link::other_host(sent.1, link) {
        PinState::LinkChanged
    } else if sent.0 == version {
        PinState::Live
    } else {
        PinState::Edited
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_needs_a_text_or_a_pin() {
        assert_eq!(
            MessageDraft::new(Some(" \n"), None),
            Err(Refusal::EmptyMessage)
        );
        assert_eq!(MessageDraft::new(None, None), Err(Refusal::EmptyMessage));
        assert!(MessageDraft::new(None, Some(PinId::new(1))).is_ok());
    }

    #[test]
    fn the_text_is_bounded_in_scalars() {
        let at = "é".repeat(limits::MESSAGE_TEXT_MAX);
        assert!(MessageDraft::new(Some(&at), None).is_ok());
        assert!(matches!(
            MessageDraft::new(Some(&format!("{at}é")), None),
            Err(Refusal::InvalidValue(_))
        ));
    }

    #[test]
    fn a_sent_pin_is_judged_by_version_and_host() {
        let sent = (1, Some("https://a.example/x"));
        assert_eq!(
            pin_state(sent, Some((1, Some("https://a.example/x")))),
            PinState::Live
        );
        assert_eq!(
            pin_state(sent, Some((2, Some("https://a.example/y")))),
            PinState::Edited
        );
        assert_eq!(
            pin_state(sent, Some((2, Some("https://b.example/x")))),
            PinState::LinkChanged
        );
        assert_eq!(pin_state(sent, Some((2, None))), PinState::LinkChanged);
        assert_eq!(pin_state(sent, None), PinState::Removed);
    }
}
