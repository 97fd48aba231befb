//! Who is typing: told at once, at most once in a while, and never kept.

use std::time::Duration;

use pinwire_tests::{Socket, Value, World, json, on_both_profiles};
use reqwest::Method;

on_both_profiles!(
    the_others_see_who_types,
    nothing_of_it_is_kept,
    it_is_turned_off_in_both_directions,
    a_block_keeps_it_back_in_both_directions,
    who_has_not_accepted_sees_nothing,
    who_takes_no_part_cannot_type,
);

/// At most one sign in this time.
const EVERY: Duration = Duration::from_secs(3);

fn typing(conversation: &str, who: &str) -> Value {
    json!({"type": "typing", "conversation_id": conversation, "user_id": who})
}

/// The next frame is a message: whoever typed before it was not told of.
async fn hears_only_a_message(phone: &mut Socket) {
    phone.next_is("message.created").await;
}

async fn the_others_see_who_types(world: &World) {
    let [ana, bob, cleo, dan] = world.people(["ana", "bob", "cleo", "dan"]).await;
    let pin = ana.pins("Green hall").await;
    let group = ana.sends(&pin).to_group(&[&bob, &cleo]).await.conversation;
    let other = world.other_node();
    let mut phone = bob.on(other).connects().await;
    let mut near = bob.connects().await;
    let mut page = cleo.on(other).listens().await;
    let mut own = ana.connects().await;
    let mut strangers = dan.on(other).connects().await;

    ana.types(&group).await;
    let expected = typing(&group, &ana.id);
    assert_eq!(phone.next().await, expected);
    assert_eq!(near.next().await, expected);
    assert_eq!(page.next().await, expected);

    // Again at once, and by another way: once is enough.
    ana.types(&group).await;
    let frame = json!({"type": "typing", "conversation_id": group});
    assert_eq!(own.asks(frame.clone()).await["type"], "ok");
    ana.replies(&group, "Look").await;
    for phone in [&mut phone, &mut near, &mut own] {
        hears_only_a_message(phone).await;
    }
    page.next_is("message.created").await;

    // A while later it is told again. The reader answers meanwhile.
    bob.types(&group).await;
    assert_eq!(own.next().await, typing(&group, &bob.id));
    tokio::time::sleep(EVERY).await;
    assert_eq!(own.asks(frame).await["type"], "ok");
    for phone in [&mut phone, &mut near] {
        phone.hears("Ana typing", |it| *it == expected).await;
    }
    dan.is_called("Dan Lind").await;
    strangers.next_is("user.updated").await;
}

async fn nothing_of_it_is_kept(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let mut phone = bob.connects().await;
    let cursor = phone.cursor();
    let before = world.database.row_counts();
    ana.types(&conversation).await;
    phone.next_is("typing").await;
    assert_eq!(world.database.row_counts(), before);
    assert_eq!(phone.cursor(), cursor);
    let missed = bob.polls(&cursor, 0).await.is(200);
    assert_eq!(missed["items"], json!([]));
    let mut late = bob.connects_after(&cursor).await;
    ana.replies(&conversation, "Look").await;
    hears_only_a_message(&mut late).await;
}

async fn it_is_turned_off_in_both_directions(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    let group = ana.sends(&pin).to_group(&[&bob, &cleo]).await.conversation;
    bob.sets(&json!({"typing": false})).await;
    let other = world.other_node();
    let mut phone = bob.on(other).connects().await;
    // On the same node as Bob, who would be told at the same moment.
    let mut bystander = cleo.on(other).connects().await;
    let mut own = ana.on(other).connects().await;

    ana.types(&group).await;
    bystander.next_is("typing").await;
    ana.replies(&group, "Look").await;
    hears_only_a_message(&mut phone).await;
    hears_only_a_message(&mut bystander).await;
    hears_only_a_message(&mut own).await;

    bob.types(&group).await;
    cleo.types(&group).await;
    assert_eq!(own.next().await, typing(&group, &cleo.id));

    bob.sets(&json!({"typing": true})).await;
    bob.types(&group).await;
    for told in [&mut own, &mut bystander] {
        assert_eq!(told.next().await, typing(&group, &bob.id));
    }
}

async fn a_block_keeps_it_back_in_both_directions(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    let group = ana.sends(&pin).to_group(&[&bob, &cleo]).await.conversation;
    world.database.execute(&format!(
        "insert into blocks (blocker_id, blocked_id, created_at) values ({}, {}, 1)",
        bob.id, ana.id
    ));
    let other = world.other_node();
    let mut blocker = bob.on(other).connects().await;
    let mut blocked = ana.on(other).connects().await;
    let mut bystander = cleo.on(other).connects().await;

    ana.types(&group).await;
    assert_eq!(bystander.next().await, typing(&group, &ana.id));
    bob.types(&group).await;
    assert_eq!(bystander.next().await, typing(&group, &bob.id));
    cleo.types(&group).await;
    for phone in [&mut blocker, &mut blocked] {
        assert_eq!(phone.next().await, typing(&group, &cleo.id));
    }
}

async fn who_has_not_accepted_sees_nothing(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    let group = ana.sends(&pin).to_group(&[&bob, &cleo]).await.conversation;
    world.database.execute(&format!(
        "update memberships set state = 'requested' where user_id = {}",
        bob.id
    ));
    let other = world.other_node();
    let mut asked = bob.on(other).connects().await;
    let mut member = cleo.on(other).connects().await;
    ana.types(&group).await;
    member.next_is("typing").await;
    asked.hears_nothing(Duration::from_millis(300)).await;
    let path = format!("/v5/conversations/{group}/typing");
    let answer = bob.api.request(Method::POST, &path).send().await;
    answer.is_refused(404, "conversation_not_found");
}

async fn who_takes_no_part_cannot_type(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let mut phone = cleo.connects().await;
    for (id, error) in [
        (conversation.as_str(), "conversation_not_found"),
        ("77", "conversation_not_found"),
        ("x", "malformed_body"),
    ] {
        let frame = json!({"type": "typing", "conversation_id": id});
        assert_eq!(phone.asks(frame).await["error"], error, "{id}");
    }
    for (id, status, error) in [
        (conversation.as_str(), 404, "conversation_not_found"),
        ("x", 400, "malformed_parameter"),
    ] {
        let path = format!("/v5/conversations/{id}/typing");
        let answer = cleo.api.request(Method::POST, &path).send().await;
        answer.is_refused(status, error);
    }
}
