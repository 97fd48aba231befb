//! Refresh tokens: single use, kept as hashes, and each the root of exactly one successor.
//!
//! The successor is derived from the token itself by a key that only the nodes have. So a client whose answer
//! was lost gets the same one again, on any node, though no token is stored.

use diesel::prelude::*;
use hmac::{Hmac, KeyInit, Mac};
use pinwire_domain::{Refusal, SessionId, Time, UserId, token};
use sha2::{Digest, Sha256};

use crate::Store;
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::{Result, StoreError};
use crate::keys::{KeyPurpose, SigningKey};
use crate::schema::{refresh_tokens, sessions as session_rows};
use crate::sessions::{self, Granted};

/// How a refresh ended. A reuse is no refusal: what it brings about is committed.
enum Outcome {
    Granted(Granted),
    Reused,
}

/// A token that was presented, and its session.
struct Presented {
    session: SessionId,
    user: UserId,
    scopes: String,
    generation: i64,
    expires_at: Time,
    used_at: Option<Time>,
}

fn hash(token: &[u8]) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}

/// The one token that follows `token`.
fn successor(key: &SigningKey, token: &[u8]) -> Result<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.secret)
        .map_err(|e| StoreError::Corrupt(format!("key {}: {e}", key.kid)))?;
    mac.update(token);
    Ok(mac.finalize().into_bytes().to_vec())
}

/// Stores a new token; gives when it ends.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    session: SessionId,
    token: &[u8],
    generation: i64,
) -> Step<Time> {
    let now = tx.source.now();
    let expires_at = now.plus_millis(token::REFRESH_TOKEN_MS);
    let values = (
        refresh_tokens::token_hash.eq(hash(token)),
        refresh_tokens::session_id.eq(session.get()),
        refresh_tokens::generation.eq(generation),
        refresh_tokens::created_at.eq(now.as_millis()),
        refresh_tokens::expires_at.eq(expires_at.as_millis()),
    );
    on!(tx.conn()?, c => diesel::insert_into(refresh_tokens::table).values(&values).execute(c))?;
    Ok(expires_at)
}

fn find(conn: &mut Conn, token: &[u8]) -> Result<Option<Presented>> {
    type Row = (i64, i64, String, i64, i64, Option<i64>);
    let row: Option<Row> = on!(conn, c => refresh_tokens::table
        .inner_join(session_rows::table)
        .filter(refresh_tokens::token_hash.eq(hash(token)))
        .select((
            session_rows::id,
            session_rows::user_id,
            session_rows::scopes,
            refresh_tokens::generation,
            refresh_tokens::expires_at,
            refresh_tokens::used_at,
        ))
        .first(c)
        .optional())?;
    Ok(row.map(
        |(session, user, scopes, generation, expires_at, used_at)| Presented {
            session: SessionId::new(session),
            user: UserId::new(user),
            scopes,
            generation,
            expires_at: Time::from_millis(expires_at),
            used_at: used_at.map(Time::from_millis),
        },
    ))
}

fn rotate(tx: &mut Tx<'_>, key: &SigningKey, token: &[u8]) -> Step<Outcome> {
    let owner = find(tx.conn()?, token)?.ok_or(Refusal::InvalidGrant)?.user;
    tx.lock(LockKey::User(owner.get()))?;
    let now = tx.source.now();
    let presented = find(tx.conn()?, token)?.ok_or(Refusal::InvalidGrant)?;
    let live = sessions::owner(tx.conn()?, presented.session, now)?.is_some();
    if !live || presented.expires_at <= now {
        return Err(Refusal::InvalidGrant.into());
    }
    let next = successor(key, token)?;
    let refresh_expires_at = if presented.used_at.is_none() {
        on!(tx.conn()?, c => diesel::update(refresh_tokens::table.find(hash(token)))
            .set(refresh_tokens::used_at.eq(now.as_millis()))
            .execute(c))?;
        sessions::prolong(tx.conn()?, presented.session, now)?;
        insert(tx, presented.session, &next, presented.generation + 1)?
    } else if let Some(expires_at) = retried(tx.conn()?, &presented, &next, now)? {
        expires_at
    } else {
        sessions::revoke_one(tx, presented.user, presented.session)?;
        return Ok(Outcome::Reused);
    };
    Ok(Outcome::Granted(Granted {
        user: presented.user,
        session: presented.session,
        scopes: presented.scopes,
        refresh_token: next,
        refresh_expires_at,
    }))
}

/// When the successor of a used token ends, if using that token again passes for a retry: shortly after, and
/// before the successor was used, which shows that the answer was not lost.
fn retried(conn: &mut Conn, presented: &Presented, next: &[u8], now: Time) -> Result<Option<Time>> {
    let shortly = |used: Time| now <= used.plus_millis(token::REFRESH_RETRY_MS);
    if !presented.used_at.is_some_and(shortly) {
        return Ok(None);
    }
    let successor = find(conn, next)?.filter(|next| next.used_at.is_none());
    Ok(successor.map(|next| next.expires_at))
}

impl Store {
    /// Uses a refresh token: gives its successor, and the session that goes on.
    ///
    /// The same token again within [`token::REFRESH_RETRY_MS`] gives the same successor. Used again otherwise,
    /// it is in two hands, and the session is signed out.
    ///
    /// # Errors
    /// [`Refusal::InvalidGrant`] for a token that is unknown, expired, signed out or used before.
    pub async fn refresh(&self, token: Vec<u8>) -> Result<Granted> {
        let keys = self.signing_keys(KeyPurpose::Refresh).await?;
        let key = keys
            .into_iter()
            .next()
            .ok_or_else(|| StoreError::Corrupt("no key for refresh tokens".into()))?;
        let guess = token.clone();
        let owner = self
            .read(move |conn| find(conn, &guess))
            .await?
            .map(|p| p.user);
        let locks = owner
            .map(|user| LockKey::User(user.get()))
            .into_iter()
            .collect();
        match self.act(locks, move |tx| rotate(tx, &key, &token)).await? {
            Outcome::Granted(granted) => Ok(granted),
            Outcome::Reused => Err(Refusal::InvalidGrant.into()),
        }
    }

    /// Signs out the session of a refresh token, be it used already, and tells whose it was;
    /// nothing happens for an unknown one.
    pub async fn revoke_refresh_token(&self, token: Vec<u8>) -> Result<Option<UserId>> {
        let Some(presented) = self.read(move |conn| find(conn, &token)).await? else {
            return Ok(None);
        };
        let (user, session) = (presented.user, presented.session);
        self.act(vec![LockKey::User(user.get())], move |tx| {
            sessions::revoke_one(tx, user, session)?;
            Ok(Some(user))
        })
        .await
    }
}
