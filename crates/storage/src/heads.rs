//! Heads: which conversations show their avatar at a person's lower left.

use diesel::prelude::*;
use pinwire_domain::conversation::MembershipState;
use pinwire_domain::event::EventKind;
use pinwire_domain::head::{self, HeadFacts, HeadState};
use pinwire_domain::{ConversationId, Time, UserId};

use crate::conversations::{self, ConversationView};
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::log::{self, About, NewEvent};
use crate::schema::{conversations as conversation_rows, heads, own_conversations};
use crate::{Snapshot, Store};

/// Conversations that are looked at for heads, newest first; what is older has none.
const CANDIDATES_MAX: i64 = 200;

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

impl ConversationView {
    /// The head this conversation has by itself, before the bound on how many are shown.
    #[must_use]
    pub fn head(&self, now: Time) -> Option<Head> {
        let facts = self.head_facts(now);
        facts.wants_head().then(|| Head {
            state: facts.state,
            device_id: self.mine.head.as_ref().and_then(|h| h.device_id.clone()),
            version: self.mine.head.as_ref().map_or(0, |h| h.version),
        })
    }

    fn head_facts(&self, now: Time) -> HeadFacts {
        let row = self.mine.head.as_ref();
        HeadFacts {
            state: row
                .and_then(|h| HeadState::from_name(&h.state))
                .unwrap_or(HeadState::Minimized),
            closed_position: row.map_or(0, |h| h.closed_position),
            last_position: self.conversation.last_position,
            last_seq: self.conversation.activity_seq,
            quiet: self.mine.archived || self.mine.muted_until.is_some_and(|until| until > now),
        }
    }
}

/// The conversations that want a head, in order, and those beyond the bound.
fn arranged(
    conn: &mut Conn,
    user: UserId,
    now: Time,
) -> Result<(Vec<ConversationId>, Vec<ConversationId>)> {
    type Row = (i64, i64, i64, Option<String>, Option<i64>, Option<i64>);
    let rows: Vec<Row> = on!(conn, c => own_conversations::table
        .left_join(heads::table.on(heads::user_id
            .eq(own_conversations::user_id)
            .and(heads::conversation_id.eq(own_conversations::conversation_id))))
        .filter(own_conversations::user_id.eq(user.get()))
        .filter(own_conversations::state.eq(MembershipState::Member.name()))
        .filter(own_conversations::archived.eq(false))
        .filter(heads::closed_position.is_null()
            .or(heads::closed_position.assume_not_null().lt(own_conversations::last_position)))
        .order(own_conversations::activity_seq.desc())
        .limit(CANDIDATES_MAX)
        .select((
            own_conversations::conversation_id,
            own_conversations::last_position,
            own_conversations::activity_seq,
            heads::state.nullable(),
            heads::closed_position.nullable(),
            own_conversations::muted_until,
        ))
        .load(c))?;
    let (shown, gone) = head::arrange(rows, |row| HeadFacts {
        state: row
            .3
            .as_deref()
            .and_then(HeadState::from_name)
            .unwrap_or(HeadState::Minimized),
        closed_position: row.4.unwrap_or(0),
        last_position: row.1,
        last_seq: row.2,
        quiet: row.5.is_some_and(|until| until > now.as_millis()),
    });
    let ids = |rows: Vec<Row>| rows.into_iter().map(|r| ConversationId::new(r.0)).collect();
    Ok((ids(shown), ids(gone)))
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

fn last_position(conn: &mut Conn, conversation: ConversationId) -> Result<i64> {
    Ok(on!(conn, c => conversation_rows::table
        .find(conversation.get())
        .select(conversation_rows::last_position)
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
            // A head is shown again from the last message on.
            let closed = last_position(tx.conn()?, conversation)? - 1;
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
            let now = tx.source.now();
            // What is pushed out depends on who wrote last: nothing may come between reading and the commit.
            log::hold(tx.conn()?)?;
            // Those beyond the bound went when they were pushed out; they must not come back now.
            let (_, gone) = arranged(tx.conn()?, user, now)?;
            for id in gone.into_iter().chain([conversation]) {
                let closed = last_position(tx.conn()?, id)?;
                set(tx, user, id, (HeadState::Minimized, None), closed)?;
            }
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
    let (ids, _) = arranged(conn, user, now)?;
    let (mut views, seq) = conversations::load_at(conn, &[user], &ids)?;
    let heads = ids
        .into_iter()
        .filter_map(|id| views.remove(&(id, user)))
        .collect();
    Ok((heads, seq))
}
