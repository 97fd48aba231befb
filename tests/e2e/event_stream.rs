//! The event stream as Server-Sent Events, for clients that only listen.

use std::time::Duration;

use pinwire_tests::{EventStream, Replica, World, json, on_both_profiles};
use reqwest::Method;

use crate::mint::{Mint, now_s};

on_both_profiles!(
    a_stream_tells_what_a_socket_tells,
    who_comes_back_gets_exactly_what_was_missed,
    much_that_was_missed_comes_in_order,
    a_useless_cursor_asks_to_resync,
    a_malformed_cursor_is_refused,
    only_a_token_opens_it,
    it_ends_when_the_device_is_signed_out,
    it_ends_with_its_token,
    one_stream_too_many_ends_the_oldest,
    it_is_kept_awake,
);

/// Waits until the server ends a stream, and checks why.
async fn is_ended(stream: &mut EventStream, code: u16, reason: &str) {
    let last = stream.ends().await;
    let expected = json!({"type": "close", "code": code, "reason": reason});
    assert_eq!(last, expected);
}

async fn a_stream_tells_what_a_socket_tells(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let mut replica = Replica::fetch(&bob).await;
    let cursor = replica.cursor();
    let mut phone = bob.connects_after(&cursor).await;
    let mut page = bob.on(world.other_node()).listens_after(&cursor).await;
    assert_eq!(page.hello, phone.hello);
    assert_eq!(page.position, cursor);

    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    bob.reads(&conversation, 1).await;
    bob.marks_unread(&conversation).await;
    bob.draws_head(&conversation, "open").await;
    ana.is_called("Ana Lopes").await;
    bob.closes_head(&conversation).await;
    for _ in 0..6 {
        let heard = page.next().await;
        let told = phone.next().await;
        // Each shows the state as it was when its node told it.
        for field in ["type", "seq", "prev", "at"] {
            assert_eq!(heard[field], told[field]);
        }
        replica.apply(&heard).await;
    }
    replica.is_up_to_date().await;

    let mut again = bob.listens_after(&cursor).await;
    let events = bob.polls(&cursor, 0).await.is(200);
    for event in events["items"].as_array().unwrap() {
        assert_eq!(again.next().await, *event, "what is replayed is the same");
    }
}

async fn who_comes_back_gets_exactly_what_was_missed(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let mut page = bob.listens().await;
    let beginning = page.cursor();
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    page.next_is("message.created").await;
    let cursor = page.cursor();
    drop(page);

    ana.replies(&conversation, "one").await;
    ana.replies(&conversation, "two").await;
    // A client comes back with the address it began with.
    let asking = bob.on(world.other_node()).event_stream().after(&beginning);
    let mut page = asking.last_event_id(&cursor).open().await;
    assert_eq!(page.position, cursor);
    for missed in ["one", "two"] {
        let heard = page.next_is("message.created").await;
        assert_eq!(heard["data"]["message"]["text"], missed);
    }
    ana.replies(&conversation, "three").await;
    let heard = page.next_is("message.created").await;
    assert_eq!(heard["data"]["message"]["text"], "three");

    let mut from_beginning = bob.event_stream().after(&beginning).open().await;
    for position in 1..=4 {
        let heard = from_beginning.next_is("message.created").await;
        assert_eq!(heard["data"]["message"]["position"], position);
    }
}

async fn much_that_was_missed_comes_in_order(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let mut replica = Replica::fetch(&bob).await;
    let mut page = bob.listens_after(&replica.cursor()).await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    // More than is read from the log at once, and more than waits for one stream, while nothing is read.
    for number in 2..=230 {
        ana.replies(&conversation, &number.to_string()).await;
    }
    for position in 1..=230 {
        let heard = page.next_is("message.created").await;
        assert_eq!(heard["data"]["message"]["position"], position);
        replica.apply(&heard).await;
    }
    replica.is_up_to_date().await;
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
        let mut page = bob.listens_after(&cursor).await;
        let asked = page.next_is("resync_required").await;
        assert_eq!(asked["reason"], reason);
        let sent = ana.sends(&pin).to(&bob).await;
        let heard = page.next_is("message.created").await;
        assert_eq!(heard["data"]["message"]["position"], sent.position());
    }
}

