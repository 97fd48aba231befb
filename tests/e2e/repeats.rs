//! A request that is made again, because its answer was lost, does nothing twice.

use futures_util::future::join_all;
use pinwire_tests::{World, json, on_both_profiles};

on_both_profiles!(
    a_repeated_send_answers_as_the_first,
    a_mark_in_the_body_does_as_well,
    a_key_is_for_one_request,
    a_refused_request_leaves_its_key_free,
    a_twin_in_flight_waits,
    other_acts_are_repeated_too,
    a_repeat_of_what_is_gone_finds_nothing,
    strangers_sign_up_by_the_same_key,
);

const REPLAYED: &str = "idempotency-replayed";

async fn a_repeated_send_answers_as_the_first(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;

    let first = ana.sends(&pin).saying("Look").key("k-1").to(&bob).await;
    assert_eq!(first.answer.header(REPLAYED), None);
    let before = world.database.row_counts();
    let other = ana.on(world.other_node());
    let again = other.sends(&pin).saying("Look").key("k-1").to(&bob).await;
    assert_eq!(again.answer.header(REPLAYED), Some("true"));
    assert_eq!(again.answer.body, first.answer.body);
    assert_eq!(world.database.row_counts(), before);
    // Keys are everybody's own.
    let bobs = bob.sends(&pin).key("k-1").to(&ana).await;
    assert_eq!(bobs.answer.header(REPLAYED), None);
}

async fn a_mark_in_the_body_does_as_well(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;

    let marked = json!({"text": "Hi", "client_message_id": "m-1"});
    let first = ana.writing(&conversation, &marked).send().await.is(201);
    let by_both = ana.writing(&conversation, &marked).key("m-1").send().await;
    assert_eq!(by_both.header(REPLAYED), Some("true"));
    assert_eq!(by_both.is(201), first);
    let by_two = ana.writing(&conversation, &marked).key("m-2").send().await;
    by_two.is_refused(400, "malformed_header");
    assert_eq!(ana.history(&conversation).await.len(), 2);
}

async fn a_key_is_for_one_request(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let other_pin = ana.pins("Red hall").await;
    let sent = ana.sends(&pin).key("k-1").to(&bob).await;
    let before = world.database.row_counts();

    let recipients = json!([{"user_id": bob.id}]);
    let other_body = ana
        .sends(&pin)
        .saying("More")
        .key("k-1")
        .asks("separate", &recipients)
        .await;
    other_body.is_refused(422, "idempotency_key_reused");
    let other_path = ana
        .sends(&other_pin)
        .key("k-1")
        .asks("separate", &recipients)
        .await;
    other_path.is_refused(422, "idempotency_key_reused");
    let message = ana.writing(&sent.conversation, &json!({"text": "x"}));
    message
        .key("k-1")
        .send()
        .await
        .is_refused(422, "idempotency_key_reused");

    for key in ["", " ", "two words", &"k".repeat(65)] {
        let message = ana.writing(&sent.conversation, &json!({"text": "x"}));
        message
            .key(key)
            .send()
            .await
            .is_refused(400, "malformed_header");
    }
    assert_eq!(world.database.row_counts(), before);
    let longest = ana.writing(&sent.conversation, &json!({"text": "x"}));
    longest.key(&"k".repeat(64)).send().await.is(201);
}

async fn a_refused_request_leaves_its_key_free(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let nobody = ana
        .sends(&pin)
        .key("k-1")
        .asks("separate", &json!([{"user_id": "77"}]))
        .await;
    nobody.is_refused(422, "nobody_available");

    let sent = ana.sends(&pin).key("k-1").to(&bob).await;
    assert_eq!(sent.answer.header(REPLAYED), None);
}

async fn a_twin_in_flight_waits(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let twins = [ana.clone(), ana.on(world.other_node())];

    let sends = (0..8).map(|place| twins[place % 2].sends(&pin).key("k-1").to(&bob));
    let answers = join_all(sends).await;
    for sent in &answers {
        assert_eq!(sent.answer.body, answers[0].answer.body);
    }
    let first_ones = answers
        .iter()
        .filter(|it| it.answer.header(REPLAYED).is_none());
    assert_eq!(first_ones.count(), 1);
    assert_eq!(bob.history(&answers[0].conversation).await.len(), 1);
}

async fn other_acts_are_repeated_too(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let board = json!({"name": "Halls"});
    let pin = json!({
        "media_source": {"source_type": "image_url", "url": "https://img.example/hall.jpg"},
    });
    let people = json!({"user_ids": [bob.id]});
    for (path, body) in [
        ("/v5/boards", &board),
        ("/v5/pins", &pin),
        ("/v5/conversations", &people),
    ] {
        let ask = || {
            ana.api
                .request("POST".parse().unwrap(), path)
                .key(path)
                .json(body)
                .send()
        };
        let first = ask().await;
        let again = ask().await;
        assert_eq!(again.header(REPLAYED), Some("true"), "{again}");
        assert_eq!((first.status, &first.body), (again.status, &again.body));
    }
}

async fn a_repeat_of_what_is_gone_finds_nothing(world: &World) {
    let ana = world.person("ana").await;
    let board = json!({"name": "Halls"});
    let ask = || {
        let request = ana.api.request("POST".parse().unwrap(), "/v5/boards");
        request.key("k-1").json(&board).send()
    };
    let made = ask().await.is(201);
    let path = format!("/v5/boards/{}", made["id"].as_str().unwrap());
    ana.api.delete(&path).await.is(204);
    ask().await.is_refused(404, "board_not_found");
}

async fn strangers_sign_up_by_the_same_key(world: &World) {
    let api = world.api();
    let sign_up = |username: &str| {
        let account = json!({
            "username": username, "full_name": "Somebody", "email": format!("{username}@example.com"),
            "password": "a blue door",
        });
        let request = api.request("POST".parse().unwrap(), "/v5/accounts");
        request.key("1").json(&account).send()
    };
    let first = sign_up("ana").await;
    assert_eq!(sign_up("bob").await.is(201)["username"], "bob");
    let again = sign_up("ana").await;
    assert_eq!(again.header(REPLAYED), Some("true"));
    assert_eq!(again.is(201), first.is(201));
}
