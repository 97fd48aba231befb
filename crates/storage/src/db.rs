//! Connections and transactions: nothing outside this file and `db/` begins or commits one.

pub(crate) mod batch;
pub(crate) mod checkpoints;
pub(crate) mod loaded;
pub(crate) mod many;
mod meter;
pub(crate) mod pool;
mod queue;
pub(crate) mod readers;
pub(crate) mod tx;
mod writer;

use std::collections::BTreeSet;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::r2d2::{ConnectionManager, PooledConnection};
use diesel::{PgConnection, QueryResult, SqliteConnection};

use crate::error::Result;
use tx::LockKey;

/// A connection to one of the two databases. `on!` writes a query once for both.
pub(crate) enum Conn {
    Sqlite(PooledConnection<ConnectionManager<SqliteConnection>>),
    Postgres(PooledConnection<ConnectionManager<PgConnection>>),
}

/// Compiles the same query for the concrete connection of each arm.
macro_rules! on {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn {
            $crate::db::Conn::Sqlite($c) => {
                let $c = &mut **$c;
                $body
            }
            $crate::db::Conn::Postgres($c) => {
                let $c = &mut **$c;
                $body
            }
        }
    };
}
pub(crate) use on;

/// How a transaction begins.
#[derive(Clone, Copy)]
enum Begin {
    /// A snapshot that only reads.
    Read,
    /// One that writes.
    Write,
}

impl Conn {
    /// Whether this is PostgreSQL, for the few places where the two really differ.
    pub(crate) const fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    fn begin(&mut self, begin: Begin) -> QueryResult<()> {
        match (self, begin) {
            (Self::Sqlite(c), Begin::Read) => {
                AnsiTransactionManager::begin_transaction_sql(&mut **c, "BEGIN DEFERRED")
            }
            (Self::Sqlite(c), Begin::Write) => {
                AnsiTransactionManager::begin_transaction_sql(&mut **c, "BEGIN IMMEDIATE")
            }
            (Self::Postgres(c), Begin::Read) => AnsiTransactionManager::begin_transaction_sql(
                &mut **c,
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            ),
            (Self::Postgres(c), Begin::Write) => {
                AnsiTransactionManager::begin_transaction_sql(&mut **c, "BEGIN")
            }
        }
    }

    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    fn savepoint(&mut self) -> QueryResult<()> {
        on!(self, c => AnsiTransactionManager::begin_transaction(c))
    }

    /// Commits the transaction, or releases the innermost savepoint.
    fn commit(&mut self) -> QueryResult<()> {
        on!(self, c => AnsiTransactionManager::commit_transaction(c))
    }

    /// Rolls back the transaction, or to the innermost savepoint.
    fn rollback(&mut self) -> QueryResult<()> {
        on!(self, c => AnsiTransactionManager::rollback_transaction(c))
    }

    /// Moves what SQLite keeps in its log into the database's file.
    pub(crate) fn checkpoint(&mut self) -> Result<()> {
        if let Self::Sqlite(c) = self {
            c.batch_execute("pragma wal_checkpoint(truncate)")?;
        }
        Ok(())
    }

    /// As [`Self::checkpoint`], as far as that is possible without waiting for anybody.
    fn checkpoint_beside(&mut self) -> Result<()> {
        if let Self::Sqlite(c) = self {
            c.batch_execute("pragma wal_checkpoint(passive)")?;
        }
        Ok(())
    }

    /// Runs `query` on one snapshot of the database.
    pub(crate) fn snapshot<T>(&mut self, query: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.begin(Begin::Read)?;
        let outcome = query(self);
        // A snapshot has nothing to keep; a failed rollback breaks the connection, and the pool drops it.
        let ended = self.rollback();
        let value = outcome?;
        ended?;
        Ok(value)
    }

    /// Runs `work` in a transaction that writes.
    fn writing<T, E: From<diesel::result::Error>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.begin(Begin::Write)?;
        match work(self) {
            Ok(value) => {
                self.commit()?;
                Ok(value)
            }
            Err(error) => {
                self.rollback()?;
                Err(error)
            }
        }
    }

    /// Runs `work` in a transaction that no other node's `exclusively` runs beside.
    pub(crate) fn exclusively<T, E: From<diesel::result::Error>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.writing(|conn| {
            conn.lock_exclusively()?;
            work(conn)
        })
    }

    /// Runs `work` with these locks in a transaction beside the writers', on PostgreSQL; SQLite has one writer.
    ///
    /// It must change nothing that a writer keeps in memory, and only what may be lost in a crash of the database: its commit
    /// is not waited for.
    pub(crate) fn beside<T>(
        &mut self,
        locks: &BTreeSet<LockKey>,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.writing(|conn| {
            on!(conn, c => c.batch_execute("set local synchronous_commit = off"))?;
            tx::lock_beside(conn, locks)?;
            work(conn)
        })
    }

    fn lock_exclusively(&mut self) -> QueryResult<()> {
        use diesel::RunQueryDsl;
        if let Self::Postgres(c) = self {
            // Any fixed number does; nodes that start together wait here for each other.
            diesel::sql_query("select pg_advisory_xact_lock(7204011)").execute(&mut **c)?;
        }
        Ok(())
    }
}
