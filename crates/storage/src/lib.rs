//! Pinwire's acts and queries, on SQLite and PostgreSQL.
//!
//! [`Store`] has one method for each act and each query. An act loads what the rule needs, asks
//! `pinwire_domain` to decide, writes the outcome and its events, and is committed by the batch it is part of.

mod db;
mod error;
mod hex;
mod pin_states;
mod rows;
mod schema;
mod words;

pub mod attempts;
pub mod blocks;
pub mod board_snapshots;
pub mod boards;
pub mod contacts;
pub mod conversation_pins;
pub mod conversations;
pub mod deliveries;
pub mod drafts;
pub mod events;
pub mod follows;
pub mod greeting;
pub mod groups;
pub mod heads;
pub mod idempotency;
pub mod inbox;
pub mod jobs;
pub mod keys;
pub mod links;
pub mod log;
pub mod membership;
pub mod messages;
pub mod migrations;
pub mod moderation;
pub mod nodes;
pub mod page;
pub mod passwords;
pub mod people;
pub mod pictures;
pub mod pin_snapshots;
pub mod pins;
pub mod read_marks;
pub mod refresh_tokens;
pub mod requests;
pub mod safety;
pub mod search;
pub mod send;
pub mod sessions;
pub mod settings;
pub mod signs;
pub mod source;
pub mod sweep;
pub mod tickets;
pub mod user_search;
pub mod users;

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pinwire_domain::event::Cursor;
use pinwire_domain::policy::Placement;
use tokio::sync::mpsc;

pub use db::pool::Target;
pub use error::{Result, StoreError};
pub use log::Committed;
pub use migrations::{Migrate, SchemaError};
pub use source::Source;

use db::Conn;
use db::batch::{Way, Writers};
use db::checkpoints::Checkpoints;
use db::pool::{self, Connections, Usage};
use db::readers::{Lane, Readers};
use db::tx::{LockKey, Step, Tx};
use links::LinkRules;

// Links the bundled libraries.
use libsqlite3_sys as _;
#[cfg(feature = "postgres-tls")]
use openssl_sys as _;
use pq_sys as _;

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Where the data live.
    pub target: Target,
    /// Connections for reading.
    pub readers: u32,
    /// Connections for writing; SQLite has one, whatever is said here.
    pub writers: u32,
    /// What to do with an older schema.
    pub migrate: Migrate,
    /// People in a conversation at most.
    pub people_max: usize,
    /// Where first messages of strangers land with new accounts, until these say otherwise.
    pub strangers: Placement,
    /// What links are judged with.
    pub links: LinkRules,
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another server holds this SQLite file.
    #[error("another pinwire holds {0}: one server at a time may use a SQLite file")]
    Held(PathBuf),
    /// The file cannot be made or opened.
    #[error("cannot open {0}: {1}")]
    File(PathBuf, std::io::Error),
    /// TLS is asked for and not compiled in.
    #[error(
        "the database URL asks for TLS, which this build does not have: build with `--features postgres-tls`"
    )]
    NoTls,
    /// The schema does not fit.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The database cannot be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The data, and all that may happen to them.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    readers: Readers,
    writers: Writers,
    source: Source,
    epoch: String,
    people_max: usize,
    strangers: Placement,
    links: Arc<LinkRules>,
    /// A SQLite file is held as long as the store lives.
    file_lock: Option<File>,
}

/// An answer, and the position in the log that it shows: events after it, applied to it, give the next answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot<T> {
    /// The answer.
    pub value: T,
    /// The position it was read at.
    pub cursor: Cursor,
}

/// How many committed batches may wait for those who follow the log.
const COMMITTED_MAX: usize = 1_024;

