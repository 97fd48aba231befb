//! Changing messages that are there: deleting, editing, reacting. These acts work with the connection.

use diesel::prelude::*;
use pinwire_domain::conversation::MembershipState;
use pinwire_domain::event::EventKind;
use pinwire_domain::reaction::{By, Emoji};
use pinwire_domain::{ConversationId, PinId, Refusal, Time, UserId};

use super::post::WITHHELD;
use super::{Message, Place, reactions, reading};
use crate::conversation_pins;
use crate::conversations;
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::links::texts;
use crate::log::{About, NewEvent};
use crate::safety;
use crate::schema::{
    conversations as conversation_rows, memberships, message_exclusions, message_revisions,
    messages,
};
use crate::search;
use crate::{Snapshot, Store};

/// Why somebody does not see a message that they deleted for themselves.
const DELETED_FOR_ME: &str = "deleted_for_me";

/// A text of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// What was written.
    pub text: Option<String>,
    /// When.
    pub written_at: Time,
}

/// A message that `user` sees, to decide on.
fn seen(tx: &mut Tx<'_>, user: UserId, (id, position): Place) -> Step<Message> {
    tx.lock(LockKey::Conversation(id.get()))?;
    Ok(reading::visible(tx.conn()?, (user, id), position)?.0)
}

/// The row of a message.
macro_rules! row {
    ($place:expr) => {
        messages::table.find(($place.0.get(), $place.1))
    };
}

/// The earlier texts of a message.
macro_rules! revisions {
    ($place:expr) => {
        message_revisions::table
            .filter(message_revisions::conversation_id.eq($place.0.get()))
            .filter(message_revisions::position.eq($place.1))
    };
}

/// What an act needs that takes a text away, also from what the message is found by.
fn locks(conversation: ConversationId) -> Vec<LockKey> {
    let id = conversation.get();
    vec![LockKey::Conversation(id), LockKey::Terms(id)]
}

fn emit(tx: &mut Tx<'_>, actor: UserId, kind: EventKind, about: About) {
    let at = tx.source.now();
    tx.emit(NewEvent {
        at,
        kind,
        actor,
        about,
    });
}

fn delete_for_everyone(tx: &mut Tx<'_>, user: UserId, place: Place) -> Step<()> {
    let message = seen(tx, user, place)?;
    if !message.standing().delete_for_everyone(user)? {
        return Ok(());
    }
    erase(tx, user, place, &message)
}

/// Deletes a message for everyone, as its sender could have done.
pub(crate) fn take_down(tx: &mut Tx<'_>, place: Place) -> Step<()> {
    for key in locks(place.0) {
        tx.lock(key)?;
    }
    let message = reading::load(tx.conn()?, &[place])?.remove(&place);
    let message = message.ok_or(Refusal::MessageNotFound)?;
    if message.deleted_at.is_some() {
        return Ok(());
    }
    erase(tx, message.sender.id, place, &message)
}

/// Leaves nothing of a message but its place, who wrote it, and when.
fn erase(tx: &mut Tx<'_>, user: UserId, place: Place, message: &Message) -> Step<()> {
    let now = tx.source.now().as_millis();
    on!(tx.conn()?, c => diesel::update(row!(place))
        .set((
            messages::body.eq(None::<String>),
            messages::pin_id.eq(None::<i64>),
            messages::pin_snapshot.eq(None::<String>),
            messages::board_id.eq(None::<i64>),
            messages::board_snapshot.eq(None::<String>),
            messages::profile_id.eq(None::<i64>),
            messages::reply_to.eq(None::<i64>),
            messages::about_pin_id.eq(None::<i64>),
            messages::link_id.eq(None::<i64>),
            messages::forwarded.eq(false),
            messages::client_message_id.eq(None::<String>),
            messages::edited_at.eq(None::<i64>),
            messages::reactions.eq(None::<String>),
            messages::deleted_at.eq(now),
            messages::version.eq(messages::version + 1),
        ))
        .execute(c))?;
    on!(tx.conn()?, c => diesel::delete(revisions!(place)).execute(c))?;
    search::forget(tx, place)?;
    let about = About::Message(place.0, place.1);
    emit(tx, user, EventKind::MessageDeleted, about);
    if let Some(pin) = &message.pin {
        find_last_pin(tx.conn()?, place.0)?;
        conversation_pins::forget_unsent(tx.conn()?, place.0, PinId::new(pin.snapshot.id))?;
        tell_those_who_saw_nothing(tx, place)?;
    }
    Ok(())
}

