//! Times of membership, as acts write them.

use pinwire_domain::{ConversationId, UserId};

use crate::db::loaded::Addition;
use crate::db::many::{Table, Values};

const PERIODS: Table = Table {
    name: "membership_periods",
    key: &["user_id", "conversation_id", "joined_seq"],
    columns: &["first_position"],
};

/// A time of membership that begins.
#[derive(Debug, Clone)]
pub(crate) struct NewPeriod {
    pub(crate) user: UserId,
    pub(crate) conversation: ConversationId,
    /// The seq before the first event that is seen.
    pub(crate) joined_seq: i64,
    /// The first message that is seen.
    pub(crate) first_position: i64,
}

impl Addition for NewPeriod {
    const TABLE: Table = PERIODS;

    fn values(&self) -> Values {
        vec![
            self.user.get().into(),
            self.conversation.get().into(),
            self.joined_seq.into(),
            self.first_position.into(),
        ]
    }
}
