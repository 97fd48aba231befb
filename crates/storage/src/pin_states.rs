//! Telling every conversation that holds a pin that it stands otherwise now: edited, leading elsewhere, or removed.
//!
//! The act that changes the pin tells the first conversations in its own transaction; where there are more, a job goes
//! on. Whoever sends the pin meanwhile either is told as well or sends it as it is now: the conversations are looked up
//! while nobody else adds to the log.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use pinwire_domain::event::EventKind;
use pinwire_domain::{BoardId, ConversationId, PinId, Time, UserId, limits};
use serde::{Deserialize, Serialize};

use crate::Store;
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::jobs::{self, Work};
use crate::log::{self, About, NewEvent};
use crate::page::one_more;

/// The pins that stand otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Changed {
    /// One, for who was sent this version or a later one.
    Pin { id: i64, version: i64 },
    /// Those of a board that is about to be removed.
    Board { id: i64 },
    /// Those that were removed with their board, at that moment.
    WithBoard { id: i64, at: i64 },
}

impl Changed {
    /// One pin, whatever was sent of it.
    pub(crate) const fn pin(id: PinId) -> Self {
        let id = id.get();
        Self::Pin { id, version: 0 }
    }

    /// Those of a board, before they are removed with it.
    pub(crate) const fn board(id: BoardId) -> Self {
        Self::Board { id: id.get() }
    }

    /// The same after that.
    pub(crate) const fn with_board(id: BoardId, at: Time) -> Self {
        let (id, at) = (id.get(), at.as_millis());
        Self::WithBoard { id, at }
    }
}

/// A pin in a conversation that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, QueryableByName)]
struct Held {
    #[diesel(sql_type = BigInt)]
    pin_id: i64,
    #[diesel(sql_type = BigInt)]
    conversation_id: i64,
}

/// Who is still to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Telling {
    changed: Changed,
    /// Who changed them.
    actor: i64,
    /// Who was told last.
    after: Held,
}

impl Telling {
    fn new(changed: Changed, actor: UserId) -> Self {
        Self {
            changed,
            actor: actor.get(),
            after: Held {
                pin_id: 0,
                conversation_id: 0,
            },
        }
    }

    /// The next conversations to tell, one more than are told together.
    fn next(&self, conn: &mut Conn) -> Result<Vec<Held>> {
        let version = if conn.is_postgres() {
            "(m.pin_snapshot::json ->> 'version')::bigint"
        } else {
            "json_extract(m.pin_snapshot, '$.version')"
        };
        let (of, which, (one, two)) = match self.changed {
            Changed::Pin { id, version: from } => (
                "messages m",
                format!("m.pin_id = $1 and {version} >= $2"),
                (id, from),
            ),
            Changed::Board { id } => (
                "pins p join messages m on m.pin_id = p.id",
                "p.board_id = $1 and p.removed_at is null and p.id > $2".to_owned(),
                (id, 0),
            ),
            Changed::WithBoard { id, at } => (
                "pins p join messages m on m.pin_id = p.id",
                "p.board_id = $1 and p.removed_at = $2".to_owned(),
                (id, at),
            ),
        };
        let query = format!(
            "select distinct m.pin_id, m.conversation_id from {of}
             where {which} and (m.pin_id, m.conversation_id) > ($3, $4)
             order by m.pin_id, m.conversation_id limit $5"
        );
        Ok(on!(conn, c => diesel::sql_query(query)
            .bind::<BigInt, _>(one)
            .bind::<BigInt, _>(two)
            .bind::<BigInt, _>(self.after.pin_id)
            .bind::<BigInt, _>(self.after.conversation_id)
            .bind::<BigInt, _>(one_more(limits::TOLD_TOGETHER_MAX))
            .load(c))?)
    }

    /// The locks that telling the next ones takes, as far as they are known beforehand.
    pub(crate) fn locks(&self, conn: &mut Conn) -> Result<Vec<LockKey>> {
        let lock = |held: &Held| LockKey::Conversation(held.conversation_id);
        Ok(self.next(conn)?.iter().map(lock).collect())
    }

    /// Tells the next ones; what is left then. Nothing may be locked after it.
    pub(crate) fn tell(self, tx: &mut Tx<'_>) -> Step<Option<Self>> {
        log::hold(tx.conn()?)?;
        let mut next = self.next(tx.conn()?)?;
        let more = next.len() > limits::TOLD_TOGETHER_MAX;
        next.truncate(limits::TOLD_TOGETHER_MAX);
        let at = tx.source.now();
        for held in &next {
            tx.lock(LockKey::Conversation(held.conversation_id))?;
            let id = ConversationId::new(held.conversation_id);
            tx.emit(NewEvent {
                at,
                kind: EventKind::PinStateChanged,
                actor: UserId::new(self.actor),
                about: About::Pin(id, PinId::new(held.pin_id)),
            });
        }
        let last = next.last().filter(|_| more);
        Ok(last.map(|last| Self {
            after: *last,
            ..self
        }))
    }
}

/// Tells those who hold pins that `actor` has changed in this act, the first ones now, the others by a job.
pub(crate) fn tell(tx: &mut Tx<'_>, changed: Changed, actor: UserId) -> Step<()> {
    // A message that is sent right now shows the pin as its sender read it, unless it knows of this.
    log::note_unlogged(tx.conn()?)?;
    if let Some(left) = Telling::new(changed, actor).tell(tx)? {
        jobs::add(tx, &Work::TellPinStates(left))?;
    }
    Ok(())
}

impl Store {
    /// The locks of an act of `actor` that changes pins.
    pub(crate) async fn pin_locks(&self, actor: UserId, changed: Changed) -> Result<Vec<LockKey>> {
        let mut locks = vec![LockKey::User(actor.get())];
        if !self.has_one_writer() {
            let telling = Telling::new(changed, actor);
            locks.extend(self.read(move |conn| telling.locks(conn)).await?);
        }
        Ok(locks)
    }
}
