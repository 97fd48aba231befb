//! Links: what is doubtful reaches nobody but as a click-through, and what is blocked reaches nobody.

use std::time::Duration;

use pinwire_tests::{Person, Replica, Value, World, json, on_both_profiles};
use reqwest::Method;

on_both_profiles!(
    a_link_that_is_in_order_is_shown_and_followed,
    a_doubtful_link_is_a_click_through_by_every_door,
    a_blocked_domain_is_never_delivered,
    links_in_texts_are_judged_as_well,
    what_is_written_on_pins_and_boards_is_judged_as_well,
    a_text_holds_a_bounded_number_of_links,
);

/// The pin card of a message, as a person reads it.
async fn card(person: &Person, conversation: &str) -> Value {
    person.looks_at(conversation, 1).await.is(200)["pin"].clone()
}

async fn a_link_that_is_in_order_is_shown_and_followed(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins_to("https://halls.example/1").await;
    let id = ana.sends(&pin).to(&bob).await.conversation;
    let pin = card(&bob.on(world.other_node()), &id).await;
    assert_eq!(pin["link"], "https://halls.example/1");
    assert_eq!(pin["link_check"]["verdict"], "ok");
    assert_eq!(pin["link_check"]["reasons"], json!([]));
    let click = pin["link_check"]["click_through"].as_str().expect("a path");
    // Who clicks has no token.
    let answer = world.api().get(click).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (302, Some("https://halls.example/1"))
    );
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    let unknown = format!("/v5/links/{}", "0".repeat(64));
    world
        .api()
        .get(&unknown)
        .await
        .is_refused(404, "link_not_found");
}

async fn a_doubtful_link_is_a_click_through_by_every_door(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let bob = bob.on(world.other_node());
    let mut phone = bob.connects().await;
    let link = "https://bit.ly/hall";
    let pin = ana.pins_to(link).await;
    let sent = ana.sends(&pin).to(&bob).await;
    let id = sent.conversation;
    let heard = phone.next_is("message.created").await;
    let of_event = &heard["data"]["message"]["pin"];
    let read = card(&bob, &id).await;
    assert_eq!(*of_event, read);
    assert_eq!(read["link"], Value::Null);
    assert_eq!(read["link_check"]["verdict"], "warn");
    assert_eq!(read["link_check"]["reasons"], json!(["shortener"]));
    let epoch = bob.api.get("/v5/sync").await.is(200)["position"].clone();
    let epoch = epoch
        .as_str()
        .and_then(|it| it.split(':').next())
        .expect("an epoch");
    for path in [
        format!("/v5/conversations/{id}"),
        format!("/v5/conversations/{id}/messages"),
        format!("/v5/conversations/{id}/pins"),
        format!("/v5/conversations/{id}/pins/{}/messages", pin.id),
        format!("/v5/pins/{}", pin.id),
        "/v5/conversations".to_owned(),
        "/v5/sync".to_owned(),
        format!("/v5/events?cursor={epoch}:0"),
    ] {
        let answer = bob.api.get(&path).await.is(200);
        assert!(!answer.to_string().contains("bit.ly"), "{path}: {answer}");
    }
    assert_eq!(
        ana.api.get(&format!("/v5/pins/{}", pin.id)).await.is(200)["link"],
        link
    );
    let click = read["link_check"]["click_through"]
        .as_str()
        .expect("a path");
    let warning = world.api().get(click).await.is(200);
    assert_eq!(
        warning,
        json!({"verdict": "warn", "reasons": ["shortener"], "link": link, "redirects": []})
    );
}

