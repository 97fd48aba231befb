//! Who comes to a group and goes: what they see, what they hear, and what the others are told.

use std::time::Duration;

use futures_util::future::join_all;
use pinwire_tests::{PATIENCE, Person, Replica, Socket, Value, World, json, on_both_profiles};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

on_both_profiles!(
    a_group_grows_and_shrinks_before_everybodys_eyes,
    who_is_removed_hears_no_more_by_any_door,
    who_is_asked_answers,
    what_may_not_be_done_to_a_group_is_refused,
    comings_and_goings_leave_all_devices_up_to_date,
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

    async fn hears(&mut self, kind: &str) -> Value {
        let frame = self.socket.next_is(kind).await;
        self.replica.apply(&frame).await;
        self.replica.is_up_to_date().await;
        frame
    }
}

fn names(people: &Value) -> Vec<&str> {
    let people = people.as_array().expect("a list").iter();
    people
        .map(|it| it["username"].as_str().expect("a name"))
        .collect()
}

fn members(conversation: &Value) -> Vec<&str> {
    let members = conversation["members"].as_array().expect("a list").iter();
    members
        .map(|it| it["user"]["username"].as_str().expect("a name"))
        .collect()
}

async fn a_group_grows_and_shrinks_before_everybodys_eyes(world: &World) {
    let [ana, bob, cleo, dan] = world.people(["ana", "bob", "cleo", "dan"]).await;
    dan.follows(&bob).await;
    let pin = ana.pins("Green hall").await;
    let group = ana.sends(&pin).to_group(&[&bob, &cleo]).await.conversation;
    ana.replies(&group, "For the hall?").await;
    let mut anas = Device::of(&ana).await;
    let mut dans = Device::of(&dan.on(world.other_node())).await;

    bob.names(&group, Some("Hall")).await.is(200);
    let heard = anas.hears("conversation.updated").await;
    let told = &heard["data"]["message"];
    assert_eq!(
        (&told["kind"], &told["text"]),
        (&json!("system"), &json!(null))
    );
    assert_eq!(
        told["system"],
        json!({"code": "title_changed", "people": [], "title": "Hall", "owner_id": null})
    );

    let added = bob.adds(&group, &[&dan], "from_join").await.is(200);
    assert_eq!(
        added["results"],
        json!([{"user_id": dan.id, "status": "added"}])
    );
    for device in [&mut anas, &mut dans] {
        let heard = device.hears("member.joined").await;
        let told = &heard["data"]["message"];
        assert_eq!(told["sender"]["username"], "bob");
        assert_eq!(told["system"]["code"], "members_added");
        assert_eq!(names(&told["system"]["people"]), ["dan"]);
        assert_eq!(members(&heard["data"]["conversation"]).len(), 4);
    }
    let seen = dan.history(&group).await;
    assert_eq!(seen.len(), 1, "from the joining on");
    assert_eq!(seen[0]["position"], 4);
    dan.looks_at(&group, 1)
        .await
        .is_refused(404, "message_not_found");
    // Not the picture of a pin that he does not see.
    assert_eq!(dans.replica.heads()[0]["last_pin_image"], json!(null));
    assert_eq!(dan.unread().await["messages"], 0);
    cleo.replies(&group, "Welcome").await;
    for device in [&mut anas, &mut dans] {
        device.hears("message.created").await;
    }
    assert_eq!(dan.unread().await["messages"], 1);

    // Ana's group passes on when she leaves.
    ana.leaves(&group).await.is(204);
    let gone = anas.hears("member.left").await;
    assert_eq!(gone["data"], json!({"conversation_id": group}));
    let left = dans.hears("member.left").await;
    let told = &left["data"]["message"]["system"];
    let next = [&bob, &cleo].into_iter().map(|it| &it.id).min();
    assert_eq!(told["code"], "member_left");
    assert_eq!(told["owner_id"].as_str(), next.map(String::as_str));
    assert_eq!(left["data"]["conversation"]["owner_id"], told["owner_id"]);
    ana.api
        .get(&format!("/v5/conversations/{group}"))
        .await
        .is_refused(404, "conversation_not_found");
    assert_eq!(ana.heads().await, [""; 0]);
}

