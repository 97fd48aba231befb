//! Sending a pin, put together as one would say it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::http::{Answer, Request};
use crate::person::{Person, Pin};

/// A send that lacks its recipients.
pub struct Sending<'a> {
    sender: &'a Person,
    pin: &'a Pin,
    body: Value,
    key: Option<String>,
}

impl<'a> Sending<'a> {
    pub(crate) fn new(sender: &'a Person, pin: &'a Pin) -> Self {
        Self {
            sender,
            pin,
            body: json!({}),
            key: None,
        }
    }

    /// With a note.
    #[must_use]
    pub fn saying(mut self, text: &str) -> Self {
        self.body["text"] = json!(text);
        self
    }

    /// With an `Idempotency-Key`.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// With a mark of one's own in the body.
    #[must_use]
    pub fn marked(mut self, client_message_id: &str) -> Self {
        self.body["client_message_id"] = json!(client_message_id);
        self
    }

    /// To one person.
    pub async fn to(self, person: &Person) -> Sent {
        self.to_each(&[person]).await
    }

    /// To each of these apart.
    pub async fn to_each(self, people: &[&Person]) -> Sent {
        Sent::read(self.asks("separate", &ids(people)).await)
    }

    /// To one group of these.
    pub async fn to_group(self, people: &[&Person]) -> Sent {
        Sent::read(self.asks("group", &ids(people)).await)
    }

    /// To any recipients, whatever the answer.
    pub async fn asks(self, mode: &str, recipients: &Value) -> Answer {
        self.request("", mode, recipients).send().await
    }

    /// Only asks what would happen.
    pub async fn would(self, mode: &str, recipients: &Value) -> Answer {
        self.request("?dry_run=true", mode, recipients).send().await
    }

    fn request(mut self, query: &str, mode: &str, recipients: &Value) -> Request {
        self.body["mode"] = json!(mode);
        self.body["recipients"] = recipients.clone();
        let path = format!("/v5/pins/{}/send{query}", self.pin.id);
        let request = self
            .sender
            .api
            .request(Method::POST, &path)
            .json(&self.body);
        match &self.key {
            Some(key) => request.key(key),
            None => request,
        }
    }
}

/// People as recipients.
fn ids(people: &[&Person]) -> Value {
    people.iter().map(|it| json!({"user_id": it.id})).collect()
}

/// A send that was carried out.
#[derive(Debug)]
pub struct Sent {
    /// The answer.
    pub answer: Answer,
    /// Where the first message went.
    pub conversation: String,
    /// The first message.
    pub message: Value,
}

impl Sent {
    fn read(answer: Answer) -> Self {
        assert_eq!(answer.status, 201, "{answer}");
        let first = &answer.body["results"][0];
        let conversation = first["conversation_id"].as_str().unwrap_or_default();
        Self {
            conversation: conversation.to_owned(),
            message: first["message"].clone(),
            answer,
        }
    }

    /// The position of the first message.
    #[must_use]
    pub fn position(&self) -> i64 {
        self.message["position"].as_i64().expect("a position")
    }
}
