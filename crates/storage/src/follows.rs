//! Who follows whom.

use diesel::prelude::*;
use pinwire_domain::{Refusal, UserId};

use crate::db::tx::LockKey;
use crate::db::{Conn, on};
use crate::error::Result;
use crate::page::{Page, one_more};
use crate::people::{PERSON, Person, PersonRow};
use crate::schema::{follows, users};
use crate::{Snapshot, Store};

/// A place in a list of followed or following people: when the last one was followed, and their id.
pub type FollowMark = (i64, i64);

/// The open account of this username, in any case.
fn person(conn: &mut Conn, username: &str) -> Result<Person> {
    let row: Option<PersonRow> = on!(conn, c => users::table
        .filter(users::username.eq(username.to_ascii_lowercase()))
        .filter(users::closed_at.is_null())
        .select(PERSON)
        .first(c)
        .optional())?;
    Ok(row.ok_or(Refusal::UserNotFound)?.into())
}

/// A page of the people on the other side of `user`'s follows, the newest first.
macro_rules! page {
    ($conn:expr, $mine:expr, $theirs:expr, $user:expr, $after:expr, $size:expr) => {{
        let (at, id) = $after.unwrap_or((i64::MAX, i64::MAX));
        let rows: Vec<(i64, PersonRow)> = on!($conn, c => follows::table
            .inner_join(users::table.on(users::id.eq($theirs)))
            .filter($mine.eq($user.get()))
            .filter(follows::created_at.le(at))
            .filter(follows::created_at.lt(at).or($theirs.lt(id)))
            .filter(users::closed_at.is_null())
            .order((follows::created_at.desc(), $theirs.desc()))
            .limit(one_more($size))
            .select((follows::created_at, PERSON))
            .load(c))?;
        let page = Page::cut(rows, $size, |(at, person)| (*at, person.0));
        Ok(page.map(|(_, person)| person.into()))
    }};
}

impl Store {
    /// Follows somebody; nothing happens if the caller does already. Gives whom.
    ///
    /// # Errors
    /// [`Refusal::UserNotFound`], [`Refusal::Yourself`].
    pub async fn follow(&self, caller: UserId, username: &str) -> Result<Person> {
        let username = username.to_owned();
        self.act(vec![LockKey::User(caller.get())], move |tx| {
            tx.lock(LockKey::User(caller.get()))?;
            let person = person(tx.conn()?, &username)?;
            if person.id == caller {
                return Err(Refusal::Yourself.into());
            }
            let values = (
                follows::follower_id.eq(caller.get()),
                follows::followed_id.eq(person.id.get()),
                follows::created_at.eq(tx.source.now().as_millis()),
            );
            on!(tx.conn()?, c => diesel::insert_into(follows::table)
                .values(&values)
                .on_conflict_do_nothing()
                .execute(c))?;
            Ok(person)
        })
        .await
    }

    /// Follows somebody no more; nothing happens if the caller does not. Gives whom.
    ///
    /// # Errors
    /// [`Refusal::UserNotFound`].
    pub async fn unfollow(&self, caller: UserId, username: &str) -> Result<Person> {
        let username = username.to_owned();
        self.act(vec![LockKey::User(caller.get())], move |tx| {
            tx.lock(LockKey::User(caller.get()))?;
            let person = person(tx.conn()?, &username)?;
            let row = follows::table.find((caller.get(), person.id.get()));
            on!(tx.conn()?, c => diesel::delete(row).execute(c))?;
            Ok(person)
        })
        .await
    }

    /// A page of those whom `user` follows, the newest first.
    pub async fn following(
        &self,
        user: UserId,
        after: Option<FollowMark>,
        size: usize,
    ) -> Result<Snapshot<Page<Person, FollowMark>>> {
        self.snapshot(move |conn| {
            page!(
                conn,
                follows::follower_id,
                follows::followed_id,
                user,
                after,
                size
            )
        })
        .await
    }

    /// A page of those who follow `user`, the newest first.
    pub async fn followers(
        &self,
        user: UserId,
        after: Option<FollowMark>,
        size: usize,
    ) -> Result<Snapshot<Page<Person, FollowMark>>> {
        self.snapshot(move |conn| {
            page!(
                conn,
                follows::followed_id,
                follows::follower_id,
                user,
                after,
                size
            )
        })
        .await
    }
}
