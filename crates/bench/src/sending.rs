//! Senders: each waits for the answer to its send before the next one.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::task::spawn_local;

use crate::delivery::Fault;
use crate::figures::Figures;
use crate::frame::{Message, Sent, text_of};
use crate::http::{Connection, Content, Request};
use crate::people::{Conversation, Person};
use crate::progress::Progress;
use crate::servers::Target;
use crate::stage::{Board, Stage};
use crate::usage::Used;

/// How a run of senders goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Senders at once.
    pub(crate) senders: usize,
    /// How long is measured.
    pub(crate) time: Duration,
    /// How long it goes before.
    pub(crate) warm_up: Duration,
    /// Sends a pin by `POST /v5/pins/{pin_id}/send` instead of a message.
    pub(crate) by_pin: bool,
}

/// One sender with its connection.
pub(crate) struct Sender {
    connection: Connection,
    board: Rc<Board>,
    /// Makes keys this run's own.
    prefix: String,
    by_pin: bool,
}

/// A send that is to be made.
pub(crate) struct Errand<'a> {
    /// The conversation's place on the stage.
    pub(crate) place: usize,
    /// The conversation.
    pub(crate) conversation: &'a Conversation,
    /// Who sends.
    pub(crate) person: &'a Rc<Person>,
    /// When the send was meant to begin.
    pub(crate) started: Instant,
}

impl Sender {
    /// Connects a sender.
    pub(crate) async fn connect(
        target: &Target,
        board: &Rc<Board>,
        number: usize,
        by_pin: bool,
    ) -> Result<Self> {
        Ok(Self {
            connection: Connection::open(target.address(number)?).await?,
            board: Rc::clone(board),
            prefix: target.crowd.new_key(),
            by_pin,
        })
    }

    /// Connects one more sender of messages.
    pub(crate) async fn another(
        address: SocketAddr,
        board: &Rc<Board>,
        prefix: &str,
    ) -> Result<Self> {
        Ok(Self {
            connection: Connection::open(address).await?,
            board: Rc::clone(board),
            prefix: prefix.to_owned(),
            by_pin: false,
        })
    }

    /// Sends, and notes what came of it; false if that was no success.
    pub(crate) async fn send(&mut self, errand: Errand<'_>) -> bool {
        let Errand {
            place,
            conversation,
            person,
            started,
        } = errand;
        let number = self.board.ledger.borrow_mut().begin(place, person, started);
        match self.ask(number, conversation, person).await {
            Ok(position) => {
                self.board.meter.answered(started);
                self.board.ledger.borrow_mut().acknowledge(number, position);
                true
            }
            Err(error) => {
                let fault = Fault::Refused(format!("send {number}: {error:#}"));
                self.board.ledger.borrow_mut().fault(fault);
                false
            }
        }
    }

