//! Reading messages. A page is one statement, which is its own snapshot: the right to read, the log's position,
//! the messages, their senders and the present state of their pins.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::dsl::{case_when, exists, not};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use pinwire_domain::conversation::MembershipState;
use pinwire_domain::message::MessageKind;
use pinwire_domain::{ConversationId, PinId, Refusal, Time, UserId};

use super::extras::Extras;
use super::{Message, notices, reactions};
use crate::db::many::{self, Table};
use crate::db::{Conn, on};
use crate::error::{Result, StoreError};
use crate::log::{self, head_seq};
use crate::people::Person;
use crate::pin_snapshots::SentPin;
use crate::schema::{memberships, message_cards, message_exclusions, messages};
use crate::{Snapshot, Store};

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

/// A message's place.
pub(crate) type Place = (ConversationId, i64);

/// A message with its sender and its pin as it is now.
#[derive(Queryable)]
pub(crate) struct MessageRow {
    position: i64,
    sender_id: i64,
    kind: String,
    text: Option<String>,
    pin_snapshot: Option<String>,
    client_message_id: Option<String>,
    created_at: i64,
    deleted_at: Option<i64>,
    version: i64,
    username: String,
    full_name: String,
    profile_image: Option<String>,
    user_version: i64,
    pin_version: Option<i64>,
    pin_link: Option<String>,
    edited_at: Option<i64>,
    reactions: Option<String>,
    notice: Option<String>,
    extras: Option<String>,
    link_check: Option<String>,
}

/// The columns of a [`MessageRow`] in a view that has them.
macro_rules! message_columns {
    ($view:ident) => {
        (
            $view::position,
            $view::sender_id,
            $view::message_kind,
            $view::body,
            $view::pin_snapshot,
            $view::client_message_id,
            $view::sent_at,
            $view::deleted_at,
            $view::message_version,
            $view::username,
            $view::full_name,
            $view::profile_image,
            $view::user_version,
            $view::pin_version,
            $view::pin_link,
            $view::edited_at,
            $view::reactions,
            $view::notice,
            $view::extras,
            $view::link_check,
        )
    };
}
pub(crate) use message_columns;

impl MessageRow {
    /// The message of this row.
    pub(crate) fn message(self, conversation: ConversationId) -> Result<Message> {
        let pin = self
            .pin_snapshot
            .as_deref()
            .map(|kept| {
                let now = (self.pin_version, self.pin_link.as_deref());
                SentPin::read(kept, now, self.link_check.as_deref())
            })
            .transpose()?;
        let extras = Extras::read(self.extras.as_deref())?;
        Ok(Message {
            conversation,
            position: self.position,
            sender: Person {
                id: UserId::new(self.sender_id),
                username: self.username,
                full_name: self.full_name,
                profile_image: self.profile_image,
                version: self.user_version,
            },
            kind: MessageKind::from_name(&self.kind).ok_or(StoreError::Corrupt(self.kind))?,
            text: self.text,
            pin,
            board: extras.board,
            profile: extras.profile,
            reply_to: extras.reply_to,
            about_pin: extras.about_pin,
            forwarded: extras.forwarded,
            client_message_id: self.client_message_id,
            created_at: Time::from_millis(self.created_at),
            edited_at: self.edited_at.map(Time::from_millis),
            deleted_at: self.deleted_at.map(Time::from_millis),
            version: self.version,
            notice: notices::read(self.notice.as_deref())?,
            reactions: reactions::read(self.reactions.as_deref())?,
            links: Vec::new(),
        })
    }
}

const CARDS: Table = Table {
    name: "message_cards",
    key: &["conversation_id", "position"],
    columns: &[
        "sender_id",
        "message_kind",
        "text",
        "pin_snapshot",
        "client_message_id",
        "sent_at",
        "deleted_at",
        "message_version",
        "username",
        "full_name",
        "profile_image",
        "user_version",
        "pin_version",
        "pin_link",
        "edited_at",
        "reactions",
        "notice",
        "extras",
        "link_check",
    ],
};

