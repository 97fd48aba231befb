//! What is a member's alone in a conversation: mute, archive, hide.

use pinwire_domain::event::EventKind;
use pinwire_domain::membership::{MembershipChange, Settings};
use pinwire_domain::{ConversationId, Time, UserId};

use crate::conversations::rows::Membership;
use crate::db::tx::{LockKey, Step, Tx};
use crate::error::Result;
use crate::log::{About, NewEvent};
use crate::{Store, conversations, heads};

impl Membership {
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            muted_until: self.muted_until.map(Time::from_millis),
            archived: self.archived,
            hidden_position: self.hidden_position,
        }
    }

    fn set(&mut self, settings: Settings) {
        self.muted_until = settings.muted_until.map(Time::as_millis);
        self.archived = settings.archived;
        self.hidden_position = settings.hidden_position;
        self.version += 1;
    }
}

fn change(tx: &mut Tx<'_>, user: UserId, id: ConversationId, change: MembershipChange) -> Step<()> {
    tx.lock(LockKey::User(user.get()))?;
    tx.lock(LockKey::Conversation(id.get()))?;
    tx.rows.conversations.want(id);
    let mut members = conversations::members_for(tx, user, id)?;
    let row = conversations::row(tx, id)?;
    let Some(mine) = members.present_mut(user) else {
        return Ok(());
    };
    let now = tx.source.now();
    let before = mine.settings();
    let after = before.changed(change, mine.stands_at(&row), now)?;
    if after == before {
        return Ok(());
    }
    if after.quiet(now) && !before.quiet(now) {
        // A head goes: none that the bound has pushed out may come back for it.
        heads::settle(tx, user)?;
    }
    mine.set(after);
    tx.rows.members.put(id, members);
    tx.emit(NewEvent {
        at: now,
        kind: EventKind::MembershipUpdated,
        actor: user,
        about: About::Mine(id),
    });
    Ok(())
}

impl Store {
    /// Mutes, archives or hides a conversation for the caller. A change to what holds already is none: no event.
    ///
    /// # Errors
    /// [`pinwire_domain::Refusal::ConversationNotFound`] for who takes no part,
    /// [`pinwire_domain::Refusal::InvalidValue`] for a mute that is too long.
    pub async fn change_membership(
        &self,
        user: UserId,
        id: ConversationId,
        change: MembershipChange,
    ) -> Result<()> {
        let locks = vec![LockKey::User(user.get()), LockKey::Conversation(id.get())];
        self.decide(locks, move |tx| self::change(tx, user, id, change))
            .await
    }
}
