//! Contact requests: the conversations that a person is asked into.

use diesel::prelude::*;
use pinwire_domain::conversation::MembershipState;
use pinwire_domain::event::EventKind;
use pinwire_domain::group::{self, Notice, NoticeCode};
use pinwire_domain::{ConversationId, Refusal, Time, UserId};

use crate::conversations::{self, Conversation};
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::groups::{Group, tell};
use crate::log::PeriodChange;
use crate::page::{Page, one_more};
use crate::schema::memberships;
use crate::{Snapshot, Store};

/// A conversation that somebody is asked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The conversation, of which they see title and people.
    pub conversation: Conversation,
    /// When they were asked.
    pub asked_at: Time,
}

/// The conversation as one who is asked into it may answer.
fn of_asked(tx: &mut Tx<'_>, user: UserId, id: ConversationId) -> Step<Group> {
    tx.lock(LockKey::Conversation(id.get()))?;
    // Before anything else: who is not asked must not learn whether there is such a conversation.
    if conversations::members(tx, id)?.state(user) != Some(MembershipState::Requested) {
        return Err(Refusal::RequestNotFound.into());
    }
    Group::open(tx, id)
}

/// Joins.
fn accept(tx: &mut Tx<'_>, user: UserId, id: ConversationId) -> Step<()> {
    let mut group = of_asked(tx, user, id)?;
    let now = tx.source.now();
    let position = group.position();
    let mut notice = Notice::new(NoticeCode::MemberJoined);
    if group.members.present().is_empty() {
        // All who could own it have left.
        notice.owner = Some(user);
    }
    let mut first_position = position;
    if let Some(member) = group.members.any_mut(user) {
        first_position = group::first_position(member.first_position, position);
        member.join(now, first_position, position - 1);
    }
    let begins = PeriodChange::Begins {
        user,
        first_position,
    };
    let by = (user, EventKind::MemberJoined);
    group.close(tx, by, &notice, vec![begins])
}

/// Declines; nobody else learns of it.
fn ignore(tx: &mut Tx<'_>, user: UserId, id: ConversationId) -> Step<()> {
    let mut group = of_asked(tx, user, id)?;
    if let Some(member) = group.members.any_mut(user) {
        member.end(MembershipState::Ignored);
    }
    tx.rows.members.put(id, group.members);
    tell(tx, user, EventKind::RequestIgnored, (user, id));
    Ok(())
}

/// A page of `user`'s requests from a conversation on, by id, the newest first.
fn page(
    conn: &mut Conn,
    user: UserId,
    before: i64,
    size: usize,
) -> Result<Page<Request, ConversationId>> {
    let rows: Vec<(i64, i64)> = on!(conn, c => memberships::table
        .filter(memberships::user_id.eq(user.get()))
        .filter(memberships::state.eq(MembershipState::Requested.name()))
        .filter(memberships::conversation_id.lt(before))
        .order(memberships::conversation_id.desc())
        .limit(one_more(size))
        .select((memberships::conversation_id, memberships::created_at))
        .load(c))?;
    let page = Page::cut(rows, size, |row| ConversationId::new(row.0));
    let ids: Vec<i64> = page.items.iter().map(|row| row.0).collect();
    let mut all = conversations::whole(conn, &ids)?;
    let items = page.items.iter();
    let items = items.filter_map(|(id, asked_at)| {
        Some(Request {
            conversation: all.remove(&ConversationId::new(*id))?,
            asked_at: Time::from_millis(*asked_at),
        })
    });
    Ok(Page {
        items: items.collect(),
        next: page.next,
    })
}

impl Store {
    /// Joins the conversation that `user` is asked into.
    ///
    /// # Errors
    /// [`Refusal::RequestNotFound`].
    pub async fn accept_request(&self, user: UserId, id: ConversationId) -> Result<()> {
        self.act(vec![LockKey::Conversation(id.get())], move |tx| {
            accept(tx, user, id)
        })
        .await
    }

    /// Declines to join; whoever asked does not learn of it.
    ///
    /// # Errors
    /// [`Refusal::RequestNotFound`].
    pub async fn ignore_request(&self, user: UserId, id: ConversationId) -> Result<()> {
        self.act(vec![LockKey::Conversation(id.get())], move |tx| {
            ignore(tx, user, id)
        })
        .await
    }

    /// A page of the conversations that `user` is asked into, the newest first.
    pub async fn requests(
        &self,
        user: UserId,
        after: Option<ConversationId>,
        size: usize,
    ) -> Result<Snapshot<Page<Request, ConversationId>>> {
        let before = after.map_or(i64::MAX, ConversationId::get);
        self.snapshot(move |conn| page(conn, user, before, size))
            .await
    }

    /// One conversation that `user` is asked into.
    ///
    /// # Errors
    /// [`Refusal::RequestNotFound`].
    pub async fn request(&self, user: UserId, id: ConversationId) -> Result<Snapshot<Request>> {
        self.snapshot(move |conn| {
            let page = page(conn, user, id.get().saturating_add(1), 1)?;
            let mut found = page.items.into_iter();
            let found = found.find(|it| it.conversation.id == id);
            Ok(found.ok_or(Refusal::RequestNotFound)?)
        })
        .await
    }
}
