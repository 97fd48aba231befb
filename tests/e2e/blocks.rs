//! Blocks: fourteen ways to somebody who does not want to hear, all of them shut, and nothing to notice.

use std::time::Duration;

use pinwire_tests::{Person, Pin, Replica, Socket, Value, World, json, on_both_profiles};

on_both_profiles!(
    nothing_of_the_blocked_arrives_by_any_way,
    no_sign_of_the_blocked_arrives_either,
    the_blocked_notice_nothing,
    devices_agree_while_others_are_blocked,
    what_is_no_block_is_refused,
);

/// Ana, whom Bob will block, and Cleo, whom both know.
struct Stage {
    ana: Person,
    bob: Person,
    cleo: Person,
    /// Ana's.
    pin: Pin,
    direct: String,
    /// Of all three.
    group: String,
    /// Where Cleo writes to Bob.
    aside: String,
    bobs: Replica,
    phone: Socket,
}

impl Stage {
    async fn set(world: &World) -> Self {
        let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
        let bob = bob.on(world.other_node());
        let pin = ana.pins("Green hall").await;
        let direct = ana.sends(&pin).to(&bob).await.conversation;
        bob.replies(&direct, "Nice").await;
        let group = ana.sends(&pin).to_group(&[&bob, &cleo]).await.conversation;
        bob.replies(&group, "For the hall?").await;
        let cleos = cleo.pins("Blue hall").await;
        let aside = cleo.sends(&cleos).to(&bob).await.conversation;
        bob.replies(&aside, "Thanks").await;
        let bobs = Replica::fetch(&bob).await;
        let phone = bob.connects_after(&bobs.cursor()).await;
        Self {
            ana,
            bob,
            cleo,
            pin,
            direct,
            group,
            aside,
            bobs,
            phone,
        }
    }

    /// Bob blocks Ana.
    async fn block(&mut self) {
        self.bob.blocks(&self.ana).await;
        let frame = self.phone.next_is("block.added").await;
        assert_eq!(frame["data"]["user"]["id"], *self.ana.id);
        self.bobs.apply(&frame).await;
        self.bobs.is_up_to_date().await;
    }

    /// Nothing came to Bob by `way`: the next that he hears is Cleo.
    async fn bob_heard_nothing(&mut self, way: &str) {
        let frame = self.bob_hears_only_cleo(way).await;
        self.bobs.apply(&frame).await;
        self.bobs.is_up_to_date().await;
    }

    async fn bob_hears_only_cleo(&mut self, way: &str) -> Value {
        let written = self.cleo.replies(&self.aside, way).await;
        let frame = self.phone.next().await;
        let text = &frame["data"]["message"]["text"];
        assert_eq!(*text, written["text"], "{way}: {frame}");
        frame
    }
}

/// What Bob's app shows of the conversations he shares with Ana.
async fn shown(stage: &Stage) -> Vec<Value> {
    let mut all = Vec::new();
    for id in [&stage.direct, &stage.group] {
        let path = format!("/v5/conversations/{id}");
        let mut item = stage.bob.api.get(&path).await.is(200);
        // Counts also what others put to the message.
        item["last_message"]["version"].take();
        all.push(item);
    }
    all
}

async fn nothing_of_the_blocked_arrives_by_any_way(world: &World) {
    let mut stage = Stage::set(world).await;
    let [dan] = world.people(["dan"]).await;
    stage.block().await;
    let before = shown(&stage).await;
    let (direct, group) = (stage.direct.clone(), stage.group.clone());
    let ana = stage.ana.clone();
    let share = json!({"user_id": ana.id});

    ana.replies(&direct, "hall 1").await;
    ana.sends(&stage.pin).to(&stage.bob).await;
    stage.bob_heard_nothing("direct").await;

    ana.sends(&stage.pin).to_group(&[&stage.bob, &dan]).await;
    stage.bob_heard_nothing("new group").await;

    let others = ana.sends(&stage.pin).to_group(&[&stage.cleo, &dan]).await;
    let added = ana
        .adds(&others.conversation, &[&stage.bob], "all")
        .await
        .is(200);
    assert_eq!(added["results"][0]["status"], "asked");
    stage.bob_heard_nothing("invite").await;

    ana.replies(&group, "hall 2").await;
    stage.bob_heard_nothing("shared group").await;

    for conversation in [&direct, &group] {
        ana.reacts(conversation, 2, "👎").await.is(204);
        ana.takes_back(conversation, 2, "👎").await.is(204);
        ana.reacts(conversation, 2, "👍").await.is(204);
        ana.reacts_to_pin(conversation, &stage.pin, "👍")
            .await
            .is(204);
    }
    stage.bob_heard_nothing("reaction").await;

    for conversation in [&direct, &group] {
        ana.replies_to(conversation, 2, "hall 3").await.is(201);
    }
    stage.bob_heard_nothing("reply").await;

    for conversation in [&direct, &group] {
        ana.writing(conversation, &share).send().await.is(201);
    }
    stage.bob_heard_nothing("profile share").await;
    assert_eq!(shown(&stage).await, before);
}

