//! Clients that others wrote, run as their users run them against a node.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail by a panic: that is how it tells"
)]

use std::path::Path;
use std::time::Duration;

use pinwire_tests::{Person, Profile, World};
use tokio::process::Command;

/// How long a client's tests may take.
const CLIENT_TIMEOUT: Duration = Duration::from_mins(2);

fn token(person: &Person) -> &str {
    person.api.token.as_deref().unwrap()
}

#[tokio::test]
async fn pinterests_own_client_for_python() {
    let python = std::env::var("PINWIRE_TEST_PYTHON")
        .expect("PINWIRE_TEST_PYTHON names no Python with the client: run `tests/run`");
    let world = World::start(Profile::Embedded).await;
    let [ana, ben] = world.people(["ana", "ben"]).await;
    let run = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/test_official_client.py"))
        .env("PINWIRE_TEST_HOST", format!("{}/v5", world.node().base))
        .env("PINWIRE_TEST_ANA", token(&ana))
        .env("PINWIRE_TEST_BEN", token(&ben))
        .kill_on_drop(true)
        .output();
    let ended = tokio::time::timeout(CLIENT_TIMEOUT, run).await;
    let output = ended.expect("the client's tests end in time").unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
