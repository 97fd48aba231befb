//! Heads: which conversations show their avatar at a person's lower left.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use pinwire_domain::conversation::MembershipState;
use pinwire_domain::event::EventKind;
use pinwire_domain::head::{self, HeadFacts, HeadState};
use pinwire_domain::{ConversationId, Time, UserId, limits};

use crate::conversations::{self, Conversation, ConversationView, Mine};
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::log::{self, About, NewEvent};
use crate::schema::{heads, own_conversations};
use crate::{Snapshot, Store};

/// Minimized heads that are looked at, newest first: those that may be shown, and the first that is not.
const MINIMIZED_MAX: usize = limits::HEADS_MAX + 1;

/// A conversation's head as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Open or minimized.
    pub state: HeadState,
    /// The device that opened it.
    pub device_id: Option<String>,
    /// Grows with each change of state.
    pub version: i64,
}

impl Mine {
    /// The head that the conversation has for me by itself, before the bound on how many are shown.
    #[must_use]
    pub fn head(&self, conversation: &Conversation, now: Time) -> Option<Head> {
        let facts = self.head_facts(conversation, now);
        facts.wants_head().then(|| Head {
            state: facts.state,
            device_id: self.head.as_ref().and_then(|h| h.device_id.clone()),
            version: self.head.as_ref().map_or(0, |h| h.version),
        })
    }

    fn head_facts(&self, conversation: &Conversation, now: Time) -> HeadFacts {
        let row = self.head.as_ref();
        HeadFacts {
            state: row
                .and_then(|h| HeadState::from_name(&h.state))
                .unwrap_or(HeadState::Minimized),
            closed_position: row.map_or(0, |h| h.closed_position),
            last_position: self.last_position(conversation),
            last_seq: self.activity_seq(conversation),
            quiet: self.settings().quiet(now),
        }
    }
}

/// A person's heads, and where the bound on their number cuts.
struct Arranged {
    /// Those that are shown, in order.
    shown: Vec<ConversationId>,
    /// Open ones beyond the bound.
    gone_open: Vec<ConversationId>,
    /// The activity of the newest minimized one beyond the bound: all minimized ones up to it are gone, too.
    gone_below: Option<i64>,
}

type Row = (i64, i64, i64, Option<String>, Option<i64>);

/// The conversations that want a head: all that are open, of the minimized ones as many as the bound needs.
fn arranged(conn: &mut Conn, user: UserId, now: Time) -> Result<Arranged> {
    macro_rules! rows {
        ($which:expr, $limit:expr) => {
            on!(conn, c => own_conversations::table
                .left_join(heads::table.on(heads::user_id
                    .eq(own_conversations::user_id)
                    .and(heads::conversation_id.eq(own_conversations::conversation_id))))
                .filter(own_conversations::user_id.eq(user.get()))
                .filter(own_conversations::state.eq(MembershipState::Member.name()))
                .filter(own_conversations::archived.eq(false))
                .filter(own_conversations::muted_until.is_null()
                    .or(own_conversations::muted_until.assume_not_null().le(now.as_millis())))
                .filter(heads::closed_position.is_null()
                    .or(heads::closed_position.assume_not_null().lt(own_conversations::stands_at)))
                .filter(own_conversations::stands_at.gt(0))
                .filter($which)
                .order(own_conversations::activity_seq.desc())
                .limit($limit)
                .select((
                    own_conversations::conversation_id,
                    own_conversations::stands_at,
                    own_conversations::activity_seq,
                    heads::state.nullable(),
                    heads::closed_position.nullable(),
                ))
                .load::<Row>(c))?
        };
    }
    let open = HeadState::Open.name();
    let is_open = heads::state.assume_not_null().eq(open);
    // Opening one more pushes out one, so there are hardly more than the bound.
    let mut rows = rows!(heads::state.is_not_null().and(is_open), i64::MAX);
    let minimized = i64::try_from(MINIMIZED_MAX).unwrap_or(i64::MAX);
    rows.extend(rows!(
        heads::state
            .is_null()
            .or(heads::state.assume_not_null().ne(open)),
        minimized
    ));
    let (shown, gone) = head::arrange(rows, facts);
    let (open, minimized): (Vec<_>, Vec<_>) = gone
        .iter()
        .partition(|row| facts(row).state == HeadState::Open);
    let ids = |rows: &[&Row]| rows.iter().map(|r| ConversationId::new(r.0)).collect();
    Ok(Arranged {
        shown: shown.iter().map(|r| ConversationId::new(r.0)).collect(),
        gone_open: ids(&open),
        gone_below: minimized.iter().map(|r| r.2).max(),
    })
}