async fn a_blocked_domain_is_never_delivered(world: &World) {
    let [ana, bob, mo] = world.people(["ana", "bob", "mo"]).await;
    let mo = world.appoints(&mo).await;
    let pin = ana.pins_to("https://www.pills.example/1").await;
    let id = ana.sends(&pin).to(&bob).await.conversation;
    let mut bobs = Replica::fetch(&bob).await;
    let mut phone = bob
        .on(world.other_node())
        .connects_after(&bobs.cursor())
        .await;
    let before = card(&bob, &id).await;
    assert_eq!(before["link"], "https://www.pills.example/1");
    let click = before["link_check"]["click_through"]
        .as_str()
        .expect("a path")
        .to_owned();
    let domain = "/v5/moderation/domains/pills.example";
    let blocked = mo
        .api
        .put(domain, &json!({"reason": "pills"}))
        .await
        .is(200);
    assert_eq!(
        (&blocked["domain"], &blocked["reason"]),
        (&json!("pills.example"), &json!("pills"))
    );
    // At once, before anybody is told.
    let after = card(&bob.on(world.other_node()), &id).await;
    assert_eq!(
        (&after["pin_state"], &after["link"]),
        (&json!("blocked"), &Value::Null)
    );
    assert_eq!(
        after["link_check"],
        json!({"verdict": "blocked", "reasons": ["listed_domain"], "click_through": null})
    );
    let warning = world.api().get(&click).await.is(200);
    assert_eq!(
        (&warning["verdict"], &warning["link"]),
        (&json!("blocked"), &Value::Null)
    );
    let heard = phone.next_is("pin.state_changed").await;
    assert_eq!(heard["me"]["pin_states"][0]["pin_state"], "blocked");
    bobs.apply(&heard).await;
    bobs.is_up_to_date().await;
    // What is sent now is sent so.
    let again = ana.sends(&pin).to(&bob).await;
    let message = phone.next_is("message.created").await;
    assert_eq!(message["data"]["message"]["pin"]["pin_state"], "blocked");
    assert!(!message.to_string().contains("www.pills"), "{message}");
    assert_eq!(again.conversation, id);
    mo.api.request(Method::DELETE, domain).send().await.is(204);
    mo.api.get(domain).await.is_refused(404, "domain_not_found");
    let heard = phone.next_is("pin.state_changed").await;
    assert_eq!(
        heard["me"]["pin_states"][0]["link"],
        "https://www.pills.example/1"
    );
    phone.hears_nothing(Duration::from_millis(500)).await;
    assert_eq!(card(&bob, &id).await, before);
}

async fn links_in_texts_are_judged_as_well(world: &World) {
    let [ana, bob, mo] = world.people(["ana", "bob", "mo"]).await;
    let bob = bob.on(world.other_node());
    let mo = world.appoints(&mo).await;
    let pin = ana.pins("Hall").await;
    let id = ana.sends(&pin).to(&bob).await.conversation;
    let mut phone = bob.connects().await;
    ana.replies(&id, "See halls.example.com/1, or (bit.ly/x) www.pills.com")
        .await;
    let heard = phone.next_is("message.created").await;
    let message = &heard["data"]["message"];
    let links = json!([
        {"text": "halls.example.com/1", "verdict": "ok", "reasons": []},
        {"text": "bit.ly/x", "verdict": "warn", "reasons": ["shortener"]},
        {"text": "www.pills.com", "verdict": "ok", "reasons": []},
    ]);
    assert_eq!(message["links"], links);
    let read = bob.looks_at(&id, 2).await.is(200);
    assert_eq!(read["links"], links);

    let domain = "/v5/moderation/domains/pills.com";
    mo.api
        .put(domain, &json!({"reason": "pills"}))
        .await
        .is(200);
    let hidden = "See halls.example.com/1, or (bit.ly/x) […]";
    let read = bob.looks_at(&id, 2).await.is(200);
    assert_eq!(read["text"], hidden);
    assert_eq!(
        read["links"][2],
        json!({"text": "[…]", "verdict": "blocked", "reasons": ["listed_domain"]})
    );
    // What is written now is heard so, and what is changed, quoted or passed on.
    let answer = json!({"text": "No pills.com/x!", "reply_to": 2});
    let answered = ana.writing(&id, &answer).send().await.is(201);
    let heard = phone.next_is("message.created").await;
    let message = &heard["data"]["message"];
    assert_eq!(message["text"], "No […]");
    assert_eq!(message["reply_to"]["quote"]["text"], hidden);
    assert_eq!(answered["text"], "No […]");
    let edited = ana.edits(&id, 3, "Or pi\u{200b}lls.com").await.is(200);
    assert_eq!(edited["text"], "Or […]");
    let heard = phone.next_is("message.edited").await;
    assert_eq!(heard["data"]["message"]["text"], "Or […]");
    ana.forwards(&id, 2, &json!([{"user_id": bob.id}])).await;
    for path in [
        format!("/v5/conversations/{id}"),
        format!("/v5/conversations/{id}/messages"),
        format!("/v5/conversations/{id}/messages/3/revisions"),
        "/v5/conversations".to_owned(),
        "/v5/search/messages?query=pills".to_owned(),
    ] {
        let answer = bob.api.get(&path).await.is(200);
        assert!(
            !answer.to_string().contains("pills.com"),
            "{path}: {answer}"
        );
    }
    // Nothing was lost: it was hidden.
    mo.api.request(Method::DELETE, domain).send().await.is(204);
    let read = bob.looks_at(&id, 2).await.is(200);
    assert_eq!(read["links"], links);
    let texts = bob
        .api
        .get(&format!("/v5/conversations/{id}/messages/3/revisions"))
        .await
        .is(200);
    assert_eq!(texts["items"][0]["text"], "No pills.com/x!");
}

