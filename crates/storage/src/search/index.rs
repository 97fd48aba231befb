//! Making messages findable, shortly after they were sent: a reader of the log with a place of its own.
//!
//! A turn reads where it stands and the terms of the present text of some messages, then writes them in an act, and
//! moves on. Any number of nodes may do it at any time: a turn that another node was faster with does nothing. Blocks
//! are changed under a lock of their conversation, and what was deleted or edited since it was read is read again
//! under it, so that such a message leaves none of its old terms.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use pinwire_domain::event::EventKind;
use pinwire_domain::message::MessageKind;
use pinwire_domain::term::Content;
use pinwire_domain::{Time, UserId};

use super::block;
use super::progress::{PROGRESS, Progress, progress};
use crate::Store;
use crate::db::many::{self, Table, Values, Writes};
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::links;
use crate::log;
use crate::pin_snapshots::PinSnapshot;
use crate::schema::{events, messages};

/// How much a turn takes.
#[derive(Debug, Clone, Copy)]
struct Portion {
    /// Messages of new events, and messages that were there before, at most.
    messages: i64,
    /// Bytes of terms after which no other message is taken.
    bytes: usize,
}

/// Where acts wait for a turn and it can catch up all the same, it is short.
const SHORT: Portion = Portion {
    messages: 128,
    bytes: 64 * 1_024,
};

/// Where nothing waits for a turn, or it is far behind, more messages of a block are written at once.
const LONG: Portion = Portion {
    messages: 1_024,
    bytes: 512 * 1_024,
};

const BLOCKS: Table = Table {
    name: "search_blocks",
    key: &["conversation_id", "block"],
    columns: &["oldest_at", "newest_at", "entries"],
};

const MESSAGES: Table = Table {
    name: "messages",
    key: &["conversation_id", "position"],
    columns: &[
        "sender_id",
        "kind",
        "text",
        "pin_snapshot",
        "created_at",
        "deleted_at",
        "link_id",
    ],
};

/// A message's conversation and position.
pub(super) type Place = (i64, i64);

/// What a turn goes through.
struct Turn {
    from: Progress,
    /// Messages, each with the place where the turn is after it.
    steps: Vec<(Place, Progress)>,
    /// What the messages are found by.
    found: HashMap<Place, Found>,
    /// How far the log went when that was read.
    head: i64,
    /// The place at the end.
    to: Progress,
    /// What is left after it.
    left: Indexed,
    portion: Portion,
}

