//! The program as an operator meets it: its settings, its complaints, its exit codes, its end.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How often, and how many times, a test looks whether the program has ended: for 30 seconds.
const EXIT_LOOK_EVERY: Duration = Duration::from_millis(20);
const EXIT_LOOKS: u32 = 1_500;

/// How soon a connection ends after the close frame of its WebSocket.
const HANG_UP_MAX: Duration = Duration::from_secs(1);
/// How soon a node ends with a socket and a poll that are open.
const STOP_MAX: Duration = Duration::from_secs(4);

/// A folder of a test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pinwire-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn pinwire(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pinwire"));
    command
        .current_dir(folder)
        .env("PINWIRE_LISTEN", "127.0.0.1:0");
    command
}

fn said(output: &[u8]) -> &str {
    std::str::from_utf8(output).unwrap()
}

/// The complaint of a program that could not do what it was asked to.
fn complaint(output: &Output) -> String {
    let complaint = said(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{complaint}");
    assert_eq!(said(&output.stdout), "");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    let complaint = complaint.trim_end().strip_prefix("pinwire: ").unwrap();
    complaint.to_owned()
}

#[test]
fn a_setting_of_no_use_is_one_line_and_exit_code_2() {
    let folder = Folder::new("settings");
    let refused =
        |arguments: &[&str]| complaint(&pinwire(&folder.0).args(arguments).output().unwrap());
    for (arguments, part) in [
        (
            ["--listen", "here"],
            "PINWIRE_LISTEN or '--listen <LISTEN>'",
        ),
        (
            ["--database-url", "mysql://x"],
            "must begin with `postgres://` or `sqlite:`",
        ),
        (
            ["--database-url", "sqlite:/no/such/folder/x.db"],
            "cannot open",
        ),
        (
            ["--database-url", "postgres://u:secret@127.0.0.1:1/x"],
            "Connection refused",
        ),
        (
            ["--conversation-people", "101"],
            "must be a number from 2 to 100",
        ),
        (["--log", "a=b=c"], "PINWIRE_LOG"),
        (["--frob", "x"], "unexpected argument"),
    ] {
        let complaint = refused(&arguments);
        assert!(complaint.contains(part), "{complaint}");
        assert!(!complaint.contains("secret"), "{complaint}");
    }
    assert!(refused(&["--redis-url", "here:secret"]).contains("PINWIRE_REDIS_URL"));
    assert!(!folder.0.join("pinwire.db").exists(), "opened for nothing");
    let by_variable = pinwire(&folder.0).env("PINWIRE_WORKERS", "0").output();
    assert!(complaint(&by_variable.unwrap()).contains("PINWIRE_WORKERS"));
}

#[cfg(not(feature = "postgres-tls"))]
#[test]
fn tls_that_is_not_built_in_is_said_so() {
    let folder = Folder::new("tls");
    let url = "postgres://u@127.0.0.1/x?sslmode=verify-full";
    let output = pinwire(&folder.0)
        .args(["migrate", "--database-url", url])
        .output();
    assert!(complaint(&output.unwrap()).contains("--features postgres-tls"));
}

#[test]
fn an_empty_database_is_refused_where_migrating_is_not_wanted() {
    let folder = Folder::new("older");
    let output = pinwire(&folder.0)
        .env("PINWIRE_NO_MIGRATE", "1")
        .output()
        .unwrap();
    assert!(complaint(&output).contains("run `pinwire migrate`"));
    for outcome in ["migrated: ", "the schema is up to date"] {
        let output = pinwire(&folder.0).arg("migrate").output().unwrap();
        assert!(output.status.success());
        assert!(said(&output.stdout).starts_with(outcome));
    }
}

/// A program that serves, and is ended with the test.
struct Node {
    child: Child,
    said: BufReader<ChildStdout>,
    address: String,
}

impl Node {
    fn start(folder: &Path) -> Self {
        Self::start_logging(folder, Stdio::null())
    }

    fn start_logging(folder: &Path, log: Stdio) -> Self {
        Self::start_as(pinwire(folder), log)
    }

    fn start_as(mut command: Command, log: Stdio) -> Self {
        // A variable that is empty sets nothing.
        command
            .env("PINWIRE_REDIS_URL", "")
            .env("PINWIRE_WORKERS", "");
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let address = line
            .trim_end()
            .strip_prefix("Pinwire listens on http://")
            .unwrap();
        let address = address.to_owned();
        Self {
            child,
            said,
            address,
        }
    }

    fn terminate(&self) {
        // The shell's own: not every machine has a program of this name.
        let kill = format!("kill -TERM {}", self.child.id());
        assert!(
            Command::new("sh")
                .args(["-c", &kill])
                .status()
                .unwrap()
                .success()
        );
    }

    fn exit_code(&mut self) -> Option<i32> {
        for _ in 0..EXIT_LOOKS {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(EXIT_LOOK_EVERY);
        }
        None
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_file_has_one_server_and_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("held");
    let file = folder.0.join("pinwire.db");
    std::fs::write(&file, "").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    let node = Node::start(&folder.0);
    for arguments in [[].as_slice(), &["migrate"]] {
        let second = pinwire(&folder.0).args(arguments).output().unwrap();
        assert!(complaint(&second).contains("another pinwire holds pinwire.db"));
    }
    let permissions = std::fs::metadata(file).unwrap().permissions();
    assert_eq!(permissions.mode() & 0o777, 0o600);
    drop(node);
}

#[test]
fn what_it_prints_at_the_start_sends_a_first_pin() {
    let folder = Folder::new("welcome");
    let mut node = Node::start(&folder.0);
    let mut script = String::new();
    let mut line = String::new();
    while node.said.read_line(&mut line).unwrap() > 0 && !line.starts_with("Ctrl-C") {
        let is_command = ["  at=", "  curl", "  token", "  pin="]
            .iter()
            .any(|it| line.starts_with(it));
        if is_command {
            script.push_str(&line);
        }
        line.clear();
    }
    let output = Command::new("sh").args(["-ec", &script]).output().unwrap();
    let last = said(&output.stdout).lines().last().unwrap();
    let sent: Value = serde_json::from_str(last).unwrap();
    assert_eq!(sent["results"][0]["status"], "sent", "{last}");
    assert_eq!(sent["results"][0]["message"]["text"], "For the hall?");
}

/// Somebody with a client.
struct Client {
    http: reqwest::Client,
    at: String,
    token: String,
}

impl Client {
    async fn sign_up(node: &Node) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let at = format!("{}/v5", node.address);
        let password = "a blue door";
        let account = json!({"username": "ana", "full_name": "Ana", "email": "ana@example.com", "password": password});
        let accounts = format!("http://{at}/accounts");
        let made = http.post(accounts).json(&account).send().await.unwrap();
        assert_eq!(made.status(), 201);
        let form = [
            ("grant_type", "password"),
            ("username", "ana"),
            ("password", password),
        ];
        let tokens = format!("http://{at}/oauth/token");
        let answer = http.post(tokens).form(&form).send().await.unwrap();
        let tokens: Value = answer.json().await.unwrap();
        let token = tokens["access_token"].as_str().unwrap().to_owned();
        Self { http, at, token }
    }

    fn poll(&self) -> impl Future<Output = reqwest::Result<reqwest::Response>> + use<> {
        let events = format!("http://{}/events?wait=30", self.at);
        self.http.get(events).bearer_auth(&self.token).send()
    }

    /// A socket that has said hello.
    async fn socket(&self) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
        let tickets = format!("http://{}/ws/tickets", self.at);
        let answer = self
            .http
            .post(tickets)
            .bearer_auth(&self.token)
            .send()
            .await
            .unwrap();
        let ticket: Value = answer.json().await.unwrap();
        let ticket = ticket["ticket"].as_str().unwrap();
        let url = format!("ws://{}/ws?ticket={ticket}", self.at);
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
        assert!(
            matches!(socket.next().await, Some(Ok(Message::Text(_)))),
            "hello"
        );
        socket
    }
}

