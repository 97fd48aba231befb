//! Finding messages by their terms, in the conversations that a person takes part in.
//!
//! The blocks of messages that the person may see are looked through from the newest on, until no other one can hold
//! a message that is newer than those found. So a common word costs the newest blocks, and a rare one a look at each.

mod block;
mod found;
mod index;
mod progress;

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use pinwire_domain::message_query::{AskedTerm, MessageQuery};
use pinwire_domain::{ConversationId, Time, UserId};

use crate::db::many::{self, Table};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::messages::{self, Message};
use crate::page::Page;
use crate::schema::own_blocks;
use crate::{Snapshot, Store};

pub use index::Indexed;
pub(crate) use index::forget;

/// A place in a list of messages found: when the last one was sent, its conversation and position.
pub type FoundMessageMark = (i64, i64, i64);

/// Blocks that are looked through first, without asking the database whether they hold the words: common ones will be
/// there.
const FIRST_BLOCKS: i64 = 64;
/// How many times as many are looked through next.
const MORE_BLOCKS: i64 = 4;

const EXCLUSIONS: Table = Table {
    name: "message_exclusions",
    key: &["user_id", "conversation_id", "position"],
    columns: &[],
};

/// What blocks hold.
const BLOCKS: Table = Table {
    name: "search_blocks",
    key: &["conversation_id", "block"],
    columns: &["entries"],
};

/// A block that the viewer may look into.
#[derive(Queryable)]
struct Block {
    conversation: i64,
    number: i64,
    newest_at: i64,
    /// The first message that the viewer sees.
    first_position: i64,
}

impl Block {
    /// All messages of the blocks that come after this one stand after this place in what is found, also where many were
    /// sent at one moment.
    const fn end(&self) -> Hit {
        let first = self.number * block::MESSAGES;
        (self.newest_at, self.conversation, first)
    }
}

/// A message that was found: when it was sent, its conversation and position.
type Hit = FoundMessageMark;

/// Which messages a search is for.
struct Sought<'a> {
    viewer: UserId,
    query: &'a MessageQuery,
    /// Sent from this moment on.
    since: i64,
    /// Sent until this moment.
    until: i64,
    /// Those that come after this one.
    after: Option<Hit>,
}

impl<'a> Sought<'a> {
    fn new(viewer: UserId, query: &'a MessageQuery, after: Option<Hit>) -> Self {
        let filters = query.filters();
        let before = filters.before.map_or(i64::MAX, |at| at.as_millis() - 1);
        Self {
            viewer,
            query,
            since: filters.after.map_or(i64::MIN, Time::as_millis),
            until: after.map_or(before, |mark| before.min(mark.0)),
            after,
        }
    }

    /// The next blocks after `last` that may hold such messages, that of the newest message first.
    ///
    /// Without what they hold: the database puts all of a viewer's blocks in order to give the first of them.
    fn blocks(&self, conn: &mut Conn, last: Option<&Block>, limit: i64) -> Result<Vec<Block>> {
        let contains = if conn.is_postgres() {
            "strpos"
        } else {
            "instr"
        };
        Ok(on!(conn, c => {
            let mut blocks = own_blocks::table
                .filter(own_blocks::user_id.eq(self.viewer.get()))
                .filter(own_blocks::newest_at.ge(self.since))
                .filter(own_blocks::oldest_at.le(self.until))
                .order((
                    own_blocks::newest_at.desc(),
                    own_blocks::conversation_id.desc(),
                    own_blocks::block.desc(),
                ))
                .limit(limit)
                .select((
                    own_blocks::conversation_id,
                    own_blocks::block,
                    own_blocks::newest_at,
                    own_blocks::first_position,
                ))
                .into_boxed();
            if let Some(id) = self.query.filters().conversation {
                blocks = blocks.filter(own_blocks::conversation_id.eq(id.get()));
            }
            if let Some(last) = last {
                let after = sql::<Bool>("(newest_at, conversation_id, block) < (")
                    .bind::<BigInt, _>(last.newest_at)
                    .sql(", ")
                    .bind::<BigInt, _>(last.conversation)
                    .sql(", ")
                    .bind::<BigInt, _>(last.number)
                    .sql(")");
                blocks = blocks.filter(after);
                for term in self.query.terms() {
                    let holds = sql::<Bool>(&format!("{contains}(entries, "))
                        .bind::<Text, _>(needle(term))
                        .sql(") > 0");
                    blocks = blocks.filter(holds);
                }
            }
            blocks.load(c)
        })?)
    }

