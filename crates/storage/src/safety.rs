//! What the receiver's gate needs to know.

use std::collections::HashSet;

use diesel::prelude::*;
use pinwire_domain::UserId;
use pinwire_domain::policy::{self, Gate, Relation};

use crate::db::{Conn, on};
use crate::error::Result;
use crate::schema::blocks;

/// Where an act of `sender` lands with each of `receivers`.
pub(crate) fn gates(
    conn: &mut Conn,
    sender: UserId,
    receivers: &[UserId],
) -> Result<Vec<(UserId, Gate)>> {
    let ids: Vec<i64> = receivers.iter().map(|r| r.get()).collect();
    let blocking: HashSet<i64> = on!(conn, c => blocks::table
        .filter(blocks::blocked_id.eq(sender.get()).and(blocks::blocker_id.eq_any(&ids)))
        .select(blocks::blocker_id)
        .load(c))?
    .into_iter()
    .collect();
    Ok(receivers
        .iter()
        .map(|r| {
            let blocked = blocking.contains(&r.get());
            (
                *r,
                policy::gate(Relation {
                    blocked,
                    ..Relation::default()
                }),
            )
        })
        .collect())
}

/// Which of `others` the caller has blocked.
pub(crate) fn blocked_by(conn: &mut Conn, caller: UserId, others: &[i64]) -> Result<HashSet<i64>> {
    Ok(on!(conn, c => blocks::table
        .filter(blocks::blocker_id.eq(caller.get()).and(blocks::blocked_id.eq_any(others)))
        .select(blocks::blocked_id)
        .load(c))?
    .into_iter()
    .collect())
}
