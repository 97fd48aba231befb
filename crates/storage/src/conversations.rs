//! Conversations: finding or making the one of some people, and who takes part in it.

mod views;

use diesel::prelude::*;
use pinwire_domain::conversation::{ConversationKind, MembershipState, People};
use pinwire_domain::policy::Gate;
use pinwire_domain::{ConversationId, Refusal, UserId};

pub(crate) use views::{Card, Views, card_columns, load, load_at, views};
pub use views::{Conversation, ConversationView, Member, Mine};

use crate::db::batch::{Abort, LockKey, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::safety;
use crate::schema::{conversations, membership_periods, memberships};

/// The conversation of these people, made if there is none. The caller is one of them.
pub(crate) fn find_or_create(
    tx: &mut Tx<'_>,
    caller: UserId,
    people: &People,
) -> std::result::Result<ConversationId, Abort> {
    let key = creation_key(people);
    if let Some(id) = find(tx.conn, &key)? {
        return Ok(id);
    }
    tx.lock(LockKey::CreationKey(key.clone()))?;
    if let Some(id) = find(tx.conn, &key)? {
        return Ok(id);
    }
    let id = ConversationId::new(tx.source.new_id());
    tx.made(LockKey::Conversation(id.get()));
    let now = tx.source.now().as_millis();
    let values = (
        conversations::id.eq(id.get()),
        conversations::kind.eq(people.kind().name()),
        conversations::creation_key.eq(Some(&key)),
        conversations::created_by.eq(caller.get()),
        conversations::created_at.eq(now),
        conversations::last_position.eq(0),
        conversations::last_seq.eq(0),
        conversations::activity_seq.eq(0),
        conversations::version.eq(1),
    );
    on!(&mut *tx.conn, c => diesel::insert_into(conversations::table).values(&values).execute(c))?;
    let others: Vec<UserId> = people
        .ids()
        .iter()
        .copied()
        .filter(|p| *p != caller)
        .collect();
    let mut states = vec![(caller, MembershipState::Member)];
    for (person, gate) in safety::gates(tx.conn, caller, &others)? {
        states.push((
            person,
            match gate {
                Gate::Inbox => MembershipState::Member,
                Gate::Requests => MembershipState::Requested,
                Gate::Withheld => MembershipState::Ignored,
            },
        ));
    }
    let rows: Vec<_> = states
        .iter()
        .map(|(person, state)| membership(id, *person, *state, now))
        .collect();
    on!(&mut *tx.conn, c => diesel::insert_into(memberships::table).values(&rows).execute(c))?;
    let periods: Vec<_> = states
        .iter()
        .filter(|(_, state)| *state == MembershipState::Member)
        .map(|(person, _)| {
            (
                membership_periods::user_id.eq(person.get()),
                membership_periods::conversation_id.eq(id.get()),
                // A founder sees all its events.
                membership_periods::joined_seq.eq(0),
                membership_periods::first_position.eq(1),
            )
        })
        .collect();
    on!(&mut *tx.conn, c => diesel::insert_into(membership_periods::table).values(&periods).execute(c))?;
    Ok(id)
}

#[derive(Insertable)]
#[diesel(table_name = memberships, treat_none_as_default_value = false)]
struct NewMembership {
    conversation_id: i64,
    user_id: i64,
    state: &'static str,
    read_position: i64,
    unread_flag: bool,
    archived: bool,
    messages_sent: i64,
    pins_sent: i64,
    created_at: i64,
    version: i64,
}

fn membership(
    id: ConversationId,
    person: UserId,
    state: MembershipState,
    now: i64,
) -> NewMembership {
    NewMembership {
        conversation_id: id.get(),
        user_id: person.get(),
        state: state.name(),
        read_position: 0,
        unread_flag: false,
        archived: false,
        messages_sent: 0,
        pins_sent: 0,
        created_at: now,
        version: 1,
    }
}

/// Short enough for an index, however many people there are.
fn creation_key(people: &People) -> String {
    use sha2::{Digest, Sha256};
    let key = people.key();
    match people.kind() {
        ConversationKind::Direct => key,
        ConversationKind::Group => {
            let digest = Sha256::digest(key.as_bytes());
            let hex: Vec<String> = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("group:{}", hex.concat())
        }
    }
}

fn find(conn: &mut Conn, key: &str) -> Result<Option<ConversationId>> {
    let id: Option<i64> = on!(conn, c => conversations::table
        .filter(conversations::creation_key.eq(key))
        .select(conversations::id)
        .first(c)
        .optional())?;
    Ok(id.map(ConversationId::new))
}

/// What keeps two acts from making the conversation of these people both.
pub(crate) fn creation_lock(people: &People) -> LockKey {
    LockKey::CreationKey(creation_key(people))
}

/// The conversation of these people, if there is one.
pub(crate) fn existing(conn: &mut Conn, people: &People) -> Result<Option<ConversationId>> {
    find(conn, &creation_key(people))
}

/// Those who take part.
pub(crate) fn member_ids(conn: &mut Conn, id: ConversationId) -> Result<Vec<UserId>> {
    let ids: Vec<i64> = on!(conn, c => memberships::table
        .filter(memberships::conversation_id.eq(id.get()))
        .filter(memberships::state.eq(MembershipState::Member.name()))
        .select(memberships::user_id)
        .load(c))?;
    Ok(ids.into_iter().map(UserId::new).collect())
}

/// Makes sure that `user` takes part.
///
/// # Errors
/// [`Refusal::ConversationNotFound`].
pub(crate) fn require_member(conn: &mut Conn, user: UserId, id: ConversationId) -> Result<()> {
    let state: Option<String> = on!(conn, c => memberships::table
        .find((id.get(), user.get()))
        .select(memberships::state)
        .first(c)
        .optional())?;
    if state.as_deref() == Some(MembershipState::Member.name()) {
        Ok(())
    } else {
        Err(Refusal::ConversationNotFound.into())
    }
}
