//! The epoch of the log: a database restored from a copy begins another, so that no old cursor is believed.

use diesel::prelude::*;

use crate::db::{Conn, on};
use crate::error::{Result, StoreError};
use crate::schema::log_head;

/// The epoch of this database, made anew when the database is not the one the epoch was made for.
pub(crate) fn settle_epoch(conn: &mut Conn, identity: &str, new_epoch: &str) -> Result<String> {
    let row: Option<(String, String)> = on!(conn, c => log_head::table
        .find(1_i16)
        .select((log_head::epoch, log_head::identity))
        .first(c)
        .optional())?;
    match row {
        Some((epoch, known)) if known == identity => return Ok(epoch),
        Some(_) => on!(conn, c => diesel::update(log_head::table.find(1_i16))
            .set((log_head::epoch.eq(new_epoch), log_head::identity.eq(identity)))
            .execute(c))?,
        None => on!(conn, c => diesel::insert_into(log_head::table)
            .values((
                log_head::id.eq(1_i16),
                log_head::epoch.eq(new_epoch),
                log_head::identity.eq(identity),
                log_head::seq.eq(0),
                log_head::trimmed_seq.eq(0),
            ))
            .execute(c))?,
    };
    Ok(new_epoch.to_owned())
}

#[derive(QueryableByName)]
struct Identity {
    #[diesel(sql_type = diesel::sql_types::Text)]
    identity: String,
}

/// What names this very database: PostgreSQL's system, timeline and database, or the SQLite file.
pub(crate) fn identity(conn: &mut Conn, sqlite_file: Option<&str>) -> Result<String> {
    match (conn, sqlite_file) {
        (Conn::Postgres(c), _) => Ok(diesel::sql_query(
            "select system_identifier::text || '.' || timeline_id::text || '.' || oid::text as identity
             from pg_control_system(), pg_control_checkpoint(), pg_database
             where datname = current_database()",
        )
        .get_result::<Identity>(&mut **c)?
        .identity),
        (Conn::Sqlite(_), Some(file)) => Ok(file.to_owned()),
        (Conn::Sqlite(_), None) => Err(StoreError::Corrupt("a file without an identity".into())),
    }
}
