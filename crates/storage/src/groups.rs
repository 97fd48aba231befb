//! Groups: their title, and who comes and goes. These acts work with the connection.

use diesel::prelude::*;
use pinwire_domain::conversation::{self, MembershipState, SendMode};
use pinwire_domain::event::EventKind;
use pinwire_domain::group::{self, Entry, History, Notice, NoticeCode, WaitsFor};
use pinwire_domain::{ConversationId, Refusal, Time, UserId};
use serde::{Deserialize, Serialize};

use crate::conversations::rows::{ConversationRow, Members};
use crate::db::on;
use crate::db::tx::{LockKey, Step, Tx};
use crate::error::Result;
use crate::idempotency::{self, IdempotencyKey, Keep, Made};
use crate::log::{self, About, NewEvent, PeriodChange};
use crate::messages::post;
use crate::schema::conversations as conversation_rows;
use crate::{Store, conversations, drafts, heads, people, requests, safety};

/// What adding made of one person, as who added them may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Added {
    /// Took part before.
    Member,
    /// Takes part now.
    Added,
    /// Is asked.
    Asked,
}

impl From<Entry> for Added {
    fn from(entry: Entry) -> Self {
        match entry {
            Entry::Member => Self::Member,
            Entry::Added => Self::Added,
            Entry::Asked | Entry::Waits(_) => Self::Asked,
        }
    }
}

/// A group that is to be changed.
pub(crate) struct Group {
    pub(crate) id: ConversationId,
    pub(crate) row: ConversationRow,
    pub(crate) members: Members,
}

impl Group {
    /// The group as it is, whoever asks.
    pub(crate) fn open(tx: &mut Tx<'_>, id: ConversationId) -> Step<Self> {
        tx.lock(LockKey::Conversation(id.get()))?;
        // The act runs by itself from here on.
        tx.conn()?;
        let row = conversations::row(tx, id)?;
        let members = conversations::members(tx, id)?;
        Ok(Self { id, row, members })
    }

    /// The group as one of its members may change it.
    fn of_member(tx: &mut Tx<'_>, user: UserId, id: ConversationId) -> Step<Self> {
        let group = Self::open(tx, id)?;
        if group.members.state(user) != Some(MembershipState::Member) {
            return Err(Refusal::ConversationNotFound.into());
        }
        Ok(group)
    }

    /// Where the message stands that tells of the change.
    pub(crate) const fn position(&self) -> i64 {
        self.row.last_position + 1
    }

    /// Writes the change, the message that tells of it, and the event that brings both to all members.
    pub(crate) fn close(
        mut self,
        tx: &mut Tx<'_>,
        (actor, kind): (UserId, EventKind),
        notice: &Notice,
        periods: Vec<PeriodChange>,
    ) -> Step<()> {
        let now = tx.source.now();
        let position = self.position();
        self.row.owner = notice.owner.unwrap_or(self.row.owner);
        if notice.code == NoticeCode::TitleChanged {
            self.row.title.clone_from(&notice.title);
        }
        on!(tx.conn()?, c => diesel::update(conversation_rows::table.find(self.id.get()))
            .set((
                conversation_rows::title.eq(&self.row.title),
                // Its people or its title are others now: it is not found again by them.
                conversation_rows::creation_key.eq(None::<String>),
                conversation_rows::owner_id.eq(self.row.owner.get()),
                conversation_rows::last_position.eq(position),
                conversation_rows::last_message_at.eq(now.as_millis()),
                conversation_rows::version.eq(conversation_rows::version + 1),
            ))
            .execute(c))?;
        self.members.move_on(&[]);
        post::announce(tx, (self.id, position), (actor, now), notice)?;
        tx.rows.members.put(self.id, self.members);
        let event = NewEvent {
            at: now,
            kind,
            actor,
            about: About::Message(self.id, position),
        };
        tx.emit_changing(event, periods);
        Ok(())
    }
}

/// Tells one person what a conversation that they take no part in has to do with them.
pub(crate) fn tell(
    tx: &mut Tx<'_>,
    actor: UserId,
    kind: EventKind,
    (person, id): (UserId, ConversationId),
) {
    let at = tx.source.now();
    tx.emit(NewEvent {
        at,
        kind,
        actor,
        about: About::Theirs(person, id),
    });
}