    async fn ask(
        &mut self,
        number: usize,
        conversation: &Conversation,
        person: &Person,
    ) -> Result<i64> {
        let (text, token) = (text_of(number), person.token());
        let key = format!("{}{number}", self.prefix);
        let (path, body) = if self.by_pin {
            let id = &conversation.id;
            let body = format!(
                r#"{{"recipients":[{{"conversation_id":"{id}"}}],"mode":"separate","text":"{text}"}}"#
            );
            (format!("/v5/pins/{}/send", conversation.pin), body)
        } else {
            let path = format!("/v5/conversations/{}/messages", conversation.id);
            (path, format!(r#"{{"text":"{text}"}}"#))
        };
        let request = Request::new("POST", &path).by(&token).once(&key);
        let request = request.with(Content::Json(&body));
        let (status, answer) = self.connection.ask(&request).await?;
        let told = || String::from_utf8_lossy(answer).into_owned();
        anyhow::ensure!(status == 201, "{path} answered {status}: {}", told());
        if self.by_pin {
            let sent: Sent<'_> = serde_json::from_slice(answer).with_context(told)?;
            return Ok(sent.results.first().with_context(told)?.message.position);
        }
        let message: Message<'_> = serde_json::from_slice(answer).with_context(told)?;
        Ok(message.position)
    }
}

/// Senders that are under way, each in its own conversations.
pub(crate) struct Senders {
    going: Rc<Cell<bool>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Senders {
    /// Sets them off: each takes its share of the stage's conversations in turn.
    pub(crate) async fn set_off(target: &Target, stage: &Stage, pace: &Pace) -> Result<Self> {
        let going = Rc::new(Cell::new(true));
        let mut tasks = Vec::new();
        for number in 0..pace.senders {
            let sender = Sender::connect(target, &stage.board, number, pace.by_pin).await?;
            let all = stage.conversations.len().max(1);
            let step = pace.senders.min(all);
            let own = (number % all..all).step_by(step);
            let own: Vec<_> = own
                .filter_map(|it| Some((it, Rc::clone(stage.conversations.get(it)?))))
                .collect();
            // Several senders in one conversation are different people.
            tasks.push(spawn_local(keep_sending(
                sender,
                own,
                number / all,
                Rc::clone(&going),
            )));
        }
        Ok(Self { going, tasks })
    }

    /// Lets each finish the send it is at.
    pub(crate) async fn stop(self) {
        self.going.set(false);
        for task in self.tasks {
            // A sender that has panicked shows itself by what is missing.
            drop(task.await);
        }
    }
}

async fn keep_sending(
    mut sender: Sender,
    own: Vec<(usize, Rc<Conversation>)>,
    first: usize,
    going: Rc<Cell<bool>>,
) {
    for turn in first.. {
        for (place, conversation) in &own {
            let Some(person) = conversation.people.get(turn % conversation.people.len()) else {
                continue;
            };
            let errand = Errand {
                place: *place,
                conversation,
                person,
                started: crate::clock::now(),
            };
            if !going.get() || !sender.send(errand).await {
                return;
            }
        }
    }
}

/// Lets senders send, and measures after the warm-up until all has arrived; gives what was used meanwhile.
pub(crate) async fn measured(
    target: &Target,
    stage: &Stage,
    pace: &Pace,
    progress: &Progress,
) -> Result<Used> {
    let senders = Senders::set_off(target, stage, pace).await?;
    progress.wait("warming up", pace.warm_up).await;
    let before = target.usage();
    stage.board.meter.open();
    progress.wait("measuring", pace.time).await;
    stage.board.meter.close();
    let used = before.until(&target.usage());
    senders.stop().await;
    stage.drain().await;
    Ok(used)
}

/// Runs senders over a stage; what was measured.
pub(crate) async fn closed_loop(
    target: &Target,
    stage: &Stage,
    pace: &Pace,
    progress: &Progress,
) -> Result<Figures> {
    let used = measured(target, stage, pace, progress).await?;
    let mut figures = Figures::default();
    figures.of_sends(&stage.board.meter, &used);
    figures.void = stage.verdict();
    Ok(figures)
}

/// Messages that are sent at once while a conversation is filled.
const FILLERS: usize = 32;

/// Adds messages to a conversation, all by the one who began it; the position of the last one.
pub(crate) async fn fill(
    target: &Target,
    conversation: &Conversation,
    count: usize,
    progress: &Progress,
) -> Result<i64> {
    progress.begin("filling a conversation", count);
    let path = format!("/v5/conversations/{}/messages", conversation.id);
    let token = conversation.people.first().context("nobody")?.token();
    let (client, key) = (target.crowd.client(), target.crowd.new_key());
    let sent = stream::iter(0..count).map(async |number| {
        progress.step();
        let (body, key) = (
            format!(r#"{{"text":"{}"}}"#, text_of(number)),
            format!("{key}{number}"),
        );
        let request = Request::new("POST", &path).by(&token).once(&key);
        let (status, answer) = client.ask(&request.with(Content::Json(&body))).await?;
        anyhow::ensure!(status == 201, "{path} answered {status}");
        let message: Message<'_> = serde_json::from_slice(&answer)?;
        Ok(message.position)
    });
    sent.buffer_unordered(FILLERS)
        .try_fold(0, async |last, position: i64| Ok(last.max(position)))
        .await
}
