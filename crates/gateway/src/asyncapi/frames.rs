//! Each frame of the WebSocket with its schema and an example.

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::live::frames::{ClientFrame, Event, EventType, ServerFrame};
use crate::openapi::{example, schemas};

/// A frame, ready for the document.
pub(super) struct Frame {
    /// Its name in the document.
    pub(super) key: String,
    /// Its `type` on the wire.
    pub(super) name: String,
    /// What it means.
    pub(super) summary: String,
    payload: Value,
    example: Value,
}

impl Frame {
    /// From the schema of the frame.
    fn new(key: String, payload: Value, all: &Map<String, Value>) -> Self {
        let text = |at: &str| {
            payload
                .pointer(at)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let example = example::of(&payload, all);
        Self {
            key,
            name: example
                .get("type")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            summary: text("/description").unwrap_or_default(),
            payload,
            example,
        }
    }

    /// The message object.
    pub(super) fn message(&self) -> Value {
        let mut message = json!({
            "name": self.name,
            "summary": self.summary,
            "payload": self.payload,
            "examples": [{ "payload": self.example }],
        });
        if self.payload.pointer("/properties/id").is_some() {
            message["correlationId"] = json!({
                "description": "The answer carries the `id` of the frame.",
                "location": "$message.payload#/id",
            });
        }
        message
    }
}

/// All schemas that frames lead to.
pub(super) fn schemas() -> serde_json::Result<Map<String, Value>> {
    let mut found: Vec<(String, RefOr<Schema>)> = Vec::new();
    Event::schemas(&mut found);
    ServerFrame::schemas(&mut found);
    found.push((Event::name().into_owned(), Event::schema()));
    let mut all = Map::new();
    for (name, schema) in found {
        all.insert(name, serde_json::to_value(schema)?);
    }
    schemas::exact_answers(&mut all);
    Ok(all)
}

/// A frame for each type of event.
pub(super) fn events(all: &Map<String, Value>) -> Vec<Frame> {
    let of = |kind: &EventType| Frame::new(kind.name().to_owned(), event(*kind, all), all);
    EventType::ALL.iter().map(of).collect()
}

/// The schema of an event, narrowed to one type.
fn event(kind: EventType, all: &Map<String, Value>) -> Value {
    let mut event = all.get("Event").cloned().unwrap_or_default();
    let mut data = all.get("Subject").cloned().unwrap_or_default();
    keep(&mut data, |field| {
        kind.fields().contains(&field) || kind.sometimes().contains(&field)
    });
    require(&mut data, kind.fields());
    event["description"] = kind.meaning().into();
    if let Some(Value::Object(properties)) = event.get_mut("properties") {
        properties.insert(
            "type".into(),
            json!({ "type": "string", "const": kind.name() }),
        );
        properties.insert("data".into(), data);
    }
    if kind.has_me() {
        require(&mut event, &["at", "data", "me", "prev", "seq", "type"]);
    } else {
        keep(&mut event, |field| field != "me");
    }
    event
}

fn keep(schema: &mut Value, wanted: impl Fn(&str) -> bool) {
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.retain(|name, _| wanted(name));
    }
}

fn require(schema: &mut Value, fields: &[&str]) {
    if let Value::Object(schema) = schema {
        schema.insert("required".into(), json!(fields));
    }
}

/// The frames of the server that are no events.
///
/// # Errors
/// Only if a schema cannot be written as JSON.
pub(super) fn of_server(all: &Map<String, Value>) -> serde_json::Result<Vec<Frame>> {
    variants("server", ServerFrame::schema(), all, true)
}

/// The frames of clients.
///
/// # Errors
/// Only if a schema cannot be written as JSON.
pub(super) fn of_client(all: &Map<String, Value>) -> serde_json::Result<Vec<Frame>> {
    variants("client", ClientFrame::schema(), all, false)
}

fn variants(
    side: &str,
    schema: RefOr<Schema>,
    all: &Map<String, Value>,
    answer: bool,
) -> serde_json::Result<Vec<Frame>> {
    let Some(Value::Array(choices)) = serde_json::to_value(schema)?
        .get_mut("oneOf")
        .map(Value::take)
    else {
        return Ok(Vec::new());
    };
    let mut frames = Vec::with_capacity(choices.len());
    for choice in choices {
        let mut one = Map::from_iter([("one".to_owned(), choice)]);
        if answer {
            schemas::exact_answers(&mut one);
        } else {
            schemas::close(&mut one);
        }
        let payload = one.remove("one").unwrap_or_default();
        let mut frame = Frame::new(String::new(), payload, all);
        frame.key = format!("{side}.{}", frame.name);
        frames.push(frame);
    }
    Ok(frames)
}
