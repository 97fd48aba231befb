//! Waiting, with a deadline each time.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// How long a test waits for what should come at once. Long, since tests share a small machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How long between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks until there is something to see, and tells how long that took. After [`PATIENCE`] the test fails.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> (T, Duration) {
    let began = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return (seen, began.elapsed());
        }
        assert!(
            began.elapsed() < PATIENCE,
            "waited {PATIENCE:?} in vain for {what}"
        );
        sleep(PAUSE).await;
    }
}
