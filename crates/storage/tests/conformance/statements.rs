//! Each query runs the same number of statements, however much there is to read.

use pinwire_domain::event::Cursor;
use pinwire_domain::message::MessageDraft;
use pinwire_domain::people_query::PeopleQuery;
use pinwire_domain::{ConversationId, PinId, UserId};
use pinwire_storage::conversation_pins::PinSort;
use pinwire_storage::events::Subjects;
use pinwire_storage::inbox::Filter;
use pinwire_storage::messages::Page;

use crate::acts::key;
use crate::boards::full;
use crate::changes::emoji;
use crate::explain;
use crate::stores::{TestStore, on_postgres, on_sqlite};

/// How many statements each query runs; what begins and ends a snapshot counts too, since the way there is as long.
const COUNTS: [(&str, usize); 27] = [
    ("a page of messages", 1),
    ("messages before", 1),
    ("messages after", 1),
    // Two ranges on one snapshot.
    ("messages around", 4),
    // Whether there is nothing, or nothing for this person, is looked up only then.
    ("no messages", 5),
    ("a message", 1),
    ("the texts of a message", 4),
    ("a conversation", 4),
    ("conversations", 4),
    ("unread conversations", 4),
    ("heads", 6),
    ("unread", 4),
    ("who sees typing", 1),
    ("who sees presence", 1),
    ("the whole state", 11),
    ("contacts", 8),
    ("contacts like p", 9),
    ("contacts for a pin", 10),
    ("catch-up", 9),
    ("catch-up from the head", 3),
    ("the log", 4),
    ("whom events concern", 1),
    ("what happened last", 4),
    ("pins of a conversation", 6),
    ("a pin's discussion", 6),
    ("conversations with a pin", 4),
    ("events about pins", 11),
];

/// Ana's conversations with this many others, who sent her a pin each; the first one wrote this many messages.
struct Scene {
    ana: UserId,
    pin: PinId,
    first: ConversationId,
    messages: i64,
}

async fn scene(at: &TestStore, others: usize, messages: i64) -> Scene {
    let ana = at.person("ana");
    let mut first = None;
    let mut last_pin = None;
    for n in 0..others {
        let other = at.person(&format!("p{n}"));
        let pin = at.pin(other);
        let (id, _) = at.sends_to(other, pin, ana).await;
        first = first.or(Some((id, other)));
        last_pin = Some(pin);
    }
    at.execute("insert into user_words select username, id from users");
    let (first, other) = first.unwrap();
    for n in 2..=messages {
        at.writes(other, first, &format!("message {n}")).await;
    }
    Scene {
        ana,
        pin: last_pin.unwrap(),
        first,
        messages,
    }
}

