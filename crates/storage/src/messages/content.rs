//! What a message is to hold: looked up, and judged whether its sender may write it.

use diesel::sql_types::BigInt;
use pinwire_domain::board::Access;
use pinwire_domain::conversation::MembershipState;
use pinwire_domain::message::{self, BoardState, Carried, MessageDraft};
use pinwire_domain::{BoardId, ConversationId, PinId, Refusal, UserId};

use super::quotes::{Quote, Reply};
use super::{Message, Place, reading};
use crate::board_snapshots::{self, BoardSnapshot};
use crate::db::Conn;
use crate::db::loaded::Entity;
use crate::db::many::{self, Table};
use crate::db::tx::{LockKey, Step, Tx};
use crate::error::Result;
use crate::links::texts;
use crate::people::{self, Person};
use crate::pin_snapshots::{self, SentPin};
use crate::{conversations, safety};

/// What a message holds, ready to be written.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) text: Option<String>,
    pub(crate) attached: Option<Attached>,
    pub(crate) reply_to: Option<Reply>,
    pub(crate) about_pin: Option<PinId>,
    /// Whether it was written elsewhere, and is passed on.
    pub(crate) forwarded: bool,
}

/// What a message carries, as it is when it is sent.
#[derive(Debug, Clone)]
pub(crate) enum Attached {
    Pin(SentPin),
    Board(BoardSnapshot, BoardState),
    Profile(Person),
}

impl Attached {
    /// What it is, and what is kept of it.
    pub(crate) fn kept(&self) -> Result<(Carried, Option<String>)> {
        Ok(match self {
            Self::Pin(pin) => {
                let kept = serde_json::to_string(&pin.snapshot)?;
                (Carried::Pin(PinId::new(pin.snapshot.id)), Some(kept))
            }
            Self::Board(board, _) => {
                let snapshot = serde_json::to_string(board)?;
                (Carried::Board(BoardId::new(board.id)), Some(snapshot))
            }
            Self::Profile(person) => (Carried::Profile(person.id), None),
        })
    }
}

impl Content {
    /// The pin it carries.
    pub(crate) const fn pin(&self) -> Option<&SentPin> {
        match &self.attached {
            Some(Attached::Pin(pin)) => Some(pin),
            _ => None,
        }
    }

    /// The board it carries.
    pub(crate) fn board(&self) -> Option<(BoardSnapshot, BoardState)> {
        match &self.attached {
            Some(Attached::Board(board, state)) => Some((board.clone(), *state)),
            _ => None,
        }
    }

    /// The person whose profile it carries.
    pub(crate) const fn profile(&self) -> Option<&Person> {
        match &self.attached {
            Some(Attached::Profile(person)) => Some(person),
            _ => None,
        }
    }
}

/// A pin that a member sees in a conversation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeenPin;

const SEEN_PINS: Table = Table {
    name: "pins_seen",
    key: &["user_id", "conversation_id", "pin_id"],
    columns: &[],
};

impl Entity for SeenPin {
    type Key = (UserId, ConversationId, PinId);

    fn load(conn: &mut Conn, keys: &[Self::Key]) -> Result<Vec<(Self::Key, Self)>> {
        type Row = (i64, i64, i64);
        let key = |(user, id, pin): &Self::Key| {
            vec![user.get().into(), id.get().into(), pin.get().into()]
        };
        let keys = keys.iter().map(key).collect();
        let rows: Vec<Row> = many::select::<(BigInt, BigInt, BigInt), Row>(conn, &SEEN_PINS, keys)?;
        let seen = |(user, id, pin)| {
            let key = (UserId::new(user), ConversationId::new(id), PinId::new(pin));
            (key, Self)
        };
        Ok(rows.into_iter().map(seen).collect())
    }
}

impl Entity for Message {
    type Key = Place;

    fn load(conn: &mut Conn, places: &[Place]) -> Result<Vec<(Place, Self)>> {
        Ok(reading::load(conn, places)?.into_iter().collect())
    }
}

