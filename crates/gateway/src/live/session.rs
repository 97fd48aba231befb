//! One WebSocket: what was missed, then what comes, each once and in order.

use std::collections::VecDeque;
use std::future::ready;
use std::pin::pin;
use std::time::Duration;

use actix_web::web::{self, Bytes};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, MessageStream};
use futures_util::StreamExt;
use pinwire_domain::ConversationId;
use pinwire_domain::event::Cursor;
use pinwire_storage::events::{ResyncReason, Stretch};
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::close;
use super::ending::End;
use super::frames::{ClientFrame, ServerFrame};
use super::hub::{Order, Stream};
use super::line::Line;
use super::render::{Delivery, render};
use crate::auth::Caller;
use crate::error::ApiError;
use crate::metrics::RESYNCS;
use crate::view::PersonView;
use crate::{App, body, clock};

/// How often the server pings.
pub const PING_EVERY: Duration = Duration::from_secs(25);
/// Pings in a row without an answer that end the socket.
const UNANSWERED_MAX: u32 = 2;
/// How long a peer may take no byte.
pub const STALL_MAX: Duration = Duration::from_secs(30);
/// Events read from the log at once.
const STRETCH_MAX: i64 = 100;
/// Bytes of a client frame at most.
pub const FRAME_MAX: usize = 64 * 1024;
/// Frames a client may send at once.
pub const FRAMES_BURST: f64 = 100.0;
/// Frames a client may send each second by and by.
pub const FRAMES_PER_SECOND: f64 = 20.0;

type Step = Result<(), End>;

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

/// What is sent to the peer.
enum Outgoing {
    Text(String),
    Pong(Bytes),
}

/// An upgraded connection.
pub struct Upgraded {
    /// Where frames go to.
    pub socket: actix_ws::Session,
    /// Where frames come from.
    pub incoming: MessageStream,
    /// What carries them.
    pub line: Option<Line>,
}

/// A running WebSocket.
pub struct Session {
    app: web::Data<App>,
    caller: Caller,
    socket: actix_ws::Session,
    incoming: AggregatedMessageStream,
    line: Option<Line>,
    stream: Stream,
    missed: Missed,
    /// The seq of the last frame that had one.
    last: i64,
    expires: Instant,
    unanswered: u32,
    frames_left: f64,
    last_frame: Instant,
}

/// Where a session begins.
pub enum Start {
    /// After this cursor.
    After(Cursor),
    /// At the log's head.
    Head,
}

impl Session {
    /// A session for `caller` on an upgraded connection.
    #[must_use]
    pub fn new(app: web::Data<App>, caller: Caller, upgraded: Upgraded) -> Self {
        let expires = expiry(&caller);
        let incoming = upgraded
            .incoming
            .max_frame_size(FRAME_MAX)
            .aggregate_continuations()
            .max_continuation_size(FRAME_MAX);
        // Joined before the log is read, so that nothing falls between.
        let stream = app.live.hub.join(caller.user);
        Self {
            app,
            caller,
            socket: upgraded.socket,
            incoming,
            line: upgraded.line,
            stream,
            missed: Missed::default(),
            last: 0,
            expires,
            unanswered: 0,
            frames_left: FRAMES_BURST,
            last_frame: Instant::now(),
        }
    }

    /// Runs until either side ends it.
    pub async fn run(mut self, start: Start) {
        // What is rare is boxed: an idle socket keeps the memory of its largest step.
        let end = match Box::pin(self.begin(start)).await {
            Ok(()) => self.serve().await,
            Err(end) => end,
        };
        let Self {
            socket,
            incoming,
            line,
            stream,
            ..
        } = self;
        // What comes from now on is not for this socket.
        drop(stream);
        Box::pin(end.carry_out(socket, incoming, line)).await;
    }

    async fn begin(&mut self, start: Start) -> Step {
        let unread = self
            .app
            .store
            .unread(self.caller.user)
            .await
            .map_err(fault)?;
        let person = self
            .app
            .store
            .person(self.caller.user)
            .await
            .map_err(fault)?;
        let epoch = self.app.store.epoch().to_owned();
        let cursor = match start {
            Start::After(cursor) => cursor,
            Start::Head => unread.cursor.clone(),
        };
        let check = self.stretch(cursor.clone(), 1).await?;
        self.last = if matches!(check, Stretch::Resync(_)) {
            unread.cursor.seq
        } else {
            cursor.seq
        };
        self.send(&ServerFrame::Hello {
            epoch,
            seq: self.last,
            user: PersonView::from(&person),
            unread: unread.value.into(),
        })
        .await?;
        match check {
            Stretch::Resync(reason) => self.resync(reason).await,
            Stretch::Events { .. } => {
                self.fall_behind();
                Ok(())
            }
        }
    }

