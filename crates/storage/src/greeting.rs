//! What a stream of events begins with.

use pinwire_domain::event::Cursor;
use pinwire_domain::{Refusal, UserId};

use crate::error::Result;
use crate::events::{self, ResyncReason};
use crate::inbox::{self, UnreadTotals};
use crate::people::{self, Person};
use crate::{Snapshot, Store};

/// What a stream begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// Whose stream it is.
    pub person: Person,
    /// What is unread.
    pub unread: UnreadTotals,
    /// Why the cursor that the stream is to go on from is of no use, if it is not.
    pub resync: Option<ResyncReason>,
}

impl Store {
    /// What a stream begins with that goes on from `after`, or from the log's head.
    ///
    /// # Errors
    /// [`Refusal::UserNotFound`].
    pub async fn greet(&self, user: UserId, after: Option<Cursor>) -> Result<Snapshot<Greeting>> {
        let (now, epoch) = (self.inner.source.now(), self.epoch().to_owned());
        self.read_later(move |conn| {
            conn.snapshot(|conn| {
                let (unread, seq) = inbox::unread_totals(conn, user, now)?;
                let person = people::load(conn, &[user.get()])?.remove(&user);
                let resync = match after {
                    Some(after) => events::useless(conn, &after, &epoch)?.0,
                    None => None,
                };
                let greeting = Greeting {
                    person: person.ok_or(Refusal::UserNotFound)?,
                    unread,
                    resync,
                };
                Ok((greeting, seq))
            })
        })
        .await
    }
}
