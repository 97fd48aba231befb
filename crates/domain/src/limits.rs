//! Every bound of the rules, with its unit. The gateway serves them at `GET /v5/limits`.

/// Unicode scalars in the text of a message.
pub const MESSAGE_TEXT_MAX: usize = 5_000;
/// Unicode scalars in the text of a first message to a stranger.
pub const REQUEST_TEXT_MAX: usize = 140;
/// Unicode scalars of a message's text that an answer to it shows.
pub const QUOTE_TEXT_MAX: usize = 200;
/// How long after it was sent a message's text may be changed, in milliseconds.
pub const EDIT_WINDOW_MS: i64 = 15 * 60 * 1_000;
/// How often the text of one message may be changed.
pub const EDITS_MAX: usize = 50;
/// Kinds of reaction that one message or pin has at most.
pub const REACTION_KINDS_MAX: usize = 20;
/// Messages of one conversation whose pin's state one event tells at most: the newest that carry it.
pub const PIN_STATES_MAX: i64 = 250;
/// Pins that a board made of a conversation takes over at most.
pub const BOARD_FROM_CONVERSATION_MAX: usize = 500;
/// Conversations that one transaction tells of something that concerns many.
pub const TOLD_TOGETHER_MAX: usize = 500;
/// Unicode scalars in the name of a board.
pub const BOARD_NAME_MAX: usize = 180;
/// Unicode scalars in the description of a board.
pub const BOARD_DESCRIPTION_MAX: usize = 500;
/// Unicode scalars in the title of a pin.
pub const PIN_TITLE_MAX: usize = 100;
/// Unicode scalars in the description of a pin.
pub const PIN_DESCRIPTION_MAX: usize = 800;
/// Unicode scalars in the words for what a pin's picture shows.
pub const PIN_ALT_TEXT_MAX: usize = 500;
/// Unicode scalars in the owner's note on a pin.
pub const PIN_NOTE_MAX: usize = 500;
/// Characters of a link or the address of a picture.
pub const LINK_MAX: usize = 2_048;
/// Unicode scalars of what a person writes with a report, or a moderator about it.
pub const REPORT_COMMENT_MAX: usize = 500;
/// What is counted by the day is counted over so many milliseconds.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// Strangers whom a person asks within 24 hours.
pub const REQUESTS_A_DAY_MAX: i64 = 50;
/// The same of an account that is new.
pub const REQUESTS_A_DAY_NEW_MAX: i64 = 10;
/// Strangers who have not answered within [`REQUESTS_UNANSWERED_MS`], from which on a person asks as few as a new one.
pub const REQUESTS_UNANSWERED_MAX: i64 = 50;
/// How long a request counts that was not answered, in milliseconds.
pub const REQUESTS_UNANSWERED_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// Requests to strangers within 24 hours that carry the same link or picture, from which on the next one waits for a
/// moderator: those of one sender, and those of all new accounts.
pub const SAME_TO_STRANGERS_MAX: i64 = 10;
/// Strangers whom a person asks into groups within 24 hours.
pub const INVITATIONS_A_DAY_MAX: i64 = 50;
/// The same of an account that is new.
pub const INVITATIONS_A_DAY_NEW_MAX: i64 = 10;
/// How long an account is new, in milliseconds.
pub const ACCOUNT_NEW_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// Reports a person makes within 24 hours.
pub const REPORTS_A_DAY_MAX: i64 = 50;
/// How long what was reported is kept after the decision, in milliseconds.
pub const EVIDENCE_KEPT_MS: i64 = 180 * 24 * 60 * 60 * 1_000;
/// How long a moderator holds a report without deciding, in milliseconds.
pub const CLAIM_MS: i64 = 30 * 60 * 1_000;
/// Messages before a reported one, or the last of a reported conversation, that moderators see.
pub const EVIDENCE_MESSAGES_MAX: i64 = 20;
/// How long after a link was made somebody looks again where it leads, in milliseconds.
pub const LINK_CHECKED_AGAIN_MS: [i64; 2] = [60 * 60 * 1_000, 24 * 60 * 60 * 1_000];
/// How often somebody tries to look where a link leads, before that is held against it, or at a picture.
pub const LINK_TRIES: i64 = 3;
/// How long after a try that failed the next one comes, in milliseconds.
pub const LINK_TRIED_AGAIN_MS: i64 = 60 * 1_000;
/// How long a look at a link holds for who follows it, in milliseconds.
pub const LINK_FRESH_MS: i64 = 10 * 60 * 1_000;
/// How long one node alone looks at a link or a picture, in milliseconds.
pub const LINK_LEASE_MS: i64 = 60 * 1_000;
/// Redirects of a link that are followed; one more is held against it.
pub const REDIRECTS_MAX: usize = 5;
/// Links that the text of a message holds at most.
pub const TEXT_LINKS_MAX: usize = 20;
/// Pixels of the shorter side of a picture, below which it does not show what a link promises.
pub const PICTURE_SIDE_MIN: u32 = 100;
/// Bytes of a picture's file that are read: more than its size needs. Of a larger file the colour stays unknown.
pub const PICTURE_BYTES_MAX: usize = 1_024 * 1_024;
/// Pixels of a picture at most whose colour is looked for.
pub const PICTURE_PIXELS_MAX: u64 = 4_194_304;
/// People one send may name.
pub const RECIPIENTS_MAX: usize = 10;
/// People in a conversation, the caller included, unless set otherwise.
pub const CONVERSATION_PEOPLE_DEFAULT: usize = 10;
/// The range an operator may set for people in a conversation.
pub const CONVERSATION_PEOPLE_RANGE: std::ops::RangeInclusive<usize> = 2..=100;
/// Heads a person has at most; beyond it the oldest minimized one goes.
pub const HEADS_MAX: usize = 20;
/// People whose avatars a head shows at most.
pub const HEAD_PEOPLE_MAX: usize = 4;
/// Unread messages are counted exactly up to here; above, `more` is true.
pub const UNREAD_EXACT_MAX: i64 = 100;
/// Items on a page at most.
pub const PAGE_SIZE_MAX: usize = 250;
/// Items on a page when the caller names no size.
pub const PAGE_SIZE_DEFAULT: usize = 25;
/// Characters of an idempotency key or `client_message_id` (visible ASCII).
pub const IDEMPOTENCY_KEY_MAX: usize = 64;
/// How long the outcome of an act that is not a message is kept for its key, in milliseconds.
pub const IDEMPOTENCY_KEPT_MS: i64 = 24 * 60 * 60 * 1_000;
/// How long events stay in the log, in milliseconds.
pub const EVENT_LOG_KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1_000;
/// Unicode scalars in a device id of a head.
pub const DEVICE_ID_MAX: usize = 64;
/// Characters of a group's title.
pub const CONVERSATION_TITLE_MAX: usize = 100;
/// How long a conversation may be muted, in milliseconds: a hundred years, which is for ever.
pub const MUTE_MAX_MS: i64 = 36_525 * 24 * 60 * 60 * 1_000;
/// Unicode scalars in a type-ahead query.
pub const QUERY_MAX: usize = 100;
/// Words of a query that are looked for at most; each costs a look into an index.
pub const QUERY_WORDS_MAX: usize = 8;
/// Unicode scalars in a query for messages.
pub const MESSAGE_QUERY_MAX: usize = 200;
/// Terms of a query for messages at most; each costs a look into an index.
pub const MESSAGE_QUERY_TERMS_MAX: usize = 32;
/// Different terms that one message is found by; what comes after them in a long text is not found.
pub const MESSAGE_TERMS_MAX: usize = 1_000;
/// Unicode scalars of a term; longer words are found by their beginnings.
pub const TERM_MAX: usize = 64;
/// Characters of a username at least.
pub const USERNAME_MIN: usize = 2;
/// Characters of a username at most.
pub const USERNAME_MAX: usize = 30;
/// Unicode scalars in a full name at most.
pub const FULL_NAME_MAX: usize = 60;
/// Unicode scalars in a person's text about themselves at most.
pub const ABOUT_MAX: usize = 500;
/// Bytes of an e-mail address at most (RFC 5321).
pub const EMAIL_MAX: usize = 254;
/// Bytes of what stands before the "@" at most (RFC 5321).
pub const EMAIL_LOCAL_MAX: usize = 64;
/// Bytes of a password at least.
pub const PASSWORD_MIN: usize = 8;
/// Bytes of a password at most: hashing takes time that grows with them.
pub const PASSWORD_MAX: usize = 1_024;
/// Sessions a person has at most; beyond it the one unused for longest is signed out.
pub const SESSIONS_MAX: usize = 50;
/// People whose presence one socket may watch.
pub const PRESENCE_PEOPLE_MAX: usize = 100;
/// Unicode scalars kept of what a device says it is.
pub const USER_AGENT_MAX: usize = 256;