/// Asks for what a draft will be judged by, so that all is read in one go.
pub(crate) fn want(tx: &mut Tx<'_>, sender: UserId, draft: &MessageDraft) {
    if let Some(text) = &draft.text {
        texts::want(tx, text);
    }
    match draft.carried {
        Some(Carried::Pin(pin)) => tx.rows.pins.want(pin),
        Some(Carried::Board(board)) => tx.rows.boards.want(board),
        Some(Carried::Profile(person)) => {
            tx.rows.accounts.want(person);
            tx.rows.blocks.want((sender, person));
        }
        None => {}
    }
}

/// What a draft says and carries.
pub(crate) fn of_draft(tx: &mut Tx<'_>, access: Access, draft: &MessageDraft) -> Step<Content> {
    want(tx, access.user, draft);
    let attached = match draft.carried {
        Some(carried) => Some(attach(tx, access, carried)?),
        None => None,
    };
    Ok(Content {
        text: draft.text.clone(),
        attached,
        reply_to: None,
        about_pin: None,
        forwarded: false,
    })
}

/// As [`of_draft`], also with what it answers and is about in its conversation, which is locked and the sender's.
///
/// An answer to a message that carries a pin, or is about one, is about that pin unless it names another.
pub(crate) fn of_draft_in(
    tx: &mut Tx<'_>,
    access: Access,
    id: ConversationId,
    draft: &MessageDraft,
) -> Step<Content> {
    let sender = access.user;
    if let Some(position) = draft.reply_to {
        tx.rows.quotes.want((id, position));
    }
    if let Some(pin) = draft.about_pin {
        tx.rows.seen_pins.want((sender, id, pin));
    }
    let mut content = of_draft(tx, access, draft)?;
    if let Some(position) = draft.reply_to {
        let quote = taken_up(tx, sender, (id, position))?;
        content.about_pin = quote.pin;
        content.reply_to = Some(Reply {
            position,
            quote: Some(quote),
        });
    }
    if let Some(pin) = draft.about_pin {
        let seen = tx.rows.seen_pins.get(&(sender, id, pin))?;
        seen.ok_or(Refusal::PinNotInConversation)?;
        content.about_pin = Some(pin);
    }
    Ok(content)
}

/// What is passed on of a message that the caller sees. What it carries has to be the caller's to send, as it is now.
pub(crate) fn of_message(tx: &mut Tx<'_>, access: Access, place: Place) -> Step<Content> {
    tx.lock(LockKey::Conversation(place.0.get()))?;
    tx.rows.quotes.want(place);
    tx.rows.originals.want(place);
    conversations::members_for(tx, access.user, place.0)?;
    taken_up(tx, access.user, place)?;
    let original = tx.rows.originals.get(&place)?;
    let original = original.ok_or(Refusal::MessageNotFound)?.clone();
    let attached = match original.carried() {
        Some(carried) => Some(attach(tx, access, carried)?),
        None => None,
    };
    Ok(Content {
        text: original.text,
        attached,
        reply_to: None,
        about_pin: None,
        forwarded: true,
    })
}

/// A message that `user` sees, and may answer or pass on.
fn taken_up(tx: &mut Tx<'_>, user: UserId, place: Place) -> Step<Quote> {
    let members = conversations::members(tx, place.0)?;
    let quote = tx.rows.quotes.get(&place)?;
    let mut quote = quote.ok_or(Refusal::MessageNotFound)?.clone();
    // Who joined in this very batch is not written yet.
    for member in &members.0 {
        if member.state == MembershipState::Member && member.first_position > place.1 {
            quote.keep_from(member.user());
        }
    }
    if !quote.is_for(user) {
        return Err(Refusal::MessageNotFound.into());
    }
    message::check_taken_up(quote.kind, quote.deleted_at.is_some())?;
    Ok(quote)
}

/// What is carried, if it is the sender's to send.
fn attach(tx: &mut Tx<'_>, access: Access, carried: Carried) -> Step<Attached> {
    Ok(match carried {
        Carried::Pin(pin) => Attached::Pin(pin_snapshots::sendable(tx, access, pin)?),
        Carried::Board(board) => {
            let (snapshot, state) = board_snapshots::shareable(tx, access, board)?;
            Attached::Board(snapshot, state)
        }
        Carried::Profile(person) => {
            let account = people::account(tx, person)?;
            if safety::has_blocked(tx, access.user, person)? {
                return Err(Refusal::UserNotFound.into());
            }
            Attached::Profile(account.person)
        }
    })
}
