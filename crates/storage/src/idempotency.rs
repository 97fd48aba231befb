//! One row for each act that carried a key, written in the act's transaction: a repeat finds it.

use diesel::prelude::*;
use pinwire_domain::{Refusal, UserId, limits};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::db::batch::{Abort, LockKey, Tx};
use crate::db::on;
use crate::schema::idempotency_keys;

/// How long the outcome of an act is kept for its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Acts that make messages.
    Forever,
    /// All others: 24 hours.
    Day,
}

/// The key a caller gave to an act, and what the act is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// 1 to 64 visible ASCII characters.
    pub key: String,
    /// Method and path, such as `POST /v5/pins/1/send`.
    pub route: String,
    /// SHA-256 of the body.
    pub body_hash: Vec<u8>,
}

/// What an act made, and whether it was made by this request or an earlier one with the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made<T> {
    /// The ids.
    pub outcome: T,
    /// Whether an earlier request made them.
    pub replayed: bool,
}

impl<T> Made<T> {
    /// The same with another form of the outcome.
    pub(crate) fn map<U>(self, form: impl FnOnce(T) -> U) -> Made<U> {
        Made {
            outcome: form(self.outcome),
            replayed: self.replayed,
        }
    }
}

impl Tx<'_> {
    /// Runs `act` unless `caller` has done it with this key before; then gives what it made.
    pub(crate) fn once<T: Serialize + DeserializeOwned>(
        &mut self,
        caller: UserId,
        key: Option<&IdempotencyKey>,
        keep: Keep,
        act: impl FnOnce(&mut Self) -> Result<T, Abort>,
    ) -> Result<Made<T>, Abort> {
        let Some(key) = key else {
            return Ok(Made {
                outcome: act(self)?,
                replayed: false,
            });
        };
        self.lock(LockKey::Idempotency(caller.get(), key.key.clone()))?;
        let now = self.source.now().as_millis();
        let row = idempotency_keys::table.find((caller.get(), &key.key));
        let known: Option<(String, Vec<u8>, String, Option<i64>)> = on!(&mut *self.conn, c => row
            .select((
                idempotency_keys::route,
                idempotency_keys::body_hash,
                idempotency_keys::outcome,
                idempotency_keys::expires_at,
            ))
            .first(c)
            .optional())?;
        match known {
            Some((.., expires_at)) if expires_at.is_some_and(|at| at <= now) => {
                on!(&mut *self.conn, c => diesel::delete(row).execute(c))?;
            }
            Some((route, hash, ..)) if route != key.route || hash != key.body_hash => {
                return Err(Refusal::IdempotencyKeyReused.into());
            }
            Some((.., outcome, _)) => {
                return Ok(Made {
                    outcome: serde_json::from_str(&outcome)?,
                    replayed: true,
                });
            }
            None => {}
        }
        let outcome = act(self)?;
        let expires_at = match keep {
            Keep::Forever => None,
            Keep::Day => Some(now + limits::IDEMPOTENCY_KEPT_MS),
        };
        let values = (
            idempotency_keys::user_id.eq(caller.get()),
            idempotency_keys::key.eq(&key.key),
            idempotency_keys::route.eq(&key.route),
            idempotency_keys::body_hash.eq(&key.body_hash),
            idempotency_keys::outcome.eq(serde_json::to_string(&outcome)?),
            idempotency_keys::created_at.eq(now),
            idempotency_keys::expires_at.eq(expires_at),
        );
        on!(&mut *self.conn, c => diesel::insert_into(idempotency_keys::table)
            .values(&values)
            .execute(c))?;
        Ok(Made {
            outcome,
            replayed: false,
        })
    }
}
