//! The one place where the program takes the present moment and chance from.
#![allow(clippy::disallowed_methods, reason = "this is the one place")]

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use pinwire_domain::Time;
use pinwire_storage::Source;

/// The present moment.
#[must_use]
pub fn now() -> Time {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// A moment of the monotonic clock, for measuring and waiting.
#[must_use]
pub fn monotonic() -> Instant {
    Instant::now()
}

/// Unpredictable bytes from the operating system's generator.
#[must_use]
pub fn random_bytes<const N: usize>() -> [u8; N] {
    rand::random()
}

/// Time and chance for the store.
#[must_use]
pub fn source() -> Source {
    Source::new(now, rand::random::<u64>)
}