    async fn resync(&mut self, reason: ResyncReason) -> Step {
        metrics::counter!(RESYNCS).increment(1);
        self.send(&ServerFrame::ResyncRequired {
            epoch: self.app.store.epoch().to_owned(),
            seq: self.last,
            reason: reason.into(),
        })
        .await
    }

    async fn stretch(&self, after: Cursor, limit: i64) -> Result<Stretch, End> {
        let read = self.app.store.stream(self.caller.user, after, limit).await;
        Ok(read.map_err(fault)?.value)
    }

    /// What the queue still holds is in the log too.
    fn fall_behind(&mut self) {
        while self.stream.queue.try_recv().is_ok() {}
        // Where all of a stretch is not for this person to see, reading is ahead of sending: it goes on from there.
        if !self.missed.is_any() {
            self.missed.reached = self.last;
        }
        self.missed.more = true;
    }

    /// One step of catching up, so that the peer's frames are heard between two of them: sends what was missed, or
    /// reads on.
    async fn catch_up(&mut self) -> Step {
        if let Some(delivery) = self.missed.ready.pop_front() {
            return self.deliver(&delivery).await;
        }
        let cursor = Cursor {
            epoch: self.app.store.epoch().to_owned(),
            seq: self.missed.reached,
        };
        match self.stretch(cursor, STRETCH_MAX).await? {
            Stretch::Resync(reason) => {
                self.missed.more = false;
                self.last = self.app.store.head().await.map_err(fault)?;
                self.resync(reason).await
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
                Ok(())
            }
        }
    }

    async fn deliver(&mut self, delivery: &Delivery) -> Step {
        if delivery.seq <= self.last {
            return Ok(());
        }
        if delivery.signed_out.is_some() {
            return Box::pin(check_session(&self.app, &self.caller)).await;
        }
        let frame = delivery.frame(self.caller.user, self.last);
        self.write(Outgoing::Text(frame)).await?;
        self.last = delivery.seq;
        Ok(())
    }

