//! Fairness: what others notice of one conversation that is used as much as the server can take.

use anyhow::{Context as _, Result};

use crate::figures::Figures;
use crate::open_loop::Going;
use crate::progress::Progress;
use crate::sending::{Pace, Senders};
use crate::servers::Target;
use crate::stage::Stage;

/// Sends a second by the others.
const RATE: f64 = 50.0;
/// Pairs of others.
const PAIRS: usize = 10;

/// The others first alone, then beside the busy conversation.
pub(crate) async fn run(target: &Target, pace: &Pace, progress: &Progress) -> Result<Figures> {
    let mut pairs = target.crowd.pairs(PAIRS + 1, progress).await?;
    let busy = pairs.pop().context("no pair")?;
    let mut figures = Figures::default();
    let idle = Stage::open(target, pairs.clone(), progress).await?;
    Going::measure(target, &idle, (RATE, pace.time), progress).await?;
    let alone = p99(&idle);
    figures.void = idle.verdict();
    drop(idle);
    let beside = Stage::open(target, pairs, progress).await?;
    let crowded = Stage::open(target, vec![busy], progress).await?;
    let senders = Senders::set_off(target, &crowded, pace).await?;
    progress.wait("warming up", pace.warm_up).await;
    crowded.board.meter.open();
    Going::measure(target, &beside, (RATE, pace.time), progress).await?;
    crowded.board.meter.close();
    let sends = crate::figures::number(crowded.board.meter.acknowledged_count());
    senders.stop().await;
    crowded.drain().await;
    let loaded = p99(&beside);
    figures.add("idle p99 ms", alone.0);
    figures.add("loaded p99 ms", loaded.0);
    figures.add("loaded/idle p99", loaded.0 / alone.0);
    figures.add("idle arrival p99 ms", alone.1);
    figures.add("loaded arrival p99 ms", loaded.1);
    figures.add("busy sends/s", sends / pace.time.as_secs_f64());
    let verdicts = [figures.void.take(), beside.verdict(), crowded.verdict()];
    figures.void = verdicts.into_iter().flatten().next();
    Ok(figures)
}

/// Of answers and of arrivals.
fn p99(stage: &Stage) -> (f64, f64) {
    let meter = &stage.board.meter;
    (
        meter.answers.quantile_ms(0.99),
        meter.arrivals.quantile_ms(0.99),
    )
}
