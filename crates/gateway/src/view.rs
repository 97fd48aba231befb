//! Answers: what the API shows of the store's entities.

pub mod account;
mod block;
pub mod board;
pub mod contact;
pub mod conversation;
pub mod conversation_pin;
pub mod draft;
pub mod image;
pub mod kinds;
pub mod link;
pub mod message;
pub mod pin;
pub mod reply;
pub mod report;
mod request;
pub mod settings;

pub use account::{AccountView, ProfileView, SessionView, UserSummaryView};
pub use block::BlockView;
pub use board::BoardView;
pub use contact::{ContactView, PinContactView};
pub use conversation::{
    ConversationItem, ConversationView, HeadView, MemberView, PersonView, UnreadTotalsView,
    UnreadView,
};
pub use conversation_pin::ConversationPinView;
pub use draft::DraftView;
pub use message::{MessageView, NoticeView, PinCardView, ReactionView, RevisionView};
pub use pin::PinView;
pub use reply::{BoardCardView, ReplyView};
pub use request::RequestView;
pub use settings::SettingsView;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use pinwire_domain::event::Cursor;
use pinwire_storage::Snapshot;
use serde::Serialize;

use crate::error::{ApiError, ApiResult, reasons};

/// Names the log's position that an answer shows.
pub const SEQ_HEADER: &str = "x-pinwire-seq";
/// Tells that an answer is that of an earlier request with the same key.
pub const REPLAYED_HEADER: &str = "idempotency-replayed";

/// An answer of the caller's own state, with its position in the log.
pub fn at<T: Serialize>(cursor: &Cursor, view: &T) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((SEQ_HEADER, cursor.to_string()))
        .json(view)
}

/// As [`at`], made from a snapshot.
pub fn snapshot<T, V: Serialize>(snapshot: Snapshot<T>, view: impl FnOnce(T) -> V) -> HttpResponse {
    at(&snapshot.cursor, &view(snapshot.value))
}

/// The answer to an act that may be a repeat.
pub fn made<V: Serialize>(status: StatusCode, replayed: bool, view: &V) -> HttpResponse {
    let mut answer = HttpResponse::build(status);
    if replayed {
        answer.insert_header((REPLAYED_HEADER, "true"));
    }
    answer.json(view)
}

/// An answer of the caller's own state that is written already.
#[must_use]
pub fn written_at(cursor: &Cursor, json: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((SEQ_HEADER, cursor.to_string()))
        .content_type(ContentType::json())
        .body(json)
}

/// Writes a view that takes about so many bytes.
pub fn write<V: Serialize>(view: &V, about: usize) -> ApiResult<Vec<u8>> {
    let mut json = Vec::with_capacity(about);
    serde_json::to_writer(&mut json, view)
        .map_err(|e| ApiError::new(reasons::INTERNAL, e.to_string()))?;
    Ok(json)
}
