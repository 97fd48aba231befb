//! Messages: writing one into its conversation, and reading them as one person sees them.

mod reading;

use diesel::prelude::*;
use pinwire_domain::message::{MessageDraft, MessageKind, PinState};
use pinwire_domain::policy::Gate;
use pinwire_domain::{ConversationId, Time, UserId};

pub use reading::Page;
pub(crate) use reading::{MessageRow, Place, exclusions, holding_pin, load, message_columns};

use crate::conversations;
use crate::db::batch::{Abort, LockKey, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::log::{About, NewEvent};
use crate::people::Person;
use crate::pin_snapshots::PinSnapshot;
use crate::safety;
use crate::schema::{
    conversations as conversation_rows, memberships, message_exclusions, messages,
};

/// A message as a member sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its conversation.
    pub conversation: ConversationId,
    /// Its gapless place there, from 1.
    pub position: i64,
    /// Who wrote it.
    pub sender: Person,
    /// What wrote it.
    pub kind: MessageKind,
    /// What was written.
    pub text: Option<String>,
    /// The pin as it was sent, and how it stands now.
    pub pin: Option<(PinSnapshot, PinState)>,
    /// The sender's own mark; for the sender's devices only.
    pub client_message_id: Option<String>,
    /// When it was sent.
    pub created_at: Time,
    /// When it was deleted for everyone.
    pub deleted_at: Option<Time>,
    /// Grows with each change.
    pub version: i64,
}

#[derive(Insertable)]
#[diesel(table_name = messages, treat_none_as_default_value = false)]
struct NewMessage {
    conversation_id: i64,
    position: i64,
    sender_id: i64,
    kind: &'static str,
    #[diesel(column_name = body)]
    text: Option<String>,
    pin_id: Option<i64>,
    pin_snapshot: Option<String>,
    client_message_id: Option<String>,
    created_at: i64,
    version: i64,
}

/// What is posted into a conversation.
pub(crate) struct Post<'a> {
    pub(crate) sender: UserId,
    pub(crate) draft: &'a MessageDraft,
    pub(crate) pin: Option<&'a PinSnapshot>,
    pub(crate) client_message_id: Option<&'a str>,
}

/// Writes a message at the next position of a conversation that the sender is a member of.
pub(crate) fn post(
    tx: &mut Tx<'_>,
    conversation: ConversationId,
    post: &Post<'_>,
) -> std::result::Result<i64, Abort> {
    tx.lock(LockKey::Conversation(conversation.get()))?;
    let now = tx.source.now();
    let conn = &mut *tx.conn;
    let counter = conversation_rows::table.find(conversation.get());
    let position: i64 = match post.pin {
        Some(pin) => on!(conn, c => diesel::update(counter)
            .set((
                conversation_rows::last_position.eq(conversation_rows::last_position + 1),
                conversation_rows::last_message_at.eq(now.as_millis()),
                conversation_rows::last_pin_id.eq(pin.id),
            ))
            .returning(conversation_rows::last_position)
            .get_result(c))?,
        None => on!(conn, c => diesel::update(counter)
            .set((
                conversation_rows::last_position.eq(conversation_rows::last_position + 1),
                conversation_rows::last_message_at.eq(now.as_millis()),
            ))
            .returning(conversation_rows::last_position)
            .get_result(c))?,
    };
    let row = NewMessage {
        conversation_id: conversation.get(),
        position,
        sender_id: post.sender.get(),
        kind: MessageKind::User.name(),
        text: post.draft.text.clone(),
        pin_id: post.pin.map(|p| p.id),
        pin_snapshot: post.pin.map(serde_json::to_string).transpose()?,
        client_message_id: post.client_message_id.map(str::to_owned),
        created_at: now.as_millis(),
        version: 1,
    };
    on!(conn, c => diesel::insert_into(messages::table).values(&row).execute(c))?;
    // Who writes has read what stands above.
    on!(conn, c => diesel::update(memberships::table.find((conversation.get(), post.sender.get())))
        .set((
            memberships::read_position.eq(position),
            memberships::unread_flag.eq(false),
            memberships::messages_sent.eq(memberships::messages_sent + 1),
            memberships::pins_sent.eq(memberships::pins_sent + i64::from(post.pin.is_some())),
            memberships::last_sent_at.eq(now.as_millis()),
            memberships::version.eq(memberships::version + 1),
        ))
        .execute(c))?;
    withhold(conn, conversation, position, post.sender)?;
    tx.emit(NewEvent {
        at: now,
        kind: pinwire_domain::event::EventKind::MessageCreated,
        actor: post.sender,
        about: About::Message(conversation, position),
    });
    Ok(position)
}

/// Keeps a message from the members whose gate withholds it.
fn withhold(
    conn: &mut Conn,
    conversation: ConversationId,
    position: i64,
    sender: UserId,
) -> Result<()> {
    let members = conversations::member_ids(conn, conversation)?;
    let others: Vec<UserId> = members.into_iter().filter(|m| *m != sender).collect();
    for (receiver, gate) in safety::gates(conn, sender, &others)? {
        if gate == Gate::Withheld {
            let values = (
                message_exclusions::user_id.eq(receiver.get()),
                message_exclusions::conversation_id.eq(conversation.get()),
                message_exclusions::position.eq(position),
                message_exclusions::reason.eq("withheld"),
            );
            on!(conn, c => diesel::insert_into(message_exclusions::table)
                .values(&values)
                .execute(c))?;
        }
    }
    Ok(())
}
