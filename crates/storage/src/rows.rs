//! What acts decide on in memory, kind by kind.

use std::collections::BTreeSet;
use std::sync::Arc;

use pinwire_domain::ConversationId;

use crate::board_snapshots::ShareableBoard;
use crate::conversations::periods::NewPeriod;
use crate::conversations::rows::{ConversationOfPeople, ConversationRow, Members};
use crate::conversations::{Known, Still};
use crate::db::Conn;
use crate::db::loaded::{Added, Loaded};
use crate::db::many::Writes;
use crate::drafts::Draft;
use crate::error::Result;
use crate::idempotency::KeptOutcome;
use crate::links::texts::Listed;
use crate::log::LoggedEvent;
use crate::messages::Message;
use crate::messages::content::SeenPin;
use crate::messages::post::{NewExclusion, NewMessage};
use crate::messages::quotes::Quote;
use crate::people::{OpenAccount, Username};
use crate::pin_snapshots::SendablePin;
use crate::requests::NewInvitation;
use crate::safety::{Block, Standing};

/// Does the same with each of these kinds.
macro_rules! each {
    ($rows:expr, [$($name:ident),*], $kind:ident => $does:expr) => {
        $({ let $kind = &mut $rows.$name; $does; })*
    };
}

/// Does the same with each kind that is read.
macro_rules! each_loaded {
    ($rows:expr, $kind:ident => $does:expr) => {
        each!($rows, [usernames, accounts, blocks, relations, pins, boards, listed_domains, quotes, originals, seen_pins, conversations_of_people,
            conversations, members, drafts, outcomes], $kind => $does)
    };
}

/// Does the same with each kind that is only added.
macro_rules! each_added {
    ($rows:expr, $kind:ident => $does:expr) => {
        each!($rows, [periods, messages, exclusions, invitations], $kind => $does)
    };
}

/// Rows of a kind that a writer keeps in memory from one batch to the next at most.
const KEPT_MAX: usize = 4_096;

/// The rows that the acts of a batch have to do with.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) usernames: Loaded<Username>,
    pub(crate) accounts: Loaded<OpenAccount>,
    pub(crate) blocks: Loaded<Block>,
    /// Of a receiver and a sender.
    pub(crate) relations: Loaded<Standing>,
    pub(crate) pins: Loaded<SendablePin>,
    pub(crate) boards: Loaded<ShareableBoard>,
    pub(crate) listed_domains: Loaded<Listed>,
    /// Messages that are answered or passed on.
    pub(crate) quotes: Loaded<Quote>,
    /// Messages that are passed on, whole.
    pub(crate) originals: Loaded<Message>,
    pub(crate) seen_pins: Loaded<SeenPin>,
    pub(crate) conversations_of_people: Loaded<ConversationOfPeople>,
    pub(crate) conversations: Loaded<ConversationRow>,
    pub(crate) members: Loaded<Members>,
    pub(crate) drafts: Loaded<Draft>,
    pub(crate) periods: Added<NewPeriod>,
    pub(crate) messages: Added<NewMessage>,
    pub(crate) exclusions: Added<NewExclusion>,
    pub(crate) invitations: Added<NewInvitation>,
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

    /// Adds to `writes` what the acts decided.
    pub(crate) fn write(&mut self, writes: &mut Writes) {
        self.conversations.write(writes);
        self.members.write(writes);
        self.drafts.write(writes);
        self.outcomes.write(writes);
        each_added!(self, kind => kind.write(writes));
    }

    /// Notes the newest of these events, and the newest message, of a conversation; false if it is not among the rows.
    pub(crate) fn touch(
        &mut self,
        id: ConversationId,
        (last, activity): (i64, Option<i64>),
        events: &[LoggedEvent],
    ) -> bool {
        self.place_stills(id, events);
        self.conversations.amend(&id, |row| {
            row.last_seq = last;
            row.activity_seq = activity.unwrap_or(row.activity_seq);
        })
    }

    /// Gives the places of the conversation in the lists of those for whom it stands still since this batch.
    fn place_stills(&mut self, id: ConversationId, events: &[LoggedEvent]) {
        let Some(before) = self.conversations.peek(&id).map(|row| row.activity_seq) else {
            return;
        };
        let lacks = |still: &Still| still.seq.is_none();
        let known = self.members.peek(&id);
        let lacking = known.is_some_and(|members| {
            let mut stills = members.0.iter().filter_map(|m| m.still.as_ref());
            stills.any(lacks)
        });
        if !lacking {
            return;
        }
        self.members.amend(&id, |members| {
            for member in &mut members.0 {
                let member = Arc::make_mut(member);
                if let Some(still) = member.still.as_mut().filter(|it| lacks(it)) {
                    let mut of_conversation = events.iter().filter(|e| e.conversation == Some(id));
                    let brought = of_conversation
                        .find(|e| e.kind.brings_message() && e.position == Some(still.position));
                    still.seq = Some(brought.map_or(before, |event| event.seq));
                }
            }
        });
    }

    /// Forgets what belongs to these conversations, also which people one is found by: a change may end that.
    pub(crate) fn forget(&mut self, changed: &BTreeSet<ConversationId>) {
        self.conversations.forget(|id, _| changed.contains(id));
        self.members.forget(|id, _| changed.contains(id));
        let found = &mut self.conversations_of_people;
        found.forget(|_, it| it.is_some_and(|it| changed.contains(&it.0)));
    }

    /// A conversation and its members, if both are among the rows.
    pub(crate) fn known(&self, id: ConversationId) -> Option<Known> {
        let members = self.members.peek(&id)?.clone();
        let row = self.conversations.peek(&id)?.clone();
        Some(Known { row, members })
    }

    /// What of these rows may serve the next batch, too: conversations with their members, how they are found, and who
    /// has blocked whom or not. Also where somebody has blocked a member: that one's acts must take no longer for it.
    pub(crate) fn into_kept(self) -> Self {
        let mut kept = Self {
            conversations: self.conversations,
            members: self.members,
            conversations_of_people: self.conversations_of_people,
            blocks: self.blocks,
            ..Self::default()
        };
        kept.conversations
            .keep_for_later(KEPT_MAX, |it| it.is_some());
        kept.members
            .keep_for_later(KEPT_MAX, |it| it.is_some_and(Members::all_counted));
        kept.conversations_of_people
            .keep_for_later(KEPT_MAX, |it| it.is_some());
        kept.blocks.keep_for_later(KEPT_MAX, |_| true);
        kept
    }
}
