//! Accounts and profiles.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use pinwire_domain::board::Privacy;
use pinwire_domain::event::EventKind;
use pinwire_domain::policy::{ContactPolicy, Placement};
use pinwire_domain::settings::Settings;
use pinwire_domain::user::{AccountDraft, ProfileChange};
use pinwire_domain::{Refusal, Time, UserId};

use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::idempotency::{IdempotencyKey, Keep, Made};
use crate::log::{About, NewEvent};
use crate::people::{PERSON, Person, PersonRow};
use crate::schema::{boards, follows, pins, users};
use crate::{Snapshot, Store, settings, words};

/// Whose idempotency keys those of sign-ups are: nobody is signed in yet.
const ANYBODY: UserId = UserId::new(0);

/// What everyone may know of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Name and avatar.
    pub person: Person,
    /// The person's text about themselves.
    pub about: Option<String>,
    /// The person's own page.
    pub website_url: Option<String>,
    /// When the account was made.
    pub created_at: Time,
    /// How much there is of the person's.
    pub counts: Counts,
}

/// How much there is of a person's, as far as who asks may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Boards.
    pub boards: i64,
    /// Pins.
    pub pins: i64,
    /// People who follow the person.
    pub followers: i64,
    /// People the person follows.
    pub following: i64,
}

/// An account as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// What everyone may know, with secret boards and their pins counted.
    pub profile: Profile,
    /// Where the owner gets mail.
    pub email: String,
}

/// Who a profile is read for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Owner,
    Anyone,
}

#[derive(Queryable)]
struct Row {
    person: PersonRow,
    email: String,
    about: Option<String>,
    website_url: Option<String>,
    created_at: i64,
}

/// The open account that `which` picks, as an expression over `users`.
macro_rules! open_account {
    ($conn:expr, $which:expr) => {{
        let row: Option<Row> = on!($conn, c => users::table
            .filter($which)
            .filter(users::closed_at.is_null())
            .select((
                PERSON,
                users::email,
                users::about,
                users::website_url,
                users::created_at,
            ))
            .first(c)
            .optional())?;
        row.ok_or(Refusal::UserNotFound)?
    }};
}

/// What a username looks like, as [`pinwire_domain::user::Username::look`] tells, and its index has it.
const LOOK: &str = "replace(replace(replace(username, '0', 'o'), '1', 'l'), 'm', 'rn')";

/// Whether an account, be it closed, has what `which` says.
macro_rules! taken {
    ($conn:expr, $which:expr) => {{
        let accounts = users::table.filter($which);
        on!(&mut *$conn, c => diesel::select(diesel::dsl::exists(accounts)).get_result::<bool>(c))?
    }};
}

fn account(conn: &mut Conn, row: Row, reader: Reader) -> Result<Account> {
    let person = Person::from(row.person);
    let counts = counts(conn, person.id, reader)?;
    Ok(Account {
        profile: Profile {
            person,
            about: row.about,
            website_url: row.website_url,
            created_at: Time::from_millis(row.created_at),
            counts,
        },
        email: row.email,
    })
}

fn counts(conn: &mut Conn, user: UserId, reader: Reader) -> Result<Counts> {
    let id = user.get();
    let all = (reader == Reader::Owner).into_sql::<Bool>();
    let public = Privacy::Public.name();
    let boards = on!(conn, c => boards::table
        .filter(boards::owner_id.eq(id).and(boards::removed_at.is_null()))
        .filter(boards::privacy.eq(public).or(all))
        .count()
        .get_result(c))?;
    let pins = on!(conn, c => pins::table
        .left_join(boards::table)
        .filter(pins::owner_id.eq(id).and(pins::removed_at.is_null()))
        .filter(boards::privacy.is_null().or(boards::privacy.assume_not_null().eq(public)).or(all))
        .count()
        .get_result(c))?;
    let followers = on!(conn, c => follows::table
        .filter(follows::followed_id.eq(id))
        .count()
        .get_result(c))?;
    let following = on!(conn, c => follows::table
        .filter(follows::follower_id.eq(id))
        .count()
        .get_result(c))?;
    Ok(Counts {
        boards,
        pins,
        followers,
        following,
    })
}

