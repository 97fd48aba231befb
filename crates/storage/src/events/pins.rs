//! What events about pins show: for each pin in a conversation its marks, and where it was sent.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use pinwire_domain::event::EventKind;
use pinwire_domain::{ConversationId, PinId, UserId, limits};

use crate::conversation_pins::{Key, Marks};
use crate::conversations::{Mine, Views};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::log::LoggedEvent;
use crate::messages::Place;
use crate::pin_snapshots::SentPin;
use crate::schema::pin_sendings;

/// What is known of the pins that some events are about.
#[derive(Default)]
pub(super) struct Pins {
    /// Where each was sent, and how it stands there now, the last sending first.
    states: HashMap<Key, Vec<(i64, SentPin)>>,
    marks: HashMap<Key, Marks>,
    /// Which of these messages are kept from whom.
    kept: HashSet<(UserId, Place)>,
}

impl Pins {
    /// Three statements, however many pins there are; none for none.
    pub(super) fn load(conn: &mut Conn, keys: &[Key], views: &Views) -> Result<Self> {
        if keys.is_empty() {
            return Ok(Self::default());
        }
        let states = states(conn, keys)?;
        let place = |(key, all): (&Key, &Vec<(i64, SentPin)>)| {
            let id = key.0;
            let places: Vec<Place> = all.iter().map(|(position, _)| (id, *position)).collect();
            places
        };
        let places: Vec<Place> = states.iter().flat_map(place).collect();
        Ok(Self {
            kept: super::kept(conn, &places, views)?,
            marks: Marks::load(conn, keys)?,
            states,
        })
    }

    /// What was put to a pin, and who saved it.
    pub(super) fn marks(&self, key: Key) -> Option<&Marks> {
        self.marks.get(&key)
    }

    /// Where a member sees that a pin was sent, and how it stands there; empty for a pin they do not see.
    pub(super) fn seen_by(&self, key: Key, viewer: UserId, mine: &Mine) -> Vec<(i64, SentPin)> {
        let all = self.states.get(&key).into_iter().flatten();
        let is_seen = |(position, _): &&(i64, SentPin)| {
            let place = (key.0, *position);
            *position >= mine.first_position && !self.kept.contains(&(viewer, place))
        };
        all.filter(is_seen).cloned().collect()
    }

    /// Whether a member is told of an event about a pin: one who sees the pin, and of saves only those that the saver
    /// lets them know.
    pub(super) fn tells(&self, event: &LoggedEvent, viewer: UserId, mine: &Mine) -> bool {
        let Some(key) = event.pin() else {
            return true;
        };
        let marks = self.marks(key);
        let knows = event.kind != EventKind::PinSaved
            || marks.is_some_and(|it| it.saves.seen_by(viewer).contains(&event.actor));
        knows && !self.seen_by(key, viewer, mine).is_empty()
    }
}

fn states(conn: &mut Conn, keys: &[Key]) -> Result<HashMap<Key, Vec<(i64, SentPin)>>> {
    type Row = (
        i64,
        i64,
        i64,
        String,
        (Option<i64>, Option<String>),
        Option<String>,
    );
    let (ids, pins): (HashSet<i64>, HashSet<i64>) =
        keys.iter().map(|(id, pin)| (id.get(), pin.get())).unzip();
    let rows: Vec<Row> = on!(conn, c => pin_sendings::table
        .filter(pin_sendings::conversation_id.eq_any(&ids))
        .filter(pin_sendings::pin_id.eq_any(&pins))
        .filter(pin_sendings::place.le(limits::PIN_STATES_MAX))
        .order(pin_sendings::position.desc())
        .select((
            pin_sendings::conversation_id,
            pin_sendings::pin_id,
            pin_sendings::position,
            pin_sendings::pin_snapshot,
            (pin_sendings::pin_version, pin_sendings::pin_link),
            pin_sendings::link_check,
        ))
        .load(c))?;
    let mut states: HashMap<Key, Vec<(i64, SentPin)>> = HashMap::new();
    for (id, pin, position, snapshot, (version, link), check) in rows {
        let state = SentPin::read(&snapshot, (version, link.as_deref()), check.as_deref())?;
        let key = (ConversationId::new(id), PinId::new(pin));
        states.entry(key).or_default().push((position, state));
    }
    Ok(states)
}
