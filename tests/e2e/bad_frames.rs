//! Frames that are no good end the socket, or are answered with an error; either way nothing is written.

use pinwire_tests::{Socket, World, json, on_both_profiles};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::frames::is_closed;

on_both_profiles!(
    what_is_no_frame_ends_the_socket,
    a_frame_that_is_refused_is_answered,
    a_frame_has_a_bound,
    a_flood_ends_the_socket,
);

async fn what_is_no_frame_ends_the_socket(world: &World) {
    let ana = world.person("ana").await;
    let before = world.database.row_counts();
    for text in [
        "",
        "x",
        "{",
        "[]",
        "1",
        "{}",
        r#"{"type":7}"#,
        r#"{"type":null}"#,
    ] {
        let mut phone = ana.connects().await;
        phone.says_raw(Message::text(text));
        is_closed(&mut phone, 4001, "malformed").await;
    }
    let mut phone = ana.connects().await;
    phone.says_raw(Message::binary(br#"{"type":"ping"}"#.as_slice()));
    is_closed(&mut phone, 4001, "malformed").await;
    let text = OpCode::Data(Data::Text);
    let not_utf8 = Frame::message(vec![b'"', 0xff, b'"'], text, true);
    let mut reserved = Frame::message("{}", text, true);
    reserved.header_mut().rsv2 = true;
    for frame in [not_utf8, reserved] {
        let mut phone = ana.connects().await;
        phone.says_raw(Message::Frame(frame));
        is_closed(&mut phone, 4001, "malformed").await;
    }
    assert_eq!(world.database.row_counts(), before);
}

async fn a_frame_that_is_refused_is_answered(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let mut phone = bob.connects().await;
    let before = world.database.row_counts();

    let read = format!(r#""type":"read","conversation_id":"{conversation}""#);
    for (text, error) in [
        (r#"{"type":"dance","id":"1"}"#.to_owned(), "malformed_body"),
        (
            r#"{"type":"ping","id":"1","loud":true}"#.to_owned(),
            "unknown_field",
        ),
        (
            r#"{"type":"ping","id":"1","id":"1"}"#.to_owned(),
            "duplicate_key",
        ),
        (format!(r#"{{{read},"id":"1"}}"#), "malformed_body"),
        (
            format!(r#"{{{read},"position":"1","id":"1"}}"#),
            "malformed_body",
        ),
        (
            format!(r#"{{{read},"position":1,"position":1,"id":"1"}}"#),
            "duplicate_key",
        ),
        (
            format!(r#"{{{read},"position":-1,"id":"1"}}"#),
            "invalid_value",
        ),
    ] {
        phone.says_raw(Message::text(text.clone()));
        let answer = phone.next().await;
        assert_eq!(
            (&answer["type"], &answer["error"]),
            (&json!("error"), &json!(error)),
            "{text}: {answer}"
        );
        assert_eq!(answer["id"], "1", "{text}: {answer}");
    }
    assert_eq!(bob.unread().await["messages"], 1);
    assert_eq!(world.database.row_counts(), before);
}

async fn a_frame_has_a_bound(world: &World) {
    let ana = world.person("ana").await;
    let bound = world.api().get("/v5/limits").await.is(200)["websocket_frame_bytes"]
        .as_u64()
        .unwrap();
    let bound = usize::try_from(bound).unwrap();
    assert_eq!(bound, 64 * 1024);
    let empty = json!({"type": "ping", "id": ""}).to_string().len();
    let ping = |bytes: usize| json!({"type": "ping", "id": "x".repeat(bytes - empty)});

    let mut phone = ana.connects().await;
    phone.says(&ping(bound));
    assert_eq!(phone.next().await["type"], "ok");
    phone.says(&ping(bound + 1));
    is_closed(&mut phone, 1009, "frame_too_large").await;

    // In parts that are small each.
    let mut phone = ana.connects().await;
    let part = "x".repeat(bound / 2);
    let text = OpCode::Data(Data::Text);
    phone.says_raw(Message::Frame(Frame::message(part.clone(), text, false)));
    for _ in 0..2 {
        let more = OpCode::Data(Data::Continue);
        phone.says_raw(Message::Frame(Frame::message(part.clone(), more, false)));
    }
    is_closed(&mut phone, 1009, "frame_too_large").await;
}

async fn a_flood_ends_the_socket(world: &World) {
    let ana = world.person("ana").await;
    let mut phone = ana.connects().await;
    for _ in 0..100 {
        phone.says(&json!({"type": "ping"}));
    }
    answers(&mut phone, 100).await;
    for _ in 0..200 {
        phone.says(&json!({"type": "ping"}));
    }
    is_closed(&mut phone, 4029, "flood").await;
    // Only that socket.
    let mut phone = ana.connects().await;
    phone.says(&json!({"type": "ping"}));
    answers(&mut phone, 1).await;
}

async fn answers(phone: &mut Socket, count: usize) {
    for _ in 0..count {
        assert_eq!(phone.next().await["type"], "ok");
    }
}
