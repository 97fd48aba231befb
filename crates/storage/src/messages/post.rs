//! Writing a message into its conversation.

use std::sync::Arc;

use pinwire_domain::conversation::MembershipState;
use pinwire_domain::event::EventKind;
use pinwire_domain::group::Notice;
use pinwire_domain::message::{Carried, MessageKind};
use pinwire_domain::policy::Gate;
use pinwire_domain::reaction::Reactions;
use pinwire_domain::{ConversationId, PinId, Refusal, Time, UserId};

use super::content::{Attached, Content};
use super::{Message, notices};
use crate::conversations;
use crate::conversations::Still;
use crate::conversations::rows::Members;
use crate::db::loaded::Addition;
use crate::db::many::{Table, Values};
use crate::db::tx::{LockKey, Step, Tx};
use crate::links::texts;
use crate::log::{About, NewEvent};
use crate::people::Person;
use crate::{requests, safety};

/// A message's row.
pub(crate) struct NewMessage {
    conversation: ConversationId,
    position: i64,
    sender: UserId,
    text: Option<String>,
    /// What a system message tells, as JSON.
    notice: Option<String>,
    /// What it carries, and what is kept of that, as JSON.
    carried: Option<(Carried, Option<String>)>,
    reply_to: Option<i64>,
    about_pin: Option<PinId>,
    forwarded: bool,
    link: Option<i64>,
    client_message_id: Option<String>,
    created_at: Time,
}

impl Addition for NewMessage {
    const TABLE: Table = Table {
        name: "messages",
        key: &["conversation_id", "position"],
        columns: &[
            "sender_id",
            "kind",
            "text",
            "client_message_id",
            "created_at",
            "version",
            "forwarded",
            "pin_id",
            "pin_snapshot",
            "link_id",
            "board_id",
            "board_snapshot",
            "profile_id",
            "reply_to",
            "about_pin_id",
            "notice",
        ],
    };

    /// What it carries, answers, is about and tells.
    const RARE: usize = 9;

    fn values(&self) -> Values {
        let kind = match self.notice {
            Some(_) => MessageKind::System,
            None => MessageKind::User,
        };
        let (mut pin, mut board, mut profile) = ((None, None), (None, None), None);
        match &self.carried {
            Some((Carried::Pin(id), kept)) => pin = (Some(id.get()), kept.as_deref()),
            Some((Carried::Board(id), kept)) => board = (Some(id.get()), kept.as_deref()),
            Some((Carried::Profile(id), _)) => profile = Some(id.get()),
            None => {}
        }
        vec![
            self.conversation.get().into(),
            self.position.into(),
            self.sender.get().into(),
            kind.name().into(),
            self.text.as_deref().into(),
            self.client_message_id.as_deref().into(),
            self.created_at.as_millis().into(),
            FIRST_VERSION.into(),
            self.forwarded.into(),
            pin.0.into(),
            pin.1.into(),
            self.link.into(),
            board.0.into(),
            board.1.into(),
            profile.into(),
            self.reply_to.into(),
            self.about_pin.map(PinId::get).into(),
            self.notice.as_deref().into(),
        ]
    }
}

/// The version of a message that was not changed.
const FIRST_VERSION: i64 = 1;

/// Why somebody does not see a message of a person whom they had blocked.
pub(crate) const WITHHELD: &str = "withheld";

/// A message that one person does not see.
pub(crate) struct NewExclusion {
    user: UserId,
    conversation: ConversationId,
    position: i64,
}

impl Addition for NewExclusion {
    const TABLE: Table = Table {
        name: "message_exclusions",
        key: &["user_id", "conversation_id", "position"],
        columns: &["reason"],
    };

    fn values(&self) -> Values {
        vec![
            self.user.get().into(),
            self.conversation.get().into(),
            self.position.into(),
            WITHHELD.into(),
        ]
    }
}

/// What is posted into a conversation.
pub(crate) struct Post<'a> {
    pub(crate) sender: UserId,
    pub(crate) content: &'a Content,
    pub(crate) client_message_id: Option<&'a str>,
}

