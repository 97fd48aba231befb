//! What an operator does beside the nodes: give a right, take it back, block a list of domains.

use pinwire_tests::{Person, Profile, World, json};

/// What a command answers.
async fn run(world: &World, arguments: &[&str]) -> (Option<i32>, String) {
    world.run(arguments, &[("PINWIRE_LOG", "warn")]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_is_given_and_taken_back() {
    for profile in [Profile::Embedded, Profile::Scaled] {
        let world = World::without_nodes(profile, &[]);
        let node = world.start_node("node").await;
        let mo = Person::sign_up(&world.api_of(&node), "mo").await;
        // A file is held by its node; a server of databases is not.
        let while_served = run(&world, &["grant", "mo", "moderation"]).await;
        assert_eq!(
            while_served.0 == Some(0),
            profile == Profile::Scaled,
            "{}",
            while_served.1
        );
        node.stop().await;
        assert_eq!(run(&world, &["grant", "mo", "moderation"]).await.0, Some(0));
        let (code, errors) = run(&world, &["grant", "nobody.here", "moderation"]).await;
        assert_eq!(code, Some(2), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        assert_eq!(run(&world, &["grant", "mo", "the moon"]).await.0, Some(2));

        let node = world.start_node("again").await;
        let mo = mo.on(&node).signs_in().await;
        mo.api.get("/v5/moderation/reports").await.is(200);
        let log = mo.api.get("/v5/moderation/audit_log").await.is(200);
        assert_eq!(log["items"][0]["action"], "moderator.granted");
        assert_eq!(log["items"].as_array().expect("a list").len(), 1, "once");
        node.stop().await;
        assert_eq!(
            run(&world, &["revoke", "mo", "moderation"]).await.0,
            Some(0)
        );
        let node = world.start_node("last").await;
        let mo = mo.on(&node);
        mo.api
            .get("/v5/moderation/reports")
            .await
            .is_refused(403, "not_moderator");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_domains_is_blocked() {
    for profile in [Profile::Embedded, Profile::Scaled] {
        let world = World::without_nodes(profile, &[]);
        let node = world.start_node("node").await;
        let ana = Person::sign_up(&world.api_of(&node), "ana").await;
        let pin = ana.pins_to("https://www.pills.example/1").await;
        node.stop().await;
        let list = world.folder().join("hosts");
        let hosts =
            "# a list\n0.0.0.0 pills.example # pills\n\nother.example\n127.0.0.1 localhost\n";
        std::fs::write(&list, hosts).expect("a file");
        let list = list.to_str().expect("a path");
        let (code, errors) = run(&world, &["block-domains", list]).await;
        assert_eq!(code, Some(0), "{errors}");
        assert_eq!(
            run(&world, &["block-domains", "/no/such/list"]).await.0,
            Some(2)
        );
        let blocked = world
            .database
            .rows("select domain from blocked_domains order by domain");
        assert_eq!(blocked, [["other.example"], ["pills.example"]]);

        let node = world.start_node("again").await;
        let api = world.api_of(&node);
        let (ana, bo) = (ana.on(&node), Person::sign_up(&api, "bo").await);
        let id = ana.sends(&pin).to(&bo).await.conversation;
        let seen = bo.looks_at(&id, 1).await.is(200);
        assert_eq!(seen["pin"]["pin_state"], "blocked");
        assert_eq!(seen["pin"]["link"], json!(null));
    }
}
