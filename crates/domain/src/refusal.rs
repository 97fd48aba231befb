//! Every "no" of the rules. The gateway's table gives each its code, slug and status.

/// A field of a request and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The path of the field in the body, such as `recipients[2].user_id`.
    pub field: String,
    /// Why it was refused, for a person to read.
    pub reason: String,
}

impl Field {
    /// A field and the reason.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            reason: reason.into(),
        }
    }
}

/// Why an act was refused. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A value breaks a rule of its field.
    #[error("{}: {}", .0.field, .0.reason)]
    InvalidValue(Field),
    /// A field that v5 knows and Pinwire does not offer was given a value.
    #[error("{} is not supported", .0.field)]
    Unsupported(Field),
    /// The caller's key was used for another route or body.
    #[error("this idempotency key was used for another request")]
    IdempotencyKeyReused,
    /// Another account has this username, or one that looks like it.
    #[error("this username is taken")]
    UsernameTaken,
    /// Another account has this e-mail address.
    #[error("this e-mail address is taken")]
    EmailTaken,
    /// Wrong username or password; the same for an unknown account.
    #[error("wrong username or password")]
    WrongCredentials,
    /// The present password was not given right.
    #[error("the current password is wrong")]
    WrongPassword,
    /// A refresh token that is unknown, expired, revoked or used before.
    #[error("this refresh token is not valid")]
    InvalidGrant,
    /// A token whose session was signed out.
    #[error("this session is signed out")]
    SignedOut,
    /// No such account.
    #[error("no such user")]
    UserNotFound,
    /// One may not follow, block or send to oneself.
    #[error("not with yourself")]
    Yourself,
    /// No such board, or not for the caller to know of.
    #[error("no such board")]
    BoardNotFound,
    /// The caller has a board of this name.
    #[error("you already have a board with this name")]
    BoardNameTaken,
    /// The board is somebody else's.
    #[error("this board is not yours")]
    BoardNotYours,
    /// No such pin, or not for the caller to know of.
    #[error("no such pin")]
    PinNotFound,
    /// The pin is somebody else's.
    #[error("this pin is not yours")]
    PinNotYours,
    /// A secret board's pin may be forwarded and saved by its owner only.
    #[error("only its owner may send or save a pin of a secret board")]
    PinIsSecret,
    /// No such conversation, or the caller is no member.
    #[error("no such conversation")]
    ConversationNotFound,
    /// No such message for the caller.
    #[error("no such message")]
    MessageNotFound,
    /// A message of Pinwire's own is not answered or passed on.
    #[error("this message is nobody's")]
    SystemMessage,
    /// A message can be about a pin only that was sent in its conversation.
    #[error("this pin was not sent in this conversation")]
    PinNotInConversation,
    /// Only a message that carries a pin lets one save it.
    #[error("this message carries no pin")]
    NoPinInMessage,
    /// More pins than a board made of a conversation takes over.
    #[error("at most {limit} pins at once")]
    TooManyPins {
        /// The bound.
        limit: usize,
    },
    /// Only who wrote a message may change it, or delete it for everyone.
    #[error("this message is not yours")]
    MessageNotYours,
    /// A message that was deleted for everyone cannot be changed, answered or reacted to.
    #[error("this message was deleted")]
    MessageDeleted,
    /// The text of a message can be changed for a while only.
    #[error("a message can be changed within {minutes} minutes")]
    EditWindowOver {
        /// The bound.
        minutes: i64,
    },
    /// The text of the message was changed as often as it may be.
    #[error("a message can be changed at most {limit} times")]
    TooManyEdits {
        /// The bound.
        limit: usize,
    },
    /// One more kind of reaction than there may be.
    #[error("at most {limit} kinds of reaction")]
    TooManyReactions {
        /// The bound.
        limit: usize,
    },
    /// The caller has no draft there.
    #[error("no draft")]
    DraftNotFound,
    /// No such session of the caller's.
    #[error("no such session")]
    SessionNotFound,
    /// A message without any content.
    #[error("a message needs a text, or something that it carries")]
    EmptyMessage,
    /// No recipient was named, or only the caller.
    #[error("name at least one other person")]
    NoRecipients,
    /// More recipients than a send may name.
    #[error("at most {limit} recipients a send")]
    TooManyRecipients {
        /// The bound.
        limit: usize,
    },
    /// The group would hold more people than a conversation may.
    #[error("at most {limit} people in a conversation")]
    TooManyPeople {
        /// The bound.
        limit: usize,
    },
    /// A `conversation_id` among the recipients of a group.
    #[error("a group is made of people, not of conversations")]
    ConversationInGroup,
    /// None of the recipients can be reached.
    #[error("none of the recipients is available")]
    NobodyAvailable {
        /// The places of the unavailable ones in the request.
        recipients: Vec<usize>,
    },
    /// A group is refused whole when one of its people cannot be reached.
    #[error("a recipient is not available")]
    RecipientUnavailable {
        /// The places of the unavailable ones in the request.
        recipients: Vec<usize>,
    },
    /// Two people's conversation has no title and always these two.
    #[error("only a group has a title and people who come and go")]
    NotAGroup,
    /// Only whose the group is may take others out.
    #[error("only its owner may remove people from a group")]
    ConversationNotYours,
    /// Nobody of that id takes part, or is asked to.
    #[error("no such member")]
    MemberNotFound,
    /// The caller is not asked into such a conversation.
    #[error("no such contact request")]
    RequestNotFound,
    /// Nothing is followed by this token.
    #[error("no such link")]
    LinkNotFound,
    /// The domain is not blocked.
    #[error("this domain is not blocked")]
    DomainNotFound,
    /// There is no such report, or none of the caller's.
    #[error("no such report")]
    ReportNotFound,
    /// The action does nothing to this kind of thing.
    #[error("this action does not fit what was reported")]
    ActionNotPossible,
    /// Somebody else decides on the report, or nobody yet.
    #[error("claim the report first; another moderator may hold it")]
    ReportNotClaimed,
    /// The report is decided.
    #[error("the report is decided already")]
    ReportResolved,
    /// The caller did this as often as a day allows.
    #[error("no more than {max} {what} a day")]
    DailyLimit {
        /// What was done.
        what: &'static str,
        /// How often a day allows.
        max: i64,
    },
    /// The caller is no moderator.
    #[error("this is for moderators")]
    NotModerator,
    /// Moderators barred the account.
    #[error("the account is suspended")]
    AccountSuspended,
    /// A direct conversation can be hidden or blocked, not left.
    #[error("a direct conversation cannot be left")]
    DirectNotLeavable,
    /// Until a contact request is answered, nothing more can be sent.
    #[error("wait until your first pin is answered")]
    AwaitingAnswer,
    /// Who has blocked somebody does not write to them.
    #[error("you have blocked this person")]
    BlockedByYou,
    /// Who has nothing to do with somebody comes with a pin.
    #[error("a first message carries a pin")]
    FirstContactNeedsPin,
    /// A read mark beyond the last message.
    #[error("there is no message at this position yet")]
    PositionBeyondEnd,
}