fn facts(row: &Row) -> HeadFacts {
    let state = row.3.as_deref().and_then(HeadState::from_name);
    HeadFacts {
        state: state.unwrap_or(HeadState::Minimized),
        closed_position: row.4.unwrap_or(0),
        last_position: row.1,
        last_seq: row.2,
        quiet: false,
    }
}

/// Closes all minimized heads up to an activity, as far as they want one.
const CLOSE_OLD: &str = "
    insert into heads (user_id, conversation_id, state, device_id, closed_position, updated_at, version)
    select o.user_id, o.conversation_id, 'minimized', null, o.stands_at, $1, 1
    from own_conversations o
    where o.user_id = $2 and o.activity_seq <= $3 and o.state = 'member' and o.archived = false
        and (o.muted_until is null or o.muted_until <= $1) and o.stands_at > 0
        and not exists (select 1 from heads h
            where h.user_id = o.user_id and h.conversation_id = o.conversation_id
            and (h.closed_position >= o.stands_at or h.state = 'open'))
    on conflict (user_id, conversation_id) do update set state = excluded.state, device_id = null,
        closed_position = excluded.closed_position, updated_at = excluded.updated_at,
        version = heads.version + 1";

/// Writes down which heads the bound has pushed out, so that none of them comes back when another one goes.
pub(crate) fn settle(tx: &mut Tx<'_>, user: UserId) -> Step<()> {
    let now = tx.source.now();
    // Who was pushed out depends on who wrote last: nothing may come between reading and the commit.
    log::hold(tx.conn()?)?;
    let arranged = arranged(tx.conn()?, user, now)?;
    if !arranged.gone_open.is_empty() || arranged.gone_below.is_some() {
        // No event is about the conversations whose heads go.
        log::note_unlogged(tx.conn()?)?;
    }
    for id in arranged.gone_open {
        let closed = stands_at(tx.conn()?, user, id)?;
        set(tx, user, id, (HeadState::Minimized, None), closed)?;
    }
    if let Some(activity) = arranged.gone_below {
        on!(tx.conn()?, c => diesel::sql_query(CLOSE_OLD)
            .bind::<BigInt, _>(now.as_millis())
            .bind::<BigInt, _>(user.get())
            .bind::<BigInt, _>(activity)
            .execute(c))?;
    }
    Ok(())
}

/// Writes what a person's own act said of a head.
fn set(
    tx: &mut Tx<'_>,
    user: UserId,
    conversation: ConversationId,
    (state, device_id): (HeadState, Option<&str>),
    closed_position: i64,
) -> Step<()> {
    let now = tx.source.now().as_millis();
    let values = (
        heads::user_id.eq(user.get()),
        heads::conversation_id.eq(conversation.get()),
        heads::state.eq(state.name()),
        heads::device_id.eq(device_id),
        heads::closed_position.eq(closed_position),
        heads::updated_at.eq(now),
        heads::version.eq(1),
    );
    on!(tx.conn()?, c => diesel::insert_into(heads::table)
        .values(&values)
        .on_conflict((heads::user_id, heads::conversation_id))
        .do_update()
        .set((
            heads::state.eq(state.name()),
            heads::device_id.eq(device_id),
            heads::closed_position.eq(closed_position),
            heads::updated_at.eq(now),
            heads::version.eq(heads::version + 1),
        ))
        .execute(c))?;
    Ok(())
}

