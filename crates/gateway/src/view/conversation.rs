//! Conversations, their people, and heads in answers and events.

use pinwire_domain::conversation::Unread;
use pinwire_domain::{Time, UserId, limits};
use pinwire_storage::conversations::{Conversation, ConversationView as Viewed, Member, Mine};
use pinwire_storage::inbox::UnreadTotals;
use pinwire_storage::people::Person;
use serde::Serialize;
use utoipa::ToSchema;

use super::kinds::{ConversationKind, HeadState};
use super::{DraftView, MessageView};

/// A person as a client draws them.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Person)]
pub struct PersonView {
    /// The account.
    #[schema(pattern = r"^\d+$", example = "3763541867536386")]
    pub id: String,
    /// Unique, lower case.
    #[schema(example = "ana")]
    pub username: String,
    /// As the person writes it.
    #[schema(example = "Ana Lopes")]
    pub full_name: String,
    /// URL of the avatar; null without one.
    #[schema(required)]
    pub profile_image: Option<String>,
    /// Grows with each change of the profile.
    pub version: i64,
}

impl From<Person> for PersonView {
    fn from(person: Person) -> Self {
        Self {
            id: person.id.to_string(),
            username: person.username,
            full_name: person.full_name,
            profile_image: person.profile_image,
            version: person.version,
        }
    }
}

impl From<&Person> for PersonView {
    fn from(person: &Person) -> Self {
        person.clone().into()
    }
}

/// Unread messages, exact up to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Unread)]
pub struct UnreadView {
    /// How many, 100 at most.
    #[schema(minimum = 0, maximum = 100, example = 1)]
    pub messages: i64,
    /// Whether there are more.
    pub more: bool,
}

impl From<Unread> for UnreadView {
    fn from(unread: Unread) -> Self {
        Self {
            messages: unread.messages,
            more: unread.more,
        }
    }
}

/// What is unread over all conversations; archived ones never count.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = UnreadTotals)]
pub struct UnreadTotalsView {
    /// Conversations with something unread, the muted ones left out.
    pub conversations: i64,
    /// Unread messages in them.
    pub messages: i64,
    /// Whether there are more than `messages` and `muted` say: of each conversation 100 are counted.
    pub more: bool,
    /// Unread messages in muted conversations.
    pub muted: i64,
    /// Contact requests that wait.
    pub requests: i64,
}

impl From<UnreadTotals> for UnreadTotalsView {
    fn from(totals: UnreadTotals) -> Self {
        let UnreadTotals {
            conversations,
            messages,
            more,
            muted,
            requests,
        } = totals;
        Self {
            conversations,
            messages,
            more,
            muted,
            requests,
        }
    }
}

/// What of a conversation is not the same for all its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown<'a> {
    /// Whether they see up to where others have read.
    marks: bool,
    /// Those of the others whom they have blocked.
    blocked: &'a [UserId],
    last_position: i64,
    last_message_at: Option<Time>,
}

impl<'a> Shown<'a> {
    /// What most are shown.
    #[must_use]
    pub const fn to_most(conversation: &Conversation) -> Self {
        Self {
            marks: true,
            blocked: &[],
            last_position: conversation.last_position,
            last_message_at: conversation.last_message_at,
        }
    }

    /// What one member is shown.
    #[must_use]
    pub fn to_one(conversation: &Conversation, mine: &'a Mine) -> Self {
        Self {
            marks: mine.sees_marks,
            blocked: &mine.blocked,
            last_position: mine.last_position(conversation),
            last_message_at: mine.last_message_at(conversation),
        }
    }
}

/// A conversation, the same for all its members who see each other's read marks and have not blocked each other.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Conversation)]
pub struct ConversationView {
    /// Its id.
    #[schema(pattern = r"^\d+$", example = "3763541867536384")]
    pub id: String,
    /// Of two people or of several.
    pub kind: ConversationKind,
    /// A group's title; null without one.
    #[schema(required)]
    pub title: Option<String>,
    /// Who began it.
    #[schema(pattern = r"^\d+$")]
    pub created_by: String,
    /// Whose it is: who may remove people from a group. The founder's, until they leave.
    #[schema(pattern = r"^\d+$")]
    pub owner_id: String,
    /// When it began.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// The position of the last message that moved it for you; 0 for none.
    #[schema(minimum = 0, example = 3)]
    pub last_position: i64,
    /// When that message was sent; null for none.
    #[schema(required, format = DateTime, example = "2026-11-23T09:30:00.000Z")]
    pub last_message_at: Option<String>,
    /// Those who take part.
    pub members: Vec<MemberView>,
    /// Grows when title or people change.
    pub version: i64,
}

/// A member of a conversation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
pub struct MemberView {
    /// The person.
    pub user: PersonView,
    /// Up to where they have read, as far as they let others see: a mark that its owner keeps back stands still, until
    /// they write. Null for all if you keep yours back, and of whom you have blocked.
    #[schema(required, minimum = 0, example = 3)]
    pub read_position: Option<i64>,
    /// Up to where messages have reached a device of theirs, as far as their app tells it; 0 of whom you have blocked.
    #[schema(minimum = 0, example = 3)]
    pub delivered_position: i64,
    /// When they joined.
    #[schema(format = DateTime)]
    pub joined_at: String,
}

