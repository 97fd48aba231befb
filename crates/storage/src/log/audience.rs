//! Whom events concern, as the database tells it.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use pinwire_domain::conversation::MembershipState;
use pinwire_domain::{ConversationId, UserId};

use crate::db::{Conn, on};
use crate::error::Result;
use crate::log::LoggedEvent;
use crate::safety;
use crate::schema::{companions, membership_periods};

/// Who shows in a conversation: its members, and those who may have written there before they went. Not who is asked
/// into it, or ignores that.
pub(super) const SHOWN: [&str; 3] = [
    MembershipState::Member.name(),
    MembershipState::Left.name(),
    MembershipState::Removed.name(),
];

/// A time in which somebody was a member: person, first and last seq.
type Period = (i64, i64, Option<i64>);

/// The times of membership in these conversations.
fn periods(conn: &mut Conn, ids: &BTreeSet<i64>) -> Result<HashMap<i64, Vec<Period>>> {
    let mut all: HashMap<i64, Vec<Period>> = HashMap::with_capacity(ids.len());
    if ids.is_empty() {
        return Ok(all);
    }
    let rows: Vec<(i64, Period)> = on!(conn, c => membership_periods::table
        .filter(membership_periods::conversation_id.eq_any(ids))
        .select((
            membership_periods::conversation_id,
            (
                membership_periods::user_id,
                membership_periods::joined_seq,
                membership_periods::left_seq,
            ),
        ))
        .load(c))?;
    for (id, period) in rows {
        all.entry(id).or_default().push(period);
    }
    Ok(all)
}

/// The people each event concerns. Three statements, however many events there are.
pub(crate) fn audiences(conn: &mut Conn, list: &[LoggedEvent]) -> Result<Vec<Vec<UserId>>> {
    let ids: BTreeSet<i64> = list
        .iter()
        .filter_map(|e| e.conversation)
        .map(ConversationId::get)
        .collect();
    let periods = periods(conn, &ids)?;
    let actors: BTreeSet<i64> = list
        .iter()
        .filter(|e| e.user.is_none() && e.conversation.is_none())
        .map(|e| e.actor.get())
        .collect();
    let known = acquaintances(conn, &actors)?;
    let audience = |event: &LoggedEvent| match (event.user, event.conversation) {
        (Some(user), _) => vec![user],
        (None, Some(conversation)) => periods
            .get(&conversation.get())
            .into_iter()
            .flatten()
            .filter(|(_, joined, left)| {
                *joined < event.seq && left.is_none_or(|left| event.seq <= left)
            })
            .map(|(user, ..)| UserId::new(*user))
            .collect(),
        (None, None) => known.get(&event.actor).cloned().unwrap_or_default(),
    };
    Ok(list.iter().map(audience).collect())
}

/// For each of these people, themselves and all who share a conversation with them, but those who have blocked them.
fn acquaintances(conn: &mut Conn, people: &BTreeSet<i64>) -> Result<HashMap<UserId, Vec<UserId>>> {
    let mut all: HashMap<UserId, Vec<UserId>> = people
        .iter()
        .map(|person| (UserId::new(*person), vec![UserId::new(*person)]))
        .collect();
    if people.is_empty() {
        return Ok(all);
    }
    let rows: Vec<(i64, i64)> = on!(conn, c => companions::table
        .filter(companions::user_id.eq_any(people))
        .filter(companions::state.eq_any(SHOWN))
        .filter(companions::other_state.eq(MembershipState::Member.name()))
        .select((companions::user_id, companions::other_id))
        .distinct()
        .load(c))?;
    let others = rows.iter().map(|(_, other)| *other).collect();
    let blocks = safety::blocks_among(conn, &others, people)?;
    for (person, other) in rows {
        let (person, other) = (UserId::new(person), UserId::new(other));
        if !blocks.contains(&(other, person)) {
            all.entry(person).or_default().push(other);
        }
    }
    Ok(all)
}
