//! Who is online: told to sockets that asked, of people they share a conversation with, and never kept.

use std::time::Duration;

use pinwire_tests::{Person, Socket, Value, World, json, on_both_profiles};

on_both_profiles!(
    a_socket_that_asked_sees_who_comes_and_goes,
    only_who_is_watched_is_told_of,
    a_device_on_each_node_is_one_person,
    it_is_turned_off_in_both_directions,
    a_block_keeps_it_back_in_both_directions,
    strangers_and_who_has_not_accepted_see_nothing,
    a_list_has_a_bound,
);

/// Longer than the node waits for somebody who only moves.
const LONGER_THAN_A_MOVE: Duration = Duration::from_secs(7);

fn presence(who: &Person, state: &str) -> Value {
    json!({"type": "presence", "user_id": who.id, "state": state})
}

/// Watches these people and nobody else.
async fn watches(phone: &mut Socket, people: &[&Person]) {
    let ids: Vec<_> = people.iter().map(|it| &it.id).collect();
    let frame = json!({"type": "presence.watch", "user_ids": ids});
    assert_eq!(phone.asks(frame).await["type"], "ok");
}

async fn talk(world: &World, ana: &Person, others: &[&Person]) -> String {
    let pin = ana.pins("Green hall").await;
    for other in others {
        ana.sends(&pin).to(other).await;
    }
    let node = world.node();
    ana.on(node).sends(&pin).to_group(others).await.conversation
}

async fn a_socket_that_asked_sees_who_comes_and_goes(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    talk(world, &ana, &[&bob, &cleo]).await;
    let other = world.other_node();
    let before = world.database.row_counts();
    let anas = ana.connects().await;
    let mut phone = bob.on(other).connects().await;
    watches(&mut phone, &[&ana, &cleo]).await;
    assert_eq!(phone.next().await, presence(&ana, "online"));
    // As an event stream, too.
    let cleos = cleo.listens().await;
    assert_eq!(phone.next().await, presence(&cleo, "online"));

    // Who asks again is told of all who are there.
    watches(&mut phone, &[&cleo, &ana]).await;
    let mut told = [phone.next().await, phone.next().await];
    told.sort_by_key(|it| it["user_id"] == *cleo.id);
    assert_eq!(told, [presence(&ana, "online"), presence(&cleo, "online")]);

    // Away for a moment only is not away.
    drop(anas);
    let anas = ana.connects().await;
    phone.hears_nothing(LONGER_THAN_A_MOVE).await;
    drop(anas);
    assert_eq!(phone.next().await, presence(&ana, "offline"));
    let mut anas = ana.on(other).connects().await;
    assert_eq!(phone.next().await, presence(&ana, "online"));
    drop(cleos);
    let gone = phone.hears_within(Duration::from_mins(1), "Cleo's leaving", |_| true);
    assert_eq!(gone.await, presence(&cleo, "offline"));

    assert_eq!(world.database.row_counts(), before);
    anas.hears_nothing(Duration::from_millis(100)).await;
}

async fn only_who_is_watched_is_told_of(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    talk(world, &ana, &[&bob, &cleo]).await;
    let mut asks = bob.connects().await;
    let mut asks_not = bob.connects().await;
    watches(&mut asks, &[&ana]).await;
    watches(&mut asks, &[&cleo]).await;
    let _anas = ana.connects().await;
    let mut cleos = cleo.connects().await;
    watches(&mut cleos, &[&ana]).await;
    cleos
        .hears("Ana", |it| *it == presence(&ana, "online"))
        .await;
    assert_eq!(asks.next().await, presence(&cleo, "online"));
    watches(&mut asks, &[]).await;
    asks.hears_nothing(Duration::from_millis(300)).await;
    asks_not.hears_nothing(Duration::from_millis(300)).await;
}

async fn a_device_on_each_node_is_one_person(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    talk(world, &ana, &[&bob]).await;
    let mut phones = [
        bob.connects().await,
        bob.on(world.other_node()).connects().await,
    ];
    let first = ana.connects().await;
    let second = ana.on(world.other_node()).connects().await;
    for phone in &mut phones {
        watches(phone, &[&ana]).await;
        assert_eq!(phone.next().await, presence(&ana, "online"));
    }
    drop(first);
    tokio::time::sleep(LONGER_THAN_A_MOVE).await;
    for phone in &mut phones {
        phone.hears_nothing(Duration::from_millis(10)).await;
    }
    drop(second);
    for phone in &mut phones {
        assert_eq!(phone.next().await, presence(&ana, "offline"));
    }
}

