//! One row for each act that carried a key, written in the act's transaction: a repeat finds it.

use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use pinwire_domain::{Refusal, UserId, limits};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::db::Conn;
use crate::db::loaded::{Entity, Stored, StoredTables, StoredWrites};
use crate::db::many::{self, Table, Value, Values};
use crate::db::tx::{Abort, LockKey, Step, Tx};
use crate::error::Result;

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

/// What is kept of an act for its key.
#[derive(Debug, Clone)]
pub(crate) struct KeptOutcome {
    route: String,
    body_hash: Vec<u8>,
    /// JSON: the ids made.
    outcome: String,
    created_at: i64,
    /// Absent: kept for ever.
    expires_at: Option<i64>,
}

/// Whose act, and its key.
type OutcomeKey = (UserId, String);

const OUTCOMES: Table = Table {
    name: "idempotency_keys",
    key: &["user_id", "key"],
    columns: &["route", "body_hash", "outcome", "created_at", "expires_at"],
};

impl KeptOutcome {
    fn values(&self, (user, key): &OutcomeKey) -> Values {
        vec![
            user.get().into(),
            key.as_str().into(),
            self.route.as_str().into(),
            Value::Bytes(self.body_hash.clone()),
            self.outcome.as_str().into(),
            self.created_at.into(),
            self.expires_at.into(),
        ]
    }
}

impl Entity for KeptOutcome {
    type Key = OutcomeKey;

    fn load(conn: &mut Conn, keys: &[OutcomeKey]) -> Result<Vec<(OutcomeKey, Self)>> {
        type Sql = (BigInt, Text, Text, Binary, Text, BigInt, Nullable<BigInt>);
        type Row = (i64, String, String, Vec<u8>, String, i64, Option<i64>);
        let values = |(user, key): &OutcomeKey| vec![user.get().into(), key.as_str().into()];
        let keys = keys.iter().map(values).collect();
        let rows: Vec<Row> = many::select::<Sql, Row>(conn, &OUTCOMES, keys)?;
        let kept = |(user, key, route, body_hash, outcome, created_at, expires_at): Row| {
            let kept = Self {
                route,
                body_hash,
                outcome,
                created_at,
                expires_at,
            };
            ((UserId::new(user), key), kept)
        };
        Ok(rows.into_iter().map(kept).collect())
    }
}

impl Stored for KeptOutcome {
    const TABLES: StoredTables = StoredTables::all(OUTCOMES);

    fn insert(&self, key: &OutcomeKey, writes: &mut StoredWrites) {
        writes.inserted.push(self.values(key));
    }

    fn update(&self, key: &OutcomeKey, _: &Self, writes: &mut StoredWrites) {
        writes.updated.push(self.values(key));
    }
}

/// The lock of a caller's key.
pub(crate) fn lock(caller: UserId, key: Option<&IdempotencyKey>) -> Vec<LockKey> {
    let lock = key.map(|k| LockKey::Idempotency(caller.get(), k.key.clone()));
    lock.into_iter().collect()
}

impl Tx<'_> {
    /// Runs `act` unless `caller` has done it with this key before; then gives what it made.
    pub(crate) fn once<T: Serialize + DeserializeOwned>(
        &mut self,
        caller: UserId,
        key: Option<&IdempotencyKey>,
        keep: Keep,
        act: impl FnOnce(&mut Self) -> Step<T>,
    ) -> Step<Made<T>> {
        let Some(key) = key else {
            return Ok(Made {
                outcome: act(self)?,
                replayed: false,
            });
        };
        let place = (caller, key.key.clone());
        self.lock(LockKey::Idempotency(caller.get(), key.key.clone()))?;
        let now = self.source.now().as_millis();
        match self.rows.outcomes.get(&place)? {
            Some(kept) if kept.expires_at.is_some_and(|at| at <= now) => {}
            Some(kept) if kept.route != key.route || kept.body_hash != key.body_hash => {
                return Err(Refusal::IdempotencyKeyReused.into());
            }
            Some(kept) => {
                return Ok(Made {
                    outcome: serde_json::from_str(&kept.outcome)?,
                    replayed: true,
                });
            }
            None => {}
        }
        let presumed = self.rows.outcomes.presumes_absent();
        let outcome = act(self).map_err(|abort| match abort {
            // What is refused now may have been done before: that is to be looked up.
            Abort::Failed(_) if presumed => Abort::NeedsConnection,
            other => other,
        })?;
        let kept = KeptOutcome {
            route: key.route.clone(),
            body_hash: key.body_hash.clone(),
            outcome: serde_json::to_string(&outcome)?,
            created_at: now,
            expires_at: match keep {
                Keep::Forever => None,
                Keep::Day => Some(now + limits::IDEMPOTENCY_KEPT_MS),
            },
        };
        self.rows.outcomes.put(place, kept);
        Ok(Made {
            outcome,
            replayed: false,
        })
    }
}
