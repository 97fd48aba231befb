//! The frames of the event stream, read no deeper than the checks need.

use serde::Deserialize;

/// What stands before the number of a send in its text.
const MARK: &str = "send ";

/// A frame that the server sent.
#[derive(Debug, Deserialize)]
pub(crate) struct Frame<'a> {
    /// What it is.
    #[serde(rename = "type")]
    pub(crate) kind: &'a str,
    /// Its place in the log.
    #[serde(default)]
    pub(crate) seq: i64,
    /// The seq of the frame before it.
    pub(crate) prev: Option<i64>,
    /// Names the history of the log; of `hello` alone.
    pub(crate) epoch: Option<&'a str>,
    /// What it is about.
    #[serde(borrow)]
    pub(crate) data: Option<Subject<'a>>,
}

/// What an event is about.
#[derive(Debug, Deserialize)]
pub(crate) struct Subject<'a> {
    /// The conversation.
    pub(crate) conversation_id: Option<&'a str>,
    /// The message of `message.created`.
    #[serde(borrow)]
    pub(crate) message: Option<Message<'a>>,
    /// The mark of `read.updated`.
    #[serde(borrow)]
    pub(crate) read: Option<ReadMark<'a>>,
}

/// Up to where somebody has read.
#[derive(Debug, Deserialize)]
pub(crate) struct ReadMark<'a> {
    /// Who.
    pub(crate) user_id: &'a str,
    /// The position.
    pub(crate) position: i64,
}

/// A message, in a frame or in the answer to a send.
#[derive(Debug, Deserialize)]
pub(crate) struct Message<'a> {
    /// Its place in the conversation.
    pub(crate) position: i64,
    /// What was written; the bench's own texts need no escapes.
    pub(crate) text: Option<&'a str>,
}

/// The answer to `POST /v5/pins/{pin_id}/send`.
#[derive(Debug, Deserialize)]
pub(crate) struct Sent<'a> {
    /// One for each message.
    #[serde(borrow)]
    pub(crate) results: Vec<SentTo<'a>>,
}

/// One message of a send.
#[derive(Debug, Deserialize)]
pub(crate) struct SentTo<'a> {
    /// Where it went.
    pub(crate) conversation_id: &'a str,
    /// The message.
    #[serde(borrow)]
    pub(crate) message: Message<'a>,
}

impl<'a> Frame<'a> {
    /// Reads a frame.
    pub(crate) fn parse(text: &'a str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }
}

/// The text of a send, by which its arrivals are known. As long as a short note: some 60 bytes.
pub(crate) fn text_of(send: usize) -> String {
    format!("{MARK}{send:08} with a note about the blue door in the hall")
}

/// The number of a send, from its text.
pub(crate) fn send_in(text: &str) -> Option<usize> {
    let digits = text.strip_prefix(MARK)?.split(' ').next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_found_in_its_event() {
        let text = r#"{"type":"message.created","seq":7,"prev":4,"at":"2026-11-23T06:19:48.956Z","data":
            {"message":{"conversation_id":"12","position":3,"kind":"user","sender":{"id":"1","full_name":"\"A\""},
            "text":"send 00000042 with","pin":null},"conversation_id":"12"},"me":{"unread":{"messages":3}}}"#;
        let frame = Frame::parse(text).unwrap();
        assert_eq!(
            (frame.kind, frame.seq, frame.prev),
            ("message.created", 7, Some(4))
        );
        let data = frame.data.unwrap();
        assert_eq!(data.conversation_id, Some("12"));
        let message = data.message.unwrap();
        assert_eq!(message.position, 3);
        assert_eq!(message.text.and_then(send_in), Some(42));
    }

    #[test]
    fn other_frames_are_read_as_far_as_they_go() {
        let hello = Frame::parse(r#"{"type":"hello","epoch":"a","seq":2,"user":{}}"#).unwrap();
        assert_eq!(
            (hello.kind, hello.epoch, hello.seq),
            ("hello", Some("a"), 2)
        );
        let ok = Frame::parse(r#"{"type":"ok","id":"1"}"#).unwrap();
        assert_eq!((ok.kind, ok.seq), ("ok", 0));
        let read = r#"{"type":"read.updated","seq":9,"prev":8,"data":{"conversation_id":"1",
            "read":{"user_id":"2","position":3}}}"#;
        let read = Frame::parse(read).unwrap();
        let read = read.data.unwrap().read.unwrap();
        assert_eq!((read.user_id, read.position), ("2", 3));
    }

    #[test]
    fn a_send_is_known_by_its_text() {
        assert_eq!(send_in(&text_of(0)), Some(0));
        assert_eq!(send_in(&text_of(123_456_789)), Some(123_456_789));
        assert_eq!(send_in("For the hall?"), None);
    }
}
