//! Messages as one person sees them.

pub(crate) mod changes;
pub(crate) mod content;
mod extras;
mod notices;
pub(crate) mod post;
pub(crate) mod quotes;
pub(crate) mod reactions;
mod reading;

use pinwire_domain::message::{BoardState, Carried, MessageKind, Standing};
use pinwire_domain::reaction::Reactions;
use pinwire_domain::{BoardId, ConversationId, PinId, Time};

pub use changes::Revision;
pub use notices::Notice;
pub use quotes::{Quote, QuotedThing, Reply};
pub use reading::Page;
pub(crate) use reading::{
    MessageRow, Place, exclusions, holding_pin, load, message_columns, require_visible, up_to,
    visible,
};

use crate::board_snapshots::BoardSnapshot;
use crate::db::Conn;
use crate::error::Result;
use crate::links::TextLink;
use crate::links::texts;
use crate::people::Person;
use crate::pin_snapshots::SentPin;

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
    pub pin: Option<SentPin>,
    /// The board as it was shared, and how it stands now.
    pub board: Option<(BoardSnapshot, BoardState)>,
    /// The person whose profile was shared, as they are now.
    pub profile: Option<Person>,
    /// The message that it answers.
    pub reply_to: Option<Reply>,
    /// The pin that it is about.
    pub about_pin: Option<PinId>,
    /// Whether it was written elsewhere, and passed on.
    pub forwarded: bool,
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
    /// What its text holds of links.
    pub links: Vec<TextLink>,
}

/// Adds to messages what is read beside them: the people of system messages, and what is held against the links in
/// texts. One statement each, if there are any.
pub(crate) fn complete(conn: &mut Conn, messages: &mut [&mut Message]) -> Result<()> {
    notices::name_people(conn, messages.iter_mut().map(|it| &mut **it))?;
    texts::judge(conn, messages.iter_mut().map(|it| &mut **it))
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
            carries: self.carried().is_some(),
        }
    }

    /// What it carries beside its text.
    #[must_use]
    pub fn carried(&self) -> Option<Carried> {
        let pin = self.pin.as_ref().map(|pin| PinId::new(pin.snapshot.id));
        let board = self.board.as_ref().map(|(board, _)| BoardId::new(board.id));
        let profile = self.profile.as_ref().map(|person| person.id);
        pin.map(Carried::Pin)
            .or(board.map(Carried::Board))
            .or(profile.map(Carried::Profile))
    }
}
