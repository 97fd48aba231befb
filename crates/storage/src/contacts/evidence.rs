//! What speaks for each candidate, read by indexes and within bounds.
//!
//! Nothing is kept for contacts beside the index of words: it all follows from memberships and follows.
//! * Without a query the latest talks and the newest follows are looked at, a fixed number of each.
//! * A query that fits few people of the whole store ([`FEW_MAX`]) looks at just these, so that a contact of
//!   long ago is found too, however many contacts there are.
//! * A query that fits more, such as one letter, goes through the caller's talks and follows as without a query
//!   and counts only those that fit; each is checked by one look into the index of words.

use std::collections::HashMap;

use diesel::dsl::max;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use pinwire_domain::Time;
use pinwire_domain::contact::{Facts, Talk};
use pinwire_domain::conversation::{ConversationKind, MembershipState};
use pinwire_domain::people_query::PeopleQuery;
use serde::{Deserialize, Serialize};

use crate::db::many::{self, Table};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::page::one_more;
use crate::schema::{companions, follows, user_words};
use crate::words::{beyond, with_words};

/// People whom the caller talked with that are looked at, the latest first: for conversations of two and for
/// groups apart, so that a busy group pushes nobody else out.
const TALKS_MAX: usize = 1_000;
/// People the caller follows, and followers, that are looked at, the newest first.
const FOLLOWS_MAX: usize = 2_000;
/// When a query fits no more people in the whole store, just these are looked at.
const FEW_MAX: usize = 1_000;
// Then no bound cuts anybody off.
const _: () = assert!(FEW_MAX <= TALKS_MAX && FEW_MAX <= FOLLOWS_MAX);

/// Where a bound cut a list off: the sorting key and the id of the last one looked at.
type Cut = Option<(i64, i64)>;
/// Before all that could be cut off.
const START: (i64, i64) = (i64::MIN, i64::MIN);

/// What the first page of a list looked at. The later pages look at the same, without what moved since:
/// so who did not move keeps their place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    /// In milliseconds. Ages are counted from here; what was followed later is left out.
    pub(super) now: i64,
    /// Conversations that moved after this place in the log are left out.
    seq: i64,
    directs: Cut,
    groups: Cut,
    followed: Cut,
    followers: Cut,
}

impl Window {
    /// That of a first page.
    pub(super) const fn new(now: Time, seq: i64) -> Self {
        Self {
            now: now.as_millis(),
            seq,
            directs: None,
            groups: None,
            followed: None,
            followers: None,
        }
    }
}

