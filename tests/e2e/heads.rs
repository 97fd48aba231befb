//! Heads: the avatars at the lower left.

use pinwire_tests::{Replica, World, json, on_both_profiles};

on_both_profiles!(
    a_head_is_opened_minimized_closed_and_comes_back,
    an_open_head_names_its_device,
    closing_a_head_does_not_mark_read,
    there_are_twenty_heads_at_most,
);

async fn a_head_is_opened_minimized_closed_and_comes_back(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    assert_eq!(
        bob.heads().await,
        [&*conversation],
        "a received pin makes a head"
    );
    assert_eq!(
        ana.heads().await,
        [&*conversation],
        "and so does a sent one"
    );
    let mut bobs_tablet = bob.on(world.other_node()).connects().await;

    bob.draws_head(&conversation, "open").await;
    let heard = bobs_tablet.next_is("head.updated").await;
    assert_eq!(heard["me"]["head"]["state"], "open");
    bob.draws_head(&conversation, "minimized").await;
    let heard = bobs_tablet.next_is("head.updated").await;
    assert_eq!(heard["me"]["head"]["state"], "minimized");
    bob.closes_head(&conversation).await;
    let heard = bobs_tablet.next_is("head.closed").await;
    assert_eq!(heard["me"]["head"], json!(null));
    assert_eq!(bob.heads().await, [""; 0]);
    assert_eq!(
        ana.heads().await,
        [&*conversation],
        "heads are everybody's own"
    );

    ana.replies(&conversation, "Are you there?").await;
    let heard = bobs_tablet.next_is("message.created").await;
    assert_eq!(
        heard["me"]["head"]["state"], "minimized",
        "a message brings it back"
    );
    assert_eq!(bob.heads().await, [&*conversation]);
    bob.closes_head(&conversation).await;
    bob.draws_head(&conversation, "open").await;
    assert_eq!(
        bob.heads().await,
        [&*conversation],
        "and so does opening it"
    );
    let own = bob.replies(&conversation, "Yes").await;
    bob.closes_head(&conversation).await;
    assert_eq!(own["position"], 3);
    assert_eq!(bob.heads().await, [""; 0]);
}

async fn an_open_head_names_its_device(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let path = format!("/v5/heads/{conversation}");

    let open = json!({"state": "open", "device_id": "d".repeat(64)});
    bob.api.put(&path, &open).await.is(204);
    let heads = bob.api.get("/v5/heads").await.is(200);
    assert_eq!(heads["items"][0]["device_id"], open["device_id"]);
    assert_eq!(heads["items"][0]["people"][0]["username"], "ana");
    bob.draws_head(&conversation, "minimized").await;
    let heads = bob.api.get("/v5/heads").await.is(200);
    assert_eq!(heads["items"][0]["device_id"], json!(null));

    for wrong in ["", &"d".repeat(65)] {
        let refused = bob
            .api
            .put(&path, &json!({"state": "open", "device_id": wrong}))
            .await;
        refused.is_refused(422, "invalid_value");
    }
    let refused = bob.api.put(&path, &json!({"state": "closed"})).await;
    refused.is_refused(400, "malformed_body");
}

async fn closing_a_head_does_not_mark_read(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    bob.closes_head(&conversation).await;
    assert_eq!(bob.unread().await["messages"], 1);
}

/// Conversations with others who do not sign in: begun by Ana, who then writes into them.
async fn there_are_twenty_heads_at_most(world: &World) {
    let names: Vec<_> = (0..6).map(|number| format!("friend{number}")).collect();
    let ana = world.person("ana").await;
    let mut friends = Vec::new();
    for name in &names {
        friends.push(world.person(name).await);
    }
    let pin = ana.pins("Green hall").await;
    // Six people make more than twenty groups.
    let mut conversations = Vec::new();
    for members in (1_usize..64).filter(|it| it.count_ones() < 3).take(21) {
        let group: Vec<_> = (0..6)
            .filter(|bit| members & (1 << bit) != 0)
            .map(|bit| &friends[bit])
            .collect();
        conversations.push(ana.sends(&pin).to_group(&group).await.conversation);
    }
    let mut newest_first: Vec<_> = conversations.iter().rev().cloned().collect();
    let mut replica = Replica::fetch(&ana).await;
    let mut phone = ana.connects_after(&replica.cursor()).await;

    let oldest = newest_first.pop().unwrap();
    assert_eq!(ana.heads().await, newest_first, "of 21 the oldest is gone");
    // One that is open stays before all minimized ones.
    ana.draws_head(&oldest, "open").await;
    let pushed_out = newest_first.pop().unwrap();
    newest_first.push(oldest.clone());
    assert_eq!(ana.heads().await, newest_first);
    // What was pushed out does not come back when another is closed.
    ana.closes_head(&oldest).await;
    newest_first.pop();
    assert_eq!(ana.heads().await, newest_first);
    ana.replies(&pushed_out, "Back?").await;
    newest_first.insert(0, pushed_out);
    assert_eq!(ana.heads().await, newest_first);

    // Nor when one is minimized that was opened before all others.
    let oldest_of_all = oldest;
    ana.draws_head(&oldest_of_all, "open").await;
    let pushed_out = newest_first.pop().unwrap();
    newest_first.push(oldest_of_all.clone());
    ana.draws_head(&oldest_of_all, "minimized").await;
    assert_eq!(ana.heads().await, newest_first, "without {pushed_out}");

    for kind in [
        "head.updated",
        "head.closed",
        "message.created",
        "head.updated",
        "head.updated",
    ] {
        replica.apply(&phone.next_is(kind).await).await;
    }
    replica.is_up_to_date().await;
}
