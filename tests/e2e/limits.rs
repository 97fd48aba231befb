//! How often something may be done: the same by every door, and over all nodes.

use pinwire_tests::{Answer, Person, Profile, World, eventually, json};

/// The headers by which an answer tells the limit that its request counts to.
fn told(answer: &Answer) -> (u32, u32) {
    let number = |name| {
        let text = answer.header(name).unwrap_or_else(|| panic!("no {name}"));
        text.parse().expect("a number")
    };
    (number("x-ratelimit-limit"), number("x-ratelimit-remaining"))
}

async fn marks_read(person: &Person, conversation: &str) -> Answer {
    let path = format!("/v5/conversations/{conversation}/read");
    person.api.put(&path, &json!({"position": 1})).await
}

/// Changes by one person a minute, on all nodes together: fewer than a socket may send frames at once.
const WRITES: u32 = 60;

async fn requests_and_frames_count_alike_and_each_node_gives_its_share(profile: Profile) {
    let settings = [("PINWIRE_WRITES_PER_USER", WRITES.to_string())];
    let settings = settings
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let world = World::start_with(profile, &settings).await;
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    let id = ana.sends(&pin).to(&bob).await.conversation;
    let nodes = match profile {
        Profile::Embedded => 1,
        Profile::Scaled => 2,
    };
    let share = WRITES / nodes;
    eventually("the nodes to share", async || {
        let (limit, _) = told(&marks_read(&bob, &id).await);
        (limit == share).then_some(())
    })
    .await;
    let mut socket = ana.connects().await;
    let frame = json!({"type": "read", "conversation_id": id, "position": 1});
    let mut refused = None;
    for _ in 0..WRITES + WRITES / 2 {
        let answer = socket.asks(frame.clone()).await;
        if answer["type"] == "error" {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("frames to be counted");
    assert_eq!(refused["error"], "rate_limited");
    let message = format!("more than {share} changes by one person a minute");
    assert_eq!(refused["message"], json!(message));
    // By the other door as well; a change a second comes back meanwhile.
    let mut last = marks_read(&ana, &id).await;
    for _ in 0..WRITES {
        if last.status == 429 {
            break;
        }
        last = marks_read(&ana, &id).await;
    }
    assert_eq!(told(&last), (share, 0));
    assert!(last.header("retry-after").is_some());
    last.is_refused(429, "rate_limited");
    // Reading is counted apart, and so are others.
    ana.looks_at(&id, 1).await.is(200);
    cleo.pins("Blue door").await;
    if nodes > 1 {
        let elsewhere = marks_read(&ana.on(world.other_node()), &id).await;
        let (limit, remaining) = told(&elsewhere);
        assert!(limit == share && remaining > 0, "{limit} {remaining}");
        elsewhere.is(204);
    }
}

async fn a_new_person_asks_few_strangers_a_day_by_whichever_node(profile: Profile) {
    let settings = [("PINWIRE_STRANGERS", "requests")];
    let world = World::start_with(profile, &settings).await;
    let ana = world.person("ana").await;
    let limits = world.api().get("/v5/limits").await.is(200);
    let most = limits["requests_a_day_new"].as_u64().expect("a number");
    let by_turns = [ana.clone(), ana.on(world.other_node())];
    for (asked, ana) in (0..).zip(by_turns.iter().cycle()) {
        let stranger = world.person(&format!("stranger{asked}")).await;
        let pin = ana.pins(&format!("Hall {asked}")).await;
        let to = json!([{"user_id": stranger.id}]);
        let answer = ana.sends(&pin).asks("separate", &to).await;
        let requests = stranger.api.get("/v5/contact_requests").await.is(200);
        let heard = requests["items"].as_array().map(Vec::len);
        if asked == most {
            answer.is_refused(429, "daily_limit");
            assert_eq!(heard, Some(0), "a refused send changes nothing");
            return;
        }
        answer.is(201);
        assert_eq!(heard, Some(1));
    }
}

mod embedded {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn requests_and_frames() {
        requests_and_frames_count_alike_and_each_node_gives_its_share(Profile::Embedded).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn strangers() {
        a_new_person_asks_few_strangers_a_day_by_whichever_node(Profile::Embedded).await;
    }
}

mod scaled {
    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn requests_and_frames() {
        requests_and_frames_count_alike_and_each_node_gives_its_share(Profile::Scaled).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn strangers() {
        a_new_person_asks_few_strangers_a_day_by_whichever_node(Profile::Scaled).await;
    }
}
