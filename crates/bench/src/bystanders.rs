//! Sockets of people to whom nothing happens: they only answer pings.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::Result;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::task::{JoinHandle, spawn_local};

use crate::delivery::{Fault, Stream};
use crate::frame::Frame;
use crate::people::Person;
use crate::progress::Progress;
use crate::servers::Target;
use crate::socket::Socket;

/// Sockets of one person at most, as the server allows.
pub(crate) const SOCKETS_OF_PERSON: usize = 20;
/// Sockets that are opened at once.
const AT_ONCE: usize = 64;

/// Idle sockets.
pub(crate) struct Bystanders {
    tasks: Vec<JoinHandle<()>>,
    faults: Rc<RefCell<Vec<Fault>>>,
}

/// How many people so many sockets belong to.
pub(crate) const fn people_of(sockets: usize) -> usize {
    sockets.div_ceil(SOCKETS_OF_PERSON)
}

impl Bystanders {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self {
            tasks: Vec::new(),
            faults: Rc::default(),
        }
    }

    /// Opens as many more as make `count` in all, of these people.
    pub(crate) async fn fill(
        &mut self,
        target: &Target,
        people: &[Rc<Person>],
        count: usize,
        progress: &Progress,
    ) -> Result<()> {
        let open = self.tasks.len();
        progress.begin("opening sockets", count.saturating_sub(open));
        let sockets: Vec<Socket> = stream::iter(open..count)
            .map(async |number| {
                progress.step();
                let person = people.get(number % people.len().max(1));
                let token = person.map_or_else(String::new, |it| it.token());
                Socket::open(target.address(number)?, &token, None, number).await
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        for socket in sockets {
            let faults = Rc::clone(&self.faults);
            self.tasks.push(spawn_local(async move {
                if let Err(error) = stand_by(socket).await {
                    faults
                        .borrow_mut()
                        .push(Fault::Broken(format!("a socket: {error:#}")));
                }
            }));
        }
        Ok(())
    }

    /// What went wrong.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        self.faults.borrow().clone()
    }
}

async fn stand_by(mut socket: Socket) -> Result<()> {
    let mut stream = Stream::new(socket.hello.1, true);
    loop {
        let text = socket.next().await?;
        let frame = Frame::parse(&text)?;
        if frame.kind == "ping" {
            socket.pong().await?;
        }
        if let Err(fault) = stream.see(&frame) {
            anyhow::bail!("{fault}");
        }
    }
}

impl Drop for Bystanders {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}
