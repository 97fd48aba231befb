//! Conversations and their members as acts read and write them.

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use pinwire_domain::conversation::{ConversationKind, MembershipState};
use pinwire_domain::{ConversationId, Time, UserId};

use crate::db::Conn;
use crate::db::loaded::{Addition, Entity, Stored, StoredTables, StoredWrites};
use crate::db::many::{self, Table, Values};
use crate::error::{Result, StoreError};
use crate::people::Person;

const CONVERSATIONS: Table = Table {
    name: "conversations",
    key: &["id"],
    columns: &[
        "kind",
        "creation_key",
        "created_by",
        "created_at",
        "last_position",
        "last_message_at",
        "last_pin_id",
        "last_seq",
        "activity_seq",
        "version",
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
    pub(crate) creation_key: Option<String>,
    pub(crate) created_by: UserId,
    pub(crate) created_at: Time,
    pub(crate) last_position: i64,
    pub(crate) last_message_at: Option<Time>,
    pub(crate) last_pin: Option<i64>,
    pub(crate) last_seq: i64,
    pub(crate) activity_seq: i64,
    pub(crate) version: i64,
}

impl ConversationRow {
    fn counters(&self, id: ConversationId) -> Values {
        vec![
            id.get().into(),
            self.last_position.into(),
            self.last_message_at.map(Time::as_millis).into(),
            self.last_pin.into(),
            self.last_seq.into(),
            self.activity_seq.into(),
        ]
    }

    fn values(&self, id: ConversationId) -> Values {
        vec![
            id.get().into(),
            self.kind.name().into(),
            self.creation_key.as_deref().into(),
            self.created_by.get().into(),
            self.created_at.as_millis().into(),
            self.last_position.into(),
            self.last_message_at.map(Time::as_millis).into(),
            self.last_pin.into(),
            self.last_seq.into(),
            self.activity_seq.into(),
            self.version.into(),
        ]
    }
}

impl Entity for ConversationRow {
    type Key = ConversationId;

    fn load(conn: &mut Conn, keys: &[ConversationId]) -> Result<Vec<(ConversationId, Self)>> {
        type Sql = (
            BigInt,
            Text,
            Nullable<Text>,
            BigInt,
            BigInt,
            BigInt,
            Nullable<BigInt>,
            Nullable<BigInt>,
            BigInt,
            BigInt,
            BigInt,
        );
        type Row = (
            i64,
            String,
            Option<String>,
            i64,
            i64,
            i64,
            Option<i64>,
            Option<i64>,
            i64,
            i64,
            i64,
        );
        let keys = keys.iter().map(|id| vec![id.get().into()]).collect();
        let rows: Vec<Row> = many::select::<Sql, Row>(conn, &CONVERSATIONS, keys)?;
        rows.into_iter()
            .map(|r| {
                let row = Self {
                    kind: ConversationKind::from_name(&r.1).ok_or(StoreError::Corrupt(r.1))?,
                    creation_key: r.2,
                    created_by: UserId::new(r.3),
                    created_at: Time::from_millis(r.4),
                    last_position: r.5,
                    last_message_at: r.6.map(Time::from_millis),
                    last_pin: r.7,
                    last_seq: r.8,
                    activity_seq: r.9,
                    version: r.10,
                };
                Ok((ConversationId::new(r.0), row))
            })
            .collect()
    }
}

impl Stored for ConversationRow {
    const TABLES: StoredTables = StoredTables {
        inserted: CONVERSATIONS,
        updated: COUNTERS,
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

const MEMBERSHIPS: Table = Table {
    name: "memberships",
    key: &["conversation_id", "user_id"],
    columns: &[
        "state",
        "read_position",
        "unread_flag",
        "muted_until",
        "archived",
        "hidden_position",
        "messages_sent",
        "pins_sent",
        "last_sent_at",
        "created_at",
        "version",
    ],
};

const MEMBERS: Table = Table {
    name: "membership_rows",
    key: &["conversation_id"],
    columns: &[
        "user_id",
        "state",
        "read_position",
        "unread_flag",
        "muted_until",
        "archived",
        "hidden_position",
        "messages_sent",
        "pins_sent",
        "last_sent_at",
        "created_at",
        "version",
        "username",
        "full_name",
        "profile_image",
        "user_version",
        "has_blocks",
    ],
};

/// One person's standing in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Membership {
    pub(crate) person: Arc<Person>,
    /// Whether the person has blocked anybody.
    pub(crate) has_blocks: bool,
    pub(crate) state: MembershipState,
    pub(crate) read_position: i64,
    pub(crate) unread_flag: bool,
    pub(crate) muted_until: Option<i64>,
    pub(crate) archived: bool,
    pub(crate) hidden_position: Option<i64>,
    pub(crate) messages_sent: i64,
    pub(crate) pins_sent: i64,
    pub(crate) last_sent_at: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) version: i64,
}

impl Membership {
    pub(crate) fn new(person: Person, state: MembershipState, now: Time) -> Self {
        Self {
            person: Arc::new(person),
            // Those who begin a conversation were asked one by one.
            has_blocks: true,
            state,
            read_position: 0,
            unread_flag: false,
            muted_until: None,
            archived: false,
            hidden_position: None,
            messages_sent: 0,
            pins_sent: 0,
            last_sent_at: None,
            created_at: now.as_millis(),
            version: 1,
        }
    }

    pub(crate) fn user(&self) -> UserId {
        self.person.id
    }

    fn values(&self, id: ConversationId) -> Values {
        vec![
            id.get().into(),
            self.user().get().into(),
            self.state.name().into(),
            self.read_position.into(),
            self.unread_flag.into(),
            self.muted_until.into(),
            self.archived.into(),
            self.hidden_position.into(),
            self.messages_sent.into(),
            self.pins_sent.into(),
            self.last_sent_at.into(),
            self.created_at.into(),
            self.version.into(),
        ]
    }
}

/// All who have or had to do with a conversation, by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Members(pub(crate) Vec<Membership>);

impl Members {
    /// Those who take part.
    pub(crate) fn present(&self) -> Vec<UserId> {
        let present = self.0.iter().filter(|m| m.state == MembershipState::Member);
        present.map(Membership::user).collect()
    }

    /// This person's membership, if they take part.
    pub(crate) fn present_mut(&mut self, user: UserId) -> Option<&mut Membership> {
        let mut present = self
            .0
            .iter_mut()
            .filter(|m| m.state == MembershipState::Member);
        present.find(|m| m.user() == user)
    }
}

/// The types of the columns of [`MEMBERS`].
type MemberSql = (
    BigInt,
    BigInt,
    Text,
    BigInt,
    Bool,
    Nullable<BigInt>,
    Bool,
    Nullable<BigInt>,
    BigInt,
    BigInt,
    Nullable<BigInt>,
    BigInt,
    BigInt,
    Text,
    Text,
    Nullable<Text>,
    BigInt,
    Bool,
);
/// A row of [`MEMBERS`].
type MemberRow = (
    i64,
    i64,
    String,
    i64,
    bool,
    Option<i64>,
    bool,
    Option<i64>,
    i64,
    i64,
    Option<i64>,
    i64,
    i64,
    String,
    String,
    Option<String>,
    i64,
    bool,
);

impl Entity for Members {
    type Key = ConversationId;

    fn load(conn: &mut Conn, keys: &[ConversationId]) -> Result<Vec<(ConversationId, Self)>> {
        let keys = keys.iter().map(|id| vec![id.get().into()]).collect();
        let rows: Vec<MemberRow> = many::select::<MemberSql, MemberRow>(conn, &MEMBERS, keys)?;
        let mut all: BTreeMap<ConversationId, Self> = BTreeMap::new();
        for r in rows {
            let person = Person::from((r.1, r.13, r.14, r.15, r.16));
            let membership = Membership {
                person: Arc::new(person),
                has_blocks: r.17,
                state: MembershipState::from_name(&r.2).ok_or(StoreError::Corrupt(r.2))?,
                read_position: r.3,
                unread_flag: r.4,
                muted_until: r.5,
                archived: r.6,
                hidden_position: r.7,
                messages_sent: r.8,
                pins_sent: r.9,
                last_sent_at: r.10,
                created_at: r.11,
                version: r.12,
            };
            all.entry(ConversationId::new(r.0))
                .or_default()
                .0
                .push(membership);
        }
        for members in all.values_mut() {
            members.0.sort_by_key(Membership::user);
        }
        Ok(all.into_iter().collect())
    }
}

impl Stored for Members {
    const TABLES: StoredTables = StoredTables {
        inserted: MEMBERSHIPS,
        updated: MEMBERSHIPS,
    };

    fn insert(&self, id: &ConversationId, writes: &mut StoredWrites) {
        writes.inserted.extend(self.0.iter().map(|m| m.values(*id)));
    }

    fn update(&self, id: &ConversationId, before: &Self, writes: &mut StoredWrites) {
        for membership in &self.0 {
            match before.0.iter().find(|m| m.user() == membership.user()) {
                None => writes.inserted.push(membership.values(*id)),
                Some(old) if old != membership => writes.updated.push(membership.values(*id)),
                Some(_) => {}
            }
        }
    }
}

const PERIODS: Table = Table {
    name: "membership_periods",
    key: &["user_id", "conversation_id", "joined_seq"],
    columns: &["first_position"],
};

/// A time of membership that begins.
#[derive(Debug, Clone)]
pub(crate) struct NewPeriod {
    pub(crate) user: UserId,
    pub(crate) conversation: ConversationId,
    /// The seq before the first event that is seen.
    pub(crate) joined_seq: i64,
    /// The first message that is seen.
    pub(crate) first_position: i64,
}

impl Addition for NewPeriod {
    const TABLE: Table = PERIODS;

    fn values(&self) -> Values {
        vec![
            self.user.get().into(),
            self.conversation.get().into(),
            self.joined_seq.into(),
            self.first_position.into(),
        ]
    }
}
