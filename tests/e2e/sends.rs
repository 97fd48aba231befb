//! A pin is sent and arrives.

use pinwire_tests::{Value, World, json, on_both_profiles};

on_both_profiles!(
    a_pin_is_sent_with_a_note_and_answered,
    answer_and_frame_are_whole,
    one_send_goes_to_several_people_apart,
    a_send_that_reaches_nobody_writes_nothing,
    a_dry_run_tells_and_writes_nothing,
    a_received_pin_is_forwarded,
    people_are_named_by_username_and_conversation,
);

async fn a_pin_is_sent_with_a_note_and_answered(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let bob = bob.on(world.other_node());
    let mut bobs_phone = bob.connects().await;
    let pin = ana.pins("Green hall").await;

    let sent = ana.sends(&pin).saying("For the hall?").to(&bob).await;
    let heard = bobs_phone.next_is("message.created").await;
    assert_eq!(heard["prev"], bobs_phone.hello["seq"]);
    assert_eq!(heard["data"]["conversation_id"], *sent.conversation);
    assert_eq!(heard["data"]["message"], sent.message);
    assert_eq!(heard["data"]["message"]["pin"]["pin_id"], *pin.id);
    assert_eq!(heard["me"]["head"]["people"][0]["id"], *ana.id);

    let mut anas_phone = ana.connects().await;
    let answer = bob.replies(&sent.conversation, "Yes!").await;
    assert_eq!(answer["position"], 2);
    let heard = anas_phone.next_is("message.created").await;
    assert_eq!(heard["data"]["message"], answer);
    assert_eq!(heard["me"]["unread"], json!({"messages": 1, "more": false}));
    let history = ana.history(&sent.conversation).await;
    assert_eq!(history, [sent.message, answer]);
    assert_eq!(history, bob.history(&sent.conversation).await);
}

async fn answer_and_frame_are_whole(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let mut bobs_phone = bob.connects().await;
    let pin = ana.pins("Green hall").await;
    let sending = ana.sends(&pin).saying("For the hall?").marked("m-1");
    let sent = sending.to(&bob).await;

    let message = json!({
        "conversation_id": "[conversation_id]", "position": 1, "kind": "user", "links": [], "sender": person("ana", "Ana"),
        "text": "For the hall?", "created_at": "[created_at]", "edited_at": null, "deleted_at": null,
        "reactions": [], "system": null, "version": 1, "board": null, "user": null, "reply_to": null,
        "about_pin_id": null, "forwarded": false,
        "pin": {
            "pin_id": "[pin_id]", "owner_id": "[owner_id]", "title": "Green hall", "description": null,
            "alt_text": null, "link": "https://halls.example/1", "image_url": "https://img.example/hall.jpg",
            "image_width": null, "image_height": null, "dominant_color": null, "pin_state": "live",
            "link_check": {"verdict": "ok", "reasons": [], "click_through": "[click_through]"},
        },
    });
    let mut mine = message.clone();
    mine["client_message_id"] = json!("m-1");
    let answer = json!({"results": [{
        "recipients": [0], "status": "sent", "conversation_id": "[conversation_id]", "message": mine,
    }]});
    assert_eq!(blurred(&sent.answer.body), answer);

    let unread = json!({"messages": 1, "more": false});
    let member = |who, read| json!({"user": who, "read_position": read, "delivered_position": 0, "joined_at": "[joined_at]"});
    let frame = json!({
        "type": "message.created", "seq": "[seq]", "prev": "[prev]", "at": "[at]",
        "data": {
            "conversation_id": "[conversation_id]",
            "message": message,
            "conversation": {
                "id": "[id]", "kind": "direct", "title": null, "created_by": "[created_by]",
                "owner_id": "[owner_id]",
                "created_at": "[created_at]", "last_position": 1, "last_message_at": "[last_message_at]",
                "members": [member(person("ana", "Ana"), 1), member(person("bob", "Bob"), 0)], "version": 1,
            },
        },
        "me": {
            "read_position": 0, "unread": unread, "unread_flag": false, "muted_until": null, "archived": false,
            "hidden": false, "version": 1,
            "head": {
                "conversation_id": "[conversation_id]", "state": "minimized", "device_id": null,
                "kind": "direct", "title": null,
                "people": [person("ana", "Ana")], "people_count": 1, "unread": unread,
                "unread_flag": false, "last_pin_image": "https://img.example/hall.jpg",
                "last_message_at": "[last_message_at]", "activity_seq": "[activity_seq]", "version": 0,
            },
        },
    });
    assert_eq!(blurred(&bobs_phone.next_is("message.created").await), frame);
}

fn person(username: &str, full_name: &str) -> Value {
    json!({"id": "[id]", "username": username, "full_name": full_name, "profile_image": null, "version": 1})
}

