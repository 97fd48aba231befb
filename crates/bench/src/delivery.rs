//! Whether everything arrived: once, in order, nothing left out.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::rc::Rc;
use std::time::Instant;

use crate::frame::{Frame, send_in};
use crate::people::Person;

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
    Mark(String),
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
    /// What was seen, where no order is promised.
    seen: Option<HashSet<Arrival>>,
}

impl Stream {
    /// Begins at a place in the log. Where no order is promised, only what comes twice is wrong.
    pub(crate) fn new(seq: i64, is_ordered: bool) -> Self {
        Self {
            seq,
            positions: HashMap::new(),
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
        Ok(arrival(frame))
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
            act: Act::Mark(mark_of(subject.conversation_id?, read.user_id)),
            position: read.position,
        });
    }
    let message = subject.message.as_ref()?;
    Some(Arrival {
        act: Act::Send(send_in(message.text?)?),
        position: message.position,
    })
}

/// A send, from its beginning to its last arrival.
#[derive(Debug)]
struct Send {
    started: Instant,
    conversation: usize,
    sender: Rc<Person>,
    /// The position that the answer told.
    acknowledged: Option<i64>,
    /// The position that arrived.
    arrived: Option<i64>,
    arrivals: u32,
}

/// Every send of a run.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    sends: Vec<Send>,
    /// Sockets that must show a conversation's messages.
    watchers: Vec<u32>,
    /// The numbers of read marks, by whose they are and their positions.
    marks: HashMap<String, HashMap<i64, usize>>,
    /// Arrivals that acknowledged sends still lack.
    owed: i64,
    faults: Vec<Fault>,
}

impl Ledger {
    /// A ledger for conversations with so many sockets each.
    pub(crate) fn new(watchers: Vec<u32>) -> Self {
        Self {
            watchers,
            ..Self::default()
        }
    }

    /// A send begins; its number.
    pub(crate) fn begin(
        &mut self,
        conversation: usize,
        sender: &Rc<Person>,
        started: Instant,
    ) -> usize {
        self.sends.push(Send {
            started,
            conversation,
            sender: Rc::clone(sender),
            acknowledged: None,
            arrived: None,
            arrivals: 0,
        });
        self.sends.len() - 1
    }

    /// A read mark begins; it is a send like others, known by its position.
    pub(crate) fn begin_mark(&mut self, number: usize, mark: &str, position: i64) {
        let positions = match self.marks.get_mut(mark) {
            Some(known) => known,
            None => self.marks.entry(mark.to_owned()).or_default(),
        };
        positions.insert(position, number);
    }

    /// The answer to a send told its position.
    pub(crate) fn acknowledge(&mut self, number: usize, position: i64) {
        let Some(send) = self.sends.get_mut(number) else {
            return;
        };
        let watchers = self.watchers.get(send.conversation).copied().unwrap_or(0);
        self.owed += i64::from(watchers) - i64::from(send.arrivals);
        send.acknowledged = Some(position);
    }

    /// A socket showed a send; when it was begun, and by whom.
    pub(crate) fn arrive(&mut self, arrival: &Arrival) -> Option<(Instant, &Rc<Person>)> {
        let number = match &arrival.act {
            Act::Send(number) => *number,
            Act::Mark(mark) => *self.marks.get(mark)?.get(&arrival.position)?,
        };
        let send = self.sends.get_mut(number)?;
        send.arrivals += 1;
        if send.acknowledged.is_some() {
            self.owed -= 1;
        }
        if *send.arrived.get_or_insert(arrival.position) != arrival.position {
            let what = format!("send {number} at two positions");
            self.faults.push(Fault::Doubled(what));
        }
        Some((send.started, &send.sender))
    }

    /// Notes what makes the run void.
    pub(crate) fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Arrivals that are still to come.
    pub(crate) const fn owed(&self) -> i64 {
        self.owed
    }