async fn what_is_written_on_pins_and_boards_is_judged_as_well(world: &World) {
    let [ana, bob, mo] = world.people(["ana", "bob", "mo"]).await;
    let bob = bob.on(world.other_node());
    let mo = world.appoints(&mo).await;
    let pin = ana.pins("Cheap at pills.com today").await;
    let id = ana.sends(&pin).to(&bob).await.conversation;
    let board = ana.makes_board("All of pills.com", "PUBLIC").await;
    let shared = json!({"board_id": board});
    ana.writing(&id, &shared).send().await.is(201);
    let answer = json!({"text": "Look", "reply_to": 1});
    ana.writing(&id, &answer).send().await.is(201);
    let domain = "/v5/moderation/domains/pills.com";
    mo.api.put(domain, &json!({})).await.is(200);
    let doors = [
        format!("/v5/conversations/{id}"),
        format!("/v5/conversations/{id}/messages"),
        format!("/v5/conversations/{id}/pins"),
        "/v5/conversations".to_owned(),
    ];
    for path in &doors {
        let answer = bob.api.get(path).await.is(200).to_string();
        assert!(!answer.contains("pills.com"), "{path}: {answer}");
    }
    assert_eq!(card(&bob, &id).await["title"], "Cheap at […] today");
    let mut phone = bob.connects().await;
    ana.sends(&pin).to(&bob).await;
    let heard = phone.next_is("message.created").await;
    let title = &heard["data"]["message"]["pin"]["title"];
    assert_eq!(title, "Cheap at […] today");
    // Moderators see what was written.
    let subject = json!({"kind": "message", "conversation_id": id, "position": 2});
    let report = json!({"subject": subject, "category": "spam"});
    bob.api.post("/v5/reports", &report).await.is(201);
    let queue = mo.api.get("/v5/moderation/reports").await.is(200);
    let number = queue["items"][0]["id"].as_str().expect("an id");
    let path = format!("/v5/moderation/reports/{number}");
    let case = mo.api.get(&path).await.is(200).to_string();
    assert!(case.contains("Cheap at pills.com today"), "{case}");
    assert!(case.contains("All of pills.com"), "{case}");
    // Nothing was lost: it was hidden.
    mo.api.request(Method::DELETE, domain).send().await.is(204);
    let shown = card(&bob, &id).await;
    assert_eq!(shown["title"], "Cheap at pills.com today");
}

async fn a_text_holds_a_bounded_number_of_links(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let id = ana
        .sends(&ana.pins("Hall").await)
        .to(&bob)
        .await
        .conversation;
    let most = world.api().get("/v5/limits").await.is(200)["message_links"]
        .as_u64()
        .expect("a number");
    let many = "a.com ".repeat(usize::try_from(most).expect("a small number"));
    let message = ana.replies(&id, &many).await;
    assert_eq!(message["links"].as_array().map(Vec::len), Some(20));
    for (text, position) in [(format!("{many} b.com"), 2)] {
        let refused = ana.writing(&id, &json!({"text": text})).send().await;
        refused.is_refused(422, "invalid_value");
        let refused = ana.edits(&id, position, &text).await;
        refused.is_refused(422, "invalid_value");
    }
    assert_eq!(ana.looks_at(&id, 2).await.is(200)["text"], many);
}
