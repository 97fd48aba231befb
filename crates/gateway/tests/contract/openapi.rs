//! The OpenAPI document: complete, exact, and accepted by others.

use std::collections::BTreeSet;
use std::process::Command;

use pinwire_domain::token::Scope;
use pinwire_gateway::error::reasons;
use serde_json::{Value, json};

use crate::document::{self, dangling, errors, openapi, operations, places, validator};

/// Operations of API v5, by their names there.
const OF_V5: &[(&str, &str, &str)] = &[
    ("POST", "/v5/pins", "pins/create"),
    ("GET", "/v5/pins", "pins/list"),
    ("GET", "/v5/pins/{pin_id}", "pins/get"),
    ("PATCH", "/v5/pins/{pin_id}", "pins/update"),
    ("DELETE", "/v5/pins/{pin_id}", "pins/delete"),
    ("POST", "/v5/pins/{pin_id}/save", "pins/save"),
    ("POST", "/v5/boards", "boards/create"),
    ("GET", "/v5/boards", "boards/list"),
    ("GET", "/v5/boards/{board_id}", "boards/get"),
    ("DELETE", "/v5/boards/{board_id}", "boards/delete"),
    ("PATCH", "/v5/boards/{board_id}", "boards/update"),
    ("GET", "/v5/boards/{board_id}/pins", "boards/list_pins"),
    ("GET", "/v5/user_account", "user_account/get"),
    ("GET", "/v5/user_account/following", "user_following/get"),
    ("GET", "/v5/user_account/followers", "followers/list"),
    (
        "POST",
        "/v5/user_account/following/{username}",
        "follow_user/update",
    ),
    ("POST", "/v5/oauth/token", "oauth/token"),
    ("POST", "/v5/oauth/token/revoke", "token/revoke"),
];

#[test]
fn another_validator_accepts_it() {
    let python = std::env::var("PINWIRE_TEST_PYTHON")
        .expect("PINWIRE_TEST_PYTHON names the Python of the client tests: run tests/run");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, openapi().to_string()).unwrap();
    let output = Command::new(python)
        .args(["-m", "openapi_spec_validator", "--schema", "3.1"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn it_is_openapi_3_1_and_no_reference_dangles() {
    let document = openapi();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(dangling(&document), Vec::<String>::new());
}

#[test]
fn every_operation_is_described() {
    let document = openapi();
    let tags: BTreeSet<&str> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| {
            assert!(tag["description"].is_string(), "{tag}");
            tag["name"].as_str().unwrap()
        })
        .collect();
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document) {
        let what = format!("{method} {path}");
        for field in ["summary", "description"] {
            assert!(
                operation[field].as_str().is_some_and(|t| !t.is_empty()),
                "{what}: {field}"
            );
        }
        let id = operation["operationId"].as_str().unwrap().to_owned();
        assert!(id.contains('/'), "{what}: {id}");
        assert!(ids.insert(id), "{what}: its name is another's");
        assert_eq!(operation["tags"].as_array().unwrap().len(), 1, "{what}");
        let tag = operation["tags"][0].as_str().unwrap();
        assert!(tags.contains(tag), "{what}: the tag {tag} is not described");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let told = &parameter["description"];
            let told = told.is_string() || parameter["schema"].get("$ref").is_some();
            assert!(told, "{what}: {parameter}");
        }
    }
}

#[test]
fn operations_of_api_v5_have_their_names() {
    let document = openapi();
    let known = operations(&document);
    for (method, path, id) in OF_V5 {
        let found = known.iter().find(|(m, p, _)| m == method && p == path);
        let (_, _, operation) = found.unwrap_or_else(|| panic!("{method} {path} is missing"));
        assert_eq!(operation["operationId"], *id);
    }
}

