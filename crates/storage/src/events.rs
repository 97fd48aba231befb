//! Events as the people they concern see them: rows of the log together with the present state of
//! what they are about, with the reader's rights of now.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pinwire_domain::event::{Cursor, EventKind};
use pinwire_domain::reaction::Reactions;
use pinwire_domain::{ConversationId, PinId, UserId};

mod pins;
mod subjects;

use pins::Pins;
pub use subjects::Subjects;

use crate::conversations::{self, Conversation, Mine, NotKnown, Views};
use crate::db::Conn;
use crate::drafts::Draft;
use crate::error::Result;
use crate::log::{self, LoggedEvent};
use crate::messages::{self, Message, Place};
use crate::people::{self, Person};
use crate::pin_snapshots::SentPin;
use crate::settings::{self, OwnSettings};
use crate::{Snapshot, Store};

/// An event and whom of some people it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEvent {
    /// The row of the log.
    pub event: LoggedEvent,
    /// What it is about, as it is now, the same for all.
    pub what: What,
    /// The conversation it is about, where it is about one.
    pub conversation: Option<Arc<Conversation>>,
    /// Those it is shown to, each with what is theirs in the conversation.
    pub viewers: Vec<(UserId, Option<Mine>)>,
}

/// The present state of what an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A message.
    Message(Arc<Message>),
    /// A pin in the conversation, and what people put to it.
    PinReactions(PinId, Reactions),
    /// A pin in the conversation, and who saved it.
    PinSaved(PinId, Person),
    /// A pin in the conversation, and for each viewer how it stands now at each position where they see it, the newest
    /// [`pinwire_domain::limits::PIN_STATES_MAX`] at most.
    PinStates(PinId, HashMap<UserId, Vec<(i64, SentPin)>>),
    /// A message that the viewer deleted for themselves: its position.
    Gone(i64),
    /// The conversation.
    Conversation,
    /// The conversation that the viewer was asked into, with its last message.
    Accepted(Option<Arc<Message>>),
    /// The actor's read mark.
    Read(i64),
    /// The actor's delivery mark.
    Delivery(i64),
    /// Something of the viewer's own in the conversation.
    Mine,
    /// A conversation that the viewer takes no part in (any more): left, or asked into.
    Outside(ConversationId),
    /// The viewer's draft, or what is left of a dropped one.
    Draft(Draft),
    /// A profile, or whom the viewer has blocked or not any more.
    Person(Person),
    /// The viewer's settings.
    Settings(OwnSettings),
    /// Moderators tell the viewer something.
    Notice,
    /// Sessions of the viewer were signed out.
    Sessions,
}

/// A stretch of one person's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stretch {
    /// The next events.
    Events {
        /// In order.
        events: Vec<StreamEvent>,
        /// All that concerns the person up to here is in `events` or before.
        reached: i64,
        /// Whether there is more already.
        more: bool,
    },
    /// The cursor is of no use: fetch the state anew and go on from the log's head.
    Resync(ResyncReason),
}

/// Why a cursor is of no use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResyncReason {
    /// The database was restored or replaced.
    Epoch,
    /// The events after it have been removed from the log.
    Trimmed,
    /// It lies beyond the log's head.
    Ahead,
}

impl ResyncReason {
    /// The name in frames and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Epoch => "epoch",
            Self::Trimmed => "trimmed",
            Self::Ahead => "ahead",
        }
    }
}

/// What has to be read for some events, sorted and without repeats.
#[derive(Default)]
struct Wanted {
    places: Vec<Place>,
    conversations: Vec<ConversationId>,
    viewers: Vec<UserId>,
    profiles: Vec<i64>,
    settings: Vec<i64>,
    pins: Vec<(ConversationId, PinId)>,
}

