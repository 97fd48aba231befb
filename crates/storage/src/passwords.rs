//! Password hashes. Hashing itself is done by who calls: it takes long, and acts do not wait for it.

use diesel::prelude::*;
use pinwire_domain::user::Email;
use pinwire_domain::{Refusal, SessionId, UserId};

use crate::Store;
use crate::db::tx::LockKey;
use crate::db::{Conn, on};
use crate::error::Result;
use crate::schema::users;
use crate::sessions;

/// Whom a name signs in, and what their password is checked against.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The account.
    pub user: UserId,
    /// PHC string.
    pub hash: String,
    /// Whether moderators barred the account.
    pub is_suspended: bool,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.user)
    }
}

/// A change of password.
#[derive(Clone)]
pub struct PasswordChange {
    /// The stored hash that the present password was right for.
    pub verified_hash: String,
    /// PHC string of the new one.
    pub new_hash: String,
    /// The one session that stays signed in.
    pub kept: Option<SessionId>,
}

/// The stored hash of an open account's password; none for people of an outside issuer.
pub(crate) fn hash(conn: &mut Conn, user: UserId) -> Result<Option<String>> {
    let hash: Option<Option<String>> = on!(conn, c => users::table
        .find(user.get())
        .filter(users::closed_at.is_null())
        .select(users::password_hash)
        .first(c)
        .optional())?;
    Ok(hash.flatten())
}

fn write(conn: &mut Conn, user: UserId, hash: &str) -> Result<()> {
    on!(conn, c => diesel::update(users::table.find(user.get()))
        .set(users::password_hash.eq(hash))
        .execute(c))?;
    Ok(())
}

impl Store {
    /// The account, open or suspended, that a username or e-mail address signs in; none without a password.
    pub async fn credentials(&self, login: &str) -> Result<Option<Credentials>> {
        let email = Email::parse(login).ok();
        let username = login.to_ascii_lowercase();
        self.read(move |conn| {
            macro_rules! find {
                ($which:expr) => {
                    on!(conn, c => users::table
                        .filter($which)
                        .filter(users::closed_at.is_null().or(users::suspended_at.is_not_null()))
                        .select((users::id, users::password_hash, users::suspended_at))
                        .first::<(i64, Option<String>, Option<i64>)>(c)
                        .optional())?
                };
            }
            let found = match &email {
                Some(email) => find!(users::email.eq(email.as_str())),
                None => find!(users::username.eq(&username)),
            };
            Ok(found.and_then(|(id, hash, suspended_at)| {
                hash.map(|hash| Credentials {
                    user: UserId::new(id),
                    hash,
                    is_suspended: suspended_at.is_some(),
                })
            }))
        })
        .await
    }

    /// The stored hash of an open account's password; none for people of an outside issuer.
    pub async fn password_hash(&self, user: UserId) -> Result<Option<String>> {
        self.read(move |conn| hash(conn, user)).await
    }

    /// Changes the password and signs out all sessions but the one that is kept.
    ///
    /// # Errors
    /// [`Refusal::WrongPassword`] if the password was changed meanwhile.
    pub async fn change_password(&self, user: UserId, change: PasswordChange) -> Result<()> {
        self.act(vec![LockKey::User(user.get())], move |tx| {
            tx.lock(LockKey::User(user.get()))?;
            if hash(tx.conn()?, user)?.as_ref() != Some(&change.verified_hash) {
                return Err(Refusal::WrongPassword.into());
            }
            write(tx.conn()?, user, &change.new_hash)?;
            sessions::revoke_all(tx, user, change.kept)?;
            Ok(())
        })
        .await
    }

    /// Replaces the hash of the same password, made with other parameters. Signs nobody out; does nothing
    /// if the password was changed meanwhile.
    pub async fn rehash_password(&self, verified: Credentials, new_hash: String) -> Result<()> {
        let user = verified.user;
        self.act(vec![LockKey::User(user.get())], move |tx| {
            tx.lock(LockKey::User(user.get()))?;
            if hash(tx.conn()?, user)?.as_ref() == Some(&verified.hash) {
                write(tx.conn()?, user, &new_hash)?;
            }
            Ok(())
        })
        .await
    }
}
