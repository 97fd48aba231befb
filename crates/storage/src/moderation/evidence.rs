//! Evidence: what was there when somebody reported it, kept apart for moderators.

use std::collections::HashMap;

use diesel::prelude::*;
use pinwire_domain::board::Access;
use pinwire_domain::conversation::ConversationKind;
use pinwire_domain::report::Subject;
use pinwire_domain::{ConversationId, PinId, Refusal, Time, UserId, limits};
use serde::Serialize;

use crate::conversations;
use crate::db::tx::{Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::messages::{self, Message};
use crate::people::Person;
use crate::pin_snapshots::SentPin;
use crate::schema::{messages as message_rows, users};
use crate::{pins, requests};

/// What a reporter sees of a subject.
pub(super) struct Evidence {
    /// Whose it is; of a group, nobody's.
    pub(super) accused: Option<UserId>,
    kept: Kept,
}

impl Evidence {
    /// As it is stored.
    pub(super) fn written(&self) -> Result<String> {
        Ok(serde_json::to_string(&self.kept)?)
    }
}

/// A person.
#[derive(Serialize)]
struct KeptPerson {
    id: String,
    username: String,
    full_name: String,
}

impl KeptPerson {
    fn of(person: &Person) -> Self {
        Self {
            id: person.id.to_string(),
            username: person.username.clone(),
            full_name: person.full_name.clone(),
        }
    }
}

/// A pin as it was sent.
#[derive(Serialize)]
struct KeptSentPin {
    id: String,
    owner_id: String,
    title: Option<String>,
    description: Option<String>,
    link: Option<String>,
    image_url: String,
    verdict: Option<&'static str>,
}

impl KeptSentPin {
    fn of(pin: &SentPin) -> Self {
        let it = pin.snapshot.clone();
        Self {
            id: it.id.to_string(),
            owner_id: it.owner_id.to_string(),
            title: it.title,
            description: it.description,
            link: it.link,
            image_url: it.image_url,
            verdict: pin.link_check.as_ref().map(|check| check.verdict.name()),
        }
    }
}

/// A board that a message shares.
#[derive(Serialize)]
struct KeptBoard {
    id: String,
    name: String,
}

#[derive(Serialize)]
struct KeptMessage {
    position: i64,
    sender: KeptPerson,
    text: Option<String>,
    pin: Option<KeptSentPin>,
    board: Option<KeptBoard>,
    user: Option<KeptPerson>,
    created_at: String,
    edited_at: Option<String>,
}

impl KeptMessage {
    fn of(message: &Message) -> Self {
        Self {
            position: message.position,
            sender: KeptPerson::of(&message.sender),
            text: message.text.clone(),
            pin: message.pin.as_ref().map(KeptSentPin::of),
            board: message.board.as_ref().map(|(board, _)| KeptBoard {
                id: board.id.to_string(),
                name: board.name.clone(),
            }),
            user: message.profile.as_ref().map(KeptPerson::of),
            created_at: message.created_at.to_string(),
            edited_at: message.edited_at.map(|at| at.to_string()),
        }
    }

    fn all(messages: &[Message]) -> Vec<Self> {
        messages.iter().map(Self::of).collect()
    }
}

/// A pin as it is.
#[derive(Serialize)]
struct KeptPin {
    id: String,
    owner_id: String,
    owner_username: String,
    title: Option<String>,
    description: Option<String>,
    alt_text: Option<String>,
    link: Option<String>,
    image_url: String,
    verdict: Option<&'static str>,
    created_at: String,
}

/// A person with what the profile shows.
#[derive(Serialize)]
struct KeptProfile {
    id: String,
    username: String,
    full_name: String,
    about: Option<String>,
    profile_image: Option<String>,
    website_url: Option<String>,
    created_at: String,
}

/// What is kept of a subject.
#[derive(Serialize)]
#[serde(untagged)]
enum Kept {
    Message {
        message: KeptMessage,
        before: Vec<KeptMessage>,
    },
    Pin {
        pin: KeptPin,
    },
    User {
        user: KeptProfile,
    },
    Conversation {
        title: Option<String>,
        members: Vec<KeptPerson>,
        messages: Vec<KeptMessage>,
    },
    Request {
        title: Option<String>,
        message: Option<KeptMessage>,
    },
}

/// Gives messages and what they carry their texts as they were written: moderators see what is hidden from receivers.
fn unhide<'a>(
    conn: &mut Conn,
    id: ConversationId,
    messages: impl IntoIterator<Item = &'a mut Message>,
) -> Result<()> {
    type Written = (Option<String>, Option<String>, Option<String>);
    let mut all: Vec<&mut Message> = messages.into_iter().collect();
    let positions: Vec<i64> = all.iter().map(|it| it.position).collect();
    let rows: Vec<(i64, Written)> = on!(conn, c => message_rows::table
        .filter(message_rows::conversation_id.eq(id.get()))
        .filter(message_rows::position.eq_any(positions))
        .select((
            message_rows::position,
            (message_rows::body, message_rows::pin_snapshot, message_rows::board_snapshot),
        ))
        .load(c))?;
    let mut rows: HashMap<i64, Written> = rows.into_iter().collect();
    for message in &mut all {
        let (text, pin, board) = rows.remove(&message.position).unwrap_or_default();
        message.text = text;
        if let Some((shown, written)) = message.pin.as_mut().zip(pin) {
            shown.snapshot = serde_json::from_str(&written)?;
        }
        if let Some(((shown, _), written)) = message.board.as_mut().zip(board) {
            *shown = serde_json::from_str(&written)?;
        }
    }
    Ok(())
}

