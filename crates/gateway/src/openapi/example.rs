//! Examples of requests and answers, made from the examples of their fields.

use serde_json::{Map, Value, json};

use super::schemas::REFERENCE;

/// A moment, as examples show it.
const MOMENT: &str = "2026-11-23T09:30:00.000Z";
/// An id, as examples show it.
const ID: &str = "3763541867536384";
/// Named schemas inside each other at most: beyond it an example goes no deeper.
const DEPTH_MAX: usize = 12;

/// Adds an example to each body of a request and of an answer that has none.
pub fn complete(document: &mut Value) {
    let Some(Value::Object(schemas)) = document.pointer("/components/schemas").cloned() else {
        return;
    };
    let Some(Value::Object(paths)) = document.get_mut("paths") else {
        return;
    };
    let operations = paths
        .values_mut()
        .filter_map(Value::as_object_mut)
        .flat_map(Map::values_mut);
    for operation in operations {
        if let Some(body) = operation.pointer_mut("/requestBody/content") {
            add(body, &schemas);
        }
        if let Some(Value::Object(responses)) = operation.get_mut("responses") {
            for response in responses.values_mut() {
                if let Some(content) = response.get_mut("content") {
                    add(content, &schemas);
                }
            }
        }
    }
}

fn add(content: &mut Value, schemas: &Map<String, Value>) {
    let Value::Object(by_type) = content else {
        return;
    };
    for media in by_type.values_mut().filter_map(Value::as_object_mut) {
        if media.contains_key("example") || media.contains_key("examples") {
            continue;
        }
        if let Some(schema) = media.get("schema") {
            let example = of(schema, schemas);
            media.insert("example".into(), example);
        }
    }
}

/// An example of a schema, whose references lead into `schemas`.
#[must_use]
pub fn of(schema: &Value, schemas: &Map<String, Value>) -> Value {
    Maker { schemas, depth: 0 }.make(schema)
}

#[derive(Clone, Copy)]
struct Maker<'a> {
    schemas: &'a Map<String, Value>,
    depth: usize,
}

impl<'a> Maker<'a> {
    fn deeper(self) -> Self {
        Self {
            depth: self.depth + 1,
            ..self
        }
    }

    fn make(self, schema: &Value) -> Value {
        if self.depth > DEPTH_MAX {
            return Value::Null;
        }
        if let Some(given) = given(schema) {
            return given;
        }
        if let Some(named) = self.named(schema) {
            return self.deeper().make(named);
        }
        if let Some(Value::Array(parts)) = schema.get("allOf") {
            return self.merged(parts);
        }
        if let Some(Value::Array(choices)) = schema.get("oneOf") {
            let chosen = choices.iter().find(|c| !is_null(c));
            return chosen.map_or(Value::Null, |c| self.make(c));
        }
        match schema.get("type") {
            Some(Value::String(one)) => self.of_type(one, schema),
            // What may be null and has no example is null.
            _ => Value::Null,
        }
    }

    fn named(self, schema: &Value) -> Option<&'a Value> {
        let name = schema.get("$ref")?.as_str()?.strip_prefix(REFERENCE)?;
        self.schemas.get(name)
    }

    /// What holds for all parts; a later one makes an earlier one's field narrower.
    fn merged(self, parts: &[Value]) -> Value {
        let mut whole = Map::new();
        for part in parts {
            if let Value::Object(fields) = self.make(part) {
                whole.extend(fields);
            }
        }
        Value::Object(whole)
    }

    fn of_type(self, of_type: &str, schema: &Value) -> Value {
        match of_type {
            "object" => self.object(schema),
            "array" => self.array(schema),
            "string" => text(schema),
            "integer" | "number" => schema.get("minimum").cloned().unwrap_or(json!(1)),
            "boolean" => json!(false),
            _ => Value::Null,
        }
    }

    fn array(self, schema: &Value) -> Value {
        let item = schema.get("items").map(|items| self.make(items));
        Value::Array(item.into_iter().collect())
    }

    /// Fields that may be left out are there only where they have an example of their own.
    fn object(self, schema: &Value) -> Value {
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &str| required.is_some_and(|r| r.contains(&json!(name)));
        let properties = schema.get("properties").and_then(Value::as_object);
        let fields = properties
            .into_iter()
            .flatten()
            .filter(|(name, property)| is_required(name) || given(property).is_some())
            .map(|(name, property)| (name.clone(), self.make(property)));
        Value::Object(fields.collect())
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type") == Some(&json!("null"))
}

/// The example that a schema gives itself.
fn given(schema: &Value) -> Option<Value> {
    let one_of_many = |list: &str| schema.get(list)?.as_array()?.first().cloned();
    schema
        .get("example")
        .cloned()
        .or_else(|| one_of_many("examples"))
        .or_else(|| schema.get("const").cloned())
        .or_else(|| schema.get("default").cloned())
        .or_else(|| one_of_many("enum"))
}

fn text(schema: &Value) -> Value {
    let of = |name: &str| schema.get(name).and_then(Value::as_str);
    let example = match (of("format"), of("pattern")) {
        (Some("date-time"), _) => MOMENT,
        (Some("uri"), _) => "https://img.example/cat.jpg",
        (_, Some(r"^\d+$")) => ID,
        _ => "text",
    };
    json!(example)
}
