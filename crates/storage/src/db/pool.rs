//! Opening connections: a pool of readers and one of writers.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, NopErrorHandler, Pool};
use diesel::{PgConnection, SqliteConnection};
use scheduled_thread_pool::ScheduledThreadPool;

use super::Conn;
use crate::error::{Result, StoreError};

/// How long a request waits for a free connection.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(3);

/// Where the data live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A file of this machine.
    Sqlite(PathBuf),
    /// A PostgreSQL server, as a connection string.
    Postgres(String),
}

/// The threads that open connections, and close those that are old, for all pools of a store.
pub(crate) type Keepers = Arc<ScheduledThreadPool>;

/// As many as the pool has where it makes them itself: one that hangs keeps no other from opening.
const KEEPERS: usize = 3;

/// Starts them.
pub(crate) fn keepers() -> Keepers {
    let pool = ScheduledThreadPool::builder()
        .num_threads(KEEPERS)
        .thread_name_pattern("connections-{}")
        .build();
    Arc::new(pool)
}

/// The connections of one database, either for reading or for writing.
pub(crate) enum Connections {
    Sqlite(Pool<ConnectionManager<SqliteConnection>>),
    Postgres(Pool<ConnectionManager<PgConnection>>),
}

impl Connections {
    /// Opens up to `size` connections, the first one at once, so that a wrong address is found at the start.
    pub(crate) fn open(
        target: &Target,
        usage: Usage,
        size: u32,
        keepers: &Keepers,
    ) -> Result<Self> {
        match target {
            Target::Sqlite(path) => builder(size, keepers)
                .connection_customizer(Box::new(SqlitePragmas(usage)))
                .build(ConnectionManager::new(path_text(path)?))
                .map(Self::Sqlite),
            Target::Postgres(url) => builder(size, keepers)
                .connection_customizer(Box::new(PostgresSettings))
                .build(ConnectionManager::new(url.as_str()))
                .map(Self::Postgres),
        }
        .map_err(StoreError::from)
    }

    pub(crate) fn get(&self) -> Result<Conn> {
        Ok(match self {
            Self::Sqlite(pool) => Conn::Sqlite(pool.get()?),
            Self::Postgres(pool) => Conn::Postgres(pool.get()?),
        })
    }
}

fn builder<M: diesel::r2d2::ManageConnection>(
    size: u32,
    keepers: &Keepers,
) -> diesel::r2d2::Builder<M> {
    // Whoever asked for a connection is told why there is none; a log line for each attempt would only add noise.
    // A broken connection is found when it is given back; testing it each time costs a round trip.
    Pool::builder()
        .max_size(size)
        .thread_pool(Arc::clone(keepers))
        .min_idle(Some(1))
        .error_handler(Box::new(NopErrorHandler))
        .test_on_check_out(false)
        .connection_timeout(WAIT_MAX)
}

fn path_text(path: &Path) -> Result<&str> {
    path.to_str()
        .ok_or_else(|| StoreError::Unavailable("the path of the database is not UTF-8".into()))
}

#[derive(Debug)]
struct SqlitePragmas(Usage);

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for SqlitePragmas {
    fn on_acquire(&self, c: &mut SqliteConnection) -> std::result::Result<(), diesel::r2d2::Error> {
        // busy_timeout comes first: switching to WAL takes a lock.
        // FULL, since NORMAL loses acknowledged rows in a power cut.
        c.batch_execute(
            "pragma busy_timeout = 5000; pragma journal_mode = wal; pragma synchronous = full;
             pragma foreign_keys = on; pragma temp_store = memory; pragma cache_size = -8000;",
        )
        .map_err(diesel::r2d2::Error::QueryError)?;
        if self.0 == Usage::Writing {
            // 32 MB each. A log that is moved into the file beside the writer may grow longer before it does so itself.
            c.batch_execute("pragma wal_autocheckpoint = 8000; pragma cache_size = -32000")
                .map_err(diesel::r2d2::Error::QueryError)?;
        }
        Ok(())
    }
}

/// What connections are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usage {
    /// Queries.
    Reading,
    /// Acts, which find all their rows by keys.
    Writing,
}

#[derive(Debug)]
struct PostgresSettings;

impl CustomizeConnection<PgConnection, diesel::r2d2::Error> for PostgresSettings {
    fn on_acquire(&self, c: &mut PgConnection) -> std::result::Result<(), diesel::r2d2::Error> {
        // A database that hangs must not pile up requests; an acknowledged act must be on disk.
        // A request reads few rows by their keys, which are in memory or on a disk without a moving head, and
        // there are always other requests: so no plan should rather read whole tables, nor with several
        // processes, nor compile itself first.
        // A statement is planned once: planning anew for each list of ids takes longer than what it then reads. A plan
        // made while tables are small, or nobody has counted them, is kept when they have grown: so none may be good for
        // small ones alone.
        c.batch_execute(
            "set plan_cache_mode = force_generic_plan; set random_page_cost = 1.1;
             set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off;
             set max_parallel_workers_per_gather = 0; set jit = off;
             set statement_timeout = '4s'; set idle_in_transaction_session_timeout = '10s';
             set synchronous_commit = on; set client_min_messages = warning; set timezone = 'UTC'",
        )
        .map_err(diesel::r2d2::Error::QueryError)
    }
}
