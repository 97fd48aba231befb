//! Moving what SQLite keeps in its log into the database's file, beside the writer.
//!
//! SQLite does so by itself in the commit that makes the log long, and acts wait for it. Here a thread does most of it
//! before; what is left for the writer is little, and needed: only with everything moved does the log begin anew.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use super::pool::Connections;
use crate::error::{Result, StoreError};

/// How long the thread rests after each time; what is written several times meanwhile is moved once.
const REST: Duration = Duration::from_millis(250);

/// The thread, which ends when the last handle is dropped.
#[derive(Clone)]
pub(crate) struct Checkpoints {
    wake: SyncSender<()>,
}

impl Checkpoints {
    pub(crate) fn start(connections: Connections) -> Result<Self> {
        let (wake, woken) = sync_channel(1);
        std::thread::Builder::new()
            .name("checkpoints".into())
            .spawn(move || run(&connections, &woken))
            .map_err(|e| StoreError::Unavailable(format!("cannot start checkpoints: {e}")))?;
        Ok(Self { wake })
    }

    /// Tells that something was committed.
    pub(super) fn wake(&self) {
        // A thread that was told already will see this commit, too.
        let _ = self.wake.try_send(());
    }
}

fn run(connections: &Connections, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        let outcome = connections
            .get()
            .and_then(|mut conn| conn.checkpoint_beside());
        if let Err(error) = outcome {
            // The writer does it when the log is long.
            tracing::debug!(%error, "the log was not moved into the file");
        }
        std::thread::sleep(REST);
    }
}
