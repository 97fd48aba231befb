//! Adding to the log, with all that the acts of a batch decided.

use std::collections::BTreeMap;

use diesel::prelude::*;
use pinwire_domain::ConversationId;
use pinwire_domain::event::EventKind;

use super::{Base, Committed, EVENTS, LoggedEvent, periods};
use crate::db::many::{Guard, Table, Writes};
use crate::db::tx::{AHEAD, Emitted};
use crate::db::{Conn, on};
use crate::error::{Result, StoreError};
use crate::events::Subjects;
use crate::idempotency::{self, OUTCOMES};
use crate::rows::Rows;
use crate::schema::log_head;

/// Gives the events their `seq`, and writes them with all that the acts decided.
///
/// Locks the head row: what comes before the commit is the one statement that writes. `base` is how the log stood when
/// the locks were taken.
pub(crate) fn append(
    conn: &mut Conn,
    new: Vec<Emitted>,
    rows: &mut Rows,
    base: Option<Base>,
) -> Result<Committed> {
    if new.is_empty() {
        let mut writes = Writes::default();
        rows.write(&mut writes);
        writes.run(conn)?;
        return Ok(Committed::default());
    }
    let count = i64::try_from(new.len()).unwrap_or(i64::MAX);
    let (last, unlogged): (i64, i64) = on!(conn, c => diesel::update(log_head::table.find(1_i16))
        .set(log_head::seq.eq(log_head::seq + count))
        .returning((log_head::seq, log_head::unlogged_changes))
        .get_result(c))?;
    let before = last - count;
    let events = logged(before, &new);
    periods::change(conn, &events, &new)?;
    let mut writes = Writes::default();
    let moved = Moved::by(&events).into_iter();
    let unread = moved.filter(|it| !rows.touch(it.conversation, (it.last, it.activity), &events));
    Moved::write(unread.collect(), &mut writes);
    write(rows, &events, &mut writes);
    writes.run(conn)?;
    let now = Base {
        seq: before,
        unlogged,
    };
    let subjects = if base == Some(now) {
        Subjects::of(&new, rows)
    } else {
        // Something was added or changed meanwhile, which may show in these events.
        Subjects::default()
    };
    Ok(Committed::of(events, new, subjects))
}

/// Adds one to the log's head, and so on, if nobody has since `base`, nor is about to, and no outcome is there for a
/// key that gets one.
const GUARD: &str =
    "update log_head set seq = seq + ? where id = 1 and seq = ? and unlogged_changes = ?
    and pg_try_advisory_xact_lock(?) and {absent} returning seq";

/// As [`append`], by one statement that is a transaction of its own; PostgreSQL only.
///
/// None, and nothing is written, if the log does not stand at `base` any more, if acts in the middle of their
/// transactions may move it, or if an act was done before with its key.
pub(crate) fn append_ahead(
    conn: &mut Conn,
    new: Vec<Emitted>,
    rows: &mut Rows,
    base: Base,
) -> Result<Option<Committed>> {
    if new.iter().any(|emitted| !emitted.periods.is_empty()) {
        // Times of membership are changed by statements of their own.
        return Ok(None);
    }
    let events = logged(base.seq, &new);
    let made = idempotency::new_keys(&rows.outcomes);
    for moved in Moved::by(&events) {
        if !rows.touch(moved.conversation, (moved.last, moved.activity), &events) {
            return Ok(None);
        }
    }
    let mut writes = Writes::default();
    write(rows, &events, &mut writes);
    if writes.is_empty() {
        // What changes nothing was decided on how things are, too.
        let same = Base::now(conn)? == base;
        return Ok(same.then(Committed::default));
    }
    let Conn::Postgres(c) = conn else {
        return Ok(None);
    };
    let count = i64::try_from(new.len()).unwrap_or(i64::MAX);
    let values = vec![count, base.seq, base.unlogged, AHEAD];
    let guard = Guard::new(GUARD, values, &OUTCOMES, made);
    match writes.run_if(c, guard) {
        Ok(true) => {
            let subjects = Subjects::of(&new, rows);
            Ok(Some(Committed::of(events, new, subjects)))
        }
        Ok(false) => Ok(None),
        Err(StoreError::Database(error)) => {
            tracing::debug!(%error, "what was decided ahead was not written");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The events in their places after `before`.
fn logged(before: i64, new: &[Emitted]) -> Vec<LoggedEvent> {
    let logged = |(seq, emitted): (i64, &Emitted)| LoggedEvent::new(seq, &emitted.event);
    (before + 1..).zip(new).map(logged).collect()
}

/// Adds all that is written for these events.
fn write(rows: &mut Rows, events: &[LoggedEvent], writes: &mut Writes) {
    rows.write(writes);
    writes.insert(EVENTS, events.iter().map(LoggedEvent::values).collect());
}

/// A conversation that moves in the log's counter.
struct Moved {
    conversation: ConversationId,
    /// Its newest event.
    last: i64,
    /// Its newest message.
    activity: Option<i64>,
}

impl Moved {
    /// Those that these events are of.
    fn by(events: &[LoggedEvent]) -> Vec<Self> {
        let mut newest: BTreeMap<ConversationId, (i64, Option<i64>)> = BTreeMap::new();
        for event in events {
            if let Some(conversation) = event.conversation {
                let place = newest.entry(conversation).or_default();
                place.0 = event.seq;
                if event.kind.brings_message() || event.kind == EventKind::ConversationCreated {
                    place.1 = Some(event.seq);
                }
            }
        }
        let moved = |(conversation, (last, activity))| Self {
            conversation,
            last,
            activity,
        };
        newest.into_iter().map(moved).collect()
    }

    /// Moves those whose rows are not in memory.
    fn write(all: Vec<Self>, writes: &mut Writes) {
        let (active, others): (Vec<Self>, Vec<Self>) =
            all.into_iter().partition(|it| it.activity.is_some());
        let rows = others
            .iter()
            .map(|it| vec![it.conversation.get().into(), it.last.into()]);
        writes.update(MOVED, rows.collect());
        let rows = active.iter().map(|it| {
            vec![
                it.conversation.get().into(),
                it.last.into(),
                it.activity.into(),
            ]
        });
        writes.update(ACTIVE, rows.collect());
    }
}

const MOVED: Table = Table {
    name: "conversations",
    key: &["id"],
    columns: &["last_seq"],
};

const ACTIVE: Table = Table {
    columns: &["last_seq", "activity_seq"],
    ..MOVED
};
