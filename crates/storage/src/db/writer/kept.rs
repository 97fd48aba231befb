//! What a writer keeps in memory from one batch to the next.

use std::collections::BTreeSet;

use crate::db::Conn;
use crate::error::Result;
use crate::log::{self, Base, LoggedEvent};
use crate::rows::Rows;

/// Events of others at most after which what they are not about is kept.
const OTHERS_MAX: i64 = 1_000;

/// Rows that need not be read again as long as the log stands where it stood.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) rows: Rows,
    pub(super) base: Option<Base>,
}

impl Kept {
    /// The rows as they are where the log stands at `base`: without those of conversations that others have changed since.
    pub(super) fn rows_at(mut self, conn: &mut Conn, base: Base) -> Result<Rows> {
        if self.base == Some(base) {
            return Ok(self.rows);
        }
        let Some(known) = self.base.filter(|it| it.unlogged == base.unlogged) else {
            return Ok(Rows::default());
        };
        let (events, _) = log::after(conn, known.seq, OTHERS_MAX)?;
        let others = i64::try_from(events.len()).unwrap_or(i64::MAX);
        if known.seq + others != base.seq {
            // There are more, or such as this version does not know.
            return Ok(Rows::default());
        }
        // What is not about a conversation may show in any.
        let changed: Option<BTreeSet<_>> =
            events.iter().map(LoggedEvent::of_conversation).collect();
        Ok(match changed {
            Some(changed) => {
                self.rows.forget(&changed);
                self.rows
            }
            None => Rows::default(),
        })
    }
}
