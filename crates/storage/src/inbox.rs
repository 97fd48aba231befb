//! A person's conversations as lists, and how much of them is unread.

use std::cmp::Reverse;

use diesel::dsl::{count_star, exists};
use diesel::prelude::*;
use pinwire_domain::conversation::{MembershipState, Unread};
use pinwire_domain::{ConversationId, PinId, Refusal, Time, UserId};

use crate::conversations::{self, Card, ConversationView, card_columns};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::log::head_seq;
use crate::page::{Page, one_more};
use crate::schema::{conversation_cards, memberships, own_conversations, pins_seen};
use crate::settings::{self, OwnSettings};
use crate::{Snapshot, Store, heads, log};

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

/// What a list of a person's conversations holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// Those of a filter.
    Filter(Filter),
    /// Those in which the person sees this pin.
    WithPin(PinId),
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

/// A page of `user`'s conversations, and the log's position if there is any. Two statements.
pub(crate) fn page(
    conn: &mut Conn,
    user: UserId,
    which: Which,
    after: Option<ActivityMark>,
    size: usize,
) -> Result<(ConversationPage, Option<i64>)> {
    let mut cards = cards(conn, user, which, after, one_more(size))?;
    let seq = cards.first().and_then(|((.., seq), _)| *seq);
    let mark = |(card, activity): &(Card, Option<i64>)| ActivityMark {
        activity_seq: activity.unwrap_or(card.0.activity_seq),
        conversation: ConversationId::new(card.0.id),
    };
    cards.sort_unstable_by_key(|card| {
        let mark = mark(card);
        Reverse((mark.activity_seq, mark.conversation))
    });
    let page = Page::cut(cards, size, mark);
    let ids: Vec<i64> = page.items.iter().map(|(card, _)| card.0.id).collect();
    let cards = page.items.into_iter().map(|(card, _)| card).collect();
    let mut views = conversations::views(conn, &[user], cards)?;
    let items = ids
        .into_iter()
        .filter_map(|id| views.remove(&(ConversationId::new(id), user)))
        .collect();
    let next = page.next;
    Ok((ConversationPage { items, next }, seq))
}

/// Those of a person's conversations that are neither archived nor hidden.
macro_rules! in_inbox {
    () => {
        own_conversations::archived.eq(false).and(
            own_conversations::hidden_position
                .is_null()
                .or(own_conversations::hidden_position
                    .assume_not_null()
                    .lt(own_conversations::stands_at)),
        )
    };
}

/// The first of the person's conversations after a place, in no order; each with its place for this person.
fn cards(
    conn: &mut Conn,
    user: UserId,
    which: Which,
    after: Option<ActivityMark>,
    limit: i64,
) -> Result<Vec<(Card, Option<i64>)>> {
    let (activity, id) = after.map_or((i64::MAX, i64::MAX), |m| {
        (m.activity_seq, m.conversation.get())
    });
    macro_rules! rows {
        ($more:expr) => {{
            let ids = own_conversations::table
                .filter(own_conversations::user_id.eq(user.get()))
                .filter(own_conversations::state.eq(MembershipState::Member.name()))
                .filter(own_conversations::activity_seq.lt(activity).or(
                    own_conversations::activity_seq.eq(activity).and(own_conversations::conversation_id.lt(id))))
                .filter($more)
                .order((own_conversations::activity_seq.desc(), own_conversations::conversation_id.desc()))
                .limit(limit)
                .select(own_conversations::conversation_id);
            let own = own_conversations::table
                .filter(own_conversations::user_id.eq(user.get()))
                .filter(own_conversations::conversation_id.eq(conversation_cards::id))
                .select(own_conversations::activity_seq)
                .single_value();
            on!(conn, c => conversation_cards::table
                .filter(conversation_cards::id.eq_any(ids))
                .select((card_columns!(), own))
                .load(c))?
        }};
    }
    let filter = match which {
        Which::Filter(filter) => filter,
        Which::WithPin(pin) => {
            let held = pins_seen::table
                .filter(pins_seen::user_id.eq(user.get()))
                .filter(pins_seen::conversation_id.eq(own_conversations::conversation_id))
                .filter(pins_seen::pin_id.eq(pin.get()));
            return Ok(rows!(exists(held)));
        }
    };
    Ok(match filter {
        Filter::Inbox => rows!(in_inbox!()),
        Filter::Unread => rows!(
            in_inbox!().and(
                own_conversations::unread_flag
                    .eq(true)
                    .or(own_conversations::last_position
                        .gt(own_conversations::read_position + own_conversations::uncounted))
            )
        ),
        Filter::Archived => rows!(own_conversations::archived.eq(true)),
        Filter::All => rows!(own_conversations::user_id.eq(user.get())),
    })
}

