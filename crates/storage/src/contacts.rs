//! Contacts: the people someone may want to send a pin to, ranked by [`pinwire_domain::contact`].

mod evidence;

use std::collections::{HashMap, HashSet};

use diesel::dsl::{exists, not};
use diesel::prelude::*;
use pinwire_domain::board::Access;
use pinwire_domain::contact::{self, Place, Reason};
use pinwire_domain::conversation::{MembershipState, People};
use pinwire_domain::people_query::PeopleQuery;
use pinwire_domain::{PinId, Time, UserId};
use serde::{Deserialize, Serialize};

use crate::db::tx;
use crate::db::{Conn, on};
use crate::error::Result;
use crate::page::Page;
use crate::people::{PERSON, Person, PersonRow};
use crate::schema::{blocks, conversations, memberships, message_exclusions, messages, users};
use crate::{Snapshot, Store, log, pin_snapshots};
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

/// A page of a ranked list of `me`'s contacts, and the log's position.
///
/// Six statements for most: the position, talks with one and in groups, follows of both sides, and the people. Each
/// of the lists goes by an index of its own and is bounded by itself. With a query there is one more; who has
/// more follows than are looked at costs up to two more, and who is not shown another look at people.
fn page(
    conn: &mut Conn,
    me: UserId,
    query: Option<&PeopleQuery>,
    from: (Time, Option<ContactMark>),
    size: usize,
) -> Result<(Page<Contact, ContactMark>, i64)> {
    let (now, after) = from;
    let head = log::head(conn)?;
    let mut window = after.map_or_else(|| Window::new(now, head), |mark| mark.window);
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
    // Who is not shown leaves a gap, so a page may take several looks, each twice as far as the one before.
    let mut ranked = ranked.into_iter().peekable();
    let mut look = size + 1;
    while items.len() <= size && ranked.peek().is_some() {
        let some: Vec<_> = ranked.by_ref().take(look).collect();
        let mut people = shown(conn, me, &some)?;
        items.extend(some.into_iter().filter_map(|(place, reasons)| {
            let person = people.remove(&place.user())?;
            Some((place, Contact { person, reasons }))
        }));
        look *= 2;
    }
    let mark = |place: Place| ContactMark {
        window,
        score: place.score(),
        user: place.user().get(),
    };
    items.truncate(size + 1);
    let page = Page::cut(items, size, |(place, _)| mark(*place)).map(|(_, contact)| contact);
    Ok((page, head))
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
    let blocked = blocks::table
        .filter(blocks::blocker_id.eq(me.get()))
        .filter(blocks::blocked_id.eq(users::id));
    let rows: Vec<PersonRow> = on!(conn, c => users::table
        .filter(users::id.eq_any(&ids).and(users::closed_at.is_null()))
        .filter(not(exists(blocked)))
        .select(PERSON)
        .load(c))?;
    let people = rows.into_iter().map(Person::from);
    Ok(people.map(|person| (person.id, person)).collect())
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
    let excluded = message_exclusions::table
        .filter(message_exclusions::user_id.eq(me.get()))
        .filter(message_exclusions::conversation_id.eq(messages::conversation_id))
        .filter(message_exclusions::position.eq(messages::position));
    // A single value is looked up for each conversation, however often others sent the pin.
    let held = messages::table
        .filter(messages::pin_id.eq(pin.get()))
        .filter(messages::conversation_id.eq(conversations::id))
        .filter(messages::deleted_at.is_null())
        .filter(not(exists(excluded)))
        .select(messages::position)
        .limit(1)
        .single_value();
    let keys: Vec<Option<String>> = on!(conn, c => conversations::table
        .inner_join(memberships::table)
        .filter(conversations::creation_key.eq_any(keys))
        .filter(memberships::user_id.eq(me.get()))
        .filter(memberships::state.eq(MembershipState::Member.name()))
        .filter(held.is_not_null())
        .select(conversations::creation_key)
        .load(c))?;
    Ok(keys
        .into_iter()
        .filter_map(|key| by_key.get(&key?).copied())
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
        self.read_at(move |conn| {
            conn.snapshot(|conn| page(conn, caller, query.as_ref(), from, size))
        })
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
        self.read_at(move |conn| {
            conn.snapshot(|conn| {
                tx::consider(conn, &source, |tx| pin_snapshots::sendable(tx, access, pin))?;
                let (page, seq) = page(conn, caller, query.as_ref(), from, size)?;
                let holders = holders(conn, caller, pin, &page.items)?;
                let chosen = page.map(|contact| PinContact {
                    already_sent: holders.contains(&contact.person.id),
                    contact,
                });
                Ok((chosen, seq))
            })
        })
        .await
    }
}
