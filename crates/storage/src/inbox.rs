//! A person's conversations as lists, and how much of them is unread.

use diesel::prelude::*;
use pinwire_domain::conversation::MembershipState;
use pinwire_domain::{ConversationId, Refusal, Time, UserId};

use crate::conversations::{self, ConversationView};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::schema::{memberships, own_conversations};
use crate::{Snapshot, Store, heads};

/// Which of a person's conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// All that are neither archived nor hidden.
    Inbox,
    /// Those of the inbox with something unread, or flagged so.
    Unread,
    /// The archived ones.
    Archived,
    /// All, also archived and hidden ones.
    All,
}

/// A place in a list by activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActivityMark {
    /// The activity of the last item of the page before.
    pub activity_seq: i64,
    /// Its id, for those of one activity.
    pub conversation: ConversationId,
}

/// A page of conversations, newest activity first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationPage {
    /// The conversations.
    pub items: Vec<ConversationView>,
    /// Where the next page begins, if there is one.
    pub next: Option<ActivityMark>,
}

/// How much is unread over all conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnreadTotals {
    /// Conversations with something unread, the muted ones left out.
    pub conversations: i64,
    /// Unread messages in them.
    pub messages: i64,
    /// Whether there are more than was counted, here or in muted ones: of a conversation the first 100 are.
    pub more: bool,
    /// Unread messages in muted conversations.
    pub muted: i64,
    /// Contact requests that wait.
    pub requests: i64,
}

/// A page of `user`'s conversations.
pub(crate) fn page(
    conn: &mut Conn,
    user: UserId,
    filter: Filter,
    after: Option<ActivityMark>,
    size: usize,
) -> Result<ConversationPage> {
    let mut items = Vec::with_capacity(size);
    let mut from = after;
    // What turns out to hold nothing unread is skipped, so a page may take several looks.
    loop {
        let marks = candidates(conn, user, filter, from, size + 1)?;
        let ids: Vec<ConversationId> = marks.iter().map(|m| m.conversation).collect();
        let mut views = conversations::load(conn, &[user], &ids)?;
        let last_look = marks.len() <= size;
        for mark in marks {
            let Some(view) = views.remove(&(mark.conversation, user)) else {
                continue;
            };
            let shown =
                filter != Filter::Unread || view.mine.unread_flag || view.mine.unread.messages > 0;
            if shown && items.len() == size {
                return Ok(ConversationPage { items, next: from });
            }
            if shown {
                items.push(view);
            }
            from = Some(mark);
        }
        if last_look {
            return Ok(ConversationPage { items, next: None });
        }
    }
}

fn candidates(
    conn: &mut Conn,
    user: UserId,
    filter: Filter,
    after: Option<ActivityMark>,
    limit: usize,
) -> Result<Vec<ActivityMark>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (activity, id) = after.map_or((i64::MAX, i64::MAX), |m| {
        (m.activity_seq, m.conversation.get())
    });
    macro_rules! rows {
        ($more:expr) => {
            on!(conn, c => own_conversations::table
                .filter(own_conversations::user_id.eq(user.get()))
                .filter(own_conversations::state.eq(MembershipState::Member.name()))
                .filter(own_conversations::activity_seq.lt(activity).or(
                    own_conversations::activity_seq.eq(activity).and(own_conversations::conversation_id.lt(id))))
                .filter($more)
                .order((own_conversations::activity_seq.desc(), own_conversations::conversation_id.desc()))
                .limit(limit)
                .select((own_conversations::activity_seq, own_conversations::conversation_id))
                .load::<(i64, i64)>(c))?
        };
    }
    let in_inbox = own_conversations::archived.eq(false).and(
        own_conversations::hidden_position
            .is_null()
            .or(own_conversations::hidden_position
                .assume_not_null()
                .lt(own_conversations::last_position)),
    );
    let rows = match filter {
        Filter::Inbox => rows!(in_inbox),
        Filter::Unread => rows!(
            in_inbox.and(
                own_conversations::unread_flag
                    .eq(true)
                    .or(own_conversations::last_position.gt(own_conversations::read_position))
            )
        ),
        Filter::Archived => rows!(own_conversations::archived.eq(true)),
        Filter::All => rows!(own_conversations::user_id.eq(user.get())),
    };
    Ok(rows
        .into_iter()
        .map(|(activity_seq, id)| ActivityMark {
            activity_seq,
            conversation: ConversationId::new(id),
        })
        .collect())
}

/// Counts what is unread. Archived conversations never count, muted ones count apart.
pub(crate) fn unread_totals(conn: &mut Conn, user: UserId, now: Time) -> Result<UnreadTotals> {
    let mut totals = UnreadTotals::default();
    let mut after = None;
    loop {
        let page = page(conn, user, Filter::Unread, after, 250)?;
        for view in &page.items {
            let messages = view.mine.unread.messages;
            totals.more |= view.mine.unread.more;
            if view.mine.muted_until.is_some_and(|until| until > now) {
                totals.muted += messages;
            } else {
                totals.conversations += 1;
                totals.messages += messages;
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    totals.requests = on!(conn, c => memberships::table
        .filter(memberships::user_id.eq(user.get()))
        .filter(memberships::state.eq(MembershipState::Requested.name()))
        .count()
        .get_result(c))?;
    Ok(totals)
}

/// A page of a person's whole state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Conversations, archived and hidden ones too.
    pub page: ConversationPage,
    /// Those that show a head.
    pub heads: Vec<ConversationView>,
    /// What is unread.
    pub unread: UnreadTotals,
}

impl Store {
    /// A page of the caller's whole state; heads and unread counts with each.
    pub async fn sync(
        &self,
        user: UserId,
        after: Option<ActivityMark>,
        size: usize,
    ) -> Result<Snapshot<State>> {
        let now = self.inner.source.now();
        self.snapshot(move |conn| {
            Ok(State {
                page: page(conn, user, Filter::All, after, size)?,
                heads: heads::shown(conn, user, now)?,
                unread: unread_totals(conn, user, now)?,
            })
        })
        .await
    }

    /// A page of the caller's conversations, newest activity first.
    pub async fn conversations(
        &self,
        user: UserId,
        filter: Filter,
        after: Option<ActivityMark>,
        size: usize,
    ) -> Result<Snapshot<ConversationPage>> {
        self.snapshot(move |conn| page(conn, user, filter, after, size))
            .await
    }

    /// One conversation as a member sees it.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`].
    pub async fn conversation(
        &self,
        user: UserId,
        id: ConversationId,
    ) -> Result<Snapshot<ConversationView>> {
        self.snapshot(move |conn| {
            let view = conversations::load(conn, &[user], &[id])?.remove(&(id, user));
            view.ok_or_else(|| Refusal::ConversationNotFound.into())
        })
        .await
    }
}
