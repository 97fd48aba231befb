//! The gate: every operation that changes something, by somebody whom Bob knows and by the same one whom Bob has blocked,
//! and whether anything of it arrives with Bob.

use std::fmt::Write as _;

use pinwire_tests::{Answer, Person, Pin, Socket, Value, World, json, on_both_profiles};
use reqwest::Method;

on_both_profiles!(
    what_arrives_is_what_the_table_says,
    every_operation_has_a_row,
);

const DOCUMENT: &str = include_str!("../../openapi/pinwire.openapi.json");

/// Whether something of an operation arrives with Bob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Arrives {
    /// Nothing does, whoever asks.
    Never,
    /// It does, unless Bob has blocked who asks.
    Unblocked,
    /// As that, but he sees it by asking.
    Asked,
    /// It does also then: it is about what Bob holds already, and not about who asks.
    Always,
}

use Arrives::{Always, Asked, Never, Unblocked};

/// Where an operation is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In a conversation of Ana and Bob.
    Direct,
    /// In a group that Cleo is in, too.
    Group,
}

use Place::{Direct, Group};

/// An operation, where it is tried, what arrives, the body, and what has to be done before it.
struct Row {
    operation: &'static str,
    place: Place,
    arrives: Arrives,
    body: Value,
    before: Option<&'static str>,
}

impl Row {
    /// Of a line of the table.
    fn read(line: &'static str) -> Self {
        let mut rest = line;
        let mut next = || {
            let (word, after) = rest.split_once(' ').expect("five columns");
            rest = after.trim_start();
            word
        };
        let [operation, place, arrives, before] = [next(), next(), next(), next()];
        Self {
            operation,
            place: match place {
                "direct" => Direct,
                "group" => Group,
                other => panic!("no such place: {other}"),
            },
            arrives: match arrives {
                "never" => Never,
                "unblocked" => Unblocked,
                "asked" => Asked,
                "always" => Always,
                other => panic!("arrives: {other}"),
            },
            before: Some(before).filter(|it| *it != "-"),
            body: serde_json::from_str(rest).expect("JSON"),
        }
    }
}

/// The table says what stands in it.
fn table() -> Vec<Row> {
    let lines = include_str!("gate.table").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .map(Row::read)
        .collect()
}

/// Method and path of each operation that changes something and needs a token.
fn operations() -> Vec<(String, Method, String)> {
    let document: Value = serde_json::from_str(DOCUMENT).expect("JSON");
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in ["post", "put", "patch", "delete"] {
            let Some(operation) = item.get(method) else {
                continue;
            };
            if operation["security"] == json!([]) {
                continue;
            }
            all.push((
                operation["operationId"].as_str().expect("an id").to_owned(),
                method.to_ascii_uppercase().parse().expect("a method"),
                path.clone(),
            ));
        }
    }
    assert!(all.len() > 40, "{} operations", all.len());
    all
}

async fn every_operation_has_a_row(_: &World) {
    let table = table();
    for (id, ..) in operations() {
        assert!(
            table.iter().any(|row| row.operation == id),
            "{id} has no row"
        );
    }
    for row in table {
        let is_known = operations().iter().any(|(id, ..)| id == row.operation);
        assert!(is_known, "there is no {}", row.operation);
    }
}

/// Ana, whom Bob knows from a conversation of two and a group, and Cleo, who is in the group and writes to Bob apart.
struct Stage {
    ana: Person,
    bob: Person,
    cleo: Person,
    dan: Person,
    pin: Pin,
    direct: String,
    group: String,
    aside: String,
    phone: Socket,
}

impl Stage {
    async fn set(world: &World, number: usize) -> Self {
        let name = |who: &str| format!("{who}{number}");
        let ana = world.person(&name("ana")).await;
        let bob = world.person(&name("bob")).await.on(world.other_node());
        let cleo = world.person(&name("cleo")).await;
        let dan = world.person(&name("dan")).await;
        let pin = ana.pins("Green hall").await;
        let direct = ana.sends(&pin).to(&bob).await.conversation;
        bob.replies(&direct, "Nice").await;
        let group = ana.sends(&pin).to_group(&[&bob, &cleo]).await.conversation;
        bob.replies(&group, "For the hall?").await;
        let aside = cleo.sends(&cleo.pins("Blue hall").await).to(&bob).await;
        Self {
            phone: bob.connects().await,
            ana,
            bob,
            cleo,
            dan,
            pin,
            direct,
            group,
            aside: aside.conversation,
        }
    }

