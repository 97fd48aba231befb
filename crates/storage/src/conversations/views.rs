//! Conversations as their members see them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use diesel::dsl::case_when;
use diesel::prelude::*;
use pinwire_domain::conversation::{ConversationKind, MembershipState, Unread};
use pinwire_domain::membership::Settings;
use pinwire_domain::{ConversationId, Time, UserId};

use super::still::{self, Still};
use crate::db::{Conn, on};
use crate::drafts::{Draft, DraftRow};
use crate::error::{Result, StoreError};
use crate::messages::{self, Message, MessageRow, Place};
use crate::people::{Person, PersonRow};
use crate::safety;
use crate::schema::{conversation_cards, drafts, members};

/// A conversation, the same for all its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Direct or group.
    pub kind: ConversationKind,
    /// A group's title.
    pub title: Option<String>,
    /// Who began it.
    pub created_by: UserId,
    /// Whose it is: who may remove people from a group.
    pub owner: UserId,
    /// When it began.
    pub created_at: Time,
    /// The position of its last message, 0 for none.
    pub last_position: i64,
    /// When the last message was sent.
    pub last_message_at: Option<Time>,
    /// Its place in lists: the seq of its last message, or of its making.
    pub activity_seq: i64,
    /// Grows when title or people change.
    pub version: i64,
    /// The picture of the last pin that was sent.
    pub last_pin_image: Option<String>,
    /// Where that pin was sent.
    pub(crate) last_pin_position: Option<i64>,
    /// Those who take part, by id.
    pub members: Vec<Member>,
}

/// A member as the others see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub person: Arc<Person>,
    /// Up to where they have read, as far as they let others see.
    pub read_position: i64,
    /// Up to where messages have reached a device of theirs.
    pub delivered_position: i64,
    /// When they joined.
    pub joined_at: Time,
}

/// What is one member's own in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mine {
    /// Up to where I have read.
    pub read_position: i64,
    /// Whether I see up to where others have read.
    pub sees_marks: bool,
    /// Messages beyond it that count.
    pub unread: Unread,
    /// I marked it unread.
    pub unread_flag: bool,
    /// No notice until then.
    pub muted_until: Option<Time>,
    /// Put away.
    pub archived: bool,
    /// Not shown until a message beyond this position.
    pub hidden_position: Option<i64>,
    /// Grows with each change of what is mine.
    pub version: i64,
    /// The first message that I see.
    pub(crate) first_position: i64,
    /// The last message that is kept from me.
    pub(crate) last_excluded: Option<i64>,
    /// My head's row, if I ever touched the head.
    pub(crate) head: Option<HeadRow>,
    /// How it stands for me while what came since is withheld.
    pub(crate) still: Option<Still>,
    /// Those I have blocked who have to do with it.
    pub blocked: Vec<UserId>,
}

impl Mine {
    /// The picture of the last pin that was sent, if I may see that pin's message.
    #[must_use]
    pub fn last_pin_image<'a>(&'a self, conversation: &'a Conversation) -> Option<&'a str> {
        if let Some(still) = &self.still {
            return still.image.as_deref();
        }
        let place = conversation.last_pin_position;
        let sees = self.first_position <= 1 || place.is_some_and(|it| it >= self.first_position);
        conversation.last_pin_image.as_deref().filter(|_| sees)
    }

    /// What I have set.
    #[must_use]
    pub const fn settings(&self) -> Settings {
        Settings {
            muted_until: self.muted_until,
            archived: self.archived,
            hidden_position: self.hidden_position,
        }
    }
}

/// What a person's own acts said of a head.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub(crate) struct HeadRow {
    pub(crate) state: String,
    pub(crate) device_id: Option<String>,
    pub(crate) closed_position: i64,
    pub(crate) version: i64,
}

/// A conversation as one member sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationView {
    /// What all see; shared by the views of all members.
    pub conversation: Arc<Conversation>,
    /// What is mine.
    pub mine: Mine,
    /// The last message I may see.
    pub last_message: Option<Arc<Message>>,
    /// What I have begun to write, or dropped.
    pub draft: Option<Draft>,
}

/// A conversation's own columns.
#[derive(Queryable)]
pub(crate) struct Row {
    pub(crate) id: i64,
    kind: String,
    title: Option<String>,
    created_by: i64,
    created_at: i64,
    last_position: i64,
    last_message_at: Option<i64>,
    pub(crate) activity_seq: i64,
    version: i64,
    last_pin_image: Option<String>,
    last_pin_position: Option<i64>,
    owner_id: Option<i64>,
}

/// A conversation, its last message, and the log's position.
pub(crate) type Card = (Row, Option<MessageRow>, Option<i64>);

/// The columns of a [`Card`].
macro_rules! card_columns {
    () => {{
        use $crate::schema::conversation_cards;
        (
            (
                conversation_cards::id,
                conversation_cards::kind,
                conversation_cards::title,
                conversation_cards::created_by,
                conversation_cards::created_at,
                conversation_cards::last_position,
                conversation_cards::last_message_at,
                conversation_cards::activity_seq,
                conversation_cards::version,
                conversation_cards::last_pin_image,
                conversation_cards::last_pin_position,
                conversation_cards::owner_id,
            ),
            $crate::messages::message_columns!(conversation_cards).nullable(),
            $crate::log::head_seq!(),
        )
    }};
}
pub(crate) use card_columns;

