//! Messages are changed, deleted, and reacted to.

use pinwire_tests::{Value, World, json, on_both_profiles};

on_both_profiles!(
    what_is_deleted_for_everyone_is_gone_everywhere,
    what_is_deleted_for_one_is_there_for_the_others,
    a_text_is_changed_and_those_before_stay_visible,
    people_react,
    what_may_not_be_changed_is_refused,
);

async fn what_is_deleted_for_everyone_is_gone_everywhere(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let (hall, attic) = (ana.pins("Green hall").await, ana.pins("Attic").await);
    let conversation = ana.sends(&hall).to(&bob).await.conversation;
    let secret = ana
        .sends(&attic)
        .saying("My secret")
        .marked("m-1")
        .to(&bob)
        .await;
    assert_eq!(bob.unread().await["messages"], 2);
    let mut bobs_phone = bob.on(world.other_node()).connects().await;

    for _ in 0..2 {
        ana.deletes(&conversation, 2, "everyone").await.is(204);
    }
    let heard = bobs_phone.next_is("message.deleted").await;
    let left = bob.looks_at(&conversation, 2).await.is(200);
    assert_eq!(heard["data"]["position"], 2);
    assert_eq!(heard["data"]["message"]["deleted_at"], left["deleted_at"]);
    assert_eq!(heard["me"]["unread"]["messages"], 1);
    for message in [&left, &heard["data"]["message"]] {
        assert!(message["deleted_at"].is_string());
        assert_eq!(
            (&message["text"], &message["pin"]),
            (&Value::Null, &Value::Null)
        );
        assert_eq!(
            (&message["version"], &message["position"]),
            (&json!(2), &json!(2))
        );
    }
    let item = bob
        .api
        .get(&format!("/v5/conversations/{conversation}"))
        .await
        .is(200);
    assert_eq!(item["last_message"], left);
    assert_eq!(item["unread"]["messages"], 1);
    // A repeat of the send finds what is left.
    let again = ana
        .sends(&attic)
        .saying("My secret")
        .marked("m-1")
        .to(&bob)
        .await;
    assert_eq!(again.position(), secret.position());
    assert_eq!(
        ana.looks_at(&conversation, 2).await.is(200)["text"],
        Value::Null
    );
    // Nothing happened for the second time.
    ana.replies(&conversation, "Never mind").await;
    bobs_phone.next_is("message.created").await;
}

async fn what_is_deleted_for_one_is_there_for_the_others(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let mut bobs_phone = bob.on(world.other_node()).connects().await;
    let mut anas_phone = ana.connects().await;

    for _ in 0..2 {
        bob.deletes(&conversation, 1, "me").await.is(204);
    }
    let heard = bobs_phone.next_is("message.deleted").await;
    assert_eq!(
        heard["data"],
        json!({"conversation_id": conversation, "position": 1})
    );
    assert_eq!(heard["me"]["unread"]["messages"], 0);
    let gone = bob.looks_at(&conversation, 1).await;
    gone.is_refused(404, "message_not_found");
    assert_eq!(bob.history(&conversation).await, [] as [Value; 0]);
    assert_eq!(ana.history(&conversation).await.len(), 1);
    bob.replies(&conversation, "Thanks").await;
    let heard = anas_phone.next_is("message.created").await;
    assert_eq!(
        heard["data"]["message"]["position"], 2,
        "ana hears nothing of it"
    );
    bobs_phone.next_is("message.created").await;
}

async fn a_text_is_changed_and_those_before_stay_visible(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let written = ana.replies(&conversation, "For the hal").await;
    assert_eq!(written["edited_at"], Value::Null);
    let mut bobs_phone = bob.on(world.other_node()).connects().await;

    let edited = ana.edits(&conversation, 2, "For the hall").await.is(200);
    assert_eq!(
        (&edited["text"], &edited["version"]),
        (&json!("For the hall"), &json!(2))
    );
    let heard = bobs_phone.next_is("message.edited").await;
    assert_eq!(heard["data"]["message"], edited);
    assert_eq!(bob.looks_at(&conversation, 2).await.is(200), edited);
    let same = ana.edits(&conversation, 2, "For the hall").await.is(200);
    assert_eq!(same, edited, "the same text is no change");
    let path = format!("/v5/conversations/{conversation}/messages/2/revisions");
    let texts = bob.api.get(&path).await.is(200);
    assert_eq!(
        texts["items"],
        json!([
            {"text": "For the hal", "written_at": written["created_at"]},
            {"text": "For the hall", "written_at": edited["edited_at"]},
        ])
    );
    // A pin may get a text, and lose it again.
    ana.edits(&conversation, 1, "Look").await.is(200);
    assert_eq!(
        bobs_phone.next_is("message.edited").await["data"]["message"]["text"],
        "Look"
    );
    let bare = ana.edits(&conversation, 1, "").await.is(200);
    assert_eq!(bare["text"], Value::Null);
    bobs_phone.next_is("message.edited").await;
    ana.deletes(&conversation, 2, "everyone").await.is(204);
    assert_eq!(bob.api.get(&path).await.is(200)["items"], json!([]));
}

