//! Messages as one person sees them.

pub(crate) mod post;

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use pinwire_domain::message::{self, MessageKind, PinState};
use pinwire_domain::{ConversationId, PinId, Refusal, Time, UserId};

use crate::conversations;
use crate::db::{Conn, on};
use crate::error::{Result, StoreError};
use crate::people::{self, Person};
use crate::pin_snapshots::{self, PinSnapshot};
use crate::schema::{message_exclusions, messages};
use crate::{Snapshot, Store};

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

/// Which page of a conversation's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The newest, newest first.
    Newest,
    /// Those before this position, newest first.
    Before(i64),
    /// Those after this position, oldest first.
    After(i64),
    /// Those around this position, oldest first.
    Around(i64),
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = messages)]
struct Row {
    conversation_id: i64,
    position: i64,
    sender_id: i64,
    kind: String,
    #[diesel(column_name = body)]
    text: Option<String>,
    pin_id: Option<i64>,
    pin_snapshot: Option<String>,
    client_message_id: Option<String>,
    created_at: i64,
    deleted_at: Option<i64>,
    version: i64,
}

/// A message's place.
pub(crate) type Place = (ConversationId, i64);

/// Messages at these places, whoever may see them.
pub(crate) fn load(conn: &mut Conn, places: &[Place]) -> Result<HashMap<Place, Message>> {
    let mut by_conversation: HashMap<i64, Vec<i64>> = HashMap::new();
    for (conversation, position) in places {
        by_conversation
            .entry(conversation.get())
            .or_default()
            .push(*position);
    }
    let mut rows: Vec<Row> = Vec::with_capacity(places.len());
    if by_conversation.len() <= 1 {
        for (conversation, positions) in by_conversation {
            rows.extend(on!(conn, c => messages::table
                .filter(messages::conversation_id.eq(conversation))
                .filter(messages::position.eq_any(&positions))
                .select(Row::as_select())
                .load(c))?);
        }
    } else {
        // A cross product of few conversations and few positions; what was not asked for is dropped.
        let ids: Vec<i64> = by_conversation.keys().copied().collect();
        let positions: Vec<i64> = by_conversation
            .values()
            .flatten()
            .copied()
            .collect::<HashSet<_>>()
            .into_iter()
            .collect();
        rows.extend(on!(conn, c => messages::table
            .filter(messages::conversation_id.eq_any(&ids))
            .filter(messages::position.eq_any(&positions))
            .select(Row::as_select())
            .load(c))?);
        let wanted: HashSet<(i64, i64)> = places.iter().map(|(c, p)| (c.get(), *p)).collect();
        rows.retain(|r| wanted.contains(&(r.conversation_id, r.position)));
    }
    Ok(complete(conn, rows)?
        .into_iter()
        .map(|m| ((m.conversation, m.position), m))
        .collect())
}

/// Adds senders and the pins' present state to rows.
fn complete(conn: &mut Conn, rows: Vec<Row>) -> Result<Vec<Message>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let senders: Vec<i64> = rows
        .iter()
        .map(|r| r.sender_id)
        .collect::<HashSet<_>>()
        .into_iter()
        .collect();
    let people = people::load(conn, &senders)?;
    let pin_ids: Vec<i64> = rows
        .iter()
        .filter_map(|r| r.pin_id)
        .collect::<HashSet<_>>()
        .into_iter()
        .collect();
    let pins = pin_snapshots::present(conn, &pin_ids)?;
    let mut messages = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(sender) = people.get(&UserId::new(row.sender_id)) else {
            continue;
        };
        let snapshot: Option<PinSnapshot> = row
            .pin_snapshot
            .as_deref()
            .map(serde_json::from_str)
            .transpose()?;
        let pin = snapshot.map(|snapshot| {
            let now = pins
                .get(&snapshot.id)
                .map(|(version, link)| (*version, link.as_deref()));
            let state = message::pin_state((snapshot.version, snapshot.link.as_deref()), now);
            (snapshot, state)
        });
        messages.push(Message {
            conversation: ConversationId::new(row.conversation_id),
            position: row.position,
            sender: sender.clone(),
            kind: MessageKind::from_name(&row.kind).ok_or(StoreError::Corrupt(row.kind))?,
            text: row.text,
            pin,
            client_message_id: row.client_message_id,
            created_at: Time::from_millis(row.created_at),
            deleted_at: row.deleted_at.map(Time::from_millis),
            version: row.version,
        });
    }
    Ok(messages)
}

