//! Telling every conversation that holds a pin that it stands otherwise now: edited, leading elsewhere, removed, with
//! another verdict on its link, or with a picture whose size is known.
//!
//! The act that changes the pin tells the first conversations in its own transaction; where there are more, a job goes
//! on. Whoever sends the pin meanwhile either is told as well or sends it as it is now: the conversations are looked up
//! while nobody else adds to the log.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
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
use crate::pictures;

/// The pins that stand otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Changed {
    /// One, for who was sent this version or a later one.
    Pin { id: i64, version: i64 },
    /// Those of a board that is about to be removed.
    Board { id: i64 },
    /// Those that were removed with their board, at that moment.
    WithBoard { id: i64, at: i64 },
    /// Those that were sent with this link.
    Link { id: i64 },
    /// Those that were sent with a link to this domain.
    Domain { domain: String },
    /// Those with this picture, where a message does not have its size yet.
    Picture { id: i64 },
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

/// What those that changed are found by.
enum One<'a> {
    Number(i64),
    Text(&'a str),
}

/// A pin in a conversation that holds it, and whose it is.
#[derive(Debug, Clone, Copy, QueryableByName)]
struct Held {
    #[diesel(sql_type = BigInt, column_name = pin_id)]
    pin: i64,
    #[diesel(sql_type = BigInt, column_name = conversation_id)]
    conversation: i64,
    #[diesel(sql_type = BigInt, column_name = owner_id)]
    owner: i64,
}

/// Who is still to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Telling {
    changed: Changed,
    /// Of what was told last: the pin, and the conversation.
    after: (i64, i64),
}

impl Telling {
    const fn new(changed: Changed) -> Self {
        let after = (0, 0);
        Self { changed, after }
    }

    /// The next conversations to tell, one more than are told together.
    fn next(&self, conn: &mut Conn) -> Result<Vec<Held>> {
        let version = if conn.is_postgres() {
            "(m.pin_snapshot::json ->> 'version')::bigint"
        } else {
            "json_extract(m.pin_snapshot, '$.version')"
        };
        let (which, one, two) = match &self.changed {
            Changed::Pin { id, version: from } => (
                format!("m.pin_id = $1 and {version} >= $2"),
                One::Number(*id),
                *from,
            ),
            Changed::Board { id } => (
                "p.board_id = $1 and p.removed_at is null and p.id > $2".to_owned(),
                One::Number(*id),
                0,
            ),
            Changed::WithBoard { id, at } => (
                "p.board_id = $1 and p.removed_at = $2".to_owned(),
                One::Number(*id),
                *at,
            ),
            Changed::Link { id } => (
                "m.link_id = $1 and m.pin_id > $2".to_owned(),
                One::Number(*id),
                0,
            ),
            Changed::Domain { domain } => (
                "m.link_id in (select link_id from link_domains where domain = $1) and m.pin_id > $2"
                    .to_owned(),
                One::Text(domain.as_str()),
                0,
            ),
            Changed::Picture { id } => (
                format!("p.picture_id = $1 and p.id > $2 and {}", pictures::lacks_size(conn)),
                One::Number(*id),
                0,
            ),
        };
        let query = format!(
            "select distinct m.pin_id, m.conversation_id, p.owner_id
             from pins p join messages m on m.pin_id = p.id
             where {which} and (m.pin_id, m.conversation_id) > ($3, $4)
             order by m.pin_id, m.conversation_id limit $5"
        );
        let (pin, conversation) = self.after;
        Ok(on!(conn, c => {
            let query = diesel::sql_query(query).into_boxed();
            let query = match one {
                One::Number(one) => query.bind::<BigInt, _>(one),
                One::Text(one) => query.bind::<Text, _>(one),
            };
            query
                .bind::<BigInt, _>(two)
                .bind::<BigInt, _>(pin)
                .bind::<BigInt, _>(conversation)
                .bind::<BigInt, _>(one_more(limits::TOLD_TOGETHER_MAX))
                .load(c)
        })?)
    }

    /// The locks that telling the next ones takes, as far as they are known beforehand.
    pub(crate) fn locks(&self, conn: &mut Conn) -> Result<Vec<LockKey>> {
        let lock = |held: &Held| LockKey::Conversation(held.conversation);
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
            tx.lock(LockKey::Conversation(held.conversation))?;
            let id = ConversationId::new(held.conversation);
            tx.emit(NewEvent {
                at,
                kind: EventKind::PinStateChanged,
                actor: UserId::new(held.owner),
                about: About::Pin(id, PinId::new(held.pin)),
            });
        }
        let last = next.last().map(|last| (last.pin, last.conversation));
        if let (Changed::Picture { id }, Some(last)) = (&self.changed, last) {
            pictures::keep_in_messages(tx.conn()?, *id, (self.after, last))?;
        }
        let last = last.filter(|_| more);
        Ok(last.map(|last| Self {
            after: last,
            ..self
        }))
    }
}

/// Tells those who hold pins that were changed in this act, the first ones now, the others by a job.
pub(crate) fn tell(tx: &mut Tx<'_>, changed: Changed) -> Step<()> {
    // A message that is sent right now shows the pin as its sender read it, unless it knows of this.
    log::note_unlogged(tx.conn()?)?;
    if let Some(left) = Telling::new(changed).tell(tx)? {
        jobs::add(tx, &Work::TellPinStates(left))?;
    }
    Ok(())
}

/// Tells those who are found then, after so many milliseconds.
pub(crate) fn tell_after(tx: &mut Tx<'_>, changed: Changed, wait_ms: i64) -> Step<()> {
    jobs::add_after(tx, &Work::TellPinStates(Telling::new(changed)), wait_ms)
}

/// Tells them by a job alone, for an act that changes many pins in several ways.
pub(crate) fn tell_later(tx: &mut Tx<'_>, changed: Changed) -> Step<()> {
    log::note_unlogged(tx.conn()?)?;
    jobs::add(tx, &Work::TellPinStates(Telling::new(changed)))
}

impl Store {
    /// The locks of an act that tells of this.
    pub(crate) async fn told_locks(&self, changed: &Changed) -> Result<Vec<LockKey>> {
        if self.has_one_writer() {
            return Ok(Vec::new());
        }
        let telling = Telling::new(changed.clone());
        self.read(move |conn| telling.locks(conn)).await
    }

    /// The locks of an act by which `owner` changes pins.
    pub(crate) async fn pin_locks(&self, owner: UserId, changed: Changed) -> Result<Vec<LockKey>> {
        let mut locks = self.told_locks(&changed).await?;
        locks.push(LockKey::User(owner.get()));
        Ok(locks)
    }
}
