//! Web pages of other origins.

use crate::node::{Node, ORIGIN};

#[tokio::test]
async fn a_page_of_an_allowed_origin_reads_answers_and_errors() {
    let node = Node::start().await;
    for (path, status) in [
        ("/v5/limits", 200),
        ("/v5/heads", 401),
        ("/nowhere", 404),
        ("/%zz", 400),
    ] {
        let answer = Node::send(node.request("GET", path).header("origin", ORIGIN)).await;
        assert_eq!(answer.status, status);
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some(ORIGIN),
            "{path}"
        );
        let exposed = answer.header("access-control-expose-headers").unwrap();
        for name in [
            "x-request-id",
            "x-pinwire-seq",
            "idempotency-replayed",
            "retry-after",
            "x-ratelimit-reset",
        ] {
            assert!(exposed.contains(name), "{name}");
        }
        assert_eq!(answer.header("vary"), Some("origin"));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    node.gateway.stop().await;
}

#[tokio::test]
async fn a_browser_is_told_what_a_page_may_do() {
    let node = Node::start().await;
    let ask = |origin: &'static str, path: &str| {
        node.request("OPTIONS", path)
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization, idempotency-key",
            )
    };
    let answer = Node::send(ask(ORIGIN, "/v5/boards")).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some(ORIGIN));
    assert_eq!(
        answer.header("access-control-allow-methods"),
        Some("GET, POST, HEAD, OPTIONS")
    );
    let headers = answer.header("access-control-allow-headers").unwrap();
    for name in [
        "authorization",
        "content-type",
        "idempotency-key",
        "last-event-id",
    ] {
        assert!(headers.contains(name), "{name}");
    }
    assert_eq!(answer.header("access-control-max-age"), Some("7200"));
    let refused = Node::send(ask("https://evil.example", "/v5/boards")).await;
    assert_eq!(refused.header("access-control-allow-origin"), None);
    assert_eq!(refused.header("access-control-allow-methods"), None);
    assert_eq!(Node::send(ask(ORIGIN, "/nowhere")).await.status, 404);
    node.gateway.stop().await;
}

#[tokio::test]
async fn a_page_of_another_origin_reads_nothing() {
    let node = Node::start().await;
    for origin in [
        "https://evil.example",
        "null",
        "https://app.example.evil",
        "http://app.example",
    ] {
        let answer = Node::send(node.request("GET", "/v5/limits").header("origin", origin)).await;
        assert_eq!(
            answer.header("access-control-allow-origin"),
            None,
            "{origin}"
        );
        let socket = node.request("GET", "/v5/ws").header("origin", origin);
        assert_eq!(
            Node::send(socket).await.refusal(),
            (403, "origin_not_allowed"),
            "{origin}"
        );
    }
    node.gateway.stop().await;
}
