//! A conversation as the acts of a batch left it, for those who tell its members of them.

use std::sync::Arc;

use pinwire_domain::conversation::{MembershipState, Unread};
use pinwire_domain::{ConversationId, Time, UserId};

use super::rows::{ConversationRow, Members, Membership};
use super::{Conversation, Member, Mine};

/// A conversation and its members as they were committed.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) row: ConversationRow,
    pub(crate) members: Members,
}

impl Known {
    /// What all its members see.
    pub(crate) fn conversation(&self, id: ConversationId) -> Conversation {
        let row = &self.row;
        Conversation {
            id,
            kind: row.kind,
            title: row.title.clone(),
            created_by: row.created_by,
            owner: row.owner,
            created_at: row.created_at,
            last_position: row.last_position,
            last_message_at: row.last_message_at,
            activity_seq: row.activity_seq,
            version: row.version,
            last_pin_image: row.last_pin_image.clone(),
            last_pin_position: row.last_pin_position,
            members: self.members.shown(row.kind).map(|m| member(m)).collect(),
        }
    }

    /// What is this member's own; none for who takes no part.
    ///
    /// # Errors
    /// [`NotKnown`] where an act left open how much is unread, and for who has blocked somebody there.
    pub(crate) fn mine(&self, user: UserId) -> Result<Option<Mine>, NotKnown> {
        let Some(it) = self.present().find(|m| m.user() == user) else {
            return Ok(None);
        };
        let uncounted = it.uncounted.filter(|_| !it.has_blocks).ok_or(NotKnown)?;
        Ok(Some(Mine {
            read_position: it.read_position,
            sees_marks: it.read_receipts,
            unread: Unread::of(self.row.last_position - it.read_position - uncounted),
            unread_flag: it.unread_flag,
            muted_until: it.muted_until.map(Time::from_millis),
            archived: it.archived,
            hidden_position: it.hidden_position,
            version: it.version,
            first_position: it.first_position,
            last_excluded: it.last_excluded,
            head: it.head.clone(),
            still: it.still.clone(),
            blocked: Vec::new(),
        }))
    }

    fn present(&self) -> impl Iterator<Item = &Arc<Membership>> {
        let all = self.members.0.iter();
        all.filter(|m| m.state == MembershipState::Member)
    }
}

/// It has to be read.
pub(crate) struct NotKnown;

fn member(it: &Membership) -> Member {
    Member {
        person: Arc::clone(&it.person),
        read_position: it.shown_position,
        delivered_position: it.delivered_position,
        joined_at: Time::from_millis(it.created_at),
    }
}
