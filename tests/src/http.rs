//! Requests as a test makes them, and the answers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap};
use serde_json::Value;

use crate::contract::Contract;
use crate::secrets;

/// How long an idle connection is kept: shorter than the node does, which might close it just as it is used again.
const IDLE_MAX: Duration = Duration::from_secs(2);

/// A way to a node, with or without a token.
#[derive(Clone)]
pub struct Api {
    /// `http://address:port`.
    pub base: String,
    /// The access token.
    pub token: Option<String>,
    /// What answers are checked against.
    pub contract: Arc<Contract>,
    client: reqwest::Client,
}

impl Api {
    /// To this node, without a token.
    #[must_use]
    pub fn new(base: &str, contract: Arc<Contract>) -> Self {
        Self {
            base: base.to_owned(),
            token: None,
            contract,
            // No proxy on the way to this machine itself.
            client: reqwest::Client::builder()
                .no_proxy()
                .pool_idle_timeout(IDLE_MAX)
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .expect("a client"),
        }
    }

    /// The same with a token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// A request to make.
    #[must_use]
    pub fn request(&self, method: Method, path: &str) -> Request {
        let mut builder = self
            .client
            .request(method.clone(), format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            builder = builder.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        Request {
            method,
            path: path.to_owned(),
            builder,
            contract: Some(Arc::clone(&self.contract)),
        }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path).send().await
    }

    /// POST with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.request(Method::POST, path).json(body).send().await
    }

    /// PUT with a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Answer {
        self.request(Method::PUT, path).json(body).send().await
    }

    /// PATCH with a JSON body.
    pub async fn patch(&self, path: &str, body: &Value) -> Answer {
        self.request(Method::PATCH, path).json(body).send().await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path).send().await
    }
}

/// A request that is being put together.
pub struct Request {
    method: Method,
    path: String,
    builder: reqwest::RequestBuilder,
    contract: Option<Arc<Contract>>,
}

impl Request {
    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// With an `Idempotency-Key`.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.builder = self.builder.json(body);
        self
    }

    /// With a form-encoded body.
    #[must_use]
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        self.builder = self.builder.form(fields);
        self
    }

    /// With a body of any bytes, said to be of this type.
    #[must_use]
    pub fn body(mut self, content_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.builder = self
            .builder
            .header(CONTENT_TYPE, content_type)
            .body(bytes.into());
        self
    }

    /// For what is no operation, so that no document tells its answers.
    #[must_use]
    pub fn undocumented(mut self) -> Self {
        self.contract = None;
        self
    }

    /// Makes the request; the answer is as documented, or the test fails.
    pub async fn send(self) -> Answer {
        let asked = format!("{} {}", self.method, self.path);
        self.try_send()
            .await
            .unwrap_or_else(|error| panic!("{asked}: {error:?}"))
    }

    /// As [`Self::send`], for when the node may be gone.
    pub async fn try_send(self) -> Result<Answer, reqwest::Error> {
        let response = self.builder.send().await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        let answer = Answer {
            method: self.method.to_string(),
            path: self.path,
            status,
            headers,
            text,
            body,
        };
        secrets::note(&answer.body);
        if let Some(contract) = self.contract {
            contract.check_answer(&answer);
        }
        Ok(answer)
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The method that was asked with.
    pub method: String,
    /// The path and query that were asked.
    pub path: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub text: String,
    /// The body as JSON; null if it is none.
    pub body: Value,
}

impl Answer {
    /// A header of the answer.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body of an answer that must have this status.
    #[allow(clippy::must_use_candidate, reason = "most only check")]
    #[track_caller]
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        self.body
    }

    /// Fails unless this is the error of this status and slug; its body.
    #[track_caller]
    #[allow(clippy::must_use_candidate, reason = "most only check")]
    pub fn is_refused(self, status: u16, slug: &str) -> Value {
        assert_eq!(
            (self.status, self.body["error"].as_str()),
            (status, Some(slug)),
            "{self}"
        );
        assert_eq!(
            self.body["request_id"].as_str(),
            self.header("x-request-id"),
            "{self}"
        );
        self.body
    }

    /// The position in the log that the answer shows, as `<epoch>:<seq>`.
    #[must_use]
    pub fn cursor(&self) -> String {
        let cursor = self.header("x-pinwire-seq");
        cursor
            .unwrap_or_else(|| panic!("no X-Pinwire-Seq: {self}"))
            .to_owned()
    }

    #[cfg(test)]
    pub(crate) fn made_up(method: &str, path: &str, status: u16, body: Value) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("x-request-id", "1".parse().expect("a value"));
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            status,
            headers,
            text: body.to_string(),
            body,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} → {} {}",
            self.method, self.path, self.status, self.text
        )
    }
}
