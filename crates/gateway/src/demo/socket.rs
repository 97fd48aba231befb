//! A WebSocket, as any client opens one.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::answer::Answer;
use super::{DemoError, Result};

/// How long a frame may take.
const FRAME_TIMEOUT: Duration = Duration::from_secs(10);

/// An open stream of somebody's events.
pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    epoch: String,
    /// The `seq` of the last frame that had one.
    seq: i64,
}

fn failed(error: impl std::fmt::Display) -> DemoError {
    DemoError::Failed(format!("the WebSocket: {error}"))
}

impl Socket {
    /// Connects; gives the socket and its first frame.
    pub(super) async fn open(url: &str, token: &str) -> Result<(Self, Answer)> {
        let mut request = url.into_client_request().map_err(failed)?;
        let bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(failed)?;
        request.headers_mut().insert("authorization", bearer);
        let connected = timeout(FRAME_TIMEOUT, connect_async(request)).await;
        let (stream, _) = connected.map_err(failed)?.map_err(failed)?;
        let mut socket = Self {
            stream,
            epoch: String::new(),
            seq: 0,
        };
        let hello = socket.frame().await?;
        if hello.text("type")? != "hello" {
            return Err(failed(format!("expected hello, got {}", hello.0)));
        }
        socket.epoch = hello.text("epoch")?;
        socket.seq = seq(&hello, "seq")?;
        Ok((socket, hello))
    }

    /// Where to go on from after a loss of the connection.
    pub(super) fn cursor(&self) -> String {
        format!("{}:{}", self.epoch, self.seq)
    }

    async fn frame(&mut self) -> Result<Answer> {
        loop {
            let next = timeout(FRAME_TIMEOUT, self.stream.next()).await;
            let next = next.map_err(|_| failed("no frame came in time"))?;
            let message = next.ok_or_else(|| failed("it ended"))?.map_err(failed)?;
            if let Message::Text(text) = message {
                return serde_json::from_str(&text).map(Answer).map_err(failed);
            }
        }
    }

    async fn send(&mut self, frame: &serde_json::Value) -> Result {
        let message = Message::text(frame.to_string());
        self.stream.send(message).await.map_err(failed)
    }

    /// The next event; one that does not follow the last one tells a loss.
    pub(super) async fn event(&mut self) -> Result<Answer> {
        loop {
            let frame = self.frame().await?;
            if frame.text("type")? == "ping" {
                // All that concerns this person up to there has come.
                self.seq = seq(&frame, "seq")?;
                self.send(&serde_json::json!({"type": "pong"})).await?;
                continue;
            }
            let prev = seq(&frame, "prev")?;
            if prev != self.seq {
                return Err(failed(format!(
                    "an event is lost: the last one was {}, and then came {}",
                    self.seq, frame.0
                )));
            }
            self.seq = seq(&frame, "seq")?;
            return Ok(frame);
        }
    }

    /// Whether the answer to a ping comes before any event.
    pub(super) async fn is_quiet(&mut self) -> Result<bool> {
        let ping = serde_json::json!({"type": "ping", "id": "anything more?"});
        self.send(&ping).await?;
        let frame = self.frame().await?;
        Ok(frame.text("type")? == "ok" && frame.text("id")? == "anything more?")
    }

    /// The connection breaks: no close frame, no goodbye.
    pub(super) fn break_off(self) {
        drop(self.stream);
    }
}

fn seq(frame: &Answer, name: &str) -> Result<i64> {
    let value = frame.at(name);
    value
        .as_i64()
        .ok_or_else(|| failed(format!("a frame without `{name}`: {}", frame.0)))
}
