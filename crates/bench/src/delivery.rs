//! Whether everything arrived: once, in order, nothing left out.

use std::collections::{HashMap, HashSet};
use std::fmt;

use crate::frame::{Frame, send_in};

/// What makes a run void.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Something did not arrive.
    Missing(String),
    /// Something arrived twice.
    Doubled(String),
    /// Something arrived out of order.
    Inverted(String),
    /// A request was not answered as it must be.
    Refused(String),
    /// A socket ended, or said what it must not.
    Broken(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => write!(out, "missing: {what}"),
            Self::Doubled(what) => write!(out, "doubled: {what}"),
            Self::Inverted(what) => write!(out, "inverted: {what}"),
            Self::Refused(what) => write!(out, "refused: {what}"),
            Self::Broken(what) => write!(out, "broken: {what}"),
        }
    }
}

impl std::error::Error for Fault {}

/// Something of the run that a socket showed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Arrival {
    /// What it is.
    pub(crate) act: Act,
    /// Its place in the conversation.
    pub(crate) position: i64,
}

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Act {
    /// The send of this number.
    Send(usize),
    /// A read mark of this person in this conversation, as [`mark_of`] names the two.
    Mark {
        /// Whose it is, and where.
        mark: String,
        /// Which one of that person's it is, from 0; none where no order is promised.
        turn: Option<usize>,
    },
}

/// The name of somebody's read mark in a conversation.
pub(crate) fn mark_of(conversation: &str, user: &str) -> String {
    format!("{conversation}:{user}")
}

/// What one socket has shown so far.
#[derive(Debug)]
pub(crate) struct Stream {
    /// The seq of the last frame that had one.
    seq: i64,
    /// The last position of each conversation.
    positions: HashMap<String, i64>,
    /// How many read marks each person has shown in each conversation.
    marks: HashMap<String, usize>,
    /// What was seen, where no order is promised.
    seen: Option<HashSet<Arrival>>,
}

impl Stream {
    /// Begins at a place in the log. Where no order is promised, only what comes twice is wrong.
    pub(crate) fn new(seq: i64, is_ordered: bool) -> Self {
        Self {
            seq,
            positions: HashMap::new(),
            marks: HashMap::new(),
            seen: (!is_ordered).then(HashSet::new),
        }
    }

    /// Checks a frame against those before it.
    pub(crate) fn see(&mut self, frame: &Frame<'_>) -> Result<Option<Arrival>, Fault> {
        if frame.kind == "ping" {
            return self.ping(frame.seq).map(|()| None);
        }
        let Some(prev) = frame.prev else {
            return Ok(None);
        };
        if let Some(seen) = &mut self.seen {
            let arrival = arrival(frame);
            return match &arrival {
                Some(it) if !seen.insert(it.clone()) => Err(Fault::Doubled(format!("{it:?}"))),
                _ => Ok(arrival),
            };
        }
        self.follow(frame.seq, prev)?;
        let subject = frame.data.as_ref();
        let place = subject.and_then(|it| Some((it.conversation_id?, it.message.as_ref()?)));
        if let Some((conversation, message)) = place {
            self.place(conversation, message.position)?;
        }
        let mut arrival = arrival(frame);
        if let Some(Arrival {
            act: Act::Mark { mark, turn },
            ..
        }) = &mut arrival
        {
            let next = self.marks.entry(mark.clone()).or_default();
            *turn = Some(*next);
            *next += 1;
        }
        Ok(arrival)
    }

    fn ping(&mut self, seq: i64) -> Result<(), Fault> {
        if seq < self.seq && self.seen.is_none() {
            return Err(Fault::Inverted(format!("ping {seq} after {}", self.seq)));
        }
        self.seq = seq;
        Ok(())
    }

    fn follow(&mut self, seq: i64, prev: i64) -> Result<(), Fault> {
        let last = self.seq;
        if seq == last {
            return Err(Fault::Doubled(format!("event {seq}")));
        }
        if seq < last {
            return Err(Fault::Inverted(format!("event {seq} after {last}")));
        }
        if prev != last {
            let what = format!("event {seq} follows {prev}, seen was {last}");
            return Err(Fault::Missing(what));
        }
        self.seq = seq;
        Ok(())
    }

    fn place(&mut self, conversation: &str, position: i64) -> Result<(), Fault> {
        let Some(last) = self.positions.get_mut(conversation) else {
            self.positions.insert(conversation.to_owned(), position);
            return Ok(());
        };
        let what = || format!("position {position} after {last} of conversation {conversation}");
        if position == *last {
            return Err(Fault::Doubled(what()));
        }
        if position < *last {
            return Err(Fault::Inverted(what()));
        }
        if position > *last + 1 {
            return Err(Fault::Missing(what()));
        }
        *last = position;
        Ok(())
    }
}

/// What a frame shows of the run.
fn arrival(frame: &Frame<'_>) -> Option<Arrival> {
    let subject = frame.data.as_ref()?;
    if let Some(read) = &subject.read {
        return Some(Arrival {
            act: Act::Mark {
                mark: mark_of(subject.conversation_id?, read.user_id),
                turn: None,
            },
            position: read.position,
        });
    }
    let message = subject.message.as_ref()?;
    Some(Arrival {
        act: Act::Send(send_in(message.text?)?),
        position: message.position,
    })
}
