//! Every operation on something, asked for by everybody: what is not theirs answers exactly like what is not there.

use pinwire_tests::{Answer, Person, Value, World, json, on_both_profiles};
use reqwest::Method;

on_both_profiles!(
    what_is_anothers_answers_like_what_is_not_there,
    nobody_asks_without_a_token,
    what_is_no_id_is_refused,
    what_is_asked_here_is_well_formed,
);

const DOCUMENT: &str = include_str!("../../openapi/pinwire.openapi.json");

/// The bodies of operations that take one, and the query of one that needs it. An operation with a body that is not here
/// fails the tests.
fn body(operation: &str, friend: &str) -> Option<Value> {
    let to_friend = json!([{"user_id": friend}]);
    Some(match operation {
        "boards/update" => json!({"name": "Halls"}),
        "contact_requests/accept"
        | "contact_requests/ignore"
        | "blocked_domains/update"
        | "messages/save_pin"
        | "moderation_reports/claim"
        | "pins/save"
        | "typing/create" => json!({}),
        "conversations/update" => json!({"title": "Halls"}),
        "conversations/create_board" => json!({"name": "All of it"}),
        "drafts/update" => json!({"text": "And"}),
        "members/create" => json!({"user_ids": [friend]}),
        "membership/update" => json!({"archived": true}),
        "messages/create" | "messages/update" => json!({"text": "Look"}),
        "messages/forward" => json!({"recipients": to_friend}),
        "read_marks/update" => json!({"position": 1}),
        "heads/update" => json!({"state": "open"}),
        "moderation_reports/resolve" => json!({"action": "none"}),
        "pins/update" => json!({"title": "Blue hall"}),
        "pins/send" => json!({"recipients": to_friend, "mode": "separate"}),
        _ => return None,
    })
}

/// The ids of an operation's path.
#[derive(Clone)]
struct Ids {
    conversation: String,
    pin: String,
    board: String,
    session: String,
    user: String,
    report: String,
}

impl Ids {
    /// Ids that nothing has.
    fn of_nothing() -> Self {
        let id = |n: i64| (4_000_000_000_000_000 + n).to_string();
        Self {
            conversation: id(1),
            pin: id(2),
            board: id(3),
            session: id(4),
            user: id(5),
            report: id(6),
        }
    }

    fn malformed() -> Self {
        let id = || "12x".to_owned();
        Self {
            conversation: id(),
            pin: id(),
            board: id(),
            session: id(),
            user: id(),
            report: id(),
        }
    }

    fn path(&self, operation: &Operation) -> String {
        let path = operation
            .path
            .replace("{conversation_id}", &self.conversation)
            .replace("{pin_id}", &self.pin)
            .replace("{board_id}", &self.board)
            .replace("{session_id}", &self.session)
            .replace("{user_id}", &self.user)
            .replace("{report_id}", &self.report)
            .replace("{domain}", "pills.example")
            .replace("{position}", "1")
            .replace("{emoji}", "%F0%9F%91%8D");
        if operation.id == "messages/delete" {
            format!("{path}?for=me")
        } else {
            path
        }
    }
}

struct Operation {
    id: String,
    method: Method,
    path: String,
    has_body: bool,
    needs_token: bool,
}

/// Every operation on something of somebody's. What everybody may look at by its name, or by a token that nobody guesses,
/// is not among them.
fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(DOCUMENT).expect("JSON");
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let of_a_person = path.starts_with("/v5/blocks") || path.contains("{username}");
        if !path.contains('{') || of_a_person || path.contains("{token}") {
            continue;
        }
        for method in ["get", "post", "put", "patch", "delete"] {
            let Some(operation) = item.get(method) else {
                continue;
            };
            all.push(Operation {
                id: operation["operationId"].as_str().expect("an id").to_owned(),
                method: method.to_ascii_uppercase().parse().expect("a method"),
                path: path.clone(),
                has_body: operation.get("requestBody").is_some(),
                needs_token: operation["security"] != json!([]),
            });
        }
    }
    assert!(all.len() > 40, "{} operations", all.len());
    all
}

/// Asks as somebody, for somebody's friend where there is a body.
async fn ask(who: &Person, operation: &Operation, ids: &Ids, friend: &str) -> Answer {
    let request = who
        .api
        .request(operation.method.clone(), &ids.path(operation));
    let body = body(&operation.id, friend);
    assert!(
        body.is_some() || !operation.has_body,
        "{} has no row in the table of bodies",
        operation.id
    );
    match body {
        Some(body) => request.json(&body).send().await,
        None => request.send().await,
    }
}

/// Ana's secrets, and a group of hers that Cleo has left and Dan is asked into.
struct Stage {
    ana: Person,
    bob: Person,
    /// Knows nobody.
    eve: Person,
    cleo: Person,
    dan: Person,
    /// Talked with Ana and Bob, who have blocked her since.
    fay: Person,
    /// A moderator, who is a stranger otherwise.
    mo: Person,
    ids: Ids,
}

