//! What operators and clients ask of the server itself.

use actix_web::{HttpResponse, get, web};
use pinwire_domain::limits;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::body::{BODY_MAX, DEPTH_MAX};
use crate::error::ApiResult;
use crate::live::hub::STREAMS_PER_USER_MAX;
use crate::live::signs::TYPING_EVERY;
use crate::live::socket::FRAME_MAX;
use crate::rate_limit::SEARCHES_PER_USER;

/// A sign of life.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    #[schema(example = "ok")]
    pub status: String,
}

/// Is the process alive
///
/// Asks nothing of the database.
#[utoipa::path(tag = "Operations", responses((status = 200, description = "Alive", body = Health)))]
#[get("/healthz")]
pub async fn healthz() -> ApiResult {
    Ok(HttpResponse::Ok().json(Health {
        status: "ok".into(),
    }))
}

/// Can the server answer
///
/// Reads from the database: send requests to this node only while it answers 200.
#[utoipa::path(tag = "Operations", responses((status = 200, description = "Ready", body = Health)))]
#[get("/readyz")]
pub async fn readyz(app: web::Data<App>) -> ApiResult {
    app.store.head().await?;
    Ok(HttpResponse::Ok().json(Health {
        status: "ok".into(),
    }))
}

/// The bounds of this server.
#[derive(Debug, Serialize, ToSchema)]
pub struct Limits {
    /// People in a conversation, you included.
    pub conversation_people: usize,
    /// Recipients of one send.
    pub recipients: usize,
    /// Links in a message's text.
    pub message_links: usize,
    /// Unicode scalars in the text of a first message to a stranger.
    pub request_text: usize,
    /// Unicode scalars in the text of a message.
    pub message_text: usize,
    /// Minutes within which the text of a message may be changed.
    pub edit_window_minutes: i64,
    /// Strangers whom a person asks within 24 hours.
    pub requests_a_day: i64,
    /// The same of an account in its first seven days.
    pub requests_a_day_new: i64,
    /// Strangers asked within the last seven days who have not answered, from which on one asks as few as a new account.
    pub requests_unanswered: i64,
    /// Requests within 24 hours that carry the same link or picture, from which on the next one waits for a moderator.
    pub same_to_strangers: i64,
    /// Strangers whom a person asks into groups within 24 hours.
    pub invitations_a_day: i64,
    /// The same in the first seven days of an account.
    pub invitations_a_day_new: i64,
    /// Reports a person makes within 24 hours.
    pub reports_a_day: i64,
    /// Unicode scalars of the comment of a report.
    pub report_comment: usize,
    /// How often the text of one message may be changed.
    pub edits: usize,
    /// Pins that a board made of a conversation takes over.
    pub conversation_board_pins: usize,
    /// Kinds of reaction to one message, or to one pin in a conversation.
    pub reaction_kinds: usize,
    /// Items on a page.
    pub page_size: usize,
    /// Bytes of a request body.
    pub body_bytes: usize,
    /// Levels of nesting in a JSON body.
    pub json_depth: usize,
    /// Bytes of a WebSocket frame.
    pub websocket_frame_bytes: usize,
    /// Streams of one person on one node.
    pub connections_per_user: usize,
    /// People whose presence one socket may watch.
    pub presence_people: usize,
    /// Seconds in which at most one sign that a person types in a conversation goes out.
    pub typing_seconds: u64,
    /// Heads of one person.
    pub heads: usize,
    /// Characters of an idempotency key.
    pub idempotency_key: usize,
    /// Sessions of one person.
    pub sessions: usize,
    /// Sign-ins and sign-ups a minute from one address, on all nodes together.
    pub attempts_per_address: u32,
    /// Sign-ins a minute to one account, on all nodes together.
    pub attempts_per_account: u32,
    /// Requests a minute by one person that change something, and frames `read` and `typing`; each of several nodes gives
    /// its share.
    pub writes_per_user: u32,
    /// Requests a minute by one person that read, and frames `presence.watch` and `auth.refresh`; each of several nodes
    /// gives its share.
    pub reads_per_user: u32,
    /// Searches for people, and as many for messages, a minute by one person; each of several nodes gives its share.
    pub searches_per_user: u32,
    /// Days an event stays in the log.
    pub event_log_days: i64,
}

/// Get the limits
///
/// An error that a limit causes names it.
#[utoipa::path(tag = "Operations", responses((status = 200, description = "The bounds", body = Limits)))]
#[get("/v5/limits")]
pub async fn get_limits(app: web::Data<App>) -> ApiResult {
    Ok(HttpResponse::Ok().json(Limits {
        conversation_people: app.store.people_max(),
        recipients: limits::RECIPIENTS_MAX,
        message_text: limits::MESSAGE_TEXT_MAX,
        message_links: limits::TEXT_LINKS_MAX,
        request_text: limits::REQUEST_TEXT_MAX,
        requests_a_day: limits::REQUESTS_A_DAY_MAX,
        requests_a_day_new: limits::REQUESTS_A_DAY_NEW_MAX,
        requests_unanswered: limits::REQUESTS_UNANSWERED_MAX,
        same_to_strangers: limits::SAME_TO_STRANGERS_MAX,
        invitations_a_day: limits::INVITATIONS_A_DAY_MAX,
        invitations_a_day_new: limits::INVITATIONS_A_DAY_NEW_MAX,
        reports_a_day: limits::REPORTS_A_DAY_MAX,
        report_comment: limits::REPORT_COMMENT_MAX,
        edit_window_minutes: limits::EDIT_WINDOW_MS / 60_000,
        edits: limits::EDITS_MAX,
        conversation_board_pins: limits::BOARD_FROM_CONVERSATION_MAX,
        reaction_kinds: limits::REACTION_KINDS_MAX,
        page_size: limits::PAGE_SIZE_MAX,
        body_bytes: BODY_MAX,
        json_depth: DEPTH_MAX,
        websocket_frame_bytes: FRAME_MAX,
        connections_per_user: STREAMS_PER_USER_MAX,
        presence_people: limits::PRESENCE_PEOPLE_MAX,
        typing_seconds: TYPING_EVERY.as_secs(),
        heads: limits::HEADS_MAX,
        idempotency_key: limits::IDEMPOTENCY_KEY_MAX,
        sessions: limits::SESSIONS_MAX,
        attempts_per_address: app.config.attempts_per_address,
        attempts_per_account: app.config.attempts_per_account,
        writes_per_user: app.config.writes_per_user,
        reads_per_user: app.config.reads_per_user,
        searches_per_user: SEARCHES_PER_USER,
        event_log_days: limits::EVENT_LOG_KEPT_MS / 86_400_000,
    }))
}
