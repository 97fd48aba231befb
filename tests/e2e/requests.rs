//! A stranger's first pin: it waits as a request, and whoever sent it cannot tell what becomes of it.

use pinwire_tests::{Answer, Person, Pin, Replica, Socket, Value, World, json, on_both_profiles};

on_both_profiles!(
    a_request_shows_who_asks_and_nothing_to_click,
    all_devices_hear_of_requests,
    the_sender_cannot_tell_what_became_of_it,
    a_policy_is_kept_and_told,
);

/// Whose devices agree.
struct Device {
    replica: Replica,
    socket: Socket,
}

impl Device {
    async fn of(person: &Person) -> Self {
        let replica = Replica::fetch(person).await;
        let socket = person.connects_after(&replica.cursor()).await;
        Self { replica, socket }
    }

    async fn hears(&mut self, kind: &str) -> Value {
        let frame = self.socket.next_is(kind).await;
        self.replica.apply(&frame).await;
        self.replica.is_up_to_date().await;
        frame
    }
}

async fn try_to_send(who: &Person, pin: &Pin, to: &Person, text: &str) -> Answer {
    let recipients = json!([{"user_id": to.id}]);
    who.sends(pin)
        .saying(text)
        .asks("separate", &recipients)
        .await
}

async fn a_request_shows_who_asks_and_nothing_to_click(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    bob.is_wary().await;
    let pin = ana.pins("Green hall").await;
    let text = "See http://evil.example/now or evil.com, 10.30";
    try_to_send(&ana, &pin, &bob, text).await.is(201);
    let list = bob.api.get("/v5/contact_requests").await.is(200);
    let request = &list["items"][0];
    assert_eq!(request["kind"], "direct");
    assert_eq!(request["people"][0]["username"], "ana");
    assert_eq!(request["people"].as_array().map(Vec::len), Some(1));
    assert_eq!(request["pin_image"], "https://img.example/hall.jpg");
    assert_eq!(request["text"], "See […] or […] 10.30");
    let id = request["conversation_id"].as_str().expect("an id");
    let whole = bob
        .api
        .get(&format!("/v5/contact_requests/{id}"))
        .await
        .is(200);
    assert_eq!(whole, *request);
    // By no other way is there anything of it.
    for path in [
        format!("/v5/conversations/{id}"),
        format!("/v5/conversations/{id}/messages"),
        format!("/v5/conversations/{id}/pins"),
    ] {
        bob.api
            .get(&path)
            .await
            .is_refused(404, "conversation_not_found");
    }
    for path in [
        "/v5/conversations?filter=inbox".to_owned(),
        "/v5/heads".to_owned(),
        "/v5/search/messages?query=hall".to_owned(),
        "/v5/search/messages?query=see".to_owned(),
        format!("/v5/pins/{}/conversations", pin.id),
        "/v5/contacts".to_owned(),
    ] {
        assert_eq!(
            bob.api.get(&path).await.is(200)["items"],
            json!([]),
            "{path}"
        );
    }
    let sync = bob.api.get("/v5/sync").await.is(200);
    assert!(!sync.to_string().contains("evil"), "{sync}");
    let page = bob
        .polls(
            &format!(
                "{}:0",
                sync["position"]
                    .as_str()
                    .and_then(|it| it.split(':').next())
                    .expect("an epoch")
            ),
            0,
        )
        .await
        .is(200);
    assert!(!page.to_string().contains("evil"), "{page}");
    assert_eq!(bob.unread().await["requests"], 1);
    assert_eq!(bob.unread().await["messages"], 0);
}

async fn all_devices_hear_of_requests(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    bob.is_wary().await;
    let pin = ana.pins("Green hall").await;
    let mut phone = Device::of(&bob).await;
    let mut page = Device::of(&bob.on(world.other_node())).await;
    let away = phone.replica.clone();
    let mut anas = Device::of(&ana).await;

    let sent = ana.sends(&pin).saying("For the hall?").to(&bob).await;
    let first = sent.conversation.clone();
    anas.hears("message.created").await;
    for device in [&mut phone, &mut page] {
        let heard = device.hears("request.created").await;
        assert_eq!(heard["data"], json!({"conversation_id": first}));
    }
    bob.on(world.other_node())
        .answers(&first, "accept")
        .await
        .is(200);
    for device in [&mut phone, &mut page] {
        let heard = device.hears("request.accepted").await;
        assert_eq!(heard["data"]["message"]["text"], "For the hall?");
        assert_eq!(heard["me"]["unread"]["messages"], 1);
        assert_eq!(heard["me"]["head"]["state"], "minimized");
    }
    // The next that Ana hears is what she writes.
    ana.replies(&first, "Or not?").await;
    anas.hears("message.created").await;
    for device in [&mut phone, &mut page] {
        device.hears("message.created").await;
    }

    // Ignored with a block, and answered by writing.
    let cleos = cleo.pins("Blue hall").await;
    let second = cleo.sends(&cleos).to(&bob).await.conversation;
    phone.hears("request.created").await;
    bob.answers(&second, "ignore?block=true").await.is(204);
    let ignored = phone.socket.next_is("request.ignored").await;
    phone.replica.apply(&ignored).await;
    phone.hears("block.added").await;
    bob.answers(&second, "accept")
        .await
        .is_refused(404, "request_not_found");
    bob.unblocks(&cleo).await;
    phone.hears("block.removed").await;
    let bobs = bob.pins("Red hall").await;
    assert_eq!(bob.sends(&bobs).to(&cleo).await.conversation, second);
    phone.hears("request.accepted").await;
    phone.hears("message.created").await;
    assert_eq!(bob.history(&second).await.len(), 2);

    // A device that was away all the time.
    let mut replica = away;
    let mut later = bob.connects_after(&replica.cursor()).await;
    loop {
        let frame = later.next().await;
        replica.apply(&frame).await;
        if frame["data"]["message"]["sender"]["username"] == "bob"
            && frame["type"] == "message.created"
        {
            break;
        }
    }
    replica.is_up_to_date().await;
}

