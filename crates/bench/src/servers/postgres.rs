//! A private PostgreSQL that is as durable as one in use.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::child::{self, Running};

/// What differs from PostgreSQL's defaults. The last three keep checkpoints and their noise out of short runs.
const SETTINGS: [&str; 9] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "shared_buffers=256MB",
    "max_wal_size=4GB",
    "checkpoint_timeout=30min",
];

/// A PostgreSQL that runs.
pub(crate) struct Postgres {
    /// Its process.
    pub(crate) running: Running,
    bin: PathBuf,
}

/// The newest of Debian's, else the one in PATH.
fn find_bin() -> Result<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = installed
        .filter_map(|it| {
            Some((
                it.file_name().to_str()?.parse::<u32>().ok()?,
                it.path().join("bin"),
            ))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .max();
    if let Some((_, bin)) = newest {
        return Ok(bin);
    }
    let path = std::env::var_os("PATH").context("no PATH")?;
    std::env::split_paths(&path)
        .find(|it| it.join("initdb").exists())
        .context("PostgreSQL is not installed: there is no initdb")
}

impl Postgres {
    /// Makes a cluster in the folder and starts it.
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        let bin = find_bin()?;
        let own = child::own_folder(folder, "postgres")?;
        let (cluster, log) = (own.join("cluster"), folder.join("postgres.log"));
        let mut initdb = child::unprivileged(&bin.join("initdb"), "TERM")?;
        initdb.arg("-D").arg(&cluster).args([
            "--username=postgres",
            "--auth=trust",
            "--encoding=UTF8",
            "--no-instructions",
        ]);
        child::log_to(&mut initdb, &log)?;
        let made = initdb.current_dir(&own).stdin(Stdio::null()).status();
        if !made.context("cannot run initdb")?.success() {
            bail!("initdb failed: {}", std::fs::read_to_string(&log)?);
        }
        let port = child::free_port()?;
        let mut command = child::unprivileged(&bin.join("postgres"), "INT")?;
        command
            .arg("-D")
            .arg(&cluster)
            .arg("-c")
            .arg(format!("port={port}"));
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        child::log_to(&mut command, &log)?;
        command.current_dir(&own);
        let running = Running::start("postgres", port, "INT", command)?;
        let mut postgres = Self { running, bin };
        let ready = postgres.tool("pg_isready");
        postgres
            .running
            .answers(&log, async || succeeds(&ready))
            .await?;
        Ok(postgres)
    }

    /// Where a client finds it.
    pub(crate) fn url(&self) -> String {
        format!(
            "postgres://postgres@127.0.0.1:{}/postgres",
            self.running.port
        )
    }

    /// One of PostgreSQL's own programs, as words, connected to this one.
    pub(crate) fn tool(&self, name: &str) -> Vec<String> {
        let port = self.running.port.to_string();
        let program = self.bin.join(name).display().to_string();
        [&program, "-h", "127.0.0.1", "-p", &port, "-U", "postgres"]
            .map(str::to_owned)
            .to_vec()
    }
}

fn succeeds(words: &[String]) -> bool {
    command(words).is_ok_and(|mut it| {
        let status = it.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|it| it.success())
    })
}

/// Words as a command.
pub(crate) fn command(words: &[String]) -> Result<Command> {
    let (program, arguments) = words.split_first().context("no program")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    Ok(command)
}

/// Runs SQL.
pub(crate) async fn psql(postgres: &Postgres, sql: &str) -> Result<()> {
    let words = postgres.tool("psql");
    let (program, arguments) = words.split_first().context("no program")?;
    let ran = tokio::process::Command::new(program)
        .args(arguments)
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql, "postgres"])
        .stdin(Stdio::null())
        .output()
        .await?;
    if !ran.status.success() {
        bail!("psql failed: {}", String::from_utf8_lossy(&ran.stderr));
    }
    Ok(())
}
