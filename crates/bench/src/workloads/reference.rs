//! Reference lines: what the disk and the database can do here and now.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::clock;
use crate::figures::{Figures, number};
use crate::progress::Progress;
use crate::servers::{Target, psql};

const SCHEMA: &str = include_str!("reference/schema.sql");
/// A script of `pgbench`: its name, its text, the sends of a transaction, and how many clients run it.
struct Script {
    name: &'static str,
    text: &'static str,
    sends: f64,
    clients: &'static [u32],
}

/// The rows of a send: as a statement each, as one statement, and 64 sends in one transaction. The log's head is
/// locked last.
const SCRIPTS: [Script; 3] = [
    Script {
        name: "statements",
        text: include_str!("reference/statements.sql"),
        sends: 1.0,
        clients: &[1, 8, 32],
    },
    Script {
        name: "one",
        text: include_str!("reference/one.sql"),
        sends: 1.0,
        clients: &[1, 8, 32],
    },
    Script {
        name: "batches of 64",
        text: include_str!("reference/batch.sql"),
        sends: 64.0,
        clients: &[1, 2],
    },
];
/// Bytes of an append.
const APPEND: usize = 512;
/// How long appends are counted.
const APPENDING: Duration = Duration::from_secs(2);

/// Appends, then `pgbench` for so many seconds each.
pub(crate) async fn run(target: &Target, seconds: u64, progress: &Progress) -> Result<Figures> {
    let mut figures = Figures::default();
    let folder = target.folder()?;
    progress.begin("syncing", 0);
    figures.add("fdatasync/s", syncs(folder)?);
    let postgres = target.postgres.as_ref().context("no PostgreSQL")?;
    psql(postgres, SCHEMA).await?;
    progress.begin("pgbench", SCRIPTS.iter().map(|it| it.clients.len()).sum());
    for script in SCRIPTS {
        let name = script.name;
        let path = folder.join(format!("{name}.sql"));
        std::fs::write(&path, script.text)?;
        for clients in script.clients {
            progress.step();
            let mut words = postgres.tool("pgbench");
            let options = format!("-n -M prepared -c {clients} -j 1 -T {seconds} -f");
            words.extend(options.split(' ').map(str::to_owned));
            words.extend([path.display().to_string(), "postgres".to_owned()]);
            let rate = pgbench(&words).await? * script.sends;
            figures.add(format!("{name}, {clients}: sends/s"), rate);
        }
    }
    Ok(figures)
}

/// Appends a second that are on the disk, one after the other.
fn syncs(folder: &Path) -> Result<f64> {
    let mut file = File::create(folder.join("appends"))?;
    let began = clock::now();
    let mut count = 0;
    while began.elapsed() < APPENDING {
        file.write_all(&[b'.'; APPEND])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(number(count) / began.elapsed().as_secs_f64())
}

async fn pgbench(words: &[String]) -> Result<f64> {
    let (program, arguments) = words.split_first().context("no program")?;
    let ran = tokio::process::Command::new(program)
        .args(arguments)
        .output()
        .await?;
    let said = String::from_utf8_lossy(&ran.stdout);
    let Some(rate) = rate_in(&said).filter(|_| ran.status.success()) else {
        bail!(
            "pgbench failed: {said}{}",
            String::from_utf8_lossy(&ran.stderr)
        );
    };
    Ok(rate)
}

/// From the line `tps = 1234.5 (without …)`.
fn rate_in(said: &str) -> Option<f64> {
    let line = said.lines().find_map(|it| it.strip_prefix("tps = "))?;
    line.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_pgbench_is_read() {
        let said = "latency average = 1 ms\ntps = 1234.5 (without initial connection time)\n";
        assert_eq!(rate_in(said), Some(1234.5));
        assert_eq!(rate_in("pgbench: error"), None);
    }
}
