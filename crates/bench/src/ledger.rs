//! Every send of a run, and whether each arrived where it must.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

use crate::delivery::{Act, Arrival, Fault};
use crate::people::Person;

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
    /// Positions and numbers of read marks in their order, by whose they are.
    marks: HashMap<String, Vec<(i64, usize)>>,
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

    /// A read mark begins; it is a send like others, known by its place among that person's.
    pub(crate) fn begin_mark(&mut self, number: usize, mark: &str, position: i64) {
        match self.marks.get_mut(mark) {
            Some(known) => known.push((position, number)),
            None => drop(self.marks.insert(mark.to_owned(), vec![(position, number)])),
        }
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
        let (number, position) = match &arrival.act {
            Act::Send(number) => (*number, arrival.position),
            Act::Mark { mark, turn } => {
                let marks = self.marks.get(mark)?;
                let (position, number) = match turn {
                    Some(turn) => *marks.get(*turn)?,
                    None => *marks.iter().find(|it| it.0 == arrival.position)?,
                };
                if arrival.position < position {
                    let what = format!("mark {position} showed {}", arrival.position);
                    self.faults.push(Fault::Inverted(what));
                }
                // An event shows the present state, so it may be ahead of what it was written for.
                (number, position)
            }
        };
        let send = self.sends.get_mut(number)?;
        send.arrivals += 1;
        if send.acknowledged.is_some() {
            self.owed -= 1;
        }
        if *send.arrived.get_or_insert(position) != position {
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
    use crate::delivery::{Stream, mark_of};
    use crate::frame::Frame;

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

    fn read(seq: i64, position: i64) -> String {
        let prev = seq - 1;
        format!(
            r#"{{"type":"read.updated","seq":{seq},"prev":{prev},"data":{{"conversation_id":"1",
            "read":{{"user_id":"2","position":{position}}}}}}}"#
        )
    }

    /// What the ledger says if somebody reads up to 3, then 4, and a socket shows these positions.
    fn verdict_of_marks(shown: &[i64]) -> Vec<Fault> {
        let mut ledger = Ledger::new(vec![1]);
        for position in [3, 4] {
            let number = ledger.begin(0, &Person::nobody(), crate::clock::now());
            ledger.begin_mark(number, &mark_of("1", "2"), position);
            ledger.acknowledge(number, position);
        }
        let mut stream = Stream::new(0, true);
        for (seq, position) in (1..).zip(shown) {
            let text = read(seq, *position);
            let seen = stream.see(&Frame::parse(&text).unwrap()).unwrap();
            ledger.arrive(&seen.unwrap());
        }
        ledger.verdict()
    }

    #[test]
    fn a_read_mark_shows_its_position_or_a_later_one() {
        assert_eq!(verdict_of_marks(&[3, 4]), []);
        assert_eq!(verdict_of_marks(&[4, 4]), []);
        let missing = verdict_of_marks(&[4]);
        assert!(
            matches!(missing.first(), Some(Fault::Missing(_))),
            "{missing:?}"
        );
        let inverted = verdict_of_marks(&[4, 3]);
        assert!(
            matches!(inverted.first(), Some(Fault::Inverted(_))),
            "{inverted:?}"
        );
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