async fn a_malformed_cursor_is_refused(world: &World) {
    let bob = world.person("bob").await;
    for cursor in ["", "x", ":", "1:", ":1", "a:b", "a:1:2", "a:-1"] {
        let stream = || bob.event_stream();
        let by_header = stream().last_event_id(cursor).try_open().await;
        assert_eq!(by_header.err(), Some(400), "{cursor:?}");
        let by_parameter = stream().after(cursor).try_open().await;
        assert_eq!(by_parameter.err(), Some(400), "{cursor:?}");
    }
    let request = bob.api.request(Method::GET, "/v5/events/stream");
    let answer = request.header("last-event-id", "x").send().await;
    let body = answer.is_refused(400, "malformed_cursor");
    assert_eq!(body["details"][0]["field"], "Last-Event-ID");
}

async fn only_a_token_opens_it(world: &World) {
    let ana = world.person("ana").await;
    let ticket = ana.takes_ticket().await;
    let by_ticket = ana.event_stream().by_ticket(&ticket).try_open().await;
    assert_eq!(by_ticket.err(), Some(401));
    // The ticket is still good for what it is for.
    ana.socket().by_ticket(&ticket).open().await;
    let request = world.api().request(Method::GET, "/v5/events/stream");
    request.send().await.is_refused(401, "unauthenticated");
}

async fn it_ends_when_the_device_is_signed_out(world: &World) {
    let ana = world.person("ana").await;
    let tablet = ana.on(world.other_node()).signs_in().await;
    let mut kept = ana.on(world.other_node()).listens().await;
    let mut open = [
        tablet.listens().await,
        tablet.on(world.node()).listens().await,
    ];
    tablet.signs_out().await.is(200);
    for stream in &mut open {
        is_ended(stream, 4003, "signed_out").await;
    }
    let answer = tablet.event_stream().try_open().await;
    assert_eq!(answer.err(), Some(401));
    ana.is_called("Ana Lopes").await;
    kept.next_is("user.updated").await;
}

async fn it_ends_with_its_token(world: &World) {
    let ana = world.person("ana").await;
    let short = Mint::of(world, &ana).signs(&json!({"exp": now_s() + 3}));
    let holder = pinwire_tests::Person {
        api: ana.api.with_token(&short),
        ..ana.clone()
    };
    let mut page = holder.listens().await;
    is_ended(&mut page, 4003, "signed_out").await;
}

async fn one_stream_too_many_ends_the_oldest(world: &World) {
    let ana = world.person("ana").await;
    let mut phone = ana.connects().await;
    let mut streams = Vec::new();
    for _ in 0..20 {
        streams.push(ana.listens().await);
    }
    ana.is_called("Ana Lopes").await;
    for stream in &mut streams {
        stream.next_is("user.updated").await;
    }
    let mut one_more = ana.listens().await;
    is_ended(&mut streams[0], 4429, "too_many_connections").await;
    ana.is_called("Ana Prado").await;
    for stream in streams[1..].iter_mut().chain([&mut one_more]) {
        stream.next_is("user.updated").await;
    }
    // Sockets are counted apart.
    assert_eq!(phone.asks(json!({"type": "ping"})).await["type"], "ok");
}

async fn it_is_kept_awake(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let mut page = ana.listens().await;
    // Somebody else's event moves the log on, and a ping tells how far.
    bob.is_called("Bob Lind").await;
    let head = bob.api.get("/v5/events").await.is(200)["seq"].clone();
    let long = Duration::from_mins(1);
    let ping = page.hears_within(long, "a ping", |it| it["type"] == "ping");
    assert_eq!(ping.await["seq"], head);
}
