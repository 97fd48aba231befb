//! Looking where links lead, after pins were made, changed or sent, and again later.

pub mod guard;
pub mod journey;

use std::sync::Arc;
use std::time::Duration;

use pinwire_storage::links::Inspection;
use pinwire_storage::{Store, StoreError};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use journey::Traveller;

/// How often a node looks whether a link is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Links that a node looks at together.
const TOGETHER_MAX: usize = 8;

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
            _ => store.next_inspection().await?,
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
            Some(Err(error)) => tracing::warn!(%error, "a look at a link ended early"),
        }
    }
}

async fn look(store: &Store, traveller: &Traveller, due: Inspection) -> Result<(), StoreError> {
    let journey = traveller.follow(&due.address).await;
    store.note_inspection(due, journey).await
}