async fn the_sender_cannot_tell_what_became_of_it(world: &World) {
    let names = ["silent", "ignores", "blocks", "blocked", "nobody"];
    let people = world.people(names).await;
    let [ana] = world.people(["ana"]).await;
    let pin = ana.pins("Green hall").await;
    let [_, ignores, blocks, blocked, nobody] = &people;
    blocked.blocks(&ana).await;
    for person in &people {
        person.is_wary().await;
    }
    let shut = json!({"contact_policy": {"follows_me": "nobody", "everyone": "nobody"}});
    nobody.sets(&shut).await;
    let mut phone = ana.connects().await;
    let mut seen = Vec::new();
    for person in &people {
        let recipients = json!([{"user_id": person.id}]);
        let mut all = Vec::new();
        let send = || ana.sends(&pin);
        let long = "x".repeat(141);
        all.push(send().would("separate", &recipients).await.text);
        send()
            .saying(&long)
            .asks("separate", &recipients)
            .await
            .is_refused(422, "invalid_value");
        let sent = send().to(person).await;
        let id = sent.conversation;
        match person.username.as_str() {
            "ignores" => _ = ignores.answers(&id, "ignore").await.is(204),
            "blocks" => blocks.blocks(&ana).await,
            _ => {}
        }
        all.push(phone.next_is("message.created").await.to_string());
        send()
            .would("separate", &recipients)
            .await
            .is_refused(422, "awaiting_answer");
        send()
            .asks("separate", &recipients)
            .await
            .is_refused(422, "awaiting_answer");
        ana.writing(&id, &json!({"text": "?"}))
            .send()
            .await
            .is_refused(422, "awaiting_answer");
        ana.types(&id).await;
        for path in ["", "/messages", "/pins"] {
            all.push(
                ana.api
                    .get(&format!("/v5/conversations/{id}{path}"))
                    .await
                    .text,
            );
        }
        let about = ana
            .api
            .get(&format!(
                "/v5/pins/{}/contacts?query={}",
                pin.id, person.username
            ))
            .await;
        all.push(about.text);
        // The same, but for who it is, and when.
        let all: Vec<String> = all.into_iter().map(|it| plain(&it, person, &id)).collect();
        seen.push(all);
    }
    for (person, of_them) in people.iter().zip(&seen) {
        assert_eq!(*of_them, seen[0], "{}", person.username);
    }
}

/// Without what is another for each person: ids, names, numbers and times.
fn plain(text: &str, person: &Person, conversation: &str) -> String {
    let mut name = person.username.clone();
    name[..1].make_ascii_uppercase();
    let text = text
        .replace(&person.id, "PERSON")
        .replace(&person.username, "NAME")
        .replace(&name, "NAME")
        .replace(conversation, "CONVERSATION");
    let digits = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c });
    let mut all: String = digits.collect();
    while all.contains("00") {
        all = all.replace("00", "0");
    }
    // Members stand by id.
    let mut parts: Vec<&str> = all.split('{').collect();
    parts.sort_unstable();
    parts.join("{")
}

async fn a_policy_is_kept_and_told(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let mut phone = bob.connects().await;
    let set = json!({"contact_policy": {"everyone": "nobody"}});
    let settings = bob.sets(&set).await;
    let expected = json!({
        "mutual": "inbox", "i_follow": "inbox", "talked_before": "inbox", "follows_me": "inbox", "everyone": "nobody",
    });
    assert_eq!(settings["contact_policy"], expected);
    let told = phone.next_is("settings.updated").await;
    assert_eq!(told["data"]["settings"], settings);
    let path = "/v5/user_account/settings";
    let wrong = json!({"contact_policy": {"everyone": "attic"}});
    bob.api
        .patch(path, &wrong)
        .await
        .is_refused(400, "malformed_body");
    let wrong = json!({"contact_policy": {"strangers": "inbox"}});
    bob.api
        .patch(path, &wrong)
        .await
        .is_refused(400, "unknown_field");
    // The most open one that holds wins.
    ana.follows(&bob).await;
    let pin = ana.pins("Green hall").await;
    ana.sends(&pin).to(&bob).await;
    assert_eq!(bob.unread().await["messages"], 1);
}
