//! Conversations and their members as acts read and write them.

mod members;

use diesel::sql_types::{BigInt, Nullable, Text};
use pinwire_domain::conversation::ConversationKind;
use pinwire_domain::{ConversationId, Time, UserId};

use crate::db::Conn;
use crate::db::loaded::{Entity, Stored, StoredTables, StoredWrites};
use crate::db::many::{self, Table, Values};
use crate::error::{Result, StoreError};
pub(crate) use members::{Members, Membership};

const CONVERSATIONS: Table = Table {
    name: "conversations",
    key: &["id"],
    columns: &[
        "kind",
        "title",
        "creation_key",
        "created_by",
        "created_at",
        "last_position",
        "last_message_at",
        "last_pin_id",
        "last_pin_position",
        "last_seq",
        "activity_seq",
        "version",
    ],
};

/// What acts read of it.
const CONVERSATION_ROWS: Table = Table {
    name: "conversation_rows",
    key: &["id"],
    columns: &[
        "kind",
        "title",
        "creation_key",
        "created_by",
        "created_at",
        "last_position",
        "last_message_at",
        "last_pin_id",
        "last_pin_position",
        "last_seq",
        "activity_seq",
        "version",
        "owner_id",
        "last_pin_image",
    ],
};

/// What changes of a conversation.
const COUNTERS: Table = Table {
    name: "conversations",
    key: &["id"],
    columns: &[
        "last_position",
        "last_message_at",
        "last_pin_id",
        "last_pin_position",
        "last_seq",
        "activity_seq",
    ],
};

const OF_PEOPLE: Table = Table {
    name: "conversations",
    key: &["creation_key"],
    columns: &["id"],
};

/// A conversation, without its members.
#[derive(Debug, Clone)]
pub(crate) struct ConversationRow {
    pub(crate) kind: ConversationKind,
    pub(crate) title: Option<String>,
    pub(crate) creation_key: Option<String>,
    pub(crate) created_by: UserId,
    pub(crate) created_at: Time,
    pub(crate) last_position: i64,
    pub(crate) last_message_at: Option<Time>,
    pub(crate) last_pin: Option<i64>,
    /// Where that pin was sent.
    pub(crate) last_pin_position: Option<i64>,
    pub(crate) last_seq: i64,
    pub(crate) activity_seq: i64,
    pub(crate) version: i64,
    /// Whose the group is.
    pub(crate) owner: UserId,
    /// The picture of the last pin that was sent.
    pub(crate) last_pin_image: Option<String>,
}

impl ConversationRow {
    fn counters(&self, id: ConversationId) -> Values {
        vec![
            id.get().into(),
            self.last_position.into(),
            self.last_message_at.map(Time::as_millis).into(),
            self.last_pin.into(),
            self.last_pin_position.into(),
            self.last_seq.into(),
            self.activity_seq.into(),
        ]
    }

    fn values(&self, id: ConversationId) -> Values {
        vec![
            id.get().into(),
            self.kind.name().into(),
            self.title.as_deref().into(),
            self.creation_key.as_deref().into(),
            self.created_by.get().into(),
            self.created_at.as_millis().into(),
            self.last_position.into(),
            self.last_message_at.map(Time::as_millis).into(),
            self.last_pin.into(),
            self.last_pin_position.into(),
            self.last_seq.into(),
            self.activity_seq.into(),
            self.version.into(),
        ]
    }
}

/// The types of the columns of [`CONVERSATION_ROWS`]: what it is, how far it goes, whose it is, and a picture.
type ConversationSql = (
    (BigInt, Text, Nullable<Text>, Nullable<Text>, BigInt, BigInt),
    (
        BigInt,
        Nullable<BigInt>,
        Nullable<BigInt>,
        Nullable<BigInt>,
        BigInt,
        BigInt,
        BigInt,
    ),
    (Nullable<BigInt>, Nullable<Text>),
);
/// A row of [`CONVERSATION_ROWS`].
type ConversationValues = (
    (i64, String, Option<String>, Option<String>, i64, i64),
    (i64, Option<i64>, Option<i64>, Option<i64>, i64, i64, i64),
    (Option<i64>, Option<String>),
);

impl ConversationRow {
    fn read(
        (what, counters, (owner, image)): ConversationValues,
    ) -> Result<(ConversationId, Self)> {
        let row = Self {
            kind: ConversationKind::from_name(&what.1).ok_or(StoreError::Corrupt(what.1))?,
            title: what.2,
            creation_key: what.3,
            created_by: UserId::new(what.4),
            created_at: Time::from_millis(what.5),
            last_position: counters.0,
            last_message_at: counters.1.map(Time::from_millis),
            last_pin: counters.2,
            last_pin_position: counters.3,
            last_seq: counters.4,
            activity_seq: counters.5,
            version: counters.6,
            owner: UserId::new(owner.unwrap_or(what.4)),
            last_pin_image: image,
        };
        Ok((ConversationId::new(what.0), row))
    }
}

impl Entity for ConversationRow {
    type Key = ConversationId;

    fn load(conn: &mut Conn, keys: &[ConversationId]) -> Result<Vec<(ConversationId, Self)>> {
        let keys = keys.iter().map(|id| vec![id.get().into()]).collect();
        let rows = many::select::<ConversationSql, _>(conn, &CONVERSATION_ROWS, keys)?;
        rows.into_iter().map(Self::read).collect()
    }
}

impl Stored for ConversationRow {
    const TABLES: StoredTables = StoredTables {
        inserted: CONVERSATIONS,
        ..StoredTables::all(COUNTERS)
    };

    fn insert(&self, id: &ConversationId, writes: &mut StoredWrites) {
        writes.inserted.push(self.values(*id));
    }

    fn update(&self, id: &ConversationId, _: &Self, writes: &mut StoredWrites) {
        writes.updated.push(self.counters(*id));
    }
}

/// The conversation that some people are found by: its id by its creation key.
#[derive(Debug, Clone)]
pub(crate) struct ConversationOfPeople(pub(crate) ConversationId);

impl Entity for ConversationOfPeople {
    type Key = String;

    fn load(conn: &mut Conn, keys: &[String]) -> Result<Vec<(String, Self)>> {
        let keys = keys.iter().map(|key| vec![key.as_str().into()]).collect();
        let rows = many::select::<(Text, BigInt), (String, i64)>(conn, &OF_PEOPLE, keys)?;
        let found = rows.into_iter();
        Ok(found
            .map(|(key, id)| (key, Self(ConversationId::new(id))))
            .collect())
    }
}