async fn who_is_removed_hears_no_more_by_any_door(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let group = ana.begins_group(&[&bob, &cleo], Some("Hall")).await;
    ana.replies(&group, "One").await;
    bob.begins_to_write(&group, "Well").await;
    let away = Replica::fetch(&bob).await;
    let mut bobs = Device::of(&bob.on(world.other_node())).await;
    let mut cleos = Device::of(&cleo).await;

    ana.removes(&group, &bob).await.is(204);
    ana.replies(&group, "Two").await;
    ana.edits(&group, 1, "1").await.is(200);
    for kind in ["member.left", "message.created"] {
        cleos.socket.next_is(kind).await;
    }
    cleos.socket.next_is("message.edited").await;
    let gone = bobs.hears("member.left").await;
    assert_eq!(gone["data"], json!({"conversation_id": group}));
    assert_eq!(gone.get("me"), None);
    bobs.socket.hears_nothing(Duration::from_millis(300)).await;
    let page = bob.polls(&away.cursor(), 0).await.is(200);
    let kinds: Vec<_> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["type"])
        .collect();
    assert_eq!(kinds, ["member.left"]);
    let mut away = away;
    away.apply_page(&page).await;
    away.is_up_to_date().await;
    let base = format!("/v5/conversations/{group}");
    for path in ["", "/messages", "/messages/1", "/messages/3", "/draft"] {
        let answer = bob.api.get(&format!("{base}{path}")).await;
        answer.is_refused(404, "conversation_not_found");
    }
    let answer = bob.writing(&group, &json!({"text": "But"})).send().await;
    answer.is_refused(404, "conversation_not_found");
    bob.reacts(&group, 1, "👍")
        .await
        .is_refused(404, "conversation_not_found");

    // Back again, the past stays past, and so does what he had begun to write.
    bob.follows(&cleo).await;
    cleo.adds(&group, &[&bob], "from_join").await.is(200);
    bobs.hears("member.joined").await;
    assert_eq!(bob.history(&group).await.len(), 1);
    let page = bob.polls(&away.cursor(), 0).await.is(200);
    away.apply_page(&page).await;
    away.is_up_to_date().await;
}

async fn who_is_asked_answers(world: &World) {
    let [ana, bob, cleo, dan, eve] = world.people(["ana", "bob", "cleo", "dan", "eve"]).await;
    dan.is_wary().await;
    eve.is_wary().await;
    let group = ana.begins_group(&[&bob, &cleo], None).await;
    ana.replies(&group, "One").await;
    let mut dans = Device::of(&dan).await;
    let mut eves = Device::of(&eve.on(world.other_node())).await;
    let mut bobs = Device::of(&bob).await;

    let added = ana.adds(&group, &[&dan, &eve], "all").await.is(200);
    assert_eq!(added["results"][0]["status"], "asked");
    assert_eq!(members(&added["conversation"]["conversation"]).len(), 3);
    for device in [&mut dans, &mut eves] {
        let asked = device.hears("request.created").await;
        assert_eq!(asked["data"], json!({"conversation_id": group}));
    }
    let path = format!("/v5/contact_requests/{group}");
    let request = dan.api.get(&path).await.is(200);
    assert_eq!(names(&request["people"]).len(), 3);
    assert_eq!(dan.unread().await["requests"], 1);
    dan.looks_at(&group, 1)
        .await
        .is_refused(404, "conversation_not_found");

    eve.answers(&group, "ignore").await.is(204);
    eves.hears("request.ignored").await;
    eve.answers(&group, "accept")
        .await
        .is_refused(404, "request_not_found");
    dan.answers(&group, "accept").await.is(200);
    dans.hears("member.joined").await;
    let joined = bobs.hears("member.joined").await;
    assert_eq!(joined["data"]["message"]["system"]["code"], "member_joined");
    assert_eq!(joined["data"]["message"]["sender"]["username"], "dan");
    assert_eq!(dan.history(&group).await.len(), 2, "all of it was given");
    assert_eq!(dan.unread().await["requests"], 0);
    bob.api
        .get(&path)
        .await
        .is_refused(404, "request_not_found");
}

