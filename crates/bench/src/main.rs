//! Drives a running Pinwire through its public API and measures it, beside a peer.

#![expect(dead_code, reason = "for the workloads that are still to come")]

mod bar;
mod cli;
mod clock;
mod delivery;
mod figures;
mod frame;
mod http;
mod meter;
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

use anyhow::Result;
use clap::Parser as _;
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
    LocalSet::new().block_on(&runtime, runner::run(cli))
}
