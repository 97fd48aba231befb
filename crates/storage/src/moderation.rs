//! Moderation: who decides on what was reported, and what they did.

mod cases;
mod evidence;
mod notices;
mod reporting;

use diesel::prelude::*;
use pinwire_domain::report::Decision;
use pinwire_domain::{Refusal, Time, UserId};
use serde::Serialize;
use serde_json::Value;

use crate::Store;
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::page::{Page, one_more};
use crate::people;
use crate::schema::{audit_log, moderators};

pub use cases::{Case, Report};
pub use notices::Notice;
pub(crate) use reporting::open_case;

/// What somebody did, for the audit log.
pub(crate) enum Entry<'a> {
    Granted(UserId),
    Revoked(UserId),
    DomainBlocked(&'a str, Option<&'a str>),
    DomainUnblocked(&'a str),
    Claimed(i64),
    Resolved(i64, &'a str, &'a Decision),
}

impl Entry<'_> {
    const fn action(&self) -> &'static str {
        match self {
            Self::Granted(_) => "moderator.granted",
            Self::Revoked(_) => "moderator.revoked",
            Self::DomainBlocked(..) => "domain.blocked",
            Self::DomainUnblocked(_) => "domain.unblocked",
            Self::Claimed(_) => "report.claimed",
            Self::Resolved(..) => "report.resolved",
        }
    }

    fn details(&self) -> Details<'_> {
        let mut details = Details::default();
        match *self {
            Self::Granted(user) | Self::Revoked(user) => details.user_id = Some(user.to_string()),
            Self::DomainBlocked(domain, reason) => {
                (details.domain, details.reason) = (Some(domain), reason);
            }
            Self::DomainUnblocked(domain) => details.domain = Some(domain),
            Self::Claimed(id) => details.report_id = Some(id.to_string()),
            Self::Resolved(id, subject, decision) => {
                details.report_id = Some(id.to_string());
                details.subject = Some(subject);
                details.action = Some(decision.action.name());
                details.reason = decision.reason.as_deref();
                details.domain = decision.domain.as_deref();
            }
        }
        details
    }
}

/// What an entry of the audit log keeps beside its action.
#[derive(Default, Serialize)]
struct Details<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    report_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Adds to the audit log what a moderator did, or an operator.
pub(crate) fn note(tx: &mut Tx<'_>, actor: Option<UserId>, entry: &Entry<'_>) -> Step<()> {
    let values = (
        audit_log::id.eq(tx.source.new_id()),
        audit_log::at.eq(tx.source.now().as_millis()),
        audit_log::actor_id.eq(actor.map(UserId::get)),
        audit_log::action.eq(entry.action()),
        audit_log::details.eq(serde_json::to_string(&entry.details())?),
    );
    on!(tx.conn()?, c => diesel::insert_into(audit_log::table).values(&values).execute(c))?;
    Ok(())
}

/// An entry of the audit log.
#[derive(Debug, Clone, PartialEq)]
pub struct Audited {
    /// Its id; later ones are higher.
    pub id: i64,
    /// When.
    pub at: Time,
    /// The moderator; none for an operator.
    pub actor: Option<UserId>,
    /// What was done.
    pub action: String,
    /// To what, and why.
    pub details: Value,
}

fn is_moderator(conn: &mut Conn, user: UserId) -> Result<bool> {
    let row = moderators::table.find(user.get());
    Ok(on!(conn, c => diesel::select(diesel::dsl::exists(row)).get_result(c))?)
}

fn audited(conn: &mut Conn, before: Option<i64>, size: usize) -> Result<Page<Audited, i64>> {
    type Row = (i64, i64, Option<i64>, String, String);
    let rows: Vec<Row> = on!(conn, c => audit_log::table
        .filter(audit_log::id.lt(before.unwrap_or(i64::MAX)))
        .order(audit_log::id.desc())
        .limit(one_more(size))
        .load(c))?;
    let Page { items, next } = Page::cut(rows, size, |row| row.0);
    let items = items.into_iter().map(|(id, at, actor, action, details)| {
        Ok(Audited {
            id,
            at: Time::from_millis(at),
            actor: actor.map(UserId::new),
            action,
            details: serde_json::from_str(&details)?,
        })
    });
    Ok(Page {
        items: items.collect::<Result<_>>()?,
        next,
    })
}

impl Store {
    /// Makes somebody a moderator, as an operator. A repeat does nothing.
    ///
    /// # Errors
    /// [`Refusal::UserNotFound`].
    pub async fn grant_moderation(&self, user: UserId) -> Result<()> {
        self.act(vec![LockKey::User(user.get())], move |tx| {
            people::account(tx, user)?;
            let values = (
                moderators::user_id.eq(user.get()),
                moderators::granted_at.eq(tx.source.now().as_millis()),
            );
            let new = on!(tx.conn()?, c => diesel::insert_into(moderators::table)
                .values(&values)
                .on_conflict_do_nothing()
                .execute(c))?;
            if new > 0 {
                note(tx, None, &Entry::Granted(user))?;
            }
            Ok(())
        })
        .await
    }

    /// Takes that back, as an operator. Nothing happens if the person is no moderator.
    pub async fn revoke_moderation(&self, user: UserId) -> Result<()> {
        self.act(vec![LockKey::User(user.get())], move |tx| {
            let row = moderators::table.find(user.get());
            if on!(tx.conn()?, c => diesel::delete(row).execute(c))? > 0 {
                note(tx, None, &Entry::Revoked(user))?;
            }
            Ok(())
        })
        .await
    }

    /// Whether somebody is a moderator.
    pub async fn is_moderator(&self, user: UserId) -> Result<bool> {
        self.read(move |conn| is_moderator(conn, user)).await
    }

    /// Makes sure that somebody is a moderator.
    ///
    /// # Errors
    /// [`Refusal::NotModerator`].
    pub async fn require_moderator(&self, user: UserId) -> Result<()> {
        if self.is_moderator(user).await? {
            return Ok(());
        }
        Err(Refusal::NotModerator.into())
    }

    /// A page of the audit log, the newest first, those before an id.
    pub async fn audit_log(&self, before: Option<i64>, size: usize) -> Result<Page<Audited, i64>> {
        self.read(move |conn| audited(conn, before, size)).await
    }
}
