//! What a client may say on its socket, and when the server ends it.

use pinwire_tests::{Ending, Socket, World, json, on_both_profiles};

on_both_profiles!(
    frames_are_answered_by_their_id,
    a_read_frame_is_a_read_mark,
    a_subprotocol_is_agreed_or_none,
    only_pages_of_allowed_origins_connect,
    one_connection_too_many_closes_the_oldest,
);

/// Waits until the server closes a socket, and checks how.
pub(crate) async fn is_closed(socket: &mut Socket, code: u16, reason: &str) {
    assert_eq!(socket.ends().await, Ending::Closed(code, reason.to_owned()));
}

async fn frames_are_answered_by_their_id(world: &World) {
    let ana = world.person("ana").await;
    let mut phone = ana.connects().await;
    phone.says(&json!({"type": "ping", "id": "a"}));
    phone.says(&json!({"type": "ping"}));
    phone.says(&json!({"type": "pong", "seq": 0}));
    phone.says(&json!({"type": "ping", "id": "b"}));
    assert_eq!(phone.next().await, json!({"type": "ok", "id": "a"}));
    assert_eq!(phone.next().await, json!({"type": "ok"}));
    assert_eq!(phone.next().await, json!({"type": "ok", "id": "b"}));
}

async fn a_read_frame_is_a_read_mark(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let mut phone = bob.on(world.other_node()).connects().await;

    let read = |position: i64| json!({"type": "read", "conversation_id": conversation, "position": position});
    assert_eq!(phone.asks(read(1)).await["type"], "ok");
    assert_eq!(bob.unread().await["messages"], 0);
    let refused = phone.asks(read(2)).await;
    assert_eq!(refused["error"], "position_beyond_end");
    let foreign = json!({"type": "read", "conversation_id": "77", "position": 1});
    assert_eq!(phone.asks(foreign).await["error"], "conversation_not_found");
}

async fn a_subprotocol_is_agreed_or_none(world: &World) {
    let ana = world.person("ana").await;
    ana.connects().await;
    ana.socket().speaking("pinwire.v5").open().await;
    ana.socket().speaking("pinwire.v9, pinwire.v5").open().await;
    for unknown in ["pinwire.v9", "pinwire", "graphql-ws, mqtt"] {
        let opened = ana.socket().speaking(unknown).try_open().await;
        assert_eq!(opened.err(), Some(400), "{unknown}");
    }
}

async fn only_pages_of_allowed_origins_connect(world: &World) {
    let ana = world.person("ana").await;
    ana.socket().on_page_of("https://app.example").open().await;
    for origin in [
        "https://evil.example",
        "http://app.example",
        "https://app.example:444",
        "null",
    ] {
        let opened = ana.socket().on_page_of(origin).try_open().await;
        assert_eq!(opened.err(), Some(403), "{origin}");
    }
}

async fn one_connection_too_many_closes_the_oldest(world: &World) {
    let ana = world.person("ana").await;
    let mut sockets = Vec::new();
    for _ in 0..20 {
        sockets.push(ana.connects().await);
    }
    assert_eq!(sockets[0].asks(json!({"type": "ping"})).await["type"], "ok");

    // A poll takes no socket's place.
    let here = sockets[0].cursor();
    for wait in [0, 1] {
        ana.polls(&here, wait).await.is(200);
    }
    for socket in &mut sockets {
        assert_eq!(socket.asks(json!({"type": "ping"})).await["type"], "ok");
    }

    let mut one_more = ana.connects().await;
    is_closed(&mut sockets[0], 4429, "too_many_connections").await;
    for socket in sockets[1..].iter_mut().chain([&mut one_more]) {
        assert_eq!(socket.asks(json!({"type": "ping"})).await["type"], "ok");
    }
}
