//! Read marks, the unread flag, and how much is unread.

use pinwire_tests::{Person, Value, World, json, on_both_profiles};

on_both_profiles!(
    a_read_mark_moves_on_and_never_back,
    an_unread_flag_is_cleared_by_the_next_read,
    totals_add_up_and_read_all_clears_them,
    unread_is_exact_to_a_hundred,
    lists_are_paged_without_loss,
    a_bookmark_goes_with_the_parameters_that_led_to_it,
    a_mark_below_the_first_message_is_refused,
);

fn totals(conversations: i64, messages: i64) -> Value {
    json!({
        "conversations": conversations, "messages": messages, "more": false, "muted": 0, "requests": 0
    })
}

async fn a_read_mark_moves_on_and_never_back(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let mut anas_phone = ana.on(world.other_node()).connects().await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    ana.replies(&conversation, "And?").await;
    assert_eq!(bob.unread().await, totals(1, 2));

    bob.reads(&conversation, 1).await;
    assert_eq!(bob.unread().await, totals(1, 1));
    let heard = anas_phone
        .hears("the mark", |it| it["type"] == "read.updated")
        .await;
    assert_eq!(
        heard["data"]["read"],
        json!({"user_id": bob.id, "position": 1})
    );
    assert_eq!(
        heard["me"]["read_position"], 2,
        "sending moves the sender's mark"
    );
    bob.reads(&conversation, 2).await;
    bob.reads(&conversation, 1).await;
    assert_eq!(bob.unread().await, totals(0, 0));
    let heard = anas_phone.next_is("read.updated").await;
    assert_eq!(heard["data"]["read"]["position"], 2);

    let path = format!("/v5/conversations/{conversation}/read");
    let beyond = bob.api.put(&path, &json!({"position": 3})).await;
    beyond.is_refused(422, "position_beyond_end");
    bob.replies(&conversation, "Yes").await;
    let heard = anas_phone.next_is("message.created").await;
    assert_eq!(
        heard["data"]["message"]["position"], 3,
        "what changed nothing is no event"
    );
}

async fn an_unread_flag_is_cleared_by_the_next_read(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    bob.reads(&conversation, 1).await;
    let mut bobs_phone = bob.connects().await;
    let mut anas_phone = ana.connects().await;

    bob.on(world.other_node()).marks_unread(&conversation).await;
    let heard = bobs_phone.next_is("membership.updated").await;
    assert_eq!(heard["me"]["unread_flag"], true);
    assert_eq!(bob.unread().await, totals(1, 0));
    let list = bob.api.get("/v5/conversations?filter=unread").await.is(200);
    assert_eq!(list["items"].as_array().unwrap().len(), 1);

    bob.reads(&conversation, 1).await;
    let heard = bobs_phone.next_is("membership.updated").await;
    assert_eq!(heard["me"]["unread_flag"], false);
    assert_eq!(bob.unread().await, totals(0, 0));
    bob.marks_unread(&conversation).await;
    bob.unmarks_unread(&conversation).await;
    assert_eq!(bob.unread().await, totals(0, 0));

    // What is Bob's alone is told to Bob alone.
    ana.replies(&conversation, "Still there?").await;
    let heard = anas_phone.next_is("message.created").await;
    assert_eq!(heard["prev"], anas_phone.hello["seq"]);
}

async fn totals_add_up_and_read_all_clears_them(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    ana.sends(&pin).to_each(&[&bob, &cleo]).await;
    ana.sends(&pin).to_group(&[&bob, &cleo]).await;
    cleo.sends(&pin).to(&bob).await;
    assert_eq!(bob.unread().await, totals(3, 3));
    let mut bobs_phone = bob.connects().await;
    assert_eq!(bobs_phone.hello["unread"], totals(3, 3));

    let path = "/v5/conversations/read_all";
    let read = bob
        .api
        .request("POST".parse().unwrap(), path)
        .send()
        .await
        .is(200);
    assert_eq!(read, json!({"conversations": 3}));
    assert_eq!(bob.unread().await, totals(0, 0));
    for _ in 0..3 {
        let heard = bobs_phone.next_is("read.updated").await;
        assert_eq!(heard["me"]["unread"]["messages"], 0);
    }
    let read = bob
        .api
        .request("POST".parse().unwrap(), path)
        .send()
        .await
        .is(200);
    assert_eq!(read, json!({"conversations": 0}));
}

