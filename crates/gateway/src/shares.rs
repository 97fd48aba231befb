//! How many nodes share the limits that each counts in memory: asked every second.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::App;

/// How often a node says that it runs.
const SAID_EVERY: Duration = Duration::from_secs(1);

/// Works for ever.
pub async fn run(app: Arc<App>) {
    let mut times = interval(SAID_EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        match app.store.count_nodes(app.node).await {
            Ok(nodes) => app.rate_limits.share_among(nodes),
            // What was counted last holds.
            Err(error) => tracing::warn!(%error, "the nodes cannot be counted"),
        }
    }
}
