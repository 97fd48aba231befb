//! Reactions to a pin in a conversation. The act works with the connection.

use pinwire_domain::event::EventKind;
use pinwire_domain::reaction::{By, Emoji};
use pinwire_domain::{ConversationId, PinId, UserId};

use super::marks::Marks;
use super::require_sent;
use crate::Store;
use crate::db::tx::{LockKey, Step, Tx};
use crate::error::Result;
use crate::log::{About, NewEvent};
use crate::safety;

fn react(
    tx: &mut Tx<'_>,
    (user, id): (UserId, ConversationId),
    pin: PinId,
    emoji: &Emoji,
    adds: bool,
) -> Step<()> {
    let withheld_from = if adds {
        safety::withheld_from(tx, user, id)?
    } else {
        Vec::new()
    };
    tx.lock(LockKey::Conversation(id.get()))?;
    require_sent(tx.conn()?, (user, id), pin)?;
    let mut marks = Marks::read(tx.conn()?, id, pin)?;
    let by = By {
        user,
        withheld_from,
    };
    let changed = if adds {
        marks.reactions.add(emoji, by)?
    } else {
        marks.reactions.remove(emoji, user)
    };
    if !changed {
        return Ok(());
    }
    marks.write(tx.conn()?, id, pin)?;
    let at = tx.source.now();
    tx.emit(NewEvent {
        at,
        kind: EventKind::ReactionChanged,
        actor: user,
        about: About::Pin(id, pin),
    });
    Ok(())
}

impl Store {
    /// Puts `user`'s reaction to a pin in a conversation, or takes it back. A repeat does nothing.
    ///
    /// # Errors
    /// [`pinwire_domain::Refusal::ConversationNotFound`]; [`pinwire_domain::Refusal::PinNotFound`] for a pin that the
    /// user does not see there; [`pinwire_domain::Refusal::TooManyReactions`].
    pub async fn react_to_pin(
        &self,
        (user, id): (UserId, ConversationId),
        pin: PinId,
        emoji: Emoji,
        adds: bool,
    ) -> Result<()> {
        let locks = vec![LockKey::Conversation(id.get())];
        self.act(locks, move |tx| react(tx, (user, id), pin, &emoji, adds))
            .await
    }
}
