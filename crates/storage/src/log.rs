//! The one log: appending, its head, and reading it.

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use pinwire_domain::conversation::MembershipState;
use pinwire_domain::event::EventKind;
use pinwire_domain::{ConversationId, PinId, Time, UserId};

use crate::db::many::{Table, Values};
use crate::db::tx::Emitted;
use crate::db::{Conn, on};
use crate::error::Result;
use crate::events::Subjects;
use crate::schema::{
    blocks, companions, conversations, events, log_head, membership_periods, profile_changes,
};

mod append;
mod audience;
mod epoch;
mod periods;

pub(crate) use append::{Proposal, append};
pub(crate) use audience::audiences;
pub(crate) use epoch::{identity, settle_epoch};
pub(crate) use periods::PeriodChange;

/// An event that an act adds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewEvent {
    pub(crate) at: Time,
    pub(crate) kind: EventKind,
    pub(crate) actor: UserId,
    pub(crate) about: About,
}

/// What an event is about, and so whom it concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// A message, for the conversation's members.
    Message(ConversationId, i64),
    /// A pin in a conversation, for those of its members who see it there.
    Pin(ConversationId, PinId),
    /// A message, for the actor alone.
    MyMessage(ConversationId, i64),
    /// A conversation, for its members.
    Conversation(ConversationId),
    /// What is the actor's alone in a conversation.
    Mine(ConversationId),
    /// What somebody else has to do with a conversation that they take no part in: for them alone.
    Theirs(UserId, ConversationId),
    /// The actor, for the actor alone.
    Me,
    /// A person, for the actor alone.
    Person(UserId),
    /// The actor's profile, for all who share a conversation with the actor.
    Profile,
}

impl About {
    /// The conversation whose rows show it.
    pub(crate) const fn conversation(self) -> Option<ConversationId> {
        match self {
            Self::Message(id, _)
            | Self::Pin(id, _)
            | Self::MyMessage(id, _)
            | Self::Conversation(id)
            | Self::Mine(id)
            | Self::Theirs(_, id) => Some(id),
            Self::Me | Self::Person(_) | Self::Profile => None,
        }
    }
}

/// A row of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Its place in the log, which is commit order.
    pub seq: i64,
    /// When it happened.
    pub at: Time,
    /// What happened.
    pub kind: EventKind,
    /// Who did it.
    pub actor: UserId,
    /// The conversation whose members it concerns.
    pub conversation: Option<ConversationId>,
    /// The one person it concerns, where it concerns one alone.
    pub user: Option<UserId>,
    /// The message's place in its conversation.
    pub position: Option<i64>,
    /// The conversation or the person that something of one person's own is about; for all members, the pin.
    pub object: Option<i64>,
}

impl LoggedEvent {
    fn new(seq: i64, event: &NewEvent) -> Self {
        let mut logged = Self {
            seq,
            at: event.at,
            kind: event.kind,
            actor: event.actor,
            conversation: None,
            user: None,
            position: None,
            object: None,
        };
        match event.about {
            About::Message(conversation, position) => {
                logged.conversation = Some(conversation);
                logged.position = Some(position);
            }
            About::Pin(conversation, pin) => {
                logged.conversation = Some(conversation);
                logged.object = Some(pin.get());
            }
            About::MyMessage(conversation, position) => {
                logged.user = Some(event.actor);
                logged.object = Some(conversation.get());
                logged.position = Some(position);
            }
            About::Conversation(conversation) => logged.conversation = Some(conversation),
            About::Mine(conversation) => {
                logged.user = Some(event.actor);
                logged.object = Some(conversation.get());
            }
            About::Theirs(user, conversation) => {
                logged.user = Some(user);
                logged.object = Some(conversation.get());
            }
            About::Me => logged.user = Some(event.actor),
            About::Person(person) => {
                logged.user = Some(event.actor);
                logged.object = Some(person.get());
            }
            About::Profile => {}
        }
        logged
    }

    /// The conversation it is about, for all its members or for one.
    #[must_use]
    pub fn of_conversation(&self) -> Option<ConversationId> {
        let own = self.object.filter(|_| !self.kind.is_about_person());
        self.conversation.or(own.map(ConversationId::new))
    }

    /// The person it is about: another one, or who changed their profile.
    pub(crate) fn person(&self) -> UserId {
        let other = self.object.filter(|_| self.kind.is_about_person());
        other.map_or(self.actor, UserId::new)
    }

    /// The pin it is about, in its conversation.
    #[must_use]
    pub fn pin(&self) -> Option<(ConversationId, PinId)> {
        self.conversation.zip(self.object.map(PinId::new))
    }

