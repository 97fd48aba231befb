//! Search: what a query costs in a store of very many messages, of people who take part in some of its conversations.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::task::spawn_local;

use super::growth::{self, MESSAGES};
use crate::cli::Search;
use crate::clock;
use crate::figures::{Figures, number};
use crate::http::{Connection, Request};
use crate::meter::Meter;
use crate::people::Person;
use crate::progress::Progress;
use crate::servers::Target;

const MEMBERS: &str = include_str!("search/members.sql");
/// People who search.
const PEOPLE: usize = 60;
/// Searches of one kind by each of them; a person may search 120 times a minute.
const EACH: usize = 20;
/// How long the messages may take to become findable.
const PATIENCE: Duration = Duration::from_mins(20);

/// What is searched: its name, the query, and whether something is found.
const KINDS: [(&str, &str, bool); 5] = [
    ("common word", "query=door", true),
    ("one letter", "query=d", true),
    ("two common words", "query=blue%20door", true),
    ("rare word", "query=n77", true),
    ("no such word", "query=zebra", false),
];

#[derive(Deserialize)]
struct Page {
    items: Vec<IgnoredAny>,
}

/// Fills a store of its own, waits until all can be found, and searches.
pub(crate) async fn run(target: &Target, given: &Search, progress: &Progress) -> Result<Figures> {
    let mut own = target.another().await?;
    let people = own.crowd.people(PEOPLE + 1, progress).await?;
    let (messages, all) = (10_u64.pow(given.power), 10_u64.pow(given.power) / MESSAGES);
    ensure!(
        (1..=all).contains(&given.conversations),
        "too many conversations"
    );
    progress.begin(&format!("filling in 10^{} messages", given.power), 0);
    own.end_nodes();
    growth::fill(&own, 0, all).await?;
    let (waiter, searchers) = people.split_last().context("nobody")?;
    let members = |people: String, own: u64| {
        MEMBERS
            .replace("{people}", &people)
            .replace("{own}", &own.to_string())
            .replace("{all}", &all.to_string())
    };
    let placed = searchers.iter().enumerate();
    let placed: Vec<String> = placed
        .map(|(place, it)| format!("({place}, {})", it.id))
        .collect();
    growth::execute(&own, members(placed.join(", "), given.conversations)).await?;
    // Takes part in the last conversation alone; 97 times this place is the last one's.
    let last = (0..all)
        .find(|place| place * 97 % all == all - 1)
        .context("no place")?;
    growth::execute(&own, members(format!("({last}, {})", waiter.id), 1)).await?;
    own.restart().await?;
    let mut figures = Figures::default();
    let took = all_found(&own, waiter, progress).await?;
    figures.add("made findable/s", number(messages) / took.as_secs_f64());
    for (name, query, found) in KINDS {
        let answers = search(
            &own,
            searchers,
            (query, found),
            (given.readers, name),
            progress,
        )
        .await?;
        figures.add(format!("{name} p50 ms"), answers.answers.quantile_ms(0.5));
        figures.add(format!("{name} p95 ms"), answers.answers.quantile_ms(0.95));
    }
    Ok(figures)
}

/// Waits until the message that was filled in last is found.
async fn all_found(target: &Target, waiter: &Person, progress: &Progress) -> Result<Duration> {
    progress.begin("waiting until all can be found", 0);
    let began = clock::now();
    let token = waiter.token();
    let request = Request::new("GET", "/v5/search/messages?query=n999").by(&token);
    loop {
        let page: Page = target.crowd.client().get(&request).await?;
        if !page.items.is_empty() {
            return Ok(began.elapsed());
        }
        ensure!(began.elapsed() < PATIENCE, "not found");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Each of these people searches the same, some of them at once.
async fn search(
    target: &Target,
    people: &[Rc<Person>],
    (query, found): (&'static str, bool),
    (readers, name): (usize, &str),
    progress: &Progress,
) -> Result<Meter> {
    progress.begin(&format!("searching a {name}"), people.len() * EACH);
    let meter = Rc::new(Meter::new()?);
    let turns = (0..EACH).flat_map(|_| people.iter().cloned());
    let turns: Rc<RefCell<VecDeque<Rc<Person>>>> = Rc::new(RefCell::new(turns.collect()));
    meter.open();
    let mut tasks = Vec::new();
    for reader in 0..readers {
        let mut connection = Connection::open(target.address(reader)?).await?;
        let (meter, turns) = (Rc::clone(&meter), Rc::clone(&turns));
        tasks.push(spawn_local(async move {
            loop {
                let Some(person) = turns.borrow_mut().pop_front() else {
                    return anyhow::Ok(());
                };
                let path = format!("/v5/search/messages?{query}");
                let token = person.token();
                let started = clock::now();
                let (status, body) = connection
                    .ask(&Request::new("GET", &path).by(&token))
                    .await?;
                meter.answered(started);
                ensure!(status == 200, "{path} answered {status}");
                let page: Page = serde_json::from_slice(body)?;
                ensure!(
                    page.items.is_empty() != found,
                    "{path} found {}",
                    page.items.len()
                );
            }
        }));
    }
    for task in tasks {
        task.await??;
    }
    Rc::try_unwrap(meter).ok().context("a reader goes on")
}
