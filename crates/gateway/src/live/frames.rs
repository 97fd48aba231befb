//! The frames of streams, and the events of every door: the types that the AsyncAPI document is made of.

use pinwire_domain::ConversationId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::subject::{Me, Subject};
use crate::view::kinds::ResyncReason;
use crate::view::{PersonView, UnreadTotalsView};

/// An event of a person's stream.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    /// What happened.
    #[serde(rename = "type")]
    #[schema(rename = "type")]
    pub kind: EventType,
    /// Its place in the log. Grows; holes are other people's events.
    #[schema(example = 4711)]
    pub seq: i64,
    /// The `seq` of the frame before it in this stream: another value than the last one you saw tells a loss.
    #[schema(example = 4708)]
    pub prev: i64,
    /// When it happened.
    #[schema(format = DateTime)]
    pub at: String,
    /// The present state of what it is about, the same for everyone it concerns.
    pub data: Subject,
    /// What is yours alone in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub me: Option<Me>,
}

/// Whether a part is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    /// In each event of the type.
    Always,
    /// In some.
    Sometimes,
    /// In none.
    Never,
}

/// The types of events: name on the wire, meaning, the fields of `data` that are always there, those that are there
/// sometimes, and whether the event has `me` (always, sometimes, never).
macro_rules! event_types {
    ($($(#[doc = $meaning:tt])* $kind:ident $name:tt [$($field:literal),*] [$($sometimes:literal),*] $me:ident;)*) => {
        /// What an event says happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
        pub enum EventType {
            $($(#[doc = $meaning])* #[serde(rename = $name)] $kind),*
        }

        impl EventType {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$kind),*];

            /// The name on the wire.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),* }
            }

            /// What it says, for the documents.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$kind => concat!($($meaning),*).trim_start()),* }
            }

            /// The fields of `data` that are always there.
            #[must_use]
            pub const fn fields(self) -> &'static [&'static str] {
                match self { $(Self::$kind => &[$($field),*]),* }
            }

            /// The fields of `data` that are there sometimes.
            #[must_use]
            pub const fn sometimes(self) -> &'static [&'static str] {
                match self { $(Self::$kind => &[$($sometimes),*]),* }
            }

            /// Whether the event tells what is yours in the conversation.
            #[must_use]
            pub const fn me(self) -> Has {
                match self { $(Self::$kind => Has::$me),* }
            }
        }
    };
}

event_types! {
    /// A message was sent.
    MessageCreated "message.created" ["conversation_id", "message"] ["conversation"] Always;
    /// The text of a message was changed.
    MessageEdited "message.edited" ["conversation_id", "message"] [] Always;
    /// A message was deleted: for everyone, if it comes with what is left of it, or for you alone.
    MessageDeleted "message.deleted" ["conversation_id", "position"] ["message"] Always;
    /// Somebody reacted to a message or to a pin, or took a reaction back: `data` has the one or the other.
    ReactionChanged "reaction.changed" ["conversation_id"] ["message", "pin"] Always;
    /// Somebody saved a pin that was sent in this conversation: `data.user`.
    PinSaved "pin.saved" ["conversation_id", "pin", "user"] [] Always;
    /// A pin that was sent in this conversation stands otherwise now: `me.pin_states` has how at each place.
    PinStateChanged "pin.state_changed" ["conversation_id", "pin"] [] Always;
    /// A conversation was begun without a message.
    ConversationCreated "conversation.created" ["conversation_id", "conversation"] [] Always;
    /// The title of a group changed; the message tells of it.
    ConversationUpdated "conversation.updated" ["conversation_id", "conversation", "message"] [] Always;
    /// Somebody joined a group, or several did, you perhaps; the message tells of it.
    MemberJoined "member.joined" ["conversation_id", "conversation", "message"] [] Always;
    /// Somebody left a group or was removed; the message tells of it. With the `conversation_id` alone that is you, or
    /// you are not asked into it any more: forget the conversation.
    MemberLeft "member.left" ["conversation_id"] ["conversation", "message"] Sometimes;
    /// You are asked into a conversation: fetch `GET /v5/contact_requests/{conversation_id}`.
    RequestCreated "request.created" ["conversation_id"] [] Never;
    /// You accepted who began a conversation of two: you take part. `data.message` is its last message.
    RequestAccepted "request.accepted" ["conversation_id", "conversation"] ["message"] Always;
    /// You declined to join a conversation.
    RequestIgnored "request.ignored" ["conversation_id"] [] Never;
    /// Your unread flag, mute, archive or hiding changed, or your read mark where it is not shown to others.
    MembershipUpdated "membership.updated" ["conversation_id"] [] Always;
    /// You began, changed or dropped a draft.
    DraftUpdated "draft.updated" ["conversation_id", "draft"] [] Always;
    /// Somebody read up to a position.
    ReadUpdated "read.updated" ["conversation_id", "read"] [] Always;
    /// Messages have reached a device of somebody's, up to a position.
    DeliveryUpdated "delivery.updated" ["conversation_id", "delivery"] [] Always;
    /// You opened or minimized a head.
    HeadUpdated "head.updated" ["conversation_id"] [] Always;
    /// You closed a head.
    HeadClosed "head.closed" ["conversation_id"] [] Always;
    /// A profile changed.
    UserUpdated "user.updated" ["user"] [] Never;
    /// You changed your settings.
    SettingsUpdated "settings.updated" ["settings"] [] Never;
    /// Moderators tell you something: fetch `GET /v5/user_account/notices`.
    NoticeCreated "notice.created" [] [] Never;
    /// You blocked somebody: `data.user`. No event after this one tells of what they did.
    BlockAdded "block.added" ["user"] [] Never;
    /// You took a block back.
    BlockRemoved "block.removed" ["user"] [] Never;
}

