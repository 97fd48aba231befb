//! A person's settings.

use std::collections::HashMap;

use diesel::prelude::*;
use pinwire_domain::UserId;
use pinwire_domain::event::EventKind;
use pinwire_domain::settings::{Settings, SettingsChange};

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

type Row = (i64, (bool, bool, bool, bool), i64);

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
        ))
        .load(c))?;
    let settings = rows.into_iter().map(|(user, values, version)| {
        let (typing, presence, read_receipts, pin_saved_notice) = values;
        let values = Settings {
            typing,
            presence,
            read_receipts,
            pin_saved_notice,
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

fn change(tx: &mut Tx<'_>, user: UserId, change: SettingsChange) -> Step<()> {
    tx.lock(LockKey::User(user.get()))?;
    let before = of(tx.conn()?, user)?;
    let after = change.of(before.values);
    if after == before.values {
        return Ok(());
    }
    let values = (
        user_settings::typing.eq(after.typing),
        user_settings::presence.eq(after.presence),
        user_settings::read_receipts.eq(after.read_receipts),
        user_settings::pin_saved_notice.eq(after.pin_saved_notice),
        user_settings::version.eq(before.version + 1),
    );
    on!(tx.conn()?, c => diesel::insert_into(user_settings::table)
        .values((user_settings::user_id.eq(user.get()), values))
        .on_conflict(user_settings::user_id)
        .do_update()
        .set(values)
        .execute(c))?;
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
