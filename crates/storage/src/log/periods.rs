//! Times of membership that begin and end with an event: who reads what of the log.

use diesel::prelude::*;
use pinwire_domain::{ConversationId, UserId};

use super::LoggedEvent;
use crate::db::tx::Emitted;
use crate::db::{Conn, on};
use crate::error::Result;
use crate::schema::membership_periods;

/// What an event does to the time of somebody's membership.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PeriodChange {
    /// The event is the first one the person hears.
    Begins {
        user: UserId,
        /// The first message they see.
        first_position: i64,
    },
    /// The event is the first one the person does not hear.
    Ends {
        user: UserId,
        /// The last message they saw.
        last_position: i64,
    },
}

/// Writes down what these events begin and end. Only here it is known where in the log they stand.
pub(super) fn change(conn: &mut Conn, events: &[LoggedEvent], new: &[Emitted]) -> Result<()> {
    for (event, emitted) in events.iter().zip(new) {
        for change in &emitted.periods {
            if let Some(conversation) = event.of_conversation() {
                write(conn, (conversation, event.seq - 1), *change)?;
            }
        }
    }
    Ok(())
}

fn write(conn: &mut Conn, (id, before): (ConversationId, i64), change: PeriodChange) -> Result<()> {
    match change {
        PeriodChange::Begins {
            user,
            first_position,
        } => on!(conn, c => diesel::insert_into(membership_periods::table)
            .values((
                membership_periods::user_id.eq(user.get()),
                membership_periods::conversation_id.eq(id.get()),
                membership_periods::joined_seq.eq(before),
                membership_periods::first_position.eq(first_position),
            ))
            .execute(c))?,
        PeriodChange::Ends {
            user,
            last_position,
        } => on!(conn, c => diesel::update(membership_periods::table
                .filter(membership_periods::user_id.eq(user.get()))
                .filter(membership_periods::conversation_id.eq(id.get()))
                .filter(membership_periods::left_seq.is_null()))
            .set((
                membership_periods::left_seq.eq(before),
                membership_periods::last_position.eq(last_position),
            ))
            .execute(c))?,
    };
    Ok(())
}