/// With the name of the field in place of ids, times and places in the log, which differ from run to run.
fn blurred(value: &Value) -> Value {
    let blur = |(name, value): (&String, &Value)| {
        let differs = match value {
            Value::String(_) => {
                ["created_by", "click_through"].contains(&name.as_str())
                    || name.ends_with("id")
                    || name.ends_with("at")
            }
            Value::Number(_) => ["seq", "prev", "activity_seq"].contains(&name.as_str()),
            _ => false,
        };
        let kept = name == "client_message_id" || !differs;
        let value = if kept {
            blurred(value)
        } else {
            json!(format!("[{name}]"))
        };
        (name.clone(), value)
    };
    match value {
        Value::Object(fields) => fields.iter().map(blur).collect(),
        Value::Array(items) => items.iter().map(blurred).collect(),
        _ => value.clone(),
    }
}

async fn one_send_goes_to_several_people_apart(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    let recipients = json!([
        {"user_id": bob.id},
        {"user_id": "77"},
        {"username": "nobody.here"},
        {"user_id": cleo.id},
        {"username": "bob"},
    ]);

    let answer = ana.sends(&pin).asks("separate", &recipients).await;
    let results = answer.is(201)["results"].clone();
    let told: Vec<_> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|it| json!([it["recipients"], it["status"], it["message"].is_null()]))
        .collect();
    let expected = json!([
        [[0, 4], "sent", false],
        [[1], "unavailable", true],
        [[2], "unavailable", true],
        [[3], "sent", false],
    ]);
    assert_eq!(json!(told), expected);
    assert_ne!(results[0]["conversation_id"], results[3]["conversation_id"]);
    for person in [&bob, &cleo] {
        assert_eq!(person.unread().await["messages"], 1);
    }
}

async fn a_send_that_reaches_nobody_writes_nothing(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let before = world.database.row_counts();

    let nobody = ana
        .sends(&pin)
        .asks("separate", &json!([{"user_id": "77"}]))
        .await;
    nobody.is_refused(422, "nobody_available");
    let group = json!([{"user_id": bob.id}, {"username": "nobody.here"}]);
    let refused = ana.sends(&pin).asks("group", &group).await;
    let details = refused.is_refused(422, "recipient_unavailable")["details"].clone();
    assert_eq!(details[0]["field"], "recipients[1]");
    let none = ana.sends(&pin).asks("separate", &json!([])).await;
    none.is_refused(422, "no_recipients");
    let myself = ana
        .sends(&pin)
        .asks("separate", &json!([{"user_id": ana.id}]))
        .await;
    myself.is_refused(422, "yourself");

    assert_eq!(world.database.row_counts(), before);
}

async fn a_dry_run_tells_and_writes_nothing(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    let sent = ana.sends(&pin).to(&bob).await;
    let other = ana.pins("Red hall").await;
    let before = world.database.row_counts();

    let both = json!([{"user_id": bob.id}, {"user_id": cleo.id}, {"user_id": "77"}]);
    let would = ana.sends(&pin).would("separate", &both).await.is(200);
    let expected = json!({"results": [
        {"recipients": [0], "status": "sent", "conversation_id": sent.conversation, "message": null,
         "conversation": "existing", "already_sent": true},
        {"recipients": [1], "status": "sent", "conversation_id": null, "message": null,
         "conversation": "new", "already_sent": false},
        {"recipients": [2], "status": "unavailable", "conversation_id": null, "message": null},
    ]});
    assert_eq!(would, expected);
    let would = ana
        .sends(&other)
        .would("separate", &json!([{"user_id": bob.id}]))
        .await
        .is(200);
    assert_eq!(would["results"][0]["already_sent"], false);

    assert_eq!(world.database.row_counts(), before);
}

async fn a_received_pin_is_forwarded(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    ana.sends(&pin).to(&bob).await;

    let forwarded = bob.sends(&pin).saying("Look").to(&cleo).await;
    let seen = cleo.history(&forwarded.conversation).await;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0]["pin"]["owner_id"], *ana.id);
    assert_eq!(seen[0]["sender"]["id"], *bob.id);
}

async fn people_are_named_by_username_and_conversation(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let sent = ana
        .sends(&pin)
        .asks("separate", &json!([{"username": "BOB"}]))
        .await
        .is(201);
    let conversation = sent["results"][0]["conversation_id"].clone();

    let by_all_names = json!([{"conversation_id": conversation}, {"user_id": bob.id}]);
    let again = ana
        .sends(&pin)
        .asks("separate", &by_all_names)
        .await
        .is(201);
    assert_eq!(
        again["results"].as_array().unwrap().len(),
        1,
        "the same person gets it once"
    );
    assert_eq!(again["results"][0]["conversation_id"], conversation);
    assert_eq!(again["results"][0]["message"]["position"], 2);
}
