//! Contacts: the people someone may want to send a pin to, ranked by [`pinwire_domain::contact`].

mod evidence;

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use pinwire_domain::board::Access;
use pinwire_domain::contact::{self, Place, Reason};
use pinwire_domain::conversation::{MembershipState, People};
use pinwire_domain::people_query::PeopleQuery;
use pinwire_domain::{PinId, Time, UserId};
use serde::{Deserialize, Serialize};

use crate::db::{Conn, on};
use crate::error::Result;
use crate::page::Page;
use crate::people::{self, Person};
use crate::schema::{conversations, memberships};
use crate::{Snapshot, Store, log, messages, pin_snapshots, safety};
use evidence::Window;

/// Somebody to send pins to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Who it is.
    pub person: Person,
    /// Why they are listed; empty for talk of long ago or in groups alone.
    pub reasons: Vec<Reason>,
}

/// A contact to send one pin to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinContact {
    /// The contact.
    pub contact: Contact,
    /// Whether the conversation of the two holds this pin, as the caller sees it.
    pub already_sent: bool,
}

/// A place in a ranked list, and what its first page looked at: the later ones rank by the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactMark {
    window: Window,
    score: i64,
    user: i64,
}

/// A page of a ranked list of `me`'s contacts.
fn page(
    conn: &mut Conn,
    me: UserId,
    query: Option<&PeopleQuery>,
    from: (Time, Option<ContactMark>),
    size: usize,
) -> Result<Page<Contact, ContactMark>> {
    let (now, after) = from;
    let mut window = match after {
        Some(mark) => mark.window,
        None => Window::new(now, log::head(conn)?),
    };
    let after = after.map(|mark| Place::new(mark.score, UserId::new(mark.user)));
    let as_of = Time::from_millis(window.now);
    let mut ranked: Vec<(Place, Vec<Reason>)> =
        evidence::gather(conn, me.get(), query, &mut window)?
            .into_iter()
            .map(|(person, facts)| {
                let rank = contact::rank(&facts, as_of);
                (Place::new(rank.score, UserId::new(person)), rank.reasons)
            })
            .filter(|(place, _)| after.is_none_or(|after| *place > after))
            .collect();
    ranked.sort_unstable_by_key(|(place, _)| *place);
    let mut items: Vec<(Place, Contact)> = Vec::with_capacity(size + 1);
    // Who is not shown leaves a gap, so a page may take several looks.
    let mut ranked = ranked.into_iter().peekable();
    while items.len() <= size && ranked.peek().is_some() {
        let some: Vec<_> = ranked.by_ref().take(size + 1 - items.len()).collect();
        let mut people = shown(conn, me, &some)?;
        items.extend(some.into_iter().filter_map(|(place, reasons)| {
            let person = people.remove(&place.user())?;
            Some((place, Contact { person, reasons }))
        }));
    }
    let mark = |place: Place| ContactMark {
        window,
        score: place.score(),
        user: place.user().get(),
    };
    Ok(Page::cut(items, size, |(place, _)| mark(*place)).map(|(_, contact)| contact))
}

/// Those of the candidates who are shown: open accounts that the caller has not blocked.
///
/// Who blocked the caller is shown as to any stranger.
fn shown(
    conn: &mut Conn,
    me: UserId,
    candidates: &[(Place, Vec<Reason>)],
) -> Result<HashMap<UserId, Person>> {
    let ids: Vec<i64> = candidates
        .iter()
        .map(|(place, _)| place.user().get())
        .collect();
    let blocked = safety::blocked_by(conn, me, &ids)?;
    let mut people = people::load_open(conn, &ids)?;
    people.retain(|id, _| !blocked.contains(&id.get()));
    Ok(people)
}

/// Those with whom `me` has a conversation of two that holds this pin, as `me` sees it.
fn holders(
    conn: &mut Conn,
    me: UserId,
    pin: PinId,
    contacts: &[Contact],
) -> Result<HashSet<UserId>> {
    let mut by_key = HashMap::with_capacity(contacts.len());
    for contact in contacts {
        by_key.insert(
            People::new(me, [contact.person.id], 2)?.key(),
            contact.person.id,
        );
    }
    if by_key.is_empty() {
        return Ok(HashSet::new());
    }
    let keys: Vec<&String> = by_key.keys().collect();
    let rows: Vec<(i64, Option<String>)> = on!(conn, c => conversations::table
        .inner_join(memberships::table)
        .filter(conversations::creation_key.eq_any(keys))
        .filter(memberships::user_id.eq(me.get()))
        .filter(memberships::state.eq(MembershipState::Member.name()))
        .select((conversations::id, conversations::creation_key))
        .load(c))?;
    let ids: Vec<i64> = rows.iter().map(|(id, _)| *id).collect();
    let holding = messages::holding_pin(conn, me, &ids, pin)?;
    Ok(rows
        .into_iter()
        .filter(|(id, _)| holding.contains(id))
        .filter_map(|(_, key)| by_key.get(&key?).copied())
        .collect())
}

impl Store {
    /// A page of the caller's contacts, the likeliest first; with a query, of those it fits.
    pub async fn contacts(
        &self,
        caller: UserId,
        query: Option<PeopleQuery>,
        after: Option<ContactMark>,
        size: usize,
    ) -> Result<Snapshot<Page<Contact, ContactMark>>> {
        let from = (self.inner.source.now(), after);
        self.snapshot(move |conn| page(conn, caller, query.as_ref(), from, size))
            .await
    }

    /// [`Store::contacts`] to choose from for one pin.
    ///
    /// # Errors
    /// [`pinwire_domain::Refusal::PinNotFound`] and [`pinwire_domain::Refusal::PinIsSecret`] for a pin that
    /// the caller may not send.
    pub async fn contacts_for_pin(
        &self,
        access: Access,
        pin: PinId,
        query: Option<PeopleQuery>,
        after: Option<ContactMark>,
        size: usize,
    ) -> Result<Snapshot<Page<PinContact, ContactMark>>> {
        let caller = access.user;
        let from = (self.inner.source.now(), after);
        let source = self.inner.source.clone();
        self.snapshot(move |conn| {
            crate::db::tx::consider(conn, &source, |tx| pin_snapshots::sendable(tx, access, pin))?;
            let page = page(conn, caller, query.as_ref(), from, size)?;
            let holders = holders(conn, caller, pin, &page.items)?;
            Ok(page.map(|contact| PinContact {
                already_sent: holders.contains(&contact.person.id),
                contact,
            }))
        })
        .await
    }
}