    async fn ask(&self, operation: &str, place: Place, body: &Value) -> Answer {
        let all = operations();
        let (_, method, path) = all.iter().find(|it| it.0 == operation).expect("known");
        let conversation = match place {
            Direct => &self.direct,
            Group => &self.group,
        };
        // Of a group Ana removes Cleo, and of blocks and follows it is about Bob.
        let user = if path.contains("/members/") {
            &self.cleo.id
        } else {
            &self.bob.id
        };
        let nothing = "4000000000000001";
        let path = path
            .replace("{conversation_id}", conversation)
            .replace("{pin_id}", &self.pin.id)
            .replace("{user_id}", user)
            .replace("{username}", &self.bob.username)
            .replace("{position}", "1")
            .replace("{emoji}", "%F0%9F%91%8D")
            .replace("{domain}", "pills.example")
            .replace("{board_id}", nothing)
            .replace("{session_id}", nothing)
            .replace("{report_id}", nothing);
        let path = if operation == "messages/delete" {
            format!("{path}?for=everyone")
        } else {
            path
        };
        let request = self.ana.api.request(method.clone(), &path);
        if body.is_null() {
            return request.send().await;
        }
        let body = body
            .to_string()
            .replace("BOB", &self.bob.id)
            .replace("DAN", &self.dan.id)
            .replace("PIN", &self.pin.id)
            .replace("CONVERSATION", conversation);
        let body = serde_json::from_str(&body).expect("JSON");
        request.json(&body).send().await
    }

    /// The frames that Bob hears before what Cleo writes now.
    async fn heard(&mut self) -> Vec<Value> {
        self.cleo.replies(&self.aside, "Mark").await;
        let mut heard = Vec::new();
        loop {
            let frame = self.phone.next().await;
            if frame["data"]["conversation_id"] == *self.aside {
                return heard;
            }
            heard.push(frame);
        }
    }

    /// What Bob sees by asking, but for what he holds already.
    async fn lists(&self) -> String {
        let mut seen = String::new();
        for path in [
            "/v5/conversations",
            "/v5/contact_requests",
            "/v5/unread",
            "/v5/heads",
        ] {
            let answer = self.bob.api.get(path).await.is(200);
            write!(seen, "{path} {answer}").expect("a string grows");
        }
        seen
    }
}

/// How an operation answers with Bob's block, or without; what Bob hears of it, and whether what he sees changed.
async fn tried(
    world: &World,
    number: usize,
    row: &Row,
    is_blocked: bool,
) -> Result<(u16, bool, bool), String> {
    let mut stage = Stage::set(world, number).await;
    if let Some(before) = row.before {
        let done = stage.ask(before, row.place, &row_body(before)).await;
        assert!(done.status < 300, "{before}: {done}");
    }
    if is_blocked {
        stage.bob.blocks(&stage.ana).await;
    }
    stage.heard().await;
    let before = stage.lists().await;
    let answer = stage.ask(row.operation, row.place, &row.body).await;
    let is_understood = answer.status < 300 || [403, 404].contains(&answer.status);
    if !is_understood {
        return Err(format!("{}: {answer}", row.operation));
    }
    let is_same = stage.lists().await == before;
    Ok((answer.status, !stage.heard().await.is_empty(), !is_same))
}

fn row_body(operation: &str) -> Value {
    let table = table();
    let row = table.iter().find(|row| row.operation == operation);
    row.expect("a row").body.clone()
}

async fn what_arrives_is_what_the_table_says(world: &World) {
    let mut wrong = Vec::new();
    for (number, row) in table().iter().enumerate() {
        let free = tried(world, 2 * number, row, false).await;
        let blocked = tried(world, 2 * number + 1, row, true).await;
        let (free, blocked) = match (free, blocked) {
            (Ok(free), Ok(blocked)) => (free, blocked),
            (Err(error), _) | (_, Err(error)) => {
                wrong.push(error);
                continue;
            }
        };
        let name = format!("{} in {:?} {}", row.operation, row.place, row.body);
        if free.0 != blocked.0 {
            wrong.push(format!("{name}: {} is {} when blocked", free.0, blocked.0));
        }
        let found = match (free.1, blocked.1) {
            (false, false) => Never,
            (true, false) if blocked.2 => Asked,
            (true, false) => Unblocked,
            (true, true) => Always,
            (false, true) => {
                wrong.push(format!("{name} arrives only when blocked"));
                continue;
            }
        };
        if found != row.arrives {
            wrong.push(format!("{name}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
