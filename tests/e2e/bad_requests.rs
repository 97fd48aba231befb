//! Requests that are no good get their documented error, and nothing is written.

use pinwire_tests::{Answer, Person, Pin, World, json, on_both_profiles};
use reqwest::Method;

on_both_profiles!(
    what_is_no_json_is_refused,
    fields_are_checked_one_by_one,
    fields_inside_of_fields_are_named_by_their_path,
    values_are_checked_at_their_bounds,
    a_body_has_a_type_and_a_bound,
    nesting_has_a_bound,
    parameters_are_checked,
    unknown_paths_and_methods_are_told_apart,
    fields_of_v5_that_are_not_offered_are_named,
);

/// Tries to send a pin with any bytes as the body.
async fn sends_bytes(ana: &Person, pin: &Pin, bytes: impl Into<Vec<u8>>) -> Answer {
    let path = format!("/v5/pins/{}/send", pin.id);
    let request = ana.api.request(Method::POST, &path);
    request.body("application/json", bytes).send().await
}

async fn what_is_no_json_is_refused(world: &World) {
    let ana = world.person("ana").await;
    let pin = ana.pins("Green hall").await;
    let before = world.database.row_counts();
    for bytes in [
        &b""[..],
        b"{",
        b"nonsense",
        b"{\"mode\":\"separate\",}",
        b"{\"mode\":'separate'}",
        b"{} {}",
        b"[1, 2",
        b"\xff\xfe",
        b"{\"text\":\"\xff\"}",
        b"{\"text\":\"\\ud800\"}",
        b"{\"text\": NaN}",
    ] {
        sends_bytes(&ana, &pin, bytes)
            .await
            .is_refused(400, "malformed_body");
    }
    assert_eq!(world.database.row_counts(), before);
}