async fn unread_is_exact_to_a_hundred(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    for number in 2..=100 {
        ana.replies(&conversation, &number.to_string()).await;
    }
    let unread = async |who: &Person| {
        let path = format!("/v5/conversations/{conversation}");
        who.api.get(&path).await.is(200)["unread"].clone()
    };
    assert_eq!(unread(&bob).await, json!({"messages": 100, "more": false}));
    ana.replies(&conversation, "101").await;
    assert_eq!(unread(&bob).await, json!({"messages": 100, "more": true}));
    assert_eq!(unread(&ana).await, json!({"messages": 0, "more": false}));
}

async fn lists_are_paged_without_loss(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    let with_cleo = ana.sends(&pin).to(&cleo).await.conversation;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    for number in 2..=7 {
        ana.replies(&conversation, &number.to_string()).await;
    }
    let path = format!("/v5/conversations/{conversation}/messages");
    let newest = bob.api.get(&format!("{path}?page_size=3")).await.is(200);
    assert_eq!(positions(&newest), [7, 6, 5]);
    // What is written between two pages neither shifts nor repeats them.
    ana.replies(&conversation, "8").await;
    let bookmark = newest["bookmark"].as_str().unwrap();
    let next = bob
        .api
        .get(&format!("{path}?page_size=3&bookmark={bookmark}"))
        .await
        .is(200);
    assert_eq!(positions(&next), [4, 3, 2]);
    for (query, expected) in [
        ("before=3", vec![2, 1]),
        ("after=6", vec![7, 8]),
        ("around=4&page_size=4", vec![2, 3, 4, 5]),
        ("after=8", vec![]),
    ] {
        let page = bob.api.get(&format!("{path}?{query}")).await.is(200);
        assert_eq!(positions(&page), expected, "{query}");
    }
    bob.api
        .get(&format!("{path}?after=1&before=3"))
        .await
        .is_refused(400, "malformed_parameter");
    let foreign = format!("/v5/conversations/{with_cleo}/messages?bookmark={bookmark}");
    ana.api
        .get(&foreign)
        .await
        .is_refused(400, "malformed_bookmark");

    let first = ana.api.get("/v5/conversations?page_size=1").await.is(200);
    assert_eq!(first["items"][0]["conversation"]["id"], *conversation);
    let bookmark = first["bookmark"].as_str().unwrap();
    let second = ana
        .api
        .get(&format!(
            "/v5/conversations?page_size=1&bookmark={bookmark}"
        ))
        .await
        .is(200);
    assert_eq!(second["items"][0]["conversation"]["id"], *with_cleo);
    assert_eq!(second["bookmark"], json!(null));
}

fn positions(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|it| it["position"].as_i64().unwrap()).collect()
}

async fn a_bookmark_goes_with_the_parameters_that_led_to_it(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    for number in 2..=8 {
        ana.replies(&conversation, &number.to_string()).await;
    }
    let path = format!("/v5/conversations/{conversation}/messages");
    for (query, expected) in [("after=2", [5, 6]), ("before=8", [5, 4])] {
        let first = format!("{path}?page_size=2&{query}");
        let page = bob.api.get(&first).await.is(200);
        let next = page["bookmark"].as_str().unwrap();
        let second = bob.api.get(&format!("{first}&bookmark={next}")).await;
        assert_eq!(positions(&second.is(200)), expected, "{query}");
        let other = bob
            .api
            .get(&format!("{path}?after=7&bookmark={next}"))
            .await;
        other.is_refused(400, "malformed_parameter");
    }
}

async fn a_mark_below_the_first_message_is_refused(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let path = format!("/v5/conversations/{conversation}/read");
    let below = bob.api.put(&path, &json!({"position": -1})).await;
    below.is_refused(422, "invalid_value");
}
