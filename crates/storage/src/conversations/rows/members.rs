//! Who has to do with a conversation, as acts read and write them.

use std::collections::BTreeMap;
use std::sync::Arc;

use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use pinwire_domain::contact_request::Answer;
use pinwire_domain::conversation::MembershipState;
use pinwire_domain::{ConversationId, Time, UserId};

use crate::conversations::Still;
use crate::conversations::views::HeadRow;
use crate::db::Conn;
use crate::db::loaded::{Entity, Stored, StoredTables, StoredWrites};
use crate::db::many::{self, Table, Values};
use crate::error::{Result, StoreError};
use crate::people::{OpenAccount, Person};

const MEMBERSHIPS: Table = Table {
    name: "memberships",
    key: &["conversation_id", "user_id"],
    columns: &[
        "state",
        "read_position",
        "shown_position",
        "delivered_position",
        "unread_flag",
        "muted_until",
        "archived",
        "hidden_position",
        "messages_sent",
        "pins_sent",
        "last_sent_at",
        "created_at",
        "version",
        "first_position",
        "still_position",
        "still_at",
        "still_seq",
        "still_image",
        "answer",
    ],
};

/// What changes by sending and reading.
const PROGRESS: Table = Table {
    columns: &[
        "read_position",
        "shown_position",
        "delivered_position",
        "unread_flag",
        "messages_sent",
        "pins_sent",
        "last_sent_at",
    ],
    ..MEMBERSHIPS
};

const MEMBERS: Table = Table {
    name: "members",
    key: &["conversation_id"],
    columns: &[
        "user_id",
        "username",
        "full_name",
        "profile_image",
        "user_version",
        "state",
        "unread_flag",
        "muted_until",
        "archived",
        "hidden_position",
        "created_at",
        "version",
        "first_position",
        "read_position",
        "shown_position",
        "delivered_position",
        "read_receipts",
        "messages_sent",
        "pins_sent",
        "last_sent_at",
        "has_blocks",
        "uncounted",
        "last_excluded",
        "head_state",
        "head_device_id",
        "head_closed_position",
        "head_version",
        "still_position",
        "still_at",
        "still_seq",
        "still_image",
        "answer",
    ],
};

/// One person's standing in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "four facts that hold or not, each by itself"
)]
pub(crate) struct Membership {
    pub(crate) person: Arc<Person>,
    /// Whether the person has blocked anybody who has to do with the conversation; of who is new to it, perhaps.
    pub(crate) has_blocks: bool,
    pub(crate) state: MembershipState,
    pub(crate) read_position: i64,
    /// Up to where others see that the person has read.
    pub(crate) shown_position: i64,
    /// Up to where messages have reached a device of the person.
    pub(crate) delivered_position: i64,
    /// Whether others see how far the person has read, and the person how far they have.
    pub(crate) read_receipts: bool,
    pub(crate) unread_flag: bool,
    pub(crate) muted_until: Option<i64>,
    pub(crate) archived: bool,
    pub(crate) hidden_position: Option<i64>,
    pub(crate) messages_sent: i64,
    pub(crate) pins_sent: i64,
    pub(crate) last_sent_at: Option<i64>,
    pub(crate) created_at: i64,
    pub(crate) version: i64,
    /// The first message that the person sees; of who is asked, what [`pinwire_domain::group::History`] keeps.
    pub(crate) first_position: i64,
    /// Messages beyond the read mark that do not count; none where an act moved the mark to where it is not known.
    pub(crate) uncounted: Option<i64>,
    /// The last message that is kept from the person.
    pub(crate) last_excluded: Option<i64>,
    /// What the person's own acts said of the head.
    pub(crate) head: Option<HeadRow>,
    /// How the conversation stands for the person while what came since is withheld.
    pub(crate) still: Option<Still>,
    /// How the person answered who began a conversation of two with them; none where nobody had to ask.
    pub(crate) answer: Option<Answer>,
}

impl Membership {
    pub(crate) fn new(account: OpenAccount, state: MembershipState, now: Time) -> Self {
        Self {
            person: Arc::new(account.person),
            read_receipts: account.read_receipts,
            has_blocks: account.has_blocks,
            state,
            read_position: 0,
            shown_position: 0,
            delivered_position: 0,
            unread_flag: false,
            muted_until: None,
            archived: false,
            hidden_position: None,
            messages_sent: 0,
            pins_sent: 0,
            last_sent_at: None,
            created_at: now.as_millis(),
            version: 1,
            first_position: 1,
            uncounted: Some(0),
            last_excluded: None,
            head: None,
            still: None,
            answer: None,
        }
    }

    pub(crate) fn user(&self) -> UserId {
        self.person.id
    }

    fn values(&self, id: ConversationId) -> Values {
        let still = self.still.as_ref();
        vec![
            id.get().into(),
            self.user().get().into(),
            self.state.name().into(),
            self.read_position.into(),
            self.shown_position.into(),
            self.delivered_position.into(),
            self.unread_flag.into(),
            self.muted_until.into(),
            self.archived.into(),
            self.hidden_position.into(),
            self.messages_sent.into(),
            self.pins_sent.into(),
            self.last_sent_at.into(),
            self.created_at.into(),
            self.version.into(),
            self.first_position.into(),
            still.map(|it| it.position).into(),
            still.and_then(|it| it.at).into(),
            still.and_then(|it| it.seq).into(),
            still.and_then(|it| it.image.as_deref()).into(),
            self.answer.map(Answer::name).into(),
        ]
    }