/// What the server sends that is no event.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type")]
pub enum ServerFrame {
    /// The first frame of a connection.
    #[serde(rename = "hello")]
    Hello {
        /// Names this history of the log.
        #[schema(example = "19a2")]
        epoch: String,
        /// Where this stream goes on from: the `prev` of the first event.
        #[schema(example = 4711)]
        seq: i64,
        /// Who you are.
        user: PersonView,
        /// What is unread over all conversations.
        unread: UnreadTotalsView,
    },
    /// The cursor is of no use: fetch `GET /v5/sync`; the stream goes on live from `seq`.
    #[serde(rename = "resync_required")]
    ResyncRequired {
        /// Names this history of the log.
        #[schema(example = "19a2")]
        epoch: String,
        /// Where this stream goes on from.
        #[schema(example = 4711)]
        seq: i64,
        /// Why.
        reason: ResyncReason,
    },
    /// All that concerns you up to `seq` has been sent. On a WebSocket, answer with `pong`.
    #[serde(rename = "ping")]
    Ping {
        /// A place in the log to resume from.
        #[schema(example = 4711)]
        seq: i64,
    },
    /// A client frame was carried out.
    #[serde(rename = "ok")]
    Ok {
        /// The `id` of the client frame.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(example = "7")]
        id: Option<String>,
    },
    /// A client frame was refused.
    #[serde(rename = "error")]
    Error {
        /// The `id` of the client frame.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(example = "7")]
        id: Option<String>,
        /// As in the errors of the REST API.
        #[schema(example = 70)]
        code: i32,
        /// As in the errors of the REST API.
        #[schema(example = "conversation_not_found")]
        error: String,
        /// What is wrong, for a person to read.
        #[schema(example = "no such conversation")]
        message: String,
    },
    /// Somebody types in a conversation. Not stored, and comes at most once: show it for 6 seconds, or until a message
    /// of theirs comes.
    #[serde(rename = "typing")]
    Typing {
        /// The conversation.
        #[schema(pattern = r"^\d+$", example = "3763541867536384")]
        conversation_id: String,
        /// Who types.
        #[schema(pattern = r"^\d+$", example = "3763541867536386")]
        user_id: String,
    },
    /// Somebody you watch came or went. Not stored, and comes at most once.
    #[serde(rename = "presence")]
    Presence {
        /// Who.
        #[schema(pattern = r"^\d+$", example = "3763541867536386")]
        user_id: String,
        /// Whether they are there.
        state: PresenceState,
    },
    /// The last frame of an answer of Server-Sent Events; a WebSocket has a close code for it.
    #[serde(rename = "close")]
    Close {
        /// Why, and what to do next: see `x-close-codes`.
        #[schema(example = 4003)]
        code: u16,
        /// The same as a name.
        #[schema(example = "signed_out")]
        reason: String,
    },
}

/// The type of [`ServerFrame::Ping`].
pub const PING: &str = "ping";
/// The type of [`ServerFrame::Presence`].
pub const PRESENCE: &str = "presence";
/// The type of [`ServerFrame::Close`].
pub const CLOSE: &str = "close";

