//! Bounds on requests as a whole.

use pinwire_gateway::middleware::HEADERS_MAX;

use crate::node::Node;

#[tokio::test]
async fn headers_are_bounded() {
    let node = Node::start().await;
    // The headers that every request of this client has.
    let others =
        "host".len() + node.gateway.address.to_string().len() + "accept".len() + "*/*".len();
    let room = HEADERS_MAX - others - "x-long".len();
    for (bytes, status) in [(room, 200), (room + 1, 431)] {
        let request = node
            .request("GET", "/healthz")
            .header("x-long", "a".repeat(bytes));
        let answer = Node::send(request).await;
        assert_eq!(answer.status, status, "{bytes}");
        if status == 431 {
            assert_eq!(answer.refusal(), (431, "headers_too_large"));
        }
    }
    node.gateway.stop().await;
}
