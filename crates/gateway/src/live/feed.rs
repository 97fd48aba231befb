//! A person's stream from a place on, the same at every door that stays open: what was missed, then what comes, each
//! once and in order.
//!
//! The door waits for [`Feed::wake`], lets [`Feed::follow`] make a frame of it, and sends that before it waits again:
//! so nothing is read from the log that the peer has no room for.

use std::collections::VecDeque;
use std::future::ready;
use std::pin::pin;
use std::time::Duration;

use actix_web::web;
use pinwire_domain::event::Cursor;
use pinwire_storage::StoreError;
use pinwire_storage::events::{ResyncReason, Stretch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};

use super::close;
use super::ending::End;
use super::frames::{Frame, ServerFrame};
use super::hub::{Door, Order, Stream, StreamKey, Told};
use super::render::{Delivery, render};
use crate::auth::Caller;
use crate::metrics::RESYNCS;
use crate::view::PersonView;
use crate::{App, clock};

/// How often the server pings.
pub const PING_EVERY: Duration = Duration::from_secs(25);
/// How long a peer may take no byte.
pub const STALL_MAX: Duration = Duration::from_secs(30);
/// Events read from the log at once.
const STRETCH_MAX: i64 = 100;

/// A step of a door, which ends it or not.
pub type Step<T = ()> = Result<T, End>;

/// Where a stream begins.
pub enum Start {
    /// After this cursor.
    After(Cursor),
    /// At the log's head.
    Head,
}

/// What has to be read from the log: when resuming, and after the queue was full.
#[derive(Default)]
struct Missed {
    /// Read and not yet sent.
    ready: VecDeque<Delivery>,
    /// Up to where the log was read.
    reached: i64,
    /// Whether there is more beyond.
    more: bool,
}

impl Missed {
    fn is_any(&self) -> bool {
        self.more || !self.ready.is_empty()
    }
}

/// What there is to do next.
pub enum Wake {
    /// An order, or none if the stream was closed by the hub.
    Order(Option<Order>),
    /// The token has ended.
    Expired,
    /// The queue was full.
    Behind,
    /// There is something to be read from the log, or read and not yet sent.
    Missed,
    /// An event or a sign came, or none if the stream was closed by the hub.
    Told(Option<Told>),
    /// All up to this place was sent, and it is time to say so.
    Ping(i64),
}

/// A stream that is followed.
pub struct Feed {
    app: web::Data<App>,
    caller: Caller,
    expires: Instant,
    stream: Stream,
    missed: Missed,
    /// The seq of the last frame that had one.
    last: i64,
    pings: Interval,
    /// A ping is to be sent once everything up to here is.
    ping_due: Option<i64>,
}

