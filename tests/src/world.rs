//! Servers, and the people who use them.

use std::path::Path;

use tempfile::TempDir;

use crate::database::Database;
use crate::http::Api;
use crate::node::{self, Node};
use crate::person::Person;
use crate::pubsub::PubSub;

/// How Pinwire is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// One node with SQLite and the bus inside of it.
    Embedded,
    /// Two nodes with PostgreSQL, and Redis between them.
    Scaled,
}

/// Running servers with an empty database of their own. All of it ends when dropped, the nodes first.
pub struct World {
    /// The nodes: one, or two.
    pub nodes: Vec<Node>,
    /// What the nodes read and write.
    pub database: Database,
    settings: Vec<(String, String)>,
    bus: Option<PubSub>,
    folder: TempDir,
}

impl World {
    /// Starts the servers of a profile.
    pub async fn start(profile: Profile) -> Self {
        Self::start_with(profile, &[]).await
    }

    /// The same with settings of the nodes, as `PINWIRE_…` variables.
    pub async fn start_with(profile: Profile, more: &[(&str, &str)]) -> Self {
        let mut world = Self::without_nodes(profile, more);
        let names = match profile {
            Profile::Embedded => &["node-1"][..],
            Profile::Scaled => &["node-1", "node-2"][..],
        };
        for name in names {
            let node = world.start_node(name).await;
            world.nodes.push(node);
        }
        world
    }

    /// Everything but the nodes, with an empty database.
    #[must_use]
    pub fn without_nodes(profile: Profile, more: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path();
        let (database, bus) = match profile {
            Profile::Embedded => (Database::sqlite(path), None),
            Profile::Scaled => (Database::postgres(), Some(PubSub::start(path))),
        };
        let settings = settings(&database, bus.as_ref());
        Self {
            nodes: Vec::new(),
            database,
            settings: extended(settings, more),
            bus,
            folder,
        }
    }

    /// A node.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.nodes[0]
    }

    /// Another node, or the same where there is one alone.
    #[must_use]
    pub fn other_node(&self) -> &Node {
        &self.nodes[self.nodes.len() - 1]
    }

    /// The Redis between the nodes.
    #[must_use]
    pub fn bus(&self) -> &PubSub {
        self.bus.as_ref().expect("only the scaled profile has one")
    }

    /// The way to the first node, without a token.
    #[must_use]
    pub fn api(&self) -> Api {
        Api::new(&self.node().base, self.node().contract())
    }

    /// An API of a node that was started by itself.
    #[must_use]
    pub fn api_of(&self, node: &Node) -> Api {
        Api::new(&node.base, node.contract())
    }

    /// Somebody new, who talks to the first node.
    pub async fn person(&self, username: &str) -> Person {
        Person::sign_up(&self.api(), username).await
    }

    /// Some new people.
    pub async fn people<const N: usize>(&self, usernames: [&str; N]) -> [Person; N] {
        let mut people = Vec::new();
        // One after another, so that their ids are in order.
        for username in usernames {
            people.push(self.person(username).await);
        }
        people
            .try_into()
            .unwrap_or_else(|_| unreachable!("as many as before"))
    }

    /// A folder that goes away with it.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Makes somebody a moderator, as `pinwire grant` does; signed in anew.
    pub async fn appoints(&self, person: &Person) -> Person {
        let id = &person.id;
        let row = format!("insert into moderators (user_id, granted_at) values ({id}, 1)");
        self.database.execute(&row);
        person.signs_in().await
    }

    /// Starts one more node on the same database.
    pub async fn start_node(&self, name: &str) -> Node {
        Node::start(self.folder.path(), name, &self.settings).await
    }

    /// Runs the program with the settings of the nodes until it ends by itself: its exit code and its errors.
    pub async fn run(&self, arguments: &[&str], more: &[(&str, &str)]) -> (Option<i32>, String) {
        let settings = extended(self.settings.clone(), more);
        node::run(self.folder.path(), arguments, &settings).await
    }
}

fn extended(mut settings: Vec<(String, String)>, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = more
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    settings.extend(owned);
    settings
}

/// Settings of a node: any port, few threads, one web page, and no limit on how often people sign in.
fn settings(database: &Database, bus: Option<&PubSub>) -> Vec<(String, String)> {
    let mut settings = vec![
        ("PINWIRE_LISTEN", "127.0.0.1:0".to_owned()),
        ("PINWIRE_DATABASE_URL", database.url()),
        ("PINWIRE_WORKERS", "2".to_owned()),
        ("PINWIRE_ALLOWED_ORIGINS", "https://app.example".to_owned()),
        ("PINWIRE_LOG", "debug".to_owned()),
        // Most stories begin with people who know each other.
        ("PINWIRE_STRANGERS", "inbox".to_owned()),
        // Their links lead nowhere.
        ("PINWIRE_NO_LINK_CHECKS", "true".to_owned()),
        ("PINWIRE_ATTEMPTS_PER_ADDRESS", "1000000".to_owned()),
        ("PINWIRE_ATTEMPTS_PER_ACCOUNT", "1000000".to_owned()),
        ("PINWIRE_WRITES_PER_USER", "1000000".to_owned()),
        ("PINWIRE_READS_PER_USER", "1000000".to_owned()),
    ];
    settings.extend(bus.map(|bus| ("PINWIRE_REDIS_URL", bus.url())));
    settings
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
