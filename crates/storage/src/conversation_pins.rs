//! A conversation by its pins: which ones were sent there, and what was made of each.

mod board;
mod discussion;
mod holders;
mod marks;
mod reacting;
mod saving;

use std::collections::{BTreeSet, HashMap};

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use pinwire_domain::reaction::Reactions;
use pinwire_domain::{ConversationId, PinId, Refusal, Time, UserId};

use crate::db::{Conn, on};
use crate::error::{Result, StoreError};
use crate::messages::{self, Message, Place};
use crate::page::{Page, one_more};
use crate::people::{self, Person};
use crate::pin_snapshots::SentPin;
use crate::schema::{messages as message_rows, pins_seen};
use crate::{Snapshot, Store};

pub use board::Chosen;
pub(crate) use marks::{Key, Marks};

/// A sending of a pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// The message's position.
    pub position: i64,
    /// Who sent it.
    pub sender: Person,
    /// When.
    pub at: Time,
}

/// A pin that was sent in a conversation, as one member sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationPin {
    /// The pin as it was last sent, and how it stands now.
    pub pin: SentPin,
    /// Where it was sent first.
    pub first: Sending,
    /// Where it was sent last; the same if it was sent once.
    pub last: Sending,
    /// How often it was sent.
    pub times_sent: i64,
    /// Messages about it.
    pub replies: i64,
    /// What people put to it.
    pub reactions: Reactions,
    /// Who saved it from this conversation, as far as they let the viewer know.
    pub saved_by: Vec<Person>,
}

/// The order of a conversation's pins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinSort {
    /// The one sent last comes first.
    Newest,
    /// The one with most messages about it comes first, and of those with as many the one sent last.
    MostDiscussed,
}

impl PinSort {
    /// What is sorted by, before the position of the last sending.
    const fn rank(self) -> &'static str {
        match self {
            Self::Newest => "max(sent)",
            Self::MostDiscussed => "count(*) - count(sent)",
        }
    }
}

/// A place in the list of a conversation's pins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinMark {
    /// What it is sorted by: the position of the last sending, or the number of replies.
    pub rank: i64,
    /// The position of the last sending.
    pub last_position: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    pin_id: i64,
    #[diesel(sql_type = BigInt)]
    rank: i64,
    #[diesel(sql_type = BigInt)]
    first_position: i64,
    #[diesel(sql_type = BigInt)]
    last_position: i64,
    #[diesel(sql_type = BigInt)]
    times_sent: i64,
    #[diesel(sql_type = BigInt)]
    replies: i64,
}

/// The query for a conversation ($1), a viewer ($2), a mark ($3, $4) and how many ($5): what the viewer sees of it by
/// its pins, from two indexes that hold nothing else.
fn query(sort: PinSort) -> String {
    let seen = "position >= (select first_position from memberships
                             where conversation_id = $1 and user_id = $2 and state = 'member')
        and not exists (select 1 from message_exclusions
                        where user_id = $2 and conversation_id = $1 and position = messages.position)";
    let rank = sort.rank();
    format!(
        "select pin_id, {rank} as rank, min(sent) as first_position, max(sent) as last_position,
                count(sent) as times_sent, count(*) - count(sent) as replies
         from (
             select pin_id, position as sent from messages
             where conversation_id = $1 and pin_id is not null and {seen}
             union all
             select about_pin_id, null from messages
             where conversation_id = $1 and about_pin_id is not null and {seen}
         ) of_pins
         group by pin_id having count(sent) > 0 and ({rank}, max(sent)) < ($3, $4)
         order by 2 desc, 4 desc limit $5"
    )
}

/// A page of a conversation's pins as a member sees them.
fn page(
    conn: &mut Conn,
    (viewer, id): (UserId, ConversationId),
    sort: PinSort,
    after: Option<PinMark>,
    size: usize,
) -> Result<Page<ConversationPin, PinMark>> {
    let after = after.unwrap_or(PinMark {
        rank: i64::MAX,
        last_position: i64::MAX,
    });
    let rows: Vec<Row> = on!(conn, c => diesel::sql_query(query(sort))
        .bind::<BigInt, _>(id.get())
        .bind::<BigInt, _>(viewer.get())
        .bind::<BigInt, _>(after.rank)
        .bind::<BigInt, _>(after.last_position)
        .bind::<BigInt, _>(one_more(size))
        .load(c))?;
    let Page { items, next } = Page::cut(rows, size, |row| PinMark {
        rank: row.rank,
        last_position: row.last_position,
    });
    let shown = Shown::of(conn, viewer, id, &items)?;
    let pins = items.into_iter().map(|row| shown.pin(viewer, id, &row));
    Ok(Page {
        items: pins.collect::<Result<_>>()?,
        next,
    })
}

