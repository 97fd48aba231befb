//! Making messages findable, shortly after they were sent: a reader of the log with a place of its own.
//!
//! A turn reads where it stands and the terms of the present text of some messages, then writes them block by block, in
//! one act or several, the last of which moves on. A message is put in the place of what it was found by before, so to
//! do it again after a crash changes nothing. Any number of nodes may do it at any time: a turn that another node was
//! faster with does nothing. Blocks are changed under a lock of their conversation, and what was deleted or edited since
//! it was read is read again under it, so that such a message leaves none of its old terms.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use pinwire_domain::Time;
use pinwire_domain::event::EventKind;

use super::block;
use super::found::{Found, Place, read};
use super::progress::{PROGRESS, Progress, progress};
use crate::Store;
use crate::db::many::{self, Table, Values, Writes};
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::links;
use crate::log;
use crate::schema::{events, messages};

/// Messages of new events, and messages that were there before, that a turn takes at most.
const TURN_MAX: i64 = 1_024;

/// How much one act of a turn writes.
#[derive(Debug, Clone, Copy)]
struct Portion {
    /// Messages at most.
    messages: usize,
    /// Bytes of terms after which no other block is taken.
    bytes: usize,
}

/// Where other acts wait for it.
const SHORT: Portion = Portion {
    messages: 128,
    bytes: 64 * 1_024,
};

/// Where nothing waits for it.
const LONG: Portion = Portion {
    messages: 2_048,
    bytes: 512 * 1_024,
};

const BLOCKS: Table = Table {
    name: "search_blocks",
    key: &["conversation_id", "block"],
    columns: &["oldest_at", "newest_at", "entries"],
};

/// The positions of messages by their block.
type Part = BTreeMap<BlockKey, Vec<i64>>;

/// What a turn goes through.
struct Turn {
    from: Progress,
    /// What the messages are found by.
    found: HashMap<Place, Found>,
    /// How far the log went when that was read.
    head: i64,
    /// The place at the end.
    to: Progress,
    /// What is left after it.
    left: Indexed,
    /// When links of these messages are due to be looked at, if this node has them looked at.
    links_due: Option<Time>,
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

/// Looks what is next, and in which parts it is written. Run it on a snapshot: what is seen of the log must be all there is up to its head.
fn plan(conn: &mut Conn, portion: Portion, links_due: Option<Time>) -> Result<(Turn, Vec<Part>)> {
    let from = progress(conn)?;
    let (trimmed, head) = log::ends(conn)?;
    let mut to = from;
    if from.seq < trimmed {
        // What was removed from the log is found among the messages.
        to = Progress {
            seq: trimmed,
            older: Some((0, 0)),
        };
    }
    let mut places = BTreeSet::new();
    let told = of_events(conn, to.seq)?;
    let is_at_head = is_all(&told);
    for (seq, place) in told {
        to.seq = seq;
        places.extend(place);
    }
    if is_at_head {
        to.seq = head;
    }
    if let Some(place) = to.older {
        let older = of_before(conn, place)?;
        to.older = older.last().copied().filter(|_| !is_all(&older));
        places.extend(older);
    }
    let left = match (is_at_head, to.older) {
        (false, _) => Indexed::More,
        (true, Some(_)) => Indexed::Older,
        (true, None) => Indexed::All,
    };
    let found = read(conn, places.clone())?;
    let parts = parts(&places, &found, portion);
    let turn = Turn {
        from,
        found,
        head,
        to,
        left,
        links_due,
    };
    Ok((turn, parts))
}

/// Whether these are all there are.
fn is_all<T>(rows: &[T]) -> bool {
    i64::try_from(rows.len()).is_ok_and(|count| count < TURN_MAX)
}

/// Parts messages so that a block is written once.
fn parts(places: &BTreeSet<Place>, found: &HashMap<Place, Found>, portion: Portion) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut part = Part::new();
    let (mut messages, mut bytes) = (0, 0);
    for place @ (conversation, position) in places {
        let key = (*conversation, block::of(*position));
        let is_full = messages >= portion.messages || bytes >= portion.bytes;
        if is_full && !part.contains_key(&key) {
            parts.push(std::mem::take(&mut part));
            (messages, bytes) = (0, 0);
        }
        part.entry(key).or_default().push(*position);
        messages += 1;
        bytes += found.get(place).map_or(0, Found::size);
    }
    // Without any message the turn moves on all the same.
    parts.push(part);
    parts
}

/// The next events about messages, whatever happened to them.
fn of_events(conn: &mut Conn, after: i64) -> Result<Vec<(i64, Option<Place>)>> {
    let rows: Vec<(i64, Option<i64>, Option<i64>)> = on!(conn, c => events::table
        .filter(events::seq.gt(after))
        .filter(events::kind.like("message.%"))
        .order(events::seq)
        .limit(TURN_MAX)
        .select((events::seq, events::conversation_id, events::position))
        .load(c))?;
    let places = rows.into_iter();
    Ok(places
        .map(|(seq, conversation, position)| (seq, conversation.zip(position)))
        .collect())
}