type Counts = Vec<(&'static str, usize)>;

macro_rules! count {
    ($at:expr, $counts:expr, $name:expr, $query:expr) => {{
        explain::run($at);
        let answer = $query.await.unwrap();
        $counts.push(($name, explain::run($at).len()));
        answer
    }};
}

async fn count_messages(at: &TestStore, scene: &Scene, counts: &mut Counts) {
    let (ana, id, last) = (scene.ana, scene.first, scene.messages);
    let store = &at.store;
    let rows = usize::try_from(last).unwrap();
    let page = count!(
        at,
        counts,
        "a page of messages",
        store.messages(ana, id, Page::Newest, 50)
    );
    assert_eq!(page.value.len(), rows);
    let page = count!(
        at,
        counts,
        "messages before",
        store.messages(ana, id, Page::Before(last), 50)
    );
    assert_eq!(page.value.len(), rows - 1);
    let page = count!(
        at,
        counts,
        "messages after",
        store.messages(ana, id, Page::After(1), 50)
    );
    assert_eq!(page.value.len(), rows - 1);
    let page = count!(
        at,
        counts,
        "messages around",
        store.messages(ana, id, Page::Around(3), 50)
    );
    assert!(page.value.len() >= 4);
    let page = count!(
        at,
        counts,
        "no messages",
        store.messages(ana, id, Page::After(last), 50)
    );
    assert_eq!(page.value.len(), 0);
    count!(at, counts, "a message", store.message(ana, id, last));
    count!(
        at,
        counts,
        "the texts of a message",
        store.revisions(ana, id, last)
    );
}

async fn count_lists(at: &TestStore, scene: &Scene, counts: &mut Counts) {
    let (ana, store) = (scene.ana, &at.store);
    count!(
        at,
        counts,
        "a conversation",
        store.conversation(ana, scene.first)
    );
    count!(
        at,
        counts,
        "conversations",
        store.conversations(ana, Filter::Inbox, None, 10)
    );
    count!(
        at,
        counts,
        "unread conversations",
        store.conversations(ana, Filter::Unread, None, 10)
    );
    count!(at, counts, "heads", store.heads(ana));
    count!(at, counts, "unread", store.unread(ana));
    let typing = store.typing_audience(ana, scene.first);
    count!(at, counts, "who sees typing", typing);
    let others: Vec<UserId> = (1..=100).map(UserId::new).collect();
    let presence = store.see_presence(ana, &others);
    count!(at, counts, "who sees presence", presence);
    count!(at, counts, "the whole state", store.sync(ana, None, 250));
    count!(at, counts, "contacts", store.contacts(ana, None, None, 10));
    let query = PeopleQuery::parse("p").ok();
    count!(
        at,
        counts,
        "contacts like p",
        store.contacts(ana, query, None, 10)
    );
    count!(
        at,
        counts,
        "contacts for a pin",
        store.contacts_for_pin(full(ana), scene.pin, None, None, 10)
    );
}

async fn count_pins(at: &TestStore, scene: &Scene, counts: &mut Counts) {
    let (ana, store) = (scene.ana, &at.store);
    let reader = (ana, scene.first);
    for _ in 0..scene.messages {
        at.shares(ana, scene.first, at.pin(ana)).await;
    }
    explain::run(at);
    let pins = store.conversation_pins(reader, PinSort::MostDiscussed, None, 25);
    let pins = count!(at, counts, "pins of a conversation", pins)
        .value
        .items;
    let pin = PinId::new(pins[0].pin.snapshot.id);
    let page = store.pin_messages(reader, pin, None, 25);
    count!(at, counts, "a pin's discussion", page);
    let page = store.conversations_with_pin(full(ana), pin, None, 25);
    count!(at, counts, "conversations with a pin", page);
    let seq = store.head().await.unwrap();
    for pin in &pins {
        let id = PinId::new(pin.pin.snapshot.id);
        let place = (scene.first, pin.first.position);
        let reacts = store.react_to_pin(reader, id, emoji("👍"), true);
        reacts.await.unwrap();
        let saves = store.save_sent_pin(full(ana), place, None, None);
        saves.await.unwrap();
        let removes = store.delete_pin(full(UserId::new(pin.pin.snapshot.owner_id)), id);
        removes.await.unwrap();
    }
    let epoch = store.epoch().to_owned();
    let stream = store.stream(ana, Cursor { epoch, seq }, 250);
    count!(at, counts, "events about pins", stream);
}

async fn count_log(at: &TestStore, scene: &Scene, counts: &mut Counts) {
    let (ana, store) = (scene.ana, &at.store);
    let cursor = |seq| Cursor {
        epoch: store.epoch().to_owned(),
        seq,
    };
    let head = store.head().await.unwrap();
    count!(at, counts, "catch-up", store.stream(ana, cursor(0), 250));
    count!(
        at,
        counts,
        "catch-up from the head",
        store.stream(ana, cursor(head), 250)
    );
    let (events, _) = count!(at, counts, "the log", store.log_after(0, 200));
    let rows = events.iter().map(|(event, _)| event.clone()).collect();
    count!(at, counts, "whom events concern", store.audiences(rows));
    let newest = events.into_iter().rev().take(1).collect();
    count!(
        at,
        counts,
        "what happened last",
        store.describe(newest, &Subjects::default())
    );
}

async fn counts(at: &TestStore, others: usize, messages: i64) -> Counts {
    let scene = scene(at, others, messages).await;
    explain::run(at);
    let mut counts = Counts::new();
    count_messages(at, &scene, &mut counts).await;
    count_lists(at, &scene, &mut counts).await;
    count_log(at, &scene, &mut counts).await;
    count_pins(at, &scene, &mut counts).await;
    counts
}

#[test]
fn sqlite() {
    explain::record();
    on_sqlite(async |at| assert_eq!(counts(at, 2, 5).await, COUNTS));
    on_sqlite(async |at| assert_eq!(counts(at, 20, 50).await, COUNTS));
}

#[test]
fn postgres() {
    explain::record();
    on_postgres(async |at| assert_eq!(counts(at, 2, 5).await, COUNTS));
    on_postgres(async |at| assert_eq!(counts(at, 20, 50).await, COUNTS));
}

/// A send that runs ahead on what the batch before left in memory: all rows.
const AHEAD: usize = 1;
/// A send that waits its turn, with what it knows in memory: begin, the lock, how the log stands, all rows, commit.
const IN_TURN: usize = 5;
/// The conversation, and its members.
const READ: usize = 2;

#[test]
fn a_send_is_few_statements_however_many_people_there_are() {
    explain::record();
    on_postgres(async |at| {
        let ana = at.person("ana");
        let others: Vec<UserId> = (0..9).map(|n| at.person(&format!("p{n}"))).collect();
        at.with_one_writer();
        for people in [&others[..1], &others[..]] {
            let begun = at
                .store
                .begin_conversation(ana, people.to_vec(), None, None)
                .await;
            let id = ConversationId::new(begun.unwrap().outcome.0);
            // Whether members have blocked anybody is learnt when they are read.
            at.execute("update conversations set title = null");
            at.writes(ana, id, "read anew").await;
            at.writes(ana, id, "in turn, since running ahead was in vain")
                .await;
            let in_vain = AHEAD + IN_TURN + READ;
            for (n, statements) in [AHEAD, in_vain, IN_TURN, AHEAD].iter().enumerate() {
                if n == 1 {
                    at.execute("update conversations set title = null");
                }
                explain::run(at);
                let draft = MessageDraft::new(Some("hello"), None).unwrap();
                let key = key(&format!("{}-{n}", people.len()), "POST /messages", "body");
                let sent = at.store.send_message(full(ana), id, draft, None, Some(key));
                assert_eq!(sent.await.unwrap().outcome.messages.len(), 1);
                let run = explain::run(at);
                assert_eq!(run.len(), *statements, "{n}: {run:#?}");
            }
        }
    });
}

/// Does an act twice, and looks when it is asked whether it was done before.
async fn asks_only_the_second_time(at: &TestStore) {
    let (ana, bo) = (at.person("ana"), at.person("bo"));
    let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
    at.writes(ana, id, "read anew").await;
    at.writes(ana, id, "ahead, or in turn").await;
    explain::run(at);
    let sent = async || {
        let draft = MessageDraft::new(Some("hello"), None).unwrap();
        let key = key("once", "POST /messages", "body");
        let sent = at.store.send_message(full(ana), id, draft, None, Some(key));
        sent.await.unwrap()
    };
    let asks = |sql: &String| sql.starts_with("select") && sql.contains("idempotency_keys");
    let first = sent().await;
    assert!(!explain::run(at).iter().any(asks));
    let again = sent().await;
    assert!(explain::run(at).iter().any(asks));
    assert!(again.replayed && !first.replayed);
    assert_eq!(again.outcome.to, first.outcome.to);
}

#[test]
fn whether_an_act_was_done_before_is_not_asked_ahead_of_it() {
    explain::record();
    on_sqlite(async |at| asks_only_the_second_time(at).await);
    on_postgres(async |at| {
        at.with_one_writer();
        asks_only_the_second_time(at).await;
    });
}

#[test]
fn a_conversation_that_the_last_batch_had_is_not_read_again() {
    explain::record();
    on_sqlite(async |at| {
        let (ana, bo) = (at.person("ana"), at.person("bo"));
        let (id, _) = at.sends_to(ana, at.pin(ana), bo).await;
        let reads = |at: &TestStore| {
            let is_read = |sql: &String| {
                sql.contains("from members") || sql.contains("from conversation_rows")
            };
            explain::run(at).iter().filter(|sql| is_read(sql)).count()
        };
        // Making the pin is an act with the connection: what was kept before it is forgotten.
        at.writes(ana, id, "one").await;
        reads(at);
        at.writes(bo, id, "two").await;
        assert_eq!(reads(at), 0);
        at.store.close_head(bo, id).await.unwrap();
        at.writes(ana, id, "three").await;
        assert_eq!(reads(at), 2);
        at.block(bo, ana);
        at.writes(ana, id, "unwanted").await;
        assert_eq!(reads(at), 2);
        assert_eq!(at.number("select count(*) from message_exclusions"), 1);
    });
}
