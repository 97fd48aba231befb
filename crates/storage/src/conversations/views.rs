//! Conversations as their members see them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use pinwire_domain::conversation::{ConversationKind, MembershipState, Unread};
use pinwire_domain::{ConversationId, Time, UserId};

use crate::db::{Conn, on};
use crate::error::{Result, StoreError};
use crate::messages::{self, Message, Place};
use crate::people::{Person, PersonRow};
use crate::schema::{conversations, heads, members, pins};

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
    /// Those who take part, by id.
    pub members: Vec<Member>,
}

/// A member as the others see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub person: Person,
    /// Up to where they have read.
    pub read_position: i64,
    /// When they joined.
    pub joined_at: Time,
}

/// What is one member's own in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mine {
    /// Up to where I have read.
    pub read_position: i64,
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
    /// My head's row, if I ever touched the head.
    pub(crate) head: Option<HeadRow>,
}

/// What a person's own acts said of a head.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The picture of the last pin that was sent.
    pub last_pin_image: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = conversations)]
struct Row {
    id: i64,
    kind: String,
    title: Option<String>,
    created_by: i64,
    created_at: i64,
    last_position: i64,
    last_message_at: Option<i64>,
    last_pin_id: Option<i64>,
    activity_seq: i64,
    version: i64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = members)]
struct MembershipRow {
    conversation_id: i64,
    read_position: i64,
    unread_flag: bool,
    muted_until: Option<i64>,
    archived: bool,
    hidden_position: Option<i64>,
    created_at: i64,
    version: i64,
}

/// These conversations as each of these viewers sees them; pairs where the viewer takes no part are missing.
pub(crate) fn load(
    conn: &mut Conn,
    viewers: &[UserId],
    ids: &[ConversationId],
) -> Result<HashMap<(ConversationId, UserId), ConversationView>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
    let viewer_ids: Vec<i64> = viewers.iter().map(|v| v.get()).collect();
    let rows: Vec<Row> = on!(conn, c => conversations::table
        .filter(conversations::id.eq_any(&ids))
        .select(Row::as_select())
        .load(c))?;
    let mut all = members_of(conn, &ids)?;
    let images = last_images(conn, &rows)?;
    let heads = head_rows(conn, &viewer_ids, &ids)?;
    let least = all
        .values()
        .flatten()
        .map(|(m, _)| m.read_position + 1)
        .min()
        .unwrap_or(1);
    let kept = Uncounted {
        positions: uncounted(conn, &ids, least)?,
        excluded: messages::exclusions(conn, &viewer_ids, &ids, least)?,
    };
    let last_places: Vec<Place> = rows
        .iter()
        .filter(|r| r.last_position > 0)
        .map(|r| (ConversationId::new(r.id), r.last_position))
        .collect();
    let last_messages: HashMap<Place, Arc<Message>> = messages::load(conn, &last_places)?
        .into_iter()
        .map(|(place, message)| (place, Arc::new(message)))
        .collect();
    let mut views = HashMap::new();
    for row in rows {
        let id = ConversationId::new(row.id);
        let memberships = all.remove(&row.id).unwrap_or_default();
        let image = row.last_pin_id.and_then(|pin| images.get(&pin).cloned());
        let place = (id, row.last_position);
        let last_position = row.last_position;
        let conversation = Arc::new(conversation(row, &memberships)?);
        for (membership, person) in &memberships {
            if !viewers.contains(&person.id) {
                continue;
            }
            let place_of = |position| (person.id, (id, position));
            let skipped = kept.after(id, person.id, membership.read_position);
            let view = ConversationView {
                conversation: Arc::clone(&conversation),
                mine: mine(
                    membership,
                    last_position,
                    skipped,
                    heads.get(&(id, person.id)),
                ),
                last_message: last_messages
                    .get(&place)
                    .filter(|_| !kept.excluded.contains(&place_of(last_position)))
                    .cloned(),
                last_pin_image: image.clone(),
            };
            views.insert((id, person.id), view);
        }
    }
    Ok(views)
}

/// What does not count as unread.
struct Uncounted {
    /// For nobody: system messages and deleted ones.
    positions: HashSet<(i64, i64)>,
    /// Not for this person.
    excluded: HashSet<(UserId, Place)>,
}

