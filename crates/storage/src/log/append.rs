//! Adding to the log, with all that the acts of a batch decided.

use std::collections::BTreeMap;

use diesel::prelude::*;
use pinwire_domain::ConversationId;
use pinwire_domain::event::EventKind;

use super::{Base, Committed, EVENTS, LoggedEvent, periods};
use crate::db::many::{Guard, Table, Writes};
use crate::db::tx::{AHEAD, Emitted};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::events::Subjects;
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

/// Moves the log's head if nobody has since, nor is about to.
const GUARD: &str =
    "update log_head set seq = seq + ? where id = 1 and seq = ? and unlogged_changes = ?
    and pg_try_advisory_xact_lock(?) returning seq";

/// What a batch that was decided without locks adds to the log, and all that its acts decided.
///
/// It is written only if the log stands where it stood.
pub(crate) struct Proposal {
    base: Base,
    count: i64,
    writes: Writes,
    committed: Committed,
}

impl Proposal {
    /// None if it takes more than one statement.
    pub(crate) fn new(new: Vec<Emitted>, rows: &mut Rows, base: Base) -> Option<Self> {
        if new.iter().any(|emitted| !emitted.periods.is_empty()) {
            // Times of membership are changed by statements of their own.
            return None;
        }
        let events = logged(base.seq, &new);
        for moved in Moved::by(&events) {
            if !rows.touch(moved.conversation, (moved.last, moved.activity), &events) {
                return None;
            }
        }
        let mut writes = Writes::default();
        write(rows, &events, &mut writes);
        let subjects = Subjects::of(&new, rows);
        Some(Self {
            base,
            count: i64::try_from(new.len()).unwrap_or(i64::MAX),
            writes,
            committed: Committed::of(events, new, subjects),
        })
    }

    /// How the log stands when it is written.
    pub(crate) fn after(&self) -> Option<Base> {
        self.committed.after(self.base)
    }

    /// Writes it, by one statement on PostgreSQL, and in a transaction elsewhere.
    ///
    /// None, and nothing of it may stay, if the log does not stand there any more, or if acts in the middle of their
    /// transactions may move it. Where an act was done before with its key, that key's row is there already: an error.
    pub(crate) fn write(self, conn: &mut Conn) -> Result<Option<Committed>> {
        if self.writes.is_empty() {
            // What changes nothing was decided on how things are, too.
            let same = Base::now(conn)? == self.base;
            return Ok(same.then_some(self.committed));
        }
        let Base { seq, unlogged } = self.base;
        let written = if let Conn::Postgres(c) = conn {
            let guard = Guard::new(GUARD, vec![self.count, seq, unlogged, AHEAD]);
            self.writes.run_if(c, guard)?
        } else {
            let moved = move_head(conn, self.base, self.count)?;
            if moved {
                self.writes.run(conn)?;
            }
            moved
        };
        Ok(written.then_some(self.committed))
    }
}

/// Adds `count` to the log's head, if it stands there.
fn move_head(conn: &mut Conn, base: Base, count: i64) -> Result<bool> {
    let head = log_head::table
        .find(1_i16)
        .filter(log_head::seq.eq(base.seq))
        .filter(log_head::unlogged_changes.eq(base.unlogged));
    let moved = on!(conn, c => diesel::update(head)
        .set(log_head::seq.eq(log_head::seq + count))
        .execute(c))?;
    Ok(moved > 0)
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