async fn no_sign_of_the_blocked_arrives_either(world: &World) {
    let mut stage = Stage::set(world).await;
    let [dan] = world.people(["dan"]).await;
    stage.block().await;
    let watch = json!({"type": "presence.watch", "user_ids": [stage.ana.id]});
    assert_eq!(stage.phone.asks(watch).await["type"], "ok");
    let before = shown(&stage).await;
    let (direct, group) = (stage.direct.clone(), stage.group.clone());
    let ana = stage.ana.clone();
    ana.replies(&group, "hall 1").await;
    for conversation in [&direct, &group] {
        ana.types(conversation).await;
    }
    stage.bob_heard_nothing("typing").await;

    let phone = ana.connects().await;
    stage.bob_heard_nothing("presence").await;
    drop(phone);

    for conversation in [&direct, &group] {
        ana.reads(conversation, 2).await;
    }
    stage.bob_heard_nothing("read receipts").await;

    assert_eq!(shown(&stage).await, before);
    ana.is_called("Look here, Bob").await;
    stage.bob_hears_only_cleo("profile change").await;
    // Her new name shows only where he asks for what she wrote before.
    stage.bobs = Replica::fetch(&stage.bob).await;

    // Somebody who never talked with him.
    stage.bob.blocks(&dan).await;
    let frame = stage.phone.next_is("block.added").await;
    stage.bobs.apply(&frame).await;
    let dans = dan.pins("Red hall").await;
    dan.sends(&dans).to(&stage.bob).await;
    stage.bob_heard_nothing("request").await;

    // What he finds, and whom he may choose from.
    let found = stage
        .bob
        .api
        .get("/v5/search/messages?query=hall")
        .await
        .is(200);
    let of_ana = |it: &Value| it["message"]["sender"]["id"] == *ana.id;
    let found = found["items"].as_array().expect("a list").iter();
    assert_eq!(found.filter(|it| of_ana(it)).count(), 0, "search");
    let contacts = stage.bob.api.get("/v5/contacts").await.is(200);
    let names: Vec<&Value> = contacts["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| &it["user"]["username"])
        .collect();
    assert_eq!(names, ["cleo"], "contacts");

    for id in [&direct, &group] {
        let seen = stage.bob.history(id).await;
        assert_eq!(seen.len(), 2, "{seen:?}");
    }
}

async fn the_blocked_notice_nothing(world: &World) {
    let mut stage = Stage::set(world).await;
    let mut anas = Replica::fetch(&stage.ana).await;
    let mut phone = stage.ana.connects_after(&anas.cursor()).await;
    let before = stage.ana.api.get("/v5/contacts").await.is(200);
    stage.block().await;
    let (direct, group) = (stage.direct.clone(), stage.group.clone());
    let bob = &stage.bob;

    // What she does is answered as ever, and her devices say so.
    for conversation in [&direct, &group] {
        let written = stage.ana.replies(conversation, "Are you there?").await;
        let frame = phone.next_is("message.created").await;
        assert_eq!(frame["data"]["message"]["position"], written["position"]);
        anas.apply(&frame).await;
        stage.ana.reacts(conversation, 2, "👍").await.is(204);
        let frame = phone.next_is("reaction.changed").await;
        anas.apply(&frame).await;
        anas.is_up_to_date().await;
    }
    let would = stage.ana.sends(&stage.pin);
    let would = would
        .would("separate", &json!([{"user_id": bob.id}]))
        .await
        .is(200);
    assert_eq!(would["results"][0]["status"], "sent", "{would}");

    // What he does in their group she sees as ever.
    bob.replies(&group, "Fine").await;
    anas.apply(&phone.next_is("message.created").await).await;
    bob.reacts(&group, 1, "👍").await.is(204);
    anas.apply(&phone.next_is("reaction.changed").await).await;
    stage.cleo.replies(&group, "Good").await;
    anas.apply(&phone.next_is("message.created").await).await;
    bob.reads(&group, 5).await;
    anas.apply(&phone.next_is("read.updated").await).await;
    bob.is_called("Robert").await;
    anas.apply(&phone.next_is("user.updated").await).await;
    anas.is_up_to_date().await;

    // He is where he was: among those to send to, and to be found.
    let after = stage.ana.api.get("/v5/contacts").await.is(200);
    assert_eq!(
        after["items"].as_array().map(Vec::len),
        before["items"].as_array().map(Vec::len)
    );
    stage.ana.api.get("/v5/users/bob").await.is(200);
    assert_eq!(stage.ana.history(&direct).await.len(), 3);

    // Taken back, she hears nothing of that either, and what she wrote meanwhile stays away.
    bob.unblocks(&stage.ana).await;
    phone.hears_nothing(Duration::from_millis(200)).await;
    assert_eq!(bob.history(&direct).await.len(), 2);
    stage.ana.replies(&direct, "Hello?").await;
    assert_eq!(bob.history(&direct).await.len(), 3);
}

async fn devices_agree_while_others_are_blocked(world: &World) {
    let mut stage = Stage::set(world).await;
    let mut away = stage.bobs.clone();
    stage.block().await;
    let (direct, group) = (stage.direct.clone(), stage.group.clone());
    stage.ana.replies(&group, "One").await;
    stage.cleo.replies(&group, "Two").await;
    stage.ana.replies(&group, "Three").await;
    stage.bob.closes_head(&direct).await;
    stage.bob.arranges(&group, &json!({"hidden": true})).await;
    stage.ana.replies(&group, "Four").await;
    stage.ana.replies(&direct, "Five").await;
    stage.bob.names(&group, Some("Hall")).await.is(200);
    stage.ana.names(&group, Some("Halls")).await.is(200);
    stage.bob.unblocks(&stage.ana).await;
    stage.ana.replies(&direct, "Six").await;
    // One that listened, and one that was away.
    loop {
        let frame = stage.phone.next().await;
        stage.bobs.apply(&frame).await;
        if frame["data"]["message"]["text"] == "Six" {
            break;
        }
    }
    stage.bobs.is_up_to_date().await;
    let mut later = stage.bob.connects_after(&away.cursor()).await;
    loop {
        let frame = later.next().await;
        away.apply(&frame).await;
        if frame["data"]["message"]["text"] == "Six" {
            break;
        }
    }
    away.is_up_to_date().await;
}

async fn what_is_no_block_is_refused(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let put = async |id: &str| ana.api.put(&format!("/v5/blocks/{id}"), &json!({})).await;
    put(&ana.id).await.is_refused(422, "yourself");
    put("1").await.is_refused(404, "user_not_found");
    put("bob").await.is_refused(400, "malformed_parameter");
    let pin = ana.pins("Green hall").await;
    let direct = ana.sends(&pin).to(&bob).await.conversation;
    bob.blocks(&ana).await;
    bob.blocks(&ana).await;
    let list = bob.api.get("/v5/blocks").await.is(200);
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(list["items"][0]["user"]["username"], "ana");
    assert_eq!(ana.api.get("/v5/blocks").await.is(200)["items"], json!([]));
    let message = json!({"text": "No"});
    let refused = bob.writing(&direct, &message).send().await;
    refused.is_refused(422, "blocked_by_you");
    bob.unblocks(&ana).await;
    bob.unblocks(&ana).await;
    bob.replies(&direct, "Yes").await;
}
