//! The bus between nodes: a hint that the log went on, and by what.

use pinwire_domain::event::EventKind;
use pinwire_domain::{ConversationId, Time, UserId};
use pinwire_storage::events::Subjects;
use pinwire_storage::log::LoggedEvent;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::signs::{NodeId, Sign};

/// Batches that wait for a tail; what finds no room is found by the head check.
pub const WAITING_MAX: usize = 1_024;
/// Bytes of a message on the bus for each of its events; a larger one goes as a hint alone.
const EVENT_MAX: usize = 8 * 1_024;

/// A stretch of the log, with the people each event concerns.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The seq before its first event.
    pub from: i64,
    /// The seq of its last event.
    pub to: i64,
    /// Its events; empty for a hint alone.
    pub events: Vec<(LoggedEvent, Vec<UserId>)>,
    /// What they are about, as far as this node made them itself. Does not cross the bus.
    pub subjects: Subjects,
}

/// What the tail is told.
#[derive(Debug)]
pub enum News {
    /// The log went on.
    Batch(Batch),
    /// The bus may have lost something: compare with the log's head.
    CheckHead,
}

/// Where a bus hands what it receives.
pub type Inbox = mpsc::Sender<News>;

#[derive(Serialize, Deserialize)]
struct Message {
    /// Who published it. Stands first, so that a node knows its own without reading them.
    #[serde(default)]
    node: String,
    from: i64,
    to: i64,
    events: Vec<WireEvent>,
}

/// What comes by the bus.
#[derive(Debug)]
pub enum Heard {
    /// The log went on.
    Batch(Batch),
    /// A sign of this node.
    Sign(NodeId, Sign),
}

/// A sign past the log. A node of an older version cannot read it, and need not.
#[derive(Serialize, Deserialize)]
struct SignMessage {
    node: String,
    sign: Sign,
}

#[derive(Serialize, Deserialize)]
struct WireEvent {
    seq: i64,
    at: i64,
    kind: String,
    actor: i64,
    conversation: Option<i64>,
    user: Option<i64>,
    position: Option<i64>,
    object: Option<i64>,
    people: Vec<i64>,
}

/// Whether a message of the bus is this node's own.
#[must_use]
pub fn is_from(text: &[u8], node: &str) -> bool {
    let rest = text.strip_prefix(br#"{"node":""#);
    let rest = rest.and_then(|rest| rest.strip_prefix(node.as_bytes()));
    rest.is_some_and(|rest| rest.starts_with(b"\""))
}

/// The message of a batch. `node` needs no escaping in JSON.
#[must_use]
pub fn encode(node: &str, batch: &Batch) -> String {
    let events = batch
        .events
        .iter()
        .map(|(event, people)| WireEvent {
            seq: event.seq,
            at: event.at.as_millis(),
            kind: event.kind.name().to_owned(),
            actor: event.actor.get(),
            conversation: event.conversation.map(ConversationId::get),
            user: event.user.map(UserId::get),
            position: event.position,
            object: event.object,
            people: people.iter().map(|p| p.get()).collect(),
        })
        .collect();
    let hint = || {
        let (from, to) = (batch.from, batch.to);
        format!(r#"{{"node":"{node}","from":{from},"to":{to},"events":[]}}"#)
    };
    serde_json::to_string(&Message {
        node: node.to_owned(),
        from: batch.from,
        to: batch.to,
        events,
    })
    .ok()
    .filter(|text| text.len() <= EVENT_MAX * batch.events.len().max(1))
    .unwrap_or_else(hint)
}

/// The message of a sign; none only if it cannot be written.
#[must_use]
pub fn encode_sign(node: &str, sign: &Sign) -> Option<String> {
    let (node, sign) = (node.to_owned(), sign.clone());
    serde_json::to_string(&SignMessage { node, sign }).ok()
}

/// Reads a message of the bus. A batch of a newer version is a hint alone; what else a newer version says is none.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Heard> {
    if let Some(batch) = decode_batch(text) {
        return Some(Heard::Batch(batch));
    }
    let SignMessage { node, sign } = serde_json::from_slice(text).ok()?;
    let node = NodeId::from_str_radix(&node, 16).ok()?;
    Some(Heard::Sign(node, sign))
}

fn decode_batch(text: &[u8]) -> Option<Batch> {
    let message: Message = serde_json::from_slice(text).ok()?;
    let events: Option<Vec<_>> = message
        .events
        .into_iter()
        .map(|e| {
            let event = LoggedEvent {
                seq: e.seq,
                at: Time::from_millis(e.at),
                kind: EventKind::from_name(&e.kind)?,
                actor: UserId::new(e.actor),
                conversation: e.conversation.map(ConversationId::new),
                user: e.user.map(UserId::new),
                position: e.position,
                object: e.object,
            };
            Some((event, e.people.into_iter().map(UserId::new).collect()))
        })
        .collect();
    Some(Batch {
        from: message.from,
        to: message.to,
        events: events.unwrap_or_default(),
        subjects: Subjects::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(people: i64) -> Batch {
        let event = LoggedEvent {
            seq: 8,
            at: Time::from_millis(5),
            kind: EventKind::MessageCreated,
            actor: UserId::new(1),
            conversation: Some(ConversationId::new(2)),
            user: None,
            position: Some(3),
            object: None,
        };
        Batch {
            from: 7,
            to: 8,
            events: vec![(event, (0..people).map(UserId::new).collect())],
            subjects: Subjects::default(),
        }
    }

    #[test]
    fn a_batch_crosses_the_bus_whole_or_as_a_hint() {
        let heard = |batch| match decode(encode("1f", batch).as_bytes()) {
            Some(Heard::Batch(batch)) => batch,
            other => panic!("{other:?}"),
        };
        let sent = batch(10);
        let got = heard(&sent);
        assert_eq!((got.from, got.to, &got.events), (7, 8, &sent.events));
        let hint = heard(&batch(10_000));
        assert_eq!((hint.from, hint.to, hint.events.len()), (7, 8, 0));
        assert!(decode(b"{}").is_none());
    }

    #[test]
    fn a_sign_crosses_the_bus_and_an_older_node_reads_nothing_of_it() {
        for sign in [
            Sign::Typing {
                conversation: 1,
                user: 2,
                people: vec![3, 4],
            },
            Sign::Presence {
                online: vec![1],
                offline: vec![],
            },
        ] {
            let message = encode_sign("1f", &sign).unwrap();
            assert!(is_from(message.as_bytes(), "1f"));
            let Some(Heard::Sign(node, heard)) = decode(message.as_bytes()) else {
                panic!("{message}");
            };
            assert_eq!((node, heard), (0x1f, sign));
            assert!(decode_batch(message.as_bytes()).is_none());
        }
        assert!(decode(br#"{"node":"1f","sign":{"waving":{}}}"#).is_none());
        assert!(
            decode(br#"{"node":"x","sign":{"presence":{"online":[],"offline":[]}}}"#).is_none()
        );
    }

    #[test]
    fn a_node_knows_its_own_messages() {
        for people in [10, 10_000] {
            let message = encode("1f", &batch(people));
            assert!(is_from(message.as_bytes(), "1f"));
            assert!(!is_from(message.as_bytes(), "1"));
            assert!(!is_from(message.as_bytes(), "1f2"));
        }
    }
}
