//! Reports: what was reported once is decided once, by moderators alone, and nobody learns who reported it.

use std::time::Duration;

use pinwire_tests::{Ending, Person, Value, World, json, on_both_profiles};
use reqwest::Method;

on_both_profiles!(
    a_report_is_evidence_that_outlives_what_was_reported,
    evidence_shows_what_is_hidden_from_receivers,
    the_same_to_many_strangers_waits_for_a_moderator,
    many_reports_of_one_thing_are_one_and_one_persons_count_once,
    moderators_claim_and_decide,
    each_action_does_what_it_says,
    moderation_is_for_moderators_alone,
    what_cannot_be_reported_is_refused,
    a_suspended_person_is_gone_at_once,
);

fn message(conversation: &str, position: i64) -> Value {
    json!({"kind": "message", "conversation_id": conversation, "position": position})
}

async fn report(person: &Person, subject: &Value, category: &str) -> Value {
    let body = json!({"subject": subject, "category": category, "comment": "Look"});
    person.api.post("/v5/reports", &body).await.is(201)
}

/// What nobody has decided or claimed, for a moderator.
async fn queue(moderator: &Person) -> Vec<Value> {
    let page = moderator.api.get("/v5/moderation/reports").await.is(200);
    page["items"].as_array().expect("a list").clone()
}

/// The path of what was reported.
fn path_of(case: &Value) -> String {
    let id = case["id"].as_str().expect("an id");
    format!("/v5/moderation/reports/{id}")
}

async fn decide(moderator: &Person, case: &Value, decision: &Value) -> Value {
    let path = path_of(case);
    let (claim, resolve) = (format!("{path}/claim"), format!("{path}/resolve"));
    let claimed = moderator.api.post(&claim, &json!({})).await.is(200);
    assert_eq!(claimed["state"], "claimed");
    moderator.api.post(&resolve, decision).await.is(200)
}

