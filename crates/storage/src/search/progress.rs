//! How far messages have been made findable.

use diesel::prelude::*;

use super::found::Place;
use crate::db::many::{Table, Values};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::schema::search_progress;

pub(super) const PROGRESS: Table = Table {
    name: "search_progress",
    key: &["id"],
    columns: &["seq", "conversation_id", "position"],
};

/// How far messages have been made findable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// Those of all events up to here.
    pub(super) seq: i64,
    /// Of those that were there before, all up to this place; none when there are no more.
    pub(super) older: Option<Place>,
}

impl Progress {
    /// Its row.
    pub(super) fn values(self) -> Values {
        let (conversation, position) = self.older.unzip();
        vec![
            1.into(),
            self.seq.into(),
            conversation.into(),
            position.into(),
        ]
    }
}

/// Reads how far messages have been made findable.
pub(super) fn progress(conn: &mut Conn) -> Result<Progress> {
    let (seq, conversation, position): (i64, Option<i64>, Option<i64>) = on!(conn, c => search_progress::table
            .find(1_i64)
            .select((
                search_progress::seq,
                search_progress::conversation_id,
                search_progress::position,
            ))
            .first(c))?;
    Ok(Progress {
        seq,
        older: conversation.zip(position),
    })
}
