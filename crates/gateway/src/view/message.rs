//! Messages in answers and events.

use pinwire_domain::UserId;
use pinwire_domain::reaction::Reactions;
use pinwire_storage::messages::{Message, Notice, Revision};
use pinwire_storage::pin_snapshots::SentPin;
use serde::Serialize;
use utoipa::ToSchema;

use super::kinds::{MessageKind, NoticeCode, PinState};
use super::link::{LinkCheckView, SafeLink, TextLinkView};
use super::{BoardCardView, PersonView, ReplyView};

/// A message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Message)]
pub struct MessageView {
    /// Its conversation.
    #[schema(pattern = r"^\d+$", example = "3763541867536384")]
    pub conversation_id: String,
    /// Its gapless place in the conversation, from 1. Clients order by it alone.
    #[schema(minimum = 1, example = 3)]
    pub position: i64,
    /// Who wrote it.
    pub kind: MessageKind,
    /// Who wrote it.
    pub sender: PersonView,
    /// What was written; null without text. `[…]` stands for a word with a link to a blocked domain.
    #[schema(required, max_length = 5000, example = "For the hall?")]
    pub text: Option<String>,
    /// The pin it carries; null without one.
    #[schema(required)]
    pub pin: Option<PinCardView>,
    /// The board it carries; null without one.
    #[schema(required)]
    pub board: Option<BoardCardView>,
    /// The person whose profile it carries, as they are now; null without one.
    #[schema(required)]
    pub user: Option<PersonView>,
    /// The message that it answers; null if it answers none.
    #[schema(required)]
    pub reply_to: Option<ReplyView>,
    /// The pin that it is about, one that was sent in this conversation; null if it is about none.
    #[schema(required, pattern = r"^\d+$")]
    pub about_pin_id: Option<String>,
    /// Whether its sender passed on what was written elsewhere.
    pub forwarded: bool,
    /// What a system message tells; null for a person's.
    #[schema(required)]
    pub system: Option<NoticeView>,
    /// The mark the sender gave it; shown to the sender alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<String>,
    /// When it was sent.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When its text was last changed; null unless it was.
    #[schema(required, format = DateTime)]
    pub edited_at: Option<String>,
    /// When it was deleted for everyone; null unless it was. Then nothing of it is left but its place, its sender and
    /// its times.
    #[schema(required, format = DateTime)]
    pub deleted_at: Option<String>,
    /// What people put to it, the kind that came first first.
    #[schema(max_items = 20)]
    pub reactions: Vec<ReactionView>,
    /// What its text holds of links, as they follow.
    #[schema(max_items = 20)]
    pub links: Vec<TextLinkView>,
    /// Grows with each change of the message, and of the reactions to it.
    #[schema(example = 1)]
    pub version: i64,
}

/// Reactions of one kind.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reaction)]
pub struct ReactionView {
    /// The emoji.
    #[schema(example = "\u{1f44d}")]
    pub emoji: String,
    /// How many people reacted so.
    #[schema(minimum = 1, example = 2)]
    pub count: usize,
    /// Whether you are one of them; left out in what is the same for everyone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mine: Option<bool>,
}

impl ReactionView {
    /// The reactions as `viewer` sees them; without a viewer, all that there are.
    #[must_use]
    pub fn of(reactions: &Reactions, viewer: Option<UserId>) -> Vec<Self> {
        let seen = reactions.seen_by(viewer).into_iter();
        seen.map(|it| Self {
            emoji: it.emoji.to_owned(),
            count: it.count,
            mine: viewer.map(|_| it.mine),
        })
        .collect()
    }
}

/// What a system message tells of a change of the group, in a code and its parameters: the words are the client's.
/// Who did it is the message's `sender`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notice)]
pub struct NoticeView {
    /// What happened.
    pub code: NoticeCode,
    /// Whom it happened to; none where that is the sender.
    pub people: Vec<PersonView>,
    /// The title that the group was given; null for none, and for other codes.
    #[schema(required, max_length = 100, example = "Hall")]
    pub title: Option<String>,
    /// Whose the group was from then on; null where that did not change.
    #[schema(required, pattern = r"^\d+$")]
    pub owner_id: Option<String>,
}

impl From<Notice> for NoticeView {
    fn from(notice: Notice) -> Self {
        Self {
            code: notice.told.code.into(),
            people: notice.people.into_iter().map(PersonView::from).collect(),
            title: notice.told.title,
            owner_id: notice.told.owner.map(|owner| owner.to_string()),
        }
    }
}

