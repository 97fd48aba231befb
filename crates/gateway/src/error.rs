//! What a client gets when something goes wrong. Why it may, is in the one table of [`reasons`].

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use pinwire_domain::Refusal;
use pinwire_storage::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

pub mod reasons;

use reasons::Reason;

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

impl ErrorBody {
    /// What is told of a reason when nothing more is known.
    #[must_use]
    pub fn of(reason: Reason, request_id: &str) -> Self {
        Self {
            code: reason.code,
            message: reason.meaning.to_owned(),
            error: reason.slug,
            request_id: request_id.to_owned(),
            details: Vec::new(),
        }
    }
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

/// The list of people in the body of most requests that name some.
const RECIPIENTS: &str = "recipients";

/// An error on its way to the client.
#[derive(Debug, Clone)]
pub struct ApiError {
    reason: Reason,
    message: Box<str>,
    details: Vec<Detail>,
    retry_after_s: Option<u64>,
    allow: Option<Box<str>>,
}

/// What handlers give.
pub type ApiResult<T = HttpResponse> = Result<T, ApiError>;

impl ApiError {
    /// An error for this reason. What went wrong inside is logged here and never told.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if reason == reasons::INTERNAL {
            tracing::error!(cause = message, "a fault of the server's");
            message = String::from("internal error");
        }
        Self {
            reason,
            message: message.into_boxed_str(),
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
        self.allow = Some(methods.into_boxed_str());
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
            message: self.message.to_string(),
            details: self.details.clone(),
            ..ErrorBody::of(self.reason, request_id)
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
        let error = Self::new(Reason::of(&refusal), refusal.to_string());
        match refusal {
            Refusal::InvalidValue(field) | Refusal::Unsupported(field) => {
                error.field(field.field, field.reason)
            }
            Refusal::NobodyAvailable { recipients }
            | Refusal::RecipientUnavailable { recipients } => {
                recipients.into_iter().fold(error, |error, place| {
                    error.field(format!("{RECIPIENTS}[{place}]"), "not available")
                })
            }
            _ => error,
        }
    }
}

impl ApiError {
    /// The same with another name of the body's list of people.
    #[must_use]
    pub fn of_people_in(mut self, list: &str) -> Self {
        for detail in &mut self.details {
            if let Some(place) = detail.field.strip_prefix(RECIPIENTS) {
                detail.field = format!("{list}{place}");
            }
        }
        self
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
                Self::new(reasons::INTERNAL, error.to_string())
            }
        }
    }
}
