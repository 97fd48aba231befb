//! One WebSocket: what was missed, then what comes, each once and in order.

use std::time::Duration;

use actix_web::web;
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseReason, Closed};
use futures_util::StreamExt;
use pinwire_domain::ConversationId;
use pinwire_domain::event::Cursor;
use pinwire_storage::events::{ResyncReason, Stretch};
use serde::Serialize;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::close::{self, CloseCode};
use super::frames::{ClientFrame, ServerFrame};
use super::hub::{Order, Stream};
use super::render::{Delivery, render};
use crate::auth::Caller;
use crate::error::ApiError;
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

/// Why a session ends.
enum End {
    /// The peer is gone.
    Gone,
    /// The peer closed, and is owed a close frame in return.
    Closed,
    /// With this code.
    Close(CloseCode),
}

impl From<Closed> for End {
    fn from(_: Closed) -> Self {
        Self::Gone
    }
}

type Step = Result<(), End>;

/// A running WebSocket.
pub struct Session {
    app: web::Data<App>,
    caller: Caller,
    socket: actix_ws::Session,
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
    /// A session for `caller` on an upgraded socket.
    #[must_use]
    pub fn new(app: web::Data<App>, caller: Caller, socket: actix_ws::Session) -> Self {
        let expires = expiry(&caller);
        Self {
            app,
            caller,
            socket,
            last: 0,
            expires,
            unanswered: 0,
            frames_left: FRAMES_BURST,
            last_frame: Instant::now(),
        }
    }

    /// Runs until either side ends it.
    pub async fn run(mut self, stream: Stream, incoming: AggregatedMessageStream, start: Start) {
        let end = match self.begin(start).await {
            Ok(()) => self.serve(stream, incoming).await,
            Err(end) => end,
        };
        let reason = match end {
            End::Gone => return,
            End::Closed => None,
            End::Close(code) => Some(CloseReason {
                code: code.code.into(),
                description: Some(code.reason.into()),
            }),
        };
        // A peer that takes nothing cannot be told; TCP_USER_TIMEOUT ends its connection.
        let _ = timeout(Duration::from_secs(1), self.socket.close(reason)).await;
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
            Stretch::Events { .. } => self.catch_up().await,
        }
    }

    async fn resync(&mut self, reason: ResyncReason) -> Step {
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

    /// Sends what the log holds after the last frame: for resuming, and after the queue was full.
    async fn catch_up(&mut self) -> Step {
        // Goes on also where all of a stretch is not for this person to see, and so nothing was sent.
        let mut from = self.last;
        loop {
            let cursor = Cursor {
                epoch: self.app.store.epoch().to_owned(),
                seq: from,
            };
            match self.stretch(cursor, STRETCH_MAX).await? {
                Stretch::Resync(reason) => {
                    self.last = self.app.store.head().await.map_err(fault)?;
                    return self.resync(reason).await;
                }
                Stretch::Events {
                    events,
                    reached,
                    more,
                } => {
                    for event in &events {
                        let delivery = render(event, clock::now()).map_err(|e| fault(e.into()))?;
                        self.deliver(&delivery).await?;
                    }
                    if !more {
                        return Ok(());
                    }
                    from = reached;
                }
            }
        }
    }

    async fn deliver(&mut self, delivery: &Delivery) -> Step {
        if delivery.seq <= self.last {
            return Ok(());
        }
        if delivery.signed_out.is_some() {
            return self.check_session().await;
        }
        self.write(delivery.frame(self.caller.user, self.last))
            .await?;
        self.last = delivery.seq;
        Ok(())
    }

    async fn serve(&mut self, mut stream: Stream, mut incoming: AggregatedMessageStream) -> End {
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is at once.
        pings.tick().await;
        loop {
            let expires = self.expires;
            let step = tokio::select! {
                biased;
                order = stream.orders.recv() => self.obey(order).await,
                () = sleep_until(expires) => Err(End::Close(close::SIGNED_OUT)),
                () = stream.behind.wait() => self.after_overflow(&mut stream).await,
                delivery = stream.queue.recv() => match delivery {
                    Some(delivery) => self.deliver(&delivery).await,
                    None => Err(End::Gone),
                },
                message = incoming.next() => match message {
                    Some(Ok(message)) => self.receive(message).await,
                    Some(Err(error)) => Err(protocol_end(&error)),
                    None => Err(End::Gone),
                },
                _ = pings.tick() => self.ping(&mut stream).await,
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    async fn obey(&mut self, order: Option<Order>) -> Step {
        match order {
            Some(Order::Close(code)) => Err(End::Close(code)),
            Some(Order::CheckSession) => self.check_session().await,
            None => Err(End::Gone),
        }
    }

    /// What the queue still holds is in the log too.
    async fn after_overflow(&mut self, stream: &mut Stream) -> Step {
        while stream.queue.try_recv().is_ok() {}
        self.catch_up().await
    }

    async fn check_session(&mut self) -> Step {
        match self.app.session_alive(self.caller.session).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(End::Close(close::SIGNED_OUT)),
            // Whether it is signed out is not known now: the client comes back and is asked again.
            Err(_) => Err(End::Close(close::RESTART)),
        }
    }

    /// Tells up to where everything has been sent.
    async fn ping(&mut self, stream: &mut Stream) -> Step {
        if self.unanswered >= UNANSWERED_MAX {
            return Err(End::Close(close::TOO_SLOW));
        }
        // Read before the queue is looked at: what came up to here is in the queue or sent.
        let position = self.app.live.hub.position();
        while let Ok(delivery) = stream.queue.try_recv() {
            self.deliver(&delivery).await?;
        }
        if !stream.behind.is_set() {
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
            AggregatedMessage::Ping(bytes) => Ok(self.socket.pong(&bytes).await?),
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
        self.write(text).await
    }

    async fn write(&mut self, text: String) -> Step {
        match timeout(STALL_MAX, self.socket.text(text)).await {
            Ok(sent) => Ok(sent?),
            Err(_) => Err(End::Close(close::TOO_SLOW)),
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
/// The store failed: the client comes back and resumes.
fn fault(error: pinwire_storage::StoreError) -> End {
    tracing::warn!(%error, "a stream ends because the log cannot be read");
    End::Close(close::RESTART)
}

fn protocol_end(error: &actix_ws::ProtocolError) -> End {
    match error {
        actix_ws::ProtocolError::Overflow => End::Close(close::TOO_LARGE),
        actix_ws::ProtocolError::Io(_) => End::Gone,
        _ => End::Close(close::MALFORMED),
    }
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
pub fn spawn(
    app: web::Data<App>,
    caller: Caller,
    socket: actix_ws::Session,
    incoming: actix_ws::MessageStream,
    start: Start,
) {
    let incoming = incoming
        .max_frame_size(FRAME_MAX)
        .aggregate_continuations()
        .max_continuation_size(FRAME_MAX);
    let stream = app.live.hub.join(caller.user, caller.session);
    actix_web::rt::spawn(Session::new(app, caller, socket).run(stream, incoming, start));
}