    /// The values of [`PROGRESS`].
    fn progress(&self, conversation: ConversationId) -> Values {
        vec![
            conversation.get().into(),
            self.user().get().into(),
            self.read_position.into(),
            self.shown_position.into(),
            self.delivered_position.into(),
            self.unread_flag.into(),
            self.messages_sent.into(),
            self.pins_sent.into(),
            self.last_sent_at.into(),
        ]
    }

    /// Whether nothing but [`PROGRESS`] changed since.
    fn only_moved_from(&self, old: &Self) -> bool {
        let moved = Self {
            read_position: self.read_position,
            shown_position: self.shown_position,
            delivered_position: self.delivered_position,
            unread_flag: self.unread_flag,
            messages_sent: self.messages_sent,
            pins_sent: self.pins_sent,
            last_sent_at: self.last_sent_at,
            uncounted: self.uncounted,
            ..old.clone()
        };
        moved == *self
    }
}

/// All who have or had to do with a conversation, by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Members(pub(crate) Vec<Arc<Membership>>);

/// The types of the columns of [`MEMBERS`]: person, standing, read marks, what they sent, what counts for them, their head,
/// how it stands for them, and how they answered.
type MemberSql = (
    (BigInt, BigInt, Text, Text, Nullable<Text>, BigInt),
    (
        Text,
        Bool,
        Nullable<BigInt>,
        Bool,
        Nullable<BigInt>,
        BigInt,
        BigInt,
        BigInt,
    ),
    (BigInt, BigInt, BigInt, Bool),
    (BigInt, BigInt, Nullable<BigInt>),
    (Bool, BigInt, Nullable<BigInt>),
    Nullable<(Text, Nullable<Text>, BigInt, BigInt)>,
    Nullable<(BigInt, Nullable<BigInt>, Nullable<BigInt>, Nullable<Text>)>,
    Nullable<Text>,
);
/// A row of [`MEMBERS`].
type MemberRow = (
    (i64, i64, String, String, Option<String>, i64),
    (String, bool, Option<i64>, bool, Option<i64>, i64, i64, i64),
    (i64, i64, i64, bool),
    (i64, i64, Option<i64>),
    (bool, i64, Option<i64>),
    Option<HeadRow>,
    Option<Still>,
    Option<String>,
);

impl Membership {
    fn read(
        (who, standing, marks, sent, counts, head, still, answer): MemberRow,
    ) -> Result<(ConversationId, Self)> {
        let state = MembershipState::from_name(&standing.0);
        let membership = Self {
            person: Arc::new(Person::from((who.1, who.2, who.3, who.4, who.5))),
            state: state.ok_or(StoreError::Corrupt(standing.0))?,
            unread_flag: standing.1,
            muted_until: standing.2,
            archived: standing.3,
            hidden_position: standing.4,
            created_at: standing.5,
            version: standing.6,
            first_position: standing.7,
            read_position: marks.0,
            shown_position: marks.1,
            delivered_position: marks.2,
            read_receipts: marks.3,
            messages_sent: sent.0,
            pins_sent: sent.1,
            last_sent_at: sent.2,
            has_blocks: counts.0,
            uncounted: Some(counts.1),
            last_excluded: counts.2,
            head,
            still,
            answer: answer.as_deref().and_then(Answer::from_name),
        };
        Ok((ConversationId::new(who.0), membership))
    }
}

impl Entity for Members {
    type Key = ConversationId;

    fn load(conn: &mut Conn, keys: &[ConversationId]) -> Result<Vec<(ConversationId, Self)>> {
        let keys = keys.iter().map(|id| vec![id.get().into()]).collect();
        let rows: Vec<MemberRow> = many::select::<MemberSql, MemberRow>(conn, &MEMBERS, keys)?;
        let mut all: BTreeMap<ConversationId, Self> = BTreeMap::new();
        for row in rows {
            let (id, membership) = Membership::read(row)?;
            all.entry(id).or_default().0.push(Arc::new(membership));
        }
        for members in all.values_mut() {
            members.0.sort_by_key(|m| m.user());
        }
        Ok(all.into_iter().collect())
    }
}

impl Stored for Members {
    const TABLES: StoredTables = StoredTables {
        moved: PROGRESS,
        ..StoredTables::all(MEMBERSHIPS)
    };

    fn insert(&self, id: &ConversationId, writes: &mut StoredWrites) {
        writes.inserted.extend(self.0.iter().map(|m| m.values(*id)));
    }

    fn update(&self, id: &ConversationId, before: &Self, writes: &mut StoredWrites) {
        for membership in &self.0 {
            match before.0.iter().find(|m| m.user() == membership.user()) {
                None => writes.inserted.push(membership.values(*id)),
                Some(old) if old == membership => {}
                Some(old) if membership.only_moved_from(old) => {
                    writes.moved.push(membership.progress(*id));
                }
                Some(_) => writes.updated.push(membership.values(*id)),
            }
        }
    }
}
