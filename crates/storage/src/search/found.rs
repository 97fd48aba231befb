//! What messages are found by, as they are now.

use std::collections::{BTreeSet, HashMap};

use diesel::sql_types::{BigInt, Nullable, Text};
use pinwire_domain::UserId;
use pinwire_domain::message::MessageKind;
use pinwire_domain::term::Content;

use crate::db::Conn;
use crate::db::many::{self, Table};
use crate::error::Result;
use crate::pin_snapshots::PinSnapshot;

const MESSAGES: Table = Table {
    name: "messages",
    key: &["conversation_id", "position"],
    columns: &[
        "sender_id",
        "kind",
        "text",
        "pin_snapshot",
        "created_at",
        "deleted_at",
        "link_id",
    ],
};

/// A message's conversation and position.
pub(super) type Place = (i64, i64);

/// A message as it was read.
pub(super) struct Found {
    pub(super) sent_at: i64,
    /// What it is found by; nothing if it is deleted, or if Pinwire itself wrote it.
    pub(super) terms: Option<BTreeSet<String>>,
    /// The link of its pin.
    pub(super) link: Option<i64>,
}

impl Found {
    /// Bytes of the terms.
    pub(super) fn size(&self) -> usize {
        self.terms.iter().flatten().map(String::len).sum()
    }
}

/// Reads the messages at these places; one that is not there is not found.
pub(super) fn read(conn: &mut Conn, places: BTreeSet<Place>) -> Result<HashMap<Place, Found>> {
    type Sql = (
        BigInt,
        BigInt,
        BigInt,
        Text,
        Nullable<Text>,
        Nullable<Text>,
        BigInt,
        Nullable<BigInt>,
        Nullable<BigInt>,
    );
    type Row = (
        i64,
        i64,
        i64,
        String,
        Option<String>,
        Option<String>,
        i64,
        Option<i64>,
        Option<i64>,
    );
    let keys = places
        .into_iter()
        .map(|(conversation, position)| vec![conversation.into(), position.into()])
        .collect();
    let rows: Vec<Row> = many::select::<Sql, Row>(conn, &MESSAGES, keys)?;
    Ok(rows
        .into_iter()
        .map(
            |(conversation, position, sender, kind, text, pin, sent_at, deleted_at, link)| {
                let place = (conversation, position);
                let is_found = deleted_at.is_none() && kind == MessageKind::User.name();
                let terms = is_found.then(|| terms(place, sender, text.as_deref(), pin.as_deref()));
                let found = Found {
                    sent_at,
                    terms,
                    link,
                };
                (place, found)
            },
        )
        .collect())
}

/// What a message is found by.
fn terms(place: Place, sender: i64, text: Option<&str>, pin: Option<&str>) -> BTreeSet<String> {
    let snapshot = pin.and_then(|pin| {
        let read = serde_json::from_str::<PinSnapshot>(pin);
        // One such message must not keep all others from being found.
        read.inspect_err(|error| {
            tracing::warn!(?place, %error, "a pin as it was sent cannot be read");
        })
        .ok()
    });
    let of_pin = snapshot
        .as_ref()
        .map(|it| [&it.title, &it.description, &it.alt_text]);
    let texts = of_pin.into_iter().flatten().filter_map(Option::as_deref);
    let content = Content {
        sender: UserId::new(sender),
        has_pin: pin.is_some(),
        texts: text.into_iter().chain(texts).collect(),
        link: snapshot.as_ref().and_then(|it| it.link.as_deref()),
    };
    content.terms()
}
