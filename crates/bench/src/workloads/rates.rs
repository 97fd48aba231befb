//! W5: sends at a fixed rate.

use anyhow::Result;

use crate::figures::Figures;
use crate::open_loop::Going;
use crate::progress::Progress;
use crate::sending::Pace;
use crate::servers::Target;
use crate::stage::Stage;

/// So many sends a second over so many pairs online.
pub(crate) async fn run(
    target: &Target,
    (rate, pairs): (f64, usize),
    pace: &Pace,
    progress: &Progress,
) -> Result<Figures> {
    let conversations = target.crowd.pairs(pairs, progress).await?;
    let stage = Stage::open(target, conversations, progress).await?;
    let going = Going::begin(target, &stage, rate, pace.warm_up + pace.time).await?;
    progress.wait("warming up", pace.warm_up).await;
    let before = target.usage();
    stage.board.meter.open();
    progress.wait("measuring", pace.time).await;
    stage.board.meter.close();
    let used = before.until(&target.usage());
    going.end().await?;
    stage.drain().await;
    let mut figures = Figures::default();
    figures.of_sends(&stage.board.meter, &used);
    figures.void = stage.verdict();
    Ok(figures)
}
