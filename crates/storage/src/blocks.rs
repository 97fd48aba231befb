//! Blocks: whom somebody wants to hear no more of. The blocked notice nothing.

use diesel::prelude::*;
use pinwire_domain::conversation::{MembershipState, People};
use pinwire_domain::event::EventKind;
use pinwire_domain::{ConversationId, Refusal, Time, UserId};

use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::log::{About, NewEvent};
use crate::page::{Page, one_more};
use crate::people::{self, PERSON, Person, PersonRow};
use crate::schema::{blocks, companion_signs, users};
use crate::{Snapshot, Store, conversations, requests};

/// Somebody whom a person has blocked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// Who.
    pub person: Person,
    /// Since when.
    pub blocked_at: Time,
}

/// A place in the list of those whom a person has blocked: when, and whom.
pub type BlockMark = (i64, i64);

/// The conversations that both take part in, or `user` is asked into.
fn shared(conn: &mut Conn, user: UserId, other: UserId) -> Result<Vec<ConversationId>> {
    let member = MembershipState::Member.name();
    let ids: Vec<i64> = on!(conn, c => companion_signs::table
        .filter(companion_signs::user_id.eq(user.get()))
        .filter(companion_signs::other_id.eq(other.get()))
        .filter(companion_signs::state.eq_any([member, MembershipState::Requested.name()]))
        .filter(companion_signs::other_state.eq(member))
        .select(companion_signs::conversation_id)
        .load(c))?;
    Ok(ids.into_iter().map(ConversationId::new).collect())
}

/// What keeps a block from being decided beside anything that the other one writes to `user`: the conversations they
/// share, the one they may begin, and the groups that `user` may be taken into.
fn locks(user: UserId, other: UserId, shared: &[ConversationId]) -> Result<Vec<LockKey>> {
    let pair = People::new(user, [other], 2)?;
    let mut locks = vec![
        LockKey::User(user.get()),
        conversations::creation_lock(&pair),
    ];
    locks.extend(shared.iter().map(|id| LockKey::Conversation(id.get())));
    Ok(locks)
}

fn block(tx: &mut Tx<'_>, user: UserId, other: UserId) -> Step<()> {
    let shared = shared(tx.conn()?, user, other)?;
    for key in locks(user, other, &shared)? {
        tx.lock(key)?;
    }
    people::account(tx, other)?;
    let now = tx.source.now();
    let values = (
        blocks::blocker_id.eq(user.get()),
        blocks::blocked_id.eq(other.get()),
        blocks::created_at.eq(now.as_millis()),
    );
    let added = on!(tx.conn()?, c => diesel::insert_into(blocks::table)
        .values(&values)
        .on_conflict_do_nothing()
        .execute(c))?;
    if added > 0 {
        requests::ignore_of(tx, user, other)?;
        tell(tx, user, EventKind::BlockAdded, other);
    }
    Ok(())
}

fn unblock(tx: &mut Tx<'_>, user: UserId, other: UserId) -> Step<()> {
    tx.lock(LockKey::User(user.get()))?;
    let row = blocks::table.find((user.get(), other.get()));
    if on!(tx.conn()?, c => diesel::delete(row).execute(c))? > 0 {
        tell(tx, user, EventKind::BlockRemoved, other);
    }
    Ok(())
}

fn tell(tx: &mut Tx<'_>, user: UserId, kind: EventKind, other: UserId) {
    let at = tx.source.now();
    tx.emit(NewEvent {
        at,
        kind,
        actor: user,
        about: About::Person(other),
    });
}

fn page(
    conn: &mut Conn,
    user: UserId,
    after: Option<BlockMark>,
    size: usize,
) -> Result<Page<Blocked, BlockMark>> {
    let (at, id) = after.unwrap_or((i64::MAX, i64::MAX));
    let rows: Vec<(i64, PersonRow)> = on!(conn, c => blocks::table
        .inner_join(users::table.on(users::id.eq(blocks::blocked_id)))
        .filter(blocks::blocker_id.eq(user.get()))
        .filter(blocks::created_at.le(at))
        .filter(blocks::created_at.lt(at).or(blocks::blocked_id.lt(id)))
        .order((blocks::created_at.desc(), blocks::blocked_id.desc()))
        .limit(one_more(size))
        .select((blocks::created_at, PERSON))
        .load(c))?;
    let page = Page::cut(rows, size, |(at, person)| (*at, person.0));
    Ok(page.map(|(at, person)| Blocked {
        person: person.into(),
        blocked_at: Time::from_millis(at),
    }))
}

impl Store {
    /// Blocks somebody: nothing that they do from now on arrives with `user`. A repeat does nothing.
    ///
    /// # Errors
    /// [`Refusal::UserNotFound`], [`Refusal::Yourself`].
    pub async fn block(&self, user: UserId, other: UserId) -> Result<()> {
        if user == other {
            return Err(Refusal::Yourself.into());
        }
        let known = self.read(move |conn| shared(conn, user, other)).await?;
        self.act(locks(user, other, &known)?, move |tx| {
            block(tx, user, other)
        })
        .await
    }

    /// Takes a block back; what was withheld meanwhile stays so. Nothing happens if there is none.
    pub async fn unblock(&self, user: UserId, other: UserId) -> Result<()> {
        self.act(vec![LockKey::User(user.get())], move |tx| {
            unblock(tx, user, other)
        })
        .await
    }

    /// A page of those whom `user` has blocked, the newest first.
    pub async fn blocks(
        &self,
        user: UserId,
        after: Option<BlockMark>,
        size: usize,
    ) -> Result<Snapshot<Page<Blocked, BlockMark>>> {
        self.snapshot(move |conn| page(conn, user, after, size))
            .await
    }
}
