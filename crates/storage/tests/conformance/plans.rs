//! No query of a person's own reads a whole table, however large the store is.

use std::collections::BTreeSet;
use std::fmt::Write;

use pinwire_domain::board::{BoardDraft, Privacy};
use pinwire_domain::conversation::SendMode;
use pinwire_domain::event::Cursor;
use pinwire_domain::link::judge::Journey;
use pinwire_domain::message::{Carried, MessageDraft};
use pinwire_domain::message_query::{Filters, MessageQuery};
use pinwire_domain::people_query::PeopleQuery;
use pinwire_domain::picture::{Picture, PictureSize};
use pinwire_domain::pin::{PinDraft, Wording};
use pinwire_domain::{BoardId, ConversationId, PinId, UserId};
use pinwire_storage::Target;
use pinwire_storage::conversation_pins::{Chosen, PinSort};
use pinwire_storage::inbox::{ActivityMark, Filter};
use pinwire_storage::messages::Page;
use pinwire_storage::send::{SendRequest, What};

use crate::acts::request;
use crate::boards::full;
use crate::changes::emoji;
use crate::explain::{self, Explaining, Statement};
use crate::stores::{TestStore, on_postgres, on_sqlite};

/// With very many contacts and conversations.
const HEAVY: UserId = UserId::new(1);
/// With some.
const TYPICAL: UserId = UserId::new(5_000);
/// With none.
const NEW: UserId = UserId::new(100_000);

fn build(at: &TestStore) {
    let setting = match at.target() {
        Target::Sqlite(_) => {
            "pragma foreign_keys = off; pragma synchronous = off; pragma cache_size = -400000;"
        }
        // Without the triggers of foreign keys.
        Target::Postgres(_) => {
            "set session_replication_role = replica; set synchronous_commit = off;
             set work_mem = '128MB';"
        }
    };
    at.execute(&format!(
        "{setting} begin; {} commit;",
        include_str!("large_store.sql")
    ));
    for (table, rows) in [
        ("users", 100_000),
        ("follows", 1_000_000),
        ("messages", 1_000_000),
    ] {
        let count = at.number(&format!("select count(*) from {table}"));
        assert!(count >= rows, "{count} {table}");
    }
}

/// What a person asked for, and the statements that answered.
type Asked = (String, Vec<Statement>);

/// Notes what a query runs under its name.
macro_rules! ask {
    ($at:expr, $asked:expr, $name:expr, $query:expr) => {{
        let answer = $query.await.unwrap();
        let statements = explain::statements($at);
        assert!(!statements.is_empty(), "{} ran nothing", $name);
        $asked.push(($name.to_owned(), statements));
        answer
    }};
}

async fn ask_contacts(at: &TestStore, person: UserId, asked: &mut Vec<Asked>) {
    let page = ask!(
        at,
        asked,
        "contacts",
        at.store.contacts(person, None, None, 25)
    );
    let next = page.value.next;
    ask!(
        at,
        asked,
        "contacts, next page",
        at.store.contacts(person, None, next, 25)
    );
    // One letter, a syllable, a name, a name that many have, two of them, and nobody's.
    for typed in [
        "a", "an", "anbe", "user", "user7", "anbe ca", "user a", "zz",
    ] {
        let query = PeopleQuery::parse(typed).ok();
        let name = format!("contacts like {typed}");
        ask!(at, asked, name, at.store.contacts(person, query, None, 25));
    }
    // In a twentieth of all conversations, and in few.
    for pin in [PinId::new(1), PinId::new(77)] {
        let chosen = at
            .store
            .contacts_for_pin(full(person), pin, None, None, 250);
        ask!(at, asked, "contacts for a pin", chosen);
        let query = PeopleQuery::parse("be").ok();
        let chosen = at
            .store
            .contacts_for_pin(full(person), pin, query, None, 25);
        ask!(at, asked, "contacts for a pin like be", chosen);
    }
}

async fn ask_conversations(at: &TestStore, person: UserId, asked: &mut Vec<Asked>) {
    let middle = Some(ActivityMark {
        activity_seq: 1_000_000,
        conversation: ConversationId::new(1),
    });
    for filter in [Filter::Inbox, Filter::Unread, Filter::Archived, Filter::All] {
        for (after, size) in [(None, 25), (middle, 250)] {
            let name = format!("conversations {filter:?}");
            ask!(
                at,
                asked,
                name,
                at.store.conversations(person, filter, after, size)
            );
        }
    }
    ask!(at, asked, "heads", at.store.heads(person));
    ask!(at, asked, "unread", at.store.unread(person));
    ask!(at, asked, "sync", at.store.sync(person, None, 250));
    let to = [UserId::new(2_001), UserId::new(60_000)];
    for mode in [SendMode::Separate, SendMode::Group] {
        let dry_run = at
            .store
            .would_send(full(person), request(PinId::new(1), &to, mode));
        ask!(at, asked, format!("a dry run, {mode:?}"), dry_run);
    }
}

