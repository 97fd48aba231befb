//! A storm: very many sockets come back at once, each with a cursor and something it missed.

use std::cell::Cell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::task::{JoinSet, spawn_local};
use tokio::time::timeout;

use crate::bystanders::SOCKETS_OF_PERSON;
use crate::clock;
use crate::delivery::{Act, Fault, Stream};
use crate::figures::{Figures, number};
use crate::frame::Frame;
use crate::meter::Latencies;
use crate::open_loop::Going;
use crate::people::{Conversation, Person};
use crate::progress::Progress;
use crate::sending::{Pace, fill};
use crate::servers::Target;
use crate::socket::Socket;
use crate::stage::Stage;

/// Pairs of others, who go on meanwhile.
const OTHERS: usize = 20;
/// Sends a second by the others.
const RATE: f64 = 100.0;
/// Sockets that are opened at once before the storm.
const AT_ONCE: usize = 64;
/// Messages that each socket missed.
const MISSED: usize = 3;
/// How long one waits who was told to come back later; up to a second more.
const AGAIN: Duration = Duration::from_millis(500);
/// How long the storm may last.
const STORM_MAX: Duration = Duration::from_mins(1);

/// A device that was online.
struct Device {
    person: Rc<Person>,
    cursor: String,
    number: usize,
}

/// So many sockets come back at once.
pub(crate) async fn run(
    target: &Target,
    sockets: usize,
    pace: &Pace,
    progress: &Progress,
) -> Result<Figures> {
    let pairs = sockets.div_ceil(2 * SOCKETS_OF_PERSON);
    let mut pairs = target.crowd.pairs(pairs + OTHERS, progress).await?;
    let away = pairs.split_off(OTHERS);
    let stage = Stage::open(target, pairs, progress).await?;
    let devices = go_away(target, &away, sockets, progress).await?;
    for conversation in &away {
        fill(target, conversation, MISSED, progress).await?;
    }
    let calm = {
        let quiet = Going::begin(target, &stage, RATE, pace.time).await?;
        stage.board.meter.open();
        progress.wait("the others alone", pace.time).await;
        quiet.end().await?;
        stage.board.meter.arrivals.quantile_ms(0.99)
    };
    stage.board.meter.reset();
    let others = Going::begin(target, &stage, RATE, pace.time).await?;
    let before = target.usage();
    let storm = rage(target, devices, progress).await?;
    let used = before.until(&target.usage());
    others.end().await?;
    stage.drain().await;
    let mut figures = Figures::default();
    figures.add("all live s", storm.time.as_secs_f64());
    let live = number(u64::try_from(storm.open.len())?);
    figures.add("live/s", live / storm.time.as_secs_f64());
    figures.add("turned away", number(storm.turned_away));
    figures.add("one live p50 ms", storm.back.quantile_ms(0.5));
    figures.add("one live p99 ms", storm.back.quantile_ms(0.99));
    figures.add("others' arrival p99 ms, calm", calm);
    figures.add(
        "others' arrival p99 ms, storm",
        stage.board.meter.arrivals.quantile_ms(0.99),
    );
    figures.of_cores(&used, number(u64::try_from(sockets)?));
    figures.void = stage.verdict();
    if let Some(first) = storm.failed.first() {
        figures.void = Some(format!(
            "{} sockets did not come back: {first}",
            storm.failed.len()
        ));
    }
    Ok(figures)
}

/// What came of a storm.
struct Outcome {
    /// The sockets that are live again.
    open: Vec<Socket>,
    /// Why others are not.
    failed: Vec<String>,
    /// Until the last one was live.
    time: Duration,
    /// Of each of them.
    back: Rc<Latencies>,
    /// How often one was told to come back later.
    turned_away: u64,
}

async fn rage(target: &Target, devices: Vec<Device>, progress: &Progress) -> Result<Outcome> {
    progress.begin("the storm", devices.len());
    let back = Rc::new(Latencies::new()?);
    let turned_away = Rc::new(Cell::new(0));
    let began = clock::now();
    let mut storm = JoinSet::new();
    for device in devices {
        let (address, back) = (target.address(device.number)?, Rc::clone(&back));
        let turned_away = Rc::clone(&turned_away);
        storm.spawn_local(async move {
            let socket = timeout(STORM_MAX, come_back(address, &device, &turned_away)).await;
            back.add(began.elapsed());
            socket.context("not back in time")?
        });
    }
    let (mut open, mut failed) = (Vec::new(), Vec::new());
    while let Some(ended) = storm.join_next().await {
        progress.step();
        match ended? {
            Ok(socket) => open.push(socket),
            Err(error) => failed.push(format!("{error:#}")),
        }
    }
    let time = began.elapsed();
    Ok(Outcome {
        open,
        failed,
        time,
        back,
        turned_away: turned_away.get(),
    })
}

/// Opens all sockets, notes their cursors, and lets go of them.
async fn go_away(
    target: &Target,
    away: &[Rc<Conversation>],
    sockets: usize,
    progress: &Progress,
) -> Result<Vec<Device>> {
    let people: Vec<_> = away
        .iter()
        .flat_map(|it| it.people.iter().cloned())
        .collect();
    progress.begin("opening sockets", sockets);
    let open: Vec<(Socket, Device)> = stream::iter(0..sockets)
        .map(async |number| {
            progress.step();
            let person = people.get(number % people.len().max(1)).context("nobody")?;
            let address = target.address(number)?;
            let socket = Socket::open(address, &person.token(), None, number).await?;
            let (epoch, seq) = &socket.hello;
            let cursor = format!("{epoch}:{seq}");
            let person = Rc::clone(person);
            anyhow::Ok((
                socket,
                Device {
                    person,
                    cursor,
                    number,
                },
            ))
        })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await?;
    let (gone, devices): (Vec<_>, Vec<_>) = open.into_iter().unzip();
    spawn_local(async move { drop(gone) }).await?;
    progress.wait("away", Duration::from_secs(2)).await;
    Ok(devices)
}

/// Comes back as clients do: who is turned away, or told to come back later, tries again after a while.
async fn come_back(
    address: SocketAddr,
    device: &Device,
    turned_away: &Cell<u64>,
) -> Result<Socket> {
    loop {
        match connect(address, device).await {
            Err(error) if !error.is::<Fault>() => turned_away.set(turned_away.get() + 1),
            ended => return ended,
        }
        let spread = u64::try_from(device.number % 1_000)?;
        tokio::time::sleep(AGAIN + Duration::from_millis(spread)).await;
    }
}

/// Connects with the cursor, and is live once all that was missed has come, in order.
async fn connect(address: SocketAddr, device: &Device) -> Result<Socket> {
    let (token, number) = (device.person.token(), device.number);
    let mut socket = Socket::open(address, &token, Some(&device.cursor), number).await?;
    let mut stream = Stream::new(socket.hello.1, true);
    let mut seen: HashMap<usize, usize> = HashMap::new();
    while seen.len() < MISSED {
        let text = socket.next().await?;
        let frame = Frame::parse(&text)?;
        match stream.see(&frame) {
            Err(fault) => return Err(fault.into()),
            Ok(Some(arrival)) => {
                if let Act::Send(send) = arrival.act {
                    *seen.entry(send).or_default() += 1;
                }
            }
            Ok(None) if frame.kind == "resync_required" => {
                return Err(Fault::Missing(text.to_string()).into());
            }
            Ok(None) => {}
        }
    }
    if seen.values().any(|it| *it != 1) {
        return Err(Fault::Doubled(format!("{seen:?}")).into());
    }
    Ok(socket)
}