/// Counts what is unread. Archived conversations never count, muted ones count apart. Also the log's position.
pub(crate) fn unread_totals(
    conn: &mut Conn,
    user: UserId,
    now: Time,
) -> Result<(UnreadTotals, i64)> {
    type Row = (bool, Option<i64>, (i64, i64, i64));
    let mut totals = UnreadTotals::default();
    // What does not count is not looked up in the filter as well: that would be twice.
    let rows: Vec<Row> = on!(conn, c => own_conversations::table
        .filter(own_conversations::user_id.eq(user.get()))
        .filter(own_conversations::state.eq(MembershipState::Member.name()))
        .filter(in_inbox!())
        .filter(own_conversations::unread_flag.eq(true)
            .or(own_conversations::stands_at.gt(own_conversations::read_position)))
        .select((
            own_conversations::unread_flag,
            own_conversations::muted_until,
            (
                own_conversations::last_position,
                own_conversations::read_position,
                own_conversations::uncounted,
            ),
        ))
        .load(c))?;
    for (flag, muted_until, (last, read, uncounted)) in rows {
        let Unread { messages, more } = Unread::of(last - read - uncounted);
        totals.more |= more;
        if muted_until.is_some_and(|until| until > now.as_millis()) {
            totals.muted += messages;
        } else if flag || messages > 0 {
            totals.conversations += 1;
            totals.messages += messages;
        }
    }
    let requests = memberships::table
        .filter(memberships::user_id.eq(user.get()))
        .filter(memberships::state.eq(MembershipState::Requested.name()))
        .select(count_star())
        .single_value();
    let (requests, seq): (Option<i64>, Option<i64>) =
        on!(conn, c => diesel::select((requests, head_seq!())).get_result(c))?;
    totals.requests = requests.unwrap_or(0);
    Ok((totals, log::known_head(conn, seq)?))
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
    /// The settings.
    pub settings: OwnSettings,
}

impl Store {
    /// A page of the caller's whole state; heads, unread counts and settings with each.
    pub async fn sync(
        &self,
        user: UserId,
        after: Option<ActivityMark>,
        size: usize,
    ) -> Result<Snapshot<State>> {
        let now = self.inner.source.now();
        self.read_at(move |conn| {
            conn.snapshot(|conn| {
                let (page, _) = page(conn, user, Which::Filter(Filter::All), after, size)?;
                let (heads, _) = heads::shown(conn, user, now)?;
                let (unread, seq) = unread_totals(conn, user, now)?;
                let state = State {
                    page,
                    heads,
                    unread,
                    settings: settings::of(conn, user)?,
                };
                Ok((state, seq))
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
        self.read_at(move |conn| {
            conn.snapshot(|conn| {
                let (page, seq) = page(conn, user, Which::Filter(filter), after, size)?;
                Ok((page, log::known_head(conn, seq)?))
            })
        })
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
        self.read_at(move |conn| {
            conn.snapshot(|conn| {
                let (mut views, seq) = conversations::load_at(conn, &[user], &[id])?;
                let view = views.remove(&(id, user));
                let view = view.ok_or(Refusal::ConversationNotFound)?;
                Ok((view, log::known_head(conn, seq)?))
            })
        })
        .await
    }
}
