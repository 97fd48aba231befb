//! Sessions: the devices a person is signed in on.

use diesel::prelude::*;
use pinwire_domain::event::EventKind;
use pinwire_domain::{Refusal, SessionId, Time, UserId, limits, token};

use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::log::{About, NewEvent};
use crate::page::{Page, one_more};
use crate::schema::{sessions, users};
use crate::{Snapshot, Store, passwords, refresh_tokens};

/// A signed-in device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Names of scopes, separated by spaces, as granted at sign-in.
    pub scopes: String,
    /// What the device said it is.
    pub user_agent: Option<String>,
    /// When the person signed in.
    pub created_at: Time,
    /// When its tokens were last renewed.
    pub last_used_at: Time,
    /// When it ends unless its tokens are renewed before.
    pub expires_at: Time,
}

/// A sign-in by password.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// Who signs in.
    pub user: UserId,
    /// The stored hash that the given password was right for.
    pub verified_hash: String,
    /// Names of scopes, separated by spaces.
    pub scopes: String,
    /// What the device says it is.
    pub user_agent: Option<String>,
}

/// A session with its newest refresh token, for the one answer that shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Granted {
    /// Whose.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    /// Names of scopes, separated by spaces, as granted at sign-in.
    pub scopes: String,
    /// 32 secret bytes; the store keeps only their hash.
    pub refresh_token: Vec<u8>,
    /// When it ends unless it is used before.
    pub refresh_expires_at: Time,
}

impl std::fmt::Debug for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Granted({} to {})", self.session, self.user)
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct Row {
    id: i64,
    scopes: String,
    user_agent: Option<String>,
    created_at: i64,
    last_used_at: i64,
    expires_at: i64,
}

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        Self {
            id: SessionId::new(row.id),
            scopes: row.scopes,
            user_agent: row.user_agent,
            created_at: Time::from_millis(row.created_at),
            last_used_at: Time::from_millis(row.last_used_at),
            expires_at: Time::from_millis(row.expires_at),
        }
    }
}

/// The sessions that are not signed out and not expired.
macro_rules! live {
    ($now:expr) => {
        sessions::table
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::expires_at.gt($now.as_millis()))
    };
}

/// Whose session this is, if it is live and the account open.
pub(crate) fn owner(conn: &mut Conn, id: SessionId, now: Time) -> Result<Option<UserId>> {
    let owner: Option<i64> = on!(conn, c => live!(now)
        .inner_join(users::table)
        .filter(sessions::id.eq(id.get()))
        .filter(users::closed_at.is_null())
        .select(sessions::user_id)
        .first(c)
        .optional())?;
    Ok(owner.map(UserId::new))
}

/// Lets a session go on from now for as long as an unused refresh token lives.
pub(crate) fn prolong(conn: &mut Conn, id: SessionId, now: Time) -> Result<()> {
    on!(conn, c => diesel::update(sessions::table.find(id.get()))
        .set((
            sessions::last_used_at.eq(now.as_millis()),
            sessions::expires_at.eq(now.plus_millis(token::REFRESH_TOKEN_MS).as_millis()),
        ))
        .execute(c))?;
    Ok(())
}

/// The live sessions of a person, the one used last first.
fn live_ids(conn: &mut Conn, user: UserId, now: Time) -> Result<Vec<i64>> {
    Ok(on!(conn, c => live!(now)
        .filter(sessions::user_id.eq(user.get()))
        .order((sessions::last_used_at.desc(), sessions::id.desc()))
        .select(sessions::id)
        .load(c))?)
}

/// Signs out the live sessions of `user` but `kept`, and tells the nodes that hold their streams. How many.
pub(crate) fn revoke_all(tx: &mut Tx<'_>, user: UserId, kept: Option<SessionId>) -> Step<usize> {
    tx.lock(LockKey::User(user.get()))?;
    let now = tx.source.now();
    let mut ids = live_ids(tx.conn()?, user, now)?;
    ids.retain(|id| kept.is_none_or(|kept| kept.get() != *id));
    revoke(tx, user, &ids)
}

/// Signs out one live session of `user`; whether there was one.
pub(crate) fn revoke_one(tx: &mut Tx<'_>, user: UserId, id: SessionId) -> Step<bool> {
    tx.lock(LockKey::User(user.get()))?;
    let now = tx.source.now();
    let mine = owner(tx.conn()?, id, now)? == Some(user);
    if mine {
        revoke(tx, user, &[id.get()])?;
    }
    Ok(mine)
}

fn revoke(tx: &mut Tx<'_>, user: UserId, ids: &[i64]) -> Step<usize> {
    if ids.is_empty() {
        return Ok(0);
    }
    let at = tx.source.now();
    on!(tx.conn()?, c => diesel::update(sessions::table.filter(sessions::id.eq_any(ids)))
        .set((
            sessions::revoked_at.eq(at.as_millis()),
            // So that the sweep finds it.
            sessions::expires_at.eq(at.as_millis()),
        ))
        .execute(c))?;
    tx.emit(NewEvent {
        at,
        kind: EventKind::SessionRevoked,
        actor: user,
        about: About::Me,
    });
    Ok(ids.len())
}

