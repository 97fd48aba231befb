//! Removing what nobody needs any more, every minute.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::App;

/// How often a node sweeps.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// Sweeps for ever: the store, which any number of nodes may, and this node's own counts.
pub async fn run(app: Arc<App>) {
    let mut times = interval(SWEEP_EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        app.rate_limits.forget_idle();
        loop {
            match app.store.sweep().await {
                Ok(swept) if swept.more() => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "a sweep failed; the next one is in a minute");
                    break;
                }
            }
        }
    }
}