/// The next messages, in the order of their key.
fn of_before(conn: &mut Conn, (conversation, position): Place) -> Result<Vec<Place>> {
    // As one row, so that the key is searched by both.
    let beyond = sql::<Bool>("(conversation_id, position) > (")
        .bind::<BigInt, _>(conversation)
        .sql(", ")
        .bind::<BigInt, _>(position)
        .sql(")");
    Ok(on!(conn, c => messages::table
        .filter(beyond)
        .order((messages::conversation_id, messages::position))
        .limit(TURN_MAX)
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
    /// Puts what a message is found by in the place of what it was found by before.
    fn put(&mut self, place: Place, found: Option<&Found>) {
        let (conversation, position) = place;
        let key = (conversation, block::of(position));
        let terms = found.and_then(|found| Some((found.sent_at, found.terms.as_ref()?)));
        if let Some(row) = self.now.get_mut(&key) {
            block::remove(&mut row.entries, position);
        }
        let Some((sent_at, terms)) = terms else {
            return;
        };
        let row = self.now.entry(key).or_insert_with(|| Row {
            oldest_at: sent_at,
            newest_at: sent_at,
            entries: String::new(),
        });
        row.oldest_at = row.oldest_at.min(sent_at);
        row.newest_at = row.newest_at.max(sent_at);
        block::add(&mut row.entries, position, sent_at, terms);
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

/// The locks that a part needs.
fn locks(part: &Part) -> BTreeSet<LockKey> {
    let blocks = part.keys().map(|block| LockKey::Terms(block.0));
    blocks.chain([LockKey::SearchProgress]).collect()
}

impl Turn {
    /// Makes the messages of a part findable; false if another node was faster. It needs [`locks`].
    fn index(&self, conn: &mut Conn, part: &Part, is_last: bool) -> Result<bool> {
        if progress(conn)? != self.from {
            return Ok(false);
        }
        let again = changed(conn, self.head)?;
        let again = read(conn, again)?;
        let stored = load(conn, &part.keys().copied().collect())?;
        let mut blocks = Blocks {
            now: stored.clone(),
            stored,
        };
        for (block, positions) in part {
            for position in positions {
                let place = (block.0, *position);
                let found = again.get(&place).or_else(|| self.found.get(&place));
                blocks.put(place, found);
            }
        }
        let mut writes = Writes::default();
        blocks.write(&mut writes);
        if is_last {
            writes.update(PROGRESS, vec![self.to.values()]);
        }
        writes.run(conn)?;
        if let Some(now) = self.links_due.filter(|_| is_last) {
            let links = self.found.values().filter_map(|found| found.link);
            links::note_sent(conn, &links.collect(), now)?;
        }
        Ok(true)
    }
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
        let portion = if self.has_one_writer() { SHORT } else { LONG };
        // Who follows the log also sees which links were sent.
        let links_due = self.inner.links.are_inspected;
        let links_due = links_due.then(|| self.inner.source.now());
        let plan = move |conn: &mut Conn| plan(conn, portion, links_due);
        let (turn, parts) = self.read(move |conn| conn.snapshot(plan)).await?;
        if turn.from == turn.to {
            return Ok(turn.left);
        }
        let left = turn.left;
        let turn = Arc::new(turn);
        let count = parts.len();
        for (before, part) in parts.into_iter().enumerate() {
            let turn = Arc::clone(&turn);
            let is_last = before + 1 == count;
            let locks = locks(&part);
            let index = move |conn: &mut Conn| turn.index(conn, &part, is_last);
            if !self.beside(locks, index).await? {
                return Ok(Indexed::More);
            }
        }
        Ok(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages that are found by one term of so many bytes.
    fn messages(places: &BTreeSet<Place>, bytes: usize) -> HashMap<Place, Found> {
        let found = || Found {
            sent_at: 1,
            terms: Some(BTreeSet::from(["a".repeat(bytes)])),
            link: None,
        };
        places.iter().map(|place| (*place, found())).collect()
    }

    /// How many messages each part has.
    fn sizes(places: &BTreeSet<Place>, bytes: usize, portion: Portion) -> Vec<usize> {
        let found = messages(places, bytes);
        let parts = parts(places, &found, portion);
        let sizes = parts.iter().map(|part| part.values().map(Vec::len).sum());
        sizes.collect()
    }

    #[test]
    fn a_block_is_written_by_one_part_however_full_it_is() {
        let portion = Portion {
            messages: 4,
            bytes: 100,
        };
        let block = |conversation, count| (0..count).map(move |position| (conversation, position));
        let places = |counts: &[i64]| -> BTreeSet<Place> {
            let blocks = (1..).zip(counts);
            blocks.flat_map(|(id, count)| block(id, *count)).collect()
        };
        assert_eq!(sizes(&places(&[]), 1, portion), [0]);
        assert_eq!(sizes(&places(&[4]), 1, portion), [4]);
        assert_eq!(sizes(&places(&[3, 1, 1]), 1, portion), [4, 1]);
        assert_eq!(sizes(&places(&[3, 5, 1]), 1, portion), [8, 1]);
        assert_eq!(sizes(&places(&[17]), 1, portion), [16, 1]);
        assert_eq!(sizes(&places(&[1, 1, 1]), 99, portion), [2, 1]);
        assert_eq!(sizes(&places(&[1, 1, 1]), 100, portion), [1, 1, 1]);
    }
}
