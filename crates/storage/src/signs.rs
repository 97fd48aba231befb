//! Who may see signs of whom: that somebody is typing, or online. A sign is no event, and nothing is written.

use diesel::prelude::*;
use pinwire_domain::conversation::MembershipState;
use pinwire_domain::{ConversationId, Refusal, UserId};

use crate::Store;
use crate::db::{Conn, on};
use crate::error::Result;
use crate::safety;
use crate::schema::companion_signs;

/// Who types in a conversation, for whom; and whether one has blocked the other.
fn typing_audience(conn: &mut Conn, user: UserId, id: ConversationId) -> Result<Vec<UserId>> {
    type Row = (String, (i64, String), (bool, bool), (bool, bool));
    let rows: Vec<Row> = on!(conn, c => companion_signs::table
        .filter(companion_signs::conversation_id.eq(id.get()))
        .filter(companion_signs::user_id.eq(user.get()))
        .select((
            companion_signs::state,
            (companion_signs::other_id, companion_signs::other_state),
            (companion_signs::typing, companion_signs::other_typing),
            (companion_signs::has_blocked, companion_signs::is_blocked),
        ))
        .load(c))?;
    let member = MembershipState::Member.name();
    let is_member = |(state, ..): &Row| state == member;
    if !rows.first().is_some_and(is_member) {
        return Err(Refusal::ConversationNotFound.into());
    }
    let sees = rows.into_iter().filter_map(|(_, other, typing, blocks)| {
        let (id, state) = other;
        let shown = state == member && typing == (true, true) && safety::lets_signs_pass(blocks);
        shown.then(|| UserId::new(id))
    });
    Ok(sees.collect())
}

/// Those of `others` who see whether `user` is online, and whom `user` sees in turn.
fn see_presence(conn: &mut Conn, user: UserId, others: &[i64]) -> Result<Vec<UserId>> {
    let member = MembershipState::Member.name();
    let rows: Vec<(i64, (bool, bool))> = on!(conn, c => companion_signs::table
        .filter(companion_signs::user_id.eq(user.get()))
        .filter(companion_signs::state.eq(member))
        .filter(companion_signs::other_id.eq_any(others))
        .filter(companion_signs::other_state.eq(member))
        .filter(companion_signs::presence.eq(true))
        .filter(companion_signs::other_presence.eq(true))
        .select((
            companion_signs::other_id,
            (companion_signs::has_blocked, companion_signs::is_blocked),
        ))
        .distinct()
        .load(c))?;
    let sees = rows
        .into_iter()
        .filter(|(_, blocks)| safety::lets_signs_pass(*blocks));
    Ok(sees.map(|(other, _)| UserId::new(other)).collect())
}

impl Store {
    /// Those who see that `user` types in this conversation: the other members, where both want it so.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`].
    pub async fn typing_audience(&self, user: UserId, id: ConversationId) -> Result<Vec<UserId>> {
        self.read(move |conn| typing_audience(conn, user, id)).await
    }

    /// Those of `others` who see whether `user` is online, and whom `user` sees in turn: members of a conversation of
    /// theirs, where both want it so.
    pub async fn see_presence(&self, user: UserId, others: &[UserId]) -> Result<Vec<UserId>> {
        let others: Vec<i64> = others.iter().map(|other| other.get()).collect();
        if others.is_empty() {
            return Ok(Vec::new());
        }
        self.read(move |conn| see_presence(conn, user, &others))
            .await
    }
}
