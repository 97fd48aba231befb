//! Growth: what a send costs as the store grows, and as more people are connected to whom it is nothing.

use anyhow::{Context as _, Result};

use crate::bystanders::{Bystanders, people_of};
use crate::figures::{Figures, number};
use crate::progress::Progress;
use crate::sending::{Pace, closed_loop, measured};
use crate::servers::{Target, psql};
use crate::stage::{Stage, told};

const FILL: &str = include_str!("growth/fill.sql");
/// Messages of a conversation that is filled in.
pub(super) const MESSAGES: u64 = 1_000;
/// Messages in the store at the first step, as a power of ten.
const FIRST: u32 = 4;
/// Pairs online.
const PAIRS: usize = 100;

/// Fills a store of its own step by step, from 10⁴ messages to 10 to the power of `up_to`.
pub(crate) async fn store(
    target: &Target,
    up_to: u32,
    pace: &Pace,
    progress: &Progress,
) -> Result<Figures> {
    let mut own = target.another().await?;
    let mut figures = Figures::default();
    let (mut there, mut costs) = (0, Vec::new());
    for power in FIRST..=up_to {
        let messages = 10_u64.pow(power);
        progress.begin(&format!("filling up to 10^{power} messages"), 0);
        own.end_nodes();
        fill(&own, there / MESSAGES, messages / MESSAGES).await?;
        there = messages;
        own.restart().await?;
        let pairs = own.crowd.pairs(PAIRS, progress).await?;
        let stage = Stage::open(&own, pairs, progress).await?;
        let run = closed_loop(&own, &stage, pace, progress).await?;
        let value = |name: &str| run.value(name).context("no figure");
        let cost = value("server cores")? / value("sends/s")? * 1e3;
        figures.add(format!("10^{power} sends/s"), value("sends/s")?);
        figures.add(format!("10^{power} CPU ms/send"), cost);
        costs.push(cost);
        figures.void = figures.void.or(run.void);
    }
    let (first, last) = (
        costs.first().context("no step")?,
        costs.last().context("no step")?,
    );
    figures.add("last/first CPU", last / first);
    Ok(figures)
}

/// Adds conversations to the store, by SQL; no node runs.
pub(super) async fn fill(target: &Target, from: u64, to: u64) -> Result<()> {
    let sql = FILL
        .replace("{from}", &from.to_string())
        .replace("{to}", &to.to_string());
    execute(target, sql).await
}

/// Runs SQL in which the present moment and a hash are words in braces, and lets the database look at what it made.
pub(super) async fn execute(target: &Target, sql: String) -> Result<()> {
    if let Some(postgres) = &target.postgres {
        let now = "(extract(epoch from now()) * 1000)::bigint";
        let hash = "decode(repeat('ab', 32), 'hex')";
        psql(postgres, &sql.replace("{now}", now).replace("{hash}", hash)).await?;
        psql(postgres, "vacuum analyze").await?;
        return psql(postgres, "checkpoint").await;
    }
    let sql = sql
        .replace("{now}", "(unixepoch() * 1000)")
        .replace("{hash}", "zeroblob(32)");
    let path = target.sqlite_path();
    tokio::task::spawn_blocking(move || {
        let file = rusqlite::Connection::open(path)?;
        file.execute_batch(&sql)?;
        file.execute_batch("analyze; pragma wal_checkpoint(truncate)")
    })
    .await??;
    Ok(())
}

/// Sends with nobody else connected, then with so many idle sockets of others.
pub(crate) async fn fan_out(
    target: &Target,
    sockets: usize,
    pace: &Pace,
    progress: &Progress,
) -> Result<Figures> {
    let mut people = target
        .crowd
        .people(2 * PAIRS + people_of(sockets), progress)
        .await?;
    let others = people.split_off(2 * PAIRS);
    let mut bystanders = Bystanders::new();
    let mut figures = Figures::default();
    let mut costs = Vec::new();
    for count in [0, sockets] {
        bystanders.fill(target, &others, count, progress).await?;
        let pairs = target.crowd.pairs(PAIRS, progress).await?;
        let stage = Stage::open(target, pairs, progress).await?;
        // What the sockets cost by themselves is not the sends'.
        let before = target.usage();
        progress.wait("idle", pace.time).await;
        let idle = before.until(&target.usage());
        let used = measured(target, &stage, pace, progress).await?;
        let sends = number(stage.board.meter.acknowledged_count());
        let cost = (used.servers_total() - idle.servers_total()) * 1e3 / sends.max(1.0);
        figures.add(format!("{count} idle: sends/s"), sends / used.time);
        figures.add(format!("{count} idle: CPU ms/send"), cost);
        costs.push(cost);
        figures.void = figures.void.or_else(|| stage.verdict());
    }
    figures.void = figures.void.or_else(|| told(&bystanders.faults()));
    let (alone, beside) = (
        costs.first().context("none")?,
        costs.last().context("none")?,
    );
    figures.add("beside/alone CPU", beside / alone);
    Ok(figures)
}