impl ServerFrame {
    /// The name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hello { .. } => "hello",
            Self::ResyncRequired { .. } => "resync_required",
            Self::Ping { .. } => PING,
            Self::Ok { .. } => "ok",
            Self::Error { .. } => "error",
            Self::Typing { .. } => "typing",
            Self::Presence { .. } => PRESENCE,
            Self::Close { .. } => CLOSE,
        }
    }

    /// The place that it brings a stream to.
    #[must_use]
    pub const fn seq(&self) -> Option<i64> {
        match self {
            Self::Hello { seq, .. } | Self::ResyncRequired { seq, .. } | Self::Ping { seq } => {
                Some(*seq)
            }
            Self::Ok { .. }
            | Self::Error { .. }
            | Self::Typing { .. }
            | Self::Presence { .. }
            | Self::Close { .. } => None,
        }
    }
}

/// Whether somebody has a socket or an event stream open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PresenceState {
    /// There.
    Online,
    /// Not there, or not for you to know.
    Offline,
}

/// A frame, ready to be sent.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Its `type`.
    pub kind: &'static str,
    /// Its `seq`, where it has one: the place that the stream has come to.
    pub seq: Option<i64>,
    /// The whole of it, as JSON.
    pub text: String,
    /// The place of the message that it brings, if it is somebody else's.
    pub message: Option<(ConversationId, i64)>,
}

impl Frame {
    /// A frame that is no event.
    ///
    /// # Errors
    /// Only if it cannot be written as JSON.
    pub fn of(frame: &ServerFrame) -> serde_json::Result<Self> {
        Ok(Self {
            kind: frame.name(),
            seq: frame.seq(),
            text: serde_json::to_string(frame)?,
            message: None,
        })
    }
}

/// What a client sends.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum ClientFrame {
    /// Asks for an `ok`.
    #[serde(rename = "ping")]
    Ping {
        /// Names this frame in the answer.
        #[schema(example = "7")]
        id: Option<String>,
    },
    /// Answers a `ping` of the server.
    #[serde(rename = "pong")]
    Pong {
        /// Ignored.
        id: Option<String>,
        /// The `seq` of the ping.
        #[schema(example = 4711)]
        seq: Option<i64>,
    },
    /// Moves your read mark, as `PUT /v5/conversations/{id}/read` does.
    #[serde(rename = "read")]
    Read {
        /// Names this frame in the answer.
        #[schema(example = "7")]
        id: Option<String>,
        /// The conversation.
        #[schema(pattern = r"^\d+$", example = "3763541867536384")]
        conversation_id: String,
        /// Up to where you have read.
        #[schema(minimum = 0, example = 3)]
        position: i64,
    },
    /// Tells that all frames up to `seq` have reached this device, so that others see their messages delivered. Nothing
    /// else.
    #[serde(rename = "ack")]
    Ack {
        /// Names this frame in the answer.
        #[schema(example = "7")]
        id: Option<String>,
        /// The `seq` of a frame.
        #[schema(minimum = 0, example = 4711)]
        seq: i64,
    },
    /// Lets the others see that you type, as `POST /v5/conversations/{id}/typing` does.
    #[serde(rename = "typing")]
    Typing {
        /// Names this frame in the answer.
        #[schema(example = "7")]
        id: Option<String>,
        /// The conversation.
        #[schema(pattern = r"^\d+$", example = "3763541867536384")]
        conversation_id: String,
    },
    /// Watches these people, and nobody else from now on. After the `ok` come a `presence` for each who is online, and
    /// later one for each change.
    #[serde(rename = "presence.watch")]
    PresenceWatch {
        /// Names this frame in the answer.
        #[schema(example = "7")]
        id: Option<String>,
        /// The people; nobody to watch no more.
        #[schema(max_items = 100, example = json!(["3763541867536386"]))]
        user_ids: Vec<String>,
    },
    /// Goes on with a new access token of the same session.
    #[serde(rename = "auth.refresh")]
    AuthRefresh {
        /// Names this frame in the answer.
        #[schema(example = "7")]
        id: Option<String>,
        /// The new token.
        #[schema(
            example = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.c2lnbmF0dXJl"
        )]
        access_token: String,
    },
}

impl ClientFrame {
    /// The name the client gave this frame.
    #[must_use]
    pub fn id(&self) -> Option<String> {
        match self {
            Self::Ping { id }
            | Self::Pong { id, .. }
            | Self::Read { id, .. }
            | Self::Ack { id, .. }
            | Self::Typing { id, .. }
            | Self::PresenceWatch { id, .. }
            | Self::AuthRefresh { id, .. } => id.clone(),
        }
    }
}