/// Whom a query is about.
#[derive(Clone, Copy)]
enum Who<'a> {
    Anyone,
    These(&'a [i64]),
    /// Those whom this query fits.
    Named(&'a PeopleQuery),
}

/// Only these people.
macro_rules! about {
    ($query:expr, $person:expr, $who:expr) => {{
        let query = $query.into_boxed();
        match $who {
            Who::Anyone => query,
            Who::These(ids) => query.filter($person.eq_any(ids)),
            Who::Named(asked) => {
                let prefixes = asked
                    .others()
                    .iter()
                    .map(String::as_str)
                    .chain([asked.leading()]);
                with_words!(query, $person, prefixes)
            }
        }
    }};
}

/// Those whom the query fits, if they are few.
fn few(conn: &mut Conn, query: &PeopleQuery) -> Result<Option<Vec<i64>>> {
    let leading = query.leading();
    let mut ids: Vec<i64> = on!(conn, c => with_words!(
            user_words::table
                .filter(user_words::word.ge(leading).and(user_words::word.lt(beyond(leading))))
                .order((user_words::word, user_words::user_id))
                .limit(one_more(FEW_MAX))
                .select(user_words::user_id)
                .into_boxed(),
            user_words::user_id,
            query.others().iter().map(String::as_str)
        )
        .load(c))?;
    if ids.len() > FEW_MAX {
        return Ok(None);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(Some(ids))
}

/// Takes the row beyond the bound away, and remembers it.
fn cut<T>(rows: &mut Vec<T>, bound: usize, at: &mut Cut, place: impl FnOnce(&T) -> (i64, i64)) {
    if rows.len() > bound {
        rows.truncate(bound);
        *at = rows.last().map(place);
    }
}

/// A person talked with: id, latest activity, and the numbers of [`Talk`].
type TalkRow = (
    i64,
    Option<i64>,
    (Option<i64>, Option<i64>, Option<i64>),
    (Option<i64>, Option<i64>),
);

/// Those whom `me` talked with in conversations of this kind, the latest first.
fn talks(
    conn: &mut Conn,
    me: i64,
    kind: ConversationKind,
    who: Who<'_>,
    window: &mut Window,
) -> Result<Vec<TalkRow>> {
    let activity = max(companions::activity_seq).assume_not_null();
    let seq = window.seq;
    let at = match kind {
        ConversationKind::Direct => &mut window.directs,
        ConversationKind::Group => &mut window.groups,
    };
    let from = at.unwrap_or(START);
    let member = MembershipState::Member.name();
    let mut rows: Vec<TalkRow> = on!(conn, c => about!(
            companions::table
                .filter(companions::user_id.eq(me))
                .filter(companions::state.eq(member))
                .filter(companions::kind.eq(kind.name()))
                // In a conversation of two, nobody learns whether the other one answered, ignored or blocked.
                .filter(companions::kind.eq(ConversationKind::Direct.name())
                    .or(companions::other_state.eq(member)))
                .filter(companions::last_message_at.is_not_null())
                .filter(companions::activity_seq.le(seq))
                .group_by(companions::other_id)
                .having(activity.gt(from.0)
                    .or(activity.eq(from.0).and(companions::other_id.ge(from.1))))
                .order((activity.desc(), companions::other_id.desc()))
                .limit(one_more(TALKS_MAX))
                .select((
                    companions::other_id,
                    max(companions::activity_seq),
                    (
                        max(companions::messages_sent),
                        max(companions::pins_sent),
                        max(companions::last_sent_at),
                    ),
                    (
                        max(companions::other_messages_sent),
                        max(companions::other_last_sent_at),
                    ),
                )),
            companions::other_id,
            who
        )
        .load(c))?;
    cut(&mut rows, TALKS_MAX, at, |row| (row.1.unwrap_or(0), row.0));
    Ok(rows)
}

fn talk(row: &TalkRow) -> Talk {
    let (_, _, (sent, pins_sent, last_sent_at), (received, last_received_at)) = *row;
    Talk {
        sent: sent.unwrap_or(0),
        pins_sent: pins_sent.unwrap_or(0),
        last_sent_at: last_sent_at.map(Time::from_millis),
        received: received.unwrap_or(0),
        last_received_at: last_received_at.map(Time::from_millis),
    }
}

/// The two sides of a follow.
#[derive(Clone, Copy)]
enum Side {
    Followed,
    Followers,
}

impl Side {
    const BOTH: [Self; 2] = [Self::Followed, Self::Followers];

    const fn fact(self, facts: &mut Facts) -> &mut bool {
        match self {
            Self::Followed => &mut facts.i_follow,
            Self::Followers => &mut facts.follows_me,
        }
    }

    const fn cut(self, window: &mut Window) -> &mut Cut {
        match self {
            Self::Followed => &mut window.followed,
            Self::Followers => &mut window.followers,
        }
    }
}

/// Those of the newest follows of `me` on this side, back to `at`.
fn newest_follows(
    conn: &mut Conn,
    me: i64,
    side: Side,
    who: Who<'_>,
    (now, at): (i64, &mut Cut),
) -> Result<Vec<i64>> {
    let from = at.unwrap_or(START);
    macro_rules! newest {
        ($me_is:expr, $person:expr) => {
            on!(conn, c => about!(
                    follows::table
                        .filter($me_is.eq(me))
                        .filter(follows::created_at.le(now))
                        .filter(follows::created_at.gt(from.0)
                            .or(follows::created_at.eq(from.0).and($person.ge(from.1))))
                        .order((follows::created_at.desc(), $person.desc()))
                        .limit(one_more(FOLLOWS_MAX))
                        .select((follows::created_at, $person)),
                    $person,
                    who
                )
                .load(c))?
        };
    }
    let mut rows: Vec<(i64, i64)> = match side {
        Side::Followed => newest!(follows::follower_id, follows::followed_id),
        Side::Followers => newest!(follows::followed_id, follows::follower_id),
    };
    cut(&mut rows, FOLLOWS_MAX, at, |row| *row);
    Ok(rows.into_iter().map(|(_, person)| person).collect())
}

const FOLLOWS: Table = Table {
    name: "follows",
    key: &["follower_id", "followed_id"],
    columns: &["created_at"],
};

/// Which of these people are on this side of a follow of `me`: each is looked up by key, however many follows
/// there are.
fn follows_among(
    conn: &mut Conn,
    me: i64,
    side: Side,
    people: &[i64],
    now: i64,
) -> Result<Vec<i64>> {
    let key = |person: &i64| match side {
        Side::Followed => vec![me.into(), (*person).into()],
        Side::Followers => vec![(*person).into(), me.into()],
    };
    let keys = people.iter().map(key).collect();
    let rows = many::select::<(BigInt, BigInt, BigInt), (i64, i64, i64)>(conn, &FOLLOWS, keys)?;
    let known = rows
        .into_iter()
        .filter(|(.., created_at)| *created_at <= now);
    Ok(known
        .map(|(follower, followed, _)| match side {
            Side::Followed => followed,
            Side::Followers => follower,
        })
        .collect())
}

/// What is known of each candidate of `me`; with a query, of those whom it fits.
pub(super) fn gather(
    conn: &mut Conn,
    me: i64,
    query: Option<&PeopleQuery>,
    window: &mut Window,
) -> Result<HashMap<i64, Facts>> {
    let few = query.map(|query| few(conn, query)).transpose()?.flatten();
    let who = match (&few, query) {
        (Some(ids), _) if ids.is_empty() => return Ok(HashMap::new()),
        (Some(ids), _) => Who::These(ids),
        (None, Some(query)) => Who::Named(query),
        (None, None) => Who::Anyone,
    };
    let now = window.now;
    let mut all: HashMap<i64, Facts> = HashMap::new();
    for row in talks(conn, me, ConversationKind::Direct, who, window)? {
        all.entry(row.0).or_default().direct = talk(&row);
    }
    for row in talks(conn, me, ConversationKind::Group, who, window)? {
        all.entry(row.0).or_default().groups = talk(&row);
    }
    for side in Side::BOTH {
        for person in newest_follows(conn, me, side, who, (now, side.cut(window)))? {
            *side.fact(all.entry(person).or_default()) = true;
        }
    }
    // Those whose follow a bound cut off may be candidates all the same.
    for side in Side::BOTH {
        if side.cut(window).is_none() {
            continue;
        }
        let lacking = all
            .iter_mut()
            .filter_map(|(id, facts)| (!*side.fact(facts)).then_some(*id));
        let lacking: Vec<i64> = lacking.collect();
        for person in follows_among(conn, me, side, &lacking, now)? {
            *side.fact(all.entry(person).or_default()) = true;
        }
    }
    Ok(all)
}
