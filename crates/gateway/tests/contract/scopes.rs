//! Who may ask for an operation.

use pinwire_domain::token::Scope;
use pinwire_gateway::routes::{Access, OPERATIONS, Operation};

use crate::node::{Node, filled};

fn guarded() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().filter(|o| o.access != Access::Open)
}

/// Nothing but the token is wrong with it: what a WebSocket needs is there.
fn request(node: &Node, operation: &Operation) -> reqwest::RequestBuilder {
    node.request(operation.method, &filled(operation.path))
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
}

#[tokio::test]
async fn without_a_token_nothing_guarded_answers() {
    let node = Node::start().await;
    let token = node.full_token().await;
    for operation in guarded() {
        for (what, request) in [
            ("no token", request(&node, operation)),
            (
                "an invalid one",
                request(&node, operation).bearer_auth("x.y.z"),
            ),
            (
                "another scheme",
                request(&node, operation).basic_auth("ana", Some(&token)),
            ),
            (
                "a token in the query",
                request(&node, operation).query(&[("access_token", &token)]),
            ),
        ] {
            let answer = Node::send(request).await;
            assert_eq!(
                answer.refusal(),
                (401, "unauthenticated"),
                "{} with {what}",
                operation.id
            );
            assert_eq!(
                answer.header("www-authenticate"),
                Some("Bearer"),
                "{}",
                operation.id
            );
        }
    }
    node.gateway.stop().await;
}

#[tokio::test]
async fn a_path_in_other_letters_is_guarded_as_well() {
    let node = Node::start().await;
    let token = node.full_token().await;
    for path in ["/v5/%68eads", "/%76%35/heads"] {
        assert_eq!(
            node.get(path).await.refusal(),
            (401, "unauthenticated"),
            "{path}"
        );
        let request = node.request("GET", path).bearer_auth(&token);
        assert_eq!(Node::send(request).await.status, 200, "{path}");
    }
    // A word of another operation in the place of an id.
    let request = node
        .request("GET", "/v5/conversations/read_all")
        .bearer_auth(&token);
    assert_eq!(
        Node::send(request).await.refusal(),
        (400, "malformed_parameter")
    );
    node.gateway.stop().await;
}

#[tokio::test]
async fn every_scope_of_an_operation_is_needed() {
    let node = Node::start().await;
    let claims = node.sign_up("ana").await;
    for operation in guarded() {
        assert!(!operation.scopes.is_empty(), "{}", operation.id);
        for missing in operation.scopes {
            let others: Vec<Scope> = Scope::ALL
                .iter()
                .copied()
                .filter(|s| s != missing)
                .collect();
            let token = node.token(&claims, &others);
            let answer = Node::send(request(&node, operation).bearer_auth(token)).await;
            let what = format!("{} without {missing}", operation.id);
            assert_eq!(answer.refusal(), (403, "missing_scope"), "{what}");
            let message = answer.body["message"].as_str().unwrap();
            assert!(message.contains(missing.name()), "{what}: {message}");
        }
    }
    node.gateway.stop().await;
}

#[tokio::test]
async fn the_scopes_of_an_operation_are_enough() {
    let node = Node::start().await;
    let claims = node.sign_up("ana").await;
    // The last one signs out the session.
    let last = |o: &&Operation| o.id != "sessions/delete_all";
    for operation in guarded().filter(last) {
        let token = node.token(&claims, operation.scopes);
        let request = node
            .request(operation.method, &filled(operation.path))
            .bearer_auth(token);
        let answer = Node::send(request).await;
        // Which is asked after the scopes are found to be enough.
        let needs_right = answer.body["error"] == "not_moderator";
        assert!(
            needs_right || ![401, 403].contains(&answer.status.as_u16()),
            "{}: {}",
            operation.id,
            answer.body
        );
    }
    node.gateway.stop().await;
}