/// Conversations as each of some viewers sees them.
pub(crate) type Views = HashMap<(ConversationId, UserId), ConversationView>;

/// These conversations as each of these viewers sees them; pairs where the viewer takes no part are missing.
/// Two statements, however many there are.
pub(crate) fn load(conn: &mut Conn, viewers: &[UserId], ids: &[ConversationId]) -> Result<Views> {
    Ok(load_at(conn, viewers, ids)?.0)
}

/// As [`load`], with the log's position if there was any conversation.
pub(crate) fn load_at(
    conn: &mut Conn,
    viewers: &[UserId],
    ids: &[ConversationId],
) -> Result<(Views, Option<i64>)> {
    if ids.is_empty() {
        return Ok((Views::new(), None));
    }
    let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
    let cards: Vec<Card> = on!(conn, c => conversation_cards::table
        .filter(conversation_cards::id.eq_any(&ids))
        .select(card_columns!())
        .load(c))?;
    let seq = cards.first().and_then(|(.., seq)| *seq);
    Ok((views(conn, viewers, cards)?, seq))
}

/// These conversations with their people, whoever asks.
pub(crate) fn whole(conn: &mut Conn, ids: &[i64]) -> Result<HashMap<ConversationId, Conversation>> {
    let cards: Vec<Card> = on!(conn, c => conversation_cards::table
        .filter(conversation_cards::id.eq_any(ids))
        .select(card_columns!())
        .load(c))?;
    let mut all = members_of(conn, &[], &cards)?;
    let mut found = HashMap::with_capacity(cards.len());
    for (row, ..) in cards {
        let rows = all.remove(&row.id).unwrap_or_default();
        let members = rows.into_iter().map(|(member, _)| member).collect();
        found.insert(ConversationId::new(row.id), conversation(row, members)?);
    }
    Ok(found)
}

/// Adds the people to conversations. One statement.
pub(crate) fn views(conn: &mut Conn, viewers: &[UserId], cards: Vec<Card>) -> Result<Views> {
    let mut all = members_of(conn, viewers, &cards)?;
    let mut views = Views::with_capacity(cards.len());
    let mut lasts = Vec::with_capacity(cards.len());
    let mut rows = Vec::with_capacity(cards.len());
    for (row, last, _) in cards {
        let id = ConversationId::new(row.id);
        lasts.push(last.map(|last| last.message(id)).transpose()?);
        rows.push(row);
    }
    messages::complete(conn, &mut lasts.iter_mut().flatten().collect::<Vec<_>>())?;
    let stills: Vec<_> = all
        .iter()
        .flat_map(|(id, rows)| {
            let id = ConversationId::new(*id);
            rows.iter().filter_map(move |row| still_of(id, row))
        })
        .collect();
    let mut stood_at = still::last_messages(conn, &stills)?;
    let blocks = blocked_among(conn, &all)?;
    for (row, last) in rows.into_iter().zip(lasts) {
        let rows = all.remove(&row.id).unwrap_or_default();
        let id = ConversationId::new(row.id);
        let last_message = last.map(Arc::new);
        let (members, own): (Vec<Member>, Vec<Own>) = rows.into_iter().unzip();
        let conversation = Arc::new(conversation(row, members)?);
        for (member, own) in conversation.members.iter().zip(own) {
            let Some(uncounted) = own.uncounted else {
                continue;
            };
            let last_position = conversation.last_position;
            let last_message = match &own.still {
                Some(still) => stood_at.remove(&(member.person.id, (id, still.position))),
                None => last_message
                    .clone()
                    .filter(|_| own.last_excluded != Some(last_position)),
            };
            let others = conversation.members.iter().map(|other| other.person.id);
            let blocked = others.filter(|other| blocks.contains(&(member.person.id, *other)));
            let view = ConversationView {
                conversation: Arc::clone(&conversation),
                last_message,
                draft: own.draft.map(Draft::from),
                mine: Mine {
                    read_position: own.read_position,
                    sees_marks: own.read_receipts,
                    unread: Unread::of(last_position - own.read_position - uncounted),
                    unread_flag: own.unread_flag,
                    muted_until: own.muted_until.map(Time::from_millis),
                    archived: own.archived,
                    hidden_position: own.hidden_position,
                    version: own.version,
                    first_position: own.first_position,
                    last_excluded: own.last_excluded,
                    head: own.head,
                    still: own.still,
                    blocked: blocked.collect(),
                },
            };
            views.insert((id, member.person.id), view);
        }
    }
    Ok(views)
}

/// Where a conversation stands still for a viewer, at a message that they see.
fn still_of(id: ConversationId, (member, own): &(Member, Own)) -> Option<(UserId, Place)> {
    let still = own.still.as_ref().filter(|_| own.uncounted.is_some())?;
    let is_seen = still.position >= own.first_position;
    is_seen.then_some((member.person.id, (id, still.position)))
}