async fn ask_messages(at: &TestStore, person: UserId, asked: &mut Vec<Asked>) {
    let ids = format!(
        "select coalesce(max(conversation_id), 0) from memberships where state = 'member' and user_id = {person}"
    );
    let last = at.number(&ids);
    let first = at.number(&ids.replace("max", "min"));
    for id in [first, last].map(ConversationId::new) {
        if id.get() == 0 {
            continue;
        }
        ask!(
            at,
            asked,
            "a conversation",
            at.store.conversation(person, id)
        );
        let end = at.number(&format!(
            "select last_position from conversations where id = {id}"
        ));
        ask!(at, asked, "a message", at.store.message(person, id, end));
        let typing = at.store.typing_audience(person, id);
        ask!(at, asked, "who sees typing", typing);
        for page in [
            Page::Newest,
            Page::Before(3),
            Page::After(1),
            Page::Around(2),
        ] {
            let name = format!("messages {page:?}");
            ask!(at, asked, name, at.store.messages(person, id, page, 50));
        }
    }
}

/// Conversations by their pins.
async fn ask_pins(at: &TestStore, person: UserId, asked: &mut Vec<Asked>) {
    // In a twentieth of all conversations, and in few.
    for pin in [PinId::new(1), PinId::new(77)] {
        let holders = at.store.conversations_with_pin(full(person), pin, None, 25);
        ask!(at, asked, "conversations with a pin", holders);
    }
    let first = at.number(&format!(
        "select coalesce(min(conversation_id), 0) from memberships where state = 'member' and user_id = {person}"
    ));
    if first == 0 {
        return;
    }
    let reader = (person, ConversationId::new(first));
    for sort in [PinSort::Newest, PinSort::MostDiscussed] {
        let page = at.store.conversation_pins(reader, sort, None, 25);
        let page = ask!(at, asked, format!("pins of a conversation, {sort:?}"), page);
        let pin = PinId::new(page.value.items[0].pin.snapshot.id);
        let page = at.store.pin_messages(reader, pin, Some(1_000), 25);
        ask!(at, asked, "a pin's discussion", page);
    }
}

/// What is done with pins that were sent, and how that is told.
async fn ask_pin_acts(at: &TestStore, asked: &mut Vec<Asked>) {
    let of_301 = |column| {
        at.number(&format!(
            "select {column} from messages where conversation_id = 1 and position = 301"
        ))
    };
    let (member, id) = (UserId::new(of_301("sender_id")), ConversationId::new(1));
    let pin = PinId::new(of_301("pin_id"));
    let seq = at.store.head().await.unwrap();
    let reacts = at.store.react_to_pin((member, id), pin, emoji("👍"), true);
    ask!(at, asked, "a reaction to a pin", reacts);
    let saves = at.store.save_sent_pin(full(member), (id, 301), None, None);
    ask!(at, asked, "saving a sent pin", saves);
    let draft = BoardDraft::new("From our talk", None, Privacy::Public).unwrap();
    let board = (draft, Chosen::These(vec![pin]));
    let makes = at
        .store
        .create_board_from_conversation(full(member), id, board, None);
    ask!(at, asked, "a board of a conversation", makes);
    let owner = at.number(&format!("select owner_id from pins where id = {pin}"));
    let removes = at.store.delete_pin(full(UserId::new(owner)), pin);
    ask!(at, asked, "removing a pin that was sent", removes);
    let board = at.number(
        "select min(board_id) from pins where board_id is not null and removed_at is null
         and exists (select 1 from messages where pin_id = pins.id)",
    );
    let owner = at.number(&format!("select owner_id from boards where id = {board}"));
    explain::statements(at);
    let removes = at
        .store
        .delete_board(full(UserId::new(owner)), BoardId::new(board));
    ask!(
        at,
        asked,
        "removing a board with pins that were sent",
        removes
    );
    while ask!(at, asked, "a turn of a job", at.store.run_job()) {}
    let epoch = at.store.epoch().to_owned();
    let stream = at.store.stream(member, Cursor { epoch, seq }, 250);
    ask!(at, asked, "events about pins", stream);
}

