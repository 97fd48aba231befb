//! Read marks and the unread flag: what a person has read.

use diesel::prelude::*;
use pinwire_domain::conversation::{self, MembershipState};
use pinwire_domain::event::EventKind;
use pinwire_domain::{ConversationId, UserId};

use crate::Store;
use crate::conversations;
use crate::db::batch::{Abort, LockKey, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::inbox;
use crate::log::{About, NewEvent};
use crate::schema::{memberships, own_conversations};

/// Conversations that one `read_all` marks at most; the rest take another call.
const READ_ALL_MAX: i64 = 500;

/// A person's read mark before an act.
struct Mark {
    read_position: i64,
    unread_flag: bool,
    last_position: i64,
}

fn mark(conn: &mut Conn, user: UserId, id: ConversationId) -> Result<Mark> {
    conversations::require_member(conn, user, id)?;
    let (read_position, unread_flag, last_position) = on!(conn, c => own_conversations::table
        .find((user.get(), id.get()))
        .select((
            own_conversations::read_position,
            own_conversations::unread_flag,
            own_conversations::last_position,
        ))
        .first(c))?;
    Ok(Mark {
        read_position,
        unread_flag,
        last_position,
    })
}

/// Moves the mark, clears the flag, and tells who is concerned.
fn read_up_to(
    tx: &mut Tx<'_>,
    user: UserId,
    id: ConversationId,
    wanted: Option<i64>,
) -> std::result::Result<(), Abort> {
    tx.lock(LockKey::Conversation(id.get()))?;
    let before = mark(tx.conn, user, id)?;
    let wanted = wanted.unwrap_or(before.last_position);
    let position =
        conversation::move_read_mark(before.read_position, wanted, before.last_position)?;
    let moved = position != before.read_position;
    if !moved && !before.unread_flag {
        return Ok(());
    }
    on!(&mut *tx.conn, c => diesel::update(memberships::table.find((id.get(), user.get())))
        .set((
            memberships::read_position.eq(position),
            memberships::unread_flag.eq(false),
            memberships::version.eq(memberships::version + 1),
        ))
        .execute(c))?;
    let (kind, about) = if moved {
        (EventKind::ReadUpdated, About::Conversation(id))
    } else {
        (EventKind::MembershipUpdated, About::Mine(id))
    };
    let at = tx.source.now();
    tx.emit(NewEvent {
        at,
        kind,
        actor: user,
        about,
    });
    Ok(())
}

impl Store {
    /// Moves the caller's read mark up to `position`; never back. Clears the unread flag.
    ///
    /// # Errors
    /// [`pinwire_domain::Refusal::ConversationNotFound`], [`pinwire_domain::Refusal::PositionBeyondEnd`].
    pub async fn read_to(&self, user: UserId, id: ConversationId, position: i64) -> Result<()> {
        self.act(vec![LockKey::Conversation(id.get())], move |tx| {
            read_up_to(tx, user, id, Some(position))
        })
        .await
    }

    /// Sets or clears the caller's unread flag.
    ///
    /// # Errors
    /// [`pinwire_domain::Refusal::ConversationNotFound`].
    pub async fn flag_unread(&self, user: UserId, id: ConversationId, flag: bool) -> Result<()> {
        self.act(vec![LockKey::Conversation(id.get())], move |tx| {
            tx.lock(LockKey::Conversation(id.get()))?;
            if mark(tx.conn, user, id)?.unread_flag == flag {
                return Ok(());
            }
            on!(&mut *tx.conn, c => diesel::update(memberships::table.find((id.get(), user.get())))
                .set((
                    memberships::unread_flag.eq(flag),
                    memberships::version.eq(memberships::version + 1),
                ))
                .execute(c))?;
            let at = tx.source.now();
            let kind = EventKind::MembershipUpdated;
            tx.emit(NewEvent {
                at,
                kind,
                actor: user,
                about: About::Mine(id),
            });
            Ok(())
        })
        .await
    }

    /// Marks the caller's unread conversations read, 500 at most; tells how many.
    pub async fn read_all(&self, user: UserId) -> Result<usize> {
        let ids = self
            .read(move |conn| unread_conversations(conn, user))
            .await?;
        let locks = ids
            .iter()
            .map(|id| LockKey::Conversation(id.get()))
            .collect();
        self.act(locks, move |tx| {
            for id in &ids {
                read_up_to(tx, user, *id, None)?;
            }
            Ok(ids.len())
        })
        .await
    }

    /// How much is unread over all of the caller's conversations.
    pub async fn unread(&self, user: UserId) -> Result<crate::Snapshot<inbox::UnreadTotals>> {
        let now = self.inner.source.now();
        self.read_at(move |conn| conn.snapshot(|conn| inbox::unread_totals(conn, user, now)))
            .await
    }
}

fn unread_conversations(conn: &mut Conn, user: UserId) -> Result<Vec<ConversationId>> {
    let ids: Vec<i64> = on!(conn, c => own_conversations::table
        .filter(own_conversations::user_id.eq(user.get()))
        .filter(own_conversations::state.eq(MembershipState::Member.name()))
        .filter(own_conversations::unread_flag.eq(true)
            .or(own_conversations::last_position.gt(own_conversations::read_position)))
        .order(own_conversations::conversation_id)
        .limit(READ_ALL_MAX)
        .select(own_conversations::conversation_id)
        .load(c))?;
    Ok(ids.into_iter().map(ConversationId::new).collect())
}
