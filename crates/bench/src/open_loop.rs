//! Sends at a fixed rate, whatever the answers take: latencies count from when a send was meant to begin, so a
//! server that is late does not hide it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, spawn_local};

use crate::clock;
use crate::delivery::Fault;
use crate::progress::Progress;
use crate::sending::{Errand, Sender};
use crate::servers::Target;
use crate::stage::{Board, Stage};

/// Connections that are there from the beginning.
const CONNECTIONS: usize = 16;
/// Requests at once at most; what is beyond waits, and its latency counts all the same.
const AT_ONCE: usize = 256;

/// Moments at this rate, from a thread of its own: the runtime's timers are a millisecond apart.
pub(crate) fn ticks(rate: f64, time: Duration) -> Result<mpsc::UnboundedReceiver<Instant>> {
    let (to_loop, ticks) = mpsc::unbounded_channel();
    let step = Duration::from_secs_f64(1.0 / rate);
    std::thread::Builder::new()
        .name("ticks".to_owned())
        .spawn(move || {
            let began = clock::now();
            let mut next = began;
            while next - began < time {
                std::thread::sleep(next.saturating_duration_since(clock::now()));
                if to_loop.send(next).is_err() {
                    return;
                }
                next += step;
            }
        })?;
    Ok(ticks)
}

/// Senders that wait for something to send.
struct Pool {
    idle: RefCell<Vec<Sender>>,
    board: Rc<Board>,
    free: Semaphore,
}

/// Sends that are made at a rate, in the stage's conversations in turn.
pub(crate) struct Going {
    task: JoinHandle<()>,
}

impl Going {
    /// Begins to send, for so long.
    pub(crate) async fn begin(
        target: &Target,
        stage: &Stage,
        rate: f64,
        time: Duration,
    ) -> Result<Self> {
        let mut idle = Vec::new();
        for number in 0..CONNECTIONS {
            idle.push(Sender::connect(target, &stage.board, number, false).await?);
        }
        let spare = Spare {
            target: target.address(0)?,
            prefix: target.crowd.new_key(),
        };
        let pool = Rc::new(Pool {
            idle: RefCell::new(idle),
            board: Rc::clone(&stage.board),
            free: Semaphore::new(AT_ONCE),
        });
        let conversations = stage.conversations.clone();
        let mut ticks = ticks(rate, time)?;
        let task = spawn_local(async move {
            let mut turn = 0;
            let mut sends = Vec::new();
            while let Some(started) = ticks.recv().await {
                let place = turn % conversations.len().max(1);
                let round = turn / conversations.len().max(1);
                turn += 1;
                let Some(conversation) = conversations.get(place).cloned() else {
                    return;
                };
                let (pool, spare) = (Rc::clone(&pool), spare.clone());
                sends.retain(|it: &JoinHandle<()>| !it.is_finished());
                sends.push(spawn_local(async move {
                    let people = &conversation.people;
                    let Some(person) = people.get(round % people.len()) else {
                        return;
                    };
                    let errand = Errand {
                        place,
                        conversation: &conversation,
                        person,
                        started,
                    };
                    send(&pool, &spare, errand).await;
                }));
            }
            for send in sends {
                // A send that has panicked shows itself by what is missing.
                drop(send.await);
            }
        });
        Ok(Self { task })
    }

    /// Sends at a rate for so long, measures that, and waits until all has arrived.
    pub(crate) async fn measure(
        target: &Target,
        stage: &Stage,
        (rate, time): (f64, Duration),
        progress: &Progress,
    ) -> Result<()> {
        let going = Self::begin(target, stage, rate, time).await?;
        stage.board.meter.open();
        progress.wait("measuring", time).await;
        stage.board.meter.close();
        going.end().await?;
        stage.drain().await;
        Ok(())
    }

    /// Waits for the answer to the last one.
    pub(crate) async fn end(self) -> Result<()> {
        Ok(self.task.await?)
    }
}

/// What a further connection needs.
#[derive(Clone)]
struct Spare {
    target: std::net::SocketAddr,
    prefix: String,
}

async fn send(pool: &Pool, spare: &Spare, errand: Errand<'_>) {
    let Ok(_turn) = pool.free.acquire().await else {
        return;
    };
    let kept = pool.idle.borrow_mut().pop();
    let sender = match kept {
        Some(kept) => Ok(kept),
        None => Sender::another(spare.target, &pool.board, &spare.prefix).await,
    };
    match sender {
        Ok(mut sender) => {
            if sender.send(errand).await {
                pool.idle.borrow_mut().push(sender);
            }
        }
        Err(error) => {
            let what = Fault::Refused(format!("no connection: {error:#}"));
            pool.board.ledger.borrow_mut().fault(what);
        }
    }
}
