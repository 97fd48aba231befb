//! Read marks and the unread flag: what a person has read.

use diesel::prelude::*;
use pinwire_domain::conversation::{self, MembershipState};
use pinwire_domain::event::EventKind;
use pinwire_domain::{ConversationId, UserId};

use crate::Store;
use crate::conversations;
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::inbox;
use crate::log::{About, NewEvent};
use crate::schema::own_conversations;

/// Conversations that one `read_all` marks at most; the rest take another call.
const READ_ALL_MAX: i64 = 500;

/// Moves the mark, clears the flag, and tells who is concerned: all members, or where the mark is not shown to them, the
/// person's own devices.
fn read_up_to(tx: &mut Tx<'_>, user: UserId, id: ConversationId, wanted: Option<i64>) -> Step<()> {
    tx.lock(LockKey::Conversation(id.get()))?;
    tx.rows.conversations.want(id);
    let mut members = conversations::members_for(tx, user, id)?;
    let row = conversations::row(tx, id)?;
    let Some(mine) = members.present_mut(user) else {
        return Ok(());
    };
    let last = mine.stands_at(&row);
    let position = conversation::move_read_mark(mine.read_position, wanted.unwrap_or(last), last)?;
    let moved = position != mine.read_position;
    // It may have stood still while the person kept it to themselves.
    let is_shown = mine.read_receipts && position != mine.shown_position;
    if !moved && !is_shown && !mine.unread_flag {
        return Ok(());
    }
    mine.read_up_to(position, row.last_position);
    if is_shown {
        mine.shown_position = position;
    }
    tx.rows.members.put(id, members);
    let (kind, about) = if is_shown {
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

/// Sets or clears the unread flag.
fn set_flag(tx: &mut Tx<'_>, user: UserId, id: ConversationId, flag: bool) -> Step<()> {
    tx.lock(LockKey::Conversation(id.get()))?;
    // Its event shows it.
    tx.rows.conversations.want(id);
    let mut members = conversations::members_for(tx, user, id)?;
    let mine = members.present_mut(user).filter(|m| m.unread_flag != flag);
    let Some(mine) = mine else { return Ok(()) };
    mine.unread_flag = flag;
    mine.version += 1;
    tx.rows.members.put(id, members);
    let at = tx.source.now();
    tx.emit(NewEvent {
        at,
        kind: EventKind::MembershipUpdated,
        actor: user,
        about: About::Mine(id),
    });
    Ok(())
}

impl Store {
    /// Moves the caller's read mark up to `position`; never back. Clears the unread flag.
    ///
    /// # Errors
    /// [`pinwire_domain::Refusal::ConversationNotFound`], [`pinwire_domain::Refusal::PositionBeyondEnd`].
    pub async fn read_to(&self, user: UserId, id: ConversationId, position: i64) -> Result<()> {
        self.decide(vec![LockKey::Conversation(id.get())], move |tx| {
            read_up_to(tx, user, id, Some(position))
        })
        .await
    }

    /// Sets or clears the caller's unread flag.
    ///
    /// # Errors
    /// [`pinwire_domain::Refusal::ConversationNotFound`].
    pub async fn flag_unread(&self, user: UserId, id: ConversationId, flag: bool) -> Result<()> {
        self.decide(vec![LockKey::Conversation(id.get())], move |tx| {
            set_flag(tx, user, id, flag)
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
        self.decide(locks, move |tx| {
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
            .or(own_conversations::stands_at.gt(own_conversations::read_position)))
        .order(own_conversations::conversation_id)
        .limit(READ_ALL_MAX)
        .select(own_conversations::conversation_id)
        .load(c))?;
    Ok(ids.into_iter().map(ConversationId::new).collect())
}
