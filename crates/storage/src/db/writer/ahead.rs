//! When a writer runs ahead.

/// Batches that wait their turn after runs ahead that were in vain, at most.
const WAITING_MAX: u32 = 63;

/// Whether to run ahead: less often, the more often it was in vain.
#[derive(Default)]
pub(super) struct Ahead {
    /// Batches that still wait their turn.
    waiting: u32,
    /// As many as there were after the last run in vain.
    last: u32,
}

impl Ahead {
    /// Whether this batch may.
    pub(super) fn may(&mut self) -> bool {
        let may = self.waiting == 0;
        self.waiting = self.waiting.saturating_sub(1);
        may
    }

    pub(super) fn succeeded(&mut self) {
        self.last = 0;
    }

    pub(super) fn was_in_vain(&mut self) {
        self.last = (self.last * 2 + 1).min(WAITING_MAX);
        self.waiting = self.last;
    }
}
