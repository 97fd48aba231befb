//! People as others see them in conversations, heads and lists.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use pinwire_domain::{Refusal, UserId};

use crate::db::loaded::Entity;
use crate::db::many::{self, Table};
use crate::db::tx::{Step, Tx};
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

/// A person whose account is open.
#[derive(Debug, Clone)]
pub(crate) struct OpenAccount {
    pub(crate) person: Person,
    /// Whether others see how far the person has read, and the person how far they have.
    pub(crate) read_receipts: bool,
    /// Whether the person has blocked anybody.
    pub(crate) has_blocks: bool,
}

const ACCOUNTS: Table = Table {
    name: "accounts",
    key: &["id"],
    columns: &[
        "username",
        "full_name",
        "profile_image",
        "version",
        "closed_at",
        "read_receipts",
        "has_blocks",
    ],
};

impl Entity for OpenAccount {
    type Key = UserId;

    fn load(conn: &mut Conn, keys: &[UserId]) -> Result<Vec<(UserId, Self)>> {
        type Sql = (
            (BigInt, Text, Text, Nullable<Text>, BigInt),
            Nullable<BigInt>,
            (Bool, Bool),
        );
        type Row = (PersonRow, Option<i64>, (bool, bool));
        let keys = keys.iter().map(|id| vec![id.get().into()]).collect();
        let rows: Vec<Row> = many::select::<Sql, Row>(conn, &ACCOUNTS, keys)?;
        let open = rows
            .into_iter()
            .filter(|(_, closed_at, _)| closed_at.is_none());
        Ok(open
            .map(|(person, _, (read_receipts, has_blocks))| {
                let person = Person::from(person);
                let account = Self {
                    person,
                    read_receipts,
                    has_blocks,
                };
                (account.person.id, account)
            })
            .collect())
    }
}

/// Whose username this is, if the account is open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Username(pub(crate) UserId);

const USERNAMES: Table = Table {
    name: "users",
    key: &["username"],
    columns: &["id", "closed_at"],
};

impl Entity for Username {
    type Key = String;

    fn load(conn: &mut Conn, keys: &[String]) -> Result<Vec<(String, Self)>> {
        type Row = (String, i64, Option<i64>);
        let keys = keys.iter().map(|name| vec![name.as_str().into()]).collect();
        let rows: Vec<Row> =
            many::select::<(Text, BigInt, Nullable<BigInt>), Row>(conn, &USERNAMES, keys)?;
        let open = rows.into_iter().filter(|row| row.2.is_none());
        Ok(open
            .map(|(name, id, _)| (name, Self(UserId::new(id))))
            .collect())
    }
}

/// The person who acts.
///
/// # Errors
/// [`Refusal::UserNotFound`] if the account was closed meanwhile.
pub(crate) fn account(tx: &mut Tx<'_>, id: UserId) -> Step<OpenAccount> {
    let account = tx.rows.accounts.get(&id)?;
    Ok(account.ok_or(Refusal::UserNotFound)?.clone())
}

/// Whether a person can be sent to: an open account that the caller has not blocked.
pub(crate) fn is_available(tx: &mut Tx<'_>, caller: UserId, person: UserId) -> Step<bool> {
    tx.rows.blocks.want((caller, person));
    Ok(
        tx.rows.accounts.get(&person)?.is_some()
            && !crate::safety::has_blocked(tx, caller, person)?,
    )
}
