//! Deciding a batch without locks, to be written if the log stands where it stood.

use super::Writer;
use super::deciding::{Decided, Ended};
use super::kept::Kept;
use crate::db::Conn;
use crate::db::batch::Waiting;
use crate::error::{Result, StoreError};
use crate::log::{Base, Proposal};
use crate::rows::Rows;

/// A batch that is decided so.
pub(super) struct Ready {
    pub(super) ended: Vec<Ended>,
    pub(super) proposal: Proposal,
    /// What it leaves in memory when it is written.
    pub(super) kept: Kept,
}

impl Writer {
    /// Decides on rows as they are where the log stands at `base`.
    ///
    /// None if an act needs more than rows in memory, or what they made cannot be written by one statement.
    pub(super) fn propose(
        &self,
        conn: &mut Conn,
        batch: &mut [Waiting],
        mut rows: Rows,
        base: Base,
    ) -> Result<Option<Ready>> {
        // That an act ran before with its key is found when it is written.
        rows.outcomes.presume_absent();
        let mut decided = Decided::default();
        decided.ended.resize_with(batch.len(), || None);
        let all: Option<Vec<Ended>> =
            match self.run_together(conn, batch, &mut decided, &mut rows, None) {
                Ok(()) => decided.ended.into_iter().collect(),
                Err(StoreError::Database(error)) => {
                    tracing::debug!(%error, "a batch is decided again, with locks");
                    None
                }
                Err(error) => return Err(error),
            };
        let decided_all = all.filter(|all| !all.iter().any(|e| matches!(e, Ended::Again(_))));
        let Some(ended) = decided_all else {
            return Ok(None);
        };
        let Some(proposal) = Proposal::new(decided.events, &mut rows, base) else {
            return Ok(None);
        };
        let kept = Kept {
            rows: rows.into_kept(),
            base: proposal.after(),
        };
        Ok(Some(Ready {
            ended,
            proposal,
            kept,
        }))
    }
}
