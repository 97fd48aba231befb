//! The kinds of events in the log, and places in it.

use std::fmt;
use std::str::FromStr;

/// What an event says happened. The names are those of the frames' `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A message was sent; its conversation may be new.
    MessageCreated,
    /// The text of a message changed.
    MessageEdited,
    /// A message was deleted, for everyone or for the actor alone.
    MessageDeleted,
    /// Somebody reacted to a message, or took a reaction back.
    ReactionChanged,
    /// Somebody saved a pin that was sent to them.
    PinSaved,
    /// A pin that was sent stands otherwise now.
    PinStateChanged,
    /// A group was made without a message.
    ConversationCreated,
    /// The title of a conversation changed.
    ConversationUpdated,
    /// Somebody joined a conversation, or several did.
    MemberJoined,
    /// Somebody left a conversation or was removed.
    MemberLeft,
    /// Somebody was asked into a conversation.
    RequestCreated,
    /// Somebody accepted the one who began a conversation of two.
    RequestAccepted,
    /// Somebody declined to join a conversation.
    RequestIgnored,
    /// Somebody's own settings of a membership changed (unread flag, mute, archive, hide).
    MembershipUpdated,
    /// Somebody began, changed or dropped a draft.
    DraftUpdated,
    /// Somebody read up to a position.
    ReadUpdated,
    /// Messages reached a device of somebody's.
    DeliveryUpdated,
    /// Somebody opened or minimized a head.
    HeadUpdated,
    /// Somebody closed a head by the "x".
    HeadClosed,
    /// A profile changed.
    UserUpdated,
    /// Somebody's own settings changed.
    SettingsUpdated,
    /// Moderators told somebody something.
    NoticeCreated,
    /// Somebody blocked a person.
    BlockAdded,
    /// Somebody took a block back.
    BlockRemoved,
    /// Sessions were signed out: never shown, closes their open streams.
    SessionRevoked,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 25] = [
        Self::MessageCreated,
        Self::MessageEdited,
        Self::MessageDeleted,
        Self::ReactionChanged,
        Self::PinSaved,
        Self::PinStateChanged,
        Self::ConversationCreated,
        Self::ConversationUpdated,
        Self::MemberJoined,
        Self::MemberLeft,
        Self::RequestCreated,
        Self::RequestAccepted,
        Self::RequestIgnored,
        Self::MembershipUpdated,
        Self::DraftUpdated,
        Self::ReadUpdated,
        Self::DeliveryUpdated,
        Self::HeadUpdated,
        Self::HeadClosed,
        Self::UserUpdated,
        Self::SettingsUpdated,
        Self::NoticeCreated,
        Self::BlockAdded,
        Self::BlockRemoved,
        Self::SessionRevoked,
    ];

    /// The name in the log and in a frame's `type`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MessageCreated => "message.created",
            Self::MessageEdited => "message.edited",
            Self::MessageDeleted => "message.deleted",
            Self::ReactionChanged => "reaction.changed",
            Self::PinSaved => "pin.saved",
            Self::PinStateChanged => "pin.state_changed",
            Self::ConversationCreated => "conversation.created",
            Self::ConversationUpdated => "conversation.updated",
            Self::MemberJoined => "member.joined",
            Self::MemberLeft => "member.left",
            Self::RequestCreated => "request.created",
            Self::RequestAccepted => "request.accepted",
            Self::RequestIgnored => "request.ignored",
            Self::MembershipUpdated => "membership.updated",
            Self::DraftUpdated => "draft.updated",
            Self::ReadUpdated => "read.updated",
            Self::DeliveryUpdated => "delivery.updated",
            Self::HeadUpdated => "head.updated",
            Self::HeadClosed => "head.closed",
            Self::UserUpdated => "user.updated",
            Self::SettingsUpdated => "settings.updated",
            Self::NoticeCreated => "notice.created",
            Self::BlockAdded => "block.added",
            Self::BlockRemoved => "block.removed",
            Self::SessionRevoked => "session.revoked",
        }
    }

    /// Whether it comes with a message, which moves its conversation.
    #[must_use]
    pub const fn brings_message(self) -> bool {
        matches!(self, Self::MessageCreated) || self.changes_group()
    }

    /// Whether it comes with a conversation whose title or people changed.
    #[must_use]
    pub const fn changes_group(self) -> bool {
        matches!(
            self,
            Self::ConversationUpdated | Self::MemberJoined | Self::MemberLeft
        )
    }

    /// Whether it is about a person, for the actor alone.
    #[must_use]
    pub const fn is_about_person(self) -> bool {
        matches!(self, Self::BlockAdded | Self::BlockRemoved)
    }

    /// Whether those who have blocked the actor are not told: it shows nothing but what the actor did.
    #[must_use]
    pub const fn is_the_actors(self) -> bool {
        matches!(
            self,
            Self::ReactionChanged | Self::PinSaved | Self::ReadUpdated | Self::DeliveryUpdated
        )
    }

    /// The kind of this name; none for a name of a newer version.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A place in the log: `<epoch>:<seq>`, opaque to clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// Names the history; another one after a restore.
    pub epoch: String,
    /// The last event seen.
    pub seq: i64,
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of the form <epoch>:<seq>")]
pub struct MalformedCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.seq)
    }
}

impl FromStr for Cursor {
    type Err = MalformedCursor;

    fn from_str(text: &str) -> Result<Self, MalformedCursor> {
        let (epoch, seq) = text.split_once(':').ok_or(MalformedCursor)?;
        if epoch.is_empty() || epoch.len() > 32 || !epoch.bytes().all(|b| b.is_ascii_alphanumeric())
        {
            return Err(MalformedCursor);
        }
        let seq = crate::id::parse(seq).map_err(|_| MalformedCursor)?;
        Ok(Self {
            epoch: epoch.to_owned(),
            seq,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(EventKind::from_name("message.exploded"), None);
    }

    #[test]
    fn a_cursor_reads_itself_back() {
        let cursor = Cursor {
            epoch: "3fa".into(),
            seq: 42,
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in ["", "3fa", ":1", "3fa:", "3fa:-1", "3f a:1", "3fa:1:2"] {
            assert_eq!(bad.parse::<Cursor>(), Err(MalformedCursor), "{bad:?}");
        }
    }
}