    /// What went wrong: on the way, and by comparing each acknowledged send with its arrivals.
    pub(crate) fn verdict(&self) -> Vec<Fault> {
        let mut faults = self.faults.clone();
        for (number, send) in self.sends.iter().enumerate() {
            let watchers = self.watchers.get(send.conversation).copied().unwrap_or(0);
            let count = || format!("send {number}: {} of {watchers} arrivals", send.arrivals);
            if send.arrivals > watchers {
                faults.push(Fault::Doubled(count()));
            } else if send.acknowledged.is_some() && send.arrivals < watchers {
                faults.push(Fault::Missing(count()));
            }
            if let (Some(told), Some(arrived)) = (send.acknowledged, send.arrived)
                && told != arrived
            {
                let what = format!("send {number} was told {told} and arrived at {arrived}");
                faults.push(Fault::Inverted(what));
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(seq: i64, prev: i64, position: i64, send: usize) -> String {
        let text = crate::frame::text_of(send);
        format!(
            r#"{{"type":"message.created","seq":{seq},"prev":{prev},"data":{{"conversation_id":"1",
            "message":{{"position":{position},"text":"{text}"}}}}}}"#
        )
    }

    /// Shows a socket these frames (seq, prev, position, send); what the ledger says in the end, if one socket
    /// watches and each of the sends was acknowledged at its place in the list, from 1.
    fn verdict(frames: &[(i64, i64, i64, usize)], sends: usize) -> Vec<Fault> {
        let mut ledger = Ledger::new(vec![1]);
        for position in 1..=sends {
            let number = ledger.begin(0, &Person::nobody(), crate::clock::now());
            ledger.acknowledge(number, i64::try_from(position).unwrap());
        }
        let mut stream = Stream::new(0, true);
        for (seq, prev, position, send) in frames {
            let text = frame(*seq, *prev, *position, *send);
            match stream.see(&Frame::parse(&text).unwrap()) {
                Ok(arrival) => assert!(ledger.arrive(&arrival.unwrap()).is_some()),
                Err(fault) => ledger.fault(fault),
            }
        }
        ledger.verdict()
    }

    #[test]
    fn what_arrives_once_and_in_order_is_fine() {
        assert_eq!(verdict(&[(1, 0, 1, 0), (4, 1, 2, 1), (5, 4, 3, 2)], 3), []);
    }

    #[test]
    fn a_missing_delivery_is_found_by_count() {
        let found = verdict(&[(1, 0, 1, 0)], 2);
        assert_eq!(found, [Fault::Missing("send 1: 0 of 1 arrivals".into())]);
    }

    #[test]
    fn a_missing_delivery_is_found_by_position() {
        let found = verdict(&[(1, 0, 1, 0), (2, 1, 3, 2)], 3);
        assert!(
            matches!(found.first(), Some(Fault::Missing(_))),
            "{found:?}"
        );
    }

    #[test]
    fn a_missing_frame_is_found_by_prev() {
        let found = verdict(&[(1, 0, 1, 0), (3, 2, 2, 1)], 2);
        assert!(
            matches!(found.first(), Some(Fault::Missing(_))),
            "{found:?}"
        );
    }

    #[test]
    fn a_doubled_delivery_is_found_by_seq() {
        let found = verdict(&[(1, 0, 1, 0), (1, 0, 1, 0)], 1);
        assert_eq!(found, [Fault::Doubled("event 1".into())]);
    }

    #[test]
    fn a_doubled_delivery_is_found_by_position() {
        let found = verdict(&[(1, 0, 1, 0), (2, 1, 1, 0)], 1);
        assert!(
            matches!(found.first(), Some(Fault::Doubled(_))),
            "{found:?}"
        );
    }

    #[test]
    fn a_send_that_was_written_twice_is_found() {
        let found = verdict(&[(1, 0, 1, 0), (2, 1, 2, 0)], 1);
        assert!(
            found.iter().any(|it| matches!(it, Fault::Doubled(_))),
            "{found:?}"
        );
    }

    #[test]
    fn an_inverted_delivery_is_found_by_seq() {
        let found = verdict(&[(2, 0, 1, 0), (1, 2, 2, 1)], 2);
        assert!(
            matches!(found.first(), Some(Fault::Inverted(_))),
            "{found:?}"
        );
    }

    #[test]
    fn an_inverted_delivery_is_found_by_position() {
        let found = verdict(&[(1, 0, 2, 1), (2, 1, 1, 0)], 2);
        assert!(
            matches!(found.first(), Some(Fault::Inverted(_))),
            "{found:?}"
        );
    }

    #[test]
    fn an_answer_that_tells_another_position_is_found() {
        let found = verdict(&[(1, 0, 1, 1), (2, 1, 2, 0)], 2);
        assert!(
            matches!(found.first(), Some(Fault::Inverted(_))),
            "{found:?}"
        );
    }

    #[test]
    fn what_is_owed_is_counted_whichever_comes_first() {
        let mut ledger = Ledger::new(vec![2]);
        let number = ledger.begin(0, &Person::nobody(), crate::clock::now());
        let arrival = Arrival {
            act: Act::Send(number),
            position: 1,
        };
        assert!(ledger.arrive(&arrival).is_some());
        assert_eq!(ledger.owed(), 0);
        ledger.acknowledge(number, 1);
        assert_eq!(ledger.owed(), 1);
        ledger.arrive(&arrival);
        assert_eq!((ledger.owed(), ledger.verdict()), (0, vec![]));
    }

    #[test]
    fn a_read_mark_is_known_by_person_and_position() {
        let mut ledger = Ledger::new(vec![1]);
        let number = ledger.begin(0, &Person::nobody(), crate::clock::now());
        ledger.begin_mark(number, &mark_of("1", "2"), 3);
        ledger.acknowledge(number, 3);
        let text = r#"{"type":"read.updated","seq":1,"prev":0,"data":{"conversation_id":"1",
            "read":{"user_id":"2","position":3}}}"#;
        let seen = Stream::new(0, true)
            .see(&Frame::parse(text).unwrap())
            .unwrap();
        assert!(ledger.arrive(&seen.unwrap()).is_some());
        assert_eq!((ledger.owed(), ledger.verdict()), (0, vec![]));
    }

    #[test]
    fn where_no_order_is_promised_only_what_comes_twice_is_wrong() {
        let (one, two) = (frame(2, 0, 2, 1), frame(1, 2, 1, 0));
        let (one, two) = (Frame::parse(&one).unwrap(), Frame::parse(&two).unwrap());
        let mut stream = Stream::new(0, false);
        assert!(stream.see(&one).is_ok());
        assert!(stream.see(&two).is_ok());
        assert!(matches!(stream.see(&one), Err(Fault::Doubled(_))));
    }
}
