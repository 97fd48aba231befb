//! The node's place in the log: what comes by the bus in order is delivered, and what is missing is read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use pinwire_domain::UserId;
use pinwire_domain::event::EventKind;
use pinwire_storage::events::Subjects;
use pinwire_storage::log::LoggedEvent;
use pinwire_storage::{Committed, Store, StoreError};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::Live;
use super::bus::{Batch, Inbox, News};
use super::hub::Order;
use super::redis::RedisBus;
use super::render::render;
use crate::admissions::Admissions;
use crate::clock;
use crate::metrics::LOG_READS;

/// How long a stretch that comes too early waits for the one before it: two nodes may publish out of order.
const GAP_WAIT: Duration = Duration::from_millis(50);
/// How often the log's head is looked at, so that nothing the bus lost stays lost: what was there at one look and has
/// not come by the next is read.
const HEAD_CHECK_EVERY: Duration = Duration::from_millis(400);
/// Rows of the log read at once.
const READ_MAX: i64 = 500;

/// Tells this node of each committed batch at once, and hands it on for the others.
pub async fn publish(
    store: Store,
    mut committed: mpsc::Receiver<Committed>,
    inbox: Inbox,
    others: Option<mpsc::Sender<Batch>>,
) {
    while let Some(Committed { events, subjects }) = committed.recv().await {
        let (Some((first, _)), Some((last, _))) = (events.first(), events.last()) else {
            continue;
        };
        let mut batch = Batch {
            from: first.seq - 1,
            to: last.seq,
            ..Batch::default()
        };
        match with_people(&store, events).await {
            Ok(events) => batch.events = events,
            Err(error) => tracing::warn!(%error, "a batch goes as a hint alone"),
        }
        // What finds no room in either is a hint lost, which the head check finds.
        if let Some(others) = &others {
            drop(others.try_send(batch.clone()));
        }
        batch.subjects = subjects;
        drop(inbox.try_send(News::Batch(batch)));
    }
}

/// Tells the other nodes: what was committed while a message was under way goes with the next one.
pub async fn tell_others(mut batches: mpsc::Receiver<Batch>, bus: RedisBus) {
    while let Some(mut batch) = batches.recv().await {
        while let Ok(next) = batches.try_recv() {
            // Without a hole between them.
            if batch.to == next.from && !batch.events.is_empty() && !next.events.is_empty() {
                batch.to = next.to;
                batch.events.extend(next.events);
            } else {
                bus.publish(&std::mem::replace(&mut batch, next)).await;
            }
        }
        bus.publish(&batch).await;
    }
}

/// An event, and the people it concerns, where its act knew them.
type Told = (LoggedEvent, Option<Vec<UserId>>);

/// Adds the people where they are not known yet.
async fn with_people(
    store: &Store,
    events: Vec<Told>,
) -> Result<Vec<(LoggedEvent, Vec<UserId>)>, StoreError> {
    let unknown: Vec<LoggedEvent> = events
        .iter()
        .filter(|(_, people)| people.is_none())
        .map(|(event, _)| event.clone())
        .collect();
    let found = if unknown.is_empty() {
        Vec::new()
    } else {
        store.audiences(unknown).await?
    };
    let mut found = found.into_iter();
    let with_people = |(event, people): Told| {
        let people = people.or_else(|| found.next());
        (event, people.unwrap_or_default())
    };
    Ok(events.into_iter().map(with_people).collect())
}

