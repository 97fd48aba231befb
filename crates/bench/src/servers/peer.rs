//! The Node peer: what a team would write itself.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::child::{self, Running};
use super::pinwire::is_ready;

/// Where its source is.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/node");

/// Starts it; its packages are installed the first time.
pub(crate) async fn start(
    folder: &Path,
    postgres: &str,
    redis: &str,
) -> Result<(Running, SocketAddr)> {
    install()?;
    let port = child::free_port()?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let log = folder.join("peer.log");
    let mut command = child::attached(Path::new("node"));
    command
        .arg(format!("{SOURCE}/server.js"))
        .env("NODE_ENV", "production")
        .env("PEER_PORT", port.to_string())
        .env("PEER_DATABASE_URL", postgres)
        .env("PEER_REDIS_URL", redis)
        .current_dir(folder);
    child::log_to(&mut command, &log)?;
    let mut running = Running::start("peer", port, "TERM", command)?;
    running
        .answers(&log, async || is_ready(address).await)
        .await?;
    Ok((running, address))
}

fn install() -> Result<()> {
    if Path::new(SOURCE)
        .join("node_modules/.package-lock.json")
        .exists()
    {
        return Ok(());
    }
    let installed = Command::new("npm")
        .args(["ci", "--loglevel=error"])
        .current_dir(SOURCE)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("npm is missing: the peer needs Node")?;
    if !installed.success() {
        bail!("npm ci failed in {SOURCE}");
    }
    Ok(())
}
