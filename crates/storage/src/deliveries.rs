//! Delivery marks: up to where messages have reached a member's devices.

use pinwire_domain::event::EventKind;
use pinwire_domain::{ConversationId, UserId};

use crate::Store;
use crate::conversations;
use crate::db::tx::{LockKey, Step, Tx};
use crate::error::Result;
use crate::log::{About, NewEvent};

/// Moves the mark, never back, and tells all members. Who takes no part any more is told of nothing, and has no mark.
fn deliver(tx: &mut Tx<'_>, user: UserId, id: ConversationId, position: i64) -> Step<()> {
    tx.lock(LockKey::Conversation(id.get()))?;
    tx.rows.conversations.want(id);
    let mut members = conversations::members(tx, id)?;
    let Some(mine) = members.present_mut(user) else {
        return Ok(());
    };
    let position = position.min(conversations::row(tx, id)?.last_position);
    if position <= mine.delivered_position {
        return Ok(());
    }
    mine.delivered_position = position;
    tx.rows.members.put(id, members);
    let at = tx.source.now();
    tx.emit(NewEvent {
        at,
        kind: EventKind::DeliveryUpdated,
        actor: user,
        about: About::Conversation(id),
    });
    Ok(())
}

impl Store {
    /// Notes that the messages of these conversations have reached a device of the caller up to these positions.
    pub async fn deliver(&self, user: UserId, marks: Vec<(ConversationId, i64)>) -> Result<()> {
        let locks = marks
            .iter()
            .map(|(id, _)| LockKey::Conversation(id.get()))
            .collect();
        self.decide(locks, move |tx| {
            for (id, position) in &marks {
                deliver(tx, user, *id, *position)?;
            }
            Ok(())
        })
        .await
    }
}
