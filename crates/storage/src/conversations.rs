//! Conversations: finding or making the one of some people, and who takes part in it.

mod begin;
mod known;
mod members;
pub(crate) mod periods;
pub(crate) mod rows;
mod still;
mod views;

use std::sync::Arc;

use diesel::prelude::*;
use pinwire_domain::conversation::{ConversationKind, MembershipState, People};
use pinwire_domain::event::EventKind;
use pinwire_domain::{ConversationId, Refusal, Time, UserId};

pub(crate) use known::{Known, NotKnown};
pub(crate) use still::Still;
pub(crate) use views::{Card, Views, card_columns, load, load_at, views, whole};
pub use views::{Conversation, ConversationView, Member, Mine};

use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::groups;
use crate::hex::hex;
use crate::people;
use crate::pin_snapshots::PinSnapshot;
use crate::requests;
use crate::safety;
use crate::schema::memberships;
use periods::NewPeriod;
use rows::{ConversationOfPeople, ConversationRow, Members, Membership};

/// A conversation to decide on. Lock it first.
pub(crate) fn row(tx: &mut Tx<'_>, id: ConversationId) -> Step<ConversationRow> {
    tx.rows.members.want(id);
    let row = tx.rows.conversations.get(&id)?;
    Ok(row.ok_or(Refusal::ConversationNotFound)?.clone())
}

/// The members of a conversation to decide on. Lock it first.
pub(crate) fn members(tx: &mut Tx<'_>, id: ConversationId) -> Step<Members> {
    Ok(tx.rows.members.get(&id)?.cloned().unwrap_or_default())
}

/// The members of a conversation that `user` takes part in. Lock it first.
///
/// # Errors
/// [`Refusal::ConversationNotFound`].
pub(crate) fn members_for(tx: &mut Tx<'_>, user: UserId, id: ConversationId) -> Step<Members> {
    let mut members = members(tx, id)?;
    if members.present_mut(user).is_none() {
        return Err(Refusal::ConversationNotFound.into());
    }
    Ok(members)
}

/// The conversation of these people, made if there is none. The caller is one of them.
pub(crate) fn find_or_create(
    tx: &mut Tx<'_>,
    caller: UserId,
    people: &People,
) -> Step<ConversationId> {
    if let Some(id) = existing(tx, people)? {
        return Ok(id);
    }
    let key = creation_key(people);
    tx.lock(LockKey::CreationKey(key.clone()))?;
    let id = create(tx, caller, people, Name::Key(&key))?;
    tx.rows
        .conversations_of_people
        .put(key, ConversationOfPeople(id));
    Ok(id)
}

impl ConversationRow {
    /// Takes a new message, which may carry a pin; its position.
    pub(crate) fn takes_message(&mut self, now: Time, pin: Option<&PinSnapshot>) -> i64 {
        self.last_position += 1;
        self.last_message_at = Some(now);
        if let Some(pin) = pin {
            self.last_pin = Some(pin.id);
            self.last_pin_position = Some(self.last_position);
            self.last_pin_image = Some(pin.image_url.clone());
        }
        self.last_position
    }
}

/// What a new conversation is told from others by.
#[derive(Clone, Copy)]
pub(crate) enum Name<'a> {
    /// Its people: it is found again by this key.
    Key(&'a str),
    /// A title, which makes it a group, however many people there are.
    Title(&'a str),
}

/// The others of a conversation that the caller begins, of whom none may block the caller meanwhile.
fn meet(tx: &mut Tx<'_>, caller: UserId, people: &People, name: Name<'_>) -> Step<Vec<UserId>> {
    let others = people.ids().iter().copied().filter(|p| *p != caller);
    let others: Vec<UserId> = others.collect();
    for person in people.ids() {
        tx.rows.accounts.want(*person);
    }
    // Two people have the lock of their pair.
    if people.kind() == ConversationKind::Group || matches!(name, Name::Title(_)) {
        for other in &others {
            tx.lock(LockKey::User(other.get()))?;
        }
    }
    Ok(others)
}

/// Makes a conversation of these people. The caller is one of them.
pub(crate) fn create(
    tx: &mut Tx<'_>,
    caller: UserId,
    people: &People,
    name: Name<'_>,
) -> Step<ConversationId> {
    let others = meet(tx, caller, people, name)?;
    let landings = safety::landings(tx, caller, &others)?;
    let (kind, title, key) = match name {
        Name::Key(key) => (people.kind(), None, Some(key.to_owned())),
        Name::Title(title) => (ConversationKind::Group, Some(title.to_owned()), None),
    };
    // Not by where it lands: nobody learns of a block by a limit.
    let strangers = landings.iter();
    let strangers = strangers.filter(|(_, it)| kind == ConversationKind::Group && it.awaits_answer);
    requests::count_invitations(tx, caller, strangers.count())?;
    let now = tx.source.now();
    let id = ConversationId::new(tx.source.new_id());
    tx.made(LockKey::Conversation(id.get()));
    let row = ConversationRow {
        kind,
        title,
        creation_key: key,
        created_by: caller,
        owner: caller,
        created_at: now,
        last_position: 0,
        last_message_at: None,
        last_pin: None,
        last_pin_position: None,
        last_seq: 0,
        activity_seq: 0,
        version: 1,
        last_pin_image: None,
    };
    let founder = people::account(tx, caller)?;
    let mut members = vec![Arc::new(Membership::new(
        founder,
        MembershipState::Member,
        now,
    ))];
    for (person, landing) in landings {
        let account = people::account(tx, person)?;
        let mut member = Membership::new(account, MembershipState::Member, now);
        member.land(kind, landing);
        if member.state == MembershipState::Requested {
            groups::tell(tx, caller, EventKind::RequestCreated, (person, id));
        }
        members.push(Arc::new(member));
    }
    members.sort_by_key(|m| m.user());
    let members = Members(members);
    for user in members.present() {
        tx.rows.periods.add(NewPeriod {
            user,
            conversation: id,
            // A founder sees all its events.
            joined_seq: 0,
            first_position: 1,
        });
    }
    tx.rows.conversations.add(id, row);
    tx.rows.members.add(id, members);
    Ok(id)
}

/// Short enough for an index, however many people there are.
fn creation_key(people: &People) -> String {
    use sha2::{Digest, Sha256};
    let key = people.key();
    match people.kind() {
        ConversationKind::Direct => key,
        ConversationKind::Group => {
            let digest = Sha256::digest(key.as_bytes());
            format!("group:{}", hex(&digest))
        }
    }
}

/// What keeps two acts from making the conversation of these people both.
pub(crate) fn creation_lock(people: &People) -> LockKey {
    LockKey::CreationKey(creation_key(people))
}

/// Asks for the conversation of these people.
pub(crate) fn want(tx: &mut Tx<'_>, people: &People) {
    tx.rows.conversations_of_people.want(creation_key(people));
}

/// The conversation of these people, if there is one.
pub(crate) fn existing(tx: &mut Tx<'_>, people: &People) -> Step<Option<ConversationId>> {
    let known = tx.rows.conversations_of_people.get(&creation_key(people))?;
    Ok(known.map(|of_people| of_people.0))
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
