//! Events: a schema for each type, since which fields are there follows from the type.

use serde_json::{Map, Value, json};

use super::schemas::REFERENCE;
use crate::live::frames::{EventType, Has};

/// The schema of any event.
const EVENT: &str = "Event";
/// The schema of what any event may hold.
const SUBJECT: &str = "Subject";

/// Narrows the schema of events to one of each type.
pub fn complete(schemas: &mut Map<String, Value>) {
    let (Some(event), Some(subject)) = (schemas.remove(EVENT), schemas.remove(SUBJECT)) else {
        return;
    };
    schemas.remove("EventType");
    let mut choices = Vec::new();
    for kind in EventType::ALL {
        let name = name(*kind);
        choices.push(json!({ "$ref": format!("{REFERENCE}{name}") }));
        schemas.insert(name, of_type(*kind, event.clone(), subject.clone()));
    }
    let description = event.get("description").cloned().unwrap_or_default();
    schemas.insert(
        EVENT.into(),
        json!({ "description": description, "oneOf": choices }),
    );
}

/// The name of a type's schema: that of `message.created` is `MessageCreatedEvent`.
#[must_use]
pub fn name(kind: EventType) -> String {
    format!("{kind:?}Event")
}

fn of_type(kind: EventType, mut event: Value, mut data: Value) -> Value {
    keep(&mut data, |field| {
        kind.fields().contains(&field) || kind.sometimes().contains(&field)
    });
    set(&mut data, "required", json!(kind.fields()));
    set(&mut event, "description", kind.meaning().into());
    if let Some(Value::Object(properties)) = event.get_mut("properties") {
        properties.insert(
            "type".into(),
            json!({ "type": "string", "const": kind.name() }),
        );
        properties.insert("data".into(), data);
    }
    match kind.me() {
        Has::Always => set(
            &mut event,
            "required",
            json!(["at", "data", "me", "prev", "seq", "type"]),
        ),
        Has::Sometimes => {}
        Has::Never => keep(&mut event, |field| field != "me"),
    }
    event
}

fn keep(schema: &mut Value, wanted: impl Fn(&str) -> bool) {
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.retain(|name, _| wanted(name));
    }
}

fn set(schema: &mut Value, key: &str, value: Value) {
    if let Value::Object(schema) = schema {
        schema.insert(key.into(), value);
    }
}