async fn people_react(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let mut anas_phone = ana.on(world.other_node()).connects().await;

    for _ in 0..2 {
        bob.reacts(&conversation, 1, "❤").await.is(204);
    }
    let heard = anas_phone.next_is("reaction.changed").await;
    assert_eq!(
        heard["data"]["message"]["reactions"],
        json!([{"emoji": "❤️", "count": 1}])
    );
    assert_eq!(heard["me"].get("reactions"), None, "none of them is ana's");
    ana.reacts(&conversation, 1, "❤️").await.is(204);
    let heard = anas_phone.next_is("reaction.changed").await;
    let both = json!([{"emoji": "❤️", "count": 2, "mine": true}]);
    assert_eq!(heard["me"]["reactions"], both);
    for person in [&ana, &bob] {
        let message = person.looks_at(&conversation, 1).await.is(200);
        assert_eq!(message["reactions"], both);
    }
    for _ in 0..2 {
        ana.takes_back(&conversation, 1, "❤️").await.is(204);
    }
    let heard = anas_phone.next_is("reaction.changed").await;
    assert_eq!(heard["data"]["message"]["version"], 4);
    bob.takes_back(&conversation, 1, "❤️").await.is(204);
    let heard = anas_phone.next_is("reaction.changed").await;
    assert_eq!(heard["data"]["message"]["reactions"], json!([]));
    let refused = bob.reacts(&conversation, 1, "heart").await;
    refused.is_refused(422, "invalid_value");
    let kinds = [
        "😀", "😃", "😄", "😁", "😆", "😅", "😂", "🙂", "🙃", "😉", "😊", "😇", "🥰", "😍", "🤩",
        "😘", "😗", "😚", "😙", "😋",
    ];
    for kind in kinds {
        bob.reacts(&conversation, 1, kind).await.is(204);
    }
    let one_more = bob.reacts(&conversation, 1, "🎉").await;
    one_more.is_refused(422, "too_many_reactions");
    ana.reacts(&conversation, 1, kinds[0]).await.is(204);
}

async fn what_may_not_be_changed_is_refused(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    ana.replies(&conversation, "Look").await;

    let others = bob.deletes(&conversation, 2, "everyone").await;
    others.is_refused(403, "message_not_yours");
    let others = bob.edits(&conversation, 2, "Do not look").await;
    others.is_refused(403, "message_not_yours");
    let empty = ana.edits(&conversation, 2, " ").await;
    empty.is_refused(422, "empty_message");
    let unsaid = ana.api.request(
        reqwest::Method::PATCH,
        &format!("/v5/conversations/{conversation}/messages/2"),
    );
    unsaid
        .json(&json!({}))
        .send()
        .await
        .is_refused(400, "malformed_body");
    let path = format!("/v5/conversations/{conversation}/messages/2");
    let unsaid = ana.api.delete(&path).await;
    unsaid.is_refused(400, "malformed_parameter");
    for whom in ["me", "everyone"] {
        let none = ana.deletes(&conversation, 3, whom).await;
        none.is_refused(404, "message_not_found");
        let stranger = cleo.deletes(&conversation, 2, whom).await;
        stranger.is_refused(404, "conversation_not_found");
    }
    cleo.reacts(&conversation, 2, "👍")
        .await
        .is_refused(404, "conversation_not_found");
    ana.deletes(&conversation, 2, "everyone").await.is(204);
    ana.edits(&conversation, 2, "Look")
        .await
        .is_refused(409, "message_deleted");
    bob.reacts(&conversation, 2, "👍")
        .await
        .is_refused(409, "message_deleted");
    bob.takes_back(&conversation, 2, "👍").await.is(204);
}
