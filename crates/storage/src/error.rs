//! Why a store's act or query gave no result.

use pinwire_domain::Refusal;

/// Why an act or a query failed. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The rules say no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database cannot be reached, is full or too slow; the same request may succeed later.
    ///
    /// After a commit whose answer was lost it is unknown whether the act took place: a repeat with the
    /// same idempotency key finds out.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The database answered with an error that the code did not foresee.
    #[error("database error: {0}")]
    Database(diesel::result::Error),
    /// A stored value that this version cannot read.
    #[error("a stored value cannot be read: {0}")]
    Corrupt(String),
}

/// The result of acts and queries.
pub type Result<T> = std::result::Result<T, StoreError>;

/// What the databases say when they are gone, full, or too slow, and the same request may succeed later.
const PASSING: [&str; 8] = [
    "server closed",
    "no connection",
    "terminating connection",
    "the database system is",
    "statement timeout",
    "disk is full",
    "No space left",
    "database is locked",
];

impl From<diesel::result::Error> for StoreError {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind, Error};
        let passing = match &error {
            Error::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
            | Error::BrokenTransactionManager => true,
            Error::DatabaseError(_, info) => {
                PASSING.iter().any(|text| info.message().contains(text))
            }
            _ => false,
        };
        if passing {
            Self::Unavailable(error.to_string())
        } else {
            Self::Database(error)
        }
    }
}

impl From<diesel::r2d2::PoolError> for StoreError {
    fn from(error: diesel::r2d2::PoolError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Corrupt(error.to_string())
    }
}