    async fn serve(&mut self) -> End {
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is at once.
        pings.tick().await;
        loop {
            let expires = self.expires;
            let catches_up = self.missed.is_any();
            let step = tokio::select! {
                biased;
                order = self.stream.orders.recv() => Box::pin(obey(&self.app, &self.caller, order)).await,
                () = sleep_until(expires) => Err(End::Close(close::SIGNED_OUT)),
                () = self.stream.behind.wait() => {
                    self.fall_behind();
                    Ok(())
                }
                message = self.incoming.next() => match message {
                    Some(Ok(message)) => Box::pin(self.receive(message)).await,
                    Some(Err(error)) => Err(End::of(&error)),
                    None => Err(End::Gone),
                },
                () = ready(()), if catches_up => Box::pin(self.catch_up()).await,
                delivery = self.stream.queue.recv(), if !catches_up => match delivery {
                    Some(delivery) => self.deliver(&delivery).await,
                    None => Err(End::Gone),
                },
                _ = pings.tick(), if !catches_up => Box::pin(self.ping()).await,
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// Tells up to where everything has been sent.
    async fn ping(&mut self) -> Step {
        if self.unanswered >= UNANSWERED_MAX {
            return Err(End::Close(close::TOO_SLOW));
        }
        // Read before the queue is looked at: what came up to here is in the queue or sent.
        let position = self.app.live.hub.position();
        while let Ok(delivery) = self.stream.queue.try_recv() {
            self.deliver(&delivery).await?;
        }
        if !self.stream.behind.is_set() {
            self.last = self.last.max(position);
        }
        self.unanswered += 1;
        self.send(&ServerFrame::Ping { seq: self.last }).await
    }

    async fn receive(&mut self, message: AggregatedMessage) -> Step {
        self.spend_frame()?;
        match message {
            AggregatedMessage::Text(text) => match body::parse::<ClientFrame>(text.as_bytes()) {
                Ok(frame) => self.carry_out(frame).await,
                Err(error) => self.refuse_frame(&text, &error).await,
            },
            AggregatedMessage::Ping(bytes) => self.write(Outgoing::Pong(bytes)).await,
            AggregatedMessage::Pong(_) => {
                self.unanswered = 0;
                Ok(())
            }
            AggregatedMessage::Binary(_) => Err(End::Close(close::MALFORMED)),
            AggregatedMessage::Close(_) => Err(End::Closed),
        }
    }

    /// A frame with a known shape gets an error and the stream goes on; anything else ends it.
    async fn refuse_frame(&mut self, text: &str, error: &ApiError) -> Step {
        let frame: Option<serde_json::Map<String, serde_json::Value>> =
            serde_json::from_str(text).ok();
        let Some(frame) = frame.filter(|f| f.get("type").is_some_and(serde_json::Value::is_string))
        else {
            return Err(End::Close(close::MALFORMED));
        };
        let id = frame
            .get("id")
            .and_then(|id| id.as_str())
            .map(str::to_owned);
        self.send(&error_frame(id, error)).await
    }

    async fn carry_out(&mut self, frame: ClientFrame) -> Step {
        let id = frame.id();
        let outcome = match frame {
            ClientFrame::Pong { .. } => {
                self.unanswered = 0;
                return Ok(());
            }
            ClientFrame::Ping { .. } => Ok(()),
            ClientFrame::Read {
                conversation_id,
                position,
                ..
            } => self.read(&conversation_id, position).await,
            ClientFrame::AuthRefresh { access_token, .. } => self.refresh(&access_token).await,
        };
        match outcome {
            Ok(()) => self.send(&ServerFrame::Ok { id }).await,
            Err(error) => self.send(&error_frame(id, &error)).await,
        }
    }

    async fn read(&self, conversation: &str, position: i64) -> Result<(), ApiError> {
        let operation = crate::routes::find("PUT", "/v5/conversations/{conversation_id}/read");
        if let Some(operation) = operation {
            crate::auth::check_scopes(&self.caller.scopes, operation.scopes)?;
        }
        let id: ConversationId = crate::api::id(conversation, "conversation_id")?;
        Ok(self
            .app
            .store
            .read_to(self.caller.user, id, position)
            .await?)
    }

    async fn refresh(&mut self, token: &str) -> Result<(), ApiError> {
        let claims = self.app.tokens.verify(token, clock::now())?;
        let caller = self.app.live_caller(claims).await?;
        if (caller.user, caller.session) != (self.caller.user, self.caller.session) {
            return Err(crate::token::unauthenticated());
        }
        self.expires = expiry(&caller);
        self.caller = caller;
        Ok(())
    }

    /// A bucket of frames that fills by and by.
    fn spend_frame(&mut self) -> Step {
        let now = Instant::now();
        let earned = now.duration_since(self.last_frame).as_secs_f64() * FRAMES_PER_SECOND;
        self.last_frame = now;
        self.frames_left = (self.frames_left + earned).min(FRAMES_BURST) - 1.0;
        if self.frames_left < 0.0 {
            Err(End::Close(close::FLOOD))
        } else {
            Ok(())
        }
    }

    async fn send<T: Serialize>(&mut self, frame: &T) -> Step {
        let text = serde_json::to_string(frame).map_err(|e| fault(e.into()))?;
        self.write(Outgoing::Text(text)).await
    }

    /// Writes, unless an order or the token's end comes before the peer has room for it.
    async fn write(&mut self, outgoing: Outgoing) -> Step {
        let Self {
            app,
            caller,
            socket,
            stream,
            expires,
            ..
        } = self;
        let write = async move {
            match outgoing {
                Outgoing::Text(text) => socket.text(text).await,
                Outgoing::Pong(bytes) => socket.pong(&bytes).await,
            }
        };
        let mut written = pin!(timeout(STALL_MAX, write));
        let mut expired = pin!(sleep_until(*expires));
        loop {
            tokio::select! {
                biased;
                written = &mut written => return match written {
                    Ok(written) => Ok(written?),
                    Err(_) => Err(End::Close(close::TOO_SLOW)),
                },
                order = stream.orders.recv() => obey(app, caller, order).await?,
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
fn fault(error: pinwire_storage::StoreError) -> End {
    tracing::warn!(%error, "a stream ends because the log cannot be read");
    End::Close(close::RESTART)
}

fn error_frame(id: Option<String>, error: &ApiError) -> ServerFrame {
    ServerFrame::Error {
        id,
        code: error.reason().code,
        error: error.reason().slug.to_owned(),
        message: error.message().to_owned(),
    }
}

fn expiry(caller: &Caller) -> Instant {
    let left = caller.expires_at.as_millis() - clock::now().as_millis();
    Instant::now() + Duration::from_millis(u64::try_from(left).unwrap_or(0))
}

/// Opens a session in the background.
pub fn spawn(app: web::Data<App>, caller: Caller, upgraded: Upgraded, start: Start) {
    actix_web::rt::spawn(Session::new(app, caller, upgraded).run(start));
}