/// Forgets what a person said of a head: who comes back sees the conversation as somebody new.
pub(crate) fn forget(tx: &mut Tx<'_>, user: UserId, conversation: ConversationId) -> Step<()> {
    let row = heads::table.find((user.get(), conversation.get()));
    on!(tx.conn()?, c => diesel::delete(row).execute(c))?;
    Ok(())
}

/// The last position that moved the conversation for this member.
fn stands_at(conn: &mut Conn, user: UserId, conversation: ConversationId) -> Result<i64> {
    Ok(on!(conn, c => own_conversations::table
        .find((user.get(), conversation.get()))
        .select(own_conversations::stands_at)
        .first(c))?)
}

impl Store {
    /// A person's heads, by last activity.
    pub async fn heads(&self, user: UserId) -> Result<Snapshot<Vec<ConversationView>>> {
        let now = self.inner.source.now();
        self.read_at(move |conn| {
            conn.snapshot(|conn| {
                let (heads, seq) = shown(conn, user, now)?;
                Ok((heads, log::known_head(conn, seq)?))
            })
        })
        .await
    }

    /// Opens or minimizes a head; brings it back if it was closed.
    ///
    /// # Errors
    /// [`pinwire_domain::Refusal::ConversationNotFound`] for who takes no part.
    pub async fn set_head(
        &self,
        user: UserId,
        conversation: ConversationId,
        state: HeadState,
        device_id: Option<String>,
    ) -> Result<()> {
        self.act(vec![LockKey::User(user.get())], move |tx| {
            tx.lock(LockKey::User(user.get()))?;
            conversations::require_member(tx.conn()?, user, conversation)?;
            settle(tx, user)?;
            // A head is shown again from the last message on.
            let closed = stands_at(tx.conn()?, user, conversation)? - 1;
            let device_id = device_id.as_deref().filter(|_| state == HeadState::Open);
            set(tx, user, conversation, (state, device_id), closed)?;
            emit(tx, user, conversation, EventKind::HeadUpdated);
            Ok(())
        })
        .await
    }

    /// Closes a head by the "x": until a new message. Never marks read.
    ///
    /// # Errors
    /// [`pinwire_domain::Refusal::ConversationNotFound`] for who takes no part.
    pub async fn close_head(&self, user: UserId, conversation: ConversationId) -> Result<()> {
        self.act(vec![LockKey::User(user.get())], move |tx| {
            tx.lock(LockKey::User(user.get()))?;
            conversations::require_member(tx.conn()?, user, conversation)?;
            settle(tx, user)?;
            let closed = stands_at(tx.conn()?, user, conversation)?;
            set(tx, user, conversation, (HeadState::Minimized, None), closed)?;
            emit(tx, user, conversation, EventKind::HeadClosed);
            Ok(())
        })
        .await
    }
}

fn emit(tx: &mut Tx<'_>, user: UserId, conversation: ConversationId, kind: EventKind) {
    let at = tx.source.now();
    tx.emit(NewEvent {
        at,
        kind,
        actor: user,
        about: About::Mine(conversation),
    });
}

/// The conversations that show a head, in order, and the log's position if there is any. Three statements.
pub(crate) fn shown(
    conn: &mut Conn,
    user: UserId,
    now: Time,
) -> Result<(Vec<ConversationView>, Option<i64>)> {
    let ids = arranged(conn, user, now)?.shown;
    let (mut views, seq) = conversations::load_at(conn, &[user], &ids)?;
    let heads = ids
        .into_iter()
        .filter_map(|id| views.remove(&(id, user)))
        .collect();
    Ok((heads, seq))
}
