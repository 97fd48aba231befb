//! Delivery: a device says what has reached it, and the others see it.

use std::time::Duration;

use pinwire_tests::{Person, Replica, Socket, Value, World, json, on_both_profiles};

on_both_profiles!(
    the_others_see_what_has_reached_a_device,
    only_what_was_sent_up_to_there_counts,
    what_was_missed_is_delivered_when_it_comes,
    it_says_nothing_of_reading,
    many_acknowledgements_are_one_event,
);

/// Longer than it takes to write what was acknowledged.
const LATER: Duration = Duration::from_millis(1_500);

async fn acknowledges(phone: &mut Socket, seq: &Value) {
    let answer = phone.asks(json!({"type": "ack", "seq": seq})).await;
    assert_eq!(answer["type"], "ok", "{answer}");
}

/// Up to where messages have reached a member, as another one sees it.
async fn delivered(who: &Person, conversation: &str, member: &Person) -> Value {
    let path = format!("/v5/conversations/{conversation}");
    let item = who.api.get(&path).await.is(200);
    let members = item["conversation"]["members"].as_array().unwrap();
    let mut found = members.iter().filter(|it| it["user"]["id"] == *member.id);
    found.next().expect("a member")["delivered_position"].clone()
}

async fn the_others_see_what_has_reached_a_device(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let mut anas = ana.connects().await;
    let mut bobs = bob.on(world.other_node()).connects().await;
    let mut replica = Replica::fetch(&ana).await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let own = anas.next_is("message.created").await;
    assert_eq!(delivered(&ana, &conversation, &bob).await, 0);
    replica.apply(&own).await;
    // One's own message does not reach oneself.
    acknowledges(&mut anas, &own["seq"]).await;

    let heard = bobs.next_is("message.created").await;
    acknowledges(&mut bobs, &heard["seq"]).await;
    let told = anas.next_is("delivery.updated").await;
    let expected = json!({
        "conversation_id": conversation, "delivery": {"user_id": bob.id, "position": 1},
    });
    assert_eq!(told["data"], expected);
    assert_eq!(delivered(&ana, &conversation, &bob).await, 1);
    assert_eq!(delivered(&bob, &conversation, &ana).await, 0);
    replica.apply(&told).await;
    replica.is_up_to_date().await;

    // Once more says nothing new.
    bobs.next_is("delivery.updated").await;
    acknowledges(&mut bobs, &heard["seq"]).await;
    anas.hears_nothing(LATER).await;
}

async fn only_what_was_sent_up_to_there_counts(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    let mut bobs = bob.connects().await;
    let one = ana.sends(&pin).to(&bob).await.conversation;
    let two = cleo
        .sends(&cleo.pins("Red hall").await)
        .to(&bob)
        .await
        .conversation;
    let first = bobs.next_is("message.created").await;
    bobs.next_is("message.created").await;
    acknowledges(&mut bobs, &first["seq"]).await;
    let told = bobs.next_is("delivery.updated").await;
    assert_eq!(told["data"]["conversation_id"], one);
    bobs.hears_nothing(LATER).await;
    assert_eq!(delivered(&cleo, &two, &bob).await, 0);
    // Beyond the end is as far as there is.
    acknowledges(&mut bobs, &json!(9_000_000_000_i64)).await;
    let told = bobs.next_is("delivery.updated").await;
    assert_eq!(told["data"]["conversation_id"], two);
    for (ack, error) in [
        (json!({"type": "ack"}), "malformed_body"),
        (json!({"type": "ack", "seq": "1"}), "malformed_body"),
        (
            json!({"type": "ack", "seq": 1, "position": 1}),
            "unknown_field",
        ),
    ] {
        assert_eq!(bobs.asks(ack).await["error"], error);
    }
}

async fn what_was_missed_is_delivered_when_it_comes(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let away = bob.connects().await.cursor();
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    for text in ["two", "three"] {
        ana.replies(&conversation, text).await;
    }
    let mut anas = ana.on(world.other_node()).connects().await;
    let mut bobs = bob.connects_after(&away).await;
    let mut last = Value::Null;
    for _ in 0..3 {
        last = bobs.next_is("message.created").await["seq"].clone();
    }
    acknowledges(&mut bobs, &last).await;
    let told = anas.next_is("delivery.updated").await;
    assert_eq!(told["data"]["delivery"]["position"], 3);
}

async fn it_says_nothing_of_reading(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    bob.sets(&json!({"read_receipts": false})).await;
    let mut bobs = bob.connects().await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let heard = bobs.next_is("message.created").await;
    acknowledges(&mut bobs, &heard["seq"]).await;
    let told = bobs.next_is("delivery.updated").await;
    assert_eq!(told["me"]["unread"]["messages"], 1);
    assert_eq!(told["me"]["read_position"], 0);
    ana.replies(&conversation, "two").await;
    bobs.next_is("message.created").await;
    bob.reads(&conversation, 2).await;
    bobs.next_is("membership.updated").await;
    assert_eq!(delivered(&ana, &conversation, &bob).await, 1);
}

async fn many_acknowledgements_are_one_event(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let mut bobs = bob.connects().await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let before = bob.api.get("/v5/unread").await.cursor();
    let mut last = 0;
    for position in 1..=20 {
        if position > 1 {
            ana.replies(&conversation, "More").await;
        }
        let heard = bobs
            .hears("a message", |it| it["type"] == "message.created")
            .await;
        last = heard["data"]["message"]["position"].as_i64().unwrap();
        bobs.says(&json!({"type": "ack", "seq": heard["seq"]}));
    }
    let reached = |it: &Value| it["data"]["delivery"]["position"] == last;
    bobs.hears("the last mark", reached).await;
    let events = bob.polls(&before, 0).await.is(200);
    let events = events["items"].as_array().unwrap();
    let marks = events
        .iter()
        .filter(|it| it["type"] == "delivery.updated")
        .count();
    println!("{marks} events for 20 acknowledgements");
    assert!(marks < 20, "each was an event of its own");
}
