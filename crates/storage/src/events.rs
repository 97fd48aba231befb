//! Events as the people they concern see them: rows of the log together with the present state of
//! what they are about, with the reader's rights of now.

use std::collections::HashMap;
use std::sync::Arc;

use pinwire_domain::event::{Cursor, EventKind};
use pinwire_domain::{ConversationId, UserId};

use crate::conversations::{self, Conversation, ConversationView};
use crate::db::Conn;
use crate::error::Result;
use crate::log::{self, LoggedEvent};
use crate::messages::{self, Message, Place};
use crate::people::{self, Person};
use crate::{Snapshot, Store};

/// An event and whom of some people it concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEvent {
    /// The row of the log.
    pub event: LoggedEvent,
    /// What it is about, as it is now, the same for all.
    pub what: What,
    /// Those it is shown to, each with their own view of the conversation, where there is one.
    pub viewers: Vec<(UserId, Option<ConversationView>)>,
}

/// The present state of what an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A message; with its conversation where it is the first one.
    Message(Box<Message>, Option<Arc<Conversation>>),
    /// A conversation.
    Conversation(Arc<Conversation>),
    /// The actor's read mark.
    Read(ConversationId, i64),
    /// Something of the viewer's own in this conversation.
    Mine(ConversationId),
    /// A profile.
    Person(Person),
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

/// Adds the present state to events, for these viewers of each. Events that show nothing to anybody are left out.
fn describe(conn: &mut Conn, list: Vec<(LoggedEvent, Vec<UserId>)>) -> Result<Vec<StreamEvent>> {
    if list.is_empty() {
        return Ok(Vec::new());
    }
    let mut places: Vec<Place> = Vec::new();
    let mut ids: Vec<ConversationId> = Vec::new();
    let mut viewers: Vec<UserId> = Vec::new();
    let mut profiles: Vec<i64> = Vec::new();
    for (event, people) in &list {
        if let (EventKind::MessageCreated, Some(conversation), Some(position)) =
            (event.kind, event.conversation, event.position)
        {
            places.push((conversation, position));
        }
        ids.extend(event.conversation.or(event.object.map(ConversationId::new)));
        viewers.extend(people);
        if event.kind == EventKind::UserUpdated {
            profiles.push(event.actor.get());
        }
    }
    ids.sort_unstable();
    ids.dedup();
    viewers.sort_unstable();
    viewers.dedup();
    let messages = messages::load(conn, &places)?;
    let views = conversations::load(conn, &viewers, &ids)?;
    let people = people::load(conn, &profiles)?;
    let viewer_ids: Vec<i64> = viewers.iter().map(|v| v.get()).collect();
    let conversation_ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
    let least = places
        .iter()
        .map(|(_, position)| *position)
        .min()
        .unwrap_or(0);
    let excluded = messages::exclusions(conn, &viewer_ids, &conversation_ids, least)?;
    let mut described = Vec::with_capacity(list.len());
    for (event, concerned) in list {
        let conversation = event.conversation.or(event.object.map(ConversationId::new));
        let shown: Vec<(UserId, Option<ConversationView>)> = concerned
            .into_iter()
            .filter_map(|viewer| match conversation {
                // Who takes no part any more has no view, and sees nothing.
                Some(id) => views
                    .get(&(id, viewer))
                    .map(|view| (viewer, Some(view.clone()))),
                None => Some((viewer, None)),
            })
            .filter(|(viewer, _)| match (event.conversation, event.position) {
                (Some(id), Some(position)) => !excluded.contains(&(*viewer, (id, position))),
                _ => true,
            })
            .collect();
        let any_view = shown.iter().find_map(|(_, view)| view.as_ref());
        let what = what(&event, any_view, &messages, &people);
        if let Some(what) = what.filter(|_| !shown.is_empty()) {
            described.push(StreamEvent {
                event,
                what,
                viewers: shown,
            });
        }
    }
    Ok(described)
}

fn what(
    event: &LoggedEvent,
    view: Option<&ConversationView>,
    messages: &HashMap<Place, Message>,
    people: &HashMap<UserId, Person>,
) -> Option<What> {
    Some(match event.kind {
        EventKind::MessageCreated => {
            let message = messages
                .get(&(event.conversation?, event.position?))?
                .clone();
            let conversation = (message.position == 1)
                .then(|| view.map(|v| Arc::clone(&v.conversation)))
                .flatten();
            What::Message(Box::new(message), conversation)
        }
        EventKind::ConversationCreated | EventKind::ConversationUpdated => {
            What::Conversation(Arc::clone(&view?.conversation))
        }
        EventKind::ReadUpdated => {
            let members = &view?.conversation.members;
            let reader = members.iter().find(|m| m.person.id == event.actor)?;
            What::Read(event.conversation?, reader.read_position)
        }
        EventKind::MembershipUpdated | EventKind::HeadUpdated | EventKind::HeadClosed => {
            What::Mine(ConversationId::new(event.object?))
        }
        EventKind::UserUpdated => What::Person(people.get(&event.actor)?.clone()),
        EventKind::SessionRevoked => What::Sessions,
    })
}

/// A stretch of `user`'s stream.
fn stretch(
    conn: &mut Conn,
    user: UserId,
    cursor: &Cursor,
    epoch: &str,
    limit: i64,
) -> Result<Stretch> {
    let head = log::head(conn)?;
    let reason = if cursor.epoch != epoch {
        Some(ResyncReason::Epoch)
    } else if cursor.seq > head {
        Some(ResyncReason::Ahead)
    } else if cursor.seq < log::trimmed(conn)? {
        Some(ResyncReason::Trimmed)
    } else {
        None
    };
    if let Some(reason) = reason {
        return Ok(Stretch::Resync(reason));
    }
    let rows = log::of_user(conn, user, cursor.seq, limit)?;
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
    Ok(Stretch::Events {
        events,
        reached,
        more,
    })
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
        self.snapshot(move |conn| stretch(conn, user, &after, &epoch, limit))
            .await
    }

    /// Events as these people of each see them.
    pub async fn describe(
        &self,
        events: Vec<(LoggedEvent, Vec<UserId>)>,
    ) -> Result<Vec<StreamEvent>> {
        self.read(move |conn| conn.snapshot(|conn| describe(conn, events)))
            .await
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
