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
    Database(#[from] diesel::result::Error),
    /// A stored value that this version cannot read.
    #[error("a stored value cannot be read: {0}")]
    Corrupt(String),
}

/// The result of acts and queries.
pub type Result<T> = std::result::Result<T, StoreError>;

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