async fn ask_links(at: &TestStore, asked: &mut Vec<Asked>) {
    let owner = HEAVY;
    let wording = Wording::default().link(Some(Some("https://new.example/".into())));
    let draft = PinDraft::new(None, "https://img.example/new.jpg", wording.unwrap()).unwrap();
    let makes = at.store.create_pin(full(owner), draft, None);
    let pin = ask!(at, asked, "a pin with a new link and picture", makes);
    at.sends_to(owner, pin.outcome, UserId::new(4_004)).await;
    let due = ask!(at, asked, "the next picture", at.store.next_reading()).unwrap();
    let size = PictureSize {
        width: 600,
        height: 900,
    };
    let picture = Picture {
        size,
        dominant_color: None,
    };
    let reads = at.store.note_reading(due, Some(picture));
    ask!(at, asked, "what a picture shows", reads);
    while ask!(at, asked, "telling of a picture", at.store.run_job()) {}
    ask!(at, asked, "links of old pins", at.store.adopt_link());
    let due = ask!(at, asked, "the next link", at.store.next_inspection()).unwrap();
    let found = Journey {
        redirects: vec!["https://elsewhere.example/".into()],
        is_unreachable: false,
    };
    ask!(
        at,
        asked,
        "where a link leads",
        at.store.note_inspection(due, found)
    );
    let clicks = at.store.inspection_of("token7".into());
    ask!(at, asked, "a look for who clicks", clicks);
    ask!(at, asked, "a click", at.store.follow_link("token7".into()));
    let domain = || "shop7.example".to_owned();
    let blocks = at.store.block_domains(Some(owner), vec![domain()], None);
    ask!(at, asked, "blocking a domain", blocks);
    while ask!(at, asked, "telling of a domain", at.store.run_job()) {}
    ask!(
        at,
        asked,
        "blocked domains",
        at.store.blocked_domains(None, 25)
    );
    let unblocks = at.store.unblock_domain(owner, domain());
    ask!(at, asked, "unblocking a domain", unblocks);
}

async fn ask_log(at: &TestStore, person: UserId, asked: &mut Vec<Asked>) {
    let head = at.store.head().await.unwrap();
    for seq in [head - 10, head - 100_000, 1_700_000, 900_000] {
        let cursor = Cursor {
            epoch: at.store.epoch().to_owned(),
            seq,
        };
        for limit in [1, 250] {
            let name = format!("catch-up from {seq}");
            ask!(
                at,
                asked,
                name,
                at.store.stream(person, cursor.clone(), limit)
            );
        }
        ask!(
            at,
            asked,
            format!("the log from {seq}"),
            at.store.log_after(seq, 200)
        );
    }
}

async fn ask_people(at: &TestStore, person: UserId, asked: &mut Vec<Asked>) {
    for typed in ["a", "anbe", "user7", "anbe ca", "user a"] {
        let query = PeopleQuery::parse(typed).unwrap();
        let name = format!("people like {typed}");
        ask!(at, asked, name, at.store.search_users(query, None, 25));
    }
    ask!(at, asked, "following", at.store.following(person, None, 25));
    ask!(at, asked, "followers", at.store.followers(person, None, 25));
    let name = format!("user{person}");
    ask!(at, asked, "a profile", at.store.profile(&name));
    ask!(at, asked, "an account", at.store.account(person));
    ask!(at, asked, "settings", at.store.settings(person));
    let others: Vec<UserId> = (1..=100).map(|n| UserId::new(n * 40)).collect();
    let presence = at.store.see_presence(person, &others);
    ask!(at, asked, "who sees presence", presence);
}

async fn ask_search(at: &TestStore, person: UserId, asked: &mut Vec<Asked>) {
    // In every message, in none, and both.
    for typed in ["hall", "h", "zebra", "hall zebra"] {
        let query = MessageQuery::parse(typed, Filters::default()).unwrap();
        let name = format!("messages with {typed}");
        let page = at.store.search_messages(person, query.clone(), None, 25);
        let page = ask!(at, asked, name, page);
        let next = page.value.next;
        let page = at.store.search_messages(person, query, next, 250);
        ask!(at, asked, format!("{name}, next page"), page);
    }
    let conversation = at.number(&format!(
        "select coalesce(min(conversation_id), 0) from memberships where state = 'member' and user_id = {person}"
    ));
    if conversation > 0 {
        let filters = Filters {
            conversation: Some(ConversationId::new(conversation)),
            ..Filters::default()
        };
        let query = MessageQuery::parse("hall", filters).unwrap();
        let page = at.store.search_messages(person, query, None, 25);
        ask!(at, asked, "messages of a conversation with hall", page);
    }
}