async fn the_same_to_many_strangers_waits_for_a_moderator(world: &World) {
    let [ana, eve, mo] = world.people(["ana", "eve", "mo"]).await;
    let mo = world.appoints(&mo).await;
    let pins = [ana.pins("Hall").await, eve.pins("Hall").await];
    let mut last = None;
    for turn in 0..11 {
        let stranger = world.person(&format!("stranger{turn}")).await;
        stranger.is_wary().await;
        let phone = stranger.on(world.other_node()).connects().await;
        let sender = if turn % 2 == 0 { &ana } else { &eve };
        let sent = sender.sends(&pins[turn % 2]).to(&stranger).await;
        last = Some((stranger, phone, sent.conversation));
    }
    let (late, mut phone, id) = last.expect("somebody");
    phone.hears_nothing(Duration::from_millis(500)).await;
    let requests = late.api.get("/v5/contact_requests").await.is(200);
    assert_eq!(requests["items"], json!([]));
    let waiting = queue(&mo).await;
    let [case] = &waiting[..] else {
        panic!("{waiting:?}");
    };
    assert_eq!(
        (&case["reporters"], &case["reports"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(case["evidence"]["pin"]["id"], *pins[0].id);
    decide(&mo, case, &json!({"action": "none"})).await;
    phone.next_is("request.created").await;
    let requests = late.api.get("/v5/contact_requests").await.is(200);
    assert_eq!(requests["items"][0]["conversation_id"], id);
}

async fn evidence_shows_what_is_hidden_from_receivers(world: &World) {
    let [ana, bob, mo] = world.people(["ana", "bob", "mo"]).await;
    let mo = world.appoints(&mo).await;
    let domain = "/v5/moderation/domains/pills.com";
    mo.api
        .put(domain, &json!({"reason": "pills"}))
        .await
        .is(200);
    let pin = ana.pins("Hall").await;
    let id = ana.sends(&pin).to(&bob).await.conversation;
    ana.replies(&id, "At www.pills.com").await;
    let read = bob.looks_at(&id, 2).await.is(200);
    assert_eq!(read["text"], "At […]");
    report(&bob, &message(&id, 2), "spam").await;
    let queue = queue(&mo).await;
    let kept = &queue[0]["evidence"]["message"]["text"];
    assert_eq!(kept, "At www.pills.com");
}

async fn a_report_is_evidence_that_outlives_what_was_reported(world: &World) {
    let [ana, bob, mo] = world.people(["ana", "bob", "mo"]).await;
    let mo = world.appoints(&mo).await;
    let pin = ana.pins_to("https://pills.example/1").await;
    let id = ana
        .sends(&pin)
        .saying("Cheap pills")
        .to(&bob)
        .await
        .conversation;
    bob.replies(&id, "No").await;
    let report = report(&bob, &message(&id, 1), "spam").await;
    assert_eq!(
        (&report["resolved_at"], &report["was_acted_on"]),
        (&Value::Null, &json!(false))
    );
    ana.deletes(&id, 1, "everyone").await.is(204);
    ana.removes_pin(&pin).await;
    let queue = queue(&mo.on(world.other_node())).await;
    let [case] = &queue[..] else {
        panic!("{queue:?}");
    };
    let evidence = &case["evidence"]["message"];
    assert_eq!(
        (&evidence["text"], &evidence["pin"]["link"]),
        (&json!("Cheap pills"), &json!("https://pills.example/1"),)
    );
    assert_eq!(case["accused_id"], *ana.id);
    assert_eq!(
        case["reports"],
        json!([{"category": "spam", "comment": "Look"}])
    );
    assert!(!case["reports"].to_string().contains(&bob.id), "{case}");
}

async fn many_reports_of_one_thing_are_one_and_one_persons_count_once(world: &World) {
    let [ana, bob, cleo, mo] = world.people(["ana", "bob", "cleo", "mo"]).await;
    let mo = world.appoints(&mo).await;
    let pin = ana.pins("Green hall").await;
    let subject = json!({"kind": "pin", "pin_id": pin.id});
    let first = report(&bob, &subject, "spam").await;
    for _ in 0..3 {
        assert_eq!(
            report(&bob.on(world.other_node()), &subject, "hate").await,
            first
        );
    }
    report(&cleo, &subject, "scam").await;
    let open = queue(&mo).await;
    assert_eq!((open.len(), &open[0]["reporters"]), (1, &json!(2)));
    let decided = decide(&mo, &open[0], &json!({"action": "none"})).await;
    assert_eq!(decided["state"], "resolved");
    assert_eq!(queue(&mo).await, [Value::Null; 0]);
    // What was decided is not opened again by the same people.
    let again = report(&bob, &subject, "spam").await;
    assert_eq!(again["id"], first["id"]);
    assert!(again["resolved_at"].is_string());
    assert_eq!(again["was_acted_on"], false);
    assert_eq!(queue(&mo).await, [Value::Null; 0]);
    let own = bob.api.get("/v5/reports").await.is(200);
    assert_eq!(own["items"], json!([again]));
    let path = format!("/v5/reports/{}", again["id"].as_str().expect("an id"));
    assert_eq!(bob.api.get(&path).await.is(200), again);
    cleo.api
        .get(&path)
        .await
        .is_refused(404, "report_not_found");
}

async fn moderators_claim_and_decide(world: &World) {
    let [ana, bob, mo, max] = world.people(["ana", "bob", "mo", "max"]).await;
    let (mo, max) = (world.appoints(&mo).await, world.appoints(&max).await);
    let mut anas = ana.connects().await;
    let mut bobs = bob.connects().await;
    let pin = ana.pins_to("https://pills.example/1").await;
    let id = ana.sends(&pin).to(&bob).await.conversation;
    for socket in [&mut anas, &mut bobs] {
        socket.next_is("message.created").await;
    }
    report(&bob, &message(&id, 1), "spam").await;
    let case = queue(&mo).await.remove(0);
    let path = path_of(&case);
    let resolve = format!("{path}/resolve");
    let decision = json!({"action": "remove", "reason": "Pills"});
    mo.api
        .post(&resolve, &decision)
        .await
        .is_refused(409, "report_not_claimed");
    mo.api
        .post(&format!("{path}/claim"), &json!({}))
        .await
        .is(200);
    max.api
        .post(&format!("{path}/claim"), &json!({}))
        .await
        .is_refused(409, "report_not_claimed");
    max.api
        .post(&resolve, &decision)
        .await
        .is_refused(409, "report_not_claimed");
    let wrong = json!({"action": "warn", "domain": "pills.example"});
    mo.api
        .post(&resolve, &wrong)
        .await
        .is_refused(422, "invalid_value");
    let decided = mo.api.post(&resolve, &decision).await.is(200);
    assert_eq!(
        (&decided["action"], &decided["claimed_by"]),
        (&json!("remove"), &json!(mo.id))
    );
    mo.api
        .post(&resolve, &decision)
        .await
        .is_refused(409, "report_resolved");
    // The message is gone for everybody, as if its sender had deleted it.
    for socket in [&mut anas, &mut bobs] {
        let heard = socket.next_is("message.deleted").await;
        assert!(heard["data"]["message"]["deleted_at"].is_string());
        assert!(!heard.to_string().contains(&mo.id), "{heard}");
    }
    let heard = anas.next_is("notice.created").await;
    assert_eq!(heard["data"], json!({}));
    let notices = ana.api.get("/v5/user_account/notices").await.is(200);
    assert_eq!(notices["items"][0]["code"], "message_removed");
    assert_eq!(notices["items"][0]["reason"], "Pills");
}

async fn each_action_does_what_it_says(world: &World) {
    let [ana, bob, mo] = world.people(["ana", "bob", "mo"]).await;
    let mo = world.appoints(&mo).await;
    let pin = ana.pins_to("https://pills.example/1").await;
    report(&bob, &json!({"kind": "pin", "pin_id": pin.id}), "spam").await;
    decide(
        &mo,
        &queue(&mo).await[0],
        &json!({"action": "block_domain"}),
    )
    .await;
    mo.api
        .get("/v5/moderation/domains/pills.example")
        .await
        .is(200);
    report(&bob, &json!({"kind": "user", "user_id": ana.id}), "spam").await;
    let case = queue(&mo).await.remove(0);
    let path = path_of(&case);
    mo.api
        .post(&format!("{path}/claim"), &json!({}))
        .await
        .is(200);
    let removes = mo
        .api
        .post(&format!("{path}/resolve"), &json!({"action": "remove"}))
        .await;
    removes.is_refused(422, "action_not_possible");
    decide(
        &mo,
        &case,
        &json!({"action": "warn", "reason": "Last time"}),
    )
    .await;
    let log = mo.api.get("/v5/moderation/audit_log").await.is(200);
    let actions: Vec<&str> = log["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["action"].as_str().expect("a name"))
        .collect();
    assert_eq!(
        actions[..3],
        ["report.resolved", "report.claimed", "report.claimed"]
    );
    assert!(actions.contains(&"domain.blocked"), "{actions:?}");
}

async fn moderation_is_for_moderators_alone(world: &World) {
    let [ana, mo] = world.people(["ana", "mo"]).await;
    let asks = [
        ("grant_type", "password"),
        ("username", "ana"),
        ("password", "correct horse battery"),
        ("scope", "moderation:read"),
    ];
    let form = world.api().request(Method::POST, "/v5/oauth/token");
    form.form(&asks)
        .send()
        .await
        .is_refused(400, "invalid_scope");
    for path in [
        "/v5/moderation/reports",
        "/v5/moderation/domains",
        "/v5/moderation/audit_log",
    ] {
        ana.api.get(path).await.is_refused(403, "missing_scope");
    }
    let mo = world.appoints(&mo).await;
    mo.api.get("/v5/moderation/reports").await.is(200);
    mo.api
        .get("/v5/moderation/reports/1")
        .await
        .is_refused(404, "report_not_found");
}

async fn what_cannot_be_reported_is_refused(world: &World) {
    let [ana, bob, cleo] = world.people(["ana", "bob", "cleo"]).await;
    let secret = ana.makes_board("Gifts", "SECRET").await;
    let ring = ana.pins_on(&secret, "Ring").await;
    let pin = ana.pins("Green hall").await;
    let id = ana.sends(&pin).to(&bob).await.conversation;
    let refused = async |person: &Person, subject: Value, status, slug| {
        let body = json!({"subject": subject, "category": "spam"});
        person
            .api
            .post("/v5/reports", &body)
            .await
            .is_refused(status, slug);
    };
    refused(&cleo, message(&id, 1), 404, "conversation_not_found").await;
    refused(
        &cleo,
        json!({"kind": "conversation", "conversation_id": id}),
        404,
        "conversation_not_found",
    )
    .await;
    refused(
        &cleo,
        json!({"kind": "request", "conversation_id": id}),
        404,
        "request_not_found",
    )
    .await;
    refused(
        &cleo,
        json!({"kind": "pin", "pin_id": ring.id}),
        404,
        "pin_not_found",
    )
    .await;
    refused(
        &cleo,
        json!({"kind": "user", "user_id": "1"}),
        404,
        "user_not_found",
    )
    .await;
    refused(&bob, message(&id, 2), 404, "message_not_found").await;
    refused(&ana, message(&id, 1), 422, "yourself").await;
    refused(
        &ana,
        json!({"kind": "user", "user_id": ana.id}),
        422,
        "yourself",
    )
    .await;
    let words = |count: usize| {
        json!({
            "subject": {"kind": "conversation", "conversation_id": id}, "category": "other", "comment": "x".repeat(count),
        })
    };
    bob.api
        .post("/v5/reports", &words(501))
        .await
        .is_refused(422, "invalid_value");
    bob.api.post("/v5/reports", &words(500)).await.is(201);
}

async fn a_suspended_person_is_gone_at_once(world: &World) {
    let [ana, bob, mo] = world.people(["ana", "bob", "mo"]).await;
    let mo = world.appoints(&mo).await;
    let mut socket = ana.on(world.other_node()).connects().await;
    report(&bob, &json!({"kind": "user", "user_id": ana.id}), "scam").await;
    decide(
        &mo,
        &queue(&mo).await[0],
        &json!({"action": "suspend", "reason": "Scam"}),
    )
    .await;
    ana.api
        .get("/v5/user_account")
        .await
        .is_refused(401, "signed_out");
    let ending = socket.ends().await;
    assert!(matches!(ending, Ending::Closed(4003, _)), "{ending:?}");
    let pin = bob.pins("Green hall").await;
    let sends = json!({"recipients": [{"user_id": ana.id}], "mode": "separate"});
    let path = format!("/v5/pins/{}/send", pin.id);
    bob.api
        .post(&path, &sends)
        .await
        .is_refused(422, "nobody_available");
    let asks = |password| ana.asks_for_tokens(password);
    asks("correct horse battery")
        .await
        .is_refused(403, "account_suspended");
    asks("wrong horse battery")
        .await
        .is_refused(401, "wrong_credentials");
}
