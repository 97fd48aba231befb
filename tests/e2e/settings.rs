//! Settings, which all devices of a person agree on.

use pinwire_tests::{Replica, World, json, on_both_profiles};
use reqwest::Method;

on_both_profiles!(
    everything_is_on_until_it_is_turned_off,
    all_devices_agree,
    what_is_no_setting_is_refused,
);

const PATH: &str = "/v5/user_account/settings";

async fn everything_is_on_until_it_is_turned_off(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    // As the nodes of these tests begin.
    let policy = json!({
        "mutual": "inbox", "i_follow": "inbox", "talked_before": "inbox", "follows_me": "inbox", "everyone": "inbox",
    });
    let first = json!({
        "contact_policy": policy, "typing": true, "presence": true, "read_receipts": true, "pin_saved_notice": true, "version": 0,
    });
    assert_eq!(ana.api.get(PATH).await.is(200), first);

    let changed = ana.sets(&json!({"presence": false})).await;
    let expected = json!({
        "contact_policy": policy, "typing": true, "presence": false, "read_receipts": true, "pin_saved_notice": true, "version": 1,
    });
    assert_eq!(changed, expected);
    assert_eq!(
        ana.on(world.other_node()).api.get(PATH).await.is(200),
        expected
    );
    assert_eq!(bob.api.get(PATH).await.is(200), first, "hers alone");

    // To what is there already, and to nothing at all.
    let answer = ana.api.get(PATH).await;
    for change in [
        json!({"presence": false}),
        json!({}),
        json!({"typing": null}),
    ] {
        assert_eq!(ana.sets(&change).await, expected);
    }
    let after = ana.polls(&answer.cursor(), 0).await.is(200);
    assert_eq!(after["items"], json!([]), "no change is no event");
}

async fn all_devices_agree(world: &World) {
    let [ana, bob] = world.people(["ana", "bob"]).await;
    let other = world.other_node();
    let mut phone = ana.on(other).connects().await;
    let mut page = ana.on(other).listens().await;
    let mut strangers = bob.on(other).connects().await;
    let mut away = Replica::fetch(&ana).await;
    assert_eq!(
        ana.api.get("/v5/sync").await.is(200)["settings"]["version"],
        0
    );

    let changed = ana
        .sets(&json!({"typing": false, "read_receipts": false}))
        .await;
    let heard = phone.next_is("settings.updated").await;
    assert_eq!(heard["data"], json!({"settings": changed}));
    assert!(heard.get("me").is_none());
    assert_eq!(page.next_is("settings.updated").await, heard);

    // A device that was away learns of it when it comes back.
    let mut tablet = ana.connects_after(&away.cursor()).await;
    away.apply(&tablet.next_is("settings.updated").await).await;
    away.is_up_to_date().await;

    bob.is_called("Bob Lind").await;
    strangers.next_is("user.updated").await;
}

async fn what_is_no_setting_is_refused(world: &World) {
    let ana = world.person("ana").await;
    let before = world.database.row_counts();
    for (change, error) in [
        (json!({"loud": true}), "unknown_field"),
        (json!({"version": 7}), "unknown_field"),
        (json!({"typing": "off"}), "malformed_body"),
        (json!({"presence": 0}), "malformed_body"),
        (json!([]), "malformed_body"),
    ] {
        let answer = ana.api.patch(PATH, &change).await;
        answer.is_refused(400, error);
    }
    for method in [Method::GET, Method::PATCH] {
        let answer = world.api().request(method, PATH).json(&json!({})).send();
        answer.await.is_refused(401, "unauthenticated");
    }
    assert_eq!(world.database.row_counts(), before);
}
