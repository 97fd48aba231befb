//! Read marks that are kept back: others do not see them move, and who keeps theirs back does not see others'.

use pinwire_tests::{Person, Replica, Value, World, json, on_both_profiles};

on_both_profiles!(
    a_mark_that_is_kept_back_stands_still,
    who_keeps_theirs_back_sees_none,
    a_mark_is_shown_again_by_the_next_reading,
    a_message_shows_how_far_its_sender_has_read,
    a_replica_of_each_stays_true,
);

/// The read marks of some people in a conversation as this person sees them.
async fn marks(who: &Person, conversation: &str, of: &[&Person]) -> Vec<Value> {
    let path = format!("/v5/conversations/{conversation}");
    let item = who.api.get(&path).await.is(200);
    marks_in(&item["conversation"], of)
}

fn marks_in(conversation: &Value, of: &[&Person]) -> Vec<Value> {
    let members = conversation["members"].as_array().unwrap();
    let mark = |person: &&Person| {
        let mut found = members.iter().filter(|it| it["user"]["id"] == *person.id);
        found.next().expect("a member")["read_position"].clone()
    };
    of.iter().map(mark).collect()
}

async fn a_mark_that_is_kept_back_stands_still(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let start = ana.api.get("/v5/unread").await.cursor();
    let other = world.other_node();
    let mut anas = ana.on(other).connects().await;
    let mut bobs = bob.on(other).connects().await;
    bob.reads(&conversation, 1).await;
    anas.next_is("read.updated").await;
    bobs.next_is("read.updated").await;

    bob.sets(&json!({"read_receipts": false})).await;
    bobs.next_is("settings.updated").await;
    ana.replies(&conversation, "two").await;
    anas.next_is("message.created").await;
    bobs.next_is("message.created").await;
    bob.reads(&conversation, 2).await;
    // His own devices see it.
    let mine = bobs.next_is("membership.updated").await;
    assert_eq!(mine["me"]["read_position"], 2);
    assert_eq!(mine["me"]["unread"]["messages"], 0);
    ana.replies(&conversation, "three").await;
    anas.next_is("message.created").await;
    bobs.next_is("message.created").await;
    let all = bob
        .api
        .request(reqwest::Method::POST, "/v5/conversations/read_all");
    all.send().await.is(200);
    bobs.next_is("membership.updated").await;

    assert_eq!(marks(&ana, &conversation, &[&ana, &bob]).await, [3, 1]);
    let path = format!("/v5/conversations/{conversation}");
    let his = bob.on(other).api.get(&path).await.is(200);
    assert_eq!(
        (&his["read_position"], &his["unread"]["messages"]),
        (&json!(3), &json!(0))
    );
    // Nor does who was away learn of it.
    let events = ana.polls(&start, 0).await.is(200);
    let types: Vec<_> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["type"])
        .collect();
    assert_eq!(
        types,
        ["read.updated", "message.created", "message.created"]
    );
    assert_eq!(events["items"][0]["data"]["read"]["position"], 1);
}

async fn who_keeps_theirs_back_sees_none(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    bob.sets(&json!({"read_receipts": false})).await;
    let other = world.other_node();
    let mut cleos = cleo.on(other).connects().await;
    let mut bobs = bob.on(other).connects().await;
    let begun = bob.api.get("/v5/unread").await.cursor();
    let group = ana.sends(&pin).to_group(&[&bob, &cleo]).await.conversation;
    let everybody = [&ana, &bob, &cleo];
    let heard = cleos.next_is("message.created").await;
    assert_eq!(
        marks_in(&heard["data"]["conversation"], &everybody),
        [1, 0, 0]
    );
    let heard = bobs.next_is("message.created").await;
    let nothing = [Value::Null, Value::Null, Value::Null];
    assert_eq!(
        marks_in(&heard["data"]["conversation"], &everybody),
        nothing
    );

    cleo.reads(&group, 1).await;
    cleos.next_is("read.updated").await;
    ana.replies(&group, "two").await;
    bobs.next_is("message.created").await;
    let events = bob.polls(&begun, 0).await.is(200);
    let types: Vec<_> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["type"])
        .collect();
    assert_eq!(types, ["message.created", "message.created"]);
    let first = &events["items"][0]["data"]["conversation"];
    assert_eq!(marks_in(first, &everybody), nothing);
    let mut page = bob.listens_after(&begun).await;
    for _ in 0..2 {
        page.next_is("message.created").await;
    }

    assert_eq!(marks(&bob, &group, &everybody).await, nothing);
    assert_eq!(marks(&cleo, &group, &everybody).await, [2, 0, 1]);
    for (path, list) in [
        ("/v5/conversations", "items"),
        ("/v5/sync", "conversations"),
    ] {
        let page = bob.api.get(path).await.is(200);
        assert_eq!(
            marks_in(&page[list][0]["conversation"], &everybody),
            nothing,
            "{path}"
        );
    }
}

async fn a_mark_is_shown_again_by_the_next_reading(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    bob.sets(&json!({"read_receipts": false})).await;
    bob.reads(&conversation, 1).await;
    let mut anas = ana.on(world.other_node()).connects().await;
    bob.sets(&json!({"read_receipts": true})).await;
    assert_eq!(marks(&ana, &conversation, &[&ana, &bob]).await, [1, 0]);
    assert_eq!(marks(&bob, &conversation, &[&ana, &bob]).await, [1, 0]);
    // To where he has read already.
    bob.reads(&conversation, 1).await;
    let heard = anas.next_is("read.updated").await;
    assert_eq!(
        heard["data"]["read"],
        json!({"user_id": bob.id, "position": 1})
    );
    assert_eq!(marks(&ana, &conversation, &[&ana, &bob]).await, [1, 1]);
    // Once more is nothing new.
    bob.reads(&conversation, 1).await;
    bob.replies(&conversation, "two").await;
    anas.next_is("message.created").await;
}

async fn a_message_shows_how_far_its_sender_has_read(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    bob.sets(&json!({"read_receipts": false})).await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    bob.replies(&conversation, "two").await;
    assert_eq!(marks(&ana, &conversation, &[&ana, &bob]).await, [1, 2]);
}

async fn a_replica_of_each_stays_true(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let mut replicas = [Replica::fetch(&ana).await, Replica::fetch(&bob).await];
    let people = [&ana, &bob];
    for change in [false, true] {
        bob.sets(&json!({"read_receipts": change})).await;
        let position = ana.replies(&conversation, "More").await["position"]
            .as_i64()
            .unwrap();
        bob.reads(&conversation, position).await;
        ana.reads(&conversation, position).await;
        for (person, replica) in people.iter().zip(&mut replicas) {
            let page = person.polls(&replica.cursor(), 0).await.is(200);
            replica.apply_page(&page).await;
            replica.is_up_to_date().await;
        }
    }
}