/// A message, and what stood before it.
fn of_message(
    conn: &mut Conn,
    reporter: UserId,
    id: ConversationId,
    position: i64,
) -> Result<Evidence> {
    let (mut it, _) = messages::visible(conn, (reporter, id), position)?;
    let most = limits::EVIDENCE_MESSAGES_MAX;
    let mut before = messages::up_to(conn, (reporter, id), position - 1, most)?;
    unhide(conn, id, before.iter_mut().chain([&mut it]))?;
    Ok(Evidence {
        accused: Some(it.sender.id),
        kept: Kept::Message {
            message: KeptMessage::of(&it),
            before: KeptMessage::all(&before),
        },
    })
}

fn of_pin(conn: &mut Conn, access: Access, id: PinId) -> Result<Evidence> {
    let pin = pins::seen(conn, access, id)?;
    Ok(Evidence {
        accused: Some(pin.owner),
        kept: Kept::Pin {
            pin: KeptPin {
                id: pin.id.to_string(),
                owner_id: pin.owner.to_string(),
                owner_username: pin.owner_username,
                title: pin.title,
                description: pin.description,
                alt_text: pin.alt_text,
                link: pin.link,
                image_url: pin.image_url,
                verdict: pin.link_check.map(|check| check.verdict.name()),
                created_at: pin.created_at.to_string(),
            },
        },
    })
}

fn of_user(conn: &mut Conn, id: UserId) -> Result<Evidence> {
    type Row = (
        String,
        String,
        Option<String>,
        Option<String>,
        Option<String>,
        i64,
    );
    let row: Option<Row> = on!(conn, c => users::table
        .find(id.get())
        .filter(users::closed_at.is_null())
        .select((
            users::username,
            users::full_name,
            users::about,
            users::profile_image,
            users::website_url,
            users::created_at,
        ))
        .first(c)
        .optional())?;
    let row = row.ok_or(Refusal::UserNotFound)?;
    let (username, full_name, about, profile_image, website_url, created_at) = row;
    Ok(Evidence {
        accused: Some(id),
        kept: Kept::User {
            user: KeptProfile {
                id: id.to_string(),
                username,
                full_name,
                about,
                profile_image,
                website_url,
                created_at: Time::from_millis(created_at).to_string(),
            },
        },
    })
}

/// A conversation's title, people and last messages; in one of two, the other one is accused.
fn of_conversation(conn: &mut Conn, reporter: UserId, id: ConversationId) -> Result<Evidence> {
    messages::require_visible(conn, (reporter, id))?;
    let most = limits::EVIDENCE_MESSAGES_MAX;
    let mut last = messages::up_to(conn, (reporter, id), i64::MAX, most)?;
    unhide(conn, id, &mut last)?;
    let found = conversations::whole(conn, &[id.get()])?.remove(&id);
    let found = found.ok_or(Refusal::ConversationNotFound)?;
    let others = found.members.iter().map(|member| &member.person);
    let mut others = others.filter(|it| it.id != reporter);
    let is_direct = found.kind == ConversationKind::Direct;
    let accused = others.next().filter(|_| is_direct).map(|it| it.id);
    Ok(Evidence {
        accused,
        kept: Kept::Conversation {
            members: found
                .members
                .iter()
                .map(|it| KeptPerson::of(&it.person))
                .collect(),
            title: found.title,
            messages: KeptMessage::all(&last),
        },
    })
}

/// What asks, in full: a moderator sees the link that the receiver does not.
fn of_request(conn: &mut Conn, reporter: UserId, id: ConversationId) -> Result<Evidence> {
    let mut request = requests::find(conn, reporter, id)?;
    unhide(conn, id, &mut request.message)?;
    let creator = request.conversation.created_by;
    Ok(Evidence {
        accused: Some(request.message.as_ref().map_or(creator, |it| it.sender.id)),
        kept: Kept::Request {
            title: request.conversation.title,
            message: request.message.as_ref().map(KeptMessage::of),
        },
    })
}

/// What a reporter sees of a subject now.
///
/// # Errors
/// That there is no such thing, for the reporter.
pub(super) fn collect(tx: &mut Tx<'_>, reporter: Access, subject: Subject) -> Step<Evidence> {
    let (user, conn) = (reporter.user, tx.conn()?);
    Ok(match subject {
        Subject::Message(id, position) => of_message(conn, user, id, position)?,
        Subject::Pin(id) => of_pin(conn, reporter, id)?,
        Subject::User(id) => of_user(conn, id)?,
        Subject::Conversation(id) => of_conversation(conn, user, id)?,
        Subject::Request(id) => of_request(conn, user, id)?,
    })
}