/// What the indexer reads and writes, of new messages and of those that were there before.
async fn ask_indexing(at: &TestStore, asked: &mut Vec<Asked>) {
    at.execute("update search_progress set seq = 1800000, conversation_id = 70000, position = 1");
    ask!(at, asked, "indexing", at.store.index_messages());
    let sender =
        at.number("select sender_id from messages where conversation_id = 1 and position = 300");
    let (sender, id) = (UserId::new(sender), ConversationId::new(1));
    let deleting = at.store.delete_for_everyone(sender, id, 300);
    ask!(at, asked, "deleting for everyone", deleting);
}

/// What acts read of what is answered, about a pin, shared and passed on.
async fn ask_answers(at: &TestStore, asked: &mut Vec<Asked>) {
    let of_301 = |column| {
        at.number(&format!(
            "select {column} from messages where conversation_id = 1 and position = 301"
        ))
    };
    let access = full(UserId::new(of_301("sender_id")));
    let (id, pin) = (ConversationId::new(1), PinId::new(of_301("pin_id")));
    let answer = MessageDraft::new(Some("yes"), None).unwrap();
    let answer = answer.reply_to(Some(301)).unwrap().about_pin(Some(pin));
    let sent = at.store.send_message(access, id, answer, None, None);
    ask!(at, asked, "an answer", sent);
    let board = Carried::Board(BoardId::new(7));
    let board = MessageDraft::new(None, Some(board)).unwrap();
    let sent = at.store.send_message(access, id, board, None, None);
    ask!(at, asked, "sharing a board", sent);
    let forward = SendRequest {
        what: What::Forward(id, 301),
        ..request(pin, &[UserId::new(60_000)], SendMode::Separate)
    };
    ask!(at, asked, "passing on", at.store.send(access, forward));
}

async fn ask_all(at: &TestStore) -> Vec<Asked> {
    explain::statements(at);
    let mut asked = Vec::new();
    for person in [HEAVY, TYPICAL, NEW] {
        let from = asked.len();
        ask_contacts(at, person, &mut asked).await;
        ask_conversations(at, person, &mut asked).await;
        ask_messages(at, person, &mut asked).await;
        ask_pins(at, person, &mut asked).await;
        ask_log(at, person, &mut asked).await;
        ask_people(at, person, &mut asked).await;
        ask_search(at, person, &mut asked).await;
        for (name, _) in asked.iter_mut().skip(from) {
            write!(name, ", of person {person}").unwrap();
        }
    }
    ask_indexing(at, &mut asked).await;
    ask_answers(at, &mut asked).await;
    ask_pin_acts(at, &mut asked).await;
    ask_links(at, &mut asked).await;
    asked
}

/// What should be found is found, and nothing else.
fn check_the_check(at: &TestStore) {
    let mut explaining = Explaining::of(at);
    let mut scans = |sql: &str| {
        let statement = Statement::read(&format!("{sql} -- binds: []")).unwrap();
        !statement.scans(&mut explaining).is_empty()
    };
    for bad in [
        "SELECT id FROM users WHERE full_name = 'anbe anan'",
        "SELECT count(*) FROM users",
        "SELECT count(*) FROM follows WHERE created_at > 5",
        "SELECT count(*) FROM messages WHERE created_at > 5",
        "SELECT count(*) FROM conversations c JOIN users u ON u.created_at = c.created_at WHERE c.id < 9",
    ] {
        assert!(scans(bad), "{bad}");
    }
    for good in [
        "SELECT id FROM users WHERE id = 7",
        "SELECT count(*) FROM follows WHERE follower_id = 7",
        "SELECT seq FROM log_head",
        "SELECT position FROM messages WHERE conversation_id = 1 ORDER BY position DESC LIMIT 5",
    ] {
        assert!(!scans(good), "{good}");
    }
}

/// Fails with all plans that read a whole table.
fn check(at: &TestStore, asked: &[Asked]) {
    let mut explaining = Explaining::of(at);
    let mut bad = BTreeSet::new();
    for (name, statements) in asked {
        for statement in statements {
            for scan in statement.scans(&mut explaining) {
                bad.insert(format!("{name}: {scan}\n    {}", statement.sql));
            }
        }
    }
    let lines: Vec<String> = bad.into_iter().collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn sqlite() {
    explain::record();
    on_sqlite(async |at| {
        build(at);
        let asked = ask_all(at).await;
        // As a store is that nobody ever analyzed, and then as it should be.
        check(at, &asked);
        at.execute("analyze");
        check(at, &asked);
        check_the_check(at);
    });
}

#[test]
fn postgres() {
    explain::record();
    on_postgres(async |at| {
        build(at);
        at.execute("analyze");
        let asked = ask_all(at).await;
        check(at, &asked);
        check_the_check(at);
    });
}
