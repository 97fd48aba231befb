//! From conversation to board: a board of the caller's, of the pins that were sent. The act works with the connection.

use std::collections::HashSet;

use diesel::prelude::*;
use pinwire_domain::board::{Access, BoardDraft};
use pinwire_domain::{BoardId, ConversationId, PinId, Refusal, UserId, limits};

use crate::boards::{self, creation_locks};
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::idempotency::{IdempotencyKey, Keep, Made};
use crate::page::one_more;
use crate::schema::pins_seen;
use crate::{Store, messages, pins};

/// Which of a conversation's pins a board is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// All that the caller may keep: not those that were removed, nor those of others' secret boards. Only where at most
    /// [`limits::BOARD_FROM_CONVERSATION_MAX`] were sent.
    All,
    /// These.
    These(Vec<PinId>),
}

/// The chosen ones of the pins that the caller sees in a conversation, the one sent last first.
fn sent(conn: &mut Conn, reader: (UserId, ConversationId), chosen: &Chosen) -> Result<Vec<PinId>> {
    let last = diesel::dsl::max(pins_seen::position);
    macro_rules! rows {
        ($which:expr) => {
            on!(conn, c => pins_seen::table
                .filter(pins_seen::user_id.eq(reader.0.get()))
                .filter(pins_seen::conversation_id.eq(reader.1.get()))
                .filter($which)
                .group_by(pins_seen::pin_id)
                .order(last.desc())
                .limit(one_more(limits::BOARD_FROM_CONVERSATION_MAX))
                .select(pins_seen::pin_id)
                .load::<i64>(c))?
        };
    }
    let rows = match chosen {
        Chosen::All => rows!(pins_seen::position.ge(1)),
        Chosen::These(these) => {
            rows!(pins_seen::pin_id.eq_any(these.iter().map(|pin| pin.get())))
        }
    };
    Ok(rows.into_iter().map(PinId::new).collect())
}

fn make(
    tx: &mut Tx<'_>,
    access: Access,
    id: ConversationId,
    draft: &BoardDraft,
    chosen: &Chosen,
) -> Step<i64> {
    tx.lock(LockKey::User(access.user.get()))?;
    messages::require_visible(tx.conn()?, (access.user, id))?;
    let named: usize = match chosen {
        Chosen::All => 0,
        Chosen::These(these) => these.iter().collect::<HashSet<_>>().len(),
    };
    let sent = sent(tx.conn()?, (access.user, id), chosen)?;
    let limit = limits::BOARD_FROM_CONVERSATION_MAX;
    if named.max(sent.len()) > limit {
        return Err(Refusal::TooManyPins { limit }.into());
    }
    if sent.len() < named {
        return Err(Refusal::PinNotInConversation.into());
    }
    let takes_all = matches!(chosen, Chosen::All);
    let sources = pins::sources(tx.conn()?, access, &sent, takes_all)?;
    let board = boards::insert(tx, access.user, draft)?;
    pins::copy(tx, access, sources, BoardId::new(board))?;
    Ok(board)
}

impl Store {
    /// Makes a board of the caller's, and on it a pin from each chosen one of a conversation, as it is now; the one that
    /// was sent last comes first.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`]; [`Refusal::TooManyPins`]; [`Refusal::BoardNameTaken`]; for a chosen pin
    /// [`Refusal::PinNotInConversation`], [`Refusal::PinNotFound`] if it was removed and [`Refusal::PinIsSecret`]; the
    /// refusal of the idempotency key.
    pub async fn create_board_from_conversation(
        &self,
        access: Access,
        id: ConversationId,
        (draft, chosen): (BoardDraft, Chosen),
        key: Option<IdempotencyKey>,
    ) -> Result<Made<BoardId>> {
        let locks = creation_locks(access.user, key.as_ref());
        let made = self.act(locks, move |tx| {
            tx.once(access.user, key.as_ref(), Keep::Day, |tx| {
                make(tx, access, id, &draft, &chosen)
            })
        });
        Ok(made.await?.map(BoardId::new))
    }
}
