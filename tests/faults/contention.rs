//! Many act at once, on two nodes.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use pinwire_tests::{Person, Profile, Value, World, json};
use tokio::time::Instant;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_two_write_five_thousand_messages_into_one_conversation() {
    const PEOPLE: usize = 32;
    const MESSAGES: usize = 5_000;
    let world = World::start_with(Profile::Scaled, &[("PINWIRE_CONVERSATION_PEOPLE", "100")]).await;
    let mut people = Vec::new();
    for number in 0..PEOPLE {
        let person = world.person(&format!("person{number}")).await;
        people.push(person.on(&world.nodes[number % 2]));
    }
    let others: Vec<_> = people[1..].iter().map(|it| &it.id).collect();
    let begun = people[0]
        .api
        .post("/v5/conversations", &json!({"user_ids": others}))
        .await
        .is(201);
    let conversation = begun["conversation"]["id"].as_str().unwrap();
    let mut listener = people[0].on(&world.nodes[1]).connects().await;

    let began = Instant::now();
    let all_write = people.iter().enumerate().map(async |(number, person)| {
        let mut positions = Vec::new();
        for count in (number..MESSAGES).step_by(PEOPLE) {
            let message = person.replies(conversation, &count.to_string()).await;
            positions.push(message["position"].as_i64().unwrap());
        }
        assert!(
            positions.is_sorted(),
            "a person's own messages are in order"
        );
        positions
    });
    let mut given: Vec<_> = join_all(all_write).await.concat();
    println!(
        "{MESSAGES} messages of {PEOPLE} people took {:?}",
        began.elapsed()
    );
    given.sort_unstable();
    let all: Vec<i64> = (1..=i64::try_from(MESSAGES).unwrap()).collect();
    assert_eq!(given, all, "positions that were answered");

    for position in &all {
        let heard = listener.next_is("message.created").await;
        assert_eq!(heard["data"]["message"]["position"], *position, "as heard");
    }
    for person in &people {
        let history = person.history(conversation).await;
        let seen: Vec<_> = history
            .iter()
            .map(|it| it["position"].as_i64().unwrap())
            .collect();
        assert_eq!(seen, all, "positions that {} sees", person.username);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_keys_are_each_used_by_several_at_once() {
    const KEYS: usize = 1_000;
    /// Keys that are tried at the same time.
    const AT_ONCE: usize = 8;
    let world = World::start(Profile::Scaled).await;
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let at = [ana.on(&world.nodes[0]), ana.on(&world.nodes[1])];
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;

    let began = Instant::now();
    let answers: Vec<Value> = stream::iter(0..KEYS)
        .map(|number| one_key(&at, &conversation, number))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    println!("{KEYS} keys took {:?}", began.elapsed());
    let positions: BTreeSet<_> = answers
        .iter()
        .map(|it| it["position"].as_i64().unwrap())
        .collect();
    let history = bob.history(&conversation).await;
    assert_eq!(history.len(), 1 + KEYS, "exactly one message for each key");
    let written: BTreeSet<_> = history
        .iter()
        .skip(1)
        .map(|it| it["position"].as_i64().unwrap())
        .collect();
    assert_eq!(positions, written);
}

/// Asks 2 to 4 times at once, by turns on each node. The one answer.
async fn one_key(at: &[Person; 2], conversation: &str, number: usize) -> Value {
    let key = format!("k-{number}");
    let message = json!({"text": number.to_string()});
    let tries = (0..2 + number % 3).map(|place| {
        let who = &at[(number + place) % 2];
        who.writing(conversation, &message).key(&key).send()
    });
    let mut answers = join_all(tries).await;
    let replayed = answers
        .iter()
        .filter(|it| it.header("idempotency-replayed").is_some());
    assert_eq!(
        replayed.count(),
        answers.len() - 1,
        "all but one are repeats"
    );
    let first = answers.pop().unwrap().is(201);
    for answer in answers {
        assert_eq!(answer.is(201), first);
    }
    first
}
