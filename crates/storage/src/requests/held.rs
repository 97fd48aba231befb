//! The same sent to many strangers: from some number on their receivers hear of it once a moderator has looked at the pin.
//! Whoever sends it notices nothing.

use diesel::prelude::*;
use pinwire_domain::board::Access;
use pinwire_domain::conversation::MembershipState;
use pinwire_domain::event::EventKind;
use pinwire_domain::policy::Gate;
use pinwire_domain::report::{Action, CaseState, Subject};
use pinwire_domain::{ConversationId, PinId, UserId, contact_request, limits};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::deliver;
use crate::conversations;
use crate::db::tx::{LockKey, Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::groups::tell;
use crate::hex::hex;
use crate::jobs::{self, Work};
use crate::moderation;
use crate::page::one_more;
use crate::pin_snapshots::PinSnapshot;
use crate::safety;
use crate::schema::{cases, held_requests, request_marks};

/// Who asks whom.
pub(super) struct Asking {
    pub(super) conversation: ConversationId,
    pub(super) sender: UserId,
    pub(super) receiver: UserId,
    /// Whether the sender's account is new.
    pub(super) is_new: bool,
}

/// What is the same in pins that are the same to who receives them: the link, and the picture.
fn marks(pin: &PinSnapshot) -> Vec<String> {
    let link = pin.link_id.map(|id| format!("link {id}"));
    let picture = format!("picture {}", hex(&Sha256::digest(pin.image_url.as_bytes())));
    link.into_iter().chain([picture]).collect()
}

/// Whether a moderator has found nothing against a pin.
fn is_reviewed(conn: &mut Conn, pin: PinId) -> Result<bool> {
    let reviewed = cases::table
        .filter(cases::subject.eq(Subject::Pin(pin).key()))
        .filter(cases::state.eq(CaseState::Resolved.name()))
        .filter(cases::action.eq(Action::None.name()));
    Ok(on!(conn, c => diesel::select(diesel::dsl::exists(reviewed)).get_result(c))?)
}

/// Notes what a request carries; whether it is held.
pub(super) fn hold(tx: &mut Tx<'_>, asking: &Asking, pin: &PinSnapshot) -> Step<bool> {
    let (marks, now) = (marks(pin), tx.source.now());
    let since = now.plus_millis(-limits::DAY_MS).as_millis();
    let by_them = request_marks::is_new.or(request_marks::sender_id.eq(asking.sender.get()));
    let counts: Vec<i64> = on!(tx.conn()?, c => request_marks::table
        .filter(request_marks::mark.eq_any(&marks))
        .filter(request_marks::created_at.gt(since))
        .filter(by_them)
        .group_by(request_marks::mark)
        .select(diesel::dsl::count_star())
        .load(c))?;
    let conversation = asking.conversation.get();
    let values = marks.iter().map(|mark| {
        (
            request_marks::mark.eq(mark),
            request_marks::conversation_id.eq(conversation),
            request_marks::sender_id.eq(asking.sender.get()),
            request_marks::is_new.eq(asking.is_new),
            request_marks::created_at.eq(now.as_millis()),
        )
    });
    let values: Vec<_> = values.collect();
    on!(tx.conn()?, c => diesel::insert_into(request_marks::table)
        .values(&values)
        .on_conflict_do_nothing()
        .execute(c))?;
    let id = PinId::new(pin.id);
    let same = counts.into_iter().max().unwrap_or_default();
    if !contact_request::needs_review(same) || is_reviewed(tx.conn()?, id)? {
        return Ok(false);
    }
    let values = (
        held_requests::pin_id.eq(pin.id),
        held_requests::conversation_id.eq(conversation),
        held_requests::sender_id.eq(asking.sender.get()),
        held_requests::receiver_id.eq(asking.receiver.get()),
        held_requests::created_at.eq(now.as_millis()),
    );
    on!(tx.conn()?, c => diesel::insert_into(held_requests::table)
        .values(values)
        .on_conflict_do_nothing()
        .execute(c))?;
    let sender = Access {
        user: asking.sender,
        secret: true,
    };
    moderation::open_case(tx, sender, Subject::Pin(id))?;
    Ok(true)
}

/// A moderator has looked at a pin: if nothing is held against it, what was held of it goes on.
pub(crate) fn reviewed(tx: &mut Tx<'_>, pin: PinId, action: Action) -> Step<()> {
    if action == Action::None {
        return jobs::add(tx, &Work::DeliverHeld(Delivery { pin: pin.get() }));
    }
    let held = held_requests::table.filter(held_requests::pin_id.eq(pin.get()));
    on!(tx.conn()?, c => diesel::delete(held).execute(c))?;
    Ok(())
}

/// Requests with a pin that are held no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pin: i64,
}

impl Delivery {
    /// The next ones, one more than are delivered together: conversation, sender and receiver.
    fn next(&self, conn: &mut Conn) -> Result<Vec<(i64, i64, i64)>> {
        Ok(on!(conn, c => held_requests::table
            .filter(held_requests::pin_id.eq(self.pin))
            .order(held_requests::conversation_id)
            .limit(one_more(limits::TOLD_TOGETHER_MAX))
            .select((
                held_requests::conversation_id,
                held_requests::sender_id,
                held_requests::receiver_id,
            ))
            .load(c))?)
    }

    /// The locks of the next turn.
    pub(crate) fn locks(&self, conn: &mut Conn) -> Result<Vec<LockKey>> {
        let next = self.next(conn)?;
        Ok(next
            .iter()
            .map(|row| LockKey::Conversation(row.0))
            .collect())
    }

    /// Delivers the next ones; what is left then.
    pub(crate) fn go_on(self, tx: &mut Tx<'_>) -> Step<Option<Self>> {
        let mut next = self.next(tx.conn()?)?;
        let more = next.len() > limits::TOLD_TOGETHER_MAX;
        next.truncate(limits::TOLD_TOGETHER_MAX);
        for (conversation, sender, receiver) in next {
            let id = ConversationId::new(conversation);
            let (sender, receiver) = (UserId::new(sender), UserId::new(receiver));
            tx.lock(LockKey::Conversation(conversation))?;
            let mut members = conversations::members(tx, id)?;
            let landings = safety::landings(tx, sender, &[receiver])?;
            let withheld = landings.iter().any(|(_, it)| it.gate == Gate::Withheld);
            let waits = members.state(receiver) == Some(MembershipState::Ignored);
            if waits && !withheld && deliver(&mut members, receiver) {
                tx.rows.members.put(id, members);
                tell(tx, sender, EventKind::RequestCreated, (receiver, id));
            }
            let row = held_requests::table.find((self.pin, conversation));
            on!(tx.conn()?, c => diesel::delete(row).execute(c))?;
        }
        Ok(more.then_some(self))
    }
}
