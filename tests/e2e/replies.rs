//! People answer messages, share boards and profiles, and pass messages on.

use pinwire_tests::{Replica, Value, World, eventually, json, on_both_profiles};
use reqwest::Method;

on_both_profiles!(
    an_answer_shows_what_it_answers,
    a_quote_is_kept_from_who_may_not_see_it,
    who_joined_later_hears_no_quote_by_any_door,
    a_token_that_only_writes_is_shown_no_quote,
    a_text_is_about_a_pin_of_the_conversation,
    boards_and_profiles_are_shared,
    a_message_is_passed_on,
    what_cannot_be_taken_up_is_refused,
);

async fn an_answer_shows_what_it_answers(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let sent = ana.sends(&pin).saying("For us?").to(&bob).await;
    let conversation = sent.conversation;
    let mut anas_phone = ana.on(world.other_node()).connects().await;

    let answer = bob.replies_to(&conversation, 1, "Lovely").await.is(201);
    let reply = &answer["reply_to"];
    assert_eq!(reply["position"], 1);
    let quote = &reply["quote"];
    assert_eq!(
        (&quote["text"], &quote["sender"]["id"]),
        (&json!("For us?"), &json!(ana.id))
    );
    let thing = json!({
        "kind": "pin", "id": pin.id, "title": "Green hall", "image_url": "https://img.example/hall.jpg",
    });
    assert_eq!(quote["carries"], thing);
    assert_eq!(answer["about_pin_id"], pin.id);
    let heard = anas_phone.next_is("message.created").await;
    assert_eq!(heard["data"]["message"]["reply_to"], *reply);
    assert_eq!(ana.looks_at(&conversation, 2).await.is(200), answer);

    let long = "x".repeat(300);
    ana.edits(&conversation, 1, &long).await.is(200);
    let shown = bob.looks_at(&conversation, 2).await.is(200);
    let text = format!("{}…", &long[..200]);
    assert_eq!(shown["reply_to"]["quote"]["text"], text);
    assert_eq!(shown["version"], answer["version"]);
    ana.deletes(&conversation, 1, "everyone").await.is(204);
    let path = format!("/v5/conversations/{conversation}");
    let item = bob.api.get(&path).await.is(200);
    let quote = &item["last_message"]["reply_to"]["quote"];
    assert!(quote["deleted_at"].is_string());
    assert_eq!(
        (&quote["text"], &quote["carries"]),
        (&Value::Null, &Value::Null)
    );
}

async fn a_quote_is_kept_from_who_may_not_see_it(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let group = ana.begins_group(&[&bob, &cleo], None).await;
    ana.replies(&group, "Dinner at eight").await;
    bob.deletes(&group, 1, "me").await.is(204);
    let mut bobs_phone = bob.on(world.other_node()).connects().await;
    let mut cleos_phone = cleo.on(world.other_node()).connects().await;

    let answer = cleo.replies_to(&group, 1, "I am in").await.is(201);
    let quote = &answer["reply_to"]["quote"];
    assert_eq!(quote["text"], "Dinner at eight");
    for (phone, shown) in [(&mut cleos_phone, quote), (&mut bobs_phone, &Value::Null)] {
        let heard = phone.next_is("message.created").await;
        assert_eq!(heard["data"]["message"]["reply_to"]["quote"], *shown);
    }
    // The same by every way of reading.
    for (person, shown) in [(&ana, quote), (&bob, &Value::Null)] {
        let path = format!("/v5/conversations/{group}");
        let item = person.api.get(&path).await.is(200);
        let history = person.history(&group).await;
        for message in [&item["last_message"], history.last().unwrap()] {
            assert_eq!(message["reply_to"]["position"], 1);
            assert_eq!(message["reply_to"]["quote"], *shown);
        }
    }
}

