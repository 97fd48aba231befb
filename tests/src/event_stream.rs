//! The event stream as Server-Sent Events, as a client reads it: nothing is read that the test did not ask for.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout_at};

use crate::contract::Contract;
use crate::follower::Follower;
use crate::http::Api;
use crate::wait::PATIENCE;

/// How a client asks for an event stream.
pub struct Asking {
    who: String,
    address: String,
    contract: Arc<Contract>,
    query: String,
    headers: Vec<(&'static str, String)>,
    receive_buffer: Option<u32>,
}

impl Asking {
    /// By this person's token, from now on.
    #[must_use]
    pub(crate) fn new(who: &str, api: &Api) -> Self {
        let token = api.token.iter();
        Self {
            who: who.to_owned(),
            address: api.base.trim_start_matches("http://").to_owned(),
            contract: Arc::clone(&api.contract),
            query: String::new(),
            headers: token
                .map(|it| ("Authorization", format!("Bearer {it}")))
                .collect(),
            receive_buffer: None,
        }
    }

    /// After this cursor.
    #[must_use]
    pub fn after(mut self, cursor: &str) -> Self {
        self.query = format!("?after={cursor}");
        self
    }

    /// By a ticket and without a token, which is of no use here.
    #[must_use]
    pub fn by_ticket(mut self, ticket: &str) -> Self {
        self.headers.retain(|(name, _)| *name != "Authorization");
        self.query = format!("?ticket={ticket}");
        self
    }

    /// As a client does whose connection broke after the event of this id.
    #[must_use]
    pub fn last_event_id(mut self, id: &str) -> Self {
        self.headers.push(("Last-Event-ID", id.to_owned()));
        self
    }

    /// With room for this many bytes that the client did not read yet.
    #[must_use]
    pub fn receive_buffer(mut self, bytes: u32) -> Self {
        self.receive_buffer = Some(bytes);
        self
    }

    /// Opens it, and waits for the first frame.
    pub async fn open(self) -> EventStream {
        let who = self.who.clone();
        let opened = self.try_open().await;
        opened.unwrap_or_else(|status| panic!("{who}'s stream was refused with {status}"))
    }

    /// As [`Self::open`]; the status of a refusal.
    ///
    /// # Errors
    /// When the node refuses it.
    pub async fn try_open(self) -> Result<EventStream, u16> {
        let tcp = TcpSocket::new_v4().expect("a socket");
        if let Some(bytes) = self.receive_buffer {
            tcp.set_recv_buffer_size(bytes).expect("a bound");
        }
        let address = self.address.parse().expect("an address");
        let mut tcp = tcp.connect(address).await.expect("a connection");
        let mut head = format!(
            "GET /v5/events/stream{} HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\n",
            self.query, self.address
        );
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").expect("a String takes all");
        }
        head.push_str("\r\n");
        tcp.write_all(head.as_bytes()).await.expect("it is sent");
        let mut stream = EventStream {
            hello: Value::Null,
            position: String::new(),
            port: tcp.local_addr().expect("an address").port(),
            follower: Follower::new(self.who, self.contract),
            body: Body {
                tcp,
                raw: Vec::new(),
                text: String::new(),
                has_ended: false,
            },
        };
        let deadline = Instant::now() + PATIENCE;
        let head = stream.body.head(deadline).await;
        let status = head.split(' ').nth(1).expect("a status");
        if status != "200" {
            return Err(status.parse().expect("a status"));
        }
        let header = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(": "));
            let found = lines.find(|(it, _)| it.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.to_owned()).unwrap_or_default()
        };
        assert_eq!(header("content-type"), "text/event-stream");
        assert_eq!(header("cache-control"), "no-store");
        stream.position = header("x-pinwire-seq");
        let hello = stream.event(deadline).await.expect("a first frame");
        assert_eq!(hello["type"], "hello", "the first frame");
        stream.hello = hello;
        Ok(stream)
    }
}

/// An open event stream. It fails the test on a gap, a repeat or an inversion.
pub struct EventStream {
    /// The first frame.
    pub hello: Value,
    /// The position in the log that the answer told.
    pub position: String,
    /// The client's port.
    pub port: u16,
    follower: Follower,
    body: Body,
}

