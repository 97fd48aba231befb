//! Every error a client can get: the one table from reason to code, slug and status.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use pinwire_domain::Refusal;
use pinwire_storage::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

/// The body of every error.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody {
    /// A number for the reason; where API v5 has one for it, that one.
    #[schema(example = 50)]
    pub code: i32,
    /// What is wrong, for a person to read.
    #[schema(example = "no such pin")]
    pub message: String,
    /// A stable name for the reason, for a program to match on.
    #[schema(example = "pin_not_found")]
    pub error: &'static str,
    /// Names this request in the server's log; also in `X-Request-Id`.
    pub request_id: String,
    /// The fields that are wrong, where the reason is about fields.
    pub details: Vec<Detail>,
}

/// A field that is wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Detail {
    /// The path of the field, such as `recipients[2].user_id`.
    #[schema(example = "text")]
    pub field: String,
    /// Why it was refused.
    #[schema(example = "longer than 5000 characters")]
    pub reason: String,
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The number for clients of API v5.
    pub code: i32,
    /// The stable name.
    pub slug: &'static str,
    /// The HTTP status.
    pub status: u16,
}

const fn reason(status: u16, code: i32, slug: &'static str) -> Reason {
    Reason { code, slug, status }
}

/// Reasons of the gateway itself, before any rule is asked.
pub mod reasons {
    use super::{Reason, reason};

    /// Not JSON, or a value of another type than documented.
    pub const MALFORMED_BODY: Reason = reason(400, 1, "malformed_body");
    /// A field that this operation does not know.
    pub const UNKNOWN_FIELD: Reason = reason(400, 1, "unknown_field");
    /// The same key twice in one object.
    pub const DUPLICATE_KEY: Reason = reason(400, 1, "duplicate_key");
    /// A query or path parameter of another form than documented.
    pub const MALFORMED_PARAMETER: Reason = reason(400, 1, "malformed_parameter");
    /// A header of another form than documented.
    pub const MALFORMED_HEADER: Reason = reason(400, 1, "malformed_header");
    /// A bookmark that this list did not give.
    pub const MALFORMED_BOOKMARK: Reason = reason(400, 1, "malformed_bookmark");
    /// A cursor that this server did not give.
    pub const MALFORMED_CURSOR: Reason = reason(400, 1, "malformed_cursor");
    /// No token, or one that is not valid (any more).
    pub const UNAUTHENTICATED: Reason = reason(401, 2, "unauthenticated");
    /// The token lacks a scope that this operation needs.
    pub const MISSING_SCOPE: Reason = reason(403, 29, "missing_scope");
    /// A browser page of an origin that is not allowed.
    pub const ORIGIN_NOT_ALLOWED: Reason = reason(403, 29, "origin_not_allowed");
    /// No such path.
    pub const NO_SUCH_ROUTE: Reason = reason(404, 3, "no_such_route");
    /// The path has no such method.
    pub const METHOD_NOT_ALLOWED: Reason = reason(405, 3, "method_not_allowed");
    /// The events after this cursor are not to be had: fetch the state anew.
    pub const RESYNC_REQUIRED: Reason = reason(410, 4, "resync_required");
    /// A body over the bound.
    pub const BODY_TOO_LARGE: Reason = reason(413, 1, "body_too_large");
    /// A body of another type than documented, or compressed.
    pub const UNSUPPORTED_MEDIA_TYPE: Reason = reason(415, 1, "unsupported_media_type");
    /// More requests than allowed.
    pub const RATE_LIMITED: Reason = reason(429, 8, "rate_limited");
    /// A fault of the server's.
    pub const INTERNAL: Reason = reason(500, 0, "internal");
    /// The server cannot answer now.
    pub const UNAVAILABLE: Reason = reason(503, 5, "unavailable");
    /// A grant that this server does not offer.
    pub const UNSUPPORTED_GRANT_TYPE: Reason = reason(400, 1, "unsupported_grant_type");
    /// A scope that there is not, or that cannot be granted.
    pub const INVALID_SCOPE: Reason = reason(400, 1, "invalid_scope");

    /// Every reason above, for the documents.
    pub const ALL: &[Reason] = &[
        MALFORMED_BODY,
        UNKNOWN_FIELD,
        DUPLICATE_KEY,
        MALFORMED_PARAMETER,
        MALFORMED_HEADER,
        MALFORMED_BOOKMARK,
        MALFORMED_CURSOR,
        UNAUTHENTICATED,
        MISSING_SCOPE,
        ORIGIN_NOT_ALLOWED,
        NO_SUCH_ROUTE,
        METHOD_NOT_ALLOWED,
        RESYNC_REQUIRED,
        BODY_TOO_LARGE,
        UNSUPPORTED_MEDIA_TYPE,
        RATE_LIMITED,
        INTERNAL,
        UNAVAILABLE,
        UNSUPPORTED_GRANT_TYPE,
        INVALID_SCOPE,
    ];
}

