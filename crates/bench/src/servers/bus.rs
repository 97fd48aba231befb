//! A private Redis, which keeps nothing.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use anyhow::Result;

use super::child::{self, Running};

/// Starts Redis in the folder.
pub(crate) async fn start(folder: &Path) -> Result<Running> {
    let own = child::own_folder(folder, "redis")?;
    let log = folder.join("redis.log");
    let port = child::free_port()?;
    let mut command = child::unprivileged(Path::new("redis-server"), "TERM")?;
    command
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
        .args(["--save", "", "--appendonly", "no", "--daemonize", "no"])
        .arg("--dir")
        .arg(&own)
        .current_dir(&own);
    child::log_to(&mut command, &log)?;
    let mut running = Running::start("redis", port, "TERM", command)?;
    running.answers(&log, async || pings(port).is_ok()).await?;
    Ok(running)
}

/// Where a client finds it.
pub(crate) fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}/0")
}

fn pings(port: u16) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 5];
    stream.read_exact(&mut answer)?;
    anyhow::ensure!(&answer == b"+PONG");
    Ok(())
}
