//! Bringing a database to this version's schema.
//!
//! Each migration is recorded with the checksum of its text and with the oldest program version that
//! can still work with the schema it makes, so that an older program knows whether it may go on.

use diesel::prelude::*;
use diesel::sql_types::Text;
use sha2::{Digest, Sha256};

use crate::db::{Conn, on};
use crate::error::StoreError;
use crate::hex::hex;

struct Migration {
    /// Sorts in the order of application; also the name of its folder.
    version: &'static str,
    /// The oldest program, by the last migration it knows, that can work with this schema.
    min_version: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! migration {
    ($version:literal works_with $min_version:literal) => {
        Migration {
            version: $version,
            min_version: $min_version,
            sqlite: include_str!(concat!("../../../migrations/sqlite/", $version, "/up.sql")),
            postgres: include_str!(concat!(
                "../../../migrations/postgres/",
                $version,
                "/up.sql"
            )),
        }
    };
}

const MIGRATIONS: &[Migration] = &[
    migration!("2026-11-23-000001_first" works_with "2026-11-23-000001_first"),
    migration!("2026-11-25-000002_rows_of_acts" works_with "2026-11-23-000001_first"),
    migration!("2026-11-25-000010_search" works_with "2026-11-23-000001_first"),
    migration!("2026-11-25-000020_settings" works_with "2026-11-23-000001_first"),
    migration!("2026-11-25-000021_delivery" works_with "2026-11-23-000001_first"),
    migration!("2026-11-25-000030_messages" works_with "2026-11-23-000001_first"),
    migration!("2026-11-25-000041_drafts" works_with "2026-11-23-000001_first"),
    migration!("2026-11-25-000042_members" works_with "2026-11-23-000001_first"),
    migration!("2026-11-25-000050_replies" works_with "2026-11-23-000001_first"),
    migration!("2026-11-27-000060_pin_axis" works_with "2026-11-23-000001_first"),
    migration!("2026-11-27-000070_blocks" works_with "2026-11-23-000001_first"),
    migration!("2026-11-27-000080_requests" works_with "2026-11-23-000001_first"),
    migration!("2026-11-27-000090_links" works_with "2026-11-23-000001_first"),
    migration!("2026-11-27-000100_moderation" works_with "2026-11-23-000001_first"),
    migration!("2026-11-27-000110_daily_limits" works_with "2026-11-23-000001_first"),
    migration!("2026-11-28-000120_exact_limits" works_with "2026-11-23-000001_first"),
    migration!("2026-11-28-000130_held_requests" works_with "2026-11-23-000001_first"),
    migration!("2026-11-30-000140_pictures" works_with "2026-11-23-000001_first"),
    migration!("2026-11-30-000150_members_of_few_blocks" works_with "2026-11-23-000001_first"),
    migration!("2026-12-01-000160_keys_apart_from_outcomes" works_with "2026-11-23-000001_first"),
];

/// What to do with an older schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrate {
    /// Bring it forward.
    Forward,
    /// Refuse it.
    Check,
}

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Older, and migrating was not asked for.
    #[error(
        "the database's schema is older than this program: run `pinwire migrate` ({0} is missing)"
    )]
    Older(String),
    /// Newer, and this program is too old to work with it.
    #[error(
        "the database's schema ({0}) is newer than this program can work with: use a newer pinwire"
    )]
    Newer(String),
    /// A migration that was applied has another text in this program.
    #[error(
        "migration {0} was applied with another text than this program holds: nothing was changed"
    )]
    Altered(String),
    /// The database could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<diesel::result::Error> for SchemaError {
    fn from(error: diesel::result::Error) -> Self {
        Self::Store(error.into())
    }
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = Text)]
    checksum: String,
    #[diesel(sql_type = Text)]
    min_version: String,
}

/// Checks the schema and, if asked to, applies what is missing. Runs in a transaction of its own,
/// whose lock makes nodes that start together do it once. Gives the versions it applied.
pub(crate) fn run(
    conn: &mut Conn,
    migrate: Migrate,
) -> std::result::Result<Vec<&'static str>, SchemaError> {
    conn.exclusively(|conn| apply(conn, migrate))
}

fn apply(conn: &mut Conn, migrate: Migrate) -> std::result::Result<Vec<&'static str>, SchemaError> {
    let table = "create table if not exists schema_migrations (version text primary key,
                 checksum text not null, min_version text not null)";
    on!(conn, c => diesel::sql_query(table).execute(c))?;
    let applied: Vec<Applied> = on!(conn, c => diesel::sql_query(
        "select version, checksum, min_version from schema_migrations order by version").load(c))?;
    let newest_known = MIGRATIONS.last().map_or("", |m| m.version);
    for row in &applied {
        match MIGRATIONS.iter().find(|m| m.version == row.version) {
            Some(known) if checksum(sql(conn, known)) != row.checksum => {
                return Err(SchemaError::Altered(row.version.clone()));
            }
            None if row.min_version.as_str() > newest_known => {
                return Err(SchemaError::Newer(row.version.clone()));
            }
            _ => {}
        }
    }
    let mut done = Vec::new();
    for migration in MIGRATIONS {
        if applied.iter().any(|row| row.version == migration.version) {
            continue;
        }
        if migrate == Migrate::Check {
            return Err(SchemaError::Older(migration.version.to_owned()));
        }
        let text = sql(conn, migration);
        on!(conn, c => diesel::connection::SimpleConnection::batch_execute(c, text))?;
        on!(conn, c => diesel::sql_query(
                // Both databases number their binds alike in this form.
                "insert into schema_migrations (version, checksum, min_version) values ($1, $2, $3)")
            .bind::<Text, _>(migration.version)
            .bind::<Text, _>(checksum(text))
            .bind::<Text, _>(migration.min_version)
            .execute(c))?;
        done.push(migration.version);
    }
    Ok(done)
}

fn sql(conn: &Conn, migration: &Migration) -> &'static str {
    if conn.is_postgres() {
        migration.postgres
    } else {
        migration.sqlite
    }
}

fn checksum(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}
