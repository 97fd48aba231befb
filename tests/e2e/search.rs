//! Finding again what was said and sent.

use pinwire_tests::{Person, Value, World, eventually, json, on_both_profiles};

on_both_profiles!(
    what_was_sent_is_found_again,
    each_finds_only_what_they_see,
    a_search_is_narrowed_and_paged,
    a_wrong_search_is_refused,
);

async fn search(person: &Person, parameters: &str) -> Value {
    let path = format!("/v5/search/messages?{parameters}");
    person.api.get(&path).await.is(200)
}

/// The texts of what is found.
fn texts(page: &Value) -> Value {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|it| it["text"].clone()).collect()
}

/// Waits until so many messages are found.
async fn finds(person: &Person, parameters: &str, count: usize) -> Value {
    let what = format!("{count} messages for {parameters}");
    let look = async || {
        let page = search(person, parameters).await;
        (page["items"].as_array().unwrap().len() == count).then_some(page)
    };
    eventually(&what, look).await.0
}

async fn what_was_sent_is_found_again(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Grüne Halle").await;
    let sent = ana
        .sends(&pin)
        .saying("What about this one?")
        .to(&bob)
        .await;
    let conversation = sent.conversation;
    ana.replies(&conversation, "or https://www.chairs.example/red?x=1")
        .await;

    let bob = bob.on(world.other_node());
    for query in [
        "gru",
        "halle%20what",
        "halls.example",
        "HALLS.EXAM",
        "abo%20thi",
    ] {
        let page = finds(&bob, &format!("query={query}"), 1).await;
        let found = &page["items"][0];
        assert_eq!(found["conversation_id"], *conversation, "{query}");
        assert_eq!(found["position"], 1);
        assert_eq!(found["pin"]["title"], "Grüne Halle");
        assert_eq!(found["sender"]["username"], "ana");
        assert_eq!(page["bookmark"], Value::Null);
    }
    let page = finds(&bob, "query=chairs.example", 1).await;
    assert_eq!(page["items"][0]["position"], 2);
    assert_eq!(texts(&search(&bob, "query=nothing").await), json!([]));
}

async fn each_finds_only_what_they_see(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    ana.sends(&pin).to(&bob).await;
    finds(&bob, "query=green", 1).await;
    finds(&ana, "query=green", 1).await;
    assert_eq!(texts(&search(&cleo, "query=green").await), json!([]));
    let sent = ana.sends(&pin).to(&cleo).await;
    finds(&cleo, "query=green", 1).await;
    finds(&ana, "query=green", 2).await;
    let there = format!(
        "/v5/search/messages?query=green&conversation_id={}",
        sent.conversation
    );
    cleo.api.get(&there).await.is(200);
    bob.api
        .get(&there)
        .await
        .is_refused(404, "conversation_not_found");
}

async fn a_search_is_narrowed_and_paged(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Blue hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    for n in 1..=4 {
        ana.replies(&conversation, &format!("hall {n}")).await;
    }
    bob.replies(&conversation, "the last hall").await;
    finds(&ana, "query=hall", 6).await;

    let first = search(&ana, "query=hall&page_size=4").await;
    assert_eq!(
        texts(&first),
        json!(["the last hall", "hall 4", "hall 3", "hall 2"])
    );
    let bookmark = first["bookmark"].as_str().unwrap();
    let rest = search(&ana, &format!("query=hall&page_size=4&bookmark={bookmark}")).await;
    assert_eq!(texts(&rest), json!(["hall 1", null]));
    let other = format!("/v5/search/messages?query=hal&bookmark={bookmark}");
    ana.api
        .get(&other)
        .await
        .is_refused(400, "malformed_bookmark");

    assert_eq!(
        texts(&search(&ana, "query=hall&has=pin").await),
        json!([null])
    );
    for from in [bob.id.as_str(), "bob", "@Bob"] {
        let page = search(&ana, &format!("query=hall&from={from}")).await;
        assert_eq!(texts(&page), json!(["the last hall"]), "{from}");
    }
    let sent_at = first["items"][3]["created_at"].as_str().unwrap();
    let older = search(&ana, &format!("query=hall&before={sent_at}")).await;
    let newer = search(&ana, &format!("query=hall&after={sent_at}")).await;
    let count = |page: &Value| page["items"].as_array().unwrap().len();
    assert_eq!(count(&older) + count(&newer), 6);
    assert_eq!(count(&search(&ana, "query=hall&after=2026-01-01").await), 6);
    assert_eq!(
        count(&search(&ana, "query=hall&before=2026-01-01").await),
        0
    );
}

async fn a_wrong_search_is_refused(world: &World) {
    let ana = world.person("ana").await;
    for (parameters, status, error) in [
        ("", 422, "invalid_value"),
        ("query=%25", 422, "invalid_value"),
        (
            "query=a&after=2026-11-24&before=2026-11-24",
            422,
            "invalid_value",
        ),
        ("query=a&has=board", 400, "malformed_parameter"),
        ("query=a&after=now", 400, "malformed_parameter"),
        ("query=a&conversation_id=x", 400, "malformed_parameter"),
        ("query=a&conversation_id=1", 404, "conversation_not_found"),
        ("query=a&from=nobody", 404, "user_not_found"),
        ("query=a&page_size=0", 400, "malformed_parameter"),
    ] {
        let path = format!("/v5/search/messages?{parameters}");
        ana.api.get(&path).await.is_refused(status, error);
    }
    let long = |length: usize| format!("/v5/search/messages?query={}", "a".repeat(length));
    ana.api.get(&long(200)).await.is(200);
    ana.api
        .get(&long(201))
        .await
        .is_refused(422, "invalid_value");
}
