//! Messages as one person sees them.

mod changes;
mod notices;
pub(crate) mod post;
mod reactions;
mod reading;

use pinwire_domain::message::{MessageKind, PinState, Standing};
use pinwire_domain::reaction::Reactions;
use pinwire_domain::{ConversationId, Time};

pub use changes::Revision;
pub use notices::Notice;
pub(crate) use notices::name_people;
pub use reading::Page;
pub(crate) use reading::{
    MessageRow, Place, exclusions, holding_pin, load, message_columns, require_visible,
};

use crate::people::Person;
use crate::pin_snapshots::PinSnapshot;

/// A message as a member sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its conversation.
    pub conversation: ConversationId,
    /// Its gapless place there, from 1.
    pub position: i64,
    /// Who wrote it.
    pub sender: Person,
    /// What wrote it.
    pub kind: MessageKind,
    /// What was written.
    pub text: Option<String>,
    /// The pin as it was sent, and how it stands now.
    pub pin: Option<(PinSnapshot, PinState)>,
    /// The sender's own mark; for the sender's devices only.
    pub client_message_id: Option<String>,
    /// When it was sent.
    pub created_at: Time,
    /// When its text was last changed.
    pub edited_at: Option<Time>,
    /// When it was deleted for everyone.
    pub deleted_at: Option<Time>,
    /// Grows with each change.
    pub version: i64,
    /// What a system message tells.
    pub notice: Option<Notice>,
    /// What people put to it.
    pub reactions: Reactions,
}

impl Message {
    /// What decides whether it may be changed.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            kind: self.kind,
            sender: self.sender.id,
            sent_at: self.created_at,
            is_deleted: self.deleted_at.is_some(),
            carries: self.pin.is_some(),
        }
    }
}
