//! What an answer shows of the message that it answers, as that one is now.

use diesel::sql_types::{BigInt, Text};
use pinwire_domain::message::{self, MessageKind};
use pinwire_domain::{BoardId, ConversationId, PinId, Time, UserId};

use super::Place;
use crate::board_snapshots::BoardSnapshot;
use crate::db::Conn;
use crate::db::loaded::Entity;
use crate::db::many::{self, Table};
use crate::error::{Result, StoreError};
use crate::people::{Person, PersonRow};
use crate::pin_snapshots::PinSnapshot;

/// The message that a message answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its position, in the same conversation.
    pub position: i64,
    pub(crate) quote: Option<Quote>,
}

impl Reply {
    /// What `viewer` is shown of it, nothing if they may not see it; without a viewer, what those are shown who may.
    #[must_use]
    pub fn seen_by(&self, viewer: Option<UserId>) -> Option<&Quote> {
        let quote = self.quote.as_ref();
        quote.filter(|it| viewer.is_none_or(|viewer| it.is_for(viewer)))
    }

    /// Whether `viewer` is shown less of it than others.
    #[must_use]
    pub fn is_special_for(&self, viewer: UserId) -> bool {
        self.quote.as_ref().is_some_and(|it| !it.is_for(viewer))
    }
}

/// What is shown of a message in an answer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// Who wrote it.
    pub sender: Person,
    /// Its text; of what was read for somebody, the beginning, without what must not be delivered.
    pub text: Option<String>,
    /// What it carries.
    pub carries: Option<QuotedThing>,
    /// When it was deleted for everyone.
    pub deleted_at: Option<Time>,
    pub(crate) kind: MessageKind,
    /// The pin that it carries or is about.
    pub(crate) pin: Option<PinId>,
    /// The members who do not see it, by id.
    kept_from: Vec<UserId>,
}

/// What a message carries, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotedThing {
    /// What it is.
    pub thing: message::Carried,
    /// A pin's title, a board's name, a person's name.
    pub title: Option<String>,
    /// Its picture.
    pub image_url: Option<String>,
}

/// A quote as the database writes it: who wrote it, its kind, its text, what it carries (pin, board, person), the pin
/// it is about, when it was deleted, from whom it is kept, and who joined after it.
type Written = (
    PersonRow,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<PersonRow>,
    Option<i64>,
    Option<i64>,
    Vec<i64>,
    Vec<i64>,
);

impl Quote {
    /// Whether a member sees the message.
    pub(crate) fn is_for(&self, viewer: UserId) -> bool {
        !self.kept_from.contains(&viewer)
    }

    /// Keeps it from one more person.
    pub(super) fn keep_from(&mut self, person: UserId) {
        if let Err(place) = self.kept_from.binary_search(&person) {
            self.kept_from.insert(place, person);
        }
    }

    /// Reads what the database wrote.
    pub(super) fn read(written: &str) -> Result<Self> {
        let (sender, kind, text, pin, board, profile, about_pin, deleted_at, kept, late) =
            serde_json::from_str::<Written>(written)?;
        let pin: Option<PinSnapshot> = pin.as_deref().map(serde_json::from_str).transpose()?;
        let board: Option<BoardSnapshot> =
            board.as_deref().map(serde_json::from_str).transpose()?;
        let about_pin = pin.as_ref().map(|pin| pin.id).or(about_pin);
        let carries = pin
            .map(QuotedThing::from)
            .or(board.map(QuotedThing::from))
            .or(profile.map(|row| Person::from(row).into()));
        let mut kept_from: Vec<UserId> = kept.into_iter().chain(late).map(UserId::new).collect();
        kept_from.sort_unstable();
        kept_from.dedup();
        Ok(Self {
            sender: sender.into(),
            text,
            carries,
            deleted_at: deleted_at.map(Time::from_millis),
            kind: MessageKind::from_name(&kind).ok_or(StoreError::Corrupt(kind))?,
            pin: about_pin.map(PinId::new),
            kept_from,
        })
    }
}

impl From<PinSnapshot> for QuotedThing {
    fn from(pin: PinSnapshot) -> Self {
        Self {
            thing: message::Carried::Pin(PinId::new(pin.id)),
            title: pin.title,
            image_url: Some(pin.image_url),
        }
    }
}

impl From<BoardSnapshot> for QuotedThing {
    fn from(board: BoardSnapshot) -> Self {
        Self {
            thing: message::Carried::Board(BoardId::new(board.id)),
            title: Some(board.name),
            image_url: board.image_url,
        }
    }
}

impl From<Person> for QuotedThing {
    fn from(person: Person) -> Self {
        Self {
            thing: message::Carried::Profile(person.id),
            title: Some(person.full_name),
            image_url: person.profile_image,
        }
    }
}

const QUOTES: Table = Table {
    name: "quotes",
    key: &["conversation_id", "position"],
    columns: &["quote"],
};

impl Entity for Quote {
    type Key = Place;

    fn load(conn: &mut Conn, keys: &[Place]) -> Result<Vec<(Place, Self)>> {
        let key = |(id, position): &Place| vec![id.get().into(), (*position).into()];
        let keys = keys.iter().map(key).collect();
        let rows: Vec<(i64, i64, String)> =
            many::select::<(BigInt, BigInt, Text), _>(conn, &QUOTES, keys)?;
        rows.into_iter()
            .map(|(id, position, quote)| {
                Ok(((ConversationId::new(id), position), Self::read(&quote)?))
            })
            .collect()
    }
}
