//! Looking into documents.

use jsonschema::Validator;
use pinwire_gateway::{asyncapi, openapi};
use serde_json::{Value, json};

pub(crate) fn openapi() -> Value {
    openapi::document().unwrap()
}

pub(crate) fn asyncapi() -> Value {
    asyncapi::document().unwrap()
}

/// Every operation of the OpenAPI document: method, path, and itself.
pub(crate) fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    found
}

/// All places of a document, each with what is there.
pub(crate) fn places(value: &Value) -> Vec<(String, &Value)> {
    fn visit<'a>(at: &str, value: &'a Value, found: &mut Vec<(String, &'a Value)>) {
        found.push((at.to_owned(), value));
        match value {
            Value::Object(fields) => {
                for (name, inner) in fields {
                    let name = name.replace('~', "~0").replace('/', "~1");
                    visit(&format!("{at}/{name}"), inner, found);
                }
            }
            Value::Array(items) => {
                for (place, inner) in items.iter().enumerate() {
                    visit(&format!("{at}/{place}"), inner, found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    visit("", value, &mut found);
    found
}

/// The references of a document that lead nowhere.
pub(crate) fn dangling(document: &Value) -> Vec<String> {
    places(document)
        .into_iter()
        .filter(|(at, _)| at.ends_with("/$ref"))
        .filter_map(|(at, reference)| {
            let target = reference.as_str()?.strip_prefix('#')?;
            document
                .pointer(target)
                .is_none()
                .then(|| format!("{at}: #{target}"))
        })
        .collect()
}

/// A validator for a schema of a document.
pub(crate) fn validator(document: &Value, schema: &Value) -> Validator {
    let whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "allOf": [schema],
        "components": { "schemas": document["components"]["schemas"] },
    });
    jsonschema::options()
        .should_validate_formats(true)
        .build(&whole)
        .unwrap()
}

/// What is wrong with a value.
pub(crate) fn errors(validator: &Validator, value: &Value) -> Vec<String> {
    validator
        .iter_errors(value)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect()
}
