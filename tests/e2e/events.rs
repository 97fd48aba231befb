//! The event stream: resuming, long poll, and cursors that are of no use.

use std::time::Duration;

use pinwire_tests::{Person, Replica, Value, World, json, on_both_profiles};
use tokio::time::Instant;

on_both_profiles!(
    who_comes_back_gets_exactly_what_was_missed,
    much_that_was_missed_comes_in_order,
    a_poll_answers_what_there_is_or_waits,
    socket_poll_and_state_agree,
    a_useless_cursor_asks_to_resync,
    a_malformed_cursor_is_refused_before_the_upgrade,
    every_answer_of_own_state_names_its_place,
    a_profile_change_reaches_who_shares_a_conversation,
);

async fn who_comes_back_gets_exactly_what_was_missed(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let mut phone = bob.connects().await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    phone.next_is("message.created").await;
    let cursor = phone.cursor();
    drop(phone);

    ana.replies(&conversation, "one").await;
    ana.replies(&conversation, "two").await;
    let mut phone = bob.on(world.other_node()).connects_after(&cursor).await;
    assert_eq!(
        phone.hello["seq"].to_string(),
        cursor.split_once(':').unwrap().1
    );
    for missed in ["one", "two"] {
        let heard = phone.next_is("message.created").await;
        assert_eq!(heard["data"]["message"]["text"], missed);
    }
    ana.replies(&conversation, "three").await;
    let heard = phone.next_is("message.created").await;
    assert_eq!(
        heard["data"]["message"]["text"], "three",
        "and then what comes, without a seam"
    );
    phone.hears_nothing(Duration::from_millis(300)).await;

    let mut from_now = bob.connects().await;
    from_now.hears_nothing(Duration::from_millis(300)).await;
}

async fn much_that_was_missed_comes_in_order(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let mut replica = Replica::fetch(&bob).await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    // More than is read from the log at once, and more than waits for one socket.
    for number in 2..=230 {
        ana.replies(&conversation, &number.to_string()).await;
    }
    let mut phone = bob.connects_after(&replica.cursor()).await;
    for position in 1..=230 {
        let heard = phone.next_is("message.created").await;
        assert_eq!(heard["data"]["message"]["position"], position);
        replica.apply(&heard).await;
    }
    replica.is_up_to_date().await;
}

async fn a_poll_answers_what_there_is_or_waits(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let start = bob.api.get("/v5/events").await.is(200);
    assert_eq!(
        (&start["items"], &start["more"]),
        (&json!([]), &json!(false))
    );
    let cursor = |page: &Value| format!("{}:{}", page["epoch"].as_str().unwrap(), page["seq"]);

    let began = Instant::now();
    let nothing = bob.polls(&cursor(&start), 1).await.is(200);
    assert_eq!(nothing["items"], json!([]));
    assert!(began.elapsed() >= Duration::from_secs(1));
    let other = bob.on(world.other_node());
    let beginning = cursor(&start);
    let waiting = other.polls(&beginning, 30);
    let sending = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        ana.sends(&pin).to(&bob).await
    };
    let began = Instant::now();
    let (page, sent) = tokio::join!(waiting, sending);
    let page = page.is(200);
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "it came before the time was over"
    );
    assert_eq!(page["items"][0]["data"]["message"], sent.message);
    assert_eq!(page["items"][0]["prev"], start["seq"]);

    // Pages of at most a hundred, each beginning where the last one ended.
    for number in 2..=120 {
        ana.replies(&sent.conversation, &number.to_string()).await;
    }
    let first = bob.polls(&cursor(&start), 0).await.is(200);
    assert_eq!(
        (first["items"].as_array().unwrap().len(), &first["more"]),
        (100, &json!(true))
    );
    let second = bob.polls(&cursor(&first), 0).await.is(200);
    assert_eq!(
        (second["items"].as_array().unwrap().len(), &second["more"]),
        (20, &json!(false))
    );
    assert_eq!(second["items"][0]["prev"], first["items"][99]["seq"]);
    bob.polls(&cursor(&start), 31)
        .await
        .is_refused(400, "malformed_parameter");
}

