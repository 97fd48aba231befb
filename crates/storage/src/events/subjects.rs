//! What the events of a batch are about, as the batch had it in memory: so it need not be read again for those who
//! are told.
//!
//! It is what was committed, since nobody else touched it: a conversation and its members are locked by who writes
//! them, and heads and profiles change in acts that add to the log, too. [`Subjects::of`] is asked only where nothing
//! was added between the reading and the batch's own place in the log.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use pinwire_domain::event::EventKind;
use pinwire_domain::{ConversationId, UserId};

use super::{StreamEvent, is_for, what};
use crate::conversations::{Conversation, Known, NotKnown};
use crate::db::tx::Emitted;
use crate::log::LoggedEvent;
use crate::messages::{Message, Place};
use crate::rows::Rows;

/// The messages and conversations that a batch's events are about.
#[derive(Debug, Clone, Default)]
pub struct Subjects {
    messages: HashMap<Place, Arc<Message>>,
    conversations: HashMap<ConversationId, Arc<Subject>>,
}

/// A conversation, and what all its members see of it, made when the first of them is told.
#[derive(Debug)]
struct Subject {
    known: Known,
    shown: OnceLock<Arc<Conversation>>,
}

impl Subjects {
    /// What these events are about.
    pub(crate) fn of(events: &[Emitted], rows: &Rows) -> Self {
        let mut all = Self::default();
        for emitted in events {
            if let Some(message) = &emitted.message {
                let place = (message.conversation, message.position);
                all.messages.insert(place, Arc::clone(message));
            }
            let conversation = emitted.event.about.conversation();
            if let Some(id) = conversation.filter(|id| !all.conversations.contains_key(id))
                && let Some(known) = rows.known(id)
            {
                let shown = OnceLock::new();
                all.conversations
                    .insert(id, Arc::new(Subject { known, shown }));
            }
        }
        all
    }

    /// Adds what a later batch left.
    pub fn absorb(&mut self, later: Self) {
        self.messages.extend(later.messages);
        self.conversations.extend(later.conversations);
    }

    /// An event as these people see it; none where it shows nothing to any of them.
    pub(super) fn describe(
        &self,
        event: &LoggedEvent,
        people: &[UserId],
    ) -> Result<Option<StreamEvent>, NotKnown> {
        // Drafts are not among what is kept of a conversation, and who takes no part has no view of it.
        // Neither are the sendings of a pin, nor the last message.
        let known = event.kind != EventKind::DraftUpdated
            && event.kind != EventKind::RequestAccepted
            && !event.tells_outsider()
            && event.pin().is_none();
        let id = event.of_conversation().filter(|_| known);
        let id = id.ok_or(NotKnown)?;
        let subject = self.conversations.get(&id).ok_or(NotKnown)?;
        let message = match event.position {
            // What the batch had is the message as it was sent: a change of it is read.
            Some(position) if event.kind == EventKind::MessageCreated => {
                Some(self.messages.get(&(id, position)).ok_or(NotKnown)?)
            }
            Some(_) => return Err(NotKnown),
            None => None,
        };
        let mut viewers = Vec::with_capacity(people.len());
        for person in people {
            let mine = subject.known.mine(*person)?;
            let mine = mine.filter(|mine| is_for(event, *person, mine));
            viewers.extend(mine.map(|mine| (*person, Some(mine))));
        }
        let conversation = subject.shown(id);
        let what = what(event, Some(conversation), message, None, (None, None));
        Ok(what
            .filter(|_| !viewers.is_empty())
            .map(|what| StreamEvent {
                event: event.clone(),
                what,
                conversation: Some(Arc::clone(conversation)),
                viewers,
            }))
    }
}

impl Subject {
    fn shown(&self, id: ConversationId) -> &Arc<Conversation> {
        self.shown
            .get_or_init(|| Arc::new(self.known.conversation(id)))
    }
}