fn begin(tx: &mut Tx<'_>, sign_in: &SignIn) -> Step<Granted> {
    let user = sign_in.user;
    tx.lock(LockKey::User(user.get()))?;
    // The password may have been changed since it was looked at.
    if passwords::hash(tx.conn()?, user)?.as_ref() != Some(&sign_in.verified_hash) {
        return Err(Refusal::WrongCredentials.into());
    }
    let now = tx.source.now();
    let surplus: Vec<i64> = live_ids(tx.conn()?, user, now)?
        .into_iter()
        .skip(limits::SESSIONS_MAX - 1)
        .collect();
    revoke(tx, user, &surplus)?;
    let session = SessionId::new(tx.source.new_id());
    let expires_at = now.plus_millis(token::REFRESH_TOKEN_MS);
    let values = (
        sessions::id.eq(session.get()),
        sessions::user_id.eq(user.get()),
        sessions::scopes.eq(&sign_in.scopes),
        sessions::user_agent.eq(sign_in.user_agent.as_ref()),
        sessions::created_at.eq(now.as_millis()),
        sessions::last_used_at.eq(now.as_millis()),
        sessions::expires_at.eq(expires_at.as_millis()),
    );
    on!(tx.conn()?, c => diesel::insert_into(sessions::table).values(&values).execute(c))?;
    let refresh_token = tx.source.secret();
    refresh_tokens::insert(tx, session, &refresh_token, 0)?;
    Ok(Granted {
        user,
        session,
        scopes: sign_in.scopes.clone(),
        refresh_token,
        refresh_expires_at: expires_at,
    })
}

impl Store {
    /// Begins a session. Beyond [`limits::SESSIONS_MAX`] the one unused for longest is signed out.
    ///
    /// # Errors
    /// [`Refusal::WrongCredentials`] if the password was changed meanwhile or the account closed.
    pub async fn sign_in(&self, sign_in: SignIn) -> Result<Granted> {
        self.act(vec![LockKey::User(sign_in.user.get())], move |tx| {
            begin(tx, &sign_in)
        })
        .await
    }

    /// Whose session this is; none when it was signed out or has expired, or the account is closed.
    ///
    /// Asked for every token that is new to a node, or that a sign-out may have ended.
    pub async fn session_owner(&self, id: SessionId) -> Result<Option<UserId>> {
        let now = self.inner.source.now();
        self.read(move |conn| owner(conn, id, now)).await
    }

    /// A page of a person's live sessions, the newest sign-in first; `after` is the id of the last one of the
    /// page before.
    pub async fn sessions(
        &self,
        user: UserId,
        after: Option<i64>,
        size: usize,
    ) -> Result<Snapshot<Page<Session, i64>>> {
        let now = self.inner.source.now();
        self.snapshot(move |conn| {
            let rows: Vec<Row> = on!(conn, c => live!(now)
                .filter(sessions::user_id.eq(user.get()))
                .filter(sessions::id.lt(after.unwrap_or(i64::MAX)))
                .order(sessions::id.desc())
                .limit(one_more(size))
                .select(Row::as_select())
                .load(c))?;
            Ok(Page::cut(rows, size, |row| row.id).map(Session::from))
        })
        .await
    }

    /// One of a person's live sessions.
    ///
    /// # Errors
    /// [`Refusal::SessionNotFound`].
    pub async fn session(&self, user: UserId, id: SessionId) -> Result<Snapshot<Session>> {
        let now = self.inner.source.now();
        self.snapshot(move |conn| {
            let row: Option<Row> = on!(conn, c => live!(now)
                .filter(sessions::id.eq(id.get()).and(sessions::user_id.eq(user.get())))
                .select(Row::as_select())
                .first(c)
                .optional())?;
            Ok(row.ok_or(Refusal::SessionNotFound)?.into())
        })
        .await
    }

    /// Signs out one session of the caller's.
    ///
    /// # Errors
    /// [`Refusal::SessionNotFound`] also for one that is signed out already.
    pub async fn sign_out(&self, user: UserId, id: SessionId) -> Result<()> {
        self.act(vec![LockKey::User(user.get())], move |tx| {
            if revoke_one(tx, user, id)? {
                Ok(())
            } else {
                Err(Refusal::SessionNotFound.into())
            }
        })
        .await
    }

    /// Signs out all sessions of the caller's; how many there were.
    pub async fn sign_out_everywhere(&self, user: UserId) -> Result<usize> {
        self.act(vec![LockKey::User(user.get())], move |tx| {
            revoke_all(tx, user, None)
        })
        .await
    }
}