    /// Whether it is shown to somebody who takes no part in its conversation.
    pub(crate) fn tells_outsider(&self) -> bool {
        let of_one = self.user.is_some();
        matches!(
            self.kind,
            EventKind::RequestCreated | EventKind::RequestIgnored
        ) || (self.kind == EventKind::MemberLeft && of_one)
    }

    fn values(&self) -> Values {
        vec![
            self.seq.into(),
            self.at.as_millis().into(),
            self.kind.name().into(),
            self.actor.get().into(),
            self.conversation.map(ConversationId::get).into(),
            self.user.map(UserId::get).into(),
            self.position.into(),
            self.object.into(),
        ]
    }
}

const EVENTS: Table = Table {
    name: "events",
    key: &["seq"],
    columns: &[
        "at",
        "kind",
        "actor_id",
        "conversation_id",
        "user_id",
        "position",
        "object_id",
    ],
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
struct Row {
    seq: i64,
    at: i64,
    kind: String,
    actor_id: i64,
    conversation_id: Option<i64>,
    user_id: Option<i64>,
    position: Option<i64>,
    object_id: Option<i64>,
}

impl Row {
    /// None for a kind that a newer version wrote.
    fn read(&self) -> Option<LoggedEvent> {
        Some(LoggedEvent {
            seq: self.seq,
            at: Time::from_millis(self.at),
            kind: EventKind::from_name(&self.kind)?,
            actor: UserId::new(self.actor_id),
            conversation: self.conversation_id.map(ConversationId::new),
            user: self.user_id.map(UserId::new),
            position: self.position,
            object: self.object_id,
        })
    }
}

/// What was committed together, for those who follow the log.
#[derive(Debug, Clone, Default)]
pub struct Committed {
    /// The events, in order of `seq`, without holes; each with the people it concerns, where the act knew them.
    pub events: Vec<(LoggedEvent, Option<Vec<UserId>>)>,
    /// What they are about, as far as it need not be read.
    pub subjects: Subjects,
}

impl Committed {
    fn of(events: Vec<LoggedEvent>, new: Vec<Emitted>, subjects: Subjects) -> Self {
        let people = new.into_iter().map(|emitted| emitted.people);
        Self {
            events: events.into_iter().zip(people).collect(),
            subjects,
        }
    }

    /// How the log stands after it, if it stood so before and nobody else added to it.
    pub(crate) fn after(&self, base: Base) -> Option<Base> {
        let (Some((first, _)), Some((last, _))) = (self.events.first(), self.events.last()) else {
            return Some(base);
        };
        (first.seq == base.seq + 1).then_some(Base {
            seq: last.seq,
            ..base
        })
    }
}

/// The state of the log that what is in memory goes with: as long as nobody adds to the log, no row has changed
/// that acts keep in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Base {
    /// How far the log went.
    pub(crate) seq: i64,
    /// Grows when such rows are changed without an event.
    pub(crate) unlogged: i64,
}

impl Base {
    /// As it is now.
    pub(crate) fn now(conn: &mut Conn) -> Result<Self> {
        let (seq, unlogged) = on!(conn, c => log_head::table
            .find(1_i16)
            .select((log_head::seq, log_head::unlogged_changes))
            .first(c))?;
        Ok(Self { seq, unlogged })
    }
}

/// Keeps all others from adding to the log until this transaction ends, for an act whose outcome depends on
/// what was logged last. Such an act may lock nothing more.
pub(crate) fn hold(conn: &mut Conn) -> Result<()> {
    if let Conn::Postgres(c) = conn {
        let head = log_head::table.find(1_i16).select(log_head::seq);
        head.for_update().first::<i64>(&mut **c)?;
    }
    Ok(())
}

/// Notes that rows were changed that writers keep in memory, for an act that adds no event which would tell them.
pub(crate) fn note_unlogged(conn: &mut Conn) -> Result<()> {
    on!(conn, c => diesel::update(log_head::table.find(1_i16))
        .set(log_head::unlogged_changes.eq(log_head::unlogged_changes + 1))
        .execute(c))?;
    Ok(())
}

/// How far the log goes, as a column of another statement.
macro_rules! head_seq {
    () => {
        $crate::schema::log_head::table
            .find(1_i16)
            .select($crate::schema::log_head::seq)
            .single_value()
    };
}
pub(crate) use head_seq;

/// How far the log goes.
pub(crate) fn head(conn: &mut Conn) -> Result<i64> {
    Ok(on!(conn, c => log_head::table.find(1_i16).select(log_head::seq).first(c))?)
}

/// As [`head`], where another statement of the same snapshot did not tell.
pub(crate) fn known_head(conn: &mut Conn, known: Option<i64>) -> Result<i64> {
    known.map_or_else(|| head(conn), Ok)
}

