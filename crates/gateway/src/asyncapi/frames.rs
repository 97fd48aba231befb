//! Each frame of the WebSocket with its schema and an example.

use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::live::frames::{ClientFrame, Event, EventType, ServerFrame};
use crate::openapi::schemas::REFERENCE;
use crate::openapi::{events, example, schemas};

/// A frame, ready for the document.
pub(super) struct Frame {
    /// Its name in the document.
    pub(super) key: String,
    /// Its `type` on the wire.
    pub(super) name: String,
    /// What it means.
    pub(super) summary: String,
    schema: String,
    example: Value,
    /// Whether it may carry a name that its answer repeats.
    is_named: bool,
}

impl Frame {
    /// The message object.
    pub(super) fn message(&self) -> Value {
        let mut message = Map::from_iter([
            ("name".to_owned(), json!(self.name)),
            ("summary".to_owned(), json!(self.summary)),
            (
                "payload".to_owned(),
                json!({ "$ref": format!("{REFERENCE}{}", self.schema) }),
            ),
            ("examples".to_owned(), json!([{ "payload": self.example }])),
        ]);
        if self.is_named {
            let name = json!({
                "description": "The answer to a frame carries its `id`.",
                "location": "$message.payload#/id",
            });
            message.insert("correlationId".to_owned(), name);
        }
        Value::Object(message)
    }
}

/// All frames, and the schemas they lead to.
pub(super) struct Frames {
    /// What happened.
    pub(super) events: Vec<Frame>,
    /// What the server sends beside events.
    pub(super) server: Vec<Frame>,
    /// What clients send.
    pub(super) client: Vec<Frame>,
    /// The schemas.
    pub(super) schemas: Map<String, Value>,
}

impl Frames {
    /// From the types of the frames.
    ///
    /// # Errors
    /// Only if a schema cannot be written as JSON.
    pub(super) fn all() -> serde_json::Result<Self> {
        let mut found: Vec<(String, RefOr<Schema>)> = Vec::new();
        Event::schemas(&mut found);
        ServerFrame::schemas(&mut found);
        found.push((Event::name().into_owned(), Event::schema()));
        let mut schemas = Map::new();
        for (name, schema) in found {
            schemas.insert(name, serde_json::to_value(schema)?);
        }
        let server = variants("Frame", ServerFrame::schema(), &mut schemas)?;
        let mut requests = Map::new();
        let client = variants("ClientFrame", ClientFrame::schema(), &mut requests)?;
        schemas::complete_apart(&mut schemas, &mut requests);
        schemas.extend(requests);
        events::complete(&mut schemas);
        choice("ServerFrame", &server, &mut schemas);
        choice("ClientFrame", &client, &mut schemas);
        let of_type =
            |kind: &EventType| frame(kind.name().to_owned(), events::name(*kind), &schemas);
        let of_side = |side: &str, names: Vec<String>| {
            let key = |frame: Frame| Frame {
                key: format!("{side}.{}", frame.name),
                ..frame
            };
            names
                .into_iter()
                .map(|name| key(frame(String::new(), name, &schemas)))
                .collect()
        };
        Ok(Self {
            events: EventType::ALL.iter().map(of_type).collect(),
            server: of_side("server", server),
            client: of_side("client", client),
            schemas,
        })
    }
}

fn frame(key: String, schema: String, schemas: &Map<String, Value>) -> Frame {
    let given = schemas.get(&schema).cloned().unwrap_or_default();
    let example = example::of(&given, schemas);
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    Frame {
        key,
        name: text(example.get("type")),
        summary: text(given.get("description")),
        schema,
        example,
        is_named: given.pointer("/properties/id").is_some(),
    }
}

/// Gives each variant of an enum of frames a schema of its own, named after its `type`.
fn variants(
    end: &str,
    schema: RefOr<Schema>,
    schemas: &mut Map<String, Value>,
) -> serde_json::Result<Vec<String>> {
    let mut names = Vec::new();
    let schema = serde_json::to_value(schema)?;
    let choices = schema.get("oneOf").and_then(Value::as_array);
    for choice in choices.into_iter().flatten() {
        let wire = example::of(choice, &Map::new());
        let wire = wire.get("type").and_then(Value::as_str).unwrap_or_default();
        let name = format!("{}{end}", super::pascal(wire));
        schemas.insert(name.clone(), choice.clone());
        names.push(name);
    }
    Ok(names)
}

/// A schema for any of these.
fn choice(name: &str, of: &[String], schemas: &mut Map<String, Value>) {
    let choices: Vec<Value> = of
        .iter()
        .map(|name| json!({ "$ref": format!("{REFERENCE}{name}") }))
        .collect();
    schemas.insert(name.to_owned(), json!({ "oneOf": choices }));
}