async fn who_joined_later_hears_no_quote_by_any_door(world: &World) {
    let [ana, bob, cleo, dan] = world.people(["ana", "bob", "cleo", "dan"]).await;
    let group = ana.begins_group(&[&bob, &cleo], None).await;
    ana.replies(&group, "Dinner at eight").await;
    dan.follows(&ana).await;
    ana.adds(&group, &[&dan], "from_join").await.is(200);
    let cursor = Replica::fetch(&dan).await.cursor();
    let mut phone = dan.connects_after(&cursor).await;
    let mut page = dan.on(world.other_node()).listens_after(&cursor).await;

    let early = dan.replies_to(&group, 1, "What?").await;
    early.is_refused(404, "message_not_found");
    let answer = bob.replies_to(&group, 1, "Gnocchi again").await.is(201);
    assert_eq!(answer["reply_to"]["quote"]["text"], "Dinner at eight");

    let found = async || {
        let found = dan.api.get("/v5/search/messages?query=gnocchi").await;
        let first = found.is(200)["items"].get(0).cloned();
        first.map(|message| json!({"data": {"message": message}}))
    };
    let events = dan.polls(&cursor, 5).await.is(200);
    let path = format!("/v5/conversations/{group}");
    let item = dan.api.get(&path).await.is(200);
    let history = dan.history(&group).await;
    let heard = [
        phone.next_is("message.created").await,
        page.next().await,
        events["items"][0].clone(),
        json!({"data": {"message": item["last_message"]}}),
        json!({"data": {"message": history.last()}}),
        eventually("the answer is found", found).await.0,
    ];
    for frame in heard {
        let message = &frame["data"]["message"];
        assert_eq!(message["text"], "Gnocchi again");
        assert_eq!(message["reply_to"], json!({"position": 1, "quote": null}));
        assert!(!frame.to_string().contains("Dinner"));
    }
}

async fn a_token_that_only_writes_is_shown_no_quote(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let sent = ana.sends(&pin).saying("For us?").to(&bob).await;
    let form = [
        ("grant_type", "password"),
        ("username", "bob"),
        ("password", "correct horse battery"),
        ("scope", "messages:write"),
    ];
    let asking = world.api().request(Method::POST, "/v5/oauth/token");
    let tokens = asking.form(&form).send().await.is(200);
    let writer = bob.with_tokens(&tokens);
    let id = &sent.conversation;
    let said = writer.replies_to(id, 1, "Lovely").await.is(201);
    let edited = writer.edits(id, 2, "Lovely!").await.is(200);
    for message in [said, edited] {
        assert_eq!(message["reply_to"], json!({"position": 1, "quote": null}));
    }
}

async fn a_text_is_about_a_pin_of_the_conversation(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let (hall, attic) = (ana.pins("Green hall").await, ana.pins("Attic").await);
    let conversation = ana.sends(&hall).to(&bob).await.conversation;

    let about = |pin: &str| json!({"text": "Too green", "about_pin_id": pin});
    let said = bob.writing(&conversation, &about(&hall.id)).send().await;
    assert_eq!(said.is(201)["about_pin_id"], hall.id);
    let other = bob.writing(&conversation, &about(&attic.id)).send().await;
    other.is_refused(422, "pin_not_in_conversation");
    let answer = ana.replies_to(&conversation, 2, "Is it?").await.is(201);
    assert_eq!(answer["about_pin_id"], hall.id);
}

async fn boards_and_profiles_are_shared(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let halls = ana.makes_board("Halls", "PUBLIC").await;
    ana.pins_on(&halls, "Red hall").await;
    let rings = ana.makes_board("Rings", "SECRET").await;
    ana.pins_on(&rings, "Gold").await;
    let mut bobs_phone = bob.on(world.other_node()).connects().await;

    let share = json!({"board_id": halls, "text": "All of them"});
    let shared = ana.writing(&conversation, &share).send().await.is(201);
    let board = &shared["board"];
    assert_eq!(
        (&board["board_id"], &board["name"], &board["board_state"]),
        (&json!(halls), &json!("Halls"), &json!("open"))
    );
    assert_eq!(board["owner"]["username"], "ana");
    assert_eq!(
        (&board["pin_count"], &board["image_url"]),
        (&json!(1), &json!("https://img.example/hall.jpg"))
    );
    let heard = bobs_phone.next_is("message.created").await;
    assert_eq!(heard["data"]["message"]["board"], *board);

    let share = json!({"board_id": rings});
    let others = bob.writing(&conversation, &share).send().await;
    others.is_refused(404, "board_not_found");
    let shared = ana.writing(&conversation, &share).send().await.is(201);
    let board = &shared["board"];
    assert_eq!(
        (&board["board_state"], &board["image_url"]),
        (&json!("secret"), &Value::Null)
    );
    let path = format!("/v5/boards/{rings}");
    bob.api.get(&path).await.is_refused(404, "board_not_found");
    ana.api.delete(&path).await.is(204);
    let shown = bob.looks_at(&conversation, 3).await.is(200);
    assert_eq!(shown["board"]["board_state"], "removed");

    let share = json!({"user_id": cleo.id});
    let shared = ana.writing(&conversation, &share).send().await.is(201);
    assert_eq!(shared["user"]["username"], "cleo");
    cleo.is_called("Cleo Kaya").await;
    let shown = bob.looks_at(&conversation, 4).await.is(200);
    assert_eq!(shown["user"]["full_name"], "Cleo Kaya");
    let none = ana.writing(&conversation, &json!({"user_id": "99"}));
    none.send().await.is_refused(404, "user_not_found");
    let both = json!({"user_id": cleo.id, "pin_id": pin.id});
    let both = ana.writing(&conversation, &both).send().await;
    both.is_refused(400, "malformed_body");
}

