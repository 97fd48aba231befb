//! HTTP/1.1 over connections that are kept: requests made by hand, answers read without a copy.

use std::cell::RefCell;
use std::io::Write as _;
use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Headers of an answer at most.
const HEADERS_MAX: usize = 48;
/// Bytes of an answer at most.
const ANSWER_MAX: usize = 16 * 1024 * 1024;
/// Bytes that are asked for at once.
const CHUNK: usize = 16 * 1024;

/// What goes with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Content<'a> {
    /// Nothing.
    Empty,
    /// JSON.
    Json(&'a str),
    /// A form, encoded.
    Form(&'a str),
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    /// The method.
    pub(crate) method: &'static str,
    /// Path and query.
    pub(crate) path: &'a str,
    /// The access token.
    pub(crate) token: Option<&'a str>,
    /// The idempotency key.
    pub(crate) key: Option<&'a str>,
    /// The body.
    pub(crate) content: Content<'a>,
}

impl<'a> Request<'a> {
    /// A request without token, key and body.
    pub(crate) const fn new(method: &'static str, path: &'a str) -> Self {
        Self {
            method,
            path,
            token: None,
            key: None,
            content: Content::Empty,
        }
    }

    /// With an access token.
    pub(crate) const fn by(mut self, token: &'a str) -> Self {
        self.token = Some(token);
        self
    }

    /// With an idempotency key.
    pub(crate) const fn once(mut self, key: &'a str) -> Self {
        self.key = Some(key);
        self
    }

    /// With a body.
    pub(crate) const fn with(mut self, content: Content<'a>) -> Self {
        self.content = content;
        self
    }

    fn write(&self, host: &str, out: &mut Vec<u8>) -> std::io::Result<()> {
        write!(
            out,
            "{} {} HTTP/1.1\r\nhost: {host}\r\n",
            self.method, self.path
        )?;
        if let Some(token) = self.token {
            write!(out, "authorization: Bearer {token}\r\n")?;
        }
        if let Some(key) = self.key {
            write!(out, "idempotency-key: {key}\r\n")?;
        }
        let (kind, body) = match self.content {
            Content::Empty if self.method == "GET" => return write!(out, "\r\n"),
            Content::Empty => return write!(out, "content-length: 0\r\n\r\n"),
            Content::Json(body) => ("application/json", body),
            Content::Form(body) => ("application/x-www-form-urlencoded", body),
        };
        let length = body.len();
        write!(
            out,
            "content-type: {kind}\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    }
}

/// The head of an answer.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Bytes of the head.
    length: usize,
    /// Bytes of the body.
    content: usize,
    /// Whether the server ends the connection.
    last: bool,
}

fn parse_head(bytes: &[u8]) -> Result<Option<Head>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = answer.parse(bytes)? else {
        return Ok(None);
    };
    let status = answer.code.context("no status")?;
    let mut head = Head {
        status,
        length,
        content: 0,
        last: false,
    };
    for header in answer.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            head.content = std::str::from_utf8(header.value)?.trim().parse()?;
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            bail!("an answer in chunks is not understood");
        } else if header.name.eq_ignore_ascii_case("connection") {
            head.last = header.value.eq_ignore_ascii_case(b"close");
        }
    }
    Ok(Some(head))
}

/// A connection that is kept.
pub(crate) struct Connection {
    stream: TcpStream,
    host: String,
    out: Vec<u8>,
    /// The answer, head and body.
    input: Vec<u8>,
    /// Whether the server has said that it ends the connection.
    ended: bool,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            host: address.to_string(),
            out: Vec::with_capacity(1024),
            input: Vec::with_capacity(CHUNK),
            ended: false,
        })
    }

    /// Sends a request and waits for the answer: status and body.
    pub(crate) async fn ask(&mut self, request: &Request<'_>) -> Result<(u16, &[u8])> {
        self.out.clear();
        self.input.clear();
        request.write(&self.host, &mut self.out)?;
        self.stream.write_all(&self.out).await?;
        let head = loop {
            self.fill().await?;
            if let Some(head) = parse_head(&self.input)? {
                break head;
            }
        };
        let end = head.length + head.content;
        while self.input.len() < end {
            self.fill().await?;
        }
        self.ended = head.last;
        let body = self.input.get(head.length..end).unwrap_or_default();
        Ok((head.status, body))
    }

    async fn fill(&mut self) -> Result<()> {
        if self.input.len() > ANSWER_MAX {
            bail!("an answer of more than {ANSWER_MAX} bytes");
        }
        self.input.reserve(CHUNK);
        if self.stream.read_buf(&mut self.input).await? == 0 {
            bail!("the server ended the connection");
        }
        Ok(())
    }
}

/// Connections to one server for what is not measured.
pub(crate) struct Client {
    address: SocketAddr,
    idle: RefCell<Vec<Connection>>,
}

impl Client {
    /// A client of this server.
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self {
            address,
            idle: RefCell::new(Vec::new()),
        }
    }

    /// Sends a request; a kept connection that has ended meanwhile is replaced.
    pub(crate) async fn ask(&self, request: &Request<'_>) -> Result<(u16, Vec<u8>)> {
        let kept = self.idle.borrow_mut().pop();
        if let Some(kept) = kept
            && let Ok(answer) = self.ask_over(kept, request).await
        {
            return Ok(answer);
        }
        let fresh = Connection::open(self.address).await?;
        self.ask_over(fresh, request).await
    }

    async fn ask_over(
        &self,
        mut connection: Connection,
        request: &Request<'_>,
    ) -> Result<(u16, Vec<u8>)> {
        let (status, body) = connection.ask(request).await?;
        let answer = (status, body.to_vec());
        if !connection.ended {
            self.idle.borrow_mut().push(connection);
        }
        Ok(answer)
    }

    /// Sends a request that must succeed, and reads the answer.
    pub(crate) async fn get<T: DeserializeOwned>(&self, request: &Request<'_>) -> Result<T> {
        let (status, body) = self.ask(request).await?;
        let (method, path) = (request.method, request.path);
        if !(200..300).contains(&status) {
            let body = String::from_utf8_lossy(&body);
            bail!("{method} {path} answered {status}: {body}");
        }
        serde_json::from_slice(&body).with_context(|| format!("{method} {path}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_with_what_it_has() {
        let mut out = Vec::new();
        let request = Request::new("POST", "/v5/a").by("t").once("k");
        let request = request.with(Content::Json("{}"));
        request.write("h:1", &mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "POST /v5/a HTTP/1.1\r\nhost: h:1\r\nauthorization: Bearer t\r\nidempotency-key: k\r\n\
             content-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
        );
    }

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let whole =
            b"HTTP/1.1 201 Created\r\nContent-Length: 7\r\nConnection: close\r\n\r\n{\"a\":1}";
        assert_eq!(parse_head(whole.get(..30).unwrap()).unwrap(), None);
        let head = parse_head(whole).unwrap().unwrap();
        assert_eq!((head.status, head.content, head.last), (201, 7, true));
        assert_eq!(whole.get(head.length..).unwrap(), b"{\"a\":1}");
    }

    #[test]
    fn chunks_are_refused() {
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(parse_head(chunked).is_err());
    }
}
