//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::sending::Pace;
use crate::servers::Profile;

/// Measures Pinwire, and the Node peer beside it, through their public API.
#[derive(Debug, Parser)]
#[command(name = "pinwire-bench")]
pub(crate) struct Cli {
    /// What is measured.
    #[command(subcommand)]
    pub(crate) workload: Workload,
    /// Settings of every workload.
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// Settings of every workload.
#[derive(Debug, Clone, Args)]
pub(crate) struct Settings {
    /// On which servers, one after the other in each run.
    #[arg(
        long,
        global = true,
        value_enum,
        value_delimiter = ',',
        default_value = "server,embedded,node"
    )]
    pub(crate) profile: Vec<Profile>,
    /// A server that runs already instead of private ones, as `http://127.0.0.1:8080`; several nodes of it separated by
    /// commas. Its limits on sign-ups must be high.
    #[arg(long, global = true, value_delimiter = ',', value_parser = address)]
    pub(crate) url: Vec<SocketAddr>,
    /// Runs of each workload; the table shows median and spread.
    #[arg(long, global = true, default_value_t = 1)]
    pub(crate) runs: usize,
    /// Seconds that are measured in each run.
    #[arg(long, global = true, default_value_t = 10.0)]
    pub(crate) seconds: f64,
    /// Seconds that a run goes before it is measured.
    #[arg(long, global = true, default_value_t = 2.0)]
    pub(crate) warm_up: f64,
    /// Writes all figures to this file.
    #[arg(long, global = true)]
    pub(crate) json: Option<PathBuf>,
    /// The program of Pinwire; that beside this one by default, built if it is missing.
    #[arg(long, global = true)]
    pub(crate) pinwire: Option<PathBuf>,
    /// Where temporary folders are made; its disk is what is measured.
    #[arg(long, global = true)]
    pub(crate) folder: Option<PathBuf>,
}

/// What is measured.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Workload {
    /// Messages one to one.
    W1(Sends),
    /// Messages in groups.
    W2(Groups),
}

/// Sends one to one.
#[derive(Debug, Clone, Args)]
pub(crate) struct Sends {
    /// Senders at once, one run for each.
    #[arg(long, value_delimiter = ',', default_value = "32,128")]
    pub(crate) senders: Vec<usize>,
    /// Pairs of people online.
    #[arg(long, default_value_t = 200)]
    pub(crate) pairs: usize,
    /// Send a pin each time instead of a message.
    #[arg(long)]
    pub(crate) by_pin: bool,
}

/// Sends in groups.
#[derive(Debug, Clone, Args)]
pub(crate) struct Groups {
    /// Senders at once.
    #[arg(long, default_value_t = 32)]
    pub(crate) senders: usize,
    /// Groups online.
    #[arg(long = "groups", default_value_t = 40)]
    pub(crate) count: usize,
    /// People in each.
    #[arg(long, default_value_t = 10)]
    pub(crate) size: usize,
}

impl Settings {
    /// The pace of so many senders.
    pub(crate) fn pace(&self, senders: usize) -> Pace {
        Pace {
            senders,
            time: Duration::from_secs_f64(self.seconds),
            warm_up: Duration::from_secs_f64(self.warm_up),
            by_pin: false,
        }
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let text = text.trim_end_matches('/');
    let address = text
        .strip_prefix("http://")
        .ok_or("must begin with http://")?;
    address
        .parse()
        .map_err(|_| "must be http://, an IP address and a port".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_that_of_a_url() {
        assert!(address("http://127.0.0.1:8080/").is_ok());
        assert!(address("https://127.0.0.1:8080").is_err());
        assert!(address("http://localhost").is_err());
    }
}
