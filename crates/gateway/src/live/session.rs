//! One WebSocket: what its peer says, and the frames of its stream.

use actix_web::http::Method;
use actix_web::web;
use pinwire_domain::{ConversationId, Field, Refusal, UserId, limits};
use serde::Serialize;
use tokio::time::Instant;

use super::acks::Unacknowledged;
use super::close;
use super::ending::End;
use super::feed::{Feed, STALL_MAX, Start, Step, Wake, fault};
use super::frames::{ClientFrame, Frame, PING, PresenceState, ServerFrame};
use super::hub::Door;
use super::presence::{self, Watch};
use super::signs;
use super::socket::{Incoming, Socket};
use crate::auth::Caller;
use crate::error::ApiError;
use crate::{App, body, clock};

/// Pings in a row without an answer that end the socket.
const UNANSWERED_MAX: u32 = 2;
/// Frames a client may send at once.
pub const FRAMES_BURST: f64 = 100.0;
/// Frames a client may send each second by and by.
pub const FRAMES_PER_SECOND: f64 = 20.0;
/// The operation that a `read` frame does the same as.
const READ: &str = "/v5/conversations/{conversation_id}/read";
/// The operation that a `typing` frame does the same as.
const TYPING: &str = "/v5/conversations/{conversation_id}/typing";

/// A WebSocket that is about to begin.
pub struct Opening {
    /// The node.
    pub app: web::Data<App>,
    /// Whose it is.
    pub caller: Caller,
    /// Where it begins.
    pub start: Start,
}

impl Opening {
    /// Runs it until either side ends it.
    pub async fn run(self, socket: Socket) {
        let Self { app, caller, start } = self;
        Session::new(app, caller, socket).run(start).await;
    }
}

/// A running WebSocket.
pub struct Session {
    feed: Feed,
    socket: Socket,
    /// What the peer may acknowledge.
    unacknowledged: Unacknowledged,
    /// Whom the peer wants to be told of.
    watch: Option<Watch>,
    unanswered: u32,
    frames_left: f64,
    last_frame: Instant,
}

impl Session {
    /// A session for `caller` on an upgraded connection.
    fn new(app: web::Data<App>, caller: Caller, socket: Socket) -> Self {
        Self {
            feed: Feed::join(app, caller, Door::Socket),
            socket,
            unacknowledged: Unacknowledged::default(),
            watch: None,
            unanswered: 0,
            frames_left: FRAMES_BURST,
            last_frame: Instant::now(),
        }
    }

    /// Runs until either side ends it.
    async fn run(mut self, start: Start) {
        // What is rare is boxed: an idle socket keeps the memory of its largest step.
        let end = match Box::pin(self.begin(start)).await {
            Ok(()) => self.serve().await,
            Err(end) => end,
        };
        let Self { socket, feed, .. } = self;
        // What comes from now on is not for this socket.
        drop(feed);
        Box::pin(end.carry_out(socket)).await;
    }

    async fn begin(&mut self, start: Start) -> Step {
        for frame in self.feed.begin(start).await.map_err(fault)? {
            self.socket.put(&frame.text);
        }
        self.flush().await
    }

    async fn serve(&mut self) -> End {
        loop {
            let step = tokio::select! {
                biased;
                // It cannot keep the stream waiting: how many frames a peer may send is bounded.
                said = self.socket.next() => match said {
                    Ok(said) => Box::pin(self.receive(said)).await,
                    Err(end) => Err(end),
                },
                wake = self.feed.wake() => self.follow(wake).await,
            };
            if let Err(end) = step {
                return end;
            }
        }
    }

    /// Sends what there is to tell, together with what waits behind it.
    async fn follow(&mut self, first: Wake) -> Step {
        let mut next = Some(first);
        while let Some(wake) = next {
            if let Some(frame) = self.feed.follow(wake).await? {
                self.put(&frame)?;
            }
            next = if self.socket.has_room() {
                self.feed.at_hand()
            } else {
                None
            };
        }
        self.flush().await
    }

    /// Puts a frame to what is to be sent.
    fn put(&mut self, frame: &Frame) -> Step {
        if frame.kind == PING {
            if self.unanswered >= UNANSWERED_MAX {
                return Err(End::Close(close::TOO_SLOW));
            }
            self.unanswered += 1;
        }
        if let (Some(seq), Some((conversation, position))) = (frame.seq, frame.message) {
            self.unacknowledged.sent(seq, conversation, position);
        }
        self.socket.put(&frame.text);
        Ok(())
    }