async fn what_may_not_be_done_to_a_group_is_refused(world: &World) {
    let [ana, bob, cleo, dan] = world.people(["ana", "bob", "cleo", "dan"]).await;
    let group = ana.begins_group(&[&bob, &cleo], None).await;
    let pin = ana.pins("Green hall").await;
    let direct = ana.sends(&pin).to(&bob).await.conversation;
    let before = world.database.row_counts();
    for (answer, status, error) in [
        (
            bob.removes(&group, &cleo).await,
            403,
            "conversation_not_yours",
        ),
        (ana.removes(&group, &dan).await, 404, "member_not_found"),
        (
            dan.removes(&group, &cleo).await,
            404,
            "conversation_not_found",
        ),
        (
            dan.names(&group, Some("Ours")).await,
            404,
            "conversation_not_found",
        ),
        (
            dan.adds(&group, &[&dan], "all").await,
            404,
            "conversation_not_found",
        ),
        (dan.leaves(&group).await, 404, "conversation_not_found"),
        (ana.adds(&group, &[], "all").await, 422, "no_recipients"),
        (
            ana.adds(&group, &[&dan], "some").await,
            400,
            "malformed_body",
        ),
        (
            ana.names(&group, Some(&"x".repeat(101))).await,
            422,
            "invalid_value",
        ),
        (ana.names(&direct, Some("Us")).await, 422, "not_a_group"),
        (ana.adds(&direct, &[&cleo], "all").await, 422, "not_a_group"),
        (ana.removes(&direct, &bob).await, 422, "not_a_group"),
        (ana.leaves(&direct).await, 422, "direct_not_leavable"),
    ] {
        answer.is_refused(status, error);
    }
    let path = format!("/v5/conversations/{group}/members");
    let unknown = json!({"user_ids": [bob.id, "1"]});
    let refused = ana.api.post(&path, &unknown).await;
    let refused = refused.is_refused(422, "recipient_unavailable");
    assert_eq!(refused["details"][0]["field"], "user_ids[1]");
    let mut many = Vec::new();
    for number in 0..8 {
        many.push(world.person(&format!("friend{number}")).await);
    }
    let before_many = world.database.row_counts();
    let many: Vec<&Person> = many.iter().collect();
    let refused = ana.adds(&group, &many, "all").await;
    let message = refused.is_refused(422, "too_many_people")["message"].to_string();
    assert!(
        message.contains("10"),
        "the error names the limit: {message}"
    );
    assert_eq!(world.database.row_counts(), before_many);
    assert_ne!(before, before_many);
    ana.adds(&group, &many[..7], "all").await.is(200);
}

const ROUNDS: usize = 60;

/// Each acts on groups of which others may have taken them out a moment ago.
async fn comings_and_goings_leave_all_devices_up_to_date(world: &World) {
    let seed: u64 = match std::env::var("PINWIRE_TEST_SEED") {
        Ok(seed) => seed.parse().expect("a number"),
        Err(_) => std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), ()),
    };
    println!("PINWIRE_TEST_SEED={seed}");
    let people = world.people(["ana", "bob", "cleo", "dan", "eve"]).await;
    for person in &people[1..] {
        person.follows(&people[0]).await;
    }
    people[0].follows(&people[1]).await;
    let mut groups = Vec::new();
    for (place, person) in people.iter().enumerate().take(3) {
        let others = [&people[place + 1], &people[(place + 2) % 5]];
        groups.push(person.begins_group(&others, Some("Hall")).await);
    }
    let goes = people.iter().enumerate().map(|(place, person)| {
        let chance = StdRng::seed_from_u64(seed ^ u64::try_from(place).unwrap());
        let person = if place % 2 == 0 {
            person.clone()
        } else {
            person.on(world.other_node())
        };
        goes_about(person, (&people, &groups), chance)
    });
    let mut devices = join_all(goes).await;
    for device in &mut devices {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let page = device.person.polls(&device.replica.cursor(), 0).await;
            if device.replica.apply_page(&page.is(200)).await == 0 {
                break;
            }
            assert!(Instant::now() < deadline, "there is an end");
        }
        device.replica.is_up_to_date().await;
    }
}

/// A device that is connected now and then.
struct Wanderer {
    person: Person,
    replica: Replica,
}

async fn goes_about(
    person: Person,
    (people, groups): (&[Person], &[String]),
    mut chance: StdRng,
) -> Wanderer {
    let mut replica = Replica::fetch(&person).await;
    let mut socket: Option<Socket> = None;
    for round in 0..ROUNDS {
        let group = &groups[chance.random_range(0..groups.len())];
        let other = &people[chance.random_range(0..people.len())];
        let history = ["from_join", "all"][chance.random_range(0..2)];
        let answer = match chance.random_range(0..12) {
            0..4 => person.adds(group, &[other], history).await,
            4 | 5 => person.removes(group, other).await,
            6 => person.leaves(group).await,
            7 => person.names(group, Some(&format!("Hall {round}"))).await,
            8 => {
                person
                    .answers(group, ["accept", "ignore"][usize::from(round % 7 == 0)])
                    .await
            }
            9 => {
                person
                    .reacts(group, chance.random_range(1..=20), "👍")
                    .await
            }
            _ => {
                person
                    .writing(group, &json!({"text": "Words"}))
                    .send()
                    .await
            }
        };
        let expected = [200, 201, 204, 403, 404];
        assert!(expected.contains(&answer.status), "{answer}");
        match &mut socket {
            Some(open) => {
                for frame in open.drain().await {
                    replica.apply(&frame).await;
                }
                if chance.random_ratio(1, 10) {
                    socket = None;
                }
            }
            None if chance.random_ratio(1, 3) => {
                socket = Some(person.connects_after(&replica.cursor()).await);
            }
            None if chance.random_ratio(1, 3) => {
                let page = person.polls(&replica.cursor(), 0).await.is(200);
                replica.apply_page(&page).await;
            }
            None => {}
        }
    }
    Wanderer { person, replica }
}
