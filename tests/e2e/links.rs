//! Links: what is doubtful reaches nobody but as a click-through, and what is blocked reaches nobody.

use std::time::Duration;

use pinwire_tests::{Person, Replica, Value, World, json, on_both_profiles};
use reqwest::Method;

on_both_profiles!(
    a_link_that_is_in_order_is_shown_and_followed,
    a_doubtful_link_is_a_click_through_by_every_door,
    a_blocked_domain_is_never_delivered,
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