#[test]
fn tokens_need_scopes_that_there_are() {
    let document = openapi();
    let flow = &document["components"]["securitySchemes"]["pinwire"]["flows"]["password"];
    let declared: BTreeSet<&String> = flow["scopes"].as_object().unwrap().keys().collect();
    assert_eq!(declared.len(), Scope::ALL.len());
    for (method, path, operation) in operations(&document) {
        for way in operation["security"].as_array().unwrap() {
            for (scheme, scopes) in way.as_object().unwrap() {
                assert!(document["components"]["securitySchemes"][scheme].is_object());
                for scope in scopes.as_array().unwrap() {
                    let scope = scope.as_str().unwrap().to_owned();
                    assert!(declared.contains(&scope), "{method} {path}: {scope}");
                }
            }
        }
    }
}

#[test]
fn errors_are_listed_under_their_status_with_an_example_each() {
    let document = openapi();
    for (method, path, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let what = format!("{method} {path} {status}");
            let headers = &response["headers"];
            assert!(headers["X-Request-Id"].is_object(), "{what}");
            let code: u16 = status.parse().unwrap();
            if code < 400 {
                continue;
            }
            assert_eq!(
                headers.get("Retry-After").is_some(),
                code == 429 || code == 503,
                "{what}"
            );
            assert_eq!(
                headers.get("WWW-Authenticate").is_some(),
                code == 401,
                "{what}"
            );
            let content = &response["content"]["application/json"];
            assert_eq!(
                content["schema"]["$ref"], "#/components/schemas/Error",
                "{what}"
            );
            let examples = content["examples"].as_object().unwrap();
            assert!(!examples.is_empty(), "{what}");
            for slug in examples.keys() {
                let reason = reasons::ALL.iter().find(|r| r.slug == slug).unwrap();
                assert_eq!(reason.status, code, "{what}: {slug}");
                let example = &document["components"]["examples"][slug]["value"];
                assert_eq!(example["error"], *slug, "{what}");
                assert_eq!(example["code"], reason.code, "{what}");
                assert!(
                    response["description"].as_str().unwrap().contains(slug),
                    "{what}"
                );
            }
        }
    }
}

#[test]
fn the_table_of_errors_is_whole() {
    let document = openapi();
    let table = document["x-errors"].as_array().unwrap();
    assert_eq!(table.len(), reasons::ALL.len());
    let anywhere: Vec<&str> = table
        .iter()
        .filter(|line| line["anywhere"] == true)
        .map(|line| line["error"].as_str().unwrap())
        .collect();
    let told = document["info"]["description"].as_str().unwrap();
    for slug in &anywhere {
        assert!(told.contains(slug), "{slug} is not told of any request");
    }
    assert_eq!(anywhere.len(), 4);
}

#[test]
fn objects_hold_no_other_fields_than_those_named() {
    let document = openapi();
    for (at, schema) in places(&document["components"]["schemas"]) {
        if schema["type"] == "object" && schema.get("properties").is_some() {
            assert_eq!(schema["additionalProperties"], false, "{at}");
        }
        assert!(
            schema.get("allOf").is_none(),
            "{at}: write it as one object"
        );
    }
}

#[test]
fn a_field_of_an_answer_is_always_there_or_never_null() {
    let document = openapi();
    let (mut answers, mut requests) = (BTreeSet::new(), BTreeSet::new());
    for (_, _, operation) in operations(&document) {
        for (part, names) in [("responses", &mut answers), ("requestBody", &mut requests)] {
            if let Some(part) = operation.get(part) {
                pinwire_gateway::openapi::schemas::collect(&document, part, names);
            }
        }
    }
    for name in answers.difference(&requests) {
        for (at, schema) in places(&document["components"]["schemas"][name]) {
            let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
                continue;
            };
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            for (field, property) in properties {
                let always = required.contains(&json!(field));
                let nullable = property["type"].as_array().is_some()
                    || property["oneOf"].to_string().contains(r#"{"type":"null"}"#);
                assert!(always || !nullable, "{name}{at}: {field}");
            }
        }
    }
}

