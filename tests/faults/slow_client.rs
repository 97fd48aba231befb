//! A client that takes no more bytes.

use std::time::Duration;

use pinwire_tests::{Profile, Replica, World, json};
use tokio::time::{Instant, sleep};

/// How soon a peer that accepts no byte is let go of: the stall of 30 s, and as much again for the kernel to notice.
const LET_GO_MAX: Duration = Duration::from_mins(1);
/// Far more than the kernel holds on both sides.
const MESSAGES: usize = 80;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_reads_is_let_go_of_and_loses_nothing() {
    let world = World::start(Profile::Embedded).await;
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let pin = ana.pins("Green hall").await;
    let group = ana.sends(&pin).to_group(&[&bob, &cleo]).await.conversation;
    let mut replica = Replica::fetch(&bob).await;
    let stalled = bob.socket().after(&replica.cursor()).receive_buffer(4_096);
    let stalled = stalled.open().await;
    let mut reader = cleo.connects().await;

    stalled.takes_bytes(false);
    let text = "é".repeat(5_000);
    let mut slowest = Duration::ZERO;
    for _ in 0..MESSAGES {
        let began = Instant::now();
        ana.replies(&group, &text).await;
        reader.next_is("message.created").await;
        slowest = slowest.max(began.elapsed());
    }
    println!("others heard within {slowest:?}");
    assert!(
        slowest < Duration::from_secs(10),
        "others waited for who never reads"
    );

    let since = Instant::now();
    while is_connected(&world, stalled.port) {
        assert!(
            since.elapsed() < LET_GO_MAX * 2,
            "the connection is still held"
        );
        sleep(Duration::from_millis(200)).await;
    }
    println!("let go of after {:?}", since.elapsed());
    drop(stalled);

    let mut phone = bob.connects_after(&replica.cursor()).await;
    for _ in 0..MESSAGES {
        replica.apply(&phone.next_is("message.created").await).await;
    }
    replica.is_up_to_date().await;
}

/// How soon a session that was signed out hears nothing more, however slowly it reads.
const CUT_OFF_MAX: Duration = Duration::from_secs(2);
/// Missed by then, of 10,000 bytes each.
const MISSED: usize = 600;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_slowly_is_cut_off_when_signed_out() {
    let world = World::start(Profile::Embedded).await;
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let replica = Replica::fetch(&bob).await;
    let text = "é".repeat(5_000);
    for _ in 0..MISSED {
        ana.replies(&conversation, &text).await;
    }

    let lost = bob.signs_in().await;
    let slow = lost.socket().after(&replica.cursor()).receive_buffer(4_096);
    let slow = slow.open().await;
    slow.takes_bytes(false);
    sleep(Duration::from_millis(500)).await;
    assert!(is_connected(&world, slow.port));
    lost.signs_out().await.is(200);
    let since = Instant::now();
    while is_connected(&world, slow.port) {
        assert!(since.elapsed() < CUT_OFF_MAX, "it is still sent to");
        sleep(Duration::from_millis(20)).await;
    }

    // Who is signed in catches up with the same, and meanwhile is answered.
    let mut phone = bob.connects_after(&replica.cursor()).await;
    phone.says(&json!({"type": "ping", "id": "1"}));
    let mut before = 0;
    loop {
        let frame = phone.next().await;
        if frame["type"] == "ok" {
            break;
        }
        before += 1;
    }
    assert!(before < MISSED, "it was answered after all that was missed");
    for _ in before..MISSED {
        phone.next_is("message.created").await;
    }
}

/// Memory of the node that a stream may take, however much its reader did not take: far less than was missed.
const GROWTH_MAX_KIB: u64 = 5 * 1_024;
/// Missed by who reads an event stream, of 10,000 bytes each.
const MISSED_EVENTS: usize = 1_200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_an_event_stream_slowly_costs_no_memory_and_loses_nothing() {
    let world = World::start(Profile::Embedded).await;
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let mut replica = Replica::fetch(&bob).await;
    let text = "é".repeat(5_000);
    for _ in 0..MISSED_EVENTS {
        ana.replies(&conversation, &text).await;
    }
    // What the node keeps for reading the log so far, it has by now.
    for _ in 0..5 {
        bob.polls(&replica.cursor(), 0).await.is(200);
    }

    let before = memory_kib(&world);
    let ask = || bob.event_stream().after(&replica.cursor());
    let mut slow = ask().receive_buffer(4_096).open().await;
    for _ in 0..10 {
        ana.replies(&conversation, &text).await;
        sleep(Duration::from_millis(100)).await;
    }
    let grown = memory_kib(&world).saturating_sub(before);
    println!("{grown} KiB more for {} KiB that wait", MISSED_EVENTS * 10);
    assert!(grown < GROWTH_MAX_KIB, "{grown} KiB more");
    for _ in 0..MISSED_EVENTS + 10 {
        replica.apply(&slow.next_is("message.created").await).await;
    }
    replica.is_up_to_date().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_reads_an_event_stream_is_cut_off_when_signed_out() {
    let world = World::start(Profile::Embedded).await;
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let lost = bob.signs_in().await;
    let stalled = lost.event_stream().receive_buffer(4_096).open().await;
    let text = "é".repeat(5_000);
    for _ in 0..MESSAGES {
        ana.replies(&conversation, &text).await;
    }
    assert!(is_connected(&world, stalled.port));
    lost.signs_out().await.is(200);
    let since = Instant::now();
    while is_connected(&world, stalled.port) {
        let waited = since.elapsed();
        assert!(waited < CUT_OFF_MAX * 10, "it is still sent to");
        sleep(Duration::from_millis(20)).await;
    }
    println!("cut off after {:?}", since.elapsed());
}

/// Memory that the node has for itself.
fn memory_kib(world: &World) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", world.node().pid()));
    let status = status.expect("Linux tells of its processes");
    let line = status.lines().find(|it| it.starts_with("RssAnon:"));
    let kib = line.and_then(|it| it.split_whitespace().nth(1));
    kib.expect("a size").parse().expect("a number")
}

/// Whether the kernel holds an established connection from the node to this port.
fn is_connected(world: &World, port: u16) -> bool {
    const ESTABLISHED: &str = "01";
    let (_, node) = world.node().base.rsplit_once(':').unwrap();
    let hex = |port: u16| format!(":{port:04X}");
    let (local, remote) = (hex(node.parse().unwrap()), hex(port));
    let table = std::fs::read_to_string("/proc/net/tcp").expect("Linux tells its connections");
    table.lines().any(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        fields[1].ends_with(&local) && fields[2].ends_with(&remote) && fields[3] == ESTABLISHED
    })
}