impl Wanted {
    fn of(list: &[(LoggedEvent, Vec<UserId>)]) -> Self {
        let mut all = Self::default();
        for (event, people) in list {
            all.places.extend(event.conversation.zip(event.position));
            all.conversations.extend(event.of_conversation());
            all.pins.extend(event.pin());
            all.viewers.extend(people);
            match event.kind {
                EventKind::UserUpdated
                | EventKind::PinSaved
                | EventKind::BlockAdded
                | EventKind::BlockRemoved => all.profiles.push(event.person().get()),
                EventKind::SettingsUpdated => all.settings.push(event.actor.get()),
                _ => {}
            }
        }
        all.conversations.sort_unstable();
        all.conversations.dedup();
        all.viewers.sort_unstable();
        all.viewers.dedup();
        all
    }
}

/// The messages at these places. Most are the last of their conversation, and so known already.
fn messages_at(
    conn: &mut Conn,
    places: &[Place],
    views: &Views,
) -> Result<HashMap<Place, Arc<Message>>> {
    let mut messages: HashMap<Place, Arc<Message>> = views
        .values()
        .filter_map(|view| view.last_message.as_ref())
        .map(|last| ((last.conversation, last.position), Arc::clone(last)))
        .collect();
    let lacking: Vec<Place> = places
        .iter()
        .filter(|place| !messages.contains_key(place))
        .copied()
        .collect();
    let loaded = messages::load(conn, &lacking)?;
    messages.extend(loaded.into_iter().map(|(place, m)| (place, Arc::new(m))));
    Ok(messages)
}

/// Which messages are kept from which of their viewers. Mostly the views tell already that none is.
fn kept(conn: &mut Conn, places: &[Place], views: &Views) -> Result<HashSet<(UserId, Place)>> {
    let mut first: HashMap<ConversationId, i64> = HashMap::new();
    for (id, position) in places {
        let least = first.entry(*id).or_insert(*position);
        *least = (*least).min(*position);
    }
    let mut concerned: Vec<(i64, i64, i64)> = Vec::new();
    for ((id, viewer), view) in views {
        if let (Some(least), Some(last)) = (first.get(id), view.mine.last_excluded)
            && last >= *least
        {
            concerned.push((viewer.get(), id.get(), *least));
        }
    }
    let Some(least) = concerned.iter().map(|(.., least)| *least).min() else {
        return Ok(HashSet::new());
    };
    let viewers: Vec<i64> = concerned.iter().map(|(viewer, ..)| *viewer).collect();
    let ids: Vec<i64> = concerned.iter().map(|(_, id, _)| *id).collect();
    messages::exclusions(conn, &viewers, &ids, least)
}

/// Adds the present state to events, for these viewers of each. Events that show nothing to anybody are left out.
///
/// Two statements for what happened last, and up to four more: for messages that are not the last ones, where
/// something is kept from a viewer, for profiles, and for settings.
fn describe(conn: &mut Conn, list: Vec<(LoggedEvent, Vec<UserId>)>) -> Result<Vec<StreamEvent>> {
    let about = Wanted::of(&list);
    let views = conversations::load(conn, &about.viewers, &about.conversations)?;
    let messages = messages_at(conn, &about.places, &views)?;
    let kept = kept(conn, &about.places, &views)?;
    let pins = Pins::load(conn, &about.pins, &views)?;
    let people = people::load(conn, &about.profiles)?;
    let settings = settings::load(conn, &about.settings)?;
    let mut described = Vec::with_capacity(list.len());
    for (event, concerned) in list {
        let place = event.conversation.zip(event.position);
        let mut conversation = None;
        // What a change of the group says of its people must be heard also by who does not want to see it.
        let may_be_kept = place.filter(|_| !event.kind.changes_group());
        let viewers: Vec<(UserId, Option<Mine>)> = concerned
            .into_iter()
            .filter(|viewer| !may_be_kept.is_some_and(|place| kept.contains(&(*viewer, place))))
            .filter_map(|viewer| match event.of_conversation() {
                Some(_) if event.tells_outsider() => Some((viewer, None)),
                // Who takes no part any more has no view, and sees nothing.
                Some(id) => {
                    let view = views.get(&(id, viewer));
                    let view = view.filter(|view| is_for(&event, viewer, &view.mine))?;
                    if !pins.tells(&event, viewer, &view.mine) {
                        return None;
                    }
                    conversation.get_or_insert_with(|| Arc::clone(&view.conversation));
                    Some((viewer, Some(view.mine.clone())))
                }
                None => Some((viewer, None)),
            })
            .collect();
        let message = place.and_then(|place| messages.get(&place));
        let person = people.get(&event.person());
        let of_own = event.of_conversation().zip(event.user);
        let draft = of_own.and_then(|own| views.get(&own)?.draft.as_ref());
        let own = (settings.get(&event.actor).copied(), draft);
        let last = of_own.and_then(|own| views.get(&own)?.last_message.as_ref());
        let message = message.or_else(|| last.filter(|_| event.kind == EventKind::RequestAccepted));
        let what = match event.pin() {
            Some(key) => of_pin(&event, key, &pins, &viewers, person),
            None => what(&event, conversation.as_deref(), message, person, own),
        };
        if let Some(what) = what.filter(|_| !viewers.is_empty()) {
            described.push(StreamEvent {
                event,
                what,
                conversation,
                viewers,
            });
        }
    }
    Ok(described)
}