#[test]
fn examples_are_as_their_schemas_say() {
    let document = openapi();
    let mut seen = 0;
    for (at, media) in places(&document["paths"]) {
        let (Some(schema), true) = (media.get("schema"), at.contains("/content/")) else {
            continue;
        };
        let check = validator(&document, schema);
        let named = media["examples"]
            .as_object()
            .into_iter()
            .flat_map(|e| e.values())
            .map(|e| {
                let target = e["$ref"].as_str().unwrap().trim_start_matches('#');
                document.pointer(target).unwrap()["value"].clone()
            });
        let examples: Vec<Value> = named.chain(media.get("example").cloned()).collect();
        assert!(!examples.is_empty(), "{at} has no example");
        for example in examples {
            assert_eq!(
                errors(&check, &example),
                Vec::<String>::new(),
                "{at}: {example:#}"
            );
            seen += 1;
        }
    }
    assert!(seen > 100, "only {seen} examples");
}

#[test]
fn an_example_that_is_not_as_its_schema_says_would_be_found() {
    let document = json!({ "components": { "schemas": {
        "A": { "type": "object", "required": ["n"], "properties": { "n": { "type": "integer" } } },
    } } });
    let check = validator(&document, &json!({ "$ref": "#/components/schemas/A" }));
    assert!(errors(&check, &json!({ "n": 1 })).is_empty());
    assert!(!errors(&check, &json!({ "n": "1" })).is_empty());
    assert_eq!(
        dangling(&json!({ "a": { "$ref": "#/components/schemas/B" }, "b": { "$ref": "#/a" } })),
        ["/a/$ref: #/components/schemas/B"]
    );
}

#[test]
fn own_state_tells_its_position_and_creations_take_a_key() {
    let document = openapi();
    let find = |method: &str, path: &str| {
        let operations = operations(&document);
        operations
            .into_iter()
            .find(|(m, p, _)| m == method && p == path)
            .unwrap()
            .2
    };
    let header = |operation: &Value, status: &str, name: &str| {
        operation["responses"][status]["headers"]
            .get(name)
            .is_some()
    };
    assert!(header(&find("GET", "/v5/heads"), "200", "X-Pinwire-Seq"));
    assert!(!header(&find("GET", "/v5/users"), "200", "X-Pinwire-Seq"));
    let send = find("POST", "/v5/pins/{pin_id}/send");
    assert!(header(&send, "201", "Idempotency-Replayed"));
    let takes_key = |operation: &Value| {
        let parameters = operation["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        parameters
            .iter()
            .any(|p| p["name"] == "Idempotency-Key" && p["in"] == "header")
    };
    for (method, path) in [
        ("POST", "/v5/accounts"),
        ("POST", "/v5/boards"),
        ("POST", "/v5/pins"),
        ("POST", "/v5/pins/{pin_id}/save"),
        ("POST", "/v5/pins/{pin_id}/send"),
        ("POST", "/v5/conversations"),
        ("POST", "/v5/conversations/{conversation_id}/messages"),
    ] {
        assert!(takes_key(&find(method, path)), "{method} {path}");
    }
    let token = find("POST", "/v5/oauth/token");
    assert!(header(&token, "200", "X-RateLimit-Remaining"));
    assert!(header(&token, "429", "Retry-After"));
}

#[test]
fn closed_sets_are_enums() {
    let document = document::openapi();
    let field = |schema: &str, field: &str| {
        let property = &document["components"]["schemas"][schema]["properties"][field];
        match property["$ref"].as_str() {
            Some(reference) => document.pointer(&reference[1..]).unwrap()["enum"].clone(),
            None => property["enum"].clone(),
        }
    };
    assert_eq!(field("Conversation", "kind"), json!(["direct", "group"]));
    assert_eq!(field("Head", "state"), json!(["open", "minimized"]));
    assert_eq!(field("Message", "kind"), json!(["user", "system"]));
    assert_eq!(
        field("Board", "privacy"),
        json!(["PUBLIC", "PROTECTED", "SECRET"])
    );
    let states = json!(["live", "edited", "link_changed", "removed", "blocked"]);
    assert_eq!(field("PinCard", "pin_state"), states);
}
