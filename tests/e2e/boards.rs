//! Who may see pins and boards, and that nobody learns what is there from an error.

use pinwire_tests::{Answer, Person, Value, World, json, on_both_profiles};
use reqwest::Method;

on_both_profiles!(
    a_secret_boards_pin_is_seen_by_its_owner_and_whom_it_was_sent_to,
    only_its_owner_sends_or_saves_a_secret_boards_pin,
    what_is_not_yours_looks_like_nothing,
    a_sent_pin_stays_as_it_was_sent,
);

fn pin_path(id: &str) -> String {
    format!("/v5/pins/{id}")
}

async fn a_secret_boards_pin_is_seen_by_its_owner_and_whom_it_was_sent_to(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let board = ana.makes_board("Surprise", "SECRET").await;
    let pin = ana.pins_on(&board, "Ring").await;
    ana.api.get(&pin_path(&pin.id)).await.is(200);
    for other in [&bob, &cleo] {
        other
            .api
            .get(&pin_path(&pin.id))
            .await
            .is_refused(404, "pin_not_found");
        other
            .api
            .get(&format!("/v5/boards/{board}"))
            .await
            .is_refused(404, "board_not_found");
        other
            .api
            .get(&format!("/v5/boards/{board}/pins"))
            .await
            .is_refused(404, "board_not_found");
    }

    let sent = ana.sends(&pin).saying("Psst").to(&bob).await;
    let seen = bob
        .on(world.other_node())
        .api
        .get(&pin_path(&pin.id))
        .await
        .is(200);
    assert_eq!(seen["title"], "Ring");
    assert_eq!(seen.get("board_id"), None, "the board itself stays secret");
    assert_eq!(
        bob.history(&sent.conversation).await[0]["pin"]["title"],
        "Ring"
    );
    cleo.api
        .get(&pin_path(&pin.id))
        .await
        .is_refused(404, "pin_not_found");
}

async fn only_its_owner_sends_or_saves_a_secret_boards_pin(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let board = ana.makes_board("Surprise", "SECRET").await;
    let pin = ana.pins_on(&board, "Ring").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    bob.sends(&bob.pins("Hall").await).to(&cleo).await;
    let before = world.database.row_counts();

    let to_cleo = json!([{"user_id": cleo.id}]);
    let save = format!("{}/save", pin_path(&pin.id));
    for (who, status, slug) in [(&bob, 403, "pin_is_secret"), (&cleo, 404, "pin_not_found")] {
        let recipients = if who.id == cleo.id {
            json!([{"user_id": bob.id}])
        } else {
            to_cleo.clone()
        };
        who.sends(&pin)
            .asks("separate", &recipients)
            .await
            .is_refused(status, slug);
        who.sends(&pin)
            .would("separate", &recipients)
            .await
            .is_refused(status, slug);
        who.api
            .post(&save, &json!({}))
            .await
            .is_refused(status, slug);
    }
    let again = bob
        .writing(&conversation, &json!({"pin_id": pin.id}))
        .send()
        .await;
    again.is_refused(403, "pin_is_secret");
    assert_eq!(world.database.row_counts(), before);
    ana.sends(&pin).to(&cleo).await;
}

/// An error without the request's own id.
fn plain(answer: Answer) -> (u16, Value) {
    let mut body = answer.body;
    body["request_id"].take();
    (answer.status, body)
}

/// Whose id a path holds.
enum Of {
    Conversation,
    Board,
    Pin,
    Session,
}