/// Whether a member of its conversation may be told of an event: of others' read marks only who shows their own, of
/// messages only who sees them, which who joined later does not, and nothing of whom they have blocked.
fn is_for(event: &LoggedEvent, viewer: UserId, mine: &Mine) -> bool {
    if event.position.is_some_and(|at| at < mine.first_position) {
        return false;
    }
    if event.kind.is_the_actors() && mine.blocked.contains(&event.actor) {
        return false;
    }
    event.kind != EventKind::ReadUpdated || viewer == event.actor || mine.sees_marks
}

/// What an event about a pin shows.
fn of_pin(
    event: &LoggedEvent,
    key: (ConversationId, PinId),
    pins: &Pins,
    viewers: &[(UserId, Option<Mine>)],
    person: Option<&Person>,
) -> Option<What> {
    let pin = key.1;
    Some(match event.kind {
        EventKind::ReactionChanged => What::PinReactions(pin, pins.marks(key)?.reactions.clone()),
        EventKind::PinSaved => What::PinSaved(pin, person?.clone()),
        _ => {
            let viewers = viewers.iter();
            let states = viewers.filter_map(|(viewer, mine)| {
                Some((*viewer, pins.seen_by(key, *viewer, mine.as_ref()?)))
            });
            What::PinStates(pin, states.collect())
        }
    })
}

/// What an event shows; none where that is gone.
fn what(
    event: &LoggedEvent,
    conversation: Option<&Conversation>,
    message: Option<&Arc<Message>>,
    person: Option<&Person>,
    (settings, draft): (Option<OwnSettings>, Option<&Draft>),
) -> Option<What> {
    let actor = || {
        let mut members = conversation?.members.iter();
        members.find(|m| m.person.id == event.actor)
    };
    Some(match event.kind {
        EventKind::MessageDeleted if event.user.is_some() => What::Gone(event.position?),
        EventKind::MemberLeft if event.user.is_some() => What::Outside(event.of_conversation()?),
        EventKind::MessageCreated
        | EventKind::MessageEdited
        | EventKind::MessageDeleted
        | EventKind::ReactionChanged
        | EventKind::ConversationUpdated
        | EventKind::MemberJoined
        | EventKind::MemberLeft => What::Message(Arc::clone(message?)),
        EventKind::RequestCreated | EventKind::RequestIgnored => {
            What::Outside(event.of_conversation()?)
        }
        EventKind::RequestAccepted => {
            conversation?;
            What::Accepted(message.cloned())
        }
        EventKind::ConversationCreated => conversation.map(|_| What::Conversation)?,
        EventKind::ReadUpdated => What::Read(actor()?.read_position),
        EventKind::DeliveryUpdated => What::Delivery(actor()?.delivered_position),
        EventKind::MembershipUpdated | EventKind::HeadUpdated | EventKind::HeadClosed => What::Mine,
        EventKind::DraftUpdated => What::Draft(draft?.clone()),
        EventKind::UserUpdated | EventKind::BlockAdded | EventKind::BlockRemoved => {
            What::Person(person?.clone())
        }
        EventKind::SettingsUpdated => What::Settings(settings.unwrap_or_default()),
        EventKind::NoticeCreated => What::Notice,
        EventKind::SessionRevoked => What::Sessions,
        EventKind::PinSaved | EventKind::PinStateChanged => return None,
    })
}

