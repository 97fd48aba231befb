//! What a message keeps of a pin, and who may see or send one because of it.

use diesel::prelude::*;
use pinwire_domain::{PinId, Refusal, UserId};
use serde::{Deserialize, Serialize};

use crate::db::{Conn, on};
use crate::error::{Result, StoreError};
use crate::schema::{boards, pins};

/// What a message keeps of a pin: as it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinSnapshot {
    /// The pin.
    pub id: i64,
    /// Its owner.
    pub owner_id: i64,
    /// The title.
    pub title: Option<String>,
    /// The description.
    pub description: Option<String>,
    /// What the picture shows, in words.
    pub alt_text: Option<String>,
    /// Where the pin leads.
    pub link: Option<String>,
    /// The picture.
    pub image_url: String,
    /// `#rrggbb`.
    pub dominant_color: Option<String>,
    /// The pin's version.
    pub version: i64,
}

/// A pin that the caller may send, as it is now.
pub(crate) fn sendable(conn: &mut Conn, caller: UserId, pin: PinId) -> Result<PinSnapshot> {
    type Row = (
        (
            i64,
            i64,
            Option<String>,
            Option<String>,
            Option<String>,
            Option<String>,
            String,
        ),
        Option<String>,
        i64,
        Option<String>,
    );
    let row: Option<Row> = on!(conn, c => pins::table
        .left_join(boards::table)
        .filter(pins::id.eq(pin.get()).and(pins::removed_at.is_null()))
        .select((
            (
                pins::id,
                pins::owner_id,
                pins::title,
                pins::description,
                pins::alt_text,
                pins::link,
                pins::image_url,
            ),
            pins::dominant_color,
            pins::version,
            boards::privacy.nullable(),
        ))
        .first(c)
        .optional())?;
    let Some((facts, dominant_color, version, privacy)) = row else {
        return Err(Refusal::PinNotFound.into());
    };
    let (id, owner_id, title, description, alt_text, link, image_url) = facts;
    if privacy.as_deref() == Some("SECRET") && owner_id != caller.get() {
        // Who received it may know of it, but not pass it on.
        return Err(if received(conn, caller, pin)? {
            Refusal::PinIsSecret.into()
        } else {
            StoreError::from(Refusal::PinNotFound)
        });
    }
    Ok(PinSnapshot {
        id,
        owner_id,
        title,
        description,
        alt_text,
        link,
        image_url,
        dominant_color,
        version,
    })
}

/// Whether the caller is a member of a conversation that holds this pin and may see it there.
pub(crate) fn received(conn: &mut Conn, caller: UserId, pin: PinId) -> Result<bool> {
    use crate::schema::{memberships, message_exclusions, messages};
    let excluded = message_exclusions::table
        .filter(message_exclusions::user_id.eq(caller.get()))
        .filter(message_exclusions::conversation_id.eq(messages::conversation_id))
        .filter(message_exclusions::position.eq(messages::position));
    let held = messages::table
        .inner_join(
            memberships::table.on(memberships::conversation_id.eq(messages::conversation_id)),
        )
        .filter(messages::pin_id.eq(pin.get()))
        .filter(messages::deleted_at.is_null())
        .filter(memberships::user_id.eq(caller.get()))
        .filter(memberships::state.eq("member"))
        .filter(diesel::dsl::not(diesel::dsl::exists(excluded)));
    Ok(on!(conn, c => diesel::select(diesel::dsl::exists(held)).get_result(c))?)
}
