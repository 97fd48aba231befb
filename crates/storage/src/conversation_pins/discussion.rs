//! One pin's discussion: the messages that carry it and those about it, however often it was sent.

use diesel::dsl::not;
use diesel::prelude::*;
use pinwire_domain::{ConversationId, PinId, Refusal, UserId};

use crate::db::{Conn, on};
use crate::error::Result;
use crate::messages::{self, Message, Place};
use crate::page::{Page, one_more};
use crate::schema::{memberships, message_exclusions, messages as message_rows};
use crate::{Snapshot, Store};

/// The newest positions before `before` at which `viewer` sees something of this pin, newest first.
///
/// Each of the two ways to it has an index of its own.
fn positions(
    conn: &mut Conn,
    (viewer, id): (UserId, ConversationId),
    pin: PinId,
    before: i64,
    limit: i64,
) -> Result<Vec<i64>> {
    let kept = || {
        message_exclusions::table
            .filter(message_exclusions::user_id.eq(viewer.get()))
            .filter(message_exclusions::conversation_id.eq(id.get()))
            .select(message_exclusions::position)
    };
    let first = || {
        memberships::table
            .find((id.get(), viewer.get()))
            .select(memberships::first_position)
            .single_value()
    };
    macro_rules! of {
        ($column:ident) => {
            on!(conn, c => message_rows::table
                .filter(message_rows::conversation_id.eq(id.get()))
                .filter(message_rows::$column.eq(pin.get()))
                .filter(message_rows::position.lt(before))
                .filter(message_rows::position.nullable().ge(first()))
                .filter(not(message_rows::position.eq_any(kept())))
                .order(message_rows::position.desc())
                .limit(limit)
                .select(message_rows::position)
                .load::<i64>(c))?
        };
    }
    let mut all = of!(pin_id);
    all.extend(of!(about_pin_id));
    all.sort_unstable_by(|one, two| two.cmp(one));
    // A message may carry a pin and be about the same.
    all.dedup();
    Ok(all)
}

fn page(
    conn: &mut Conn,
    reader: (UserId, ConversationId),
    pin: PinId,
    before: Option<i64>,
    size: usize,
) -> Result<Page<Message, i64>> {
    let from = before.unwrap_or(i64::MAX);
    let positions = positions(conn, reader, pin, from, one_more(size))?;
    if positions.is_empty() && before.is_none() {
        return Err(Refusal::PinNotFound.into());
    }
    let Page { items, next } = Page::cut(positions, size, |position| *position);
    let places: Vec<Place> = items.iter().map(|position| (reader.1, *position)).collect();
    let mut messages = messages::load(conn, &places)?;
    let items = places.iter().filter_map(|place| messages.remove(place));
    Ok(Page {
        items: items.collect(),
        next,
    })
}

impl Store {
    /// A page of one pin's discussion in a conversation, newest first, what stands before `before`.
    ///
    /// # Errors
    /// [`Refusal::ConversationNotFound`] for who is no member; [`Refusal::PinNotFound`] where the viewer sees no
    /// message that carries it or is about it.
    pub async fn pin_messages(
        &self,
        reader: (UserId, ConversationId),
        pin: PinId,
        before: Option<i64>,
        size: usize,
    ) -> Result<Snapshot<Page<Message, i64>>> {
        self.read_at(move |conn| {
            conn.snapshot(|conn| {
                let seq = messages::require_visible(conn, reader)?;
                Ok((page(conn, reader, pin, before, size)?, seq))
            })
        })
        .await
    }
}
