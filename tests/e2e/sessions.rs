//! Devices that are signed in, and signed out.

use std::time::Duration;

use pinwire_tests::{Person, Socket, Value, World, eventually, json, on_both_profiles};
use tokio::time::Instant;

use crate::frames::is_closed;

on_both_profiles!(
    a_device_that_is_signed_out_is_out_everywhere,
    a_new_password_signs_out_the_other_devices,
    signing_out_everywhere_ends_all,
    a_refresh_token_is_used_once,
    a_username_is_taken_once,
);

/// How soon an open socket of a session that was signed out is closed, on any node.
const PROMISE: Duration = Duration::from_secs(2);

/// Waits until these sockets are closed, and compares the time with the promise.
async fn end_soon(since: Instant, sockets: impl IntoIterator<Item = &mut Socket>) {
    for socket in sockets {
        is_closed(socket, 4003, "signed_out").await;
    }
    let took = since.elapsed();
    println!("signed out after {took:?}, the promise is {PROMISE:?}");
    assert!(took < PROMISE * 10, "signed out after {took:?}");
}

async fn a_device_that_is_signed_out_is_out_everywhere(world: &World) {
    let ana = world.person("ana").await;
    let tablet = ana.on(world.other_node()).signs_in().await;
    let mut kept = ana.on(world.other_node()).connects().await;
    let mut open = [
        tablet.connects().await,
        tablet.on(world.node()).connects().await,
    ];
    let sessions = ana.api.get("/v5/user_account/sessions").await.is(200);
    let sessions = sessions["items"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let other = sessions.iter().find(|it| it["current"] == false).unwrap();
    let path = format!(
        "/v5/user_account/sessions/{}",
        other["id"].as_str().unwrap()
    );

    let since = Instant::now();
    ana.api.delete(&path).await.is(204);
    // The node that was asked knows it at once, another one as soon as the log tells it.
    let own = tablet.on(world.node());
    let refused = own.api.get("/v5/user_account").await;
    refused.is_refused(401, "signed_out");
    let (refused, _) = eventually("the other node to know", async || {
        let answer = tablet.api.get("/v5/user_account").await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    refused.is_refused(401, "signed_out");
    end_soon(since, &mut open).await;
    tablet.renews().await.is_refused(401, "invalid_grant");
    assert_eq!(kept.asks(json!({"type": "ping"})).await["type"], "ok");
    ana.api
        .delete(&path)
        .await
        .is_refused(404, "session_not_found");
}

async fn a_new_password_signs_out_the_other_devices(world: &World) {
    let ana = world.person("ana").await;
    let tablet = ana.on(world.other_node()).signs_in().await;
    let mut open = [tablet.connects().await];
    let mut kept = ana.connects().await;
    let wrong = ana
        .changes_password(Some("wrong horse battery"), "better horse battery")
        .await;
    wrong.is_refused(403, "wrong_password");
    let short = ana.changes_password(None, "short").await;
    short.is_refused(422, "invalid_value");

    let since = Instant::now();
    let changed = ana.changes_password(None, "better horse battery").await;
    changed.is(204);
    end_soon(since, &mut open).await;
    assert_eq!(kept.asks(json!({"type": "ping"})).await["type"], "ok");
    ana.asks_for_tokens("correct horse battery")
        .await
        .is_refused(401, "wrong_credentials");
    ana.asks_for_tokens("better horse battery").await.is(200);
}

async fn signing_out_everywhere_ends_all(world: &World) {
    let ana = world.person("ana").await;
    let tablet = ana.signs_in().await;
    let other = world.other_node();
    let mut open = [
        ana.on(other).connects().await,
        tablet.on(other).connects().await,
    ];
    let since = Instant::now();
    let gone = ana.api.delete("/v5/user_account/sessions").await.is(200);
    assert_eq!(gone, json!({"sessions": 2}));
    end_soon(since, &mut open).await;
    ana.api
        .get("/v5/user_account")
        .await
        .is_refused(401, "signed_out");
    ana.signs_in().await;
}

async fn a_refresh_token_is_used_once(world: &World) {
    let ana = world.person("ana").await;
    let first = ana.renews().await.is(200);
    let renewed = ana.with_tokens(&first);
    renewed.api.get("/v5/user_account").await.is(200);
    // The answer may have been lost: the same request soon after gives the same successor, on any node.
    let again = ana.on(world.other_node()).renews().await.is(200);
    assert_eq!(again["refresh_token"], first["refresh_token"]);

    let second = renewed.renews().await.is(200);
    world
        .database
        .execute("update refresh_tokens set used_at = used_at - 11000 where used_at is not null");
    let mut phone = renewed.connects().await;
    // Now it is no lost answer but a stolen token: all of that session ends.
    let since = Instant::now();
    ana.renews().await.is_refused(401, "invalid_grant");
    end_soon(since, [&mut phone]).await;
    ana.with_tokens(&second)
        .renews()
        .await
        .is_refused(401, "invalid_grant");
}

async fn a_username_is_taken_once(world: &World) {
    let ana = world.person("ana").await;
    let account = |username: &str, email: &str| -> Value {
        json!({"username": username, "full_name": "A", "email": email, "password": "correct horse battery"})
    };
    let before = world.database.row_counts();
    let api = world.api();
    let taken = api
        .post("/v5/accounts", &account("ANA", "other@example.com"))
        .await;
    taken.is_refused(409, "username_taken");
    let taken = api
        .post("/v5/accounts", &account("other", "Ana@Example.com"))
        .await;
    taken.is_refused(409, "email_taken");
    assert_eq!(world.database.row_counts(), before);
    let profile = ana.api.get("/v5/users/ANA").await.is(200);
    assert_eq!(profile["id"], *ana.id);
    drop::<Person>(ana);
}