async fn a_message_is_passed_on(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    let sent = ana.sends(&pin).saying("For us?").to(&bob).await;
    let from = sent.conversation;
    let group = bob.begins_group(&[&ana, &cleo], None).await;
    let mut cleos_phone = cleo.on(world.other_node()).connects().await;

    let to = json!([{"username": "cleo"}, {"conversation_id": group}, {"user_id": "99"}]);
    let passed = bob.forwards(&from, 1, &to).await.is(201);
    let results = passed["results"].as_array().unwrap();
    let statuses: Vec<_> = results.iter().map(|it| &it["status"]).collect();
    assert_eq!(statuses, ["sent", "sent", "unavailable"]);
    for result in &results[..2] {
        let message = &result["message"];
        assert_eq!(
            (&message["forwarded"], &message["text"]),
            (&json!(true), &json!("For us?"))
        );
        assert_eq!(message["sender"]["id"], bob.id);
        assert_eq!(message["pin"]["pin_id"], pin.id);
        let heard = cleos_phone.next_is("message.created").await;
        assert_eq!(heard["data"]["conversation_id"], result["conversation_id"]);
        assert_eq!(heard["data"]["message"]["forwarded"], true);
    }
    assert_eq!(sent.message["forwarded"], false);
    // A repeat finds what was sent.
    let twice = json!({"recipients": [{"user_id": cleo.id}], "client_message_id": "f-1"});
    let path = format!("/v5/conversations/{from}/messages/1/forward");
    let first = bob.api.post(&path, &twice).await.is(201);
    let second = bob.api.post(&path, &twice).await.is(201);
    assert_eq!(first, second);
}

async fn what_cannot_be_taken_up_is_refused(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let rings = ana.makes_board("Rings", "SECRET").await;
    let ring = ana.pins_on(&rings, "Gold").await;
    let conversation = ana.sends(&ring).to(&bob).await.conversation;
    let group = ana.begins_group(&[&bob, &cleo], None).await;
    ana.names(&group, Some("Halls")).await.is(200);

    let to_cleo = json!([{"user_id": cleo.id}]);
    let secret = bob.forwards(&conversation, 1, &to_cleo).await;
    secret.is_refused(403, "pin_is_secret");
    let none = bob.forwards(&conversation, 2, &to_cleo).await;
    none.is_refused(404, "message_not_found");
    let stranger = cleo.forwards(&conversation, 1, &to_cleo).await;
    stranger.is_refused(422, "yourself");
    let to_ana = json!([{"user_id": ana.id}]);
    let stranger = cleo.forwards(&conversation, 1, &to_ana).await;
    stranger.is_refused(404, "conversation_not_found");
    let nobody = bob.forwards(&conversation, 1, &json!([])).await;
    nobody.is_refused(422, "no_recipients");
    let system = bob.forwards(&group, 1, &to_cleo).await;
    system.is_refused(422, "system_message");
    let system = bob.replies_to(&group, 1, "Nice").await;
    system.is_refused(422, "system_message");
    let none = bob.replies_to(&conversation, 2, "What?").await;
    none.is_refused(404, "message_not_found");
    let nowhere = bob.replies_to(&conversation, 0, "What?").await;
    nowhere.is_refused(422, "invalid_value");
    ana.deletes(&conversation, 1, "everyone").await.is(204);
    let gone = bob.replies_to(&conversation, 1, "What?").await;
    gone.is_refused(409, "message_deleted");
    let gone = ana.forwards(&conversation, 1, &to_cleo).await;
    gone.is_refused(409, "message_deleted");
}
