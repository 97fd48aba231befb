//! W6: read marks in groups.

use std::cell::Cell;
use std::rc::Rc;

use anyhow::{Context as _, Result};
use tokio::task::spawn_local;

use crate::clock;
use crate::delivery::{Fault, mark_of};
use crate::figures::Figures;
use crate::http::{Connection, Content, Request};
use crate::people::{Conversation, Person};
use crate::progress::Progress;
use crate::sending::{Pace, fill};
use crate::servers::Target;
use crate::stage::{Board, Stage};

/// Somebody who reads a conversation, message by message.
struct Reader {
    place: usize,
    conversation: Rc<Conversation>,
    person: Rc<Person>,
    /// The positions that are still to be read.
    unread: std::ops::RangeInclusive<i64>,
}

/// So many groups of so many people; `depth` fresh messages in each, which all but their sender read one by one.
pub(crate) async fn run(
    target: &Target,
    (count, size, depth): (usize, usize, usize),
    pace: &Pace,
    progress: &Progress,
) -> Result<Figures> {
    // Other groups than those of sends.
    let places = (0..count).map(|group| (0..size).map(|it| group + it * count).collect());
    let groups = target
        .crowd
        .conversations(places.collect(), progress)
        .await?;
    let mut readers = Vec::new();
    for (place, group) in groups.iter().enumerate() {
        let last = fill(target, group, depth, progress).await?;
        for person in group.people.iter().skip(1) {
            readers.push(Reader {
                place,
                conversation: Rc::clone(group),
                person: Rc::clone(person),
                unread: last - i64::try_from(depth)? + 1..=last,
            });
        }
    }
    let stage = Stage::open(target, groups, progress).await?;
    let going = Rc::new(Cell::new(true));
    let mut tasks = Vec::new();
    let mut shares: Vec<Vec<Reader>> = (0..pace.senders).map(|_| Vec::new()).collect();
    for (turn, reader) in readers.into_iter().enumerate() {
        let share = shares.get_mut(turn % pace.senders).context("no readers")?;
        share.push(reader);
    }
    for (reader, share) in shares.into_iter().enumerate() {
        let connection = Connection::open(target.address(reader)?).await?;
        let (board, going) = (Rc::clone(&stage.board), Rc::clone(&going));
        tasks.push(spawn_local(keep_reading(connection, share, board, going)));
    }
    progress.wait("warming up", pace.warm_up).await;
    let before = target.usage();
    stage.board.meter.open();
    progress.wait("measuring", pace.time).await;
    stage.board.meter.close();
    let used = before.until(&target.usage());
    going.set(false);
    for task in tasks {
        task.await?;
    }
    stage.drain().await;
    let mut figures = Figures::default();
    figures.of_sends(&stage.board.meter, &used);
    if let Some(rate) = figures.list.first_mut() {
        "marks/s".clone_into(&mut rate.name);
    }
    figures.void = stage.verdict();
    Ok(figures)
}

async fn keep_reading(
    mut connection: Connection,
    mut share: Vec<Reader>,
    board: Rc<Board>,
    going: Rc<Cell<bool>>,
) {
    loop {
        for reader in &mut share {
            if !going.get() {
                return;
            }
            let marked = match reader.unread.next() {
                Some(position) => mark(&mut connection, reader, position, &board).await,
                None => Err(anyhow::anyhow!("all is read: more --depth is needed")),
            };
            if let Err(error) = marked {
                let fault = Fault::Refused(format!("a mark: {error:#}"));
                board.ledger.borrow_mut().fault(fault);
                return;
            }
        }
    }
}

async fn mark(
    connection: &mut Connection,
    reader: &Reader,
    position: i64,
    board: &Board,
) -> Result<()> {
    let started = clock::now();
    let number = {
        let mut ledger = board.ledger.borrow_mut();
        let number = ledger.begin(reader.place, &reader.person, started);
        let mark = mark_of(&reader.conversation.id, &reader.person.id);
        ledger.begin_mark(number, &mark, position);
        number
    };
    let path = format!("/v5/conversations/{}/read", reader.conversation.id);
    let body = format!(r#"{{"position":{position}}}"#);
    let token = reader.person.token();
    let request = Request::new("PUT", &path)
        .by(&token)
        .with(Content::Json(&body));
    let (status, answer) = connection.ask(&request).await?;
    anyhow::ensure!(
        status == 204,
        "answered {status}: {}",
        String::from_utf8_lossy(answer)
    );
    board.meter.answered(started);
    board.ledger.borrow_mut().acknowledge(number, position);
    Ok(())
}