/// Whom of each other these members have blocked, as far as they are viewers: who, and whom.
fn blocked_among(
    conn: &mut Conn,
    all: &HashMap<i64, Vec<(Member, Own)>>,
) -> Result<HashSet<(UserId, UserId)>> {
    let rows = || all.values().flatten();
    let blockers: BTreeSet<i64> = rows()
        .filter(|(_, own)| own.has_blocks && own.uncounted.is_some())
        .map(|(member, _)| member.person.id.get())
        .collect();
    if blockers.is_empty() {
        return Ok(HashSet::new());
    }
    let people: BTreeSet<i64> = rows().map(|(member, _)| member.person.id.get()).collect();
    safety::blocks_among(conn, &blockers, &people)
}

fn conversation(row: Row, members: Vec<Member>) -> Result<Conversation> {
    Ok(Conversation {
        id: ConversationId::new(row.id),
        kind: ConversationKind::from_name(&row.kind).ok_or(StoreError::Corrupt(row.kind))?,
        title: row.title,
        created_by: UserId::new(row.created_by),
        owner: UserId::new(row.owner_id.unwrap_or(row.created_by)),
        created_at: Time::from_millis(row.created_at),
        last_position: row.last_position,
        last_message_at: row.last_message_at.map(Time::from_millis),
        activity_seq: row.activity_seq,
        version: row.version,
        last_pin_image: row.last_pin_image,
        last_pin_position: row.last_pin_position,
        members,
    })
}

/// What is a member's own.
#[derive(Queryable)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "four facts that hold or not, each by itself"
)]
struct Own {
    read_position: i64,
    read_receipts: bool,
    unread_flag: bool,
    muted_until: Option<i64>,
    archived: bool,
    hidden_position: Option<i64>,
    version: i64,
    /// Messages beyond the read mark that do not count; none for who is no viewer.
    uncounted: Option<i64>,
    last_excluded: Option<i64>,
    first_position: i64,
    has_blocks: bool,
    still: Option<Still>,
    head: Option<HeadRow>,
    draft: Option<DraftRow>,
}

/// The columns of [`Own`].
macro_rules! own_columns {
    ($viewed:expr) => {
        (
            members::read_position,
            members::read_receipts,
            members::unread_flag,
            members::muted_until,
            members::archived,
            members::hidden_position,
            members::version,
            case_when($viewed, members::uncounted),
            case_when($viewed, members::last_excluded),
            members::first_position,
            members::has_blocks,
            (
                members::still_position,
                members::still_at,
                members::still_seq,
                members::still_image,
            )
                .nullable(),
            (
                members::head_state,
                members::head_device_id,
                members::head_closed_position,
                members::head_version,
            )
                .nullable(),
            (
                drafts::body,
                drafts::pin_id,
                drafts::updated_at,
                drafts::version,
            )
                .nullable(),
        )
    };
}

/// The people of these conversations, by id, with what is the viewers' own.
fn members_of(
    conn: &mut Conn,
    viewers: &[UserId],
    cards: &[Card],
) -> Result<HashMap<i64, Vec<(Member, Own)>>> {
    type Rows = Vec<((i64, i64, i64, i64), PersonRow, Own)>;
    if cards.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<i64> = cards.iter().map(|(row, ..)| row.id).collect();
    let viewers: Vec<i64> = viewers.iter().map(|viewer| viewer.get()).collect();
    // Counted for the viewers alone: in a list they are one of many.
    let member = MembershipState::Member.name();
    let viewed = || {
        members::user_id
            .eq_any(&viewers)
            .and(members::state.eq(member))
    };
    // In one of two both always show, so that nobody learns whether they were answered.
    let direct = ConversationKind::Direct.name();
    let directs = cards.iter().filter(|(row, ..)| row.kind == direct);
    let directs: Vec<i64> = directs.map(|(row, ..)| row.id).collect();
    let own_draft = drafts::conversation_id
        .eq(members::conversation_id)
        .and(drafts::user_id.eq(members::user_id))
        .and(drafts::user_id.eq_any(&viewers));
    let rows: Rows = on!(conn, c => members::table
        .left_join(drafts::table.on(own_draft))
        .filter(members::conversation_id.eq_any(&ids))
        .filter(members::state.eq(member).or(members::conversation_id.eq_any(&directs)))
        .order((members::conversation_id, members::user_id))
        .select((
            (
                members::conversation_id,
                members::shown_position,
                members::delivered_position,
                members::created_at,
            ),
            (
                members::user_id,
                members::username,
                members::full_name,
                members::profile_image,
                members::user_version,
            ),
            own_columns!(viewed()),
        ))
        .load(c))?;
    let mut all: HashMap<i64, Vec<(Member, Own)>> = HashMap::with_capacity(ids.len());
    for ((id, shown_position, delivered_position, joined_at), person, own) in rows {
        let member = Member {
            person: Arc::new(person.into()),
            read_position: shown_position,
            delivered_position,
            joined_at: Time::from_millis(joined_at),
        };
        all.entry(id).or_default().push((member, own));
    }
    Ok(all)
}