impl Feed {
    /// Joins the hub. The log is read afterwards, so that nothing falls between.
    #[must_use]
    pub fn join(app: web::Data<App>, caller: Caller, door: Door) -> Self {
        let stream = app.live.hub.join(caller.user, door);
        let mut pings = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            app,
            expires: expiry(&caller),
            caller,
            stream,
            missed: Missed::default(),
            last: 0,
            pings,
            ping_due: None,
        }
    }

    /// What everything works with.
    #[must_use]
    pub const fn app(&self) -> &web::Data<App> {
        &self.app
    }

    /// Whose stream it is.
    #[must_use]
    pub const fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Its place in the hub.
    #[must_use]
    pub const fn key(&self) -> StreamKey {
        self.stream.key()
    }

    /// Goes on with a newer token of the same session.
    pub fn renew(&mut self, caller: Caller) {
        self.expires = expiry(&caller);
        self.caller = caller;
    }

    /// Takes a place; the frames that tell it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn begin(&mut self, start: Start) -> Result<Vec<Frame>, StoreError> {
        let after = match start {
            Start::After(cursor) => Some(cursor),
            Start::Head => None,
        };
        let from = after.as_ref().map(|cursor| cursor.seq);
        let read = self.app.store.greet(self.caller.user, after).await?;
        let (greeting, head) = (read.value, read.cursor.seq);
        let hello = |seq| ServerFrame::Hello {
            epoch: read.cursor.epoch.clone(),
            seq,
            user: PersonView::from(&greeting.person),
            unread: greeting.unread.into(),
        };
        if let Some(reason) = greeting.resync {
            self.last = head;
            return Ok(vec![Frame::of(&hello(self.last))?, self.resync(reason)?]);
        }
        self.last = from.unwrap_or(head);
        if self.last < head {
            self.fall_behind();
        }
        Ok(vec![Frame::of(&hello(self.last))?])
    }

    fn resync(&self, reason: ResyncReason) -> Result<Frame, StoreError> {
        metrics::counter!(RESYNCS).increment(1);
        Ok(Frame::of(&ServerFrame::ResyncRequired {
            epoch: self.app.store.epoch().to_owned(),
            seq: self.last,
            reason: reason.into(),
        })?)
    }

    async fn stretch(&self, after: Cursor, limit: i64) -> Result<Stretch, StoreError> {
        let read = self.app.store.stream(self.caller.user, after, limit).await;
        Ok(read?.value)
    }

    /// The place of the last frame.
    #[must_use]
    pub fn place(&self) -> Cursor {
        self.at(self.last)
    }

    fn at(&self, seq: i64) -> Cursor {
        Cursor {
            epoch: self.app.store.epoch().to_owned(),
            seq,
        }
    }

    /// Waits until there is something to do. May be given up at any moment, and asked for again.
    pub async fn wake(&mut self) -> Wake {
        loop {
            let catches_up = self.missed.is_any();
            let ping = self.ping_due.filter(|_| !catches_up);
            tokio::select! {
                biased;
                order = self.stream.orders.recv() => return Wake::Order(order),
                () = sleep_until(self.expires) => return Wake::Expired,
                () = self.stream.behind.wait() => return Wake::Behind,
                () = ready(()), if catches_up => return Wake::Missed,
                told = self.stream.queue.recv() => return Wake::Told(told),
                // The queue was found empty after the place was read.
                place = ready(ping.unwrap_or_default()), if ping.is_some() => return Wake::Ping(place),
                _ = self.pings.tick() => self.ping_due = Some(self.app.live.hub.position()),
            }
        }
    }

    /// What there is to do without waiting or reading: so several frames can be sent together.
    pub fn at_hand(&mut self) -> Option<Wake> {
        if self.missed.is_any() {
            return (!self.missed.ready.is_empty()).then_some(Wake::Missed);
        }
        let told = self.stream.queue.try_recv();
        told.map(|told| Wake::Told(Some(told)))
    }

    /// Does what there was to do; the frame that tells of it, if there is one.
    ///
    /// # Errors
    /// Why the stream ends.
    pub async fn follow(&mut self, wake: Wake) -> Step<Option<Frame>> {
        match wake {
            Wake::Order(order) => Box::pin(obey(&self.app, &self.caller, order)).await?,
            Wake::Expired => return Err(End::Close(close::SIGNED_OUT)),
            Wake::Behind => self.fall_behind(),
            Wake::Missed => return Box::pin(self.catch_up()).await,
            Wake::Told(None) => return Err(End::Gone),
            Wake::Told(Some(Told::Event(delivery))) => return self.take(&delivery).await,
            Wake::Told(Some(Told::Sign(frame))) => return Ok(Some(Frame::clone(&frame))),
            Wake::Ping(place) => {
                self.ping_due = None;
                self.last = self.last.max(place);
                let ping = Frame::of(&ServerFrame::Ping { seq: self.last });
                return ping.map(Some).map_err(|e| fault(e.into()));
            }
        }
        Ok(None)
    }

    /// What the queue still holds is in the log too.
    fn fall_behind(&mut self) {
        while self.stream.queue.try_recv().is_some() {}
        // Where all of a stretch is not for this person to see, reading is ahead of sending: it goes on from there.
        if !self.missed.is_any() {
            self.missed.reached = self.last;
        }
        self.missed.more = true;
    }

    /// One step of catching up: gives what was read, or reads on.
    async fn catch_up(&mut self) -> Step<Option<Frame>> {
        if let Some(delivery) = self.missed.ready.pop_front() {
            return self.take(&delivery).await;
        }
        let cursor = self.at(self.missed.reached);
        match self.stretch(cursor, STRETCH_MAX).await.map_err(fault)? {
            Stretch::Resync(reason) => {
                self.missed.more = false;
                self.last = self.app.store.head().await.map_err(fault)?;
                self.resync(reason).map(Some).map_err(fault)
            }
            Stretch::Events {
                events,
                reached,
                more,
            } => {
                for event in &events {
                    let delivery = render(event, clock::now()).map_err(|e| fault(e.into()))?;
                    self.missed.ready.push_back(delivery);
                }
                self.missed.reached = reached;
                self.missed.more = more;
                Ok(None)
            }
        }
    }

    /// The frame of an event, unless it was sent before.
    async fn take(&mut self, delivery: &Delivery) -> Step<Option<Frame>> {
        if delivery.seq <= self.last {
            return Ok(None);
        }
        if delivery.signed_out.is_some() {
            Box::pin(check_session(&self.app, &self.caller)).await?;
            return Ok(None);
        }
        let text = delivery.frame(self.caller.user, self.last);
        self.last = delivery.seq;
        Ok(Some(Frame {
            kind: delivery.kind,
            seq: Some(delivery.seq),
            text,
            message: delivery.message_for(self.caller.user),
        }))
    }

    /// Lets a frame be written, unless an order or the token's end comes before the peer has room for it.
    ///
    /// # Errors
    /// Why the stream ends.
    pub async fn unless_ended(&mut self, write: impl Future<Output = Step>) -> Step {
        let mut written = pin!(write);
        let mut expired = pin!(sleep_until(self.expires));
        loop {
            tokio::select! {
                biased;
                written = &mut written => return written,
                order = self.stream.orders.recv() => obey(&self.app, &self.caller, order).await?,
                () = &mut expired => return Err(End::Close(close::SIGNED_OUT)),
            }
        }
    }
}

async fn obey(app: &App, caller: &Caller, order: Option<Order>) -> Step {
    match order {
        Some(Order::Close(code)) => Err(End::Close(code)),
        Some(Order::CheckSession) => check_session(app, caller).await,
        None => Err(End::Gone),
    }
}

async fn check_session(app: &App, caller: &Caller) -> Step {
    match app.session_alive(caller.session).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(End::Close(close::SIGNED_OUT)),
        // Whether it is signed out is not known now: the client comes back and is asked again.
        Err(_) => Err(End::Close(close::RESTART)),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
/// The store failed: the client comes back and resumes.
pub fn fault(error: StoreError) -> End {
    tracing::warn!(%error, "a stream ends because the log cannot be read");
    End::Close(close::RESTART)
}

fn expiry(caller: &Caller) -> Instant {
    let left = caller.expires_at.as_millis() - clock::now().as_millis();
    Instant::now() + Duration::from_millis(u64::try_from(left).unwrap_or(0))
}