/// A text of a message, and when it was written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Revision)]
pub struct RevisionView {
    /// What was written; null without text.
    #[schema(required, max_length = 5000, example = "For the hall?")]
    pub text: Option<String>,
    /// When.
    #[schema(format = DateTime)]
    pub written_at: String,
}

impl From<Revision> for RevisionView {
    fn from(revision: Revision) -> Self {
        Self {
            text: revision.text,
            written_at: revision.written_at.to_string(),
        }
    }
}

/// A pin as it was sent, and how it stands now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PinCard)]
pub struct PinCardView {
    /// The pin.
    #[schema(pattern = r"^\d+$", example = "3763541867536385")]
    pub pin_id: String,
    /// Whose it is.
    #[schema(pattern = r"^\d+$")]
    pub owner_id: String,
    /// Its title when it was sent.
    #[schema(required, max_length = 100, example = "Grey cat")]
    pub title: Option<String>,
    /// Its description when it was sent.
    #[schema(required)]
    pub description: Option<String>,
    /// What the picture shows, in words.
    #[schema(required)]
    pub alt_text: Option<String>,
    /// Where it led when it was sent; null without a link, and while `link_check` holds something against it.
    #[schema(required, max_length = 2048, example = "https://cats.example/1")]
    pub link: Option<String>,
    /// What was found out about the link as it was sent; null without one.
    #[schema(required)]
    pub link_check: Option<LinkCheckView>,
    /// Its picture.
    #[schema(format = "uri", example = "https://img.example/cat.jpg")]
    pub image_url: String,
    /// Pixels of its width; null while unknown.
    #[schema(required, minimum = 1, example = 600)]
    pub image_width: Option<u32>,
    /// Pixels of its height; null while unknown.
    #[schema(required, minimum = 1, example = 900)]
    pub image_height: Option<u32>,
    /// The picture's main colour.
    #[schema(required, pattern = "^#[0-9A-Fa-f]{6}$", example = "#6E7874")]
    pub dominant_color: Option<String>,
    /// How it stands now.
    pub pin_state: PinState,
}

impl From<SentPin> for PinCardView {
    fn from(sent: SentPin) -> Self {
        let pin = sent.snapshot;
        let safe = SafeLink::of(pin.link, sent.link_check.as_ref());
        Self {
            pin_id: pin.id.to_string(),
            owner_id: pin.owner_id.to_string(),
            title: pin.title,
            description: pin.description,
            alt_text: pin.alt_text,
            link: safe.link,
            link_check: safe.check,
            image_url: pin.image_url,
            image_width: pin.image_width,
            image_height: pin.image_height,
            dominant_color: pin.dominant_color,
            pin_state: sent.state.into(),
        }
    }
}

impl MessageView {
    /// With a quote of what it answers only if that may be shown.
    #[must_use]
    pub fn quoting(mut self, may_be_shown: bool) -> Self {
        if let Some(reply) = self.reply_to.as_mut().filter(|_| !may_be_shown) {
            reply.quote = None;
        }
        self
    }

    /// The message as `viewer` sees it; without a viewer, as everyone may.
    #[must_use]
    pub fn of(message: &Message, viewer: Option<UserId>) -> Self {
        Self::made_of(message.clone(), viewer)
    }

    /// As [`Self::of`], of a message that nobody else needs.
    #[must_use]
    pub fn made_of(message: Message, viewer: Option<UserId>) -> Self {
        let own = viewer == Some(message.sender.id);
        Self {
            conversation_id: message.conversation.to_string(),
            position: message.position,
            kind: message.kind.into(),
            sender: PersonView::from(message.sender),
            text: message.text,
            pin: message.pin.map(PinCardView::from),
            board: message.board.map(BoardCardView::of),
            user: message.profile.map(PersonView::from),
            reply_to: message.reply_to.map(|reply| ReplyView::of(&reply, viewer)),
            about_pin_id: message.about_pin.map(|pin| pin.to_string()),
            forwarded: message.forwarded,
            system: message.notice.map(NoticeView::from),
            client_message_id: message.client_message_id.filter(|_| own),
            created_at: message.created_at.to_string(),
            edited_at: message.edited_at.map(|t| t.to_string()),
            deleted_at: message.deleted_at.map(|t| t.to_string()),
            reactions: ReactionView::of(&message.reactions, viewer),
            links: message.links.into_iter().map(TextLinkView::from).collect(),
            version: message.version,
        }
    }
}
