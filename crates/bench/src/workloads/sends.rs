//! Sends from senders who wait for the answer, with everybody online.

use anyhow::Result;

use crate::figures::Figures;
use crate::progress::Progress;
use crate::sending::{Pace, closed_loop};
use crate::servers::{Profile, Target};
use crate::stage::Stage;

/// W1: so many conversations of two.
pub(crate) async fn pairs(
    target: &Target,
    pairs: usize,
    pace: &Pace,
    progress: &Progress,
) -> Result<Figures> {
    let conversations = target.crowd.pairs(pairs, progress).await?;
    let stage = Stage::open(target, conversations, progress).await?;
    closed_loop(target, &stage, pace, progress).await
}

/// W2: so many groups of so many people.
pub(crate) async fn groups(
    target: &Target,
    (count, size): (usize, usize),
    pace: &Pace,
    progress: &Progress,
) -> Result<Figures> {
    let conversations = target.crowd.groups(count, size, false, progress).await?;
    let stage = Stage::open(target, conversations, progress).await?;
    closed_loop(target, &stage, pace, progress).await
}

/// W2b: groups that overlap, over two nodes on the same database.
pub(crate) async fn overlapping(
    target: &mut Target,
    (count, size): (usize, usize),
    pace: &Pace,
    progress: &Progress,
) -> Result<Figures> {
    let conversations = target.crowd.groups(count, size, true, progress).await?;
    let private = target.profile != Profile::Url;
    if private {
        target.start_node().await?;
    }
    let stage = Stage::open(target, conversations, progress).await?;
    let figures = closed_loop(target, &stage, pace, progress).await;
    drop(stage);
    if private {
        target.end_last_node();
    }
    figures
}