/// Gives the group another title.
fn name(tx: &mut Tx<'_>, user: UserId, id: ConversationId, title: Option<&str>) -> Step<()> {
    let group = Group::of_member(tx, user, id)?;
    group::check_kind(group.row.kind)?;
    let title = group::title(title)?;
    if title == group.row.title {
        return Ok(());
    }
    let notice = Notice {
        title,
        ..Notice::new(NoticeCode::TitleChanged)
    };
    let by = (user, EventKind::ConversationUpdated);
    group.close(tx, by, &notice, Vec::new())
}

/// Whom a member adds, and from where on they see.
struct Adding<'a> {
    user: UserId,
    people: &'a [UserId],
    history: History,
    people_max: usize,
}

/// What becomes of each. Strangers who are asked are counted.
fn entries(tx: &mut Tx<'_>, group: &Group, adding: &Adding<'_>) -> Step<Vec<(UserId, Entry)>> {
    let Adding { user, people, .. } = *adding;
    let mut available = Vec::with_capacity(people.len());
    for person in people {
        // No block may be decided meanwhile.
        tx.lock(LockKey::User(person.get()))?;
        available.push(people::is_available(tx, user, *person)?);
    }
    conversation::check_available(SendMode::Group, &available)?;
    let mut entries: Vec<(UserId, Entry)> = Vec::with_capacity(people.len());
    let mut strangers = 0;
    for (person, landing) in safety::landings(tx, user, people)? {
        if entries.iter().all(|(known, _)| *known != person) {
            let entry = group::entry(group.members.state(person), landing.gate);
            let is_asked = matches!(entry, Entry::Asked | Entry::Waits(WaitsFor::Nothing));
            strangers += usize::from(is_asked && landing.awaits_answer);
            entries.push((person, entry));
        }
    }
    requests::count_invitations(tx, user, strangers)?;
    Ok(entries)
}

/// Adds people, or asks them.
fn add(tx: &mut Tx<'_>, id: ConversationId, adding: &Adding<'_>) -> Step<Vec<(i64, Added)>> {
    let mut group = Group::of_member(tx, adding.user, id)?;
    group::check_kind(group.row.kind)?;
    if adding.people.is_empty() {
        return Err(Refusal::NoRecipients.into());
    }
    group::check_room(0, adding.people.len(), adding.people_max)?;
    let entries = entries(tx, &group, adding)?;
    let now = tx.source.now();
    let before = group.members.count();
    let position = group.position();
    let kept = adding.history.kept();
    let first_position = group::first_position(kept, position);
    for (person, entry) in &entries {
        let account = people::account(tx, *person)?;
        match entry {
            Entry::Member | Entry::Waits(WaitsFor::Answer) => {}
            Entry::Added => group.members.meet(account, now, |member| {
                member.join(now, first_position, position - 1);
            }),
            Entry::Asked => group
                .members
                .meet(account, now, |member| member.ask(now, kept)),
            Entry::Waits(WaitsFor::Nothing) => group
                .members
                .meet(account, now, |member| member.end(MembershipState::Ignored)),
        }
    }
    let more = group.members.count().saturating_sub(before);
    group::check_room(before, more, adding.people_max)?;
    let who = |wanted| {
        let those = entries.iter().filter(move |(_, entry)| *entry == wanted);
        those.map(|(person, _)| *person)
    };
    let added: Vec<UserId> = who(Entry::Added).collect();
    if added.is_empty() {
        tx.rows.members.put(id, group.members);
        log::note_unlogged(tx.conn()?)?;
    } else {
        let notice = Notice {
            people: added.clone(),
            ..Notice::new(NoticeCode::MembersAdded)
        };
        let begins = |user| PeriodChange::Begins {
            user,
            first_position,
        };
        let by = (adding.user, EventKind::MemberJoined);
        group.close(tx, by, &notice, added.into_iter().map(begins).collect())?;
    }
    for person in who(Entry::Asked) {
        tell(tx, adding.user, EventKind::RequestCreated, (person, id));
    }
    let outcome = entries.iter();
    Ok(outcome
        .map(|(person, entry)| (person.get(), Added::from(*entry)))
        .collect())
}

/// Takes somebody out, or no longer asks them.
fn remove(tx: &mut Tx<'_>, user: UserId, id: ConversationId, person: UserId) -> Step<()> {
    if person == user {
        return leave(tx, user, id);
    }
    tx.lock(LockKey::User(person.get()))?;
    let mut group = Group::of_member(tx, user, id)?;
    group::check_kind(group.row.kind)?;
    group::check_owner(group.row.owner, user)?;
    let standing = group.members.state(person);
    let member = group.members.any_mut(person);
    let member = member.filter(|it| it.state.takes_room());
    member
        .ok_or(Refusal::MemberNotFound)?
        .end(MembershipState::Removed);
    if standing == Some(MembershipState::Member) {
        // His head goes: none that the bound has pushed out may come back for it.
        heads::settle(tx, person)?;
        let notice = Notice {
            people: vec![person],
            ..Notice::new(NoticeCode::MemberRemoved)
        };
        part(tx, group, (user, person), &notice)
    } else {
        tx.rows.members.put(id, group.members);
        log::note_unlogged(tx.conn()?)?;
        if standing == Some(MembershipState::Requested) {
            tell(tx, user, EventKind::MemberLeft, (person, id));
        }
        Ok(())
    }
}

