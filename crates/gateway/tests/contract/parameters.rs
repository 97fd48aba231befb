//! Parameters of another form than documented are named.

use crate::node::Node;

/// A path, its error, and the parameter that is named.
const WRONG: [(&str, &str, &str); 23] = [
    (
        "/v5/conversations?page_size=x",
        "malformed_parameter",
        "page_size",
    ),
    (
        "/v5/conversations?page_size=0",
        "malformed_parameter",
        "page_size",
    ),
    (
        "/v5/conversations?page_size=251",
        "malformed_parameter",
        "page_size",
    ),
    (
        "/v5/conversations?filter=bogus",
        "malformed_parameter",
        "filter",
    ),
    (
        "/v5/conversations?bookmark=bogus",
        "malformed_bookmark",
        "bookmark",
    ),
    (
        "/v5/conversations/x",
        "malformed_parameter",
        "conversation_id",
    ),
    (
        "/v5/conversations/9223372036854775808",
        "malformed_parameter",
        "conversation_id",
    ),
    (
        "/v5/conversations/1/messages/x",
        "malformed_parameter",
        "position",
    ),
    (
        "/v5/conversations/1/messages?after=x",
        "malformed_parameter",
        "after",
    ),
    (
        "/v5/conversations/1/messages?after=-1",
        "malformed_parameter",
        "after",
    ),
    (
        "/v5/conversations/1/messages?before=0",
        "malformed_parameter",
        "before",
    ),
    ("/v5/events?wait=-1", "malformed_parameter", "wait"),
    ("/v5/events?wait=31", "malformed_parameter", "wait"),
    ("/v5/events?wait=", "malformed_parameter", "wait"),
    ("/v5/events?after=1", "malformed_cursor", "after"),
    (
        "/v5/pins?pin_metrics=maybe",
        "malformed_parameter",
        "pin_metrics",
    ),
    (
        "/v5/pins?creative_types=NONE",
        "malformed_parameter",
        "creative_types",
    ),
    ("/v5/users", "malformed_parameter", "query"),
    (
        "/v5/search/messages?query=a&has=cats",
        "malformed_parameter",
        "has",
    ),
    (
        "/v5/search/messages?query=a&after=yesterday",
        "malformed_parameter",
        "after",
    ),
    (
        "/v5/search/messages?query=a&before=2026-13-01",
        "malformed_parameter",
        "before",
    ),
    (
        "/v5/search/messages?query=a&conversation_id=x",
        "malformed_parameter",
        "conversation_id",
    ),
    (
        "/v5/search/messages?query=a&bookmark=x",
        "malformed_bookmark",
        "bookmark",
    ),
];

#[tokio::test]
async fn a_wrong_parameter_is_named() {
    let node = Node::start().await;
    let token = node.full_token().await;
    for (path, slug, field) in WRONG {
        let answer = Node::send(node.request("GET", path).bearer_auth(&token)).await;
        assert_eq!(answer.refusal(), (400, slug), "{path}: {}", answer.body);
        assert_eq!(answer.fields(), [field], "{path}");
    }
    let asked = "/v5/conversations/1/messages?after=1&before=3";
    let answer = Node::send(node.request("GET", asked).bearer_auth(&token)).await;
    assert_eq!(answer.refusal(), (400, "malformed_parameter"));
    assert_eq!(answer.fields(), ["after", "before"]);
    let asked = "/v5/conversations?page_size=250&filter=unread&no_such=1";
    let answer = Node::send(node.request("GET", asked).bearer_auth(&token)).await;
    assert_eq!(answer.status, 200);
    node.gateway.stop().await;
}