/// Why a cursor is of no use, if it is not; and how far the log goes.
pub(crate) fn useless(
    conn: &mut Conn,
    cursor: &Cursor,
    epoch: &str,
) -> Result<(Option<ResyncReason>, i64)> {
    let (trimmed, head) = log::ends(conn)?;
    let reason = if cursor.epoch != epoch {
        Some(ResyncReason::Epoch)
    } else if cursor.seq > head {
        Some(ResyncReason::Ahead)
    } else if cursor.seq < trimmed {
        Some(ResyncReason::Trimmed)
    } else {
        None
    };
    Ok((reason, head))
}

/// A stretch of `user`'s stream.
fn stretch(
    conn: &mut Conn,
    user: UserId,
    cursor: &Cursor,
    epoch: &str,
    limit: i64,
) -> Result<(Stretch, i64)> {
    let (reason, head) = useless(conn, cursor, epoch)?;
    if let Some(reason) = reason {
        return Ok((Stretch::Resync(reason), head));
    }
    let rows = if cursor.seq == head {
        Vec::new()
    } else {
        log::of_user(conn, user, cursor.seq, limit)?
    };
    let more = i64::try_from(rows.len()).is_ok_and(|n| n >= limit);
    let reached = if more {
        rows.last().map_or(head, |row| row.seq)
    } else {
        head
    };
    let events = describe(
        conn,
        rows.into_iter().map(|row| (row, vec![user])).collect(),
    )?;
    let stretch = Stretch::Events {
        events,
        reached,
        more,
    };
    Ok((stretch, head))
}

impl Store {
    /// The next events of `user`'s stream after a cursor, at most `limit`.
    pub async fn stream(
        &self,
        user: UserId,
        after: Cursor,
        limit: i64,
    ) -> Result<Snapshot<Stretch>> {
        let epoch = self.epoch().to_owned();
        self.read_later(move |conn| {
            conn.snapshot(|conn| stretch(conn, user, &after, &epoch, limit))
        })
        .await
    }

    /// Events as these people of each see them. What the batch had in memory is not read.
    pub async fn describe(
        &self,
        events: Vec<(LoggedEvent, Vec<UserId>)>,
        subjects: &Subjects,
    ) -> Result<Vec<StreamEvent>> {
        let mut described = Vec::with_capacity(events.len());
        let mut unknown = Vec::new();
        for (event, people) in events {
            match subjects.describe(&event, &people) {
                Ok(shown) => described.extend(shown),
                Err(NotKnown) => unknown.push((event, people)),
            }
        }
        if !unknown.is_empty() {
            let read = self.read(move |conn| conn.snapshot(|conn| describe(conn, unknown)));
            described.extend(read.await?);
            described.sort_by_key(|it| it.event.seq);
        }
        Ok(described)
    }

    /// The people each event concerns.
    pub async fn audiences(&self, events: Vec<LoggedEvent>) -> Result<Vec<Vec<UserId>>> {
        self.read(move |conn| log::audiences(conn, &events)).await
    }

    /// The log after `after`, at most `limit` rows, each with the people it concerns; and how far it was read.
    pub async fn log_after(
        &self,
        after: i64,
        limit: i64,
    ) -> Result<(Vec<(LoggedEvent, Vec<UserId>)>, i64)> {
        self.read(move |conn| {
            conn.snapshot(|conn| {
                let (rows, reached) = log::after(conn, after, limit)?;
                let audiences = log::audiences(conn, &rows)?;
                Ok((rows.into_iter().zip(audiences).collect(), reached))
            })
        })
        .await
    }

    /// How far the log goes.
    pub async fn head(&self) -> Result<i64> {
        self.read(log::head).await
    }
}