impl ConversationView {
    /// The conversation with what is shown of it.
    #[must_use]
    pub fn of(conversation: &Conversation, shown: &Shown<'_>) -> Self {
        let member = |m: &Member| {
            let is_heard = !shown.blocked.contains(&m.person.id);
            MemberView {
                user: PersonView::from(&*m.person),
                read_position: (shown.marks && is_heard).then_some(m.read_position),
                delivered_position: if is_heard { m.delivered_position } else { 0 },
                joined_at: m.joined_at.to_string(),
            }
        };
        Self {
            id: conversation.id.to_string(),
            kind: conversation.kind.into(),
            title: conversation.title.clone(),
            created_by: conversation.created_by.to_string(),
            owner_id: conversation.owner.to_string(),
            created_at: conversation.created_at.to_string(),
            last_position: shown.last_position,
            last_message_at: shown.last_message_at.map(|t| t.to_string()),
            members: conversation.members.iter().map(member).collect(),
            version: conversation.version,
        }
    }
}

/// A conversation as you see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConversationItem {
    /// What all members see.
    pub conversation: ConversationView,
    /// The last message; null if there is none that you may see.
    #[schema(required)]
    pub last_message: Option<MessageView>,
    /// Up to where you have read.
    #[schema(minimum = 0, example = 2)]
    pub read_position: i64,
    /// What is unread.
    pub unread: UnreadView,
    /// Whether you marked it unread.
    pub unread_flag: bool,
    /// Whether you put it away.
    pub archived: bool,
    /// No notice until then; null if not muted.
    #[schema(required, format = DateTime)]
    pub muted_until: Option<String>,
    /// Whether you took it out of your lists until the next message.
    pub hidden: bool,
    /// What you have begun to write; null without a draft.
    #[schema(required)]
    pub draft: Option<DraftView>,
    /// Your head of it; null if there is none.
    #[schema(required)]
    pub head: Option<HeadView>,
    /// Grows with each change of what is yours in it, but the draft, which has a version of its own.
    pub version: i64,
}

impl ConversationItem {
    /// The conversation as `viewer` sees it.
    #[must_use]
    pub fn of(view: &Viewed, viewer: UserId, now: Time) -> Self {
        Self {
            conversation: ConversationView::of(
                &view.conversation,
                &Shown::to_one(&view.conversation, &view.mine),
            ),
            last_message: view
                .last_message
                .as_ref()
                .map(|m| MessageView::of(m, Some(viewer))),
            read_position: view.mine.read_position,
            unread: view.mine.unread.into(),
            unread_flag: view.mine.unread_flag,
            archived: view.mine.archived,
            muted_until: view.mine.muted_until.map(|t| t.to_string()),
            hidden: view.mine.is_hidden(&view.conversation),
            draft: view
                .draft
                .as_ref()
                .filter(|draft| !draft.is_dropped())
                .map(DraftView::from),
            head: HeadView::of(&view.conversation, &view.mine, viewer, now),
            version: view.mine.version,
        }
    }
}

/// A head: the avatar of a conversation at the lower left, with all that a client draws of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Head)]
pub struct HeadView {
    /// Its conversation.
    #[schema(pattern = r"^\d+$", example = "3763541867536384")]
    pub conversation_id: String,
    /// How it is drawn.
    pub state: HeadState,
    /// The device on which it is open; others may draw it minimized. Null if minimized or not told.
    #[schema(required)]
    pub device_id: Option<String>,
    /// Of two people or of several.
    pub kind: ConversationKind,
    /// A group's title.
    #[schema(required)]
    pub title: Option<String>,
    /// Those whose avatars make the head: the first of the others by id.
    #[schema(max_items = 4)]
    pub people: Vec<PersonView>,
    /// How many others there are.
    pub people_count: usize,
    /// What is unread.
    pub unread: UnreadView,
    /// Whether you marked it unread.
    pub unread_flag: bool,
    /// The picture of the last pin that was sent; null if there is none.
    #[schema(required, format = "uri", example = "https://img.example/cat.jpg")]
    pub last_pin_image: Option<String>,
    /// When the last message was sent; null for none.
    #[schema(required, format = DateTime, example = "2026-11-23T09:30:00.000Z")]
    pub last_message_at: Option<String>,
    /// Where it stands: heads are shown by this, the greatest first. A message moves it.
    pub activity_seq: i64,
    /// Grows with each change of its state by you.
    pub version: i64,
}

impl HeadView {
    /// The head that a conversation has for `viewer`, if any.
    #[must_use]
    pub fn of(conversation: &Conversation, mine: &Mine, viewer: UserId, now: Time) -> Option<Self> {
        let head = mine.head(conversation, now)?;
        let others = || {
            let members = conversation.members.iter();
            members.filter(|m| m.person.id != viewer)
        };
        Some(Self {
            conversation_id: conversation.id.to_string(),
            state: head.state.into(),
            device_id: head.device_id,
            kind: conversation.kind.into(),
            title: conversation.title.clone(),
            people: others()
                .take(limits::HEAD_PEOPLE_MAX)
                .map(|m| PersonView::from(&*m.person))
                .collect(),
            people_count: others().count(),
            unread: mine.unread.into(),
            unread_flag: mine.unread_flag,
            last_pin_image: mine.last_pin_image(conversation).map(str::to_owned),
            last_message_at: mine.last_message_at(conversation).map(|t| t.to_string()),
            activity_seq: mine.activity_seq(conversation),
            version: head.version,
        })
    }
}
