//! The people to choose from.

use pinwire_tests::{Answer, Value, World, json, on_both_profiles};

on_both_profiles!(
    contacts_follow_from_what_people_do,
    the_chooser_knows_who_has_the_pin,
    contacts_are_found_by_the_beginning_of_a_word,
);

/// Each contact with the reasons.
fn listed(answer: Answer) -> Value {
    let page = answer.is(200);
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|it| json!([it["user"]["username"], it["reasons"]]))
        .collect()
}

async fn contacts_follow_from_what_people_do(world: &World) {
    let [ana, bob, cleo, dan, eve] = world.people(["ana", "bob", "cleo", "dan", "eve"]).await;
    assert_eq!(listed(ana.api.get("/v5/contacts").await), json!([]));

    eve.follows(&ana).await;
    ana.follows(&dan).await;
    ana.follows(&cleo).await;
    cleo.follows(&ana).await;
    let followed = listed(ana.on(world.other_node()).api.get("/v5/contacts").await);
    let expected = json!([
        ["cleo", ["mutual"]],
        ["dan", ["i_follow"]],
        ["eve", ["follows_me"]]
    ]);
    assert_eq!(followed, expected);

    let pin = ana.pins("Green hall").await;
    ana.sends(&pin).to(&bob).await;
    let first = listed(ana.api.get("/v5/contacts?page_size=1").await);
    assert_eq!(
        first,
        json!([["bob", ["recent"]]]),
        "whom one talks with comes first"
    );
    let following = ana.api.get("/v5/user_account/following").await.is(200);
    let names: Vec<_> = following["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["username"])
        .collect();
    assert_eq!(names, ["cleo", "dan"], "who was followed last comes first");
}

async fn the_chooser_knows_who_has_the_pin(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    ana.follows(&cleo).await;
    let pin = ana.pins("Green hall").await;
    let path = format!("/v5/pins/{}/contacts", pin.id);
    ana.sends(&pin).to(&bob).await;

    let chooser = ana.api.get(&path).await.is(200);
    let already: Vec<_> = chooser["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| json!([it["user"]["username"], it["already_sent"]]))
        .collect();
    assert_eq!(json!(already), json!([["bob", true], ["cleo", false]]));
    let other = ana.pins("Red hall").await;
    let chooser = ana
        .api
        .get(&format!("/v5/pins/{}/contacts", other.id))
        .await
        .is(200);
    assert_eq!(chooser["items"][0]["already_sent"], false);
    let board = bob.makes_board("Surprise", "SECRET").await;
    let secret = bob.pins_on(&board, "Ring").await;
    let hidden = ana
        .api
        .get(&format!("/v5/pins/{}/contacts", secret.id))
        .await;
    hidden.is_refused(404, "pin_not_found");
}

async fn contacts_are_found_by_the_beginning_of_a_word(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    for person in [&bob, &cleo] {
        ana.follows(person).await;
    }
    bob.is_called("Róbert Núñez").await;
    for (query, found) in [
        ("nun", json!([["bob", ["i_follow"]]])),
        ("ROB%20N%C3%9A", json!([["bob", ["i_follow"]]])),
        ("cl", json!([["cleo", ["i_follow"]]])),
        ("ert", json!([])),
    ] {
        let path = format!("/v5/contacts?query={query}");
        assert_eq!(listed(ana.api.get(&path).await), found, "{query}");
    }
    let too_long = format!("/v5/contacts?query={}", "a".repeat(101));
    ana.api
        .get(&too_long)
        .await
        .is_refused(422, "invalid_value");
}
