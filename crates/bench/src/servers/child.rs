//! A process that was started, and is ended when it is no longer needed.

use std::fs::{File, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

/// How long a server may take to start.
const START_MAX: Duration = Duration::from_secs(30);
/// How long a server may take to end before it is killed.
const END_MAX: Duration = Duration::from_secs(10);
/// Ports are looked for here: below those that the system gives to outgoing connections.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A process that runs.
pub(crate) struct Running {
    /// What it is, in tables.
    pub(crate) name: &'static str,
    /// Where it listens on the loopback.
    pub(crate) port: u16,
    child: Child,
    /// The signal that it ends by, in order.
    goodbye: &'static str,
}

impl Running {
    /// Starts a command, which also ends when this program is killed outright.
    pub(crate) fn start(
        name: &'static str,
        port: u16,
        goodbye: &'static str,
        mut command: Command,
    ) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self {
            name,
            port,
            child,
            goodbye,
        })
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it answers; fails when it has ended instead. `log` is shown then.
    pub(crate) async fn answers(
        &mut self,
        log: &Path,
        mut asks: impl AsyncFnMut() -> bool,
    ) -> Result<()> {
        let began = crate::clock::now();
        while !asks().await {
            let ended = self.child.try_wait()?;
            if ended.is_some() || began.elapsed() > START_MAX {
                let text = std::fs::read_to_string(log).unwrap_or_default();
                let lines: Vec<_> = text.lines().collect();
                let tail = lines
                    .get(lines.len().saturating_sub(10)..)
                    .unwrap_or_default();
                bail!(
                    "{} did not start ({ended:?}):\n{}",
                    self.name,
                    tail.join("\n")
                );
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let pid = self.pid().to_string();
        Command::new("kill")
            .args([&format!("-{}", self.goodbye), &pid])
            .stderr(Stdio::null())
            .status()?;
        let began = crate::clock::now();
        while began.elapsed() < END_MAX {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("{} could not be ended: {error}", self.name);
        }
    }
}

/// A port on the loopback that nobody listens on.
pub(crate) fn free_port() -> Result<u16> {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let span = PORTS.end - PORTS.start;
    let own = u16::try_from(std::process::id() % u32::from(span))?;
    for _ in PORTS {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        // Runs at the same time begin far from each other.
        let port = PORTS.start + own.wrapping_mul(31).wrapping_add(next) % span;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port")
}

/// A command that ends with this program, as a user who may do little if this is root: PostgreSQL refuses root.
pub(crate) fn unprivileged(program: &Path, goodbye: &str) -> Result<Command> {
    let mut command = Command::new("setpriv");
    if let Some((user, group)) = server_user()? {
        command.args([
            format!("--reuid={user}"),
            format!("--regid={group}"),
            "--clear-groups".to_owned(),
        ]);
    }
    command.args(["--pdeathsig", goodbye, "--"]).arg(program);
    Ok(command)
}

/// A command that ends with this program.
pub(crate) fn attached(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "TERM", "--"]).arg(program);
    // What the caller's shell holds is no setting of the run.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PINWIRE_") {
            command.env_remove(name);
        }
    }
    command
}

/// User and group that servers run as; none if this is not root.
fn server_user() -> Result<Option<(u32, u32)>> {
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    for name in ["postgres", "nobody"] {
        let line = users
            .lines()
            .find_map(|it| it.strip_prefix(&format!("{name}:")));
        let mut fields = line.unwrap_or_default().split(':').skip(1);
        if let (Some(user), Some(group)) = (fields.next(), fields.next()) {
            return Ok(Some((user.parse()?, group.parse()?)));
        }
    }
    bail!("PostgreSQL does not run as root, and there is no user `postgres` or `nobody`")
}

/// A folder in `folder` for a server's files.
pub(crate) fn own_folder(folder: &Path, name: &str) -> Result<PathBuf> {
    let made = folder.join(name);
    std::fs::create_dir(&made)?;
    std::fs::set_permissions(&made, Permissions::from_mode(0o700))?;
    if let Some((user, group)) = server_user()? {
        std::os::unix::fs::chown(&made, Some(user), Some(group))?;
    }
    Ok(made)
}

/// Servers under another user must be able to pass through a folder.
pub(crate) fn let_others_in(folder: &Path) -> Result<()> {
    Ok(std::fs::set_permissions(
        folder,
        Permissions::from_mode(0o755),
    )?)
}

/// Both outputs of a command go to a file.
pub(crate) fn log_to(command: &mut Command, path: &Path) -> Result<()> {
    let file = File::options().create(true).append(true).open(path)?;
    command.stdout(file.try_clone()?).stderr(file);
    Ok(())
}
