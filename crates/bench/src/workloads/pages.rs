//! W4: the newest page of a long conversation.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tokio::task::spawn_local;

use crate::clock;
use crate::figures::{Figures, number};
use crate::frame::Message;
use crate::http::{Connection, Request};
use crate::meter::Meter;
use crate::people::Conversation;
use crate::progress::Progress;
use crate::sending::{Pace, fill};
use crate::servers::Target;

/// Messages on a page.
const PAGE: usize = 50;

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    items: Vec<Message<'a>>,
}

/// Fills a conversation up to so many messages, then lets readers read its newest page.
pub(crate) async fn run(
    target: &Target,
    messages: usize,
    pace: &Pace,
    progress: &Progress,
) -> Result<Figures> {
    // Two people who have other conversations in other workloads.
    let made = target
        .crowd
        .conversations(vec![vec![0, 2]], progress)
        .await?;
    let conversation = made.first().context("no conversation")?;
    let path = format!(
        "/v5/conversations/{}/messages?page_size={PAGE}",
        conversation.id
    );
    let there = usize::try_from(newest(target, conversation, &path).await?)?;
    fill(
        target,
        conversation,
        messages.saturating_sub(there),
        progress,
    )
    .await?;
    ensure!(
        newest(target, conversation, &path).await? >= i64::try_from(messages)?,
        "not filled"
    );
    let meter = Rc::new(Meter::new()?);
    let (going, faults) = (Rc::new(Cell::new(true)), Rc::new(RefCell::new(Vec::new())));
    let mut readers = Vec::new();
    for reader in 0..pace.senders {
        let mut connection = Connection::open(target.address(reader)?).await?;
        let person = conversation.people.get(reader % 2).context("nobody")?;
        let (token, path) = (person.token(), path.clone());
        let (meter, going, faults) = (Rc::clone(&meter), Rc::clone(&going), Rc::clone(&faults));
        readers.push(spawn_local(async move {
            while going.get() {
                let started = clock::now();
                let request = Request::new("GET", &path).by(&token);
                match connection.ask(&request).await {
                    Ok((200, _)) => meter.answered(started),
                    Ok((status, _)) => faults.borrow_mut().push(format!("answered {status}")),
                    Err(error) => faults.borrow_mut().push(format!("{error:#}")),
                }
                if !faults.borrow().is_empty() {
                    return;
                }
            }
        }));
    }
    progress.wait("warming up", pace.warm_up).await;
    let before = target.usage();
    meter.open();
    progress.wait("measuring", pace.time).await;
    meter.close();
    let used = before.until(&target.usage());
    going.set(false);
    for reader in readers {
        reader.await?;
    }
    let mut figures = Figures::default();
    let pages = number(meter.acknowledged_count());
    figures.add("pages/s", pages / used.time);
    figures.add("answer p50 ms", meter.answers.quantile_ms(0.5));
    figures.add("answer p99 ms", meter.answers.quantile_ms(0.99));
    figures.of_cores(&used, pages);
    figures.void = faults.borrow().first().cloned();
    Ok(figures)
}

/// The greatest position of the newest page, which must be as long as it can be.
async fn newest(target: &Target, conversation: &Conversation, path: &str) -> Result<i64> {
    let token = conversation.people.first().context("nobody")?.token();
    let (status, body) = target
        .crowd
        .client()
        .ask(&Request::new("GET", path).by(&token))
        .await?;
    ensure!(status == 200, "{path} answered {status}");
    let page: Page<'_> = serde_json::from_slice(&body)?;
    let newest = page
        .items
        .iter()
        .map(|it| it.position)
        .max()
        .context("an empty page")?;
    let whole = PAGE.min(usize::try_from(newest)?);
    ensure!(
        page.items.len() == whole,
        "a page of {} of {newest}",
        page.items.len()
    );
    Ok(newest)
}
