//! Schemas: one name for one shape, no more fields than named, null only where it may be.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::events;

/// Where schemas are.
const SCHEMAS: &str = "/components/schemas";
/// How they are referred to.
pub const REFERENCE: &str = "#/components/schemas/";

/// Makes the schemas of a document exact.
pub fn complete(document: &mut Value) {
    name_inlined(document);
    let answers = answers_only(document);
    let Some(schemas) = document.pointer_mut(SCHEMAS).and_then(Value::as_object_mut) else {
        return;
    };
    flatten(schemas);
    for (name, schema) in schemas.iter_mut() {
        if answers.contains(name) {
            walk(schema, &mut absent_rather_than_null);
        }
    }
    close(schemas);
    events::complete(schemas);
}

/// Makes schemas exact: those that answers hold, and those of requests.
pub fn complete_apart(answers: &mut Map<String, Value>, requests: &mut Map<String, Value>) {
    for schemas in [&mut *answers, requests] {
        flatten(schemas);
        close(schemas);
    }
    for schema in answers.values_mut() {
        walk(schema, &mut absent_rather_than_null);
    }
}

/// Calls for each object in a JSON tree, outer ones first.
fn walk(value: &mut Value, visit: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            visit(object);
            object.values_mut().for_each(|v| walk(v, visit));
        }
        Value::Array(items) => items.iter_mut().for_each(|v| walk(v, visit)),
        _ => {}
    }
}

/// Refers to a schema by its name where a type parameter was written out.
fn name_inlined(document: &mut Value) {
    let Some(schemas) = document.pointer(SCHEMAS).and_then(Value::as_object) else {
        return;
    };
    let names: BTreeMap<String, String> = schemas
        .iter()
        .filter(|(_, schema)| schema.get("properties").is_some() || schema.get("allOf").is_some())
        .map(|(name, schema)| (schema.to_string(), format!("{REFERENCE}{name}")))
        .collect();
    let name = |value: &mut Value| {
        if let Some(reference) = names.get(&value.to_string()) {
            *value = json!({ "$ref": reference });
        }
    };
    walk(document, &mut |object| {
        if let Some(items) = object.get_mut("items") {
            name(items);
        }
    });
}

/// The schemas that answers hold and requests do not.
fn answers_only(document: &Value) -> BTreeSet<String> {
    let reached = |from: &str| {
        let mut names = BTreeSet::new();
        for operation in document.pointer("/paths").into_iter().flat_map(operations) {
            if let Some(part) = operation.get(from) {
                collect(document, part, &mut names);
            }
        }
        names
    };
    reached("responses")
        .difference(&reached("requestBody"))
        .cloned()
        .collect()
}

fn operations(paths: &Value) -> impl Iterator<Item = &Value> {
    let items = paths.as_object().into_iter().flat_map(Map::values);
    items.filter_map(Value::as_object).flat_map(Map::values)
}

/// Adds the names of all schemas that a part of the document leads to.
pub fn collect(document: &Value, part: &Value, names: &mut BTreeSet<String>) {
    match part {
        Value::Object(object) => {
            if let Some(name) = named(part)
                && names.insert(name.to_owned())
                && let Some(schema) = document.pointer(&format!("{SCHEMAS}/{name}"))
            {
                collect(document, schema, names);
            }
            object.values().for_each(|v| collect(document, v, names));
        }
        Value::Array(items) => items.iter().for_each(|v| collect(document, v, names)),
        _ => {}
    }
}

/// A field of an answer that is not always there is left out when it has no value, and so never null.
fn absent_rather_than_null(schema: &mut Map<String, Value>) {
    let required: Vec<Value> = match schema.get("required") {
        Some(Value::Array(names)) => names.clone(),
        _ => Vec::new(),
    };
    let Some(Value::Object(properties)) = schema.get_mut("properties") else {
        return;
    };
    for (name, property) in properties {
        if !required.contains(&Value::from(name.as_str())) {
            forbid_null(property);
        }
    }
}

fn forbid_null(property: &mut Value) {
    let is_null = |v: &Value| *v == json!("null") || *v == json!({ "type": "null" });
    let of_type = property.get_mut("type");
    if let Some(Value::Array(types)) = of_type {
        types.retain(|t| !is_null(t));
        if let [one] = types.as_slice() {
            property["type"] = one.clone();
        }
    }
    if let Some(Value::Array(choices)) = property.get_mut("oneOf") {
        choices.retain(|c| !is_null(c));
        if let [one] = choices.as_slice() {
            *property = one.clone();
        }
    }
}

/// Writes a schema that is made of several as one object.
fn flatten(schemas: &mut Map<String, Value>) {
    let known = schemas.clone();
    for schema in schemas.values_mut() {
        walk(schema, &mut |object| {
            if let Some(Value::Array(parts)) = object.remove("allOf") {
                let whole = merged(&parts, &known);
                object.extend(whole);
            }
        });
    }
}

/// One object with the fields of all parts.
fn merged(parts: &[Value], known: &Map<String, Value>) -> Map<String, Value> {
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for part in parts {
        let part = named(part).and_then(|name| known.get(name)).unwrap_or(part);
        if let Some(Value::Object(fields)) = part.get("properties") {
            properties.extend(fields.clone());
        }
        if let Some(Value::Array(names)) = part.get("required") {
            required.extend(names.clone());
        }
    }
    Map::from_iter([
        ("type".to_owned(), "object".into()),
        ("properties".to_owned(), properties.into()),
        ("required".to_owned(), required.into()),
    ])
}

/// The name of the schema that is referred to.
fn named(reference: &Value) -> Option<&str> {
    reference.get("$ref")?.as_str()?.strip_prefix(REFERENCE)
}

/// Allows no other fields than those that are named.
fn close(schemas: &mut Map<String, Value>) {
    for schema in schemas.values_mut() {
        walk(schema, &mut |object| {
            let open = object.get("type") == Some(&json!("object"))
                && object.contains_key("properties")
                && !object.contains_key("additionalProperties");
            if open {
                object.insert("additionalProperties".into(), false.into());
            }
        });
    }
}