/// Messages at these places, whoever may see them.
pub(crate) fn load(conn: &mut Conn, places: &[Place]) -> Result<HashMap<Place, Message>> {
    type Card = (
        BigInt,
        BigInt,
        Text,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        BigInt,
        Nullable<BigInt>,
        BigInt,
        Text,
        Text,
        Nullable<Text>,
        BigInt,
        Nullable<BigInt>,
        Nullable<Text>,
        Nullable<BigInt>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
        Nullable<Text>,
    );
    if places.is_empty() {
        return Ok(HashMap::new());
    }
    let places: BTreeSet<Place> = places.iter().copied().collect();
    let rows: Vec<(i64, MessageRow)> = match conn {
        Conn::Postgres(_) => {
            let key = |(id, position): &Place| vec![id.get().into(), (*position).into()];
            let keys = places.iter().map(key).collect();
            many::select::<(BigInt, Card), _>(conn, &CARDS, keys)?
        }
        // A cross product of few conversations and few positions; what was not asked for is dropped.
        Conn::Sqlite(c) => {
            let (ids, positions): (BTreeSet<i64>, BTreeSet<i64>) = places
                .iter()
                .map(|(id, position)| (id.get(), *position))
                .unzip();
            message_cards::table
                .filter(message_cards::conversation_id.eq_any(&ids))
                .filter(message_cards::position.eq_any(&positions))
                .select((
                    message_cards::conversation_id,
                    message_columns!(message_cards),
                ))
                .load(&mut **c)?
        }
    };
    let mut found: HashMap<Place, Message> = rows
        .into_iter()
        .map(|(id, row)| ((ConversationId::new(id), row.position), row))
        .filter(|(place, _)| places.contains(place))
        .map(|(place, row)| Ok((place, row.message(place.0)?)))
        .collect::<Result<_>>()?;
    super::complete(conn, &mut found.values_mut().collect::<Vec<_>>())?;
    Ok(found)
}

/// Which of these places are kept from which of these viewers.
pub(crate) fn exclusions(
    conn: &mut Conn,
    viewers: &[i64],
    conversation_ids: &[i64],
    least_position: i64,
) -> Result<HashSet<(UserId, Place)>> {
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
            let place = (ConversationId::new(conversation), position);
            (UserId::new(user), place)
        })
        .collect())
}

/// Whose messages of which conversation are read.
pub(super) type Reader = (UserId, ConversationId);

/// The first position from `$low` on that a member sees; null for who takes no part now.
///
/// One bound and not two, since SQLite goes through an index from one bound alone, and would take the lower one.
macro_rules! first_visible {
    ($reader:expr, $low:expr) => {
        memberships::table
            .find(($reader.1.get(), $reader.0.get()))
            .filter(memberships::state.eq(MembershipState::Member.name()))
            .select(
                case_when(
                    memberships::first_position.gt($low),
                    memberships::first_position,
                )
                .otherwise($low),
            )
            .single_value()
    };
}

/// The log's position, for who takes part now.
///
/// # Errors
/// [`Refusal::ConversationNotFound`].
pub(crate) fn require_visible(conn: &mut Conn, reader: (UserId, ConversationId)) -> Result<i64> {
    let (first, seq): (Option<i64>, Option<i64>) = on!(conn, c => diesel::select((
            first_visible!(reader, 1_i64),
            head_seq!(),
        ))
        .get_result(c))?;
    if first.is_none() {
        return Err(Refusal::ConversationNotFound.into());
    }
    log::known_head(conn, seq)
}

/// Messages, and the log's position at which they were read; none where there is no message.
type Found = (Vec<Message>, Option<i64>);

/// What the reader may see from `span.0` to `span.1`, at most `take.0`, from the low end if `take.1`.
fn range(conn: &mut Conn, reader: Reader, span: (i64, i64), take: (i64, bool)) -> Result<Found> {
    // Looked up once for the whole span, and not for each message.
    let kept = message_exclusions::table
        .filter(message_exclusions::user_id.eq(reader.0.get()))
        .filter(message_exclusions::conversation_id.eq(reader.1.get()))
        .filter(message_exclusions::position.between(span.0, span.1))
        .select(message_exclusions::position);
    macro_rules! rows {
        ($order:expr) => {
            on!(conn, c => message_cards::table
                .filter(message_cards::conversation_id.eq(reader.1.get()))
                .filter(message_cards::position.nullable().ge(first_visible!(reader, span.0)))
                .filter(message_cards::position.le(span.1))
                .filter(not(message_cards::position.eq_any(kept)))
                .order($order)
                .limit(take.0)
                .select((message_columns!(message_cards), head_seq!()))
                .load::<(MessageRow, Option<i64>)>(c))?
        };
    }
    let rows = if take.1 {
        rows!(message_cards::position.asc())
    } else {
        rows!(message_cards::position.desc())
    };
    let seq = rows.first().and_then(|(_, seq)| *seq);
    let mut messages: Vec<Message> = rows
        .into_iter()
        .map(|(row, _)| row.message(reader.1))
        .collect::<Result<_>>()?;
    super::complete(conn, &mut messages.iter_mut().collect::<Vec<_>>())?;
    Ok((messages, seq))
}

