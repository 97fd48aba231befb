//! Making messages findable, shortly after they were sent.

use std::sync::Arc;
use std::time::Duration;

use pinwire_storage::search::Indexed;
use pinwire_storage::{Store, StoreError};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::live::hub::Hub;

/// How often a node looks whether the log went on, in its own memory. Messages that come in between are taken together.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long others have the database for themselves between two turns over messages that were there before.
const PAUSE: Duration = Duration::from_millis(20);
/// How long after a failure it is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Follows the log for ever. Any number of nodes may.
pub async fn run(store: Store, hub: Arc<Hub>) {
    let mut times = interval(LOOK_EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut done = None;
    loop {
        times.tick().await;
        let position = hub.position();
        if done == Some(position) {
            continue;
        }
        match catch_up(&store).await {
            Ok(()) => done = Some(position),
            Err(error) => {
                tracing::warn!(%error, "new messages are not findable yet; trying again");
                sleep(TRY_AGAIN_AFTER).await;
            }
        }
    }
}

async fn catch_up(store: &Store) -> Result<(), StoreError> {
    loop {
        match store.index_messages().await? {
            Indexed::All => return Ok(()),
            Indexed::More => {}
            Indexed::Older => sleep(PAUSE).await,
        }
    }
}
