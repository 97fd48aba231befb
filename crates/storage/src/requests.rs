//! Contact requests: the conversations that a person is asked into.

mod held;

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use pinwire_domain::contact_request::{self, Answer};
use pinwire_domain::conversation::{ConversationKind, MembershipState, People};
use pinwire_domain::event::EventKind;
use pinwire_domain::group::{self, Notice, NoticeCode};
use pinwire_domain::policy::Gate;
use pinwire_domain::{ConversationId, Refusal, Time, UserId, limits};

use crate::conversations::rows::Members;
use crate::conversations::{self, Conversation};
use crate::db::loaded::Addition;
use crate::db::many::{Table, Values};
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::groups::{Group, tell};
use crate::log::{About, NewEvent, PeriodChange};
use crate::messages::content::Content;
use crate::messages::post::Post;
use crate::messages::{self, Message, Place};
use crate::page::{Page, one_more};
use crate::schema::memberships;
use crate::{Snapshot, Store, safety};
use held::Asking;
pub(crate) use held::{Delivery, reviewed};

/// A conversation that somebody is asked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The conversation, of which they see title and people.
    pub conversation: Conversation,
    /// The message that asks, in a conversation of two.
    pub message: Option<Message>,
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

/// Takes the other one of a conversation of two. Nobody but the person learns of it.
fn accept_direct(tx: &mut Tx<'_>, user: UserId, mut direct: Group) {
    let id = direct.id;
    let position = direct.position();
    if let Some(member) = direct.members.any_mut(user) {
        let first_position = member.accept(position);
        told_accepted(tx, user, id, first_position);
    }
    tx.rows.members.put(id, direct.members);
}

fn told_accepted(tx: &mut Tx<'_>, user: UserId, id: ConversationId, first_position: i64) {
    let at = tx.source.now();
    let event = NewEvent {
        at,
        kind: EventKind::RequestAccepted,
        actor: user,
        about: About::Mine(id),
    };
    let begins = PeriodChange::Begins {
        user,
        first_position,
    };
    tx.emit_changing(event, vec![begins]);
}

/// Settles what a message at a place has to do with requests: whether it may be written, whom it asks, and whom it
/// answers.
pub(crate) fn settle(
    tx: &mut Tx<'_>,
    (id, kind, position): (ConversationId, ConversationKind, i64),
    post: &Post<'_>,
    members: &mut Members,
) -> Step<()> {
    if kind == ConversationKind::Direct {
        answer(tx, (id, position), post.sender, members);
    }
    knock(tx, (id, kind), post, members)
}

/// Who writes to somebody who waits for their answer, has answered: `position` is where they write. A group is joined
/// before all its members' eyes, by accepting alone.
fn answer(
    tx: &mut Tx<'_>,
    (id, position): (ConversationId, i64),
    sender: UserId,
    members: &mut Members,
) {
    let asked = [MembershipState::Requested, MembershipState::Ignored];
    if members.state(sender).is_some_and(|it| asked.contains(&it))
        && let Some(mine) = members.any_mut(sender)
    {
        let first_position = mine.accept(position);
        told_accepted(tx, sender, id, first_position);
    }
}

/// A message to somebody whose answer is awaited is the first one, and asks them. They hear of it, unless their gate
/// withholds it.
fn knock(
    tx: &mut Tx<'_>,
    (id, kind): (ConversationId, ConversationKind),
    post: &Post<'_>,
    members: &mut Members,
) -> Step<()> {
    let Some(other) = awaited(kind, post.sender, members) else {
        return Ok(());
    };
    let before = conversations::row(tx, id)?.last_position;
    check_first(before, post.content)?;
    let age = check_day(tx, post.sender)?;
    let asked = Asking {
        conversation: id,
        sender: post.sender,
        receiver: other,
        is_new: contact_request::is_new(age),
    };
    // Before it is known where it lands: whoever asks waits as long in every case.
    let is_held = match post.content.pin() {
        Some(pin) => held::hold(tx, &asked, &pin.snapshot)?,
        None => false,
    };
    let landings = safety::landings(tx, post.sender, &[other])?;
    let withheld = is_held || landings.iter().any(|(_, it)| it.gate == Gate::Withheld);
    if !withheld && deliver(members, other) {
        tell(tx, post.sender, EventKind::RequestCreated, (other, id));
    }
    Ok(())
}

