//! A WebSocket of the event stream, as a client holds it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::client::ClientRequestBuilder;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::contract::Contract;
use crate::follower::Follower;
use crate::http::Api;
use crate::wait::PATIENCE;

/// How a client asks for a socket.
pub struct Opening {
    who: String,
    base: String,
    contract: Arc<Contract>,
    query: Vec<String>,
    headers: Vec<(&'static str, String)>,
    subprotocol: Option<String>,
    receive_buffer: Option<u32>,
}

impl Opening {
    /// By this person's token, from now on.
    #[must_use]
    pub(crate) fn new(who: &str, api: &Api) -> Self {
        let token = api.token.iter();
        Self {
            who: who.to_owned(),
            base: api.base.clone(),
            contract: Arc::clone(&api.contract),
            query: Vec::new(),
            headers: token
                .map(|it| ("Authorization", format!("Bearer {it}")))
                .collect(),
            subprotocol: None,
            receive_buffer: None,
        }
    }

    /// Resume after this cursor.
    #[must_use]
    pub fn after(mut self, cursor: &str) -> Self {
        self.query.push(format!("after={cursor}"));
        self
    }

    /// By a ticket, as browsers do, and without a token.
    #[must_use]
    pub fn by_ticket(mut self, ticket: &str) -> Self {
        self.headers.retain(|(name, _)| *name != "Authorization");
        self.query.push(format!("ticket={ticket}"));
        self
    }

    /// On a web page of this origin.
    #[must_use]
    pub fn on_page_of(mut self, origin: &str) -> Self {
        self.headers.push(("Origin", origin.to_owned()));
        self
    }

    /// With this subprotocol.
    #[must_use]
    pub fn speaking(mut self, subprotocol: &str) -> Self {
        self.subprotocol = Some(subprotocol.to_owned());
        self
    }

    /// With room for this many bytes that the client did not read yet.
    #[must_use]
    pub fn receive_buffer(mut self, bytes: u32) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// Opens it, and waits for the first frame.
    pub async fn open(self) -> Socket {
        let who = self.who.clone();
        let opened = self.try_open().await;
        opened.unwrap_or_else(|status| panic!("{who}'s socket was refused with {status}"))
    }

    /// As [`Self::open`]; the status of a refusal.
    ///
    /// # Errors
    /// When the node refuses the handshake.
    pub async fn try_open(self) -> Result<Socket, u16> {
        let address = self.base.trim_start_matches("http://").to_owned();
        let uri = format!("ws://{address}/v5/ws?{}", self.query.join("&"));
        let mut request = ClientRequestBuilder::new(uri.parse().expect("a URI"));
        for (name, value) in &self.headers {
            request = request.with_header(*name, value);
        }
        if let Some(subprotocol) = &self.subprotocol {
            request = request.with_sub_protocol(subprotocol);
        }
        let tcp = TcpSocket::new_v4().expect("a socket");
        if let Some(bytes) = self.receive_buffer {
            tcp.set_recv_buffer_size(bytes).expect("a bound");
        }
        let tcp = tcp
            .connect(address.parse().expect("an address"))
            .await
            .unwrap_or_else(|e| panic!("{address}: {e}"));
        tcp.set_nodelay(true).expect("an option");
        let port = tcp.local_addr().expect("an address").port();
        match client_async(request, tcp).await {
            Ok((stream, answer)) => {
                let agreed = answer.headers().get("sec-websocket-protocol");
                let agreed = agreed.map(|it| it.to_str().expect("a name").to_owned());
                let asked = self.subprotocol.as_deref();
                let fits = match (&agreed, asked) {
                    (Some(agreed), Some(asked)) => asked.split(", ").any(|it| it == agreed),
                    (agreed, asked) => agreed.is_none() && asked.is_none(),
                };
                assert!(fits, "asked for {asked:?}, agreed on {agreed:?}");
                Ok(Socket::begin(self.who, port, stream, self.contract).await)
            }
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{}'s socket: {error}", self.who),
        }
    }
}

/// How a socket ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Closed by the server with a code and a reason.
    Closed(u16, String),
    /// The connection broke.
    Broken(String),
}

enum Incoming {
    Frame(Value),
    Ended(Ending),
}

/// An open socket. It answers pings by itself, and fails the test on a gap, a repeat or an inversion.
pub struct Socket {
    /// The first frame.
    pub hello: Value,
    /// The client's port.
    pub port: u16,
    follower: Follower,
    incoming: mpsc::UnboundedReceiver<Incoming>,
    outgoing: mpsc::UnboundedSender<Message>,
    reads: watch::Sender<bool>,
    task: JoinHandle<()>,
    ending: Option<Ending>,
}

impl Socket {
    async fn begin(
        who: String,
        port: u16,
        stream: WebSocketStream<TcpStream>,
        contract: Arc<Contract>,
    ) -> Self {
        let (to_test, incoming) = mpsc::unbounded_channel();
        let (outgoing, from_test) = mpsc::unbounded_channel();
        let (reads, may_read) = watch::channel(true);
        let task = tokio::spawn(pump(stream, to_test, from_test, may_read));
        let mut socket = Self {
            hello: Value::Null,
            port,
            follower: Follower::new(who, contract),
            incoming,
            outgoing,
            reads,
            task,
            ending: None,
        };
        let first = socket.frame(Instant::now() + PATIENCE).await;
        let hello =
            first.unwrap_or_else(|why| panic!("{} got no hello: {why}", socket.follower.who));
        assert_eq!(hello["type"], "hello", "the first frame");
        socket.hello = hello;
        socket
    }

