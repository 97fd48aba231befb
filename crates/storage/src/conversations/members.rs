//! Who takes part in a conversation, as acts ask and change it.

use std::sync::Arc;

use pinwire_domain::contact_request::Answer;
use pinwire_domain::conversation::{ConversationKind, MembershipState};
use pinwire_domain::group::{self, History};
use pinwire_domain::policy::{Gate, Landing};
use pinwire_domain::{Time, UserId};

use super::rows::{Members, Membership};
use crate::people::OpenAccount;

impl Members {
    /// Those who show in a conversation of this kind: who takes part, and in one of two always both, so that nobody
    /// learns whether they were answered.
    pub(crate) fn shown(&self, kind: ConversationKind) -> impl Iterator<Item = &Arc<Membership>> {
        let shows = move |m: &&Arc<Membership>| {
            kind == ConversationKind::Direct || m.state == MembershipState::Member
        };
        self.0.iter().filter(shows)
    }

    /// Those who take part.
    pub(crate) fn present(&self) -> Vec<UserId> {
        let present = self.0.iter().filter(|m| m.state == MembershipState::Member);
        present.map(|m| m.user()).collect()
    }

    /// This person's membership, if they take part.
    pub(crate) fn present_mut(&mut self, user: UserId) -> Option<&mut Membership> {
        let mut all = self.0.iter_mut();
        let it = all.find(|m| m.user() == user && m.state == MembershipState::Member);
        it.map(Arc::make_mut)
    }

    /// Those who take part or are asked to, also who ignores it: nobody learns of that.
    pub(crate) fn count(&self) -> usize {
        let counts = |m: &&Arc<Membership>| m.state.takes_room();
        self.0.iter().filter(counts).count()
    }

    /// This person's standing.
    pub(crate) fn state(&self, user: UserId) -> Option<MembershipState> {
        self.0.iter().find(|m| m.user() == user).map(|m| m.state)
    }

    /// This person's membership, whatever their standing.
    pub(crate) fn any_mut(&mut self, user: UserId) -> Option<&mut Membership> {
        let it = self.0.iter_mut().find(|m| m.user() == user);
        it.map(Arc::make_mut)
    }

    /// Whether it is known of everybody how much is unread.
    pub(crate) fn all_counted(&self) -> bool {
        self.0.iter().all(|m| m.uncounted.is_some())
    }

    /// A message moves the conversation for all but those from whom it is withheld.
    pub(crate) fn move_on(&mut self, withheld: &[UserId]) {
        let still = self.0.iter_mut().filter(|m| m.still.is_some());
        for member in still.filter(|m| !withheld.contains(&m.user())) {
            Arc::make_mut(member).still = None;
        }
    }

    /// Changes the membership of a person, made if they never had to do with the conversation.
    pub(crate) fn meet(
        &mut self,
        account: OpenAccount,
        now: Time,
        change: impl FnOnce(&mut Membership),
    ) {
        let user = account.person.id;
        if self.state(user).is_none() {
            let made = Membership {
                version: 0,
                ..Membership::new(account, MembershipState::Removed, now)
            };
            self.0.push(Arc::new(made));
            self.0.sort_by_key(|m| m.user());
        }
        if let Some(member) = self.any_mut(user) {
            change(member);
        }
    }
}

impl Membership {
    /// Moves the read mark, in a conversation whose last message is at `last`.
    pub(crate) fn read_up_to(&mut self, position: i64, last: i64) {
        self.read_position = position;
        self.unread_flag = false;
        self.version += 1;
        self.uncounted = match self.uncounted {
            _ if position >= last => Some(0),
            Some(0) => Some(0),
            _ => None,
        };
    }

    /// Stands in a new conversation as the gate says. Who begins a conversation of two has not written yet: whoever is
    /// to be asked is so by the first message.
    pub(crate) const fn land(&mut self, kind: ConversationKind, landing: Landing) {
        let is_direct = matches!(kind, ConversationKind::Direct);
        match landing.gate {
            Gate::Inbox => {}
            Gate::Requests if !is_direct => self.state = MembershipState::Requested,
            Gate::Requests | Gate::Withheld => {
                self.state = MembershipState::Ignored;
                self.first_position = History::FromJoin.kept();
            }
        }
        if is_direct && landing.awaits_answer {
            self.answer = Some(Answer::Awaited);
        }
    }

    /// Takes who began a conversation of two, and sees what is there for them; the next message comes at `position`.
    /// Nobody else sees any change.
    pub(crate) fn accept(&mut self, position: i64) -> i64 {
        self.state = MembershipState::Member;
        self.answer = Some(Answer::Accepted);
        self.first_position = group::first_position(self.first_position, position);
        self.version += 1;
        self.first_position
    }

    /// Is asked from now on; see [`pinwire_domain::group::History`] for what is kept of the first position.
    pub(crate) const fn ask(&mut self, now: Time, first_position: i64) {
        self.created_at = now.as_millis();
        self.first_position = first_position;
        self.end(MembershipState::Requested);
    }

    /// Takes part from now on, and sees what comes from `first_position` on; the last message before is at `last`.
    /// What the person had set when they were here before is gone.
    pub(crate) fn join(&mut self, now: Time, first_position: i64, last: i64) {
        self.state = MembershipState::Member;
        self.created_at = now.as_millis();
        self.first_position = first_position;
        // What was written before is no news to who joins.
        self.read_position = self.read_position.max(last);
        self.unread_flag = false;
        self.muted_until = None;
        self.archived = false;
        self.hidden_position = None;
        self.version += 1;
    }

    /// Takes no part from now on, or is not asked any more.
    pub(crate) const fn end(&mut self, state: MembershipState) {
        self.state = state;
        self.version += 1;
    }
}