impl Stage {
    async fn set(world: &World) -> Self {
        let [ana, bob, cleo, dan, eve, fay, mo] = world
            .people(["ana", "bob", "cleo", "dan", "eve", "fay", "mo"])
            .await;
        let mo = world.appoints(&mo).await;
        dan.is_wary().await;
        let door = fay.pins("Blue door").await;
        for who in [&ana, &bob] {
            fay.sends(&door).to(who).await;
            who.blocks(&fay).await;
        }
        let board = ana.makes_board("Secret", "SECRET").await;
        let pin = ana.pins_on(&board, "Green hall").await;
        let sent = ana.sends(&pin).to_group(&[&bob, &cleo, &dan]).await;
        let conversation = sent.conversation;
        cleo.leaves(&conversation).await.is(204);
        let sessions = ana.api.get("/v5/user_account/sessions").await.is(200);
        let session = sessions["items"][0]["id"]
            .as_str()
            .expect("an id")
            .to_owned();
        let report = json!({"subject": {"kind": "user", "user_id": bob.id}, "category": "spam"});
        let reported = ana.api.post("/v5/reports", &report).await.is(201);
        let ids = Ids {
            conversation,
            pin: pin.id,
            board,
            session,
            user: bob.id.clone(),
            report: reported["id"].as_str().expect("an id").to_owned(),
        };
        Self {
            ana,
            bob,
            eve,
            cleo,
            dan,
            fay,
            mo,
            ids,
        }
    }
}

/// An answer without what differs in each.
fn plain(answer: &Answer) -> (u16, String) {
    let mut body: Value = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
    body["request_id"].take();
    (answer.status, body.to_string())
}

async fn what_is_anothers_answers_like_what_is_not_there(world: &World) {
    let stage = Stage::set(world).await;
    let nothing = Ids::of_nothing();
    // Bob has nothing to do with what is Ana's alone.
    for operation in operations() {
        let Stage {
            bob,
            eve,
            cleo,
            dan,
            fay,
            mo,
            ..
        } = &stage;
        let outsiders = [eve, cleo, dan, fay, bob, mo];
        let of_moderators = operation.path.starts_with("/v5/moderation/");
        for who in outsiders {
            let of_conversation = operation.path.contains("{conversation_id}");
            if of_moderators && who.username == "mo" {
                continue;
            }
            let is_asked = who.username == "dan" && operation.path.contains("contact_requests");
            if is_asked || (who.username == "bob" && of_conversation) {
                continue;
            }
            // A pin of a secret board is read by those it was sent to, as long as they are members.
            if who.username == "bob" && operation.path.contains("{pin_id}") {
                continue;
            }
            let friend = if who.username == "eve" {
                &stage.bob
            } else {
                &stage.eve
            };
            let anothers = ask(who, &operation, &stage.ids, &friend.id).await;
            let nothings = ask(who, &operation, &nothing, &friend.id).await;
            let name = format!("{} by {}", operation.id, who.username);
            assert_eq!(plain(&anothers), plain(&nothings), "{name}");
            let hides = anothers.status == 404
                || operation.id == "pins/list_conversations"
                || of_moderators && anothers.status == 403;
            assert!(hides, "{name}: {anothers}");
        }
    }
    // Nothing of it did anything.
    let seen = stage.ana.history(&stage.ids.conversation).await;
    assert_eq!(seen.len(), 2, "the pin, and that Cleo left: {seen:?}");
}

async fn nobody_asks_without_a_token(world: &World) {
    let stage = Stage::set(world).await;
    let mut nobody = stage.eve.clone();
    nobody.api.token = None;
    for operation in operations().iter().filter(|it| it.needs_token) {
        let answer = ask(&nobody, operation, &stage.ids, &stage.eve.id).await;
        assert_eq!(answer.status, 401, "{}: {answer}", operation.id);
    }
}

async fn what_is_no_id_is_refused(world: &World) {
    let stage = Stage::set(world).await;
    for operation in operations() {
        // The name of a domain is no id.
        if operation.path.contains("{domain}") {
            continue;
        }
        let of_moderators = operation.path.starts_with("/v5/moderation/");
        let who = if of_moderators { &stage.mo } else { &stage.ana };
        let answer = ask(who, &operation, &Ids::malformed(), &stage.bob.id).await;
        assert_eq!(answer.status, 400, "{}: {answer}", operation.id);
    }
}

async fn what_is_asked_here_is_well_formed(world: &World) {
    let stage = Stage::set(world).await;
    for operation in operations() {
        let answer = ask(&stage.ana, &operation, &stage.ids, &stage.bob.id).await;
        // What an operation before has taken away is not there any more.
        let is_understood = answer.status < 300 || [403, 404, 409, 422].contains(&answer.status);
        assert!(is_understood, "{}: {answer}", operation.id);
    }
}