impl Store {
    /// Opens the database, makes or checks its schema, and starts the writers. Blocks.
    ///
    /// Gives the store and the batches it will commit, for those who follow the log.
    pub fn open(
        config: &StoreConfig,
        source: &Source,
    ) -> std::result::Result<(Self, mpsc::Receiver<Committed>), OpenError> {
        let (file_lock, file_identity) = match &config.target {
            Target::Sqlite(path) => {
                let (lock, identity) = hold_file(path)?;
                (Some(lock), Some(identity))
            }
            Target::Postgres(url) => {
                check_tls(url)?;
                (None, None)
            }
        };
        let writer_count = if file_lock.is_some() {
            1
        } else {
            config.writers.max(1)
        };
        let keepers = pool::keepers();
        let writing = Arc::new(Connections::open(
            &config.target,
            Usage::Writing,
            writer_count,
            &keepers,
        )?);
        let mut conn = writing.get()?;
        for version in migrations::run(&mut conn, config.migrate)? {
            tracing::info!(version, "migrated the schema");
        }
        let new_epoch = format!("{:x}", source.new_id());
        let epoch = conn.exclusively(|conn| {
            let identity = log::identity(conn, file_identity.as_deref())?;
            log::settle_epoch(conn, &identity, &new_epoch)
        })?;
        drop(conn);
        let (committed, followers) = mpsc::channel(COMMITTED_MAX);
        let reader_count = config.readers.max(1);
        let reading = Connections::open(&config.target, Usage::Reading, reader_count, &keepers)?;
        let checkpoints = match &config.target {
            Target::Sqlite(_) => {
                let own = Connections::open(&config.target, Usage::Reading, 1, &keepers)?;
                Some(Checkpoints::start(own)?)
            }
            Target::Postgres(_) => None,
        };
        let checkpoints = checkpoints.as_ref();
        links::texts::compare_with(&config.links.lists);
        let inner = Inner {
            readers: Readers::start(reading, reader_count)?,
            writers: Writers::start(&writing, source, writer_count, &committed, checkpoints)?,
            source: source.clone(),
            epoch,
            people_max: config.people_max,
            strangers: config.strangers,
            links: Arc::new(config.links.clone()),
            file_lock,
        };
        Ok((
            Self {
                inner: Arc::new(inner),
            },
            followers,
        ))
    }