    /// The next frame but pings.
    pub async fn next(&mut self) -> Value {
        self.hears("another frame", |_| true).await
    }

    /// The next frame, which must be of this type.
    pub async fn next_is(&mut self, kind: &str) -> Value {
        let frame = self.next().await;
        assert_eq!(frame["type"], kind, "{} heard {frame:#}", self.follower.who);
        frame
    }

    /// Waits for a frame; others that come before it are passed over.
    pub async fn hears(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.hears_within(PATIENCE, what, fits).await
    }

    /// As [`Self::hears`], with a deadline of its own.
    pub async fn hears_within(
        &mut self,
        time: Duration,
        what: &str,
        fits: impl Fn(&Value) -> bool,
    ) -> Value {
        let deadline = Instant::now() + time;
        loop {
            match self.frame(deadline).await {
                Ok(frame) if frame["type"] != "ping" && fits(&frame) => return frame,
                Ok(_) => {}
                Err(why) => panic!(
                    "{} waited in vain for {what}: {why}; {}",
                    self.follower.who,
                    self.follower.story()
                ),
            }
        }
    }

    /// What has arrived already.
    pub async fn drain(&mut self) -> Vec<Value> {
        let mut frames = Vec::new();
        while let Ok(frame) = self.frame(Instant::now() + Duration::from_millis(1)).await {
            frames.push(frame);
        }
        frames
    }

    /// Fails if anything but pings comes within this time.
    pub async fn hears_nothing(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while let Ok(frame) = self.frame(deadline).await {
            assert_eq!(
                frame["type"], "ping",
                "{} heard {frame:#}",
                self.follower.who
            );
        }
        assert_eq!(self.ending, None, "{}'s socket", self.follower.who);
    }

    /// Waits until the socket is no more, and tells why.
    pub async fn ends(&mut self) -> Ending {
        self.ends_within(PATIENCE).await
    }

    /// As [`Self::ends`], with a deadline of its own.
    pub async fn ends_within(&mut self, time: Duration) -> Ending {
        let deadline = Instant::now() + time;
        while self.ending.is_none() {
            if let Err(why) = self.frame(deadline).await
                && self.ending.is_none()
            {
                panic!(
                    "{}'s socket did not end: {why}; {}",
                    self.follower.who,
                    self.follower.story()
                );
            }
        }
        self.ending.clone().expect("it ended")
    }

    /// Sends a frame.
    pub fn says(&self, frame: &Value) {
        self.says_raw(Message::text(frame.to_string()));
    }

    /// Sends anything.
    pub fn says_raw(&self, message: Message) {
        // A socket that has ended is told by the next look at it.
        drop(self.outgoing.send(message));
    }

    /// Sends a frame with an id and waits for its answer.
    pub async fn asks(&mut self, mut frame: Value) -> Value {
        let id = format!("f{}", self.follower.count());
        frame["id"] = json!(id);
        self.says(&frame);
        self.hears("an answer", |it| it["id"] == *id).await
    }

    /// Where to resume: after the last frame that was looked at.
    #[must_use]
    pub fn cursor(&self) -> String {
        self.follower.cursor()
    }

    /// Stops or goes on taking bytes from the connection.
    pub fn takes_bytes(&self, takes: bool) {
        self.reads.send_replace(takes);
    }

    /// The next frame, checked, or why there is none.
    async fn frame(&mut self, deadline: Instant) -> Result<Value, String> {
        if let Some(ending) = &self.ending {
            return Err(format!("the socket ended: {ending:?}"));
        }
        match timeout_at(deadline, self.incoming.recv()).await {
            Ok(Some(Incoming::Frame(frame))) => {
                self.follower.takes(&frame);
                Ok(frame)
            }
            Ok(Some(Incoming::Ended(ending))) => {
                self.ending = Some(ending.clone());
                Err(format!("the socket ended: {ending:?}"))
            }
            Ok(None) => panic!("the socket's reader is gone"),
            Err(_) => Err("time is over".to_owned()),
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries frames between the connection and the test.
async fn pump(
    mut stream: WebSocketStream<TcpStream>,
    to_test: mpsc::UnboundedSender<Incoming>,
    mut from_test: mpsc::UnboundedReceiver<Message>,
    mut may_read: watch::Receiver<bool>,
) {
    loop {
        let reads = *may_read.borrow_and_update();
        let told = tokio::select! {
            message = stream.next(), if reads => match message {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).expect("a frame is JSON");
                    if frame["type"] == "ping" {
                        let pong = json!({"type": "pong", "seq": frame["seq"]});
                        // That the connection is gone is told by the next read.
                        drop(stream.send(Message::text(pong.to_string())).await);
                    }
                    Incoming::Frame(frame)
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    Incoming::Ended(Ending::Closed(frame.code.into(), frame.reason.to_string()))
                }
                Some(Ok(Message::Close(None))) => Incoming::Ended(Ending::Closed(1005, String::new())),
                Some(Ok(_)) => continue,
                Some(Err(error)) => Incoming::Ended(Ending::Broken(error.to_string())),
                None => Incoming::Ended(Ending::Broken("no more".to_owned())),
            },
            message = from_test.recv() => {
                let Some(message) = message else { return };
                drop(timeout(PATIENCE, stream.send(message)).await);
                continue;
            }
            changed = may_read.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
        };
        let ended = matches!(told, Incoming::Ended(_));
        if to_test.send(told).is_err() || ended {
            return;
        }
    }
}
