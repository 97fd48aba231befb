//! Keys that all nodes share, made once when one is first asked for.

use diesel::prelude::*;

use crate::Store;
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::schema::signing_keys;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyPurpose {
    /// Signs access tokens: the seed of an Ed25519 key.
    AccessToken,
    /// Derives the successor of a refresh token.
    Refresh,
    /// Seals bookmarks of lists.
    Bookmark,
    /// Seals the tokens of links.
    Link,
}

impl KeyPurpose {
    const fn name(self) -> &'static str {
        match self {
            Self::AccessToken => "access_token",
            Self::Refresh => "refresh",
            Self::Bookmark => "bookmark",
            Self::Link => "link",
        }
    }
}

/// A key in use.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Names it, in a token's header.
    pub kid: String,
    /// 32 bytes.
    pub secret: Vec<u8>,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

/// The keys in use, the newest first.
fn in_use(conn: &mut Conn, purpose: KeyPurpose) -> Result<Vec<SigningKey>> {
    let rows: Vec<(String, Vec<u8>)> = on!(conn, c => signing_keys::table
        .filter(signing_keys::purpose.eq(purpose.name()))
        .filter(signing_keys::retired_at.is_null())
        .order((signing_keys::created_at.desc(), signing_keys::kid.desc()))
        .select((signing_keys::kid, signing_keys::secret))
        .load(c))?;
    Ok(rows
        .into_iter()
        .map(|(kid, secret)| SigningKey { kid, secret })
        .collect())
}

fn make(tx: &mut Tx<'_>, purpose: KeyPurpose) -> Step<Vec<SigningKey>> {
    tx.lock(LockKey::SigningKeys)?;
    let known = in_use(tx.conn()?, purpose)?;
    if !known.is_empty() {
        return Ok(known);
    }
    let kid = format!("{:x}", tx.source.new_id());
    let secret = tx.source.secret();
    let values = (
        signing_keys::kid.eq(&kid),
        signing_keys::purpose.eq(purpose.name()),
        signing_keys::secret.eq(&secret),
        signing_keys::created_at.eq(tx.source.now().as_millis()),
    );
    on!(tx.conn()?, c => diesel::insert_into(signing_keys::table).values(&values).execute(c))?;
    Ok(vec![SigningKey { kid, secret }])
}

impl Store {
    /// The keys of this purpose, the newest first; the first one is made if there is none.
    pub async fn signing_keys(&self, purpose: KeyPurpose) -> Result<Vec<SigningKey>> {
        let known = self.read(move |conn| in_use(conn, purpose)).await?;
        if !known.is_empty() {
            return Ok(known);
        }
        self.act(vec![LockKey::SigningKeys], move |tx| make(tx, purpose))
            .await
    }
}
