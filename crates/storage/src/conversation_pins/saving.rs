//! Saving a pin from the message that brought it. The act works with the connection.

use pinwire_domain::board::Access;
use pinwire_domain::event::EventKind;
use pinwire_domain::reaction::By;
use pinwire_domain::save::Save;
use pinwire_domain::{BoardId, ConversationId, PinId, Refusal};

use super::marks::Marks;
use crate::boards::creation_locks;
use crate::db::tx::{LockKey, Step, Tx};
use crate::error::Result;
use crate::idempotency::{IdempotencyKey, Keep, Made};
use crate::log::{About, NewEvent};
use crate::messages::{self, Place};
use crate::{Store, pins, safety, settings};

fn save(tx: &mut Tx<'_>, access: Access, place: Place, board: Option<BoardId>) -> Step<i64> {
    let (user, id) = (access.user, place.0);
    let withheld_from = safety::withheld_from(tx, user, id)?;
    let message = messages::visible(tx.conn()?, (user, id), place.1)?.0;
    if message.deleted_at.is_some() {
        return Err(Refusal::MessageDeleted.into());
    }
    let sent = message.pin.ok_or(Refusal::NoPinInMessage)?;
    let pin = PinId::new(sent.snapshot.id);
    let made = pins::save(tx, access, pin, board)?;
    let is_told = settings::of(tx.conn()?, user)?.values.pin_saved_notice;
    let mut marks = Marks::read(tx.conn()?, id, pin)?;
    let by = By {
        user,
        withheld_from,
    };
    if marks.saves.add(Save { by, is_told }) {
        marks.write(tx.conn()?, id, pin)?;
        let at = tx.source.now();
        tx.emit(NewEvent {
            at,
            kind: EventKind::PinSaved,
            actor: user,
            about: About::Pin(id, pin),
        });
    }
    Ok(made)
}

impl Store {
    /// Makes a pin of the caller's from the one that a message carries, as it is now, on the caller's board or on none.
    /// The conversation shows who saved it, if the caller's settings let others know.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`], [`Refusal::MessageNotFound`], [`Refusal::MessageDeleted`],
    /// [`Refusal::NoPinInMessage`], and those of [`Store::save_pin`].
    pub async fn save_sent_pin(
        &self,
        access: Access,
        place: (ConversationId, i64),
        board: Option<BoardId>,
        key: Option<IdempotencyKey>,
    ) -> Result<Made<PinId>> {
        let mut locks = creation_locks(access.user, key.as_ref());
        locks.push(LockKey::Conversation(place.0.get()));
        let made = self.act(locks, move |tx| {
            tx.once(access.user, key.as_ref(), Keep::Day, |tx| {
                save(tx, access, place, board)
            })
        });
        Ok(made.await?.map(PinId::new))
    }
}
