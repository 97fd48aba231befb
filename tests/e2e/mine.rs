//! What is a person's alone in a conversation, the same on all their devices.

use pinwire_tests::{Person, Replica, Socket, World, json, on_both_profiles};

on_both_profiles!(
    three_devices_agree_also_when_one_was_away,
    a_conversation_is_muted_archived_and_hidden,
    what_cannot_be_set_is_refused,
    a_draft_is_on_all_devices,
    a_draft_has_bounds,
);

/// A device that listens.
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

    async fn hears(&mut self, kind: &str) {
        let frame = self.socket.next_is(kind).await;
        self.replica.apply(&frame).await;
    }
}

async fn three_devices_agree_also_when_one_was_away(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let mut phone = Device::of(&bob).await;
    let mut laptop = Device::of(&bob.on(world.other_node()).signs_in().await).await;
    let mut tablet = Replica::fetch(&bob).await;

    let far = "2100-01-01T00:00:00.000Z";
    bob.arranges(&conversation, &json!({"muted_until": far}))
        .await;
    bob.reads(&conversation, 1).await;
    ana.replies(&conversation, "Two").await;
    bob.arranges(&conversation, &json!({"muted_until": null}))
        .await;
    bob.draws_head(&conversation, "open").await;
    bob.marks_unread(&conversation).await;
    bob.arranges(&conversation, &json!({"archived": true, "hidden": true}))
        .await;
    ana.replies(&conversation, "Three").await;
    let kinds = [
        "membership.updated",
        "read.updated",
        "message.created",
        "membership.updated",
        "head.updated",
        "membership.updated",
        "membership.updated",
        "message.created",
    ];
    for kind in kinds {
        phone.hears(kind).await;
        laptop.hears(kind).await;
    }
    let page = bob.polls(&tablet.cursor(), 0).await.is(200);
    assert_eq!(tablet.apply_page(&page).await, kinds.len());
    for device in [&phone.replica, &laptop.replica, &tablet] {
        device.is_up_to_date().await;
        assert_eq!(
            device.heads(),
            [json!(null); 0],
            "an archived one has no head"
        );
    }
    bob.arranges(&conversation, &json!({"archived": false}))
        .await;
    phone.hears("membership.updated").await;
    phone.replica.is_up_to_date().await;
    assert_eq!(phone.replica.heads()[0]["state"], "open");
}

async fn a_conversation_is_muted_archived_and_hidden(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let mut anas_phone = ana.connects().await;
    let list = |filter| format!("/v5/conversations?filter={filter}");

    let far = json!({"muted_until": "2100-01-01T01:00:00+01:00"});
    let muted = bob.arranges(&conversation, &far).await;
    assert_eq!(muted["muted_until"], "2100-01-01T00:00:00.000Z");
    assert_eq!(bob.unread().await["muted"], 1);
    bob.arranges(&conversation, &json!({"archived": true}))
        .await;
    assert_eq!(bob.unread().await["muted"], 0);
    let archived = bob.api.get(&list("archived")).await.is(200);
    assert_eq!(archived["items"][0]["conversation"]["id"], *conversation);
    bob.arranges(
        &conversation,
        &json!({"archived": false, "muted_until": null}),
    )
    .await;
    let hidden = bob.arranges(&conversation, &json!({"hidden": true})).await;
    assert_eq!(hidden["hidden"], true);
    assert_eq!(
        bob.api.get(&list("inbox")).await.is(200)["items"],
        json!([])
    );
    assert_eq!(
        bob.arranges(&conversation, &json!({})).await,
        hidden,
        "no change"
    );
    ana.replies(&conversation, "Are you there?").await;
    let shown = bob.api.get(&list("inbox")).await.is(200);
    assert_eq!(shown["items"][0]["hidden"], false);
    // Ana hears of her own message, and of nothing that bob set.
    anas_phone.next_is("message.created").await;
}

async fn what_cannot_be_set_is_refused(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let path = format!("/v5/conversations/{conversation}/membership");
    for (change, status, error) in [
        (
            json!({"muted_until": "2300-01-01T00:00:00Z"}),
            422,
            "invalid_value",
        ),
        (json!({"muted_until": "tomorrow"}), 400, "malformed_body"),
        (json!({"archived": "yes"}), 400, "malformed_body"),
        (json!({"pinned": true}), 400, "unknown_field"),
    ] {
        let refused = bob.api.patch(&path, &change).await;
        refused.is_refused(status, error);
    }
    let refused = cleo.api.patch(&path, &json!({"archived": true})).await;
    refused.is_refused(404, "conversation_not_found");
}

async fn a_draft_is_on_all_devices(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let mut anas_phone = ana.connects().await;
    let mut phone = Device::of(&bob).await;
    let mut laptop = Device::of(&bob.on(world.other_node()).signs_in().await).await;
    let mut tablet = Replica::fetch(&bob).await;

    bob.begins_to_write(&conversation, "For the").await;
    let draft = bob.begins_to_write(&conversation, "For the hall").await;
    assert_eq!(
        (&draft["text"], &draft["version"]),
        (&json!("For the hall"), &json!(2))
    );
    let path = format!("/v5/conversations/{conversation}/draft");
    assert_eq!(bob.api.get(&path).await.is(200), draft);
    for device in [&mut phone, &mut laptop] {
        device.hears("draft.updated").await;
        device.hears("draft.updated").await;
        device.replica.is_up_to_date().await;
    }
    bob.replies(&conversation, "For the hall").await;
    bob.drops_draft(&conversation).await;
    bob.api.get(&path).await.is_refused(404, "draft_not_found");
    for device in [&mut phone, &mut laptop] {
        device.hears("message.created").await;
        device.hears("draft.updated").await;
        device.replica.is_up_to_date().await;
    }
    let page = bob.polls(&tablet.cursor(), 0).await.is(200);
    assert_eq!(
        page["items"][0]["data"]["draft"]["text"],
        json!(null),
        "the log has no text"
    );
    tablet.apply_page(&page).await;
    tablet.is_up_to_date().await;
    // Ana hears of the message alone.
    anas_phone.next_is("message.created").await;
    ana.api.get(&path).await.is_refused(404, "draft_not_found");
}

async fn a_draft_has_bounds(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let path = format!("/v5/conversations/{conversation}/draft");
    bob.begins_to_write(&conversation, &"é".repeat(5_000)).await;
    let refused = bob
        .api
        .put(&path, &json!({"text": "é".repeat(5_001)}))
        .await;
    refused.is_refused(422, "invalid_value");
    let refused = bob.api.put(&path, &json!({"text": " "})).await;
    refused.is_refused(422, "empty_message");
    let kept = bob.api.put(&path, &json!({"pin_id": pin.id})).await.is(200);
    assert_eq!(
        (&kept["text"], &kept["pin_id"]),
        (&json!(null), &json!(pin.id))
    );
    let refused = cleo.api.put(&path, &json!({"text": "Hm"})).await;
    refused.is_refused(404, "conversation_not_found");
}
