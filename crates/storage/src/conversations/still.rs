//! How a conversation stands for a member from whom the newest of it is withheld: nothing that they do not see moves it.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;
use pinwire_domain::{Time, UserId};

use super::rows::{ConversationRow, Membership};
use super::{Conversation, Mine};
use crate::db::Conn;
use crate::error::Result;
use crate::messages::{self, Message, Place};

/// How a conversation stands for somebody while what came since is withheld from them.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub(crate) struct Still {
    /// The last position that moved it for them, 0 for none.
    pub(crate) position: i64,
    /// When that message was sent.
    pub(crate) at: Option<i64>,
    /// Its place in their lists; none until the batch that wrote it has its place in the log.
    pub(crate) seq: Option<i64>,
    /// The picture of the last pin that was sent until then.
    pub(crate) image: Option<String>,
}

impl Still {
    /// As the conversation is now for all who see its last message.
    pub(crate) fn of(row: &ConversationRow) -> Self {
        Self {
            position: row.last_position,
            at: row.last_message_at.map(Time::as_millis),
            seq: None,
            image: row.last_pin_image.clone(),
        }
    }
}

impl Membership {
    /// The last position that moved the conversation for the person.
    pub(crate) fn stands_at(&self, row: &ConversationRow) -> i64 {
        let still = self.still.as_ref();
        still.map_or(row.last_position, |it| it.position)
    }
}

impl Mine {
    /// The position of the last message that moved it for me, 0 for none.
    #[must_use]
    pub fn last_position(&self, conversation: &Conversation) -> i64 {
        let still = self.still.as_ref();
        still.map_or(conversation.last_position, |it| it.position)
    }

    /// When that message was sent.
    #[must_use]
    pub fn last_message_at(&self, conversation: &Conversation) -> Option<Time> {
        match &self.still {
            Some(still) => still.at.map(Time::from_millis),
            None => conversation.last_message_at,
        }
    }

    /// Its place in my lists.
    #[must_use]
    pub fn activity_seq(&self, conversation: &Conversation) -> i64 {
        let still = self.still.as_ref().and_then(|it| it.seq);
        still.unwrap_or(conversation.activity_seq)
    }

    /// Whether I took it out of my lists, and nothing has moved it since.
    #[must_use]
    pub fn is_hidden(&self, conversation: &Conversation) -> bool {
        self.settings().hidden(self.last_position(conversation))
    }
}

/// The messages at which conversations stand still for these people, as far as they still see them.
///
/// No statement where there are none, else two.
pub(super) fn last_messages(
    conn: &mut Conn,
    stills: &[(UserId, Place)],
) -> Result<HashMap<(UserId, Place), Arc<Message>>> {
    let Some(least) = stills.iter().map(|(_, (_, position))| *position).min() else {
        return Ok(HashMap::new());
    };
    let places: Vec<Place> = stills.iter().map(|(_, place)| *place).collect();
    let found = messages::load(conn, &places)?;
    let found: HashMap<Place, Arc<Message>> = found
        .into_iter()
        .map(|(place, message)| (place, Arc::new(message)))
        .collect();
    let viewers: Vec<i64> = stills.iter().map(|(viewer, _)| viewer.get()).collect();
    let ids: Vec<i64> = places.iter().map(|(id, _)| id.get()).collect();
    let kept = messages::exclusions(conn, &viewers, &ids, least)?;
    let seen = stills.iter().filter(|still| !kept.contains(still));
    Ok(seen
        .filter_map(|still| Some((*still, Arc::clone(found.get(&still.1)?))))
        .collect())
}