#[tokio::test]
async fn it_ends_in_order_when_it_is_asked_to() {
    let folder = Folder::new("end");
    let mut node = Node::start(&folder.0);
    let client = Client::sign_up(&node).await;
    let mut socket = client.socket().await;
    let poll = tokio::spawn(client.poll());
    // So that the poll is under way.
    tokio::time::sleep(Duration::from_millis(300)).await;
    node.terminate();
    let asked = tokio::time::Instant::now();
    match socket.next().await {
        Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code), 1012),
        other => unreachable!("{other:?}"),
    }
    ends_at_once(socket).await;
    assert_eq!(poll.await.unwrap().unwrap().status(), 200);
    assert_eq!(node.exit_code(), Some(0));
    assert!(asked.elapsed() < STOP_MAX, "{:?}", asked.elapsed());
    // The file alone is whole.
    let beside = std::fs::metadata(folder.0.join("pinwire.db-wal"));
    assert_eq!(beside.map_or(0, |it| it.len()), 0);
}

#[tokio::test]
async fn a_client_that_closes_is_answered() {
    let folder = Folder::new("close");
    let node = Node::start(&folder.0);
    let client = Client::sign_up(&node).await;
    let mut socket = client.socket().await;
    socket.close(None).await.unwrap();
    assert!(matches!(socket.next().await, Some(Ok(Message::Close(_)))));
    ends_at_once(socket).await;
}

