//! The clock that everything is measured by.

use std::time::Instant;

/// The present moment.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place of the bench that reads the clock"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
