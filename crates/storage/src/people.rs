//! People as others see them in conversations, heads and lists.

use std::collections::HashMap;

use diesel::prelude::*;
use pinwire_domain::{Refusal, UserId};

use crate::Store;
use crate::db::{Conn, on};
use crate::error::Result;
use crate::schema::users;

/// What a client draws of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The account.
    pub id: UserId,
    /// Lower case, unique.
    pub username: String,
    /// As the person writes it.
    pub full_name: String,
    /// URL of the avatar.
    pub profile_image: Option<String>,
    /// Grows with each change of the profile.
    pub version: i64,
}

/// The columns of a person.
pub(crate) type PersonColumns = (
    users::id,
    users::username,
    users::full_name,
    users::profile_image,
    users::version,
);
/// A row of these columns.
pub(crate) type PersonRow = (i64, String, String, Option<String>, i64);
/// The columns of a person, for a select.
pub(crate) const PERSON: PersonColumns = (
    users::id,
    users::username,
    users::full_name,
    users::profile_image,
    users::version,
);

impl From<PersonRow> for Person {
    fn from((id, username, full_name, profile_image, version): PersonRow) -> Self {
        Self {
            id: UserId::new(id),
            username,
            full_name,
            profile_image,
            version,
        }
    }
}

/// The people of these ids, closed accounts included.
pub(crate) fn load(conn: &mut Conn, ids: &[i64]) -> Result<HashMap<UserId, Person>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<PersonRow> = on!(conn, c => users::table
        .filter(users::id.eq_any(ids))
        .select(PERSON)
        .load(c))?;
    let people = rows.into_iter().map(Person::from);
    Ok(people.map(|person| (person.id, person)).collect())
}

/// Which of these ids are open accounts.
pub(crate) fn open_accounts(conn: &mut Conn, ids: &[i64]) -> Result<Vec<i64>> {
    Ok(on!(conn, c => users::table
        .filter(users::id.eq_any(ids).and(users::closed_at.is_null()))
        .select(users::id)
        .load(c))?)
}

/// The open accounts of these usernames, which are lower case.
pub(crate) fn by_usernames(conn: &mut Conn, names: &[String]) -> Result<HashMap<String, UserId>> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, i64)> = on!(conn, c => users::table
        .filter(users::username.eq_any(names).and(users::closed_at.is_null()))
        .select((users::username, users::id))
        .load(c))?;
    Ok(rows
        .into_iter()
        .map(|(name, id)| (name, UserId::new(id)))
        .collect())
}

impl Store {
    /// A person.
    ///
    /// # Errors
    /// [`Refusal::UserNotFound`].
    pub async fn person(&self, id: UserId) -> Result<Person> {
        self.read(move |conn| {
            load(conn, &[id.get()])?
                .remove(&id)
                .ok_or_else(|| Refusal::UserNotFound.into())
        })
        .await
    }
}