/// What the rows of a page are shown with.
struct Shown {
    messages: HashMap<Place, Message>,
    marks: HashMap<Key, Marks>,
    people: HashMap<UserId, Person>,
}

impl Shown {
    fn of(conn: &mut Conn, viewer: UserId, id: ConversationId, rows: &[Row]) -> Result<Self> {
        let ends = |row: &Row| [(id, row.first_position), (id, row.last_position)];
        let places: Vec<Place> = rows.iter().flat_map(ends).collect();
        let pins: Vec<Key> = rows
            .iter()
            .map(|row| (id, PinId::new(row.pin_id)))
            .collect();
        let marks = Marks::load(conn, &pins)?;
        let savers = marks.values().flat_map(|marks| marks.saves.seen_by(viewer));
        let savers: BTreeSet<i64> = savers.map(UserId::get).collect();
        let savers: Vec<i64> = savers.into_iter().collect();
        Ok(Self {
            messages: messages::load(conn, &places)?,
            people: people::load(conn, &savers)?,
            marks,
        })
    }

    fn message(&self, place: Place) -> Result<&Message> {
        let lacking = || StoreError::Corrupt("a message went from its snapshot".into());
        self.messages.get(&place).ok_or_else(lacking)
    }

    fn pin(&self, viewer: UserId, id: ConversationId, row: &Row) -> Result<ConversationPin> {
        let last = self.message((id, row.last_position))?;
        let no_pin = || StoreError::Corrupt("a sent pin without its snapshot".into());
        let marks = self.marks.get(&(id, PinId::new(row.pin_id)));
        let savers = marks.map_or_else(Vec::new, |marks| marks.saves.seen_by(viewer));
        Ok(ConversationPin {
            pin: last.pin.clone().ok_or_else(no_pin)?,
            first: sending(self.message((id, row.first_position))?),
            last: sending(last),
            times_sent: row.times_sent,
            replies: row.replies,
            reactions: marks
                .map(|marks| marks.reactions.clone())
                .unwrap_or_default(),
            saved_by: savers
                .iter()
                .filter_map(|saver| self.people.get(saver).cloned())
                .collect(),
        })
    }
}

fn sending(message: &Message) -> Sending {
    Sending {
        position: message.position,
        sender: message.sender.clone(),
        at: message.created_at,
    }
}

/// Makes sure that a member sees a pin in a conversation.
///
/// # Errors
/// [`Refusal::ConversationNotFound`] for who is no member, [`Refusal::PinNotFound`].
fn require_sent(conn: &mut Conn, reader: (UserId, ConversationId), pin: PinId) -> Result<()> {
    messages::require_visible(conn, reader)?;
    let seen = pins_seen::table
        .filter(pins_seen::user_id.eq(reader.0.get()))
        .filter(pins_seen::conversation_id.eq(reader.1.get()))
        .filter(pins_seen::pin_id.eq(pin.get()));
    let is_seen: bool = on!(conn, c => diesel::select(exists(seen)).get_result(c))?;
    if is_seen {
        Ok(())
    } else {
        Err(Refusal::PinNotFound.into())
    }
}

/// Forgets what was put to a pin that no message of the conversation carries any more.
pub(crate) fn forget_unsent(conn: &mut Conn, id: ConversationId, pin: PinId) -> Result<()> {
    let sent = message_rows::table
        .filter(message_rows::conversation_id.eq(id.get()))
        .filter(message_rows::pin_id.eq(pin.get()));
    let is_sent: bool = on!(conn, c => diesel::select(exists(sent)).get_result(c))?;
    if !is_sent {
        Marks::remove(conn, id, pin)?;
    }
    Ok(())
}

impl Store {
    /// A page of a conversation's pins as `viewer` sees them.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`] for who is no member.
    pub async fn conversation_pins(
        &self,
        (viewer, id): (UserId, ConversationId),
        sort: PinSort,
        after: Option<PinMark>,
        size: usize,
    ) -> Result<Snapshot<Page<ConversationPin, PinMark>>> {
        self.read_at(move |conn| {
            conn.snapshot(|conn| {
                let seq = messages::require_visible(conn, (viewer, id))?;
                Ok((page(conn, (viewer, id), sort, after, size)?, seq))
            })
        })
        .await
    }
}
