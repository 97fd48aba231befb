//! What a node does with a database whose schema is older, newer or altered, or that another node holds.

use pinwire_tests::{Profile, World, json};

const BOTH: [Profile; 2] = [Profile::Embedded, Profile::Scaled];
/// The exit code for a database that is of no use.
const UNUSABLE: Option<i32> = Some(2);

/// Everything that a refused start could have changed.
fn contents(world: &World) -> (Vec<(String, String)>, Vec<Vec<String>>) {
    let applied = "select version, checksum, min_version from schema_migrations order by version";
    (world.database.row_counts(), world.database.rows(applied))
}

/// Ends with one line that says why, and changes nothing.
async fn is_refused(world: &World, arguments: &[&str], reason: &str) {
    let before = contents(world);
    let (code, errors) = world.run(arguments, &[("PINWIRE_LOG", "warn")]).await;
    assert_eq!(code, UNUSABLE, "{errors}");
    assert!(errors.contains(reason), "{errors}");
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert_eq!(contents(world), before, "{reason}");
}

/// An empty database is the oldest schema there is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_that_start_together_migrate_once() {
    let world = World::without_nodes(Profile::Scaled, &[]);
    let (one, two) = tokio::join!(world.start_node("one"), world.start_node("two"));
    let migrated = |log: String| log.matches("migrated the schema").count();
    let applied = world.database.rows("select version from schema_migrations");
    assert!(!applied.is_empty());
    assert_eq!(migrated(one.log()) + migrated(two.log()), applied.len());

    let again = world.start_node("again").await;
    assert_eq!(migrated(again.log()), 0);
    assert_eq!(
        world.database.rows("select version from schema_migrations"),
        applied
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_schema_is_refused_if_so_asked() {
    for profile in BOTH {
        let world = World::without_nodes(profile, &[]);
        let (code, errors) = world.run(&["serve", "--no-migrate"], &[]).await;
        assert_eq!(code, UNUSABLE, "{errors}");
        assert!(errors.contains("older than this program"), "{errors}");
        assert_eq!(
            world.database.row_counts(),
            [],
            "{profile:?}: nothing was made"
        );

        let (code, errors) = world.run(&["migrate"], &[]).await;
        assert_eq!(code, Some(0), "{errors}");
        let node = world.start_node("node").await;
        assert_eq!(node.log().matches("migrated the schema").count(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_schema_is_refused_only_if_it_asks_for_a_newer_program() {
    for profile in BOTH {
        let world = World::without_nodes(profile, &[]);
        world.start_node("first").await;
        let version = |min: &str| {
            format!(
                "insert into schema_migrations (version, checksum, min_version) values ('2999-01-01-000001_later', 'x', '{min}')"
            )
        };
        world.database.execute(&version("2999-01-01-000001_later"));
        is_refused(&world, &["serve"], "newer than this program").await;
        is_refused(&world, &["migrate"], "newer than this program").await;

        world
            .database
            .execute("delete from schema_migrations where checksum = 'x'");
        world.database.execute(&version("2026-11-23-000001_first"));
        let before = contents(&world);
        world.start_node("second").await;
        assert_eq!(contents(&world), before);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_altered_schema_is_refused() {
    for profile in BOTH {
        let world = World::without_nodes(profile, &[]);
        world.start_node("first").await;
        world
            .database
            .execute("update schema_migrations set checksum = 'another'");
        is_refused(&world, &["serve"], "applied with another text").await;
        is_refused(
            &world,
            &["serve", "--no-migrate"],
            "applied with another text",
        )
        .await;
        is_refused(&world, &["migrate"], "applied with another text").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_holds_an_sqlite_file() {
    let world = World::start(Profile::Embedded).await;
    let ana = world.person("ana").await;
    for command in ["serve", "migrate"] {
        is_refused(&world, &[command], "another").await;
    }
    ana.pins("Still served").await;

    // A killed node leaves nothing behind that stands in the way of the next one.
    world.node().kill();
    let next = world.start_node("next").await;
    let pins = ana.on(&next).api.get("/v5/pins").await.is(200);
    assert_eq!(pins["items"][0]["title"], json!("Still served"));
}
