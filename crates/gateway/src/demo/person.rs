//! Somebody who uses Pinwire, as any client does: by HTTP.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::answer::Answer;
use super::socket::Socket;
use super::stage::Stage;
use super::{DemoError, Result};

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A request, as it is shown and as it is sent.
pub(super) struct Request {
    method: Method,
    path: String,
    body: Body,
}

enum Body {
    None,
    Json(Value),
    /// Name, password.
    Password(String, String),
}

pub(super) fn get(path: impl Into<String>) -> Request {
    Request::new(Method::GET, path, Body::None)
}

pub(super) fn post(path: impl Into<String>, body: Value) -> Request {
    Request::new(Method::POST, path, Body::Json(body))
}

pub(super) fn put(path: impl Into<String>, body: Value) -> Request {
    Request::new(Method::PUT, path, Body::Json(body))
}

pub(super) fn delete(path: impl Into<String>) -> Request {
    Request::new(Method::DELETE, path, Body::None)
}

impl Request {
    fn new(method: Method, path: impl Into<String>, body: Body) -> Self {
        Self {
            method,
            path: path.into(),
            body,
        }
    }
}

/// What is expected of an answer: its status, and which parts of it are shown.
pub(super) type Expected<'a> = (u16, &'a [&'a str]);

/// A person with a client.
pub(super) struct Person {
    /// As the story calls them.
    pub(super) name: &'static str,
    /// As others name them in requests.
    pub(super) username: String,
    /// The account; empty until they have signed up.
    pub(super) id: String,
    http: reqwest::Client,
    node: SocketAddr,
    token: String,
}

impl Person {
    pub(super) fn new(name: &'static str, username: &str, node: SocketAddr) -> Result<Self> {
        let http = reqwest::Client::builder()
            .timeout(ANSWER_TIMEOUT)
            // The node is on this machine, whatever the variables say of the way elsewhere.
            .no_proxy()
            .build()
            .map_err(|e| DemoError::NotPlayed(e.to_string()))?;
        Ok(Self {
            name,
            username: username.to_owned(),
            id: String::new(),
            http,
            node,
            token: String::new(),
        })
    }

    /// Asks, shows it, and gives the answer if it has the expected status.
    pub(super) async fn asks<W: Write>(
        &self,
        stage: &mut Stage<W>,
        request: Request,
        expected: Expected<'_>,
    ) -> Result<Answer> {
        let (answer, _) = self.asks_with_position(stage, request, expected).await?;
        Ok(answer)
    }

    /// As [`Self::asks`], with the position in the log that the answer shows.
    pub(super) async fn asks_with_position<W: Write>(
        &self,
        stage: &mut Stage<W>,
        request: Request,
        (status, shown): Expected<'_>,
    ) -> Result<(Answer, String)> {
        let line = format!("{} {}", request.method, request.path);
        stage.asks(self.name, &line)?;
        let url = format!("http://{}{}", self.node, request.path);
        let builder = self.http.request(request.method, url);
        let sent = self.with_body(stage, builder, request.body)?.send().await;
        let answer = sent.map_err(|e| DemoError::Failed(format!("{line}: {e}")))?;
        let got = answer.status().as_u16();
        let position = answer.headers().get("x-pinwire-seq");
        let position = position.and_then(|value| value.to_str().ok());
        let position = position.unwrap_or_default().to_owned();
        let text = answer.text().await;
        let text = text.map_err(|e| DemoError::Failed(format!("{line}: {e}")))?;
        if got != status {
            return Err(DemoError::Failed(format!(
                "{line}: expected {status}, got {got}: {text}"
            )));
        }
        // An answer without a body has nothing to look into.
        let body = serde_json::from_str(&text).unwrap_or_default();
        let body = Answer(body);
        let line = format!("{got}  {}", body.essence(shown));
        stage.gets(self.name, line.trim_end())?;
        Ok((body, position))
    }

    fn with_body<W: Write>(
        &self,
        stage: &mut Stage<W>,
        builder: RequestBuilder,
        body: Body,
    ) -> Result<RequestBuilder> {
        let builder = if self.token.is_empty() {
            builder
        } else {
            builder.bearer_auth(&self.token)
        };
        Ok(match body {
            Body::None => builder,
            Body::Json(body) => {
                stage.detail(&hidden_password(&body).to_string())?;
                builder.json(&body)
            }
            Body::Password(username, password) => {
                stage.detail(&format!(
                    "grant_type=password&username={username}&password=…"
                ))?;
                let (username, password) = (username.as_str(), password.as_str());
                builder.form(&[
                    ("grant_type", "password"),
                    ("username", username),
                    ("password", password),
                ])
            }
        })
    }

    /// Makes an account and signs in.
    pub(super) async fn signs_up<W: Write>(
        &mut self,
        stage: &mut Stage<W>,
        full_name: &str,
        password: &str,
    ) -> Result {
        let account = serde_json::json!({
            "username": self.username,
            "full_name": full_name,
            "email": format!("{}@example.com", self.username),
            "password": password,
        });
        let made = self
            .asks(stage, post("/v5/accounts", account), (201, &["id"]))
            .await?;
        self.id = made.text("id")?;
        let body = Body::Password(self.username.clone(), password.to_owned());
        let request = Request::new(Method::POST, "/v5/oauth/token", body);
        let answer = self
            .asks(stage, request, (200, &["token_type", "expires_in"]))
            .await?;
        self.token = answer.text("access_token")?;
        Ok(())
    }

    /// Opens a WebSocket; with a cursor, to get what came after it.
    pub(super) async fn connects<W: Write>(
        &self,
        stage: &mut Stage<W>,
        after: Option<&str>,
    ) -> Result<Socket> {
        let query = after.map_or_else(String::new, |cursor| format!("?after={cursor}"));
        let path = format!("/v5/ws{query}");
        stage.asks(self.name, &format!("GET {path}, upgraded to a WebSocket"))?;
        let url = format!("ws://{}{path}", self.node);
        let (socket, hello) = Socket::open(&url, &self.token).await?;
        let shown = ["epoch", "seq", "unread=unread.messages"];
        let line = format!("socket: hello  {}", hello.essence(&shown));
        stage.gets(self.name, &line)?;
        Ok(socket)
    }

    /// Waits for the next event, which must be of this type, and shows parts of it.
    pub(super) async fn hears<W: Write>(
        &self,
        stage: &mut Stage<W>,
        socket: &mut Socket,
        (kind, shown): (&str, &[&str]),
    ) -> Result<Answer> {
        let event = socket.event().await?;
        let line = format!(
            "socket: {}  {}",
            event.text("type")?,
            event.essence(&["seq", "prev"])
        );
        stage.gets(self.name, &line)?;
        if event.text("type")? != kind {
            return Err(DemoError::Failed(format!(
                "expected {kind}, got {}",
                event.0
            )));
        }
        stage.detail(&event.essence(shown))?;
        Ok(event)
    }
}

/// The body as it is shown.
fn hidden_password(body: &Value) -> Value {
    let mut shown = body.clone();
    if let Some(password) = shown.get_mut("password") {
        *password = "…".into();
    }
    shown
}
