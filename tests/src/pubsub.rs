//! A Redis of the test's own, which can be killed, frozen and started again on the same port.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use crate::ports::free_port;
use crate::signals;

/// Names the `redis-server` to start.
const PROGRAM: &str = "PINWIRE_TEST_REDIS_SERVER";
/// Ports to try before giving up.
const TRIES: usize = 5;

/// A running `redis-server`; ends when dropped.
pub struct PubSub {
    port: u16,
    folder: PathBuf,
    child: Mutex<Child>,
}

impl PubSub {
    /// Starts one that keeps nothing.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        for _ in 0..TRIES {
            let port = free_port();
            let mut child = spawn(port, folder);
            if answers(port, &mut child) {
                return Self {
                    port,
                    folder: folder.to_owned(),
                    child: Mutex::new(child),
                };
            }
            end(&mut child);
        }
        panic!("redis-server did not start: see {}", folder.display());
    }

    /// Where nodes find it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Kills it at once (SIGKILL).
    pub fn kill(&self) {
        end(&mut self.child());
    }

    /// Starts it again on the same port.
    pub fn restart(&self) {
        let mut child = self.child();
        *child = spawn(self.port, &self.folder);
        assert!(
            answers(self.port, &mut child),
            "redis-server did not come back on port {}",
            self.port
        );
    }

    /// Freezes it (SIGSTOP): its connections stay, and nothing answers.
    pub fn freeze(&self) {
        signals::send("STOP", self.child().id());
    }

    /// Lets it go on (SIGCONT).
    pub fn thaw(&self) {
        signals::send("CONT", self.child().id());
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for PubSub {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(port: u16, folder: &Path) -> Child {
    let program = std::env::var(PROGRAM)
        .unwrap_or_else(|_| panic!("{PROGRAM} is not set: run the tests by tests/run"));
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .open(folder.join("redis.log"))
        .expect("the log can be written");
    Command::new(&program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--dir"])
        .arg(folder)
        .stdin(Stdio::null())
        .stderr(log.try_clone().expect("a file can be shared"))
        .stdout(log)
        .spawn()
        .unwrap_or_else(|error| panic!("{PROGRAM}={program}: {error}"))
}

/// Whether it answers before it dies, as it does when somebody took the port first.
fn answers(port: u16, child: &mut Child) -> bool {
    for _ in 0..200 {
        if child.try_wait().expect("a child can be asked").is_some() {
            return false;
        }
        if ping(port).is_ok_and(|answer| answer.starts_with(b"+PONG")) {
            return true;
        }
        sleep(Duration::from_millis(50));
    }
    false
}

fn ping(port: u16) -> std::io::Result<[u8; 5]> {
    let mut connection = TcpStream::connect(("127.0.0.1", port))?;
    connection.set_read_timeout(Some(Duration::from_secs(1)))?;
    connection.write_all(b"PING\r\n")?;
    let mut answer = [0; 5];
    connection.read_exact(&mut answer)?;
    Ok(answer)
}

fn end(child: &mut Child) {
    // Both fail only for a child that has ended already.
    drop(child.kill());
    drop(child.wait());
}
