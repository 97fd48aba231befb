//! The documents as they are served, and the page that shows them.

use serde_json::Value;

use crate::document;
use crate::node::Node;

#[tokio::test]
async fn documents_are_sent_only_when_they_changed() {
    let node = Node::start().await;
    for (path, document) in [
        ("/openapi.json", document::openapi()),
        ("/asyncapi.json", document::asyncapi()),
    ] {
        let answer = node.get(path).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert!(answer.body == document, "{path} is another document");
        let tag = answer.header("etag").unwrap().to_owned();
        for known in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}")] {
            let again = Node::send(node.request("GET", path).header("if-none-match", known)).await;
            assert_eq!((again.status.as_u16(), &again.body), (304, &Value::Null));
            assert_eq!(again.header("etag"), Some(tag.as_str()));
        }
        for status in ["200", "304"] {
            let declared = &document::openapi()["paths"][path]["get"]["responses"][status];
            assert!(declared["headers"]["ETag"].is_object(), "{path} {status}");
        }
        let other = Node::send(node.request("GET", path).header("if-none-match", "\"x\"")).await;
        assert_eq!(other.status, 200);
    }
    node.gateway.stop().await;
}

#[tokio::test]
async fn the_page_loads_what_the_node_serves_and_nothing_else() {
    let node = Node::start().await;
    let redirect = node.get("/docs").await;
    assert_eq!(redirect.status, 308);
    assert_eq!(redirect.header("location"), Some("/docs/"));

    let page = node.request("GET", "/docs/").send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(
        page.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    let policy = page.headers()["content-security-policy"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.starts_with("default-src 'none'; script-src 'self'; "),
        "{policy}"
    );
    assert!(!policy.contains("http"), "{policy}");
    let html = page.text().await.unwrap();
    let mut loaded = 0;
    for attribute in ["src=\"", "href=\""] {
        for part in html.split(attribute).skip(1) {
            let file = part.split('"').next().unwrap();
            assert!(!file.contains("//"), "{file} is of another server");
            let path = format!("/docs/{}", file.trim_start_matches("./"));
            assert_eq!(node.get(&path).await.status, 200, "{path}");
            loaded += 1;
        }
    }
    assert!(loaded >= 5, "{html}");
    assert!(
        !html.contains("<script>"),
        "the policy forbids scripts in the page"
    );

    let settings = node
        .request("GET", "/docs/swagger-initializer.js")
        .send()
        .await
        .unwrap();
    let settings = settings.text().await.unwrap();
    assert!(
        settings.contains("\"url\": \"/openapi.json\""),
        "{settings}"
    );
    assert!(
        settings.contains("\"validatorUrl\": \"none\""),
        "{settings}"
    );
    node.gateway.stop().await;
}
