//! Notices: what moderators tell a person.

use diesel::prelude::*;
use pinwire_domain::event::EventKind;
use pinwire_domain::report::NoticeCode;
use pinwire_domain::{Time, UserId};

use crate::db::on;
use crate::db::tx::{Step, Tx};
use crate::error::{Result, StoreError};
use crate::log::{About, NewEvent};
use crate::page::{Page, one_more};
use crate::schema::notices;
use crate::{Snapshot, Store};

/// What moderators told a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its id; later ones are higher.
    pub id: i64,
    /// What.
    pub code: NoticeCode,
    /// Why, in a moderator's words.
    pub reason: Option<String>,
    /// When.
    pub created_at: Time,
}

/// Tells a person something.
pub(super) fn give(
    tx: &mut Tx<'_>,
    user: UserId,
    code: NoticeCode,
    reason: Option<&str>,
) -> Step<()> {
    let at = tx.source.now();
    let values = (
        notices::id.eq(tx.source.new_id()),
        notices::user_id.eq(user.get()),
        notices::code.eq(code.name()),
        notices::reason.eq(reason),
        notices::created_at.eq(at.as_millis()),
    );
    on!(tx.conn()?, c => diesel::insert_into(notices::table).values(&values).execute(c))?;
    tx.emit(NewEvent {
        at,
        kind: EventKind::NoticeCreated,
        actor: user,
        about: About::Me,
    });
    Ok(())
}

impl Store {
    /// A page of what moderators told a person, the newest first, those before an id.
    pub async fn notices(
        &self,
        user: UserId,
        before: Option<i64>,
        size: usize,
    ) -> Result<Snapshot<Page<Notice, i64>>> {
        self.snapshot(move |conn| {
            type Row = (i64, String, Option<String>, i64);
            let rows: Vec<Row> = on!(conn, c => notices::table
                .filter(notices::user_id.eq(user.get()))
                .filter(notices::id.lt(before.unwrap_or(i64::MAX)))
                .order(notices::id.desc())
                .limit(one_more(size))
                .select((notices::id, notices::code, notices::reason, notices::created_at))
                .load(c))?;
            let Page { items, next } = Page::cut(rows, size, |row| row.0);
            let items = items.into_iter().map(|(id, code, reason, created_at)| {
                Ok(Notice {
                    id,
                    code: NoticeCode::from_name(&code).ok_or(StoreError::Corrupt(code))?,
                    reason,
                    created_at: Time::from_millis(created_at),
                })
            });
            Ok(Page {
                items: items.collect::<Result<_>>()?,
                next,
            })
        })
        .await
    }
}