fn create(
    tx: &mut Tx<'_>,
    draft: &AccountDraft,
    password_hash: &str,
    strangers: Placement,
) -> Step<i64> {
    let (username, email) = (draft.username.as_str(), draft.email.as_str());
    let look = draft.username.look();
    tx.lock(LockKey::Name(look.clone()))?;
    tx.lock(LockKey::Name(email.to_owned()))?;
    if taken!(tx.conn()?, sql::<Text>(LOOK).eq(&look)) {
        return Err(Refusal::UsernameTaken.into());
    }
    if taken!(tx.conn()?, users::email.eq(email)) {
        return Err(Refusal::EmailTaken.into());
    }
    let id = tx.source.new_id();
    let values = (
        users::id.eq(id),
        users::username.eq(username),
        users::full_name.eq(&draft.full_name),
        users::email.eq(email),
        users::password_hash.eq(password_hash),
        users::version.eq(1),
        users::created_at.eq(tx.source.now().as_millis()),
    );
    on!(tx.conn()?, c => diesel::insert_into(users::table).values(&values).execute(c))?;
    words::write(tx.conn()?, id, &draft.full_name, username)?;
    let settings = Settings {
        contacts: ContactPolicy::with_strangers(strangers),
        ..Settings::default()
    };
    if settings != Settings::default() {
        settings::write(tx.conn()?, UserId::new(id), settings, 0)?;
    }
    Ok(id)
}

fn change(tx: &mut Tx<'_>, id: UserId, change: &ProfileChange) -> Step<()> {
    tx.lock(LockKey::User(id.get()))?;
    let old = open_account!(tx.conn()?, users::id.eq(id.get()));
    let (_, username, old_name, old_image, _) = old.person;
    let full_name = change.full_name.as_ref().unwrap_or(&old_name);
    let about = change.about.as_ref().unwrap_or(&old.about);
    let image = change.profile_image.as_ref().unwrap_or(&old_image);
    let website = change.website_url.as_ref().unwrap_or(&old.website_url);
    let same =
        (full_name, about, image, website) == (&old_name, &old.about, &old_image, &old.website_url);
    if same {
        return Ok(());
    }
    on!(tx.conn()?, c => diesel::update(users::table.find(id.get()))
        .set((
            users::full_name.eq(full_name),
            users::about.eq(about),
            users::profile_image.eq(image),
            users::website_url.eq(website),
            users::version.eq(users::version + 1),
        ))
        .execute(c))?;
    if *full_name != old_name {
        words::write(tx.conn()?, id.get(), full_name, &username)?;
    }
    tx.emit(NewEvent {
        at: tx.source.now(),
        kind: EventKind::UserUpdated,
        actor: id,
        about: About::Profile,
    });
    Ok(())
}

impl Store {
    /// Makes an account. The key's body hash must not be one from which the password could be guessed.
    ///
    /// # Errors
    /// [`Refusal::UsernameTaken`], [`Refusal::EmailTaken`], [`Refusal::IdempotencyKeyReused`].
    pub async fn create_account(
        &self,
        draft: AccountDraft,
        password_hash: String,
        key: Option<IdempotencyKey>,
    ) -> Result<Made<UserId>> {
        let mut locks = vec![
            LockKey::Name(draft.username.look()),
            LockKey::Name(draft.email.as_str().to_owned()),
        ];
        locks.extend(
            key.as_ref()
                .map(|k| LockKey::Idempotency(ANYBODY.get(), k.key.clone())),
        );
        let strangers = self.inner.strangers;
        let made = self
            .act(locks, move |tx| {
                tx.once(ANYBODY, key.as_ref(), Keep::Day, |tx| {
                    create(tx, &draft, &password_hash, strangers)
                })
            })
            .await?;
        Ok(Made {
            outcome: UserId::new(made.outcome),
            replayed: made.replayed,
        })
    }

    /// The caller's own account.
    ///
    /// # Errors
    /// [`Refusal::UserNotFound`] for a closed one.
    pub async fn account(&self, id: UserId) -> Result<Snapshot<Account>> {
        self.snapshot(move |conn| {
            let row = open_account!(&mut *conn, users::id.eq(id.get()));
            account(conn, row, Reader::Owner)
        })
        .await
    }

    /// Anyone's profile, by username in any case.
    ///
    /// # Errors
    /// [`Refusal::UserNotFound`].
    pub async fn profile(&self, username: &str) -> Result<Profile> {
        let username = username.to_ascii_lowercase();
        self.read(move |conn| {
            let row = open_account!(&mut *conn, users::username.eq(&username));
            Ok(account(conn, row, Reader::Anyone)?.profile)
        })
        .await
    }

    /// Changes the caller's profile. A change to what is there already is none: no event, the same version.
    ///
    /// # Errors
    /// [`Refusal::UserNotFound`] for a closed account.
    pub async fn change_profile(&self, id: UserId, change: ProfileChange) -> Result<()> {
        self.act(vec![LockKey::User(id.get())], move |tx| {
            self::change(tx, id, &change)
        })
        .await
    }
}