/// Writes a message at the next position of a conversation that the sender is a member of.
pub(crate) fn post(tx: &mut Tx<'_>, id: ConversationId, post: &Post<'_>) -> Step<Arc<Message>> {
    tx.lock(LockKey::Conversation(id.get()))?;
    let mut conversation = conversations::row(tx, id)?;
    let mut members = conversations::members(tx, id)?;
    let now = tx.source.now();
    let before = Still::of(&conversation);
    let content = post.content;
    let position = conversation.takes_message(now, content.pin().map(|pin| &pin.snapshot));
    requests::settle(tx, (id, conversation.kind, position), post, &mut members)?;
    let mine = members.present_mut(post.sender);
    let mine = mine.ok_or(Refusal::ConversationNotFound)?;
    // Who writes has read what stands above.
    mine.read_up_to(position, position);
    mine.shown_position = position;
    mine.messages_sent += 1;
    mine.pins_sent += i64::from(content.pin().is_some());
    mine.last_sent_at = Some(now.as_millis());
    let sender = Person::clone(&mine.person);
    let withheld = withhold(tx, (id, position), post.sender, &mut members, &before)?;
    tx.rows.messages.add(NewMessage {
        conversation: id,
        position,
        sender: post.sender,
        notice: None,
        text: content.text.clone(),
        carried: content.attached.as_ref().map(Attached::kept).transpose()?,
        reply_to: content.reply_to.as_ref().map(|it| it.position),
        about_pin: content.about_pin,
        forwarded: content.forwarded,
        link: content.pin().and_then(|pin| pin.snapshot.link_id),
        client_message_id: post.client_message_id.map(str::to_owned),
        created_at: now,
    });
    tx.rows.conversations.put(id, conversation);
    tx.rows.members.put(id, members);
    let mut message = Message {
        conversation: id,
        position,
        sender,
        kind: MessageKind::User,
        text: content.text.clone(),
        pin: content.pin().cloned(),
        board: content.board(),
        profile: content.profile().cloned(),
        reply_to: content.reply_to.clone(),
        about_pin: content.about_pin,
        forwarded: content.forwarded,
        client_message_id: post.client_message_id.map(str::to_owned),
        created_at: now,
        edited_at: None,
        deleted_at: None,
        version: FIRST_VERSION,
        notice: None,
        reactions: Reactions::default(),
        links: Vec::new(),
    };
    texts::judge_new(tx, &mut message)?;
    let message = Arc::new(message);
    let event = NewEvent {
        at: now,
        kind: EventKind::MessageCreated,
        actor: post.sender,
        about: About::Message(id, position),
    };
    tx.emit_message(event, &message, &withheld);
    Ok(message)
}

/// Writes at a place what `actor` did to the group.
pub(crate) fn announce(
    tx: &mut Tx<'_>,
    (conversation, position): (ConversationId, i64),
    (actor, at): (UserId, Time),
    notice: &Notice,
) -> Step<()> {
    tx.rows.messages.add(NewMessage {
        conversation,
        position,
        sender: actor,
        text: None,
        notice: Some(notices::written(notice)?),
        carried: None,
        reply_to: None,
        about_pin: None,
        forwarded: false,
        link: None,
        client_message_id: None,
        created_at: at,
    });
    Ok(())
}

/// Keeps a message from the members whose gate withholds it; who they are.
fn withhold(
    tx: &mut Tx<'_>,
    (conversation, position): (ConversationId, i64),
    sender: UserId,
    members: &mut Members,
    before: &Still,
) -> Step<Vec<UserId>> {
    let blockers = members
        .0
        .iter()
        .filter(|m| m.has_blocks && m.user() != sender);
    let blockers: Vec<UserId> = blockers
        .filter(|m| m.state == MembershipState::Member)
        .map(|m| m.user())
        .collect();
    let mut withheld = Vec::new();
    for (user, gate) in safety::gates(tx, sender, &blockers)? {
        if gate == Gate::Withheld {
            tx.rows.exclusions.add(NewExclusion {
                user,
                conversation,
                position,
            });
            withheld.push(user);
        }
    }
    for member in &mut members.0 {
        if withheld.contains(&member.user()) {
            let member = Arc::make_mut(member);
            member.last_excluded = Some(position);
            member.uncounted = member.uncounted.map(|n| n + 1);
            member.still.get_or_insert_with(|| before.clone());
        }
    }
    members.move_on(&withheld);
    Ok(withheld)
}
