//! A node: the program itself, started as a test would start it by hand.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::contract::Contract;
use crate::{secrets, signals};

/// Names the program to test.
const PROGRAM: &str = "PINWIRE_BIN";
/// What stands before the address in the line that tells it.
const ADDRESS: &str = "Pinwire listens on ";
/// How long a node may take to start.
const START_MAX: Duration = Duration::from_secs(30);
/// Lines of a log that a failed test shows.
const LINES_SHOWN: usize = 40;

/// A program that runs, with its output in files; killed when dropped.
pub struct Node {
    /// `http://address:port`.
    pub base: String,
    contract: Option<Arc<Contract>>,
    name: String,
    folder: PathBuf,
    child: Mutex<Child>,
}

impl Node {
    /// Starts `pinwire serve` and waits until it tells its address. `name` names its files in the folder.
    pub async fn start(folder: &Path, name: &str, settings: &[(String, String)]) -> Self {
        let child = Mutex::new(spawn(folder, name, &["serve"], settings));
        let mut node = Self {
            base: String::new(),
            contract: None,
            name: name.to_owned(),
            folder: folder.to_owned(),
            child,
        };
        let began = Instant::now();
        while node.base.is_empty() {
            let ended = node.child().try_wait().expect("a child can be asked");
            assert!(ended.is_none(), "{name} ended at once: {ended:?}");
            assert!(began.elapsed() < START_MAX, "{name} did not start");
            sleep(Duration::from_millis(10)).await;
            node.base = node.told_address().unwrap_or_default();
        }
        node.contract = Some(Contract::of(&node.base).await);
        node
    }

    /// The documents it serves.
    pub(crate) fn contract(&self) -> Arc<Contract> {
        Arc::clone(self.contract.as_ref().expect("fetched at the start"))
    }

    fn told_address(&self) -> Option<String> {
        let printed =
            std::fs::read_to_string(self.folder.join(format!("{}.out", self.name))).ok()?;
        // A line that is not yet ended may be cut.
        let line = printed
            .split_inclusive('\n')
            .find(|line| line.contains(ADDRESS))?;
        let (_, rest) = line.strip_suffix('\n')?.split_once(ADDRESS)?;
        rest.split_whitespace().next().map(str::to_owned)
    }

    /// Everything it has logged.
    #[must_use]
    pub fn log(&self) -> String {
        log(&self.folder, &self.name)
    }

    /// The number of its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child().id()
    }

    /// Kills it at once (SIGKILL).
    pub fn kill(&self) {
        let mut child = self.child();
        // Both fail only for a child that has ended already.
        drop(child.kill());
        drop(child.wait());
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    pub async fn stop(&self) -> ExitStatus {
        signals::send("TERM", self.child().id());
        let (status, _) = crate::eventually("the node to end", async || {
            self.child().try_wait().expect("a child can be asked")
        })
        .await;
        status
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            let shown = &lines[lines.len().saturating_sub(LINES_SHOWN)..];
            eprintln!("--- the end of {}'s log\n{}", self.name, shown.join("\n"));
            return;
        }
        let log = self.log();
        let line = secrets::line_with_one(&log);
        assert_eq!(line, None, "{} logged a secret", self.name);
    }
}

/// Runs the program until it ends by itself; its exit code, and all it wrote to its standard error.
pub(crate) async fn run(
    folder: &Path,
    arguments: &[&str],
    settings: &[(String, String)],
) -> (Option<i32>, String) {
    let mut child = spawn(folder, "run", arguments, settings);
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child can be asked") {
            return (status.code(), log(folder, "run"));
        }
        if began.elapsed() > START_MAX {
            drop(child.kill());
            drop(child.wait());
            panic!("pinwire {arguments:?} did not end: {}", log(folder, "run"));
        }
        sleep(Duration::from_millis(10)).await;
    }
}

fn log(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(format!("{name}.err"))).unwrap_or_default()
}

fn spawn(folder: &Path, name: &str, arguments: &[&str], settings: &[(String, String)]) -> Child {
    let file = |ending| File::create(folder.join(format!("{name}.{ending}"))).expect("a file");
    let mut command = Command::new(program());
    // What the caller's shell holds is no setting of the test.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PINWIRE_") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(file("out"))
        .stderr(file("err"))
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", program().display()))
}

fn program() -> PathBuf {
    if let Some(named) = std::env::var_os(PROGRAM) {
        return named.into();
    }
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/pinwire");
    assert!(
        built.exists(),
        "{PROGRAM} is not set and {} is not built: run the tests by tests/run",
        built.display()
    );
    built
}
