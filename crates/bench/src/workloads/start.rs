//! How soon a node is ready, and what it needs while nothing happens.

use std::time::Duration;

use anyhow::Result;

use crate::clock;
use crate::figures::{Figures, number};
use crate::progress::Progress;
use crate::servers::Target;

/// How long a node is left alone before its memory is read.
const SETTLE: Duration = Duration::from_secs(3);

/// Ends the node and starts it anew on the same database.
pub(crate) async fn run(target: &mut Target, progress: &Progress) -> Result<Figures> {
    target.end_nodes();
    let began = clock::now();
    target.restart().await?;
    let ready = began.elapsed();
    progress.wait("settling", SETTLE).await;
    let memory = target.memory();
    let mut figures = Figures::default();
    figures.add("ready s", ready.as_secs_f64());
    let mb = |bytes: u64| number(bytes / 1_000) / 1e3;
    figures.add("idle MB", mb(memory.resident));
    figures.add("idle MB (PSS)", mb(memory.proportional));
    Ok(figures)
}
