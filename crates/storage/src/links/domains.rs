//! Blocked domains: no link to them is delivered.

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use pinwire_domain::link::judge::Reason;
use pinwire_domain::{Refusal, Time, UserId};

use crate::Store;
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::moderation::{self, Entry};
use crate::page::{Page, one_more};
use crate::pin_states::{self, Changed};
use crate::schema::{blocked_domains, link_domains};

/// A domain to which no link is delivered, nor to those below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockedDomain {
    /// The domain.
    pub domain: String,
    /// Why, for moderators.
    pub reason: Option<String>,
    /// The moderator; none if it came from a list.
    pub blocked_by: Option<UserId>,
    /// Since when.
    pub blocked_at: Time,
}

/// A place in the list of blocked domains: the domain.
pub type DomainMark = String;

type Row = (String, Option<String>, Option<i64>, i64);

fn read((domain, reason, blocked_by, created_at): Row) -> BlockedDomain {
    BlockedDomain {
        domain,
        reason,
        blocked_by: blocked_by.map(UserId::new),
        blocked_at: Time::from_millis(created_at),
    }
}

/// Blocks domains; how many were not blocked before.
pub(crate) fn block(
    tx: &mut Tx<'_>,
    by: Option<UserId>,
    domains: &[String],
    reason: Option<&str>,
) -> Step<usize> {
    tx.lock(LockKey::BlockedDomains)?;
    let now = tx.source.now();
    let mut added = 0;
    for domain in domains {
        let values = (
            blocked_domains::domain.eq(domain),
            blocked_domains::reason.eq(reason),
            blocked_domains::blocked_by.eq(by.map(UserId::get)),
            blocked_domains::created_at.eq(now.as_millis()),
        );
        let new = on!(tx.conn()?, c => diesel::insert_into(blocked_domains::table)
            .values(&values)
            .on_conflict_do_nothing()
            .execute(c))?;
        if new == 0 {
            continue;
        }
        added += 1;
        moderation::note(tx, by, &Entry::DomainBlocked(domain, reason))?;
    }
    let of_links = link_domains::table.filter(link_domains::domain.eq_any(domains));
    let concerned: Vec<String> = on!(tx.conn()?, c => of_links
        .select(link_domains::domain)
        .distinct()
        .load(c))?;
    for domain in concerned {
        let changed = on!(tx.conn()?, c => diesel::sql_query(
            "update links set verdict = 'blocked',
                 reasons = $1 || case when reasons = '' then '' else ',' || reasons end
             where verdict <> 'blocked' and id in (select link_id from link_domains where domain = $2)")
            .bind::<Text, _>(Reason::ListedDomain.name())
            .bind::<Text, _>(&domain)
            .execute(c))?;
        if changed > 0 {
            pin_states::tell_later(tx, Changed::Domain { domain })?;
        }
    }
    Ok(added)
}

fn unblock(tx: &mut Tx<'_>, by: UserId, domain: String, are_inspected: bool) -> Step<()> {
    tx.lock(LockKey::BlockedDomains)?;
    let row = blocked_domains::table.find(&domain);
    if on!(tx.conn()?, c => diesel::delete(row).execute(c))? == 0 {
        return Ok(());
    }
    moderation::note(tx, Some(by), &Entry::DomainUnblocked(&domain))?;
    // This reason stands first. What is left of them decides.
    let listed = Reason::ListedDomain.name();
    let rest = format!("ltrim(substr(reasons, {}), ',')", listed.len() + 1);
    let query = format!(
        "update links set reasons = {rest}, verdict = case
             when {rest} <> '' then 'warn'
             when inspected_at is null and $1 then 'pending'
             else 'ok' end
         where verdict = 'blocked' and id in (select link_id from link_domains where domain = $2)
           and not exists (select 1 from link_domains d join blocked_domains b on b.domain = d.domain
                           where d.link_id = links.id)"
    );
    let changed = on!(tx.conn()?, c => diesel::sql_query(query)
        .bind::<Bool, _>(are_inspected)
        .bind::<Text, _>(&domain)
        .execute(c))?;
    if changed > 0 {
        pin_states::tell_later(tx, Changed::Domain { domain })?;
    }
    Ok(())
}

fn page(
    conn: &mut Conn,
    after: Option<DomainMark>,
    size: usize,
) -> Result<Page<BlockedDomain, DomainMark>> {
    let rows: Vec<Row> = on!(conn, c => blocked_domains::table
        .filter(blocked_domains::domain.gt(after.unwrap_or_default()))
        .order(blocked_domains::domain)
        .limit(one_more(size))
        .load(c))?;
    let page = Page::cut(rows, size, |row| row.0.clone());
    Ok(page.map(read))
}

impl Store {
    /// Blocks domains: from now on no link to them, or to hosts below them, is delivered. How many were not blocked
    /// before; those that were stay as they were.
    ///
    /// `by` is the moderator, none for a list.
    pub async fn block_domains(
        &self,
        by: Option<UserId>,
        domains: Vec<String>,
        reason: Option<String>,
    ) -> Result<usize> {
        self.act(vec![LockKey::BlockedDomains], move |tx| {
            block(tx, by, &domains, reason.as_deref())
        })
        .await
    }

    /// Blocks a domain no more. Nothing happens if it is not blocked.
    pub async fn unblock_domain(&self, by: UserId, domain: String) -> Result<()> {
        let are_inspected = self.inner.links.are_inspected;
        self.act(vec![LockKey::BlockedDomains], move |tx| {
            unblock(tx, by, domain.clone(), are_inspected)
        })
        .await
    }

    /// A blocked domain.
    ///
    /// # Errors
    /// [`Refusal::DomainNotFound`] if it is not blocked.
    pub async fn blocked_domain(&self, domain: String) -> Result<BlockedDomain> {
        self.read(move |conn| {
            let row: Option<Row> =
                on!(conn, c => blocked_domains::table.find(&domain).first(c).optional())?;
            Ok(read(row.ok_or(Refusal::DomainNotFound)?))
        })
        .await
    }

    /// A page of the blocked domains, by name.
    pub async fn blocked_domains(
        &self,
        after: Option<DomainMark>,
        size: usize,
    ) -> Result<Page<BlockedDomain, DomainMark>> {
        self.read(move |conn| page(conn, after.clone(), size)).await
    }
}