/// Lets the receiver of a first message hear of it.
fn deliver(members: &mut Members, receiver: UserId) -> bool {
    let member = members.any_mut(receiver);
    let Some(member) = member.filter(|it| it.answer == Some(Answer::Awaited)) else {
        return false;
    };
    member.state = MembershipState::Requested;
    member.first_position = 1;
    member.version += 1;
    true
}

/// Whose answer is awaited in a conversation of two.
fn awaited(kind: ConversationKind, sender: UserId, members: &Members) -> Option<UserId> {
    let mut others = members.0.iter().filter(|m| m.user() != sender);
    let other = others.next().filter(|_| kind == ConversationKind::Direct)?;
    let awaits = other.answer == Some(Answer::Awaited) && other.state != MembershipState::Member;
    awaits.then(|| other.user())
}

fn check_first(last_position: i64, content: &Content) -> Step<()> {
    let text = content.text.as_deref();
    Ok(contact_request::check(
        last_position,
        content.pin().is_some(),
        text,
    )?)
}

/// How many strangers somebody has asked.
#[derive(QueryableByName)]
struct Asked {
    #[diesel(sql_type = BigInt)]
    today: i64,
    #[diesel(sql_type = BigInt)]
    unanswered: i64,
    #[diesel(sql_type = BigInt)]
    signed_up_at: i64,
}

/// Makes sure that somebody may ask one more stranger today; how old their account is, in milliseconds. Those of the same
/// send are not among the ones before.
fn check_day(tx: &mut Tx<'_>, sender: UserId) -> Step<i64> {
    tx.lock(LockKey::User(sender.get()))?;
    let now = tx.source.now();
    // SQLite numbers values by where they stand first. Who keeps silent and who declines make no difference, since the
    // sender must not learn it.
    let asked = "select count(*) from conversations c
        join memberships m on m.conversation_id = c.id and m.user_id <> c.created_by
        join messages f on f.conversation_id = c.id and f.position = 1
        where c.created_by = u.id and c.kind = 'direct' and f.created_at >";
    let query = format!(
        "select ({asked} $1 and m.answer is not null) as today,
                ({asked} $2 and m.answer = 'awaited') as unanswered,
                u.created_at as signed_up_at from users u where u.id = $3"
    );
    let found: Asked = on!(tx.conn()?, c => diesel::sql_query(query)
        .bind::<BigInt, _>(now.plus_millis(-limits::DAY_MS).as_millis())
        .bind::<BigInt, _>(now.plus_millis(-limits::REQUESTS_UNANSWERED_MS).as_millis())
        .bind::<BigInt, _>(sender.get())
        .get_result(c))?;
    let age = now.as_millis() - found.signed_up_at;
    contact_request::check_day(found.today, found.unanswered, age)?;
    Ok(age)
}

/// Somebody whom a person asks into a group.
pub(crate) struct NewInvitation {
    id: i64,
    inviter: UserId,
    created_at: Time,
}

impl Addition for NewInvitation {
    const TABLE: Table = Table {
        name: "group_invitations",
        key: &["id"],
        columns: &["inviter_id", "created_at"],
    };

    fn values(&self) -> Values {
        vec![
            self.id.into(),
            self.inviter.get().into(),
            self.created_at.as_millis().into(),
        ]
    }
}

