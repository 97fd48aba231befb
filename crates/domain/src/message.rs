//! Messages: what one may contain.

use crate::{PinId, Refusal, Time, UserId, limits, link, text};

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

/// What decides whether a message that was sent may be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What wrote it.
    pub kind: MessageKind,
    /// Who wrote it.
    pub sender: UserId,
    /// When it was sent.
    pub sent_at: Time,
    /// Whether it was deleted for everyone.
    pub is_deleted: bool,
    /// Whether it carries something beside its text.
    pub carries: bool,
}

impl Standing {
    /// What a message is left to its sender alone.
    fn check_sender(self, who: UserId) -> Result<(), Refusal> {
        if self.kind == MessageKind::User && self.sender == who {
            Ok(())
        } else {
            Err(Refusal::MessageNotYours)
        }
    }

    /// Whether `who` may delete it for everyone; false if that was done before.
    ///
    /// # Errors
    /// [`Refusal::MessageNotYours`].
    pub fn delete_for_everyone(self, who: UserId) -> Result<bool, Refusal> {
        self.check_sender(who)?;
        Ok(!self.is_deleted)
    }

    /// The text that `who` may give it now, when it was changed `edits` times before. A blank text counts as none.
    ///
    /// # Errors
    /// [`Refusal::MessageNotYours`], [`Refusal::MessageDeleted`], [`Refusal::EditWindowOver`],
    /// [`Refusal::TooManyEdits`]; [`Refusal::EmptyMessage`] without a text for what carries nothing else, and
    /// [`Refusal::InvalidValue`] for a text out of bounds.
    pub fn edit(
        self,
        who: UserId,
        now: Time,
        edits: usize,
        text: Option<&str>,
    ) -> Result<Option<String>, Refusal> {
        self.check_sender(who)?;
        if self.is_deleted {
            return Err(Refusal::MessageDeleted);
        }
        if now > self.sent_at.plus_millis(limits::EDIT_WINDOW_MS) {
            let minutes = limits::EDIT_WINDOW_MS / 60_000;
            return Err(Refusal::EditWindowOver { minutes });
        }
        if edits >= limits::EDITS_MAX {
            let limit = limits::EDITS_MAX;
            return Err(Refusal::TooManyEdits { limit });
        }
        let text = text::optional("text", text, limits::MESSAGE_TEXT_MAX)?;
        if text.is_none() && !self.carries {
            return Err(Refusal::EmptyMessage);
        }
        Ok(text)
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

    const ANA: UserId = UserId::new(1);
    const SENT: Time = Time::from_millis(0);

    fn standing() -> Standing {
        Standing {
            kind: MessageKind::User,
            sender: ANA,
            sent_at: SENT,
            is_deleted: false,
            carries: false,
        }
    }

    #[test]
    fn only_its_sender_changes_a_message() {
        let not_yours = Err(Refusal::MessageNotYours);
        let bo = UserId::new(2);
        assert_eq!(standing().edit(bo, SENT, 0, Some("x")), not_yours);
        assert_eq!(
            standing().delete_for_everyone(bo),
            Err(Refusal::MessageNotYours)
        );
        let told = Standing {
            kind: MessageKind::System,
            ..standing()
        };
        assert_eq!(told.edit(ANA, SENT, 0, Some("x")), not_yours);
        assert_eq!(told.delete_for_everyone(ANA), Err(Refusal::MessageNotYours));
        assert_eq!(standing().delete_for_everyone(ANA), Ok(true));
        let gone = Standing {
            is_deleted: true,
            ..standing()
        };
        assert_eq!(gone.delete_for_everyone(ANA), Ok(false));
        let refused = gone.edit(ANA, SENT, 0, Some("x"));
        assert_eq!(refused, Err(Refusal::MessageDeleted));
    }

    #[test]
    fn a_message_is_changed_within_its_window_and_not_too_often() {
        let last = SENT.plus_millis(limits::EDIT_WINDOW_MS);
        let edit = |now, edits| standing().edit(ANA, now, edits, Some(" ok"));
        assert_eq!(edit(last, 0), Ok(Some(" ok".into())));
        assert_eq!(
            edit(last.plus_millis(1), 0),
            Err(Refusal::EditWindowOver { minutes: 15 })
        );
        assert!(edit(last, limits::EDITS_MAX - 1).is_ok());
        assert_eq!(
            edit(last, limits::EDITS_MAX),
            Err(Refusal::TooManyEdits {
                limit: limits::EDITS_MAX
            })
        );
    }

    #[test]
    fn a_text_may_go_only_where_something_stays() {
        let edit = |it: Standing, text| it.edit(ANA, SENT, 0, text);
        for blank in [None, Some("  ")] {
            assert_eq!(edit(standing(), blank), Err(Refusal::EmptyMessage));
            let with_pin = Standing {
                carries: true,
                ..standing()
            };
            assert_eq!(edit(with_pin, blank), Ok(None));
        }
        let long = "x".repeat(limits::MESSAGE_TEXT_MAX + 1);
        assert!(matches!(
            edit(standing(), Some(&long)),
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
