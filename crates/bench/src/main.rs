//! Drives a running Pinwire through its public API and measures it, beside a peer.

mod bar;
mod bystanders;
mod cli;
mod clock;
mod delivery;
mod figures;
mod frame;
mod http;
mod ledger;
mod meter;
mod open_loop;
mod people;
mod progress;
mod report;
mod runner;
mod sending;
mod servers;
mod socket;
mod stage;
mod usage;
mod workloads;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

/// Open files that the bench and its servers may have, if the system allows it.
const FILES: u64 = 100_000;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match measure(&cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("pinwire-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all runs were valid.
fn measure(cli: &cli::Cli) -> Result<bool> {
    if rlimit::Resource::NOFILE.set(FILES, FILES).is_err() {
        rlimit::increase_nofile_limit(FILES)?;
    }
    // One thread: the servers need the cores.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, async {
        let mut ended = signal(SignalKind::terminate())?;
        // What is dropped by an interrupt ends its servers and removes its files.
        tokio::select! {
            valid = runner::run(cli) => valid,
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
            _ = ended.recv() => bail!("ended by a signal"),
        }
    })
}