impl Turn {
    fn locks(&self) -> BTreeSet<LockKey> {
        let places = self.steps.iter().map(|((conversation, _), _)| conversation);
        let mut locks: BTreeSet<_> = places.map(|id| LockKey::Terms(*id)).collect();
        locks.insert(LockKey::SearchProgress);
        locks
    }
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indexed {
    /// All messages can be found.
    All,
    /// There are more that were sent lately.
    More,
    /// There are more that were there before search was.
    Older,
}

/// Looks what is next. Run it on a snapshot: what is seen of the log must be all there is up to its head.
fn plan(conn: &mut Conn, acts_wait: bool) -> Result<Turn> {
    let from = progress(conn)?;
    let (trimmed, head) = log::ends(conn)?;
    let portion = if acts_wait && head - from.seq < LONG.messages {
        SHORT
    } else {
        LONG
    };
    let mut now = from;
    if from.seq < trimmed {
        // What was removed from the log is found among the messages.
        now = Progress {
            seq: trimmed,
            older: Some((0, 0)),
        };
    }
    let mut steps = Vec::new();
    let told = of_events(conn, now.seq, portion)?;
    let is_at_head = portion.exceeds(&told);
    for (seq, place) in told {
        now.seq = seq;
        steps.extend(place.map(|place| (place, now)));
    }
    if is_at_head {
        now.seq = head;
    }
    if let Some(place) = now.older {
        let older = of_before(conn, place, portion)?;
        let is_last = portion.exceeds(&older);
        for place in older {
            now.older = Some(place);
            steps.push((place, now));
        }
        if is_last {
            now.older = None;
        }
    }
    let left = match (is_at_head, now.older) {
        (false, _) => Indexed::More,
        (true, Some(_)) => Indexed::Older,
        (true, None) => Indexed::All,
    };
    Ok(Turn {
        from,
        found: read(conn, steps.iter().map(|(place, _)| *place).collect())?,
        head,
        steps,
        to: now,
        left,
        portion,
    })
}

impl Portion {
    /// Whether these are fewer than were asked for.
    fn exceeds<T>(self, rows: &[T]) -> bool {
        i64::try_from(rows.len()).is_ok_and(|count| count < self.messages)
    }
}

/// The next events about messages, whatever happened to them.
fn of_events(conn: &mut Conn, after: i64, portion: Portion) -> Result<Vec<(i64, Option<Place>)>> {
    let rows: Vec<(i64, Option<i64>, Option<i64>)> = on!(conn, c => events::table
        .filter(events::seq.gt(after))
        .filter(events::kind.like("message.%"))
        .order(events::seq)
        .limit(portion.messages)
        .select((events::seq, events::conversation_id, events::position))
        .load(c))?;
    let places = rows.into_iter();
    Ok(places
        .map(|(seq, conversation, position)| (seq, conversation.zip(position)))
        .collect())
}

/// The next messages, in the order of their key.
fn of_before(
    conn: &mut Conn,
    (conversation, position): Place,
    portion: Portion,
) -> Result<Vec<Place>> {
    // As one row, so that the key is searched by both.
    let beyond = sql::<Bool>("(conversation_id, position) > (")
        .bind::<BigInt, _>(conversation)
        .sql(", ")
        .bind::<BigInt, _>(position)
        .sql(")");
    Ok(on!(conn, c => messages::table
        .filter(beyond)
        .order((messages::conversation_id, messages::position))
        .limit(portion.messages)
        .select((messages::conversation_id, messages::position))
        .load(c))?)
}

/// Messages that were deleted or edited after this place in the log.
fn changed(conn: &mut Conn, after: i64) -> Result<BTreeSet<Place>> {
    let kinds = [EventKind::MessageDeleted, EventKind::MessageEdited];
    let rows: Vec<(Option<i64>, Option<i64>)> = on!(conn, c => events::table
        .filter(events::seq.gt(after))
        .filter(events::kind.eq_any(kinds.map(EventKind::name)))
        .select((events::conversation_id, events::position))
        .load(c))?;
    let places = rows.into_iter();
    Ok(places
        .filter_map(|(conversation, position)| conversation.zip(position))
        .collect())
}

/// A message as it was read.
struct Found {
    sent_at: i64,
    /// What it is found by; nothing if it is deleted, or if Pinwire itself wrote it.
    terms: Option<BTreeSet<String>>,
    /// The link of its pin.
    link: Option<i64>,
}

fn read(conn: &mut Conn, places: BTreeSet<Place>) -> Result<HashMap<Place, Found>> {
    type Sql = (
        BigInt,
        BigInt,
        BigInt,
        Text,
        Nullable<Text>,
        Nullable<Text>,
        BigInt,
        Nullable<BigInt>,
        Nullable<BigInt>,
    );
    type Row = (
        i64,
        i64,
        i64,
        String,
        Option<String>,
        Option<String>,
        i64,
        Option<i64>,
        Option<i64>,
    );
    let keys = places
        .into_iter()
        .map(|(conversation, position)| vec![conversation.into(), position.into()])
        .collect();
    let rows: Vec<Row> = many::select::<Sql, Row>(conn, &MESSAGES, keys)?;
    Ok(rows
        .into_iter()
        .map(
            |(conversation, position, sender, kind, text, pin, sent_at, deleted_at, link)| {
                let place = (conversation, position);
                let is_found = deleted_at.is_none() && kind == MessageKind::User.name();
                let terms = is_found.then(|| terms(place, sender, text.as_deref(), pin.as_deref()));
                let found = Found {
                    sent_at,
                    terms,
                    link,
                };
                (place, found)
            },
        )
        .collect())
}

/// What a message is found by.
fn terms(place: Place, sender: i64, text: Option<&str>, pin: Option<&str>) -> BTreeSet<String> {
    let snapshot = pin.and_then(|pin| {
        let read = serde_json::from_str::<PinSnapshot>(pin);
        // One such message must not keep all others from being found.
        read.inspect_err(|error| {
            tracing::warn!(?place, %error, "a pin as it was sent cannot be read");
        })
        .ok()
    });
    let of_pin = snapshot
        .as_ref()
        .map(|it| [&it.title, &it.description, &it.alt_text]);
    let texts = of_pin.into_iter().flatten().filter_map(Option::as_deref);
    let content = Content {
        sender: UserId::new(sender),
        has_pin: pin.is_some(),
        texts: text.into_iter().chain(texts).collect(),
        link: snapshot.as_ref().and_then(|it| it.link.as_deref()),
    };
    content.terms()
}

/// What a block's row holds beside its key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    oldest_at: i64,
    newest_at: i64,
    entries: String,
}

impl Row {
    fn values(&self, key: &BlockKey) -> Values {
        vec![
            key.0.into(),
            key.1.into(),
            self.oldest_at.into(),
            self.newest_at.into(),
            self.entries.as_str().into(),
        ]
    }
}

/// A conversation, and the number of a block of it.
type BlockKey = (i64, i64);