/// Tells the members from whom a message is kept that their head has another picture: they do not hear that it was
/// deleted.
fn tell_those_who_saw_nothing(tx: &mut Tx<'_>, (id, position): Place) -> Step<()> {
    let members = memberships::table
        .filter(memberships::conversation_id.eq(id.get()))
        .filter(memberships::state.eq(MembershipState::Member.name()))
        .select(memberships::user_id);
    let kept_from: Vec<i64> = on!(tx.conn()?, c => message_exclusions::table
        .filter(message_exclusions::user_id.eq_any(members))
        .filter(message_exclusions::conversation_id.eq(id.get()))
        .filter(message_exclusions::position.eq(position))
        .order(message_exclusions::user_id)
        .select(message_exclusions::user_id)
        .load(c))?;
    for person in kept_from.into_iter().map(UserId::new) {
        emit(tx, person, EventKind::MembershipUpdated, About::Mine(id));
    }
    Ok(())
}

/// Notes anew which pin was sent last: the picture of the head must not be one that was deleted.
fn find_last_pin(conn: &mut Conn, id: ConversationId) -> Result<()> {
    let last: Option<(Option<i64>, i64)> = on!(conn, c => messages::table
        .filter(messages::conversation_id.eq(id.get()))
        .filter(messages::pin_id.is_not_null())
        .order(messages::position.desc())
        .select((messages::pin_id, messages::position))
        .first(c)
        .optional())?;
    on!(conn, c => diesel::update(conversation_rows::table.find(id.get()))
        .set((
            conversation_rows::last_pin_id.eq(last.and_then(|(pin, _)| pin)),
            conversation_rows::last_pin_position.eq(last.map(|(_, position)| position)),
        ))
        .execute(c))?;
    Ok(())
}

/// Keeps a message from the caller from now on.
fn delete_for_me(tx: &mut Tx<'_>, user: UserId, place: Place) -> Step<()> {
    let (id, position) = place;
    tx.lock(LockKey::Conversation(id.get()))?;
    let key = (user.get(), id.get(), position);
    let reason: Option<String> = on!(tx.conn()?, c => message_exclusions::table
        .find(key)
        .select(message_exclusions::reason)
        .first(c)
        .optional())?;
    if reason.as_deref() == Some(DELETED_FOR_ME) {
        return Ok(conversations::require_member(tx.conn()?, user, id)?);
    }
    seen(tx, user, place)?;
    on!(tx.conn()?, c => diesel::insert_into(message_exclusions::table)
        .values((
            message_exclusions::user_id.eq(key.0),
            message_exclusions::conversation_id.eq(key.1),
            message_exclusions::position.eq(key.2),
            message_exclusions::reason.eq(DELETED_FOR_ME),
        ))
        .execute(c))?;
    let about = About::MyMessage(id, position);
    emit(tx, user, EventKind::MessageDeleted, about);
    Ok(())
}

/// Gives a message another text, and keeps the one before.
fn edit(tx: &mut Tx<'_>, user: UserId, place: Place, text: Option<&str>) -> Step<Message> {
    let message = seen(tx, user, place)?;
    let edits: i64 = on!(tx.conn()?, c => revisions!(place).count().get_result(c))?;
    let now = tx.source.now();
    let times = usize::try_from(edits).unwrap_or(usize::MAX);
    let text = message.standing().edit(user, now, times, text)?;
    // As it was written, also if it holds what must not be delivered.
    let before: Option<String> = on!(tx.conn()?, c => row!(place).select(messages::body).first(c))?;
    if text == before {
        return Ok(message);
    }
    let written_at = message.edited_at.unwrap_or(message.created_at);
    on!(tx.conn()?, c => diesel::insert_into(message_revisions::table)
        .values((
            message_revisions::conversation_id.eq(place.0.get()),
            message_revisions::position.eq(place.1),
            message_revisions::number.eq(edits + 1),
            message_revisions::body.eq(before),
            message_revisions::written_at.eq(written_at.as_millis()),
        ))
        .execute(c))?;
    on!(tx.conn()?, c => diesel::update(row!(place))
        .set((
            messages::body.eq(&text),
            messages::edited_at.eq(now.as_millis()),
            messages::version.eq(messages::version + 1),
        ))
        .execute(c))?;
    // The event makes the new text findable.
    search::forget(tx, place)?;
    let about = About::Message(place.0, place.1);
    emit(tx, user, EventKind::MessageEdited, about);
    withhold_edited(tx, user, place)?;
    let mut edited = Message {
        text,
        edited_at: Some(now),
        version: message.version + 1,
        links: Vec::new(),
        ..message
    };
    texts::judge(tx.conn()?, std::iter::once(&mut edited))?;
    Ok(edited)
}

/// Keeps a message that was changed from those who have blocked its sender since it was sent: what they saw is gone,
/// and what it says now they never see.
fn withhold_edited(tx: &mut Tx<'_>, sender: UserId, (id, position): Place) -> Step<()> {
    for person in safety::withheld_from(tx, sender, id)? {
        let values = (
            message_exclusions::user_id.eq(person.get()),
            message_exclusions::conversation_id.eq(id.get()),
            message_exclusions::position.eq(position),
            message_exclusions::reason.eq(WITHHELD),
        );
        let added = on!(tx.conn()?, c => diesel::insert_into(message_exclusions::table)
            .values(values)
            .on_conflict_do_nothing()
            .execute(c))?;
        if added > 0 {
            let about = About::MyMessage(id, position);
            emit(tx, person, EventKind::MessageDeleted, about);
        }
    }
    Ok(())
}