    async fn receive(&mut self, said: Incoming) -> Step {
        self.spend_frame()?;
        match said {
            Incoming::Text(text) => match body::parse::<ClientFrame>(text.as_bytes()) {
                Ok(frame) => self.carry_out(frame).await,
                Err(error) => self.refuse_frame(&text, &error).await,
            },
            Incoming::Ping(bytes) => {
                self.socket.put_pong(&bytes);
                self.flush().await
            }
            Incoming::Pong => {
                self.unanswered = 0;
                Ok(())
            }
            Incoming::Binary => Err(End::Close(close::MALFORMED)),
            Incoming::Close => Err(End::Closed),
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
        let mut more = Vec::new();
        let outcome = match frame {
            ClientFrame::Pong { .. } => {
                self.unanswered = 0;
                return Ok(());
            }
            ClientFrame::Ping { .. } => Ok(()),
            ClientFrame::Ack { seq, .. } => self.acknowledges(seq),
            ClientFrame::Typing {
                conversation_id, ..
            } => self.types(&conversation_id).await,
            ClientFrame::PresenceWatch { user_ids, .. } => {
                let online = self.watches(&user_ids).await;
                online.map(|online| more = online)
            }
            ClientFrame::Read {
                conversation_id,
                position,
                ..
            } => self.read(&conversation_id, position).await,
            ClientFrame::AuthRefresh { access_token, .. } => self.refresh(&access_token).await,
        };
        match outcome {
            Ok(()) => self.send(&ServerFrame::Ok { id }).await?,
            Err(error) => self.send(&error_frame(id, &error)).await?,
        }
        for person in more {
            self.send(&presence::frame(person, PresenceState::Online))
                .await?;
        }
        Ok(())
    }

    /// Makes sure that the token allows what another operation does.
    fn check_scopes_of(&self, method: &Method, path: &str) -> Result<(), ApiError> {
        match crate::routes::find(method.as_str(), path) {
            Some(operation) => {
                crate::auth::check_scopes(&self.feed.caller().scopes, operation.scopes)
            }
            None => Ok(()),
        }
    }

    /// Counts a frame like a request of this method.
    fn count(&self, method: &Method) -> Result<(), ApiError> {
        let user = self.feed.caller().user;
        self.feed.app().rate_limits.frame(method, user)
    }

    /// Notes what has reached the peer; it is written soon, together with what comes meanwhile.
    fn acknowledges(&mut self, seq: i64) -> Result<(), ApiError> {
        self.check_scopes_of(&Method::PUT, READ)?;
        let reached = self.unacknowledged.acknowledge(seq);
        let acks = &self.feed.app().live.acks;
        acks.note(self.feed.caller().user, reached);
        Ok(())
    }

    async fn types(&self, conversation: &str) -> Result<(), ApiError> {
        self.count(&Method::POST)?;
        self.check_scopes_of(&Method::POST, TYPING)?;
        let id: ConversationId = crate::api::id(conversation, "conversation_id")?;
        signs::type_in(self.feed.app(), self.feed.caller().user, id).await
    }

    /// Watches these people from now on; those of them who are online.
    async fn watches(&mut self, user_ids: &[String]) -> Result<Vec<UserId>, ApiError> {
        self.count(&Method::GET)?;
        if user_ids.len() > limits::PRESENCE_PEOPLE_MAX {
            let reason = format!("at most {} people", limits::PRESENCE_PEOPLE_MAX);
            return Err(Refusal::InvalidValue(Field::new("user_ids", reason)).into());
        }
        let people: Vec<UserId> = user_ids
            .iter()
            .enumerate()
            .map(|(place, id)| crate::api::id(id, &format!("user_ids[{place}]")))
            .collect::<Result<_, _>>()?;
        let app = self.feed.app();
        let me = self.feed.caller().user;
        let visible = app.store.see_presence(me, &people).await?;
        let stream = self.feed.key();
        let watch = self
            .watch
            .get_or_insert_with(|| app.live.presence.watch(stream));
        Ok(watch.set(&people, &visible))
    }

    async fn read(&self, conversation: &str, position: i64) -> Result<(), ApiError> {
        self.count(&Method::PUT)?;
        self.check_scopes_of(&Method::PUT, READ)?;
        let id: ConversationId = crate::api::id(conversation, "conversation_id")?;
        let store = &self.feed.app().store;
        Ok(store.read_to(self.feed.caller().user, id, position).await?)
    }

    async fn refresh(&mut self, token: &str) -> Result<(), ApiError> {
        self.count(&Method::GET)?;
        let app = self.feed.app();
        let claims = app.tokens.verify(token, clock::now())?;
        let caller = app.live_caller(claims).await?;
        let known = self.feed.caller();
        if (caller.user, caller.session) != (known.user, known.session) {
            return Err(crate::token::unauthenticated());
        }
        self.feed.renew(caller);
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
        self.socket.put(&text);
        self.flush().await
    }

    /// Sends all that was put. Mostly the peer has room for it, and nothing is waited for.
    async fn flush(&mut self) -> Step {
        if self.socket.send_at_once()? {
            return Ok(());
        }
        let Self { feed, socket, .. } = self;
        let send = async { Ok(socket.send(STALL_MAX).await?) };
        Box::pin(feed.unless_ended(send)).await
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
