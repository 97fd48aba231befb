//! A person's conversations that hold a pin.

use pinwire_domain::PinId;
use pinwire_domain::board::Access;

use crate::error::Result;
use crate::inbox::{self, ActivityMark, ConversationPage, Which};
use crate::{Snapshot, Store, log, pins};

impl Store {
    /// A page of the caller's conversations in which they see this pin, archived and hidden ones too, newest activity
    /// first.
    ///
    /// # Errors
    /// [`pinwire_domain::Refusal::PinNotFound`] for a pin that the caller sees neither there nor by itself.
    pub async fn conversations_with_pin(
        &self,
        access: Access,
        pin: PinId,
        after: Option<ActivityMark>,
        size: usize,
    ) -> Result<Snapshot<ConversationPage>> {
        self.read_at(move |conn| {
            conn.snapshot(|conn| {
                let (page, seq) = inbox::page(conn, access.user, Which::WithPin(pin), after, size)?;
                if page.items.is_empty() && after.is_none() {
                    pins::require_seen(conn, access, pin)?;
                }
                Ok((page, log::known_head(conn, seq)?))
            })
        })
        .await
    }
}