/// Goes by oneself.
fn leave(tx: &mut Tx<'_>, user: UserId, id: ConversationId) -> Step<()> {
    tx.lock(LockKey::User(user.get()))?;
    let mut group = Group::of_member(tx, user, id)?;
    group::check_leavable(group.row.kind)?;
    if let Some(member) = group.members.any_mut(user) {
        member.end(MembershipState::Left);
    }
    let mut notice = Notice::new(NoticeCode::MemberLeft);
    if group.row.owner == user {
        let present = group.members.0.iter();
        let present = present.filter(|m| m.state == MembershipState::Member);
        notice.owner =
            group::next_owner(present.map(|m| (Time::from_millis(m.created_at), m.user())));
    }
    heads::settle(tx, user)?;
    part(tx, group, (user, user), &notice)
}

/// Ends a time of membership, tells those who stay, and apart from them who goes.
fn part(
    tx: &mut Tx<'_>,
    group: Group,
    (actor, person): (UserId, UserId),
    notice: &Notice,
) -> Step<()> {
    let id = group.id;
    let ends = PeriodChange::Ends {
        user: person,
        last_position: group.row.last_position,
    };
    drafts::forget(tx, person, id)?;
    heads::forget(tx, person, id)?;
    let by = (actor, EventKind::MemberLeft);
    group.close(tx, by, notice, vec![ends])?;
    tell(tx, actor, EventKind::MemberLeft, (person, id));
    Ok(())
}

impl Store {
    /// Gives a group another title, or none. The one it has is no change: no event.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`] for who takes no part, [`Refusal::NotAGroup`], [`Refusal::InvalidValue`].
    pub async fn name_group(
        &self,
        user: UserId,
        id: ConversationId,
        title: Option<String>,
    ) -> Result<()> {
        self.act(vec![LockKey::Conversation(id.get())], move |tx| {
            name(tx, user, id, title.as_deref())
        })
        .await
    }

    /// Adds contacts of `user` to a group and asks the others; tells what became of each.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`] for who takes no part, [`Refusal::NotAGroup`], [`Refusal::NoRecipients`],
    /// [`Refusal::RecipientUnavailable`], [`Refusal::TooManyPeople`], and those of the idempotency key.
    pub async fn add_members(
        &self,
        user: UserId,
        id: ConversationId,
        people: Vec<UserId>,
        history: History,
        key: Option<IdempotencyKey>,
    ) -> Result<Made<Vec<(i64, Added)>>> {
        let people_max = self.people_max();
        let mut locks = idempotency::lock(user, key.as_ref());
        locks.push(LockKey::Conversation(id.get()));
        locks.extend(people.iter().map(|person| LockKey::User(person.get())));
        self.act(locks, move |tx| {
            let adding = Adding {
                user,
                people: &people,
                history,
                people_max,
            };
            tx.once(user, key.as_ref(), Keep::Day, |tx| add(tx, id, &adding))
        })
        .await
    }

    /// Removes somebody from a group that is `user`'s, or takes the request to them back; `user` themselves leaves.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`] for who takes no part, [`Refusal::NotAGroup`],
    /// [`Refusal::ConversationNotYours`], [`Refusal::MemberNotFound`], and those of [`Store::leave_group`].
    pub async fn remove_member(
        &self,
        user: UserId,
        id: ConversationId,
        person: UserId,
    ) -> Result<()> {
        let locks = vec![LockKey::User(person.get()), LockKey::Conversation(id.get())];
        self.act(locks, move |tx| remove(tx, user, id, person))
            .await
    }

    /// Leaves a group. If it was `user`'s, it passes to who has been there the longest.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`] for who takes no part, [`Refusal::DirectNotLeavable`].
    pub async fn leave_group(&self, user: UserId, id: ConversationId) -> Result<()> {
        let locks = vec![LockKey::User(user.get()), LockKey::Conversation(id.get())];
        self.act(locks, move |tx| leave(tx, user, id)).await
    }
}
