//! What a message keeps of a pin, and who may see or send one because of it.

use diesel::prelude::*;
use pinwire_domain::board::Access;
use pinwire_domain::message::{self, PinState};
use pinwire_domain::picture::PictureSize;
use pinwire_domain::{PinId, Refusal, UserId};
use serde::{Deserialize, Serialize};

use crate::db::loaded::Entity;
use crate::db::tx::{Step, Tx};
use crate::db::{Conn, on};
use crate::error::Result;
use crate::links::{CHECK, LinkCheck};
use crate::pictures::{self, FACTS, Facts};
use crate::schema::{boards, links, pictures as picture_rows, pins};

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
    /// Pixels of the picture's width, if known; one that was sent before has it when it becomes known.
    #[serde(default)]
    pub image_width: Option<u32>,
    /// Pixels of the picture's height, likewise.
    #[serde(default)]
    pub image_height: Option<u32>,
    /// The pin's version.
    pub version: i64,
    /// The row of the link.
    #[serde(skip)]
    pub(crate) link_id: Option<i64>,
}

/// A pin as it was sent, and how it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentPin {
    /// As it was sent.
    pub snapshot: PinSnapshot,
    /// How it stands now.
    pub state: PinState,
    /// What was found out about the link as it was sent; none without a link, and of one that was not judged yet.
    pub link_check: Option<LinkCheck>,
}

impl SentPin {
    fn new(
        snapshot: PinSnapshot,
        now: Option<(i64, Option<&str>)>,
        link_check: Option<LinkCheck>,
    ) -> Self {
        let sent = (snapshot.version, snapshot.link.as_deref());
        let size = snapshot.image_width.zip(snapshot.image_height);
        let size = size.map(|(width, height)| PictureSize { width, height });
        let link_check = link_check.map(|check| check.under_picture(size));
        let verdict = link_check.as_ref().map(|check| check.verdict);
        Self {
            state: message::pin_state(sent, now, verdict),
            snapshot,
            link_check,
        }
    }

    /// Of what a message keeps of a pin, how the pin is now by its version and link (without a version it is removed),
    /// and what was found out about the link.
    pub(crate) fn read(
        kept: &str,
        (version, link): (Option<i64>, Option<&str>),
        check: Option<&str>,
    ) -> Result<Self> {
        let snapshot: PinSnapshot = serde_json::from_str(kept)?;
        let now = version.map(|version| (version, link));
        Ok(Self::new(
            snapshot,
            now,
            check.map(LinkCheck::read).transpose()?,
        ))
    }
}

/// A pin that is not removed, as acts read it.
#[derive(Debug, Clone)]
pub(crate) struct SendablePin {
    pin: SentPin,
    is_secret: bool,
}

/// Its columns, and its board's privacy.
type PinRow = (
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
    Option<i64>,
    Option<(String, String, String)>,
    Facts,
);

impl Entity for SendablePin {
    type Key = PinId;

    fn load(conn: &mut Conn, keys: &[PinId]) -> Result<Vec<(PinId, Self)>> {
        let ids: Vec<i64> = keys.iter().map(|id| id.get()).collect();
        let rows: Vec<PinRow> = on!(conn, c => pins::table
            .left_join(boards::table)
            .left_join(links::table)
            .left_join(picture_rows::table)
            .filter(pins::id.eq_any(&ids).and(pins::removed_at.is_null()))
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
                pins::link_id,
                CHECK.nullable(),
                FACTS.nullable(),
            ))
            .load(c))?;
        rows.into_iter().map(Self::read).collect()
    }
}

impl SendablePin {
    fn read(
        (facts, dominant_color, version, privacy, link_id, check, picture): PinRow,
    ) -> Result<(PinId, Self)> {
        let (id, owner_id, title, description, alt_text, link, image_url) = facts;
        let (size, seen_color) = pictures::of_columns(picture)?;
        let snapshot = PinSnapshot {
            id,
            owner_id,
            title,
            description,
            alt_text,
            link,
            image_url,
            dominant_color: dominant_color.or(seen_color),
            image_width: size.map(|it| it.width),
            image_height: size.map(|it| it.height),
            version,
            link_id,
        };
        let link = snapshot.link.clone();
        let check = check.map(LinkCheck::of_columns).transpose()?;
        let is_secret = privacy.as_deref() == Some("SECRET");
        let pin = SentPin::new(snapshot, Some((version, link.as_deref())), check);
        Ok((PinId::new(id), Self { pin, is_secret }))
    }
}

/// A pin that the caller may send, as it is now.
pub(crate) fn sendable(tx: &mut Tx<'_>, access: Access, id: PinId) -> Step<SentPin> {
    let pin = tx.rows.pins.get(&id)?.ok_or(Refusal::PinNotFound)?.clone();
    let is_own = pin.pin.snapshot.owner_id == access.user.get();
    if pin.is_secret && !(is_own && access.secret) {
        // Who received it may know of it, but not pass it on.
        return Err(if received(tx.conn()?, access.user, id)? && !is_own {
            Refusal::PinIsSecret.into()
        } else {
            Refusal::PinNotFound.into()
        });
    }
    Ok(pin.pin)
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
        .filter(messages::position.ge(memberships::first_position))
        .filter(diesel::dsl::not(diesel::dsl::exists(excluded)));
    Ok(on!(conn, c => diesel::select(diesel::dsl::exists(held)).get_result(c))?)
}
