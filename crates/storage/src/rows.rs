//! What acts decide on in memory, kind by kind.

use pinwire_domain::ConversationId;

use crate::conversations::rows::{ConversationOfPeople, ConversationRow, Members, NewPeriod};
use crate::db::Conn;
use crate::db::loaded::{Added, Loaded};
use crate::db::many::Writes;
use crate::error::Result;
use crate::idempotency::KeptOutcome;
use crate::messages::post::{NewExclusion, NewMessage};
use crate::people::{OpenAccount, Username};
use crate::pin_snapshots::SendablePin;
use crate::safety::Block;

/// Does the same with each of these kinds.
macro_rules! each {
    ($rows:expr, [$($name:ident),*], $kind:ident => $does:expr) => {
        $({ let $kind = &mut $rows.$name; $does; })*
    };
}

/// Does the same with each kind that is read.
macro_rules! each_loaded {
    ($rows:expr, $kind:ident => $does:expr) => {
        each!($rows, [usernames, accounts, blocks, pins, conversations_of_people, conversations, members, outcomes],
            $kind => $does)
    };
}

/// Does the same with each kind that is only added.
macro_rules! each_added {
    ($rows:expr, $kind:ident => $does:expr) => {
        each!($rows, [periods, messages, exclusions], $kind => $does)
    };
}

/// The rows that the acts of a batch have to do with.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) usernames: Loaded<Username>,
    pub(crate) accounts: Loaded<OpenAccount>,
    pub(crate) blocks: Loaded<Block>,
    pub(crate) pins: Loaded<SendablePin>,
    pub(crate) conversations_of_people: Loaded<ConversationOfPeople>,
    pub(crate) conversations: Loaded<ConversationRow>,
    pub(crate) members: Loaded<Members>,
    pub(crate) periods: Added<NewPeriod>,
    pub(crate) messages: Added<NewMessage>,
    pub(crate) exclusions: Added<NewExclusion>,
    pub(crate) outcomes: Loaded<KeptOutcome>,
}

impl Rows {
    /// The act that ran stands.
    pub(crate) fn keep(&mut self) {
        each_loaded!(self, kind => kind.keep());
        each_added!(self, kind => kind.keep());
    }

    /// The act that ran does not stand.
    pub(crate) fn undo(&mut self) {
        each_loaded!(self, kind => kind.undo());
        each_added!(self, kind => kind.undo());
    }

    /// Reads what acts asked for.
    pub(crate) fn load(&mut self, conn: &mut Conn) -> Result<()> {
        each_loaded!(self, kind => kind.load(conn)?);
        Ok(())
    }

    /// Writes what the acts decided, but for changes of conversations, which wait for their place in the log.
    pub(crate) fn write(&mut self, conn: &mut Conn) -> Result<()> {
        let mut writes = Writes::default();
        self.conversations.write_new(&mut writes);
        self.members.write(&mut writes);
        self.outcomes.write(&mut writes);
        each_added!(self, kind => kind.write(&mut writes));
        writes.run(conn)
    }

    /// Notes the newest event, and the newest message, of a conversation; false if it is not among the rows.
    pub(crate) fn touch(&mut self, id: ConversationId, last: i64, activity: Option<i64>) -> bool {
        let Some(mut row) = self.conversations.peek(&id).cloned() else {
            return false;
        };
        row.last_seq = last;
        row.activity_seq = activity.unwrap_or(row.activity_seq);
        self.conversations.put(id, row);
        self.conversations.keep();
        true
    }

    /// Adds to `writes` the changes of conversations.
    pub(crate) fn write_conversations(&mut self, writes: &mut Writes) {
        self.conversations.write(writes);
    }
}
