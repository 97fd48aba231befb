//! Conversations with everybody in them online: each socket checked, each arrival counted.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, bail};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::task::{JoinHandle, spawn_local};

use crate::delivery::{Fault, Stream};
use crate::frame::Frame;
use crate::ledger::Ledger;
use crate::meter::Meter;
use crate::people::{Conversation, Person};
use crate::progress::Progress;
use crate::servers::Target;
use crate::socket::Socket;

/// Sockets that are opened at once.
const AT_ONCE: usize = 32;
/// How long arrivals may take to come in after the last send while none comes.
const PATIENCE: Duration = Duration::from_secs(5);
/// Faults that are shown of a void run.
const FAULTS_SHOWN: usize = 5;

/// What all sockets and senders of a run share.
pub(crate) struct Board {
    /// Every send.
    pub(crate) ledger: RefCell<Ledger>,
    /// What is measured.
    pub(crate) meter: Meter,
}

/// A run's conversations and sockets.
pub(crate) struct Stage {
    /// The conversations.
    pub(crate) conversations: Vec<Rc<Conversation>>,
    /// What is shared.
    pub(crate) board: Rc<Board>,
    readers: Vec<JoinHandle<()>>,
}

impl Stage {
    /// Opens a socket for everybody in these conversations.
    pub(crate) async fn open(
        target: &Target,
        conversations: Vec<Rc<Conversation>>,
        progress: &Progress,
    ) -> Result<Self> {
        let mut online: HashMap<&str, &Rc<Person>> = HashMap::new();
        for person in conversations.iter().flat_map(|it| &it.people) {
            online.insert(&person.id, person);
        }
        let watchers = conversations
            .iter()
            .map(|it| u32::try_from(it.people.len()).unwrap_or(0));
        let board = Rc::new(Board {
            ledger: RefCell::new(Ledger::new(watchers.collect())),
            meter: Meter::new()?,
        });
        progress.begin("opening sockets", online.len());
        let opened: Vec<_> = stream::iter(online.values().enumerate())
            .map(async |(number, person)| {
                progress.step();
                let address = target.address(number)?;
                let socket = Socket::open(address, &person.token(), None, number).await?;
                anyhow::Ok((socket, Rc::clone(person)))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        let readers = opened
            .into_iter()
            .map(|(socket, person)| {
                let stream = Stream::new(socket.hello.1, target.profile.is_ordered());
                spawn_local(read(socket, stream, person, Rc::clone(&board)))
            })
            .collect();
        Ok(Self {
            conversations,
            board,
            readers,
        })
    }

    /// Waits until everything that was acknowledged has arrived, or nothing comes any more.
    pub(crate) async fn drain(&self) {
        let mut last = (self.board.ledger.borrow().owed(), crate::clock::now());
        while last.0 != 0 && last.1.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let owed = self.board.ledger.borrow().owed();
            if owed != last.0 {
                last = (owed, crate::clock::now());
            }
        }
    }

    /// What makes the run void, in a line.
    pub(crate) fn verdict(&self) -> Option<String> {
        let faults = self.board.ledger.borrow().verdict();
        told(&faults)
    }
}

/// Faults in a line; none if there are none.
pub(crate) fn told(faults: &[Fault]) -> Option<String> {
    let shown: Vec<_> = faults
        .iter()
        .take(FAULTS_SHOWN)
        .map(ToString::to_string)
        .collect();
    (!faults.is_empty()).then(|| format!("{} faults: {}", faults.len(), shown.join("; ")))
}

impl Drop for Stage {
    fn drop(&mut self) {
        for reader in &self.readers {
            reader.abort();
        }
    }
}

async fn read(mut socket: Socket, mut stream: Stream, person: Rc<Person>, board: Rc<Board>) {
    loop {
        if let Err(error) = read_one(&mut socket, &mut stream, &person, &board).await {
            let what = Fault::Broken(format!("the socket of {}: {error:#}", person.id));
            board.ledger.borrow_mut().fault(what);
            return;
        }
    }
}

async fn read_one(
    socket: &mut Socket,
    stream: &mut Stream,
    person: &Rc<Person>,
    board: &Board,
) -> Result<()> {
    let text = socket.next().await?;
    let frame = Frame::parse(&text)?;
    match frame.kind {
        "ping" => socket.pong().await?,
        "error" | "resync_required" => bail!("{text}"),
        _ => {}
    }
    let mut ledger = board.ledger.borrow_mut();
    match stream.see(&frame) {
        Err(fault) => ledger.fault(fault),
        Ok(None) => {}
        Ok(Some(arrival)) => {
            if let Some((started, sender)) = ledger.arrive(&arrival)
                && !Rc::ptr_eq(sender, person)
            {
                board.meter.delivered(started);
            }
        }
    }
    Ok(())
}
