//! The one table of errors: every reason with its status, code and slug, and which refusal of the rules it stands for.

use pinwire_domain::Refusal;
use serde::Serialize;

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Reason {
    /// The HTTP status.
    pub status: u16,
    /// The stable name, `error` in the body.
    #[serde(rename = "error")]
    pub slug: &'static str,
    /// The number for clients of API v5, `code` in the body.
    pub code: i32,
    /// When it is given.
    pub meaning: &'static str,
}

macro_rules! table {
    (
        gateway { $(#[doc = $own_meaning:literal] $own:ident $own_status:literal $own_code:literal $own_slug:literal;)* }
        rules { $(#[doc = $meaning:literal] $refusal:pat => $name:ident $status:literal $code:literal $slug:literal;)* }
    ) => {
        $(
            #[doc = $own_meaning]
            pub const $own: Reason = Reason {
                status: $own_status,
                slug: $own_slug,
                code: $own_code,
                meaning: $own_meaning.trim_ascii_start(),
            };
        )*
        $(
            #[doc = $meaning]
            pub const $name: Reason = Reason {
                status: $status,
                slug: $slug,
                code: $code,
                meaning: $meaning.trim_ascii_start(),
            };
        )*

        /// Every reason.
        pub const ALL: &[Reason] = &[$($own,)* $($name),*];

        impl Reason {
            /// The reason that a refusal is: a new one does not compile until it has a line.
            #[must_use]
            pub const fn of(refusal: &Refusal) -> Self {
                match refusal { $($refusal => $name),* }
            }
        }
    };
}

table! {
    gateway {
        /// The path or query is not text: a `%` without two hexadecimal digits, or bytes that are not UTF-8.
        MALFORMED_TARGET 400 1 "malformed_target";
        /// Not JSON (or not a form), or a value of another type than documented.
        MALFORMED_BODY 400 1 "malformed_body";
        /// A field that this operation does not know.
        UNKNOWN_FIELD 400 1 "unknown_field";
        /// The same key twice in one object.
        DUPLICATE_KEY 400 1 "duplicate_key";
        /// A query or path parameter of another form than documented.
        MALFORMED_PARAMETER 400 1 "malformed_parameter";
        /// A header of another form than documented, or two keys that differ.
        MALFORMED_HEADER 400 1 "malformed_header";
        /// A bookmark that this list did not give.
        MALFORMED_BOOKMARK 400 1 "malformed_bookmark";
        /// A cursor that this server did not give.
        MALFORMED_CURSOR 400 1 "malformed_cursor";
        /// Another grant than `password` and `refresh_token`.
        UNSUPPORTED_GRANT_TYPE 400 1 "unsupported_grant_type";
        /// A scope that there is not, or that cannot be granted.
        INVALID_SCOPE 400 1 "invalid_scope";
        /// No access token, or one that is not valid (any more).
        UNAUTHENTICATED 401 2 "unauthenticated";
        /// The access token lacks a scope that this operation needs.
        MISSING_SCOPE 403 29 "missing_scope";
        /// A web page of an origin that is not allowed.
        ORIGIN_NOT_ALLOWED 403 29 "origin_not_allowed";
        /// No such path.
        NO_SUCH_ROUTE 404 3 "no_such_route";
        /// The path has no such method; `Allow` names those it has.
        METHOD_NOT_ALLOWED 405 3 "method_not_allowed";
        /// The body did not arrive in time.
        REQUEST_TIMEOUT 408 1 "request_timeout";
        /// The events after this cursor are not to be had: fetch `GET /v5/sync`.
        RESYNC_REQUIRED 410 4 "resync_required";
        /// The body is over the bound.
        BODY_TOO_LARGE 413 1 "body_too_large";
        /// The body has another type than documented, or is compressed.
        UNSUPPORTED_MEDIA_TYPE 415 1 "unsupported_media_type";
        /// More requests than allowed; `Retry-After` says when to try again.
        RATE_LIMITED 429 8 "rate_limited";
        /// The headers are over the bound.
        HEADERS_TOO_LARGE 431 1 "headers_too_large";
        /// A fault of the server's.
        INTERNAL 500 0 "internal";
        /// The server cannot answer now; `Retry-After` says when to try again.
        UNAVAILABLE 503 5 "unavailable";
    }
    rules {
        /// A value breaks a rule of its field; `details` names the field.
        Refusal::InvalidValue(_) => INVALID_VALUE 422 1 "invalid_value";
        /// API v5 knows this and Pinwire does not offer it; `details` names the field.
        Refusal::Unsupported(_) => UNSUPPORTED 422 1 "unsupported";
        /// The idempotency key was used for another route or body.
        Refusal::IdempotencyKeyReused => IDEMPOTENCY_KEY_REUSED 422 1 "idempotency_key_reused";
        /// Another account has this username, or one that looks like it.
        Refusal::UsernameTaken => USERNAME_TAKEN 409 30 "username_taken";
        /// Another account has this e-mail address.
        Refusal::EmailTaken => EMAIL_TAKEN 409 30 "email_taken";
        /// Wrong username or password; the same for an unknown account.
        Refusal::WrongCredentials => WRONG_CREDENTIALS 401 2 "wrong_credentials";
        /// The present password was not given right.
        Refusal::WrongPassword => WRONG_PASSWORD 403 29 "wrong_password";
        /// The refresh token is unknown, expired, revoked or was used before.
        Refusal::InvalidGrant => INVALID_GRANT 401 2 "invalid_grant";
        /// The session of the access token was signed out.
        Refusal::SignedOut => SIGNED_OUT 401 2 "signed_out";
        /// No such account.
        Refusal::UserNotFound => USER_NOT_FOUND 404 30 "user_not_found";
        /// One may not follow, block or send to oneself.
        Refusal::Yourself => YOURSELF 422 30 "yourself";
        /// No such board, or not for you to know of.
        Refusal::BoardNotFound => BOARD_NOT_FOUND 404 40 "board_not_found";
        /// You have a board of this name already.
        Refusal::BoardNameTaken => BOARD_NAME_TAKEN 409 58 "board_name_taken";
        /// The board is somebody else's.
        Refusal::BoardNotYours => BOARD_NOT_YOURS 403 29 "board_not_yours";
        /// No such pin, or not for you to know of.
        Refusal::PinNotFound => PIN_NOT_FOUND 404 50 "pin_not_found";
        /// The pin is somebody else's.
        Refusal::PinNotYours => PIN_NOT_YOURS 403 29 "pin_not_yours";
        /// A secret board's pin may be sent and saved by its owner only.
        Refusal::PinIsSecret => PIN_IS_SECRET 403 29 "pin_is_secret";
        /// No such conversation, or you take no part in it.
        Refusal::ConversationNotFound => CONVERSATION_NOT_FOUND 404 70 "conversation_not_found";
        /// No such message for you.
        Refusal::MessageNotFound => MESSAGE_NOT_FOUND 404 71 "message_not_found";
        /// A message of Pinwire's own cannot be answered or passed on.
        Refusal::SystemMessage => SYSTEM_MESSAGE 422 71 "system_message";
        /// The pin was not sent in this conversation, or you do not see it there.
        Refusal::PinNotInConversation => PIN_NOT_IN_CONVERSATION 422 50 "pin_not_in_conversation";
        /// The message carries no pin.
        Refusal::NoPinInMessage => NO_PIN_IN_MESSAGE 422 50 "no_pin_in_message";
        /// More pins than a board made of a conversation takes over: name some of them.
        Refusal::TooManyPins { .. } => TOO_MANY_PINS 422 40 "too_many_pins";
        /// Only who wrote a message may change it, or delete it for everyone.
        Refusal::MessageNotYours => MESSAGE_NOT_YOURS 403 29 "message_not_yours";
        /// The message was deleted for everyone.
        Refusal::MessageDeleted => MESSAGE_DELETED 409 71 "message_deleted";
        /// A message can be changed for a while only.
        Refusal::EditWindowOver { .. } => EDIT_WINDOW_OVER 422 71 "edit_window_over";
        /// The message was changed as often as it may be.
        Refusal::TooManyEdits { .. } => TOO_MANY_EDITS 422 71 "too_many_edits";
        /// One more kind of reaction than there may be.
        Refusal::TooManyReactions { .. } => TOO_MANY_REACTIONS 422 71 "too_many_reactions";
        /// You have no draft there.
        Refusal::DraftNotFound => DRAFT_NOT_FOUND 404 71 "draft_not_found";
        /// No such session of yours.
        Refusal::SessionNotFound => SESSION_NOT_FOUND 404 72 "session_not_found";
        /// The message has neither a text nor anything that it carries.
        Refusal::EmptyMessage => EMPTY_MESSAGE 422 71 "empty_message";
        /// Nobody is named, or only yourself.
        Refusal::NoRecipients => NO_RECIPIENTS 422 73 "no_recipients";
        /// More recipients than a send may name.
        Refusal::TooManyRecipients { .. } => TOO_MANY_RECIPIENTS 422 73 "too_many_recipients";
        /// More people than a conversation may hold.
        Refusal::TooManyPeople { .. } => TOO_MANY_PEOPLE 422 70 "too_many_people";
        /// A conversation is among the recipients of a group.
        Refusal::ConversationInGroup => CONVERSATION_IN_GROUP 422 73 "conversation_in_group";
        /// None of the recipients can be reached; `details` names them.
        Refusal::NobodyAvailable { .. } => NOBODY_AVAILABLE 422 73 "nobody_available";
        /// Somebody of the group cannot be reached, so nothing was sent; `details` names them.
        Refusal::RecipientUnavailable { .. } => RECIPIENT_UNAVAILABLE 422 73 "recipient_unavailable";
        /// Two people's conversation has no title, and always these two.
        Refusal::NotAGroup => NOT_A_GROUP 422 70 "not_a_group";
        /// Only the owner of a group may remove people from it.
        Refusal::ConversationNotYours => CONVERSATION_NOT_YOURS 403 29 "conversation_not_yours";
        /// Nobody of that id takes part.
        Refusal::MemberNotFound => MEMBER_NOT_FOUND 404 70 "member_not_found";
        /// You are not asked into such a conversation.
        Refusal::RequestNotFound => REQUEST_NOT_FOUND 404 73 "request_not_found";
        /// Nothing is followed by this token.
        Refusal::LinkNotFound => LINK_NOT_FOUND 404 74 "link_not_found";
        /// This domain is not blocked.
        Refusal::DomainNotFound => DOMAIN_NOT_FOUND 404 75 "domain_not_found";
        /// There is no such report, or it is not yours.
        Refusal::ReportNotFound => REPORT_NOT_FOUND 404 75 "report_not_found";
        /// The action does nothing to this kind of thing.
        Refusal::ActionNotPossible => ACTION_NOT_POSSIBLE 422 75 "action_not_possible";
        /// Claim the report first; another moderator may hold it.
        Refusal::ReportNotClaimed => REPORT_NOT_CLAIMED 409 75 "report_not_claimed";
        /// The report is decided already.
        Refusal::ReportResolved => REPORT_RESOLVED 409 75 "report_resolved";
        /// You did this as often as a day allows.
        Refusal::DailyLimit { .. } => DAILY_LIMIT 429 8 "daily_limit";
        /// This is for moderators.
        Refusal::NotModerator => NOT_MODERATOR 403 29 "not_moderator";
        /// Moderators barred the account.
        Refusal::AccountSuspended => ACCOUNT_SUSPENDED 403 29 "account_suspended";
        /// A direct conversation can be hidden, not left.
        Refusal::DirectNotLeavable => DIRECT_NOT_LEAVABLE 422 70 "direct_not_leavable";
        /// Nothing more can be sent until the first pin is answered.
        Refusal::AwaitingAnswer => AWAITING_ANSWER 422 73 "awaiting_answer";
        /// You have blocked the other person of this conversation: unblock them to write.
        Refusal::BlockedByYou => BLOCKED_BY_YOU 422 73 "blocked_by_you";
        /// The first message to somebody who does not know you carries a pin.
        Refusal::FirstContactNeedsPin => FIRST_CONTACT_NEEDS_PIN 422 73 "first_contact_needs_pin";
        /// There is no message at this position yet.
        Refusal::PositionBeyondEnd => POSITION_BEYOND_END 422 71 "position_beyond_end";
    }
}

/// Reasons for which any request at all may be refused, before it is known which operation it asks for.
pub const ANYWHERE: &[Reason] = &[
    MALFORMED_TARGET,
    NO_SUCH_ROUTE,
    METHOD_NOT_ALLOWED,
    HEADERS_TOO_LARGE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_has_one_line() {
        let mut slugs: Vec<_> = ALL.iter().map(|r| r.slug).collect();
        slugs.sort_unstable();
        let count = slugs.len();
        slugs.dedup();
        assert_eq!(slugs.len(), count);
    }
}