impl EventStream {
    /// The next frame but pings.
    pub async fn next(&mut self) -> Value {
        self.hears("another frame", |it| it["type"] != "ping").await
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
            match self.event(deadline).await {
                Ok(frame) if fits(&frame) => return frame,
                Ok(_) => {}
                Err(why) => {
                    let (who, story) = (&self.follower.who, self.follower.story());
                    panic!("{who} waited in vain for {what}: {why}; {story}")
                }
            }
        }
    }

    /// Waits until the answer has ended; the last frame.
    pub async fn ends(&mut self) -> Value {
        let deadline = Instant::now() + PATIENCE;
        let mut last = Value::Null;
        loop {
            match self.event(deadline).await {
                Ok(frame) => last = frame,
                Err(_) if self.body.has_ended => return last,
                Err(why) => panic!("it did not end: {why}; {}", self.follower.story()),
            }
        }
    }

    /// Where to resume: after the last frame that was looked at.
    #[must_use]
    pub fn cursor(&self) -> String {
        self.follower.cursor()
    }

    /// The next frame, checked, or why there is none.
    async fn event(&mut self, deadline: Instant) -> Result<Value, String> {
        loop {
            let event = self.body.event(deadline).await?;
            let field = |name: &str| {
                let mut lines = event.lines().filter_map(|line| line.split_once(": "));
                lines.find(|(it, _)| *it == name).map(|(_, value)| value)
            };
            let Some(text) = field("data") else {
                // How soon to come back.
                assert!(field("retry").is_some(), "{event}");
                continue;
            };
            let frame: Value = serde_json::from_str(text).expect("a frame is JSON");
            assert_eq!(field("event"), frame["type"].as_str(), "{event}");
            self.follower.takes(&frame);
            let cursor = self.follower.cursor();
            let place = frame.get("seq").map(|_| cursor.as_str());
            assert_eq!(field("id"), place, "{event}");
            return Ok(frame);
        }
    }
}

/// The body of an answer, which comes in chunks.
struct Body {
    tcp: TcpStream,
    /// What was read from the connection, and not yet looked at.
    raw: Vec<u8>,
    /// What was taken out of chunks, and not yet looked at.
    text: String,
    has_ended: bool,
}

impl Body {
    /// All up to the empty line.
    async fn head(&mut self, deadline: Instant) -> String {
        let head = self.raw_until(b"\r\n\r\n", deadline).await;
        String::from_utf8(head.expect("an answer")).expect("a head")
    }

    /// The next event, without the empty line that ends it.
    async fn event(&mut self, deadline: Instant) -> Result<String, String> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                return Ok(event);
            }
            self.chunk(deadline).await?;
        }
    }

    async fn chunk(&mut self, deadline: Instant) -> Result<(), String> {
        if self.has_ended {
            return Err("the answer has ended".to_owned());
        }
        let size = self.raw_until(b"\r\n", deadline).await?;
        let size = String::from_utf8_lossy(&size);
        let size = usize::from_str_radix(size.trim(), 16).expect("a size");
        let wanted = size + 2;
        while self.raw.len() < wanted {
            if let Err(why) = self.read(deadline).await {
                // The size is read again with the rest.
                self.raw.splice(..0, format!("{size:x}\r\n").into_bytes());
                return Err(why);
            }
        }
        let chunk: Vec<u8> = self.raw.drain(..wanted).take(size).collect();
        self.text
            .push_str(&String::from_utf8(chunk).expect("UTF-8"));
        self.has_ended = size == 0;
        Ok(())
    }

    async fn raw_until(&mut self, end: &[u8], deadline: Instant) -> Result<Vec<u8>, String> {
        loop {
            let found = self.raw.windows(end.len()).position(|it| it == end);
            if let Some(place) = found {
                return Ok(self.raw.drain(..place + end.len()).collect());
            }
            self.read(deadline).await?;
        }
    }

    async fn read(&mut self, deadline: Instant) -> Result<(), String> {
        let read = timeout_at(deadline, self.tcp.read_buf(&mut self.raw)).await;
        match read {
            Err(_) => Err("time is over".to_owned()),
            Ok(Ok(1..)) => Ok(()),
            Ok(Ok(0)) => Err("the connection has ended".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
        }
    }
}