/// Follows the log from `position` on and delivers it to this node's streams. Ends with the inbox.
pub async fn follow(
    store: Store,
    (live, admissions): (Live, Arc<Admissions>),
    mut inbox: mpsc::Receiver<News>,
    position: i64,
) {
    live.hub.advance(position);
    let mut tail = Tail {
        store,
        live,
        admissions,
        position,
        early: BTreeMap::new(),
        gap_since: None,
        head_seen: position,
    };
    let mut head_check = interval(HEAD_CHECK_EVERY);
    head_check.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let gap = tail.gap_since.map(|since| since + GAP_WAIT);
        let outcome = tokio::select! {
            news = inbox.recv() => match news {
                Some(News::Batch(batch)) => tail.take(batch).await,
                Some(News::CheckHead) => tail.read_to_head().await,
                None => return,
            },
            () = sleep_until(gap.unwrap_or_else(Instant::now)), if gap.is_some() => {
                tail.read_to_head().await
            }
            _ = head_check.tick() => tail.check_head().await,
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "the log cannot be read: trying again at the next head check");
            tail.gap_since = None;
        }
    }
}

struct Tail {
    store: Store,
    live: Live,
    admissions: Arc<Admissions>,
    /// All events up to here have been delivered.
    position: i64,
    /// Stretches that came before the ones they follow, by their `from`.
    early: BTreeMap<i64, Batch>,
    gap_since: Option<Instant>,
    /// The log's head at the last check.
    head_seen: i64,
}

/// Stretches held back at most; beyond it the log is read.
const EARLY_MAX: usize = 256;

impl Tail {
    async fn take(&mut self, batch: Batch) -> Result<(), StoreError> {
        if batch.to > self.position {
            self.early.insert(batch.from, batch);
        }
        while let Some(entry) = self.early.first_entry() {
            if *entry.key() > self.position {
                break;
            }
            let batch = entry.remove();
            if batch.to <= self.position {
                continue;
            }
            if batch.events.is_empty() {
                // A hint alone.
                self.read_to_head().await?;
                continue;
            }
            let mut events = batch.events;
            events.retain(|(event, _)| event.seq > self.position);
            self.deliver(events, batch.to, &batch.subjects).await?;
        }
        if self.early.len() > EARLY_MAX {
            self.read_to_head().await?;
        }
        self.gap_since = match (self.early.is_empty(), self.gap_since) {
            (true, _) => None,
            (false, since) => since.or_else(|| Some(Instant::now())),
        };
        Ok(())
    }

    /// Reads the log if what was there at the last check has not come by now: what is under way comes by the bus.
    async fn check_head(&mut self) -> Result<(), StoreError> {
        let head = self.store.head().await?;
        if self.head_seen > self.position {
            self.read_to_head().await?;
        }
        self.head_seen = head;
        Ok(())
    }

    async fn read_to_head(&mut self) -> Result<(), StoreError> {
        loop {
            let (events, reached) = self.store.log_after(self.position, READ_MAX).await?;
            if reached == self.position {
                break;
            }
            tracing::debug!(from = self.position, to = reached, "read the log");
            metrics::counter!(LOG_READS).increment(1);
            self.deliver(events, reached, &Subjects::default()).await?;
        }
        self.early.retain(|_, batch| batch.to > self.position);
        self.gap_since = None;
        Ok(())
    }

    /// Hands events to the streams of this node's people, and moves on to `to`.
    async fn deliver(
        &mut self,
        events: Vec<(LoggedEvent, Vec<UserId>)>,
        to: i64,
        subjects: &Subjects,
    ) -> Result<(), StoreError> {
        let mut here = Vec::with_capacity(events.len());
        for (event, people) in events {
            if event.kind == EventKind::SessionRevoked {
                self.admissions.signed_out(event.actor);
            }
            self.live.presence.follow(&event, &people);
            let present = self.live.hub.present(&people);
            if !present.is_empty() {
                here.push((event, present));
            }
        }
        if !here.is_empty() {
            for event in self.store.describe(here, subjects).await? {
                let delivery = render(&event, clock::now())?;
                if let Some(user) = delivery.signed_out {
                    self.live.hub.order(user, Order::CheckSession);
                } else {
                    self.live.hub.deliver(&Arc::new(delivery));
                }
            }
        }
        self.position = to;
        self.live.hub.advance(to);
        Ok(())
    }
}