/// Every operation on something by its id, with a body where it takes one.
fn operations() -> Vec<(Method, &'static str, Of, Value)> {
    use Of::{Board, Conversation, Pin, Session};
    const CONVERSATION: &str = "/v5/conversations/{}";
    const MESSAGES: &str = "/v5/conversations/{}/messages";
    const UNREAD: &str = "/v5/conversations/{}/unread";
    const SESSION: &str = "/v5/user_account/sessions/{}";
    let none = Value::Null;
    vec![
        (Method::GET, CONVERSATION, Conversation, none.clone()),
        (Method::GET, MESSAGES, Conversation, none.clone()),
        (
            Method::GET,
            "/v5/conversations/{}/messages/1",
            Conversation,
            none.clone(),
        ),
        (Method::POST, MESSAGES, Conversation, json!({"text": "Hi"})),
        (
            Method::PUT,
            "/v5/conversations/{}/read",
            Conversation,
            json!({"position": 1}),
        ),
        (Method::PUT, UNREAD, Conversation, none.clone()),
        (Method::DELETE, UNREAD, Conversation, none.clone()),
        (
            Method::PUT,
            "/v5/heads/{}",
            Conversation,
            json!({"state": "open"}),
        ),
        (Method::DELETE, "/v5/heads/{}", Conversation, none.clone()),
        (Method::GET, "/v5/boards/{}", Board, none.clone()),
        (Method::GET, "/v5/boards/{}/pins", Board, none.clone()),
        (
            Method::PATCH,
            "/v5/boards/{}",
            Board,
            json!({"name": "Mine"}),
        ),
        (Method::DELETE, "/v5/boards/{}", Board, none.clone()),
        (Method::GET, "/v5/pins/{}", Pin, none.clone()),
        (Method::PATCH, "/v5/pins/{}", Pin, json!({"title": "Mine"})),
        (Method::DELETE, "/v5/pins/{}", Pin, none.clone()),
        (Method::POST, "/v5/pins/{}/save", Pin, json!({})),
        (Method::GET, SESSION, Session, none.clone()),
        (Method::DELETE, SESSION, Session, none),
    ]
}

async fn what_is_not_yours_looks_like_nothing(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let board = ana.makes_board("Surprise", "SECRET").await;
    let pin = ana.pins_on(&board, "Ring").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let sessions = ana.api.get("/v5/user_account/sessions").await.is(200);
    let session = sessions["items"][0]["id"].as_str().unwrap().to_owned();
    let before = world.database.row_counts();

    for (method, path, of, body) in operations() {
        let id = match of {
            Of::Conversation => &conversation,
            Of::Board => &board,
            Of::Pin => &pin.id,
            Of::Session => &session,
        };
        let ask =
            async |id: &str| plain(request(&cleo, &method, &path.replace("{}", id), &body).await);
        let foreign = ask(id).await;
        assert_eq!(foreign.0, 404, "{method} {path}: {foreign:?}");
        for none in ["77", "9223372036854775807"] {
            assert_eq!(ask(none).await, foreign, "{method} {path} {none}");
        }
    }
    assert_eq!(world.database.row_counts(), before);
    assert_eq!(ana.history(&conversation).await.len(), 1);
}

async fn request(person: &Person, method: &Method, path: &str, body: &Value) -> Answer {
    let request = person.api.request(method.clone(), path);
    if body.is_null() {
        request.send().await
    } else {
        request.json(body).send().await
    }
}

async fn a_sent_pin_stays_as_it_was_sent(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let pin = ana.pins("Green hall").await;
    let conversation = ana.sends(&pin).to(&bob).await.conversation;
    let shown = async || {
        let message = bob.history(&conversation).await.remove(0);
        (
            message["pin"]["title"].clone(),
            message["pin"]["pin_state"].clone(),
        )
    };
    assert_eq!(shown().await, (json!("Green hall"), json!("live")));
    let title = json!({"title": "Blue hall"});
    ana.api.patch(&pin_path(&pin.id), &title).await.is(200);
    assert_eq!(shown().await, (json!("Green hall"), json!("edited")));
    let link = json!({"link": "https://other.example/"});
    ana.api.patch(&pin_path(&pin.id), &link).await.is(200);
    assert_eq!(shown().await, (json!("Green hall"), json!("link_changed")));
    ana.api.delete(&pin_path(&pin.id)).await.is(204);
    assert_eq!(shown().await, (json!("Green hall"), json!("removed")));
    bob.api
        .get(&pin_path(&pin.id))
        .await
        .is_refused(404, "pin_not_found");
}