/// Adds the caller's reaction, or takes it back.
fn react(tx: &mut Tx<'_>, user: UserId, place: Place, emoji: &Emoji, adds: bool) -> Step<()> {
    let withheld_from = if adds {
        safety::withheld_from(tx, user, place.0)?
    } else {
        Vec::new()
    };
    let mut message = seen(tx, user, place)?;
    if adds && message.deleted_at.is_some() {
        return Err(Refusal::MessageDeleted.into());
    }
    let by = By {
        user,
        withheld_from,
    };
    let changed = if adds {
        message.reactions.add(emoji, by)?
    } else {
        message.reactions.remove(emoji, user)
    };
    if !changed {
        return Ok(());
    }
    let kept = reactions::written(&message.reactions)?;
    on!(tx.conn()?, c => diesel::update(row!(place))
        .set((
            messages::reactions.eq(kept),
            messages::version.eq(messages::version + 1),
        ))
        .execute(c))?;
    let about = About::Message(place.0, place.1);
    emit(tx, user, EventKind::ReactionChanged, about);
    Ok(())
}

/// All texts of a message, the present one last.
fn read_revisions(conn: &mut Conn, viewer: UserId, place: Place) -> Result<(Vec<Revision>, i64)> {
    let (message, seq) = reading::visible(conn, (viewer, place.0), place.1)?;
    if message.deleted_at.is_some() {
        return Ok((Vec::new(), seq));
    }
    let rows: Vec<(Option<String>, i64)> = on!(conn, c => revisions!(place)
        .order(message_revisions::number)
        .select((message_revisions::body, message_revisions::written_at))
        .load(c))?;
    let revision = |(text, written_at)| Revision {
        text,
        written_at: Time::from_millis(written_at),
    };
    let mut all: Vec<Revision> = rows.into_iter().map(revision).collect();
    all.push(Revision {
        text: message.text,
        written_at: message.edited_at.unwrap_or(message.created_at),
    });
    texts::hide(conn, all.iter_mut().filter_map(|it| it.text.as_mut()))?;
    Ok((all, seq))
}

impl Store {
    /// Deletes a message that `user` wrote, for everyone: its place stays. A repeat does nothing.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`], [`Refusal::MessageNotFound`], [`Refusal::MessageNotYours`].
    pub async fn delete_for_everyone(
        &self,
        user: UserId,
        conversation: ConversationId,
        position: i64,
    ) -> Result<()> {
        self.act(locks(conversation), move |tx| {
            delete_for_everyone(tx, user, (conversation, position))
        })
        .await
    }

    /// Deletes a message for `user` alone. A repeat does nothing.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`], [`Refusal::MessageNotFound`].
    pub async fn delete_for_me(
        &self,
        user: UserId,
        conversation: ConversationId,
        position: i64,
    ) -> Result<()> {
        let locks = vec![LockKey::Conversation(conversation.get())];
        self.act(locks, move |tx| {
            delete_for_me(tx, user, (conversation, position))
        })
        .await
    }

    /// Changes the text of a message that `user` wrote; the message as it is then.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`], [`Refusal::MessageNotFound`], and those of
    /// [`pinwire_domain::message::Standing::edit`].
    pub async fn edit_message(
        &self,
        user: UserId,
        (conversation, position): (ConversationId, i64),
        text: Option<String>,
    ) -> Result<Message> {
        self.act(locks(conversation), move |tx| {
            edit(tx, user, (conversation, position), text.as_deref())
        })
        .await
    }

    /// All texts of a message, the present one last; none of one that was deleted.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`], [`Refusal::MessageNotFound`].
    pub async fn revisions(
        &self,
        viewer: UserId,
        conversation: ConversationId,
        position: i64,
    ) -> Result<Snapshot<Vec<Revision>>> {
        let place = (conversation, position);
        self.read_at(move |conn| conn.snapshot(|conn| read_revisions(conn, viewer, place)))
            .await
    }

    /// Puts `user`'s reaction to a message, or takes it back. A repeat does nothing.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`], [`Refusal::MessageNotFound`], [`Refusal::MessageDeleted`],
    /// [`Refusal::TooManyReactions`].
    pub async fn react(
        &self,
        user: UserId,
        (conversation, position): (ConversationId, i64),
        emoji: Emoji,
        adds: bool,
    ) -> Result<()> {
        let locks = vec![LockKey::Conversation(conversation.get())];
        self.act(locks, move |tx| {
            react(tx, user, (conversation, position), &emoji, adds)
        })
        .await
    }
}