async fn fields_are_checked_one_by_one(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let before = world.database.row_counts();
    let to_bob = format!(r#""recipients":[{{"user_id":"{}"}}]"#, bob.id);
    for (fields, slug, field) in [
        (r#""mode":"separate","loud":1"#, "unknown_field", "loud"),
        (
            r#""mode":"separate","mode":"group""#,
            "duplicate_key",
            "mode",
        ),
        (r#""mode":"sideways""#, "malformed_body", "mode"),
        (r#""mode":7"#, "malformed_body", "mode"),
        (r#""mode":"separate","text":7"#, "malformed_body", "text"),
    ] {
        let body = format!("{{{to_bob},{fields}}}");
        let refused = sends_bytes(&ana, &pin, body).await.is_refused(400, slug);
        assert_eq!(refused["details"][0]["field"], field, "{fields}: {refused}");
    }
    // Something is missing, so there is no field to name.
    for body in [
        &*format!("{{{to_bob}}}"),
        r#"{"mode":"group"}"#,
        "[]",
        "null",
        "7",
    ] {
        let answer = sends_bytes(&ana, &pin, body).await;
        answer.is_refused(400, "malformed_body");
    }
    assert_eq!(world.database.row_counts(), before);
}

async fn fields_inside_of_fields_are_named_by_their_path(world: &World) {
    let ana = world.person("ana").await;
    let pin = ana.pins("Green hall").await;
    let before = world.database.row_counts();
    for (recipients, slug, field) in [
        (r#"[{"user":"1"}]"#, "unknown_field", "recipients[0].user"),
        (
            r#"[{"user_id":"1","user_id":"2"}]"#,
            "duplicate_key",
            "user_id",
        ),
        (
            r#"[{"user_id":7}]"#,
            "malformed_body",
            "recipients[0].user_id",
        ),
        (r#""ana""#, "malformed_body", "recipients"),
        ("[{}]", "malformed_body", "recipients[0]"),
        (
            r#"[{"user_id":"1","username":"bob"}]"#,
            "malformed_body",
            "recipients[0]",
        ),
    ] {
        let body = format!(r#"{{"recipients":{recipients},"mode":"separate"}}"#);
        let refused = sends_bytes(&ana, &pin, body).await.is_refused(400, slug);
        assert_eq!(
            refused["details"][0]["field"], field,
            "{recipients}: {refused}"
        );
    }
    for id in ["-1", "+1", "01x", " 1", "1.0", "9223372036854775808", ""] {
        let recipients = json!([{"user_id": id}]);
        let answer = ana.sends(&pin).asks("separate", &recipients).await;
        let refused = answer.is_refused(400, "malformed_body");
        assert_eq!(
            refused["details"][0]["field"], "recipients[0].user_id",
            "{refused}"
        );
    }
    assert_eq!(world.database.row_counts(), before);
}

async fn values_are_checked_at_their_bounds(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let limits = world.api().get("/v5/limits").await.is(200);
    let bound = usize::try_from(limits["message_text"].as_u64().unwrap()).unwrap();
    let before = world.database.row_counts();

    // Characters, not bytes.
    let recipients = json!([{"user_id": bob.id}]);
    let too_long = "é".repeat(bound + 1);
    let refused = ana
        .sends(&pin)
        .saying(&too_long)
        .asks("separate", &recipients)
        .await;
    let refused = refused.is_refused(422, "invalid_value");
    assert_eq!(refused["details"][0]["field"], "text");
    assert!(
        refused["message"].to_string().contains("5000"),
        "the error names the limit: {refused}"
    );
    for mark in ["", "two words", &"m".repeat(65)] {
        let refused = ana
            .sends(&pin)
            .marked(mark)
            .asks("separate", &recipients)
            .await;
        refused.is_refused(400, "malformed_header");
    }
    assert_eq!(world.database.row_counts(), before);

    let sent = ana
        .sends(&pin)
        .saying(&"é".repeat(bound))
        .marked(&"m".repeat(64))
        .to(&bob)
        .await;
    for empty in [json!({}), json!({"text": ""}), json!({"text": null})] {
        let refused = ana.writing(&sent.conversation, &empty).send().await;
        refused.is_refused(422, "empty_message");
    }
    // Stored in one normal form: "e" and an accent become one character.
    let composed = ana.replies(&sent.conversation, "cafe\u{301}").await;
    assert_eq!(composed["text"], "caf\u{e9}");
}

async fn a_body_has_a_type_and_a_bound(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let path = format!("/v5/pins/{}/send", pin.id);
    let body = json!({"recipients": [{"user_id": bob.id}], "mode": "separate"}).to_string();
    let before = world.database.row_counts();

    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "",
    ] {
        let request = ana
            .api
            .request(Method::POST, &path)
            .body(content_type, body.clone());
        request
            .send()
            .await
            .is_refused(415, "unsupported_media_type");
    }
    let packed = ana
        .api
        .request(Method::POST, &path)
        .body("application/json", body.clone());
    packed
        .header("content-encoding", "gzip")
        .send()
        .await
        .is_refused(415, "unsupported_media_type");
    let json_for_form = world.api().request(Method::POST, "/v5/oauth/token");
    json_for_form
        .json(&json!({"grant_type": "password"}))
        .send()
        .await
        .is_refused(415, "unsupported_media_type");

    let bound = 256 * 1024;
    let padded = |bytes: usize| format!("{body}{}", " ".repeat(bytes - body.len()));
    sends_bytes(&ana, &pin, padded(bound + 1))
        .await
        .is_refused(413, "body_too_large");
    assert_eq!(world.database.row_counts(), before);
    assert_eq!(sends_bytes(&ana, &pin, padded(bound)).await.status, 201);
    let with_charset = ana
        .api
        .request(Method::POST, &path)
        .body("application/json; charset=utf-8", body);
    assert_eq!(with_charset.send().await.status, 201);
}

async fn nesting_has_a_bound(world: &World) {
    let ana = world.person("ana").await;
    let pin = ana.pins("Green hall").await;
    let nested = |depth: usize| format!(r#"{{"text":{}{}}}"#, "[".repeat(depth), "]".repeat(depth));
    let deep = sends_bytes(&ana, &pin, nested(1_000))
        .await
        .is_refused(400, "malformed_body");
    assert!(deep["message"].to_string().contains("nested"), "{deep}");
    let flat = sends_bytes(&ana, &pin, nested(3))
        .await
        .is_refused(400, "malformed_body");
    assert_eq!(flat["details"][0]["field"], "text");
}

async fn parameters_are_checked(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    for (path, slug) in [
        ("/v5/conversations?page_size=0", "malformed_parameter"),
        ("/v5/conversations?page_size=251", "malformed_parameter"),
        ("/v5/conversations?page_size=many", "malformed_parameter"),
        ("/v5/conversations?filter=none", "malformed_parameter"),
        ("/v5/conversations?bookmark=forged", "malformed_bookmark"),
        ("/v5/pins?bookmark=AAAA", "malformed_bookmark"),
        ("/v5/sync?bookmark=x", "malformed_bookmark"),
        (
            &format!("/v5/conversations/{conversation}/messages/0x"),
            "malformed_parameter",
        ),
    ] {
        let answer = ana.api.get(path).await;
        answer.is_refused(400, slug);
    }
    ana.api.get("/v5/conversations?page_size=250").await.is(200);
    ana.api.get("/v5/conversations?page_size=1").await.is(200);
    ana.api
        .get("/v5/conversations?something_else=1")
        .await
        .is(200);
}

async fn unknown_paths_and_methods_are_told_apart(world: &World) {
    let ana = world.person("ana").await;
    let ask = |method, path| ana.api.request(method, path).undocumented().send();
    ask(Method::GET, "/v5/nothing")
        .await
        .is_refused(404, "no_such_route");
    ask(Method::GET, "/").await.is_refused(404, "no_such_route");
    let answer = ask(Method::PATCH, "/v5/conversations").await;
    assert_eq!(answer.header("allow"), Some("GET, POST, HEAD, OPTIONS"));
    answer.is_refused(405, "method_not_allowed");
}

async fn fields_of_v5_that_are_not_offered_are_named(world: &World) {
    let ana = world.person("ana").await;
    let source = json!({"source_type": "image_url", "url": "https://img.example/hall.jpg"});
    let before = world.database.row_counts();
    for (field, value) in [
        ("board_section_id", json!("1")),
        ("sponsor_id", json!("1")),
        (
            "media_source",
            json!({"source_type": "video_id", "media_id": "1"}),
        ),
    ] {
        let mut pin = json!({"title": "Hall", "media_source": source});
        pin[field] = value;
        let refused = ana
            .api
            .post("/v5/pins", &pin)
            .await
            .is_refused(422, "unsupported");
        let named = refused["details"][0]["field"].as_str().unwrap();
        assert!(named.starts_with(field), "{field}: {refused}");
    }
    let link = json!({"title": "Hall", "media_source": source, "link": "javascript:alert(1)"});
    ana.api
        .post("/v5/pins", &link)
        .await
        .is_refused(422, "invalid_value");
    assert_eq!(world.database.row_counts(), before);
    let with_nulls = json!({"media_source": source, "board_section_id": null, "sponsor_id": null});
    ana.api.post("/v5/pins", &with_nulls).await.is(201);
}
