//! Looking where links lead, after pins were made, changed or sent, and again later; and at pins' pictures.

pub mod guard;
pub mod journey;
mod picture;

use std::sync::Arc;
use std::time::Duration;

use pinwire_storage::links::Inspection;
use pinwire_storage::pictures::Reading;
use pinwire_storage::{Store, StoreError};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use journey::Traveller;

/// How often a node looks whether something is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Links and pictures that a node looks at together.
const TOGETHER_MAX: usize = 8;

/// What is to be looked at.
enum Due {
    Link(Inspection),
    Picture(Reading),
}

/// Works for ever. Any number of nodes may; without a traveller, links are judged by their address alone.
pub async fn run(store: Store, traveller: Option<Arc<Traveller>>) {
    let mut times = interval(LOOK_EVERY);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        times.tick().await;
        if let Err(error) = work(&store, traveller.as_ref()).await {
            tracing::warn!(%error, "links are not looked at; trying again");
        }
    }
}

/// Does all that is due.
async fn work(store: &Store, traveller: Option<&Arc<Traveller>>) -> Result<(), StoreError> {
    while store.adopt_link().await? {}
    let Some(traveller) = traveller else {
        return Ok(());
    };
    let mut looks: JoinSet<Result<(), StoreError>> = JoinSet::new();
    loop {
        let due = match looks.len() {
            TOGETHER_MAX.. => None,
            _ => next(store).await?,
        };
        if let Some(due) = due {
            let (store, traveller) = (store.clone(), Arc::clone(traveller));
            looks.spawn(async move { look(&store, &traveller, due).await });
            continue;
        }
        match looks.join_next().await {
            None => return Ok(()),
            Some(Ok(outcome)) => outcome?,
            // The lease runs out, and somebody else looks.
            Some(Err(error)) => tracing::warn!(%error, "a look ended early"),
        }
    }
}

/// What is due next: links before pictures.
async fn next(store: &Store) -> Result<Option<Due>, StoreError> {
    if let Some(link) = store.next_inspection().await? {
        return Ok(Some(Due::Link(link)));
    }
    Ok(store.next_reading().await?.map(Due::Picture))
}

async fn look(store: &Store, traveller: &Traveller, due: Due) -> Result<(), StoreError> {
    match due {
        Due::Link(link) => {
            let journey = traveller.follow(&link.address).await;
            store.note_inspection(link, journey).await
        }
        Due::Picture(reading) => {
            let picture = match traveller.fetch(&reading.address).await {
                Some(file) => picture::read(file).await,
                None => None,
            };
            store.note_reading(reading, picture).await
        }
    }
}