/// Up to where events have been removed from the log, and how far it goes.
pub(crate) fn ends(conn: &mut Conn) -> Result<(i64, i64)> {
    Ok(on!(conn, c => log_head::table
        .find(1_i16)
        .select((log_head::trimmed_seq, log_head::seq))
        .first(c))?)
}

/// The next events after `after`, whomever they concern; also how far that reading went.
pub(crate) fn after(conn: &mut Conn, after: i64, limit: i64) -> Result<(Vec<LoggedEvent>, i64)> {
    let rows: Vec<Row> = on!(conn, c => events::table
        .filter(events::seq.gt(after))
        .order(events::seq)
        .limit(limit)
        .select(Row::as_select())
        .load(c))?;
    let reached = rows.last().map_or(after, |row| row.seq);
    Ok((rows.iter().filter_map(Row::read).collect(), reached))
}

/// One person's next events after `after`, at most `limit`, in order.
///
/// Three statements: each kind of event has an index of its own, and one statement for all would sort more than
/// is asked for.
pub(crate) fn of_user(
    conn: &mut Conn,
    user: UserId,
    after: i64,
    limit: i64,
) -> Result<Vec<LoggedEvent>> {
    let me = user.get();
    let mut rows: Vec<Row> = on!(conn, c => events::table
        .filter(events::user_id.eq(me).and(events::seq.gt(after)))
        .order(events::seq)
        .limit(limit)
        .select(Row::as_select())
        .load(c))?;
    rows.extend(of_conversations(conn, me, after, limit)?);
    rows.extend(of_profiles(conn, me, after, limit)?);
    rows.sort_by_key(|row| row.seq);
    rows.dedup_by_key(|row| row.seq);
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(rows.iter().filter_map(Row::read).collect())
}

/// The next events of conversations that `me` was a member of at the time.
fn of_conversations(conn: &mut Conn, me: i64, after: i64, limit: i64) -> Result<Vec<Row>> {
    // Only conversations that moved since are looked into. A single value rather than a join, so that each is
    // looked up by its key.
    let last_seq = conversations::table
        .filter(conversations::id.eq(membership_periods::conversation_id))
        .select(conversations::last_seq)
        .single_value();
    Ok(on!(conn, c => membership_periods::table
        .inner_join(events::table.on(
            events::conversation_id.eq(membership_periods::conversation_id.nullable())))
        .filter(membership_periods::user_id.eq(me))
        .filter(last_seq.gt(after))
        .filter(events::seq.gt(after))
        .filter(events::seq.gt(membership_periods::joined_seq))
        .filter(membership_periods::left_seq.is_null()
            .or(membership_periods::left_seq.assume_not_null().ge(events::seq)))
        .order(events::seq)
        .limit(limit)
        .select(Row::as_select())
        .load(c))?)
}

/// The next changes of profiles, of `me` and of people who share a conversation with `me`.
fn of_profiles(conn: &mut Conn, me: i64, after: i64, limit: i64) -> Result<Vec<Row>> {
    let known = companions::table
        .filter(companions::user_id.eq(me))
        .filter(companions::state.eq(MembershipState::Member.name()))
        .filter(companions::other_state.eq_any(audience::SHOWN))
        .select(companions::other_id);
    let blocked = blocks::table
        .filter(blocks::blocker_id.eq(me))
        .filter(blocks::blocked_id.eq(profile_changes::actor_id));
    Ok(on!(conn, c => profile_changes::table
        .filter(profile_changes::seq.gt(after))
        .filter(profile_changes::actor_id.eq(me).or(profile_changes::actor_id.eq_any(known)))
        .filter(not(exists(blocked)))
        .order(profile_changes::seq)
        .limit(limit)
        .select((
            profile_changes::seq,
            profile_changes::at,
            profile_changes::kind,
            profile_changes::actor_id,
            profile_changes::conversation_id,
            profile_changes::user_id,
            profile_changes::position,
            profile_changes::object_id,
        ))
        .load(c))?)
}

/// Removes events older than `before` from the log, at most `limit`; how many went.
pub(crate) fn trim(conn: &mut Conn, before: Time, limit: i64) -> Result<usize> {
    let seqs: Vec<i64> = on!(conn, c => events::table
        .filter(events::at.lt(before.as_millis()))
        .order(events::seq)
        .limit(limit)
        .select(events::seq)
        .load(c))?;
    let Some(last) = seqs.last().copied() else {
        return Ok(0);
    };
    on!(conn, c => diesel::update(log_head::table.find(1_i16))
        .set(log_head::trimmed_seq.eq(last))
        .execute(c))?;
    Ok(on!(conn, c => diesel::delete(events::table.filter(events::seq.le(last))).execute(c))?)
}
