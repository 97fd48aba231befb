//! Tries that are counted exactly: over all nodes, and when a node starts anew.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};
use pinwire_domain::Time;
use pinwire_domain::quota::{Left, Quota};
use sha2::{Digest, Sha256};

use crate::Store;
use crate::db::on;
use crate::error::Result;
use crate::schema::attempts;

/// One statement decides, so that of tries at the same time none is counted twice or not at all.
const COUNT: &str = "insert into attempts (key_hash, free_at) values ($1, $2)
    on conflict (key_hash) do update set free_at =
        case when attempts.free_at > $3 then attempts.free_at else $3 end + $4
    where case when attempts.free_at > $3 then attempts.free_at else $3 end + $4 <= $5
    returning free_at";

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = BigInt)]
    free_at: i64,
}

impl Store {
    /// Counts a try of what `key` names; what is left then, or, if none was, how it stands without this one.
    ///
    /// The store keeps a hash of the key alone.
    pub async fn count_attempt(
        &self,
        key: String,
        quota: Quota,
    ) -> Result<std::result::Result<Left, Left>> {
        let key_hash = Sha256::digest(key.as_bytes()).to_vec();
        let now = self.inner.source.now();
        let at = move |after: i64| now.plus_millis(after).as_millis();
        // Beside the acts: what writers keep in memory has nothing to do with it.
        self.beside(BTreeSet::new(), move |conn| {
            let counted: Option<Counted> = on!(conn, c => diesel::sql_query(COUNT)
                .bind::<Binary, _>(&key_hash)
                .bind::<BigInt, _>(at(quota.step_ms()))
                .bind::<BigInt, _>(at(0))
                .bind::<BigInt, _>(quota.step_ms())
                .bind::<BigInt, _>(at(quota.window_ms))
                .get_result(c)
                .optional())?;
            let left = |free_at| quota.left(Time::from_millis(free_at), now);
            if let Some(counted) = counted {
                return Ok(Ok(left(counted.free_at)));
            }
            let free_at: Option<i64> = on!(conn, c => attempts::table
                .find(&key_hash)
                .select(attempts::free_at)
                .first(c)
                .optional())?;
            // Swept meanwhile, it may be tried at once.
            Ok(Err(left(free_at.unwrap_or_else(|| at(0)))))
        })
        .await
    }
}
