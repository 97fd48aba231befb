//! Conversations revolve around pins: what was sent, what was said about it, what became of it.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use pinwire_tests::{Person, Pin, Value, World, json, on_both_profiles};

on_both_profiles!(
    a_conversation_is_read_by_its_pins,
    a_pin_is_reacted_to,
    a_sent_pin_is_saved,
    a_board_is_made_of_a_conversation,
    everyone_hears_that_a_pin_stands_otherwise,
    a_secret_pin_is_read_through_its_conversation_alone,
    a_board_of_many_pins_is_told_by_a_job,
);

fn ids(pins: &[Value]) -> Vec<&str> {
    let ids = pins.iter().map(|pin| pin["pin"]["pin_id"].as_str());
    ids.map(Option::unwrap).collect()
}

async fn a_conversation_is_read_by_its_pins(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let (hall, lamp) = (ana.pins("Green hall").await, bob.pins("Lamp").await);
    let conversation = ana.sends(&hall).to(&bob).await.conversation;
    bob.writing(&conversation, &json!({"pin_id": lamp.id}))
        .send()
        .await
        .is(201);
    bob.replies_to(&conversation, 1, "Too green").await.is(201);
    ana.writing(&conversation, &json!({"pin_id": hall.id}))
        .send()
        .await
        .is(201);

    let pins = bob.pins_of(&conversation).await;
    assert_eq!(ids(&pins), [hall.id.as_str(), lamp.id.as_str()]);
    let first = &pins[0];
    assert_eq!(
        (&first["times_sent"], &first["replies"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(first["first_sent"]["position"], 1);
    assert_eq!(first["last_sent"]["position"], 4);
    assert_eq!(first["last_sent"]["sender"]["id"], ana.id);
    assert_eq!(
        (&first["pin"]["title"], &first["pin"]["pin_state"]),
        (&json!("Green hall"), &json!("live"))
    );
    let path = format!("/v5/conversations/{conversation}/pins?sort=most_discussed&page_size=1");
    let page = ana.api.get(&path).await.is(200);
    assert_eq!(page["items"][0]["pin"]["pin_id"], hall.id);
    let bookmark = page["bookmark"].as_str().unwrap();
    let next = ana.api.get(&format!("{path}&bookmark={bookmark}")).await;
    let next = next.is(200);
    assert_eq!(next["items"][0]["pin"]["pin_id"], lamp.id);
    assert_eq!(next["bookmark"], Value::Null);

    let path = format!("/v5/conversations/{conversation}/pins/{}/messages", hall.id);
    let page = bob.api.get(&path).await.is(200);
    let positions: Vec<&Value> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["position"])
        .collect();
    assert_eq!(positions, [4, 3, 1]);
    cleo.api
        .get(&path)
        .await
        .is_refused(404, "conversation_not_found");
    let path = format!("/v5/pins/{}/conversations", lamp.id);
    let page = ana.api.get(&path).await.is(200);
    assert_eq!(page["items"][0]["conversation"]["id"], conversation);
    assert_eq!(cleo.api.get(&path).await.is(200)["items"], json!([]));
}

async fn a_pin_is_reacted_to(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let hall = ana.pins("Green hall").await;
    let conversation = ana.sends(&hall).to(&bob).await.conversation;
    let mut anas = ana.on(world.other_node()).connects().await;
    let mut bobs = bob.connects().await;
    for _ in 0..2 {
        let put = bob.reacts_to_pin(&conversation, &hall, "🎉").await;
        put.is(204);
    }
    let heard = anas.next_is("reaction.changed").await;
    let data = &heard["data"];
    assert_eq!(data["conversation_id"], conversation);
    assert_eq!(
        data["pin"],
        json!({"pin_id": hall.id, "reactions": [{"emoji": "🎉", "count": 1}]})
    );
    assert_eq!(data.get("message"), None);
    let heard = bobs.next_is("reaction.changed").await;
    let mine = json!([{"emoji": "🎉", "count": 1, "mine": true}]);
    assert_eq!(heard["me"]["reactions"], mine);
    assert_eq!(bob.pins_of(&conversation).await[0]["reactions"], mine);
    let back = bob.takes_back_from_pin(&conversation, &hall, "🎉").await;
    back.is(204);
    let heard = anas.next_is("reaction.changed").await;
    assert_eq!(heard["data"]["pin"]["reactions"], json!([]));
    let other = bob.pins("Another").await;
    let refused = bob.reacts_to_pin(&conversation, &other, "🎉").await;
    refused.is_refused(404, "pin_not_found");
}

async fn a_sent_pin_is_saved(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let hall = ana.pins("Green hall").await;
    let conversation = ana.sends(&hall).to(&bob).await.conversation;
    let mut anas = ana.on(world.other_node()).connects().await;
    let board = bob.makes_board("Halls", "PUBLIC").await;
    let path = format!("/v5/conversations/{conversation}/messages/1/save");
    let saved = bob.api.post(&path, &json!({"board_id": board})).await;
    let saved = saved.is(201);
    assert_eq!(
        (&saved["parent_pin_id"], &saved["board_id"]),
        (&json!(hall.id), &json!(board))
    );
    let heard = anas.next_is("pin.saved").await;
    assert_eq!(heard["data"]["pin"], json!({"pin_id": hall.id}));
    assert_eq!(heard["data"]["user"]["id"], bob.id);
    let savers = |pins: &[Value]| pins[0]["saved_by"].as_array().unwrap().clone();
    assert_eq!(savers(&ana.pins_of(&conversation).await)[0]["id"], bob.id);
    // Who does not let others know is named to themselves alone.
    ana.sets(&json!({"pin_saved_notice": false})).await;
    let mut bobs = bob.connects().await;
    ana.saves_sent(&conversation, 1).await.is(201);
    anas.hears("own save", |it| it["type"] == "pin.saved").await;
    bobs.hears_nothing(Duration::from_millis(500)).await;
    assert_eq!(savers(&bob.pins_of(&conversation).await).len(), 1);
    assert_eq!(savers(&ana.pins_of(&conversation).await).len(), 2);
    let words = ana.replies(&conversation, "words").await;
    let refused = bob
        .saves_sent(&conversation, words["position"].as_i64().unwrap())
        .await;
    refused.is_refused(422, "no_pin_in_message");
}

async fn a_board_is_made_of_a_conversation(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let (hall, lamp) = (ana.pins("Green hall").await, bob.pins("Lamp").await);
    let conversation = ana.sends(&hall).to(&bob).await.conversation;
    let lamp_message = json!({"pin_id": lamp.id});
    bob.writing(&conversation, &lamp_message)
        .send()
        .await
        .is(201);
    let path = format!("/v5/conversations/{conversation}/board");
    let body = json!({"name": "Our hall", "description": "What we sent", "privacy": "SECRET"});
    let board = bob.api.post(&path, &body).await.is(201);
    assert_eq!(
        (
            &board["pin_count"],
            &board["privacy"],
            &board["owner"]["username"]
        ),
        (&json!(2), &json!("SECRET"), &json!("bob"))
    );
    let pins = format!("/v5/boards/{}/pins", board["id"].as_str().unwrap());
    let page = bob.api.get(&pins).await.is(200);
    let parents: Vec<&Value> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["parent_pin_id"])
        .collect();
    assert_eq!(parents, [&json!(lamp.id), &json!(hall.id)]);
    let again = bob.api.post(&path, &body).await;
    again.is_refused(409, "board_name_taken");
    let one = json!({"name": "Halls", "pin_ids": [hall.id]});
    assert_eq!(ana.api.post(&path, &one).await.is(201)["pin_count"], 1);
    let other = ana.pins("Another").await;
    let never = json!({"name": "Never", "pin_ids": [other.id]});
    let refused = ana.api.post(&path, &never).await;
    refused.is_refused(422, "pin_not_in_conversation");
    let none = json!({"name": "None", "pin_ids": []});
    let refused = ana.api.post(&path, &none).await;
    refused.is_refused(422, "invalid_value");
}

async fn everyone_hears_that_a_pin_stands_otherwise(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let hall = ana.pins("Green hall").await;
    let with_bob = ana.sends(&hall).to(&bob).await.conversation;
    let with_cleo = ana.sends(&hall).to(&cleo).await.conversation;
    let mut bobs = bob.on(world.other_node()).connects().await;
    let mut cleos = cleo.connects().await;
    let changes = [
        (json!({"title": "Greener hall"}), "edited"),
        (
            json!({"link": "https://elsewhere.example/"}),
            "link_changed",
        ),
        (Value::Null, "removed"),
    ];
    for (change, state) in changes {
        if change.is_null() {
            ana.removes_pin(&hall).await;
        } else {
            ana.changes_pin(&hall, &change).await.is(200);
        }
        for (socket, person, conversation) in [
            (&mut bobs, &bob, &with_bob),
            (&mut cleos, &cleo, &with_cleo),
        ] {
            let heard = socket.next_is("pin.state_changed").await;
            assert_eq!(heard["data"]["conversation_id"], *conversation);
            assert_eq!(heard["data"]["pin"], json!({"pin_id": hall.id}));
            let states = &heard["me"]["pin_states"];
            let places = states.as_array().expect("places").len();
            assert_eq!((places, &states[0]["position"]), (1, &json!(1)));
            assert_eq!(states[0]["pin_state"], state);
            assert_eq!(
                states[0]["link"], "https://halls.example/1",
                "as it was sent"
            );
            let message = person.looks_at(conversation, 1).await.is(200);
            assert_eq!(message["pin"]["pin_state"], state);
            assert_eq!(message["pin"]["title"], "Green hall", "as it was sent");
        }
    }
    bobs.hears_nothing(Duration::from_millis(500)).await;
}

async fn a_secret_pin_is_read_through_its_conversation_alone(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let secret = ana.makes_board("Gifts", "SECRET").await;
    let ring = ana.pins_on(&secret, "Ring").await;
    let group = ana.begins_group(&[&bob, &cleo], None).await;
    ana.writing(&group, &json!({"pin_id": ring.id}))
        .send()
        .await
        .is(201);
    let path = format!("/v5/pins/{}", ring.id);
    let seen = bob.api.get(&path).await.is(200);
    assert_eq!(seen.get("board_id"), None);
    assert_eq!(bob.pins_of(&group).await[0]["pin"]["title"], "Ring");
    let refused = bob.saves_sent(&group, 1).await;
    refused.is_refused(403, "pin_is_secret");
    bob.leaves(&group).await.is(204);
    bob.api.get(&path).await.is_refused(404, "pin_not_found");
    let holders = bob.api.get(&format!("{path}/conversations")).await;
    holders.is_refused(404, "pin_not_found");
    cleo.api.get(&path).await.is(200);
}

/// One more than one transaction tells.
const MANY: usize = 501;

async fn a_board_of_many_pins_is_told_by_a_job(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let board = ana.makes_board("Halls", "PUBLIC").await;
    let first = ana.pins("First").await;
    let conversation = ana.sends(&first).to(&bob).await.conversation;
    let sent: HashSet<String> = stream::iter(0..MANY)
        .map(|number| shares_one(&ana, &board, &conversation, number))
        .buffer_unordered(16)
        .map(|pin| pin.id)
        .collect()
        .await;
    assert_eq!(sent.len(), MANY);
    let mut bobs = bob.on(world.other_node()).connects().await;
    let path = format!("/v5/boards/{board}");
    ana.api.delete(&path).await.is(204);
    let mut told = HashSet::new();
    while told.len() < MANY {
        let heard = bobs.next_is("pin.state_changed").await;
        assert_eq!(heard["me"]["pin_states"][0]["pin_state"], "removed");
        let pin = heard["data"]["pin"]["pin_id"].as_str().unwrap().to_owned();
        assert!(sent.contains(&pin), "another pin");
        assert!(told.insert(pin), "told twice");
    }
    bobs.hears_nothing(Duration::from_secs(2)).await;
}

async fn shares_one(ana: &Person, board: &str, conversation: &str, number: usize) -> Pin {
    let pin = ana.pins_on(board, &format!("Hall {number}")).await;
    let message = json!({"pin_id": pin.id});
    ana.writing(conversation, &message).send().await.is(201);
    pin
}
