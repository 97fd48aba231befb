//! Sign-ins: what senders notice when very many people sign in, which costs more CPU than anything else.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, bail};
use tokio::task::{JoinHandle, spawn_local};

use crate::figures::{Figures, number};
use crate::open_loop::{Going, ticks};
use crate::progress::Progress;
use crate::sending::Pace;
use crate::servers::Target;
use crate::stage::Stage;

/// Sends a second.
const SENDS: f64 = 100.0;
/// Pairs of people who send.
const PAIRS: usize = 10;

/// People who sign in: others, since each has so many sessions at most.
const SIGNING_IN: usize = 20;

/// Answers to sign-ins.
#[derive(Default)]
struct Answers {
    granted: Cell<u64>,
    /// 503: who is turned away comes back.
    turned_away: Cell<u64>,
}

/// Sends alone, then beside so many sign-ins a second.
pub(crate) async fn run(
    target: &Target,
    rate: f64,
    pace: &Pace,
    progress: &Progress,
) -> Result<Figures> {
    let pairs = target.crowd.pairs(PAIRS, progress).await?;
    target
        .crowd
        .people(2 * PAIRS + SIGNING_IN, progress)
        .await?;
    let mut figures = Figures::default();
    let alone = Stage::open(target, pairs.clone(), progress).await?;
    Going::measure(target, &alone, (SENDS, pace.time), progress).await?;
    figures.add("alone p99 ms", alone.board.meter.answers.quantile_ms(0.99));
    figures.void = alone.verdict();
    drop(alone);
    let beside = Stage::open(target, pairs, progress).await?;
    let answers = Rc::new(Answers::default());
    let time = pace.warm_up + pace.time;
    let sign_ins = sign_in(target, rate, time, &answers)?;
    progress.wait("signing in", pace.warm_up).await;
    let before = target.usage();
    Going::measure(target, &beside, (SENDS, pace.time), progress).await?;
    let used = before.until(&target.usage());
    sign_ins.await??;
    let meter = &beside.board.meter;
    figures.add("beside p50 ms", meter.answers.quantile_ms(0.5));
    figures.add("beside p99 ms", meter.answers.quantile_ms(0.99));
    figures.add("beside arrival p99 ms", meter.arrivals.quantile_ms(0.99));
    let seconds = time.as_secs_f64();
    figures.add("signed in/s", number(answers.granted.get()) / seconds);
    figures.add("turned away/s", number(answers.turned_away.get()) / seconds);
    figures.of_cores(&used, number(meter.acknowledged_count()));
    figures.void = figures.void.take().or(beside.verdict());
    Ok(figures)
}

/// Signs people in at a rate, whatever the answers take.
fn sign_in(
    target: &Target,
    rate: f64,
    time: Duration,
    answers: &Rc<Answers>,
) -> Result<JoinHandle<Result<()>>> {
    let mut ticks = ticks(rate, time)?;
    let answers = Rc::clone(answers);
    let client = target.crowd.client();
    let forms = target
        .crowd
        .sign_in_forms(2 * PAIRS..2 * PAIRS + SIGNING_IN);
    Ok(spawn_local(async move {
        let mut all: Vec<JoinHandle<Result<()>>> = Vec::new();
        let mut forms = forms.into_iter().cycle();
        while ticks.recv().await.is_some() {
            let (client, answers) = (Rc::clone(&client), Rc::clone(&answers));
            let form = forms.next().unwrap_or_default();
            all.push(spawn_local(async move {
                let (status, body) = client.ask(&crate::people::token_request(&form)).await?;
                let counted = match status {
                    200 => &answers.granted,
                    503 => &answers.turned_away,
                    _ => bail!("a sign-in: {status} {}", String::from_utf8_lossy(&body)),
                };
                counted.set(counted.get() + 1);
                Ok(())
            }));
        }
        for one in all {
            one.await??;
        }
        Ok(())
    }))
}
