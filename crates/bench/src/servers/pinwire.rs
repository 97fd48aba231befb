//! A node of Pinwire.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::Result;

use super::child::{self, Running};
use crate::http::{Connection, Request};

/// A limit that nobody reaches.
const UNLIMITED: &str = "100000000";

/// Starts a node as it is shipped, but for the limits on how often one may try.
pub(crate) async fn start(
    program: &Path,
    folder: &Path,
    database: &str,
    redis: Option<&str>,
) -> Result<(Running, SocketAddr)> {
    let port = child::free_port()?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let log = folder.join(format!("pinwire-{port}.log"));
    let mut command = child::attached(program);
    command
        .arg("serve")
        .env("PINWIRE_LISTEN", address.to_string())
        .env("PINWIRE_DATABASE_URL", database)
        .env("PINWIRE_STRANGERS", "inbox")
        .env("PINWIRE_NO_LINK_CHECKS", "true")
        .env("PINWIRE_ATTEMPTS_PER_ADDRESS", UNLIMITED)
        .env("PINWIRE_ATTEMPTS_PER_ACCOUNT", UNLIMITED)
        .env("PINWIRE_WRITES_PER_USER", UNLIMITED)
        .env("PINWIRE_READS_PER_USER", UNLIMITED)
        .current_dir(folder);
    if let Some(redis) = redis {
        command.env("PINWIRE_REDIS_URL", redis);
    }
    child::log_to(&mut command, &log)?;
    let mut running = Running::start("pinwire", port, "TERM", command)?;
    running
        .answers(&log, async || is_ready(address).await)
        .await?;
    Ok((running, address))
}

/// Whether a server says that it is ready.
pub(crate) async fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut connection) = Connection::open(address).await else {
        return false;
    };
    let answer = connection.ask(&Request::new("GET", "/readyz")).await;
    answer.is_ok_and(|(status, _)| status == 200)
}