/// The message at a position, as the reader sees it, and the log's position.
///
/// # Errors
/// [`Refusal::ConversationNotFound`] for who is no member, [`Refusal::MessageNotFound`].
pub(crate) fn visible(
    conn: &mut Conn,
    reader: (UserId, ConversationId),
    position: i64,
) -> Result<(Message, i64)> {
    let (mut found, seq) = range(conn, reader, (position, position), (1, true))?;
    if let (Some(message), Some(seq)) = (found.pop(), seq) {
        return Ok((message, seq));
    }
    require_visible(conn, reader)?;
    Err(Refusal::MessageNotFound.into())
}

/// The newest messages up to a position, as the reader sees them, the newest first.
pub(crate) fn up_to(
    conn: &mut Conn,
    reader: (UserId, ConversationId),
    last: i64,
    most: i64,
) -> Result<Vec<Message>> {
    Ok(range(conn, reader, (1, last), (most, false))?.0)
}

/// A page of what the reader may see.
fn page(conn: &mut Conn, reader: Reader, which: Page, size: i64) -> Result<Found> {
    let newest = |end| ((1, end), (size, false));
    let (span, take) = match which {
        Page::Newest => newest(i64::MAX),
        Page::Before(p) => newest(p - 1),
        Page::After(p) => ((p.saturating_add(1), i64::MAX), (size, true)),
        Page::Around(p) => {
            let half = size / 2;
            let (mut messages, seq) = range(conn, reader, (1, p - 1), (half, false))?;
            messages.reverse();
            let (rest, later_seq) = range(conn, reader, (p, i64::MAX), (size - half, true))?;
            messages.extend(rest);
            return Ok((messages, seq.or(later_seq)));
        }
    };
    range(conn, reader, span, take)
}

/// A page of what the reader may see, and the log's position.
fn read_page(
    conn: &mut Conn,
    reader: Reader,
    which: Page,
    size: i64,
) -> Result<(Vec<Message>, i64)> {
    let found = if matches!(which, Page::Around(_)) {
        conn.snapshot(|conn| page(conn, reader, which, size))?
    } else {
        page(conn, reader, which, size)?
    };
    if let (messages, Some(seq)) = found {
        return Ok((messages, seq));
    }
    // Nothing: there is none, or the reader takes no part. Only on one snapshot is there a position to tell.
    conn.snapshot(|conn| {
        let seq = require_visible(conn, reader)?;
        Ok((page(conn, reader, which, size)?.0, seq))
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
    let first = memberships::table
        .filter(memberships::user_id.eq(viewer.get()))
        .filter(memberships::conversation_id.eq(messages::conversation_id))
        .select(memberships::first_position)
        .single_value();
    let ids: Vec<i64> = on!(conn, c => messages::table
        .filter(messages::pin_id.eq(pin.get()))
        .filter(messages::conversation_id.eq_any(conversation_ids))
        .filter(messages::position.nullable().ge(first))
        .filter(messages::deleted_at.is_null())
        .filter(not(exists(excluded)))
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
        self.show_messages((viewer, conversation), which, size, |messages| messages)
            .await
    }

    /// As [`Self::messages`] for a viewer and a conversation, as `show` makes something of them. It does so where
    /// they are read, since what one thread makes and another drops costs both.
    pub async fn show_messages<T: Send + 'static>(
        &self,
        reader: (UserId, ConversationId),
        which: Page,
        size: i64,
        show: impl FnOnce(Vec<Message>) -> T + Send + 'static,
    ) -> Result<Snapshot<T>> {
        self.read_at(move |conn| {
            let (messages, seq) = read_page(conn, reader, which, size)?;
            Ok((show(messages), seq))
        })
        .await
    }

    /// Messages that `viewer` wrote, at these places.
    pub async fn messages_at(
        &self,
        viewer: UserId,
        places: Vec<(ConversationId, i64)>,
    ) -> Result<HashMap<(ConversationId, i64), Message>> {
        self.read(move |conn| {
            let mut messages = load(conn, &places)?;
            messages.retain(|_, m| m.sender.id == viewer);
            Ok(messages)
        })
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
        self.read_at(move |conn| visible(conn, (viewer, conversation), position))
            .await
    }
}
