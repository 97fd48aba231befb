//! One conversation of several people.

use pinwire_tests::{Person, World, json, on_both_profiles};

on_both_profiles!(
    who_is_not_there_is_named_by_their_place,
    a_group_is_found_again_by_its_people,
    a_conversation_is_begun_without_a_message,
    a_group_has_a_bound,
    everyone_in_a_group_hears_everyone,
);

async fn a_group_is_found_again_by_its_people(world: &World) {
    let [ana, bob, cleo, dan] = world.people(["ana", "bob", "cleo", "dan"]).await;
    let pin = ana.pins("Green hall").await;

    let first = ana.sends(&pin).to_group(&[&bob, &cleo]).await;
    let again = bob.sends(&pin).to_group(&[&cleo, &ana]).await;
    assert_eq!(again.conversation, first.conversation);
    assert_eq!(again.position(), 2);
    let larger = ana.sends(&pin).to_group(&[&bob, &cleo, &dan]).await;
    assert_ne!(larger.conversation, first.conversation);
    // A group of two is the pair's own conversation, for ever.
    let pair = ana.sends(&pin).to_group(&[&bob]).await;
    let direct = bob.sends(&pin).to(&ana).await;
    assert_eq!(pair.conversation, direct.conversation);
}

async fn a_conversation_is_begun_without_a_message(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let bob = bob.on(world.other_node());
    let mut bobs_phone = bob.connects().await;
    let body = json!({"user_ids": [bob.id]});

    let begun = ana.api.post("/v5/conversations", &body).await.is(201);
    let heard = bobs_phone.next_is("conversation.created").await;
    assert_eq!(heard["data"]["conversation"], begun["conversation"]);
    let found = bob
        .api
        .post("/v5/conversations", &json!({"user_ids": [ana.id]}))
        .await
        .is(200);
    assert_eq!(found["conversation"], begun["conversation"]);
    assert_eq!(found["last_message"], json!(null));
    assert_eq!(bob.heads().await, [""; 0], "no message, no head");
}

async fn a_group_has_a_bound(world: &World) {
    let limits = world.api().get("/v5/limits").await.is(200);
    assert_eq!(
        (&limits["conversation_people"], &limits["recipients"]),
        (&json!(10), &json!(10))
    );
    let ana = world.person("ana").await;
    let mut others = Vec::new();
    for number in 0..11 {
        others.push(world.person(&format!("friend{number}")).await);
    }
    let others: Vec<&Person> = others.iter().collect();
    let pin = ana.pins("Green hall").await;

    // At the bound, and one past it.
    ana.sends(&pin).to_group(&others[..9]).await;
    let ids = |count| -> pinwire_tests::Value {
        others[..count]
            .iter()
            .map(|it| json!({"user_id": it.id}))
            .collect()
    };
    let before = world.database.row_counts();
    let refused = ana.sends(&pin).asks("group", &ids(10)).await;
    let message = refused.is_refused(422, "too_many_people")["message"].to_string();
    assert!(
        message.contains("10"),
        "the error names the limit: {message}"
    );
    ana.sends(&pin)
        .asks("separate", &ids(11))
        .await
        .is_refused(422, "too_many_recipients");
    assert_eq!(world.database.row_counts(), before);
    ana.sends(&pin).to_each(&others[..10]).await;
}

async fn everyone_in_a_group_hears_everyone(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let (node, other) = (world.node(), world.other_node());
    let pin = ana.pins("Green hall").await;
    let group = ana.sends(&pin).to_group(&[&bob, &cleo]).await.conversation;
    let mut phones = [
        ana.on(other).connects().await,
        bob.on(node).connects().await,
        cleo.on(other).connects().await,
    ];

    for (place, (person, at)) in [(&ana, node), (&bob, other), (&cleo, node)]
        .into_iter()
        .enumerate()
    {
        person.on(at).replies(&group, "Hello").await;
        for phone in &mut phones {
            let heard = phone.next_is("message.created").await;
            assert_eq!(heard["data"]["message"]["position"], place + 2);
            assert_eq!(heard["data"]["message"]["sender"]["id"], *person.id);
        }
    }
}

async fn who_is_not_there_is_named_by_their_place(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let people = json!({"user_ids": [bob.id, "1"]});
    let refused = ana.api.post("/v5/conversations", &people).await;
    let refused = refused.is_refused(422, "recipient_unavailable");
    assert_eq!(refused["details"][0]["field"], "user_ids[1]");
}