/// The one table of refusals: a new one does not compile until it has a line.
#[must_use]
pub fn refusal_reason(refusal: &Refusal) -> Reason {
    match refusal {
        Refusal::InvalidValue(_) => reason(422, 1, "invalid_value"),
        Refusal::Unsupported(_) => reason(422, 1, "unsupported"),
        Refusal::IdempotencyKeyReused => reason(422, 1, "idempotency_key_reused"),
        Refusal::UsernameTaken => reason(409, 30, "username_taken"),
        Refusal::EmailTaken => reason(409, 30, "email_taken"),
        Refusal::WrongCredentials => reason(401, 2, "wrong_credentials"),
        Refusal::WrongPassword => reason(403, 29, "wrong_password"),
        Refusal::InvalidGrant => reason(401, 2, "invalid_grant"),
        Refusal::SignedOut => reason(401, 2, "signed_out"),
        Refusal::UserNotFound => reason(404, 30, "user_not_found"),
        Refusal::Yourself => reason(422, 30, "yourself"),
        Refusal::BoardNotFound => reason(404, 40, "board_not_found"),
        Refusal::BoardNameTaken => reason(409, 58, "board_name_taken"),
        Refusal::BoardNotYours => reason(403, 29, "board_not_yours"),
        Refusal::PinNotFound => reason(404, 50, "pin_not_found"),
        Refusal::PinNotYours => reason(403, 29, "pin_not_yours"),
        Refusal::PinIsSecret => reason(403, 29, "pin_is_secret"),
        Refusal::ConversationNotFound => reason(404, 70, "conversation_not_found"),
        Refusal::MessageNotFound => reason(404, 71, "message_not_found"),
        Refusal::SessionNotFound => reason(404, 72, "session_not_found"),
        Refusal::EmptyMessage => reason(422, 71, "empty_message"),
        Refusal::NoRecipients => reason(422, 73, "no_recipients"),
        Refusal::TooManyRecipients { .. } => reason(422, 73, "too_many_recipients"),
        Refusal::TooManyPeople { .. } => reason(422, 70, "too_many_people"),
        Refusal::ConversationInGroup => reason(422, 73, "conversation_in_group"),
        Refusal::NobodyAvailable { .. } => reason(422, 73, "nobody_available"),
        Refusal::RecipientUnavailable { .. } => reason(422, 73, "recipient_unavailable"),
        Refusal::DirectNotLeavable => reason(422, 70, "direct_not_leavable"),
        Refusal::AwaitingAnswer => reason(422, 73, "awaiting_answer"),
        Refusal::PositionBeyondEnd => reason(422, 71, "position_beyond_end"),
    }
}

/// An error on its way to the client.
#[derive(Debug, Clone)]
pub struct ApiError {
    reason: Reason,
    message: String,
    details: Vec<Detail>,
    retry_after_s: Option<u64>,
    allow: Option<String>,
}

/// What handlers give.
pub type ApiResult<T = HttpResponse> = Result<T, ApiError>;

impl ApiError {
    /// An error for this reason.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            details: Vec::new(),
            retry_after_s: None,
            allow: None,
        }
    }

    /// Names a field that is wrong.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, reason: impl Into<String>) -> Self {
        self.details.push(Detail {
            field: field.into(),
            reason: reason.into(),
        });
        self
    }

    /// Says after how many seconds to try again.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Names the methods that the path has.
    #[must_use]
    pub fn allow(mut self, methods: String) -> Self {
        self.allow = Some(methods);
        self
    }

    /// The line of the table.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The message for a person to read.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The fields that are wrong.
    #[must_use]
    pub fn details(&self) -> &[Detail] {
        &self.details
    }

    /// The answer, naming the request.
    #[must_use]
    pub fn respond(&self, request_id: &str) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.retry_after_s {
            answer.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if let Some(allow) = self
            .allow
            .as_deref()
            .and_then(|a| HeaderValue::from_str(a).ok())
        {
            answer.insert_header((header::ALLOW, allow));
        }
        if self.status_code() == StatusCode::UNAUTHORIZED {
            answer.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        answer.json(ErrorBody {
            code: self.reason.code,
            message: self.message.clone(),
            error: self.reason.slug,
            request_id: request_id.to_owned(),
            details: self.details.clone(),
        })
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.slug, self.message)
    }
}

impl std::error::Error for ApiError {}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.reason.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        self.respond("")
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let error = Self::new(refusal_reason(&refusal), refusal.to_string());
        match refusal {
            Refusal::InvalidValue(field) | Refusal::Unsupported(field) => {
                error.field(field.field, field.reason)
            }
            Refusal::NobodyAvailable { recipients }
            | Refusal::RecipientUnavailable { recipients } => {
                recipients.into_iter().fold(error, |error, place| {
                    error.field(format!("recipients[{place}]"), "not available")
                })
            }
            _ => error,
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(refusal) => refusal.into(),
            StoreError::Unavailable(cause) => {
                tracing::warn!(%cause, "the store is unavailable");
                Self::new(reasons::UNAVAILABLE, "try again shortly").retry_after_s(1)
            }
            StoreError::Database(_) | StoreError::Corrupt(_) => {
                // The cause is for the log alone.
                tracing::error!(%error, "the store failed");
                Self::new(reasons::INTERNAL, "internal error")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_has_one_line_of_the_gateways_own() {
        let mut slugs: Vec<_> = reasons::ALL.iter().map(|r| r.slug).collect();
        slugs.sort_unstable();
        let count = slugs.len();
        slugs.dedup();
        assert_eq!(slugs.len(), count);
    }
}
