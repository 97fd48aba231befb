//! Clients that others wrote, run as their users run them against a node.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail by a panic: that is how it tells"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// How long a client's tests may take.
const CLIENT_TIMEOUT: Duration = Duration::from_mins(2);

/// A node on SQLite, on a port and in a folder of its own; both go away with it.
struct Node {
    child: Child,
    /// Held open: the node may say more than where it listens.
    _said: BufReader<ChildStdout>,
    /// Where it listens, such as `http://127.0.0.1:34567`.
    address: String,
    folder: PathBuf,
}

impl Node {
    fn start() -> Self {
        let folder = std::env::temp_dir().join(format!("pinwire_clients_{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut child = Command::new(named_by("PINWIRE_BIN"))
            .args(["--listen", "127.0.0.1:0", "--log", "warn"])
            .current_dir(&folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let address = line
            .split_whitespace()
            .find(|word| word.starts_with("http://"));
        Self {
            address: address.expect("the node says where it listens").to_owned(),
            child,
            _said: said,
            folder,
        }
    }

    async fn post(
        &self,
        path: &str,
        body: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Value {
        let request = reqwest::Client::new().post(format!("{}{path}", self.address));
        let answer = body(request).send().await.unwrap();
        assert!(
            answer.status().is_success(),
            "{path}: {}",
            answer.text().await.unwrap()
        );
        answer.json().await.unwrap()
    }

    /// Signs a person up, and in.
    async fn token_of(&self, username: &str) -> String {
        let password = "correct horse battery staple";
        let account = json!({
            "username": username,
            "full_name": username,
            "email": format!("{username}@pinwire.example"),
            "password": password,
        });
        self.post("/v5/accounts", |request| request.json(&account))
            .await;
        let grant = [
            ("grant_type", "password"),
            ("username", username),
            ("password", password),
        ];
        let tokens = self
            .post("/v5/oauth/token", |request| request.form(&grant))
            .await;
        tokens
            .get("access_token")
            .and_then(Value::as_str)
            .unwrap()
            .to_owned()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// What `tests/run` names by this variable.
fn named_by(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set: run `tests/run`"))
}

#[tokio::test]
async fn pinterests_own_client_for_python() {
    let python = named_by("PINWIRE_TEST_PYTHON");
    let node = Node::start();
    let (ana, ben) = (node.token_of("ana").await, node.token_of("ben").await);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/test_official_client.py");
    let run = tokio::process::Command::new(python)
        .arg(script)
        .env("PINWIRE_TEST_HOST", format!("{}/v5", node.address))
        .env("PINWIRE_TEST_ANA", ana)
        .env("PINWIRE_TEST_BEN", ben)
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(CLIENT_TIMEOUT, run)
        .await
        .expect("it ends in time")
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
