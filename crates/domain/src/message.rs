//! Messages: what one may contain.

use crate::board::Privacy;
use crate::link::judge::Verdict;
use crate::link::text::check_links;
use crate::{BoardId, Field, PinId, Refusal, Time, UserId, limits, link, text};

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

/// What a message carries beside its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// A pin.
    Pin(PinId),
    /// A board.
    Board(BoardId),
    /// Somebody's profile.
    Profile(UserId),
}

/// A message that may be sent: checked, not yet placed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageDraft {
    /// NFC, at most [`limits::MESSAGE_TEXT_MAX`] scalars, not blank.
    pub text: Option<String>,
    /// What it carries.
    pub carried: Option<Carried>,
    /// The position of the message that it answers.
    pub reply_to: Option<i64>,
    /// The pin that it is about: one that was sent in the conversation before.
    pub about_pin: Option<PinId>,
}

impl MessageDraft {
    /// Checks what a person wrote. A blank text counts as none.
    ///
    /// # Errors
    /// [`Refusal::EmptyMessage`] without text and anything carried; [`Refusal::InvalidValue`] for a text out of bounds.
    pub fn new(text: Option<&str>, carried: Option<Carried>) -> Result<Self, Refusal> {
        let text = written(text)?;
        if text.is_none() && carried.is_none() {
            return Err(Refusal::EmptyMessage);
        }
        Ok(Self {
            text,
            carried,
            reply_to: None,
            about_pin: None,
        })
    }

    /// As an answer to the message at this position.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] for what is no position.
    pub fn reply_to(mut self, position: Option<i64>) -> Result<Self, Refusal> {
        if position.is_some_and(|p| p < 1) {
            let field = Field::new("reply_to", "must be 1 or more");
            return Err(Refusal::InvalidValue(field));
        }
        self.reply_to = position;
        Ok(self)
    }

    /// About this pin.
    #[must_use]
    pub fn about_pin(mut self, pin: Option<PinId>) -> Self {
        self.about_pin = pin;
        self
    }

    /// The pin it carries.
    #[must_use]
    pub const fn pin(&self) -> Option<PinId> {
        match self.carried {
            Some(Carried::Pin(pin)) => Some(pin),
            _ => None,
        }
    }
}

/// What a person wrote. A blank text counts as none.
fn written(text: Option<&str>) -> Result<Option<String>, Refusal> {
    let text = text::optional("text", text, limits::MESSAGE_TEXT_MAX)?;
    if let Some(text) = &text {
        check_links("text", text)?;
    }
    Ok(text)
}

/// Whether a message may be answered, or passed on: not one of Pinwire's own, and not one that was deleted.
///
/// # Errors
/// [`Refusal::SystemMessage`], [`Refusal::MessageDeleted`].
pub fn check_taken_up(kind: MessageKind, is_deleted: bool) -> Result<(), Refusal> {
    match (kind, is_deleted) {
        (MessageKind::System, _) => Err(Refusal::SystemMessage),
        (MessageKind::User, true) => Err(Refusal::MessageDeleted),
        (MessageKind::User, false) => Ok(()),
    }
}

/// What an answer shows of the text that it answers: its beginning, with an ellipsis where it goes on.
#[must_use]
pub fn quoted(text: &str) -> String {
    match text.char_indices().nth(limits::QUOTE_TEXT_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default().trim_end()),
        None => text.to_owned(),
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
        let text = written(text)?;
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
    /// Changed since, with a link to the same domain.
    Edited,
    /// Its link leads to another domain than when it was sent.
    LinkChanged,
    /// Removed by its owner.
    Removed,
    /// Its link leads to a domain that moderators block.
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
pub fn pin_state(
    sent: (i64, Option<&str>),
    now: Option<(i64, Option<&str>)>,
    verdict: Option<Verdict>,
) -> PinState {
    if verdict == Some(Verdict::Blocked) {
        return PinState::Blocked;
    }
    let Some((version, link)) = now else {
        return PinState::Removed;
    };
    if link::other_domain(sent.1, link) {
        PinState::LinkChanged
    } else if sent.0 == version {
        PinState::Live
    } else {
        PinState::Edited
    }
}

/// How a board that was shared stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoardState {
    /// Whoever has its address can look at it.
    Open,
    /// Its owner alone can.
    Secret,
    /// Removed by its owner.
    Removed,
}

impl BoardState {
    /// How a board of this privacy stands; of none if it is gone.
    #[must_use]
    pub const fn of(now: Option<Privacy>) -> Self {
        match now {
            None => Self::Removed,
            Some(Privacy::Secret) => Self::Secret,
            Some(Privacy::Public | Privacy::Protected) => Self::Open,
        }
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
        for carried in [
            Carried::Pin(PinId::new(1)),
            Carried::Board(BoardId::new(1)),
            Carried::Profile(UserId::new(1)),
        ] {
            assert!(MessageDraft::new(None, Some(carried)).is_ok());
        }
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
    fn an_answer_names_a_position() {
        let draft = || MessageDraft::new(Some("yes"), None).unwrap();
        assert_eq!(draft().reply_to(Some(1)).unwrap().reply_to, Some(1));
        assert_eq!(draft().reply_to(None).unwrap().reply_to, None);
        for bad in [0, -1] {
            let refused = draft().reply_to(Some(bad));
            assert!(matches!(refused, Err(Refusal::InvalidValue(_))), "{bad}");
        }
    }

    #[test]
    fn an_answer_shows_the_beginning_of_a_text() {
        let at = "é".repeat(limits::QUOTE_TEXT_MAX);
        assert_eq!(quoted(&at), at);
        assert_eq!(quoted(&format!("{at}x")), format!("{at}…"));
    }

    #[test]
    fn what_is_deleted_or_not_a_persons_is_not_taken_up() {
        use MessageKind::{System, User};
        assert_eq!(check_taken_up(User, false), Ok(()));
        assert_eq!(check_taken_up(User, true), Err(Refusal::MessageDeleted));
        assert_eq!(check_taken_up(System, false), Err(Refusal::SystemMessage));
    }

    #[test]
    fn a_shared_board_is_open_unless_secret_or_gone() {
        assert_eq!(BoardState::of(Some(Privacy::Public)), BoardState::Open);
        assert_eq!(BoardState::of(Some(Privacy::Protected)), BoardState::Open);
        assert_eq!(BoardState::of(Some(Privacy::Secret)), BoardState::Secret);
        assert_eq!(BoardState::of(None), BoardState::Removed);
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
            pin_state(sent, Some((1, Some("https://a.example/x"))), None),
            PinState::Live
        );
        assert_eq!(
            pin_state(sent, Some((2, Some("https://a.example/y"))), None),
            PinState::Edited
        );
        assert_eq!(
            pin_state(sent, Some((2, Some("https://b.example/x"))), None),
            PinState::LinkChanged
        );
        assert_eq!(
            pin_state(sent, Some((2, None)), None),
            PinState::LinkChanged
        );
        assert_eq!(pin_state(sent, None, None), PinState::Removed);
        let blocked = Some(Verdict::Blocked);
        assert_eq!(pin_state(sent, None, blocked), PinState::Blocked);
        let now = Some((1, Some("https://a.example/x")));
        assert_eq!(pin_state(sent, now, Some(Verdict::Warn)), PinState::Live);
    }
}
