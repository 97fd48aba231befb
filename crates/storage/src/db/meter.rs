//! What is measured of the writers. It tells, and decides nothing.

use std::time::Instant;

/// Acts committed together.
const BATCH_ACTS: &str = "pinwire_batch_acts";
/// Seconds from an act's coming to the beginning of its batch.
const ACT_WAIT: &str = "pinwire_act_wait_seconds";
/// Seconds from the beginning of a batch to the end of its commit.
const BATCH_TIME: &str = "pinwire_batch_seconds";
/// Acts that had to run again, with another lock or by themselves.
const ACTS_AGAIN: &str = "pinwire_acts_again_total";

/// A moment on the machine's steady clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment(Instant);

impl Moment {
    #[allow(clippy::disallowed_methods, reason = "no act learns of it")]
    pub(super) fn now() -> Self {
        Self(Instant::now())
    }
}

/// Notes a batch that begins, with the moments its acts came.
pub(super) fn begin(came: impl Iterator<Item = Moment>) -> Moment {
    let now = Moment::now();
    let mut acts = 0_u32;
    for moment in came {
        acts += 1;
        metrics::histogram!(ACT_WAIT).record(now.0.duration_since(moment.0));
    }
    metrics::histogram!(BATCH_ACTS).record(f64::from(acts));
    now
}

/// Notes that a batch ended, and how many of its acts have to run again.
pub(super) fn end(begun: Moment, again: usize) {
    metrics::histogram!(BATCH_TIME).record(Moment::now().0.duration_since(begun.0));
    if again > 0 {
        metrics::counter!(ACTS_AGAIN).increment(u64::try_from(again).unwrap_or(u64::MAX));
    }
}
