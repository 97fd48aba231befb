//! W3: what an idle socket costs.

use std::time::Duration;

use anyhow::Result;

use crate::bystanders::{Bystanders, people_of};
use crate::clock;
use crate::figures::{Figures, OTHERS, number};
use crate::progress::Progress;
use crate::servers::{Profile, Target};
use crate::stage::told;
use crate::usage::Memory;

/// Sockets that are open before the others: what the first ones bring along is not theirs.
const FIRST: usize = 100;
/// How long the server may settle before its memory is read.
const SETTLE: Duration = Duration::from_secs(2);

/// Opens so many sockets, and lets them be for so long.
pub(crate) async fn run(
    target: &mut Target,
    sockets: usize,
    time: Duration,
    progress: &Progress,
) -> Result<Figures> {
    let people = target.crowd.people(people_of(sockets), progress).await?;
    if matches!(target.profile, Profile::Server | Profile::Embedded) {
        // Memory that sign-ups have left behind would be taken for the sockets, unseen. The peer knows its people
        // only while it runs, and its sign-ups take no memory.
        target.restart().await?;
    }
    let mut bystanders = Bystanders::new();
    bystanders.fill(target, &people, FIRST, progress).await?;
    progress.wait("settling", SETTLE).await;
    let before = target.memory();
    let began = clock::now();
    bystanders.fill(target, &people, sockets, progress).await?;
    let opening = began.elapsed();
    progress.wait("settling", SETTLE).await;
    let after = target.memory();
    let usage = target.usage();
    progress.wait("idle", time).await;
    let used = usage.until(&target.usage());
    let mut figures = Figures::default();
    let opened = number(u64::try_from(sockets.saturating_sub(FIRST))?);
    let kib =
        |of: fn(&Memory) -> u64| number(of(&after).saturating_sub(of(&before)) / 1024) / opened;
    figures.add("KiB/socket", kib(|it| it.resident));
    figures.add("KiB/socket (PSS)", kib(|it| it.proportional));
    figures.add("MiB in all", mib(after.resident));
    figures.add("opened/s", opened / opening.as_secs_f64());
    figures.add("server cores", used.servers_total() / used.time);
    figures.add(
        "µs CPU/socket/s",
        1e6 * used.servers_total() / used.time / opened,
    );
    figures.add(OTHERS, used.others / used.time);
    figures.void = told(&bystanders.faults());
    Ok(figures)
}

/// Bytes as MiB.
fn mib(bytes: u64) -> f64 {
    number(bytes / 1024) / 1024.0
}