impl Uncounted {
    /// How many positions after `mark` do not count for `user`.
    fn after(&self, id: ConversationId, user: UserId, mark: i64) -> i64 {
        let quiet = self.positions.iter().filter(|(c, p)| {
            *c == id.get() && *p > mark && !self.excluded.contains(&(user, (id, *p)))
        });
        let hidden = self
            .excluded
            .iter()
            .filter(|(u, (c, p))| *u == user && *c == id && *p > mark);
        i64::try_from(quiet.count() + hidden.count()).unwrap_or(i64::MAX)
    }
}

fn mine(row: &MembershipRow, last_position: i64, skipped: i64, head: Option<&HeadRow>) -> Mine {
    Mine {
        read_position: row.read_position,
        unread: Unread::of(last_position - row.read_position - skipped),
        unread_flag: row.unread_flag,
        muted_until: row.muted_until.map(Time::from_millis),
        archived: row.archived,
        hidden_position: row.hidden_position,
        version: row.version,
        head: head.cloned(),
    }
}

fn conversation(row: Row, memberships: &[(MembershipRow, Person)]) -> Result<Conversation> {
    Ok(Conversation {
        id: ConversationId::new(row.id),
        kind: ConversationKind::from_name(&row.kind).ok_or(StoreError::Corrupt(row.kind))?,
        title: row.title,
        created_by: UserId::new(row.created_by),
        created_at: Time::from_millis(row.created_at),
        last_position: row.last_position,
        last_message_at: row.last_message_at.map(Time::from_millis),
        activity_seq: row.activity_seq,
        version: row.version,
        members: memberships
            .iter()
            .map(|(m, person)| Member {
                person: person.clone(),
                read_position: m.read_position,
                joined_at: Time::from_millis(m.created_at),
            })
            .collect(),
    })
}

type Members = HashMap<i64, Vec<(MembershipRow, Person)>>;

fn members_of(conn: &mut Conn, ids: &[i64]) -> Result<Members> {
    let rows: Vec<(MembershipRow, PersonRow)> = on!(conn, c => members::table
        .filter(members::conversation_id.eq_any(ids))
        .filter(members::state.eq(MembershipState::Member.name()))
        .order((members::conversation_id, members::user_id))
        .select((
            MembershipRow::as_select(),
            (
                members::user_id,
                members::username,
                members::full_name,
                members::profile_image,
                members::user_version,
            ),
        ))
        .load(c))?;
    let mut all = Members::new();
    for (membership, person) in rows {
        all.entry(membership.conversation_id)
            .or_default()
            .push((membership, person.into()));
    }
    Ok(all)
}

fn last_images(conn: &mut Conn, rows: &[Row]) -> Result<HashMap<i64, String>> {
    let ids: HashSet<i64> = rows.iter().filter_map(|r| r.last_pin_id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let images: Vec<(i64, String)> = on!(conn, c => pins::table
        .filter(pins::id.eq_any(&ids))
        .select((pins::id, pins::image_url))
        .load(c))?;
    Ok(images.into_iter().collect())
}

fn head_rows(
    conn: &mut Conn,
    viewers: &[i64],
    ids: &[i64],
) -> Result<HashMap<(ConversationId, UserId), HeadRow>> {
    let rows: Vec<(i64, i64, String, Option<String>, i64, i64)> = on!(conn, c => heads::table
        .filter(heads::user_id.eq_any(viewers))
        .filter(heads::conversation_id.eq_any(ids))
        .select((
            heads::conversation_id,
            heads::user_id,
            heads::state,
            heads::device_id,
            heads::closed_position,
            heads::version,
        ))
        .load(c))?;
    Ok(rows
        .into_iter()
        .map(
            |(conversation, user, state, device_id, closed_position, version)| {
                (
                    (ConversationId::new(conversation), UserId::new(user)),
                    HeadRow {
                        state,
                        device_id,
                        closed_position,
                        version,
                    },
                )
            },
        )
        .collect())
}

/// Positions from `least` on that never count as unread.
fn uncounted(conn: &mut Conn, ids: &[i64], least: i64) -> Result<HashSet<(i64, i64)>> {
    use crate::schema::messages;
    let rows: Vec<(i64, i64)> = on!(conn, c => messages::table
        .filter(messages::conversation_id.eq_any(ids))
        .filter(messages::position.ge(least))
        // A literal, so that the partial index serves it.
        .filter(sql::<Bool>("(messages.kind = 'system' or messages.deleted_at is not null)"))
        .select((messages::conversation_id, messages::position))
        .load(c))?;
    Ok(rows.into_iter().collect())
}
