//! The servers that a run starts for itself, and ends.

mod bus;
mod child;
mod peer;
mod pinwire;
mod postgres;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

use crate::people::Crowd;
use crate::usage::{Memory, Snapshot, memory};

pub(crate) use child::Running;
pub(crate) use postgres::{Postgres, psql};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Profile {
    /// Pinwire alone, on a `SQLite` file.
    Embedded,
    /// Pinwire with PostgreSQL and Redis.
    Server,
    /// The Node peer with PostgreSQL and Redis.
    Node,
    /// A server that runs already.
    Url,
}

impl Profile {
    /// The name in tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Server => "server",
            Self::Node => "node",
            Self::Url => "url",
        }
    }

    /// Whether events come in order. The peer publishes after the commit, from many connections at once, so one event
    /// may overtake another; that each arrives once is checked there, too.
    pub(crate) const fn is_ordered(self) -> bool {
        !matches!(self, Self::Node)
    }
}

/// Where things are that private servers need.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// The program of Pinwire.
    pub(crate) pinwire: PathBuf,
    /// The folder in which temporary folders are made.
    pub(crate) folder: PathBuf,
}

/// A server with all that belongs to it.
pub(crate) struct Target {
    /// What it is.
    pub(crate) profile: Profile,
    /// Where it listens; several for several nodes.
    pub(crate) addresses: Vec<SocketAddr>,
    /// The people on it.
    pub(crate) crowd: Crowd,
    /// The nodes, then what they stand on: they end in this order.
    nodes: Vec<Running>,
    redis: Option<Running>,
    /// PostgreSQL, if it stands on that.
    pub(crate) postgres: Option<Postgres>,
    places: Option<Places>,
    /// Goes away last.
    folder: Option<TempDir>,
}

impl Target {
    /// Drives a server that runs already.
    pub(crate) fn at(addresses: Vec<SocketAddr>) -> Result<Self> {
        let first = *addresses.first().context("no address")?;
        Ok(Self {
            profile: Profile::Url,
            addresses,
            crowd: Crowd::new(first)?,
            nodes: Vec::new(),
            redis: None,
            postgres: None,
            places: None,
            folder: None,
        })
    }

    /// Starts private servers: so many nodes with what they stand on.
    pub(crate) async fn start(profile: Profile, places: &Places, nodes: usize) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("pinwire-bench.")
            .tempdir_in(&places.folder)?;
        child::let_others_in(folder.path())?;
        let (postgres, redis) = match profile {
            Profile::Embedded => (None, None),
            Profile::Url => bail!("a server that runs already is not started"),
            Profile::Server | Profile::Node => (
                Some(Postgres::start(folder.path()).await?),
                Some(bus::start(folder.path()).await?),
            ),
        };
        let mut target = Self {
            profile,
            addresses: Vec::new(),
            // Replaced once the first node runs.
            crowd: Crowd::new(SocketAddr::from(([127, 0, 0, 1], 0)))?,
            nodes: Vec::new(),
            redis,
            postgres,
            places: Some(places.clone()),
            folder: Some(folder),
        };
        for _ in 0..nodes {
            target.start_node().await?;
        }
        target.crowd = Crowd::new(*target.addresses.first().context("no node")?)?;
        Ok(target)
    }

    /// Starts servers of the same kind, with an empty store.
    pub(crate) async fn another(&self) -> Result<Self> {
        let places = self.places.as_ref().context("not a private server")?;
        Self::start(self.profile, places, 1).await
    }

    /// Starts one more node.
    pub(crate) async fn start_node(&mut self) -> Result<()> {
        let (running, address) = self.new_node().await?;
        self.nodes.push(running);
        self.addresses.push(address);
        Ok(())
    }

    async fn new_node(&self) -> Result<(Running, SocketAddr)> {
        let folder = self.folder()?;
        let postgres = self.postgres.as_ref().map(Postgres::url);
        let redis = self.redis.as_ref().map(|it| bus::url(it.port));
        if self.profile == Profile::Node {
            let (postgres, redis) = (postgres.context("no url")?, redis.context("no url")?);
            return peer::start(folder, &postgres, &redis).await;
        }
        let database =
            postgres.unwrap_or_else(|| format!("sqlite:{}", self.sqlite_path().display()));
        let program = &self.places.as_ref().context("not private")?.pinwire;
        pinwire::start(program, folder, &database, redis.as_deref()).await
    }

    /// Ends the node that was started last.
    pub(crate) fn end_last_node(&mut self) {
        self.nodes.pop();
        self.addresses.pop();
    }

    /// Ends all nodes and starts one anew, at a new address.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.end_nodes();
        self.start_node().await?;
        let address = *self.addresses.first().context("no node")?;
        self.crowd.move_to(address);
        Ok(())
    }

    /// Ends all nodes.
    pub(crate) fn end_nodes(&mut self) {
        self.nodes.clear();
        self.addresses.clear();
    }

    /// The folder of its files.
    pub(crate) fn folder(&self) -> Result<&Path> {
        Ok(self.folder.as_ref().context("not a private server")?.path())
    }

    /// The database's file of the embedded profile.
    pub(crate) fn sqlite_path(&self) -> PathBuf {
        let folder = self.folder.as_ref().map(TempDir::path);
        folder.unwrap_or_else(|| Path::new(".")).join("pinwire.db")
    }

    /// The address for the connection of this number.
    pub(crate) fn address(&self, number: usize) -> Result<SocketAddr> {
        let place = number % self.addresses.len().max(1);
        self.addresses.get(place).copied().context("no node runs")
    }

    /// The memory of the nodes.
    pub(crate) fn memory(&self) -> Memory {
        let nodes = self.nodes.iter().map(|it| memory(it.pid()));
        nodes.fold(Memory::default(), |sum, it| Memory {
            resident: sum.resident + it.resident,
            proportional: sum.proportional + it.proportional,
        })
    }

    /// Names and process ids of all servers.
    pub(crate) fn pids(&self) -> Vec<(&'static str, u32)> {
        let stores = [
            self.redis.as_ref(),
            self.postgres.as_ref().map(|it| &it.running),
        ];
        let stores = stores.into_iter().flatten();
        self.nodes
            .iter()
            .chain(stores)
            .map(|it| (it.name, it.pid()))
            .collect()
    }

    /// What the servers have used so far.
    pub(crate) fn usage(&self) -> Snapshot {
        Snapshot::take(&self.pids())
    }
}