/// Reads those of these blocks that are there.
fn load(conn: &mut Conn, keys: &BTreeSet<BlockKey>) -> Result<BTreeMap<BlockKey, Row>> {
    type Sql = (BigInt, BigInt, BigInt, BigInt, Text);
    let keys = keys
        .iter()
        .map(|(conversation, block)| vec![(*conversation).into(), (*block).into()])
        .collect();
    let rows = many::select::<Sql, (i64, i64, i64, i64, String)>(conn, &BLOCKS, keys)?;
    Ok(rows
        .into_iter()
        .map(|(conversation, block, oldest_at, newest_at, entries)| {
            let row = Row {
                oldest_at,
                newest_at,
                entries,
            };
            ((conversation, block), row)
        })
        .collect())
}

/// Blocks as they are stored, and as a turn leaves them.
struct Blocks {
    stored: BTreeMap<BlockKey, Row>,
    now: BTreeMap<BlockKey, Row>,
}

impl Blocks {
    /// Puts what a message is found by in the place of what it was found by before; how much text that is.
    fn put(&mut self, place: Place, found: Option<&Found>) -> usize {
        let (conversation, position) = place;
        let key = (conversation, block::of(position));
        let terms = found.and_then(|found| Some((found.sent_at, found.terms.as_ref()?)));
        if let Some(row) = self.now.get_mut(&key) {
            block::remove(&mut row.entries, position);
        }
        let Some((sent_at, terms)) = terms else {
            return 0;
        };
        let row = self.now.entry(key).or_insert_with(|| Row {
            oldest_at: sent_at,
            newest_at: sent_at,
            entries: String::new(),
        });
        row.oldest_at = row.oldest_at.min(sent_at);
        row.newest_at = row.newest_at.max(sent_at);
        let before = row.entries.len();
        block::add(&mut row.entries, position, sent_at, terms);
        row.entries.len().saturating_sub(before)
    }

    /// Adds to `writes` what is new and what has changed.
    fn write(&self, writes: &mut Writes) {
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for (key, row) in &self.now {
            match self.stored.get(key) {
                None => new.push(row.values(key)),
                Some(before) if before != row => changed.push(row.values(key)),
                Some(_) => {}
            }
        }
        writes.insert(BLOCKS, new);
        writes.update(BLOCKS, changed);
    }
}

/// Makes the messages of a turn findable; what is left after it. It needs [`Turn::locks`].
fn index(conn: &mut Conn, turn: &mut Turn, links_due: Option<Time>) -> Result<Indexed> {
    if progress(conn)? != turn.from {
        // Another node was faster.
        return Ok(Indexed::More);
    }
    let again = changed(conn, turn.head)?;
    turn.found.extend(read(conn, again)?);
    let keys = turn
        .steps
        .iter()
        .map(|((conversation, position), _)| (*conversation, block::of(*position)));
    let stored = load(conn, &keys.collect())?;
    let mut blocks = Blocks {
        now: stored.clone(),
        stored,
    };
    let (mut reached, mut left) = (turn.to, turn.left);
    let mut written = 0;
    for (place, then) in &turn.steps {
        written += blocks.put(*place, turn.found.get(place));
        if written >= turn.portion.bytes {
            (reached, left) = (*then, Indexed::More);
            break;
        }
    }
    let mut writes = Writes::default();
    blocks.write(&mut writes);
    writes.update(PROGRESS, vec![reached.values()]);
    writes.run(conn)?;
    if let Some(now) = links_due {
        let links = turn.found.values().filter_map(|found| found.link);
        links::note_sent(conn, &links.collect(), now)?;
    }
    Ok(left)
}

/// Takes away all that a message is found by, in the act that deletes it for everyone or changes its text.
///
/// Such an act names [`LockKey::Terms`] of the conversation among its locks. After an edit the new text is made
/// findable by the act's event, as after a send.
pub(crate) fn forget(
    tx: &mut Tx<'_>,
    (conversation, position): crate::messages::Place,
) -> Step<()> {
    tx.lock(LockKey::Terms(conversation.get()))?;
    let conn = tx.conn()?;
    let key = (conversation.get(), block::of(position));
    let stored = load(conn, &BTreeSet::from([key]))?;
    let mut blocks = Blocks {
        now: stored.clone(),
        stored,
    };
    blocks.put((conversation.get(), position), None);
    let mut writes = Writes::default();
    blocks.write(&mut writes);
    writes.run(conn)?;
    Ok(())
}

impl Store {
    /// Makes some of the messages findable that are not yet. Any number of nodes may do it at any time.
    pub async fn index_messages(&self) -> Result<Indexed> {
        let acts_wait = self.has_one_writer();
        let plan = move |conn: &mut Conn| plan(conn, acts_wait);
        let mut turn = self.read(move |conn| conn.snapshot(plan)).await?;
        if turn.from == turn.to {
            return Ok(turn.left);
        }
        // Who follows the log also sees which links were sent.
        let links_due = self.inner.links.are_inspected;
        let links_due = links_due.then(|| self.inner.source.now());
        self.beside(turn.locks(), move |conn| index(conn, &mut turn, links_due))
            .await
    }
}