/// Which of these places are kept from which of these viewers.
pub(crate) fn exclusions(
    conn: &mut Conn,
    viewers: &[i64],
    conversation_ids: &[i64],
    least_position: i64,
) -> Result<HashSet<(UserId, Place)>> {
    if conversation_ids.is_empty() {
        return Ok(HashSet::new());
    }
    let rows: Vec<(i64, i64, i64)> = on!(conn, c => message_exclusions::table
        .filter(message_exclusions::user_id.eq_any(viewers))
        .filter(message_exclusions::conversation_id.eq_any(conversation_ids))
        .filter(message_exclusions::position.ge(least_position))
        .select((
            message_exclusions::user_id,
            message_exclusions::conversation_id,
            message_exclusions::position,
        ))
        .load(c))?;
    Ok(rows
        .into_iter()
        .map(|(user, conversation, position)| {
            (
                UserId::new(user),
                (ConversationId::new(conversation), position),
            )
        })
        .collect())
}

/// A page of what `viewer` may see of a conversation they are a member of.
fn page(
    conn: &mut Conn,
    viewer: UserId,
    conversation: ConversationId,
    page: Page,
    size: i64,
) -> Result<Vec<Message>> {
    let first = conversations::first_visible(conn, viewer, conversation)?;
    let rows = match page {
        Page::Newest => range(conn, viewer, conversation, (first, i64::MAX), (size, false))?,
        Page::Before(p) => range(conn, viewer, conversation, (first, p - 1), (size, false))?,
        Page::After(p) => range(
            conn,
            viewer,
            conversation,
            (first.max(p.saturating_add(1)), i64::MAX),
            (size, true),
        )?,
        Page::Around(p) => {
            let half = size / 2;
            let mut rows = range(conn, viewer, conversation, (first, p - 1), (half, false))?;
            rows.reverse();
            let rest = size - half;
            rows.extend(range(
                conn,
                viewer,
                conversation,
                (first.max(p), i64::MAX),
                (rest, true),
            )?);
            rows
        }
    };
    complete(conn, rows)
}

/// Rows from `span.0` to `span.1`, at most `take.0`, from the low end if `take.1`.
fn range(
    conn: &mut Conn,
    viewer: UserId,
    conversation: ConversationId,
    span: (i64, i64),
    take: (i64, bool),
) -> Result<Vec<Row>> {
    let excluded = message_exclusions::table
        .filter(message_exclusions::user_id.eq(viewer.get()))
        .filter(message_exclusions::conversation_id.eq(messages::conversation_id))
        .filter(message_exclusions::position.eq(messages::position));
    macro_rules! rows {
        ($order:expr) => {
            on!(conn, c => messages::table
                .filter(messages::conversation_id.eq(conversation.get()))
                .filter(messages::position.ge(span.0))
                .filter(messages::position.le(span.1))
                .filter(diesel::dsl::not(diesel::dsl::exists(excluded)))
                .order($order)
                .limit(take.0)
                .select(Row::as_select())
                .load(c))
        };
    }
    Ok(if take.1 {
        rows!(messages::position.asc())?
    } else {
        rows!(messages::position.desc())?
    })
}

/// Which of these conversations hold the pin, as `viewer` sees it.
pub(crate) fn holding_pin(
    conn: &mut Conn,
    viewer: UserId,
    conversation_ids: &[i64],
    pin: PinId,
) -> Result<HashSet<i64>> {
    let excluded = message_exclusions::table
        .filter(message_exclusions::user_id.eq(viewer.get()))
        .filter(message_exclusions::conversation_id.eq(messages::conversation_id))
        .filter(message_exclusions::position.eq(messages::position));
    let ids: Vec<i64> = on!(conn, c => messages::table
        .filter(messages::pin_id.eq(pin.get()))
        .filter(messages::conversation_id.eq_any(conversation_ids))
        .filter(messages::deleted_at.is_null())
        .filter(diesel::dsl::not(diesel::dsl::exists(excluded)))
        .select(messages::conversation_id)
        .distinct()
        .load(c))?;
    Ok(ids.into_iter().collect())
}

impl Store {
    /// A page of a conversation's messages as `viewer` sees them.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`] for who is no member.
    pub async fn messages(
        &self,
        viewer: UserId,
        conversation: ConversationId,
        which: Page,
        size: i64,
    ) -> Result<Snapshot<Vec<Message>>> {
        self.snapshot(move |conn| page(conn, viewer, conversation, which, size))
            .await
    }

    /// One message as `viewer` sees it.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`] for who is no member, [`Refusal::MessageNotFound`].
    pub async fn message(
        &self,
        viewer: UserId,
        conversation: ConversationId,
        position: i64,
    ) -> Result<Snapshot<Message>> {
        self.snapshot(move |conn| {
            let first = conversations::first_visible(conn, viewer, conversation)?;
            let span = (first.max(position), position);
            let rows = range(conn, viewer, conversation, span, (1, true))?;
            let found = complete(conn, rows)?.pop();
            found.ok_or_else(|| Refusal::MessageNotFound.into())
        })
        .await
    }
}
