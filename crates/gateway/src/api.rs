//! The operations: one file a resource, with its request types and handlers.

#![allow(
    unreachable_pub,
    reason = "the macros of handlers wrap a public function"
)]

pub mod accounts;
pub mod blocked_domains;
pub mod blocks;
pub mod boards;
pub mod contacts;
pub mod conversation_pins;
pub mod conversations;
pub mod documents;
pub mod drafts;
pub mod event_stream;
pub mod events;
pub mod follows;
pub mod forwards;
pub mod groups;
pub mod heads;
pub mod links;
pub mod media_source;
pub mod membership;
pub mod message_changes;
pub mod messages;
pub mod moderation;
pub mod oauth;
pub mod operations;
pub mod pin_bodies;
pub mod pins;
pub mod reactions;
pub mod read_marks;
pub mod reports;
pub mod requests;
pub mod search;
pub mod send;
pub mod sessions;
pub mod settings;
pub mod tickets;
pub mod typing;
pub mod user_account;
pub mod users;
pub mod v5;

use std::str::FromStr;

use pinwire_domain::ConversationId;

use crate::error::{ApiError, ApiResult, reasons};

/// Reads an id of a body or query.
///
/// # Errors
/// 400 naming the field.
pub fn id<T: FromStr>(text: &str, field: &str) -> ApiResult<T> {
    text.parse().map_err(|_| {
        ApiError::new(reasons::MALFORMED_BODY, format!("{field} is not an id"))
            .field(field, "must be a decimal id")
    })
}

/// Reads the ids of a list in a body.
///
/// # Errors
/// 400 naming the place in the list.
pub fn ids<T: FromStr>(texts: &[String], field: &str) -> ApiResult<Vec<T>> {
    let each = texts.iter().enumerate();
    each.map(|(place, text)| id(text, &format!("{field}[{place}]")))
        .collect()
}

/// Reads an id of a path.
///
/// # Errors
/// 400 naming the parameter.
pub fn path_id<T: FromStr>(text: &str, parameter: &str) -> ApiResult<T> {
    text.parse().map_err(|_| {
        ApiError::new(
            reasons::MALFORMED_PARAMETER,
            format!("{parameter} is not an id"),
        )
        .field(parameter, "must be a decimal id")
    })
}

/// Reads the place of a message in a path: its conversation and position.
///
/// # Errors
/// 400 naming the parameter.
pub fn path_place(conversation: &str, position: &str) -> ApiResult<(ConversationId, i64)> {
    let conversation = path_id(conversation, "conversation_id")?;
    let position = pinwire_domain::id::parse(position).map_err(|_| {
        ApiError::new(reasons::MALFORMED_PARAMETER, "position is not a number")
            .field("position", "must be a positive number")
    })?;
    Ok((conversation, position))
}