    /// The messages in these blocks that are sought, newest first.
    fn hits(&self, conn: &mut Conn, blocks: &[Block]) -> Result<Vec<Hit>> {
        type Sql = (BigInt, BigInt, Text);
        let key = |it: &Block| (it.conversation, it.number);
        let starts = blocks.iter().map(|it| (key(it), it.first_position));
        let starts: HashMap<(i64, i64), i64> = starts.collect();
        let keys = blocks.iter().map(key);
        let keys = keys.map(|key| vec![key.0.into(), key.1.into()]).collect();
        let mut hits = Vec::new();
        for (conversation, number, entries) in
            many::select::<Sql, (i64, i64, String)>(conn, &BLOCKS, keys)?
        {
            let first = starts.get(&(conversation, number)).copied();
            for line in block::lines(&entries) {
                let hit = (line.sent_at, conversation, line.position);
                let fits = first.is_some_and(|first| line.position >= first)
                    && (self.since..=self.until).contains(&line.sent_at)
                    && self.after.is_none_or(|mark| hit < mark)
                    && self
                        .query
                        .terms()
                        .iter()
                        .all(|asked| line.terms().any(|it| asked.fits(it)));
                if fits {
                    hits.push(hit);
                }
            }
        }
        hits.sort_unstable_by_key(|hit| Reverse(*hit));
        Ok(hits)
    }

    /// The first `want` of these that are not kept from the viewer.
    fn seen(&self, conn: &mut Conn, hits: &[Hit], want: usize) -> Result<Vec<Hit>> {
        type Sql = (BigInt, BigInt, BigInt);
        let viewer = self.viewer.get();
        let mut seen = Vec::with_capacity(want);
        for some in hits.chunks(want) {
            let key = |hit: &Hit| vec![viewer.into(), hit.1.into(), hit.2.into()];
            let keys = some.iter().map(key).collect();
            let kept = many::select::<Sql, (i64, i64, i64)>(conn, &EXCLUSIONS, keys)?;
            let kept: HashSet<(i64, i64)> = kept.into_iter().map(|row| (row.1, row.2)).collect();
            seen.extend(some.iter().filter(|hit| !kept.contains(&(hit.1, hit.2))));
            if seen.len() >= want {
                break;
            }
        }
        seen.truncate(want);
        Ok(seen)
    }

    /// The newest `want` of them, newest first.
    fn find(&self, conn: &mut Conn, want: usize) -> Result<Vec<Hit>> {
        let mut found: Vec<Hit> = Vec::new();
        let mut limit = FIRST_BLOCKS;
        let mut last: Option<Block> = None;
        loop {
            let mut blocks = self.blocks(conn, last.as_ref(), limit)?;
            let hits = self.hits(conn, &blocks)?;
            found.extend(self.seen(conn, &hits, want)?);
            found.sort_unstable_by_key(|hit| Reverse(*hit));
            found.truncate(want);
            let is_all = i64::try_from(blocks.len()).is_ok_and(|count| count < limit);
            last = blocks.pop();
            let is_full = found.len() == want;
            let left = last.as_ref().map(Block::end);
            if is_all || is_full && found.last() >= left.as_ref() {
                return Ok(found);
            }
            limit = limit.saturating_mul(MORE_BLOCKS);
        }
    }
}

/// What a block's text holds if it holds the term.
fn needle(term: &AskedTerm) -> String {
    let end = if term.is_beginning { "" } else { " " };
    format!(" {}{end}", term.text)
}

/// A page of what is found.
fn page(conn: &mut Conn, sought: &Sought<'_>, size: usize) -> Result<Page<Message, Hit>> {
    let found = sought.find(conn, size.saturating_add(1))?;
    let place = |hit: &Hit| (ConversationId::new(hit.1), hit.2);
    let page = Page::cut(found, size, |hit| *hit);
    let places: Vec<_> = page.items.iter().map(place).collect();
    let mut messages = messages::load(conn, &places)?;
    let items = page
        .items
        .iter()
        .filter_map(|hit| messages.remove(&place(hit)))
        // What is deleted has no terms; should some be left, it is not shown.
        .filter(|message| message.deleted_at.is_none());
    Ok(Page {
        items: items.collect(),
        next: page.next,
    })
}

impl Store {
    /// A page of the messages that a query finds, newest first, as `viewer` sees them.
    ///
    /// The position is that up to which messages can be found.
    ///
    /// # Errors
    /// [`pinwire_domain::Refusal::ConversationNotFound`] if the query names one that the viewer takes no part in.
    pub async fn search_messages(
        &self,
        viewer: UserId,
        query: MessageQuery,
        after: Option<FoundMessageMark>,
        size: usize,
    ) -> Result<Snapshot<Page<Message, FoundMessageMark>>> {
        self.read_at(move |conn| {
            conn.snapshot(|conn| {
                let progress = progress::progress(conn)?;
                if let Some(conversation) = query.filters().conversation {
                    messages::require_visible(conn, (viewer, conversation))?;
                }
                let page = page(conn, &Sought::new(viewer, &query, after), size)?;
                Ok((page, progress.seq))
            })
        })
        .await
    }
}
