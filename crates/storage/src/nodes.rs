//! The nodes that work on one store.

use std::collections::BTreeSet;

use diesel::prelude::*;

use crate::Store;
use crate::db::on;
use crate::error::Result;
use crate::schema::nodes;

/// How long a node counts after it was there last, in milliseconds.
const GONE_AFTER_MS: i64 = 5_000;

impl Store {
    /// A number for a node that no other one has.
    #[must_use]
    pub fn new_node(&self) -> i64 {
        self.inner.source.new_id()
    }

    /// Notes that a node runs; how many do, this one included.
    ///
    /// On a store that one node has for itself there is nothing to note.
    pub async fn count_nodes(&self, node: i64) -> Result<u32> {
        if self.has_one_writer() {
            return Ok(1);
        }
        let now = self.inner.source.now();
        self.beside(BTreeSet::new(), move |conn| {
            let seen_at = now.as_millis();
            let gone = now.plus_millis(-GONE_AFTER_MS).as_millis();
            let values = (nodes::id.eq(node), nodes::seen_at.eq(seen_at));
            on!(conn, c => diesel::insert_into(nodes::table)
                .values(values)
                .on_conflict(nodes::id)
                .do_update()
                .set(nodes::seen_at.eq(seen_at))
                .execute(c))?;
            on!(conn, c => diesel::delete(nodes::table.filter(nodes::seen_at.lt(gone)))
                .execute(c))?;
            let count: i64 = on!(conn, c => nodes::table.count().get_result(c))?;
            Ok(u32::try_from(count).unwrap_or(u32::MAX))
        })
        .await
    }

    /// Notes that a node runs no more.
    pub async fn forget_node(&self, node: i64) -> Result<()> {
        if self.has_one_writer() {
            return Ok(());
        }
        self.beside(BTreeSet::new(), move |conn| {
            let row = nodes::table.find(node);
            on!(conn, c => diesel::delete(row).execute(c))?;
            Ok(())
        })
        .await
    }
}
