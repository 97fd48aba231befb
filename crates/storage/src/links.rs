//! Links: where pins lead, and what was found out about that.

mod domains;
mod inspection;
pub(crate) mod texts;

use std::collections::BTreeSet;

use diesel::prelude::*;
use pinwire_domain::Refusal;
use pinwire_domain::link::judge::{self, Journey, Judgement, Reason, Suspect, Verdict};
use pinwire_domain::link::lists::Lists;
use pinwire_domain::picture::PictureSize;

use crate::Store;
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::{Result, StoreError};
use crate::hex::hex;
use crate::schema::{blocked_domains, link_domains, links};

pub(crate) use domains::block;
pub use domains::{BlockedDomain, DomainMark};
pub use inspection::Inspection;
pub(crate) use inspection::note_sent;
pub use texts::TextLink;

/// What links are judged with.
#[derive(Debug, Clone)]
pub struct LinkRules {
    /// What they are compared with.
    pub lists: Lists,
    /// Whether somebody looks where they lead; until then they are pending.
    pub are_inspected: bool,
}

impl Default for LinkRules {
    /// Pinwire's own lists, and nobody who looks.
    fn default() -> Self {
        Self {
            lists: Lists::ours(),
            are_inspected: false,
        }
    }
}

impl LinkRules {
    /// Judges a link.
    fn judge(&self, suspect: &Suspect<'_>, listed: &BTreeSet<String>) -> Judgement {
        let mut judgement = judge::judge(suspect, listed, &self.lists);
        if judgement.verdict == Verdict::Ok && suspect.journey.is_none() && self.are_inspected {
            judgement.verdict = Verdict::Pending;
        }
        judgement
    }
}

/// What was found out about a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkCheck {
    /// How safe it is to follow.
    pub verdict: Verdict,
    /// What is held against it.
    pub reasons: Vec<Reason>,
    /// What it is followed by, which nobody guesses.
    pub token: String,
}

impl LinkCheck {
    /// Whether receivers may have the address itself.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.verdict == Verdict::Ok
    }

    /// The same of a link whose pin has a picture that is too small to show what it promises.
    #[must_use]
    pub fn with_small_picture(self) -> Self {
        let (verdict, reasons) = (self.verdict, self.reasons);
        let judgement = Judgement { verdict, reasons }.with_small_picture();
        Self {
            verdict: judgement.verdict,
            reasons: judgement.reasons,
            ..self
        }
    }

    /// The same of a link whose pin has a picture of this size, as far as it is known.
    pub(crate) fn under_picture(self, size: Option<PictureSize>) -> Self {
        if size.is_some_and(PictureSize::is_too_small) {
            self.with_small_picture()
        } else {
            self
        }
    }

    /// As the views have it: verdict, token and reasons.
    pub(crate) fn read(written: &str) -> Result<Self> {
        let mut parts = written.splitn(3, ' ');
        let mut next = || parts.next().unwrap_or_default();
        let [verdict, token, reasons] = [next(), next(), next()];
        Self::new(verdict, token, reasons)
    }

    /// Of the columns of [`CHECK`].
    pub(crate) fn of_columns((verdict, token, reasons): (String, String, String)) -> Result<Self> {
        Self::new(&verdict, &token, &reasons)
    }

    fn new(verdict: &str, token: &str, reasons: &str) -> Result<Self> {
        let corrupt = |name: &str| StoreError::Corrupt(name.to_owned());
        let reasons = reasons.split(',').filter(|name| !name.is_empty());
        let reasons = reasons.map(|name| Reason::from_name(name).ok_or_else(|| corrupt(name)));
        Ok(Self {
            verdict: Verdict::from_name(verdict).ok_or_else(|| corrupt(verdict))?,
            reasons: reasons.collect::<Result<_>>()?,
            token: token.to_owned(),
        })
    }
}

/// The columns of a [`LinkCheck`].
pub(crate) const CHECK: (links::verdict, links::token, links::reasons) =
    (links::verdict, links::token, links::reasons);

