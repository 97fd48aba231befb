//! Reports: what people hold against something, and what moderators do about it.

use crate::{ConversationId, Field, PinId, Refusal, UserId, limits, text};

/// Closed sets with the names of their values in rows.
macro_rules! named {
    ($($(#[doc = $doc:literal])* $kind:ident { $($(#[doc = $meaning:literal])* $value:ident $name:literal),* $(,)? })*) => { $(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $kind { $($(#[doc = $meaning])* $value),* }

        impl $kind {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$value),*];

            /// The name in rows.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$value => $name),* }
            }

            /// The value of this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.name() == name)
            }
        }
    )* };
}

named! {
    /// What is held against something.
    Category {
        /// It is advertising that nobody asked for, or leads elsewhere than it says.
        Spam "spam",
        /// It wants to cheat people of money or passwords.
        Scam "scam",
        /// It torments somebody.
        Harassment "harassment",
        /// It attacks people for what they are.
        Hate "hate",
        /// It is nudity or sexual.
        Sexual "sexual",
        /// It shows or threatens violence.
        Violence "violence",
        /// It is about somebody harming themselves.
        SelfHarm "self_harm",
        /// It pretends to be somebody else.
        Impersonation "impersonation",
        /// Something else.
        Other "other",
    }

    /// How far a report is.
    CaseState {
        /// Nobody has it.
        Open "open",
        /// A moderator has it.
        Claimed "claimed",
        /// It is decided.
        Resolved "resolved",
    }

    /// What moderators do.
    Action {
        /// Nothing.
        None "none",
        /// The person is told.
        Warn "warn",
        /// The message or the pin is removed, and the person told.
        Remove "remove",
        /// No link to the domain is delivered any more.
        BlockDomain "block_domain",
        /// The person is signed out and cannot sign in any more.
        Suspend "suspend",
    }

    /// What moderators tell a person.
    NoticeCode {
        /// Something of theirs was not in order.
        Warned "warned",
        /// A message of theirs was removed.
        MessageRemoved "message_removed",
        /// A pin of theirs was removed.
        PinRemoved "pin_removed",
    }
}

/// What a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A message, by its conversation and position.
    Message(ConversationId, i64),
    /// A pin.
    Pin(PinId),
    /// A person.
    User(UserId),
    /// A conversation.
    Conversation(ConversationId),
    /// A contact request, by its conversation.
    Request(ConversationId),
}

impl Subject {
    /// What tells it from all others, in rows.
    #[must_use]
    pub fn key(self) -> String {
        match self {
            Self::Message(id, position) => format!("message:{id}:{position}"),
            Self::Pin(id) => format!("pin:{id}"),
            Self::User(id) => format!("user:{id}"),
            Self::Conversation(id) => format!("conversation:{id}"),
            Self::Request(id) => format!("request:{id}"),
        }
    }

    /// The subject of this key.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        let mut parts = key.split(':');
        let kind = parts.next()?;
        let mut number = || parts.next()?.parse().ok();
        let first: i64 = number()?;
        Some(match kind {
            "message" => Self::Message(ConversationId::new(first), number()?),
            "pin" => Self::Pin(PinId::new(first)),
            "user" => Self::User(UserId::new(first)),
            "conversation" => Self::Conversation(ConversationId::new(first)),
            "request" => Self::Request(ConversationId::new(first)),
            _ => return None,
        })
    }

    /// Whether an action does something to it.
    #[must_use]
    pub const fn takes(self, action: Action) -> bool {
        match action {
            Action::Remove => matches!(self, Self::Message(..) | Self::Pin(_) | Self::Request(_)),
            Action::None | Action::Warn | Action::BlockDomain | Action::Suspend => true,
        }
    }
}

/// What a person reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportDraft {
    /// What about.
    pub subject: Subject,
    /// What is held against it.
    pub category: Category,
    /// In the reporter's words.
    pub comment: Option<String>,
}

impl ReportDraft {
    /// A report.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] for a comment of more than [`limits::REPORT_COMMENT_MAX`].
    pub fn new(
        subject: Subject,
        category: Category,
        comment: Option<&str>,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            subject,
            category,
            comment: words("comment", comment)?,
        })
    }
}

/// What a moderator decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is done.
    pub action: Action,
    /// Why, for the person concerned and for other moderators.
    pub reason: Option<String>,
    /// The domain to block; without one, that of the link in question.
    pub domain: Option<String>,
}

impl Decision {
    /// A decision.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] for a reason of more than [`limits::REPORT_COMMENT_MAX`], or for a domain that is none
    /// or comes without its action.
    pub fn new(
        action: Action,
        reason: Option<&str>,
        domain: Option<&str>,
    ) -> Result<Self, Refusal> {
        if domain.is_some() && action != Action::BlockDomain {
            let field = Field::new("domain", "only with the action `block_domain`");
            return Err(Refusal::InvalidValue(field));
        }
        let domain = domain.map(|it| crate::link::domain_name("domain", it));
        Ok(Self {
            action,
            reason: words("reason", reason)?,
            domain: domain.transpose()?,
        })
    }
}

/// What somebody writes to moderators, or they about it.
///
/// # Errors
/// [`Refusal::InvalidValue`] for more than [`limits::REPORT_COMMENT_MAX`].
pub fn words(field: &str, given: Option<&str>) -> Result<Option<String>, Refusal> {
    text::optional(field, given, limits::REPORT_COMMENT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_read_back_from_its_key() {
        let id = ConversationId::new(7);
        for subject in [
            Subject::Message(id, 3),
            Subject::Pin(PinId::new(4)),
            Subject::User(UserId::new(5)),
            Subject::Conversation(id),
            Subject::Request(id),
        ] {
            assert_eq!(Subject::from_key(&subject.key()), Some(subject));
        }
        for bad in ["", "pin", "pin:x", "message:7", "board:1"] {
            assert_eq!(Subject::from_key(bad), None, "{bad}");
        }
    }

    #[test]
    fn words_are_bounded() {
        let most = "x".repeat(limits::REPORT_COMMENT_MAX);
        let of = |comment: &str| {
            ReportDraft::new(Subject::Pin(PinId::new(1)), Category::Spam, Some(comment))
        };
        assert_eq!(of(&most).unwrap().comment, Some(most.clone()));
        assert!(of(&format!("{most}x")).is_err());
        assert_eq!(of("  ").unwrap().comment, None);
    }

    #[test]
    fn a_domain_comes_with_its_action_alone() {
        let decision = |action, domain| Decision::new(action, None, domain);
        let blocks = decision(Action::BlockDomain, Some("EVIL.example.")).unwrap();
        assert_eq!(blocks.domain.as_deref(), Some("evil.example"));
        assert!(decision(Action::Warn, Some("evil.example")).is_err());
        assert!(decision(Action::BlockDomain, Some("com")).is_err());
        assert!(Subject::Pin(PinId::new(1)).takes(Action::Remove));
        assert!(!Subject::User(UserId::new(1)).takes(Action::Remove));
    }
}
