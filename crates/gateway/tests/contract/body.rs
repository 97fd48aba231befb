//! Bodies of requests that cannot be read.

use std::fmt::Write as _;
use std::time::Duration;

use pinwire_gateway::body::BODY_MAX;
use pinwire_gateway::clock;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::node::Node;

#[tokio::test]
async fn each_kind_of_bad_body_has_its_error() {
    let node = Node::start().await;
    let token = node.full_token().await;
    let json = "application/json";
    let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
    for (content_type, body, refusal, fields) in [
        (json, "", (400, "malformed_body"), vec![]),
        (json, "{", (400, "malformed_body"), vec![]),
        (json, "[]", (400, "malformed_body"), vec![]),
        (json, deep.as_str(), (400, "malformed_body"), vec![]),
        (json, r#"{"name":1}"#, (400, "malformed_body"), vec!["name"]),
        (
            json,
            r#"{"name":"a","nom":"b"}"#,
            (400, "unknown_field"),
            vec!["nom"],
        ),
        (
            json,
            r#"{"name":"a","name":"b"}"#,
            (400, "duplicate_key"),
            vec!["name"],
        ),
        (json, r#"{"name":""}"#, (422, "invalid_value"), vec!["name"]),
        (
            "text/plain",
            r#"{"name":"a"}"#,
            (415, "unsupported_media_type"),
            vec![],
        ),
    ] {
        let request = node.request("POST", "/v5/boards").bearer_auth(&token);
        let answer = Node::send(
            request
                .header("content-type", content_type)
                .body(body.to_owned()),
        )
        .await;
        assert_eq!(answer.refusal(), refusal, "{body}: {}", answer.body);
        assert_eq!(answer.fields(), fields, "{body}");
    }
    let compressed = node
        .request("POST", "/v5/boards")
        .bearer_auth(&token)
        .header("content-encoding", "gzip")
        .json(&json!({ "name": "a" }));
    assert_eq!(
        Node::send(compressed).await.refusal(),
        (415, "unsupported_media_type")
    );
    let boards = Node::send(node.request("GET", "/v5/boards").bearer_auth(&token)).await;
    assert_eq!(boards.body["items"], json!([]));
    node.gateway.stop().await;
}

#[tokio::test]
async fn a_body_is_bounded() {
    let node = Node::start().await;
    let token = node.full_token().await;
    for (bytes, refusal) in [
        (BODY_MAX, (422, "invalid_value")),
        (BODY_MAX + 1, (413, "body_too_large")),
    ] {
        let frame = r#"{"name":""}"#.len();
        let body = format!(r#"{{"name":"{}"}}"#, "a".repeat(bytes - frame));
        let post = || {
            let request = node.request("POST", "/v5/boards").bearer_auth(&token);
            request.header("content-type", "application/json")
        };
        assert_eq!(
            Node::send(post().body(body.clone())).await.refusal(),
            refusal
        );
        let mut request = format!(
            "POST /v5/boards HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        for chunk in body.as_bytes().chunks(60_000) {
            let text = std::str::from_utf8(chunk).unwrap();
            write!(request, "{:x}\r\n{text}\r\n", chunk.len()).unwrap();
        }
        let answer = raw(&node, &(request + "0\r\n\r\n")).await;
        assert!(answer.contains(refusal.1), "in chunks: {answer}");
    }
    node.gateway.stop().await;
}

/// What comes back for these bytes before the other side says anything more.
async fn raw(node: &Node, request: &str) -> String {
    let mut socket = TcpStream::connect(node.gateway.address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    let read = async {
        loop {
            match socket.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(n) => answer.extend_from_slice(&buffer[..n]),
            }
            if answer.ends_with(b"}") {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(20), read).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_body_that_is_announced_too_large_is_not_waited_for() {
    let node = Node::start().await;
    let token = node.full_token().await;
    let head = format!(
        "POST /v5/boards HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n"
    );
    let began = clock::monotonic();
    let answer = raw(&node, &head).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("body_too_large"), "{answer}");
    assert!(began.elapsed() < Duration::from_secs(5));
    node.gateway.stop().await;
}

#[tokio::test]
async fn a_head_that_does_not_end_is_not_waited_for() {
    let node = Node::start().await;
    let began = clock::monotonic();
    let answer = raw(&node, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(
        began.elapsed() > Duration::from_secs(9),
        "{:?}",
        began.elapsed()
    );
    node.gateway.stop().await;
}
