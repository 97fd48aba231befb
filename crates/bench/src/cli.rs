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
    /// commas. Its limits must be high.
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
    /// The program of Pinwire; built from the source beside the bench by default.
    #[arg(long, global = true)]
    pub(crate) pinwire: Option<PathBuf>,
    /// Where temporary folders are made; its disk is what is measured.
    #[arg(long, global = true)]
    pub(crate) folder: Option<PathBuf>,
}

/// What is measured.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Workload {
    /// Everything, one after the other.
    All,
    /// What the disk and the database can do: fdatasync, and pgbench with the rows of a send.
    Reference,
    /// Time until a node is ready, and its memory while nothing happens.
    Start,
    /// Messages one to one.
    W1(Sends),
    /// Messages in groups.
    W2(Groups),
    /// Messages in groups that overlap, over two nodes.
    W2b(Groups),
    /// Idle sockets.
    W3(Idle),
    /// The newest page of a long conversation.
    W4(Pages),
    /// Messages one to one at a fixed rate.
    W5(Rates),
    /// Read marks in groups.
    W6(Marks),
    /// What others notice of one busy conversation.
    Fairness(Fairness),
    /// What senders notice of very many sign-ins.
    SignIns(SignIns),
    /// What strangers can tell, by time, of what became of their requests.
    Silence,
    /// Very many sockets come back at once.
    Storm(Storm),
    /// What a send costs with idle sockets of others.
    Fanout(Fanout),
    /// What a send costs as the store grows.
    Growth(Growth),
    /// Searches in a store of very many messages.
    Search(Search),
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
#[derive(Debug, Clone, Copy, Args)]
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

/// Idle sockets.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Idle {
    /// How many; 20 of a person.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) sockets: usize,
    /// Seconds that they are left alone.
    #[arg(long, default_value_t = 60.0)]
    pub(crate) idle_seconds: f64,
}

/// Pages of a conversation.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Pages {
    /// Readers at once.
    #[arg(long, default_value_t = 32)]
    pub(crate) readers: usize,
    /// Messages in the conversation.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) messages: usize,
}

/// Sends at a fixed rate.
#[derive(Debug, Clone, Args)]
pub(crate) struct Rates {
    /// Sends a second, one run for each.
    #[arg(long, value_delimiter = ',', default_value = "200,1000")]
    pub(crate) rate: Vec<f64>,
    /// Pairs of people online.
    #[arg(long, default_value_t = 200)]
    pub(crate) pairs: usize,
}

/// Read marks.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Marks {
    /// Readers at once.
    #[arg(long, default_value_t = 32)]
    pub(crate) readers: usize,
    /// Groups online.
    #[arg(long = "groups", default_value_t = 40)]
    pub(crate) count: usize,
    /// People in each.
    #[arg(long, default_value_t = 10)]
    pub(crate) size: usize,
    /// Fresh messages in each, to be read one by one by all but one.
    #[arg(long, default_value_t = 400)]
    pub(crate) depth: usize,
}

/// One busy conversation.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Fairness {
    /// Senders in it.
    #[arg(long, default_value_t = 32)]
    pub(crate) senders: usize,
}

/// Very many sign-ins.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct SignIns {
    /// Sign-ins a second, whatever the answers take.
    #[arg(long, default_value_t = 200.0)]
    pub(crate) rate: f64,
}

/// Sockets that come back.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Storm {
    /// How many; 20 of a person.
    #[arg(long, default_value_t = 5_000)]
    pub(crate) sockets: usize,
}

/// Sends beside idle sockets.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Fanout {
    /// How many; 20 of a person.
    #[arg(long, default_value_t = 5_000)]
    pub(crate) sockets: usize,
    /// Senders at once.
    #[arg(long, default_value_t = 32)]
    pub(crate) senders: usize,
}

/// A store that grows.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Growth {
    /// The last step: 10 to this power messages in the store.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(4..=7))]
    pub(crate) up_to: u32,
    /// Senders at once.
    #[arg(long, default_value_t = 32)]
    pub(crate) senders: usize,
}

/// Searches.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Search {
    /// 10 to this power messages in the store, a thousand in each conversation.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(4..=7))]
    pub(crate) power: u32,
    /// Conversations that each person takes part in.
    #[arg(long, default_value_t = 50)]
    pub(crate) conversations: u64,
    /// Searches at once.
    #[arg(long, default_value_t = 4)]
    pub(crate) readers: usize,
}

/// What `all` runs, in this order.
const ALL: [&str; 16] = [
    "reference",
    "start",
    "w1",
    "w2",
    "w2b",
    "w4",
    "w5",
    "w6",
    "fairness",
    "sign-ins",
    "silence",
    "fanout",
    "storm",
    "w3",
    "growth",
    "search",
];

impl Workload {
    /// Everything, each with its defaults.
    pub(crate) fn all() -> Result<Vec<Self>, clap::Error> {
        let parsed = ALL
            .iter()
            .map(|it| Cli::try_parse_from(["pinwire-bench", it]));
        parsed.map(|it| Ok(it?.workload)).collect()
    }
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
    fn everything_has_defaults() {
        assert_eq!(Workload::all().unwrap().len(), ALL.len());
    }

    #[test]
    fn an_address_is_that_of_a_url() {
        assert!(address("http://127.0.0.1:8080/").is_ok());
        assert!(address("https://127.0.0.1:8080").is_err());
        assert!(address("http://localhost").is_err());
    }
}
