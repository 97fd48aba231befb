//! What the receiver's gate needs to know.

use std::collections::{BTreeSet, HashSet};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use pinwire_domain::conversation::{ConversationKind, MembershipState};
use pinwire_domain::policy::{self, ContactPolicy, Gate, Landing, Relation};
use pinwire_domain::{ConversationId, Refusal, UserId};

use crate::conversations;
use crate::db::loaded::Entity;
use crate::db::many::{self, Table};
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::schema::blocks;
use crate::settings::{self, PolicyRow, PolicySql};

/// That one person has blocked another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block;

/// Who blocked, and whom.
type BlockKey = (UserId, UserId);

const BLOCKS: Table = Table {
    name: "blocks",
    key: &["blocker_id", "blocked_id"],
    columns: &[],
};

impl Entity for Block {
    type Key = BlockKey;

    fn load(conn: &mut Conn, keys: &[BlockKey]) -> Result<Vec<(BlockKey, Self)>> {
        let values =
            |(blocker, blocked): &BlockKey| vec![blocker.get().into(), blocked.get().into()];
        let keys = keys.iter().map(values).collect();
        let rows = many::select::<(BigInt, BigInt), (i64, i64)>(conn, &BLOCKS, keys)?;
        let found = rows.into_iter();
        Ok(found
            .map(|(blocker, blocked)| ((UserId::new(blocker), UserId::new(blocked)), Self))
            .collect())
    }
}

/// What one person has to do with another, and where they want first messages to land.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    relation: Relation,
    policy: ContactPolicy,
}

const RELATIONS: Table = Table {
    name: "relations",
    key: &["user_id", "other_id"],
    columns: &[
        "i_follow",
        "follows_me",
        "talked_before",
        "blocked",
        "from_mutual",
        "from_followed",
        "from_talked",
        "from_followers",
        "from_everyone",
    ],
};

impl Entity for Standing {
    /// Who receives, and who sends.
    type Key = (UserId, UserId);

    fn load(conn: &mut Conn, keys: &[Self::Key]) -> Result<Vec<(Self::Key, Self)>> {
        type Sql = ((BigInt, BigInt), (Bool, Bool, Bool, Bool), PolicySql);
        type Row = ((i64, i64), (bool, bool, bool, bool), PolicyRow);
        let values = |(user, other): &Self::Key| vec![user.get().into(), other.get().into()];
        let keys = keys.iter().map(values).collect();
        let rows = many::select::<Sql, Row>(conn, &RELATIONS, keys)?;
        let standing = |((user, other), facts, policy): Row| {
            let (i_follow, follows_me, talked_before, blocked) = facts;
            let relation = Relation {
                i_follow,
                follows_me,
                talked_before,
                blocked,
            };
            let policy = settings::policy(policy);
            let key = (UserId::new(user), UserId::new(other));
            (key, Self { relation, policy })
        };
        Ok(rows.into_iter().map(standing).collect())
    }
}

/// Where a first message of `sender` lands with each of `receivers`.
pub(crate) fn landings(
    tx: &mut Tx<'_>,
    sender: UserId,
    receivers: &[UserId],
) -> Step<Vec<(UserId, Landing)>> {
    for receiver in receivers {
        tx.rows.relations.want((*receiver, sender));
    }
    let mut landings = Vec::with_capacity(receivers.len());
    for receiver in receivers {
        let standing = tx.rows.relations.get(&(*receiver, sender))?;
        let standing = standing.ok_or(Refusal::UserNotFound)?;
        let landing = policy::landing(standing.relation, standing.policy);
        landings.push((*receiver, landing));
    }
    Ok(landings)
}

/// Where an act of `sender` lands with each of these members of a conversation that `sender` is in, too.
pub(crate) fn gates(
    tx: &mut Tx<'_>,
    sender: UserId,
    members: &[UserId],
) -> Step<Vec<(UserId, Gate)>> {
    for member in members {
        tx.rows.blocks.want((*member, sender));
    }
    let mut gates = Vec::with_capacity(members.len());
    for member in members {
        let blocked = tx.rows.blocks.get(&(*member, sender))?.is_some();
        gates.push((*member, policy::gate_of_member(blocked)));
    }
    Ok(gates)
}

/// The members who have blocked `user`, and so do not see what they do.
pub(crate) fn withheld_from(
    tx: &mut Tx<'_>,
    user: UserId,
    id: ConversationId,
) -> Step<Vec<UserId>> {
    tx.lock(LockKey::Conversation(id.get()))?;
    let members = conversations::members_for(tx, user, id)?;
    let others: Vec<UserId> = members
        .0
        .iter()
        .filter(|m| m.has_blocks && m.state == MembershipState::Member && m.user() != user)
        .map(|m| m.user())
        .collect();
    let gates = gates(tx, user, &others)?;
    let withheld = gates.into_iter().filter(|(_, g)| *g == Gate::Withheld);
    Ok(withheld.map(|(person, _)| person).collect())
}

/// Whether signs of two people (typing, presence) pass between them, given whether the one has blocked the other and
/// the other way round: what the gate withholds in either direction, neither sees.
pub(crate) const fn lets_signs_pass((has_blocked, is_blocked): (bool, bool)) -> bool {
    passes(has_blocked) && passes(is_blocked)
}

const fn passes(blocked: bool) -> bool {
    !matches!(policy::gate_of_member(blocked), Gate::Withheld)
}

/// Whether a conversation is that of `user` and somebody whom `user` has blocked.
pub(crate) fn is_with_blocked(tx: &mut Tx<'_>, user: UserId, id: ConversationId) -> Step<bool> {
    let members = conversations::members_for(tx, user, id)?;
    let mine = members.0.iter().find(|m| m.user() == user);
    if !mine.is_some_and(|m| m.has_blocks)
        || conversations::row(tx, id)?.kind != ConversationKind::Direct
    {
        return Ok(false);
    }
    let other = members.0.iter().find(|m| m.user() != user);
    other.map_or(Ok(false), |other| has_blocked(tx, user, other.user()))
}

/// Which of `blockers` have blocked which of `people`: who, and whom.
pub(crate) fn blocks_among(
    conn: &mut Conn,
    blockers: &BTreeSet<i64>,
    people: &BTreeSet<i64>,
) -> Result<HashSet<(UserId, UserId)>> {
    let rows: Vec<(i64, i64)> = on!(conn, c => blocks::table
        .filter(blocks::blocker_id.eq_any(blockers))
        .filter(blocks::blocked_id.eq_any(people))
        .select((blocks::blocker_id, blocks::blocked_id))
        .load(c))?;
    let pairs = rows.into_iter();
    Ok(pairs
        .map(|(blocker, blocked)| (UserId::new(blocker), UserId::new(blocked)))
        .collect())
}

/// Whether `person` has blocked `other`.
pub(crate) fn has_blocked(tx: &mut Tx<'_>, person: UserId, other: UserId) -> Step<bool> {
    Ok(tx.rows.blocks.get(&(person, other))?.is_some())
}