    /// Only checks or migrates the schema. Blocks. Gives the versions that were applied.
    pub fn migrate(target: &Target) -> std::result::Result<Vec<&'static str>, OpenError> {
        let _held = match target {
            Target::Sqlite(path) => Some(hold_file(path)?),
            Target::Postgres(url) => {
                check_tls(url)?;
                None
            }
        };
        let mut conn = Connections::open(target, Usage::Writing, 1, &pool::keepers())?.get()?;
        Ok(migrations::run(&mut conn, Migrate::Forward)?)
    }

    /// Names this history of the log.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.inner.epoch
    }

    /// People in a conversation at most.
    #[must_use]
    pub fn people_max(&self) -> usize {
        self.inner.people_max
    }

    /// Brings a SQLite file up to date with what is written beside it, so that it alone is whole.
    pub async fn checkpoint(&self) -> Result<()> {
        self.read(Conn::checkpoint).await
    }

    /// Runs an act that works with the connection.
    async fn act<T: Send + 'static>(
        &self,
        locks: Vec<LockKey>,
        body: impl FnMut(&mut Tx<'_>) -> Step<T> + Send + 'static,
    ) -> Result<T> {
        let writers = &self.inner.writers;
        writers.act(Way::Alone, locks, None, body).await
    }

    /// Runs an act that decides on rows in memory, together with others.
    async fn decide<T: Send + 'static>(
        &self,
        locks: Vec<LockKey>,
        body: impl FnMut(&mut Tx<'_>) -> Step<T> + Send + 'static,
    ) -> Result<T> {
        let writers = &self.inner.writers;
        writers.act(Way::Together, locks, None, body).await
    }

    /// Runs an act that decides on rows in memory, some of whose locks have to be looked up.
    async fn decide_finding<T: Send + 'static>(
        &self,
        locks: Vec<LockKey>,
        find: impl FnMut(&mut Tx<'_>) -> Step<Vec<LockKey>> + Send + 'static,
        body: impl FnMut(&mut Tx<'_>) -> Step<T> + Send + 'static,
    ) -> Result<T> {
        let writers = &self.inner.writers;
        let find = Box::new(find);
        writers.act(Way::Together, locks, Some(find), body).await
    }

    /// Runs work that changes no row a writer keeps in memory, and only what may be lost in a crash of the database.
    async fn beside<T: Send + 'static>(
        &self,
        locks: BTreeSet<LockKey>,
        mut work: impl FnMut(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if self.has_one_writer() {
            let act = move |tx: &mut Tx<'_>| Ok(work(tx.conn()?)?);
            let writers = &self.inner.writers;
            return writers.act(Way::Beside, Vec::new(), None, act).await;
        }
        self.read(move |conn| conn.beside(&locks, work)).await
    }

    /// Whether all that is written goes through one writer, as on SQLite.
    fn has_one_writer(&self) -> bool {
        self.inner.file_lock.is_some()
    }

    /// Runs one query, or several that need not agree.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.inner.readers.read(Lane::Usual, query).await
    }

    /// Runs one query that tells the log's position it was read at.
    async fn read_at<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Conn) -> Result<(T, i64)> + Send + 'static,
    ) -> Result<Snapshot<T>> {
        let (value, seq) = self.read(query).await?;
        let epoch = self.inner.epoch.clone();
        Ok(Snapshot {
            value,
            cursor: Cursor { epoch, seq },
        })
    }

    /// As [`Self::read_at`], for those who come back in crowds: what others ask for goes first.
    async fn read_later<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Conn) -> Result<(T, i64)> + Send + 'static,
    ) -> Result<Snapshot<T>> {
        let (value, seq) = self.inner.readers.read(Lane::Crowd, query).await?;
        let epoch = self.inner.epoch.clone();
        Ok(Snapshot {
            value,
            cursor: Cursor { epoch, seq },
        })
    }

    /// Runs queries on one snapshot, and tells the log's position in it.
    async fn snapshot<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Conn) -> Result<T> + Send + 'static,
    ) -> Result<Snapshot<T>> {
        let epoch = self.inner.epoch.clone();
        self.read(move |conn| {
            conn.snapshot(|conn| {
                let seq = log::head(conn)?;
                Ok(Snapshot {
                    value: query(conn)?,
                    cursor: Cursor { epoch, seq },
                })
            })
        })
        .await
    }
}

/// Makes the file readable for its owner alone, and holds it against a second server by a lock file.
fn hold_file(path: &Path) -> std::result::Result<(File, String), OpenError> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    let failed = |e| OpenError::File(path.to_owned(), e);
    let private = |path: &Path| {
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path)
    };
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let lock = private(Path::new(&lock_path)).map_err(failed)?;
    if lock.try_lock().is_err() {
        return Err(OpenError::Held(path.to_owned()));
    }
    let file = private(path).map_err(failed)?;
    for ending in ["", "-wal", "-shm"] {
        let mut path = path.as_os_str().to_owned();
        path.push(ending);
        make_private(Path::new(&path));
    }
    let facts = file.metadata().map_err(failed)?;
    Ok((lock, format!("{}.{}", facts.dev(), facts.ino())))
}

/// A file that was there already, such as a copy that was put back, may be readable for others.
fn make_private(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let Ok(facts) = std::fs::metadata(path) else {
        return;
    };
    let mut permissions = facts.permissions();
    if permissions.mode() & 0o777 == 0o600 {
        return;
    }
    permissions.set_mode(0o600);
    if let Err(error) = std::fs::set_permissions(path, permissions) {
        tracing::warn!(path = %path.display(), %error, "others may read the database");
    }
}

fn check_tls(url: &str) -> std::result::Result<(), OpenError> {
    let asks = [
        "sslmode=require",
        "sslmode=verify-ca",
        "sslmode=verify-full",
    ];
    if cfg!(not(feature = "postgres-tls")) && asks.iter().any(|ask| url.contains(ask)) {
        return Err(OpenError::NoTls);
    }
    Ok(())
}
