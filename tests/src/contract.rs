//! The documents that a node serves, and whether answers and frames are as they say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jsonschema::Validator;
use serde_json::{Value, json};

use crate::http::Answer;
use crate::strict;

/// Headers that may come with an answer only where the document says so.
const DECLARED: [&str; 6] = [
    "x-pinwire-seq",
    "idempotency-replayed",
    "retry-after",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

/// What `/openapi.json` and `/asyncapi.json` promise.
pub struct Contract {
    openapi: Value,
    asyncapi: Value,
    /// Schemas made ready, by the schema's own text.
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

impl Contract {
    /// As this node serves it. Nodes that serve the same documents share one.
    pub async fn of(base: &str) -> Arc<Self> {
        static KNOWN: Mutex<Vec<(String, Arc<Contract>)>> = Mutex::new(Vec::new());
        let openapi = fetch(base, "/openapi.json").await;
        let asyncapi = fetch(base, "/asyncapi.json").await;
        let text = format!("{openapi}{asyncapi}");
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, contract)) = known.iter().find(|(it, _)| *it == text) {
            return Arc::clone(contract);
        }
        let contract = Arc::new(Self::new(&openapi, &asyncapi));
        known.push((text, Arc::clone(&contract)));
        contract
    }

    fn new(openapi: &str, asyncapi: &str) -> Self {
        let read = |text| {
            let mut document: Value = serde_json::from_str(text).expect("a document is JSON");
            strict::close(&mut document["components"]["schemas"]);
            document
        };
        let mut openapi = read(openapi);
        strict::close(&mut openapi["paths"]);
        Self {
            openapi,
            asyncapi: read(asyncapi),
            validators: Mutex::default(),
        }
    }

    /// Fails unless this answer is documented for its operation and status.
    pub(crate) fn check_answer(&self, answer: &Answer) {
        let asked = format!("{} {}", answer.method, answer.path);
        let (template, operation) = self
            .operation(&answer.method, &answer.path)
            .unwrap_or_else(|| panic!("{asked} is not documented"));
        let response = &operation["responses"][answer.status.to_string()];
        assert!(
            response.is_object(),
            "{} is not documented for {} {template}: {answer}",
            answer.status,
            answer.method
        );
        assert!(
            answer.header("x-request-id").is_some(),
            "{asked} answered without X-Request-Id: {answer}"
        );
        Self::check_headers(answer, response);
        let schema = &response["content"]["application/json"]["schema"];
        if schema.is_null() {
            assert!(
                answer.body.is_null(),
                "{asked} should answer no JSON: {answer}"
            );
        } else {
            let errors = self.errors(&self.openapi, schema, &answer.body);
            assert!(
                errors.is_empty(),
                "{asked} is not as documented: {errors}\n{answer}"
            );
            Self::check_reason(answer, response);
        }
    }

    fn check_headers(answer: &Answer, response: &Value) {
        let declared = response["headers"].as_object();
        for header in DECLARED {
            let is_declared = declared
                .is_some_and(|all| all.keys().any(|name| name.eq_ignore_ascii_case(header)));
            assert!(
                is_declared || answer.header(header).is_none(),
                "{header} is not documented for {} {} {}",
                answer.method,
                answer.path,
                answer.status
            );
        }
    }

    /// Each error of an operation is documented by an example that is called after it.
    fn check_reason(answer: &Answer, response: &Value) {
        let documented = &response["content"]["application/json"]["examples"];
        if let Some(slug) = answer.body["error"].as_str() {
            assert!(
                documented.get(slug).is_some(),
                "{slug} is not documented for {} {} {}",
                answer.method,
                answer.path,
                answer.status
            );
        }
    }

    /// Fails unless this frame of the server is documented.
    pub(crate) fn check_frame(&self, frame: &Value) {
        // Events are what has data; the other frames are the server's own.
        let name = if frame.get("data").is_some() {
            "Event"
        } else {
            "ServerFrame"
        };
        let schema = json!({"$ref": format!("#/components/schemas/{name}")});
        let errors = self.errors(&self.asyncapi, &schema, frame);
        assert!(
            errors.is_empty(),
            "the frame is not as documented: {errors}\n{frame:#}"
        );
    }

    /// What is wrong with a value, an empty text for nothing.
    fn errors(&self, document: &Value, schema: &Value, value: &Value) -> String {
        let validator = self.validator(document, schema);
        let errors = validator
            .iter_errors(value)
            .map(|error| format!("\n  {}: {error}", error.instance_path()));
        errors.collect()
    }

    fn validator(&self, document: &Value, schema: &Value) -> Arc<Validator> {
        let mut validators = self
            .validators
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let kind = if document.get("asyncapi").is_some() {
            "asyncapi"
        } else {
            "openapi"
        };
        let made = validators.entry(format!("{kind} {schema}"));
        Arc::clone(made.or_insert_with(|| {
            let whole = json!({"allOf": [schema], "components": {"schemas": document["components"]["schemas"]}});
            let validator = jsonschema::draft202012::options()
                .should_validate_formats(true)
                .build(&whole);
            Arc::new(validator.unwrap_or_else(|error| panic!("{schema} is no schema: {error}")))
        }))
    }

    /// The documented operation for a method and path, and the path as documented.
    fn operation(&self, method: &str, path: &str) -> Option<(&str, &Value)> {
        let paths = self.openapi["paths"].as_object()?;
        let fitting = paths.iter().filter(|(template, _)| fits(template, path));
        // A path without parameters is meant before one with.
        let (template, item) = fitting.min_by_key(|(template, _)| template.matches('{').count())?;
        let operation = item.get(method.to_lowercase())?;
        Some((template, operation))
    }
}