async fn it_is_turned_off_in_both_directions(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    talk(world, &ana, &[&bob]).await;
    let mut anas = ana.connects().await;
    let mut bobs = bob.on(world.other_node()).connects().await;
    watches(&mut anas, &[&bob]).await;
    watches(&mut bobs, &[&ana]).await;
    let is = |who: &Person, state| {
        let expected = presence(who, state);
        move |it: &Value| *it == expected
    };
    anas.hears("Bob", is(&bob, "online")).await;
    bobs.hears("Ana", is(&ana, "online")).await;

    for (change, state) in [(false, "offline"), (true, "online")] {
        ana.sets(&json!({"presence": change})).await;
        anas.hears("Bob", is(&bob, state)).await;
        bobs.hears("Ana", is(&ana, state)).await;
    }
    // Who turned it off before is not seen to come.
    ana.sets(&json!({"presence": false})).await;
    bobs.hears("Ana", is(&ana, "offline")).await;
    watches(&mut bobs, &[&ana]).await;
    let mut again = ana.connects().await;
    watches(&mut again, &[&bob]).await;
    bobs.hears_nothing(Duration::from_millis(1_500)).await;
    again.hears_nothing(Duration::from_millis(300)).await;
}

async fn a_block_keeps_it_back_in_both_directions(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    talk(world, &ana, &[&bob, &cleo]).await;
    world.database.execute(&format!(
        "insert into blocks (blocker_id, blocked_id, created_at) values ({}, {}, 1)",
        bob.id, ana.id
    ));
    let mut blocker = bob.on(world.other_node()).connects().await;
    let mut blocked = ana.connects().await;
    watches(&mut blocker, &[&ana, &cleo]).await;
    watches(&mut blocked, &[&bob, &cleo]).await;
    let _cleos = cleo.connects().await;
    for phone in [&mut blocker, &mut blocked] {
        assert_eq!(phone.next().await, presence(&cleo, "online"));
        phone.hears_nothing(Duration::from_millis(700)).await;
    }
}

async fn strangers_and_who_has_not_accepted_see_nothing(world: &World) {
    let [ana, bob, cleo, dan] = world.people(["ana", "bob", "cleo", "dan"]).await;
    talk(world, &ana, &[&bob, &cleo]).await;
    world.database.execute(&format!(
        "update memberships set state = 'requested' where user_id = {}",
        bob.id
    ));
    let mut asked = bob.connects().await;
    let mut stranger = dan.connects().await;
    let mut member = cleo.connects().await;
    for phone in [&mut asked, &mut stranger, &mut member] {
        watches(phone, &[&ana, &bob, &dan]).await;
    }
    let mut anas = ana.on(world.other_node()).connects().await;
    watches(&mut anas, &[&bob, &dan]).await;
    assert_eq!(member.next().await, presence(&ana, "online"));
    for phone in [&mut asked, &mut stranger, &mut member, &mut anas] {
        phone.hears_nothing(Duration::from_millis(300)).await;
    }
}

async fn a_list_has_a_bound(world: &World) {
    let ana = world.person("ana").await;
    let limits = world.api().get("/v5/limits").await.is(200);
    let bound = limits["presence_people"].as_u64().unwrap();
    assert_eq!(bound, 100);
    let mut phone = ana.connects().await;
    let watch = |count: u64| {
        let ids: Vec<_> = (1..=count).map(|it| it.to_string()).collect();
        json!({"type": "presence.watch", "user_ids": ids})
    };
    assert_eq!(phone.asks(watch(bound)).await["type"], "ok");
    let refused = phone.asks(watch(bound + 1)).await;
    assert_eq!(refused["error"], "invalid_value", "{refused}");
    let named = json!({"type": "presence.watch", "user_ids": ["ana"]});
    assert_eq!(phone.asks(named).await["error"], "malformed_body");
    let nobody = json!({"type": "presence.watch"});
    assert_eq!(phone.asks(nobody).await["error"], "malformed_body");
}
