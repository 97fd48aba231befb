//! What every answer has, whatever it is for.

use crate::node::{Answer, Node};

fn check_common(answer: &Answer, what: &str) {
    let id = answer.header("x-request-id").unwrap_or_default();
    assert_eq!(id.len(), 36, "{what}: {id:?}");
    assert_eq!(
        answer.header("x-content-type-options"),
        Some("nosniff"),
        "{what}"
    );
    let policy = "default-src 'none'; frame-ancestors 'none'";
    assert_eq!(
        answer.header("content-security-policy"),
        Some(policy),
        "{what}"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
}

#[tokio::test]
async fn answers_name_the_request_and_load_nothing() {
    let node = Node::start().await;
    let token = node.full_token().await;
    let heads = Node::send(node.request("GET", "/v5/heads").bearer_auth(&token)).await;
    assert_eq!(heads.status, 200);
    check_common(&heads, "GET /v5/heads");
    for (method, path, refusal) in [
        ("GET", "/v5/heads", (401, "unauthenticated")),
        ("GET", "/nowhere", (404, "no_such_route")),
        ("GET", "/v5", (404, "no_such_route")),
        ("GET", "/docs/nowhere.js", (404, "no_such_route")),
        ("GET", "/v5/heads/", (404, "no_such_route")),
        ("DELETE", "/v5/heads", (405, "method_not_allowed")),
        ("BREW", "/v5/heads", (405, "method_not_allowed")),
        ("POST", "/openapi.json", (405, "method_not_allowed")),
        ("GET", "/v5/users/%zz", (400, "malformed_target")),
        ("GET", "/v5/users/%ff", (400, "malformed_target")),
        ("GET", "/v5/limits?q=%e4", (400, "malformed_target")),
        ("GET", "/%", (400, "malformed_target")),
    ] {
        let answer = Node::send(node.request(method, path)).await;
        let what = format!("{method} {path}");
        assert_eq!(answer.refusal(), refusal, "{what}");
        check_common(&answer, &what);
        assert_eq!(
            answer.body["request_id"].as_str(),
            answer.header("x-request-id"),
            "{what}"
        );
        assert!(
            answer.body["message"]
                .as_str()
                .is_some_and(|m| !m.is_empty()),
            "{what}"
        );
        assert!(
            answer.body["code"].is_i64() && answer.body["details"].is_array(),
            "{what}"
        );
        assert_eq!(answer.body.as_object().unwrap().len(), 5, "{what}");
    }
    node.gateway.stop().await;
}

#[tokio::test]
async fn a_client_does_not_choose_the_name_of_its_request() {
    let node = Node::start().await;
    let mut seen = Vec::new();
    for _ in 0..2 {
        let request = node
            .request("GET", "/healthz")
            .header("x-request-id", "mine");
        let answer = Node::send(request).await;
        seen.push(answer.header("x-request-id").unwrap().to_owned());
    }
    assert!(!seen.contains(&"mine".to_owned()));
    assert_ne!(seen[0], seen[1]);
    node.gateway.stop().await;
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let node = Node::start().await;
    let token = node.full_token().await;
    let asked = |method| node.request(method, "/v5/heads").bearer_auth(&token).send();
    let get = asked("GET").await.unwrap();
    let head = asked("HEAD").await.unwrap();
    assert_eq!(head.status(), 200);
    assert!(head.headers().contains_key("x-pinwire-seq"));
    assert_eq!(
        head.headers()["content-type"],
        get.headers()["content-type"]
    );
    assert_eq!(
        head.headers()["content-length"],
        get.headers()["content-length"]
    );
    assert_eq!(head.text().await.unwrap(), "");
    // What has no end, ends at once.
    let stream = node
        .request("HEAD", "/v5/events/stream")
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!(stream.status(), 200);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(stream.text().await.unwrap(), "");
    assert_eq!(asked("GET").await.unwrap().status(), 200);
    let refused = node.request("HEAD", "/v5/heads").send().await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.text().await.unwrap(), "");
    let none = node
        .request("HEAD", "/v5/oauth/token")
        .send()
        .await
        .unwrap();
    assert_eq!(none.status(), 405);
    node.gateway.stop().await;
}

#[tokio::test]
async fn options_tells_the_methods() {
    let node = Node::start().await;
    let answer = Node::send(node.request("OPTIONS", "/v5/boards")).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("allow"), Some("GET, POST, HEAD, OPTIONS"));
    let unknown = Node::send(node.request("OPTIONS", "/nowhere")).await;
    assert_eq!(unknown.refusal(), (404, "no_such_route"));
    node.gateway.stop().await;
}
