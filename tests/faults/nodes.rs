//! Nodes are killed, ended, and started again.

use std::time::Duration;

use futures_util::future::join_all;
use pinwire_tests::{Ending, Person, Profile, Replica, Value, World, json};
use tokio::time::Instant;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_a_killed_node_goes_on_at_another() {
    let world = World::start(Profile::Scaled).await;
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let (first, second) = (world.node(), world.other_node());
    let pin = ana.pins("Green hall").await;
    let mut replica = Replica::fetch(&bob).await;
    let mut phone = bob.on(second).connects_after(&replica.cursor()).await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    replica.apply(&phone.next_is("message.created").await).await;

    second.kill();
    assert!(matches!(phone.ends().await, Ending::Broken(_)));
    for text in ["one", "two"] {
        ana.replies(&conversation, text).await;
    }
    let mut phone = bob.on(first).connects_after(&replica.cursor()).await;
    for text in ["one", "two"] {
        let heard = phone.next_is("message.created").await;
        assert_eq!(heard["data"]["message"]["text"], text);
        replica.apply(&heard).await;
    }

    // The node comes back, and its people with it.
    let third = world.start_node("node-3").await;
    let mut phone = bob.on(&third).connects_after(&replica.cursor()).await;
    ana.replies(&conversation, "three").await;
    replica.apply(&phone.next_is("message.created").await).await;
    replica.is_up_to_date().await;
}

/// How soon the people of a node that was killed are offline.
const OFFLINE_MAX: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_people_of_a_killed_node_go_offline() {
    let world = World::start(Profile::Scaled).await;
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    ana.sends(&pin).to(&bob).await;
    let _anas = ana.on(world.other_node()).connects().await;
    let mut phone = bob.connects().await;
    phone.says(&json!({"type": "presence.watch", "user_ids": [ana.id]}));
    let is = |state: &'static str| move |it: &Value| it["state"] == state;
    phone.hears("Ana to be there", is("online")).await;
    // Her node repeats it, so she stays.
    phone.hears_nothing(OFFLINE_MAX).await;

    world.other_node().kill();
    let since = Instant::now();
    let offline = phone.hears_within(OFFLINE_MAX * 3, "Ana to be gone", is("offline"));
    assert_eq!(offline.await["user_id"], *ana.id);
    println!("offline after {:?}", since.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_node_did_not_answer_is_asked_again() {
    const SENDS: usize = 40;
    let world = World::start(Profile::Scaled).await;
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let write = |who: &Person, number: usize| {
        let message =
            json!({"text": number.to_string(), "client_message_id": format!("m-{number}")});
        who.writing(&conversation, &message)
    };

    // All at once; the node is killed as soon as the first one is answered.
    let killed = ana.on(world.other_node());
    let asked = (0..SENDS).map(async |number| {
        let answer = write(&killed, number).try_send().await.ok();
        world.other_node().kill();
        answer
    });
    let answers = join_all(asked).await;
    let answered = answers.iter().flatten().count();
    println!("{answered} of {SENDS} were answered before the node was gone");
    assert!((1..=SENDS).contains(&answered));

    for (number, first) in answers.into_iter().enumerate() {
        let again = write(&ana, number).send().await.is(201);
        if let Some(first) = first {
            assert_eq!(again, first.is(201), "the same answer from another node");
        }
    }
    let mut texts: Vec<_> = bob
        .history(&conversation)
        .await
        .into_iter()
        .skip(1)
        .collect();
    texts.sort_by_key(|it| it["text"].as_str().unwrap().parse::<usize>().unwrap());
    let texts: Vec<_> = texts
        .iter()
        .map(|it| it["text"].as_str().unwrap().to_owned())
        .collect();
    let each_once: Vec<_> = (0..SENDS).map(|number| number.to_string()).collect();
    assert_eq!(texts, each_once);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_ended_tells_its_clients_to_come_back() {
    for profile in [Profile::Embedded, Profile::Scaled] {
        let world = World::start(profile).await;
        let [ana, bob] = world.people(["ana", "bob"]).await;
        let mut phone = bob.connects().await;
        let mut page = bob.listens().await;
        let cursor = phone.cursor();
        let ended = tokio::join!(world.node().stop(), phone.ends(), page.ends());
        assert_eq!(ended.0.code(), Some(0));
        assert_eq!(ended.1, Ending::Closed(1012, "restart".to_owned()));
        assert_eq!(ended.2["code"], 1012);

        let again = world.start_node("node-again").await;
        let (ana, bob) = (ana.on(&again), bob.on(&again));
        let mut phone = bob.connects_after(&cursor).await;
        let pin = ana.pins("Green hall").await;
        ana.sends(&pin).to(&bob).await;
        phone.next_is("message.created").await;
    }
}