async fn socket_poll_and_state_agree(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let mut by_socket = Replica::fetch(&bob).await;
    let mut by_poll = by_socket.clone();
    let cursor = by_poll.cursor();
    let mut phone = bob.connects_after(&cursor).await;

    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    bob.reads(&conversation, 1).await;
    bob.marks_unread(&conversation).await;
    bob.draws_head(&conversation, "open").await;
    ana.is_called("Ana Lopes").await;
    bob.closes_head(&conversation).await;
    let live = phone.hears("the last act", |it| it["type"] == "head.closed");
    live.await;
    drop(phone);

    let mut phone = bob.connects_after(&cursor).await;
    let page = bob.polls(&cursor, 0).await.is(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 6);
    for item in page["items"].as_array().unwrap() {
        assert_eq!(
            phone.next().await,
            *item,
            "what is replayed is the same at both doors"
        );
        by_socket.apply(item).await;
        by_poll.apply(item).await;
    }
    by_socket.is_up_to_date().await;
    by_poll.is_up_to_date().await;
}

async fn a_useless_cursor_asks_to_resync(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let now = bob.api.get("/v5/events").await.is(200);
    let (epoch, seq) = (now["epoch"].as_str().unwrap(), now["seq"].as_i64().unwrap());

    for (cursor, reason) in [
        ("another:1".to_owned(), "epoch"),
        (format!("{epoch}:{}", seq + 1_000_000), "ahead"),
    ] {
        let mut phone = bob.connects_after(&cursor).await;
        let asked = phone.next_is("resync_required").await;
        assert_eq!(asked["reason"], reason);
        assert_eq!(asked["epoch"], epoch);
        // The stream goes on live from there.
        let sent = ana.sends(&pin).to(&bob).await;
        let heard = phone.next_is("message.created").await;
        assert_eq!(heard["data"]["message"]["position"], sent.position());
        bob.polls(&cursor, 0)
            .await
            .is_refused(410, "resync_required");
    }
}

async fn a_malformed_cursor_is_refused_before_the_upgrade(world: &World) {
    let bob = world.person("bob").await;
    for cursor in [
        "",
        "x",
        ":",
        "1:",
        ":1",
        "a:b",
        "a:1:2",
        "a:-1",
        "a:99999999999999999999",
    ] {
        assert_eq!(
            bob.socket().after(cursor).try_open().await.err(),
            Some(400),
            "{cursor:?}"
        );
        bob.polls(cursor, 0)
            .await
            .is_refused(400, "malformed_cursor");
    }
}

async fn every_answer_of_own_state_names_its_place(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let board = ana.makes_board("Halls", "PUBLIC").await;
    for path in [
        "/v5/sync",
        "/v5/heads",
        "/v5/unread",
        "/v5/conversations",
        &format!("/v5/conversations/{conversation}"),
        &format!("/v5/conversations/{conversation}/messages"),
        &format!("/v5/conversations/{conversation}/messages/1"),
        "/v5/boards",
        &format!("/v5/boards/{board}"),
        "/v5/pins",
        "/v5/user_account",
        "/v5/user_account/following",
        "/v5/user_account/followers",
    ] {
        let answer = ana.api.get(path).await;
        assert_eq!(answer.status, 200, "{answer}");
        // Nothing happened after it, so the stream has nothing after it.
        let after = ana.polls(&answer.cursor(), 0).await.is(200);
        assert_eq!(after["items"], json!([]), "{path}");
    }
}

async fn a_profile_change_reaches_who_shares_a_conversation(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    ana.sends(&pin).to(&bob).await;
    let other = world.other_node();
    let mut phones = [
        ana.on(other).connects().await,
        bob.on(other).connects().await,
    ];
    let mut strangers = cleo.on(other).connects().await;

    ana.is_called("Ana Lopes").await;
    for phone in &mut phones {
        let heard = phone.next_is("user.updated").await;
        assert_eq!(heard["data"]["user"]["full_name"], "Ana Lopes");
    }
    told_nothing(&mut strangers, &cleo).await;
}

/// By an event of one's own that comes next, rather than by waiting.
async fn told_nothing(phone: &mut pinwire_tests::Socket, person: &Person) {
    person.is_called("Somebody Else").await;
    let heard = phone.next_is("user.updated").await;
    assert_eq!(heard["data"]["user"]["id"], *person.id);
}
