//! The table of operations, the document and the server say the same.

use std::collections::{BTreeMap, BTreeSet};

use pinwire_gateway::routes::{Access, OPERATIONS, Operation};

use crate::document;
use crate::node::{Node, filled};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

#[test]
fn the_table_and_the_document_name_the_same_operations() {
    let document = document::openapi();
    let documented: BTreeSet<String> = document::operations(&document)
        .into_iter()
        .map(|(method, path, operation)| format!("{method} {path} {}", operation["operationId"]))
        .collect();
    let table: BTreeSet<String> = OPERATIONS
        .iter()
        .map(|o| format!("{} {} \"{}\"", o.method, o.path, o.id))
        .collect();
    assert_eq!(documented, table);
    assert_eq!(
        table.len(),
        OPERATIONS.len(),
        "an operation stands twice in the table"
    );
}

#[tokio::test]
async fn what_is_served_is_what_the_table_names() {
    let node = Node::start().await;
    let mut by_path: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for operation in OPERATIONS {
        by_path
            .entry(operation.path)
            .or_default()
            .push(operation.method);
    }
    for (path, methods) in by_path {
        for method in METHODS {
            let asked = format!("{method} {path}");
            let answer = Node::send(node.request(method, &filled(path))).await;
            let (status, slug) = answer.refusal();
            if methods.contains(&method) {
                assert!(
                    !["no_such_route", "method_not_allowed"].contains(&slug),
                    "{asked} is not served"
                );
                assert!(status < 500, "{asked}: {status}");
                continue;
            }
            // `read_all` reads as an id to the operations of a conversation.
            if path == "/v5/conversations/read_all" {
                continue;
            }
            assert_eq!((status, slug), (405, "method_not_allowed"), "{asked}");
            let allow: BTreeSet<&str> = answer.header("allow").unwrap().split(", ").collect();
            let mut expected: BTreeSet<&str> = methods.iter().copied().chain(["OPTIONS"]).collect();
            if methods.contains(&"GET") {
                expected.insert("HEAD");
            }
            assert_eq!(allow, expected, "{asked}");
        }
    }
    node.gateway.stop().await;
}

#[tokio::test]
async fn errors_of_each_operation_are_in_its_document() {
    let node = Node::start().await;
    let token = node.full_token().await;
    let document = document::openapi();
    // What signs the caller out comes last: nothing after it would get past the token.
    let (last, first): (Vec<&Operation>, Vec<&Operation>) = OPERATIONS
        .iter()
        .partition(|operation| operation.id.starts_with("sessions/delete"));
    for operation in first.into_iter().chain(last) {
        let path = filled(operation.path);
        let said = &document["paths"][operation.path][operation.method.to_lowercase()]["responses"];
        let plain = || node.request(operation.method, &path).bearer_auth(&token);
        for (what, request) in [
            ("nothing", plain()),
            (
                "no JSON",
                plain().header("content-type", "application/json").body("{"),
            ),
            (
                "another type",
                plain().header("content-type", "text/plain").body("{}"),
            ),
            ("an empty object", plain().json(&serde_json::json!({}))),
            (
                "an unknown field",
                plain().json(&serde_json::json!({ "no_such_field": 1 })),
            ),
            ("an empty form", plain().form(&[("a", "b")])),
            (
                "bad parameters",
                node.request(
                    operation.method,
                    &format!("{path}?page_size=x&wait=x&bookmark=x&after=x"),
                )
                .bearer_auth(&token),
            ),
            (
                "no id",
                node.request(operation.method, &path.replace("3763541867536384", "x"))
                    .bearer_auth(&token),
            ),
        ] {
            let answer = Node::send(request).await;
            let (status, slug) = answer.refusal();
            let listed = &said[status.to_string()];
            assert!(
                listed.is_object(),
                "{} with {what}: {status} {}",
                operation.id,
                answer.body
            );
            let header = &listed["headers"]["X-Pinwire-Seq"];
            let told = answer.header("x-pinwire-seq").is_some();
            assert_eq!(header.is_object(), told, "{} with {what}", operation.id);
            if status >= 400 {
                let examples = &listed["content"]["application/json"]["examples"];
                assert!(
                    examples[slug].is_object(),
                    "{} with {what}: {status} {slug}",
                    operation.id
                );
            }
        }
    }
    node.gateway.stop().await;
}

#[test]
fn only_what_signs_in_or_tells_nothing_of_anybody_is_open() {
    let open: Vec<&str> = OPERATIONS
        .iter()
        .filter(|o| o.access == Access::Open)
        .map(|o| o.path)
        .collect();
    assert_eq!(
        open,
        [
            "/healthz",
            "/readyz",
            "/openapi.json",
            "/asyncapi.json",
            "/v5/limits",
            "/v5/links/{token}",
            "/v5/accounts",
            "/v5/oauth/token",
            "/v5/oauth/token/revoke",
        ]
    );
}