/// Makes sure that somebody may ask so many more people into a group today, and counts them. Those of the same act are
/// not among the ones before.
pub(crate) fn count_invitations(tx: &mut Tx<'_>, inviter: UserId, people: usize) -> Step<()> {
    if people == 0 {
        return Ok(());
    }
    // Nobody counts the same beside it.
    tx.lock(LockKey::User(inviter.get()))?;
    let now = tx.source.now();
    let query = "select u.created_at as signed_up_at, cast(0 as bigint) as unanswered, (
            select count(*) from group_invitations i where i.inviter_id = u.id and i.created_at > $1
        ) as today from users u where u.id = $2";
    let found: Asked = on!(tx.conn()?, c => diesel::sql_query(query)
        .bind::<BigInt, _>(now.plus_millis(-limits::DAY_MS).as_millis())
        .bind::<BigInt, _>(inviter.get())
        .get_result(c))?;
    let age = now.as_millis() - found.signed_up_at;
    contact_request::check_invitations(found.today, age)?;
    for _ in 0..people {
        let id = tx.source.new_id();
        tx.rows.invitations.add(NewInvitation {
            id,
            inviter,
            created_at: now,
        });
    }
    Ok(())
}

/// Makes sure that somebody may write this into a conversation, as far as an answer is awaited there.
pub(crate) fn check_writing(
    tx: &mut Tx<'_>,
    sender: UserId,
    id: ConversationId,
    content: &Content,
) -> Step<()> {
    let row = conversations::row(tx, id)?;
    let members = conversations::members(tx, id)?;
    match awaited(row.kind, sender, &members) {
        Some(_) => {
            check_first(row.last_position, content)?;
            check_day(tx, sender)?;
            Ok(())
        }
        None => Ok(()),
    }
}

/// As [`check_writing`], where two people have no conversation yet.
pub(crate) fn check_beginning(
    tx: &mut Tx<'_>,
    sender: UserId,
    other: UserId,
    content: &Content,
) -> Step<()> {
    let landings = safety::landings(tx, sender, &[other])?;
    if landings.iter().any(|(_, it)| it.awaits_answer) {
        check_first(0, content)?;
        check_day(tx, sender)?;
    }
    Ok(())
}

/// Joins.
fn accept(tx: &mut Tx<'_>, user: UserId, id: ConversationId) -> Step<()> {
    let mut group = of_asked(tx, user, id)?;
    if group.row.kind == ConversationKind::Direct {
        accept_direct(tx, user, group);
        return Ok(());
    }
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
    let mut first = first_messages(conn, &all)?;
    let items = page.items.iter();
    let items = items.filter_map(|(id, asked_at)| {
        let id = ConversationId::new(*id);
        let mut conversation = all.remove(&id)?;
        conversation.members.retain(|it| it.person.id != user);
        Some(Request {
            conversation,
            message: first.remove(&(id, 1)),
            asked_at: Time::from_millis(*asked_at),
        })
    });
    Ok(Page {
        items: items.collect(),
        next: page.next,
    })
}

/// One conversation that `user` is asked into.
pub(crate) fn find(conn: &mut Conn, user: UserId, id: ConversationId) -> Result<Request> {
    let page = page(conn, user, id.get().saturating_add(1), 1)?;
    let mut found = page.items.into_iter();
    let found = found.find(|it| it.conversation.id == id);
    Ok(found.ok_or(Refusal::RequestNotFound)?)
}

/// The messages that ask in those of these conversations that are of two.
fn first_messages(
    conn: &mut Conn,
    all: &HashMap<ConversationId, Conversation>,
) -> Result<HashMap<Place, Message>> {
    let directs = all.values();
    let directs = directs.filter(|it| it.kind == ConversationKind::Direct);
    let places: Vec<Place> = directs.map(|it| (it.id, 1)).collect();
    messages::load(conn, &places)
}

/// A request that waits for `user` from this person is gone, without a word to them.
pub(crate) fn ignore_of(tx: &mut Tx<'_>, user: UserId, other: UserId) -> Step<()> {
    let people = People::new(user, [other], 2)?;
    let Some(id) = conversations::existing(tx, &people)? else {
        return Ok(());
    };
    tx.lock(LockKey::Conversation(id.get()))?;
    if conversations::members(tx, id)?.state(user) == Some(MembershipState::Requested) {
        ignore(tx, user, id)?;
    }
    Ok(())
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
        self.snapshot(move |conn| find(conn, user, id)).await
    }
}