/// A client that has had the server's close frame waits for the end of the connection.
async fn ends_at_once(mut socket: WebSocketStream<MaybeTlsStream<TcpStream>>) {
    let ended = tokio::time::timeout(HANG_UP_MAX, socket.next()).await;
    assert!(matches!(ended, Ok(None)), "{ended:?}");
}

#[tokio::test]
async fn who_reads_its_log_may_go_away() {
    let folder = Folder::new("unread");
    let mut node = Node::start_logging(&folder.0, Stdio::piped());
    drop(node.child.stderr.take());
    // Requests and the end are logged.
    let client = Client::sign_up(&node).await;
    drop(client.socket().await);
    node.terminate();
    assert_eq!(node.exit_code(), Some(0));

    let mut refused = pinwire(&folder.0);
    refused.args(["--listen", "here"]).stderr(Stdio::piped());
    let mut refused = refused.spawn().unwrap();
    drop(refused.stderr.take());
    assert_eq!(refused.wait().unwrap().code(), Some(2));
}

#[tokio::test]
async fn both_names_of_an_account_count_together() {
    let folder = Folder::new("attempts");
    let node = Node::start(&folder.0);
    let client = Client::sign_up(&node).await;
    let tokens = format!("http://{}/oauth/token", client.at);
    // Signing in was the first of ten tries.
    let mut statuses = Vec::new();
    for n in 0..10 {
        let login = ["ana", "Ana@example.com"][n % 2];
        let form = [
            ("grant_type", "password"),
            ("username", login),
            ("password", "wrong"),
        ];
        let answer = client.http.post(&tokens).form(&form).send().await.unwrap();
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses[..9], [401; 9]);
    assert_eq!(statuses[9], 429);
}

#[tokio::test]
async fn what_it_measures_is_told_at_an_address_of_its_own() {
    let folder = Folder::new("metrics");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = free.local_addr().unwrap().to_string();
    drop(free);
    let mut command = pinwire(&folder.0);
    command.env("PINWIRE_METRICS_LISTEN", &at);
    let node = Node::start_as(command, Stdio::null());
    let ana = Client::sign_up(&node).await;
    let _socket = ana.socket().await;
    let metrics = async |at: &str| {
        let answer = ana.http.get(format!("http://{at}/metrics")).send().await;
        answer.unwrap().text().await.unwrap()
    };
    let told = metrics(&at).await;
    assert!(told.contains("\npinwire_streams 1\n"), "{told}");
    for histogram in ["batch_acts", "act_wait_seconds", "batch_seconds"] {
        let bucket = format!("pinwire_{histogram}_bucket{{le=");
        assert!(told.contains(&bucket), "{histogram}: {told}");
    }
    let public = metrics(&node.address).await;
    assert!(public.contains("no_such_route"), "{public}");
}