fn fits(template: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or_default();
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if wanted.starts_with('{') || wanted == given => {}
            _ => return false,
        }
    }
}

async fn fetch(base: &str, path: &str) -> String {
    let url = format!("{base}{path}");
    let answer = reqwest::get(&url)
        .await
        .unwrap_or_else(|e| panic!("{url}: {e}"));
    assert_eq!(answer.status(), 200, "{url}");
    answer.text().await.unwrap_or_else(|e| panic!("{url}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contract() -> Contract {
        let openapi = json!({
            "paths": {
                "/a/{id}": {"get": {"responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}},
                    "404": {"content": {"application/json": {"schema": {}, "examples": {"gone": {}}}}},
                }}},
                "/a/b": {"get": {"responses": {"204": {}}}},
            },
            "components": {"schemas": {"A": {"properties": {"n": {"type": "integer"}}, "required": ["n"]}}},
        });
        let frames = json!({"components": {"schemas": {"Event": {"properties": {"data": {}}}}}});
        Contract::new(&openapi.to_string(), &frames.to_string())
    }

    fn is_as_documented(path: &str, status: u16, body: Value) -> bool {
        let answer = Answer::made_up("GET", path, status, body);
        let checked = std::panic::AssertUnwindSafe(|| contract().check_answer(&answer));
        std::panic::catch_unwind(checked).is_ok()
    }

    #[test]
    fn what_is_not_documented_is_found() {
        assert!(is_as_documented("/a/1?x=/", 200, json!({"n": 1})));
        assert!(is_as_documented("/a/b", 204, Value::Null));
        assert!(is_as_documented("/a/1", 404, json!({"error": "gone"})));
        for (path, status, body) in [
            ("/a/1", 200, json!({"n": "1"})),
            ("/a/1", 200, json!({})),
            ("/a/1", 200, json!({"n": 1, "m": 2})),
            ("/a/1", 201, json!({"n": 1})),
            ("/a/1", 404, json!({"error": "lost"})),
            ("/a/b", 204, json!({})),
            ("/b", 200, json!({"n": 1})),
        ] {
            assert!(
                !is_as_documented(path, status, body.clone()),
                "{path} {status} {body}"
            );
        }
    }
}
