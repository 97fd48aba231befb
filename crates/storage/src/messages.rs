//! Messages as one person sees them.

pub(crate) mod post;
mod reading;

use pinwire_domain::message::{MessageKind, PinState};
use pinwire_domain::{ConversationId, Time};

pub use reading::Page;
pub(crate) use reading::{MessageRow, Place, exclusions, holding_pin, load, message_columns};

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
    /// When it was deleted for everyone.
    pub deleted_at: Option<Time>,
    /// Grows with each change.
    pub version: i64,
}
