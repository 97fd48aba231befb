//! A person's settings.

use std::collections::HashMap;

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use pinwire_domain::UserId;
use pinwire_domain::event::EventKind;
use pinwire_domain::policy::{ContactPolicy, Placement};
use pinwire_domain::settings::{ContactPolicyChange, Settings, SettingsChange};

use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::log::{About, NewEvent};
use crate::schema::user_settings;
use crate::{Snapshot, Store};

/// Settings, and how often they were changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OwnSettings {
    /// The settings.
    pub values: Settings,
    /// Grows with each change; 0 for who never changed any.
    pub version: i64,
}

type Row = (i64, (bool, bool, bool, bool), i64, PolicyRow);

/// The types of the columns that say where first messages land: of who follows the person and they in turn, whom they
/// follow, with whom they talked, who follows them, anybody.
pub(crate) type PolicySql = (
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
);
/// A row of these columns.
pub(crate) type PolicyRow = (
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// Where first messages land; what is not set is as by default.
pub(crate) fn policy((mutual, followed, talked, followers, everyone): PolicyRow) -> ContactPolicy {
    let placement = |name: Option<String>| name.as_deref().and_then(Placement::from_name);
    let set = ContactPolicyChange {
        mutual: placement(mutual),
        i_follow: placement(followed),
        talked_before: placement(talked),
        follows_me: placement(followers),
        everyone: placement(everyone),
    };
    set.of(ContactPolicy::default())
}

/// The settings of these people; whoever never changed any is missing.
pub(crate) fn load(conn: &mut Conn, people: &[i64]) -> Result<HashMap<UserId, OwnSettings>> {
    if people.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<Row> = on!(conn, c => user_settings::table
        .filter(user_settings::user_id.eq_any(people))
        .select((
            user_settings::user_id,
            (
                user_settings::typing,
                user_settings::presence,
                user_settings::read_receipts,
                user_settings::pin_saved_notice,
            ),
            user_settings::version,
            (
                user_settings::from_mutual,
                user_settings::from_followed,
                user_settings::from_talked,
                user_settings::from_followers,
                user_settings::from_everyone,
            ),
        ))
        .load(c))?;
    let settings = rows.into_iter().map(|(user, values, version, contacts)| {
        let (typing, presence, read_receipts, pin_saved_notice) = values;
        let values = Settings {
            typing,
            presence,
            read_receipts,
            pin_saved_notice,
            contacts: policy(contacts),
        };
        (UserId::new(user), OwnSettings { values, version })
    });
    Ok(settings.collect())
}

/// The settings of one person.
pub(crate) fn of(conn: &mut Conn, user: UserId) -> Result<OwnSettings> {
    let mut found = load(conn, &[user.get()])?;
    Ok(found.remove(&user).unwrap_or_default())
}

/// Writes down all settings of a person.
pub(crate) fn write(conn: &mut Conn, user: UserId, settings: Settings, version: i64) -> Result<()> {
    let contacts = settings.contacts;
    let values = (
        user_settings::typing.eq(settings.typing),
        user_settings::presence.eq(settings.presence),
        user_settings::read_receipts.eq(settings.read_receipts),
        user_settings::pin_saved_notice.eq(settings.pin_saved_notice),
        user_settings::version.eq(version),
        user_settings::from_mutual.eq(contacts.mutual.name()),
        user_settings::from_followed.eq(contacts.i_follow.name()),
        user_settings::from_talked.eq(contacts.talked_before.name()),
        user_settings::from_followers.eq(contacts.follows_me.name()),
        user_settings::from_everyone.eq(contacts.everyone.name()),
    );
    on!(conn, c => diesel::insert_into(user_settings::table)
        .values((user_settings::user_id.eq(user.get()), values))
        .on_conflict(user_settings::user_id)
        .do_update()
        .set(values)
        .execute(c))?;
    Ok(())
}

fn change(tx: &mut Tx<'_>, user: UserId, change: SettingsChange) -> Step<()> {
    tx.lock(LockKey::User(user.get()))?;
    let before = of(tx.conn()?, user)?;
    let after = change.of(before.values);
    if after == before.values {
        return Ok(());
    }
    write(tx.conn()?, user, after, before.version + 1)?;
    tx.emit(NewEvent {
        at: tx.source.now(),
        kind: EventKind::SettingsUpdated,
        actor: user,
        about: About::Me,
    });
    Ok(())
}

impl Store {
    /// The caller's settings.
    pub async fn settings(&self, user: UserId) -> Result<Snapshot<OwnSettings>> {
        self.snapshot(move |conn| of(conn, user)).await
    }

    /// Changes the caller's settings. A change to what is there already is none: no event, the same version.
    pub async fn change_settings(&self, user: UserId, change: SettingsChange) -> Result<()> {
        self.act(vec![LockKey::User(user.get())], move |tx| {
            self::change(tx, user, change)
        })
        .await
    }
}