/// Reasons as a column.
fn written(reasons: &[Reason]) -> String {
    let names: Vec<&str> = reasons.iter().map(|reason| reason.name()).collect();
    names.join(",")
}

/// Domains that one statement asks for.
const LISTED_TOGETHER: usize = 1_000;

/// Those of these domains that are blocked.
fn listed(conn: &mut Conn, domains: &BTreeSet<String>) -> Result<BTreeSet<String>> {
    let all: Vec<&String> = domains.iter().collect();
    let mut found = BTreeSet::new();
    // SQLite takes a bounded number of values.
    for some in all.chunks(LISTED_TOGETHER) {
        let listed: Vec<String> = on!(conn, c => blocked_domains::table
            .filter(blocked_domains::domain.eq_any(some.iter().copied()))
            .select(blocked_domains::domain)
            .load(c))?;
        found.extend(listed);
    }
    Ok(found)
}

/// Notes which domains a link names or leads to.
fn note_domains(conn: &mut Conn, link: i64, domains: &BTreeSet<String>) -> Result<()> {
    let values = domains.iter().map(|domain| {
        (
            link_domains::domain.eq(domain),
            link_domains::link_id.eq(link),
        )
    });
    let values: Vec<_> = values.collect();
    on!(conn, c => diesel::insert_into(link_domains::table)
        .values(&values)
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// The link of this address, which is judged if it is new.
pub(crate) fn of(tx: &mut Tx<'_>, rules: &LinkRules, address: &str) -> Step<i64> {
    let row = links::table
        .filter(links::address.eq(address))
        .select(links::id);
    if let Some(id) = on!(tx.conn()?, c => row.first(c).optional())? {
        return Ok(id);
    }
    // Whoever blocks a domain meanwhile sees the new link, or is seen.
    tx.lock(LockKey::BlockedDomains)?;
    let suspect = Suspect {
        link: address,
        journey: None,
    };
    let domains = suspect.domains();
    let listed = listed(tx.conn()?, &domains)?;
    let judgement = rules.judge(&suspect, &listed);
    let (id, now) = (tx.source.new_id(), tx.source.now().as_millis());
    let values = (
        (links::id.eq(id), links::address.eq(address)),
        links::token.eq(hex(&tx.source.secret())),
        links::verdict.eq(judgement.verdict.name()),
        links::reasons.eq(written(&judgement.reasons)),
        links::inspections.eq(0),
        links::failures.eq(0),
        links::created_at.eq(now),
        links::is_sent.eq(false),
        links::due_at.eq(rules.are_inspected.then_some(now)),
    );
    on!(tx.conn()?, c => diesel::insert_into(links::table).values(&values).execute(c))?;
    note_domains(tx.conn()?, id, &domains)?;
    Ok(id)
}

/// Where a link leads, as a column.
fn journey_of(column: Option<&str>) -> Result<Option<Journey>> {
    let Some(column) = column else {
        return Ok(None);
    };
    let (redirects, is_unreachable) = serde_json::from_str(column)?;
    Ok(Some(Journey {
        redirects,
        is_unreachable,
    }))
}

/// A link that somebody follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowedLink {
    /// The address.
    pub address: String,
    /// What was found out about it.
    pub check: LinkCheck,
    /// Where it leads, as far as that was looked at.
    pub journey: Option<Journey>,
}

impl Store {
    /// The link that this token follows, judged as the blocked domains are now.
    ///
    /// # Errors
    /// [`Refusal::LinkNotFound`].
    pub async fn follow_link(&self, token: String) -> Result<FollowedLink> {
        type Row = (String, String, String, Option<String>);
        self.read(move |conn| {
            let row: Option<Row> = on!(conn, c => links::table
                .filter(links::token.eq(&token))
                .select((links::address, links::verdict, links::reasons, links::journey))
                .first(c)
                .optional())?;
            let (address, verdict, reasons, journey) = row.ok_or(Refusal::LinkNotFound)?;
            Ok(FollowedLink {
                check: LinkCheck::new(&verdict, &token, &reasons)?,
                journey: journey_of(journey.as_deref())?,
                address,
            })
        })
        .await
    }
}
