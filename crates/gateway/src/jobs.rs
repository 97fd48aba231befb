//! Doing the work that acts left behind, soon after them.

use std::time::Duration;

use pinwire_storage::Store;
use tokio::time::{MissedTickBehavior, interval};

/// How often a node looks for work.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Works for ever. Any number of nodes may.
pub async fn run(store: Store) {
    let mut times = interval(LOOK_EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        loop {
            match store.run_job().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::warn!(%error, "a job failed; it is tried again in half a minute");
                    break;
                }
            }
        }
    }
}
