//! Reactions to messages, and to pins in a conversation.

use actix_web::{HttpResponse, delete, put, web};
use pinwire_domain::ConversationId;
use pinwire_domain::reaction::Emoji;

use super::{path_id, path_place};
use crate::App;
use crate::auth::Caller;
use crate::error::ApiResult;

/// Conversation, position or pin, emoji.
type Place = (String, String, String);

async fn react(app: &App, caller: &Caller, path: &Place, adds: bool) -> ApiResult {
    let place = path_place(&path.0, &path.1)?;
    let emoji = Emoji::parse(&path.2)?;
    app.store.react(caller.user, place, emoji, adds).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// React to a message
///
/// With any emoji of Unicode's list, several if you like; a message has 20 kinds at most. Spellings of an emoji that
/// look the same are one. A repeat changes nothing.
#[utoipa::path(
    tag = "Reactions",
    params(
        ("conversation_id" = String, Path, description = "The conversation"),
        ("position" = i64, Path, description = "The message's place", minimum = 1),
        ("emoji" = String, Path, description = "The emoji, percent-encoded"),
    ),
    responses((status = 204, description = "Your reaction is there"))
)]
#[put("/v5/conversations/{conversation_id}/messages/{position}/reactions/{emoji}")]
pub async fn set(app: web::Data<App>, caller: Caller, path: web::Path<Place>) -> ApiResult {
    react(&app, &caller, &path, true).await
}

/// Take a reaction back
///
/// A repeat changes nothing.
#[utoipa::path(
    tag = "Reactions",
    params(
        ("conversation_id" = String, Path, description = "The conversation"),
        ("position" = i64, Path, description = "The message's place", minimum = 1),
        ("emoji" = String, Path, description = "The emoji, percent-encoded"),
    ),
    responses((status = 204, description = "Your reaction is not there"))
)]
#[delete("/v5/conversations/{conversation_id}/messages/{position}/reactions/{emoji}")]
pub async fn clear(app: web::Data<App>, caller: Caller, path: web::Path<Place>) -> ApiResult {
    react(&app, &caller, &path, false).await
}

async fn react_to_pin(app: &App, caller: &Caller, path: &Place, adds: bool) -> ApiResult {
    let id: ConversationId = path_id(&path.0, "conversation_id")?;
    let pin = path_id(&path.1, "pin_id")?;
    let emoji = Emoji::parse(&path.2)?;
    let reacts = app.store.react_to_pin((caller.user, id), pin, emoji, adds);
    reacts.await?;
    Ok(HttpResponse::NoContent().finish())
}

/// React to a pin in a conversation
///
/// To the pin itself, however often it was sent there; otherwise as to a message.
#[utoipa::path(
    tag = "Reactions",
    params(
        ("conversation_id" = String, Path, description = "The conversation"),
        ("pin_id" = String, Path, description = "The pin"),
        ("emoji" = String, Path, description = "The emoji, percent-encoded"),
    ),
    responses((status = 204, description = "Your reaction is there"))
)]
#[put("/v5/conversations/{conversation_id}/pins/{pin_id}/reactions/{emoji}")]
pub async fn set_of_pin(app: web::Data<App>, caller: Caller, path: web::Path<Place>) -> ApiResult {
    react_to_pin(&app, &caller, &path, true).await
}

/// Take a reaction to a pin back
///
/// A repeat changes nothing.
#[utoipa::path(
    tag = "Reactions",
    params(
        ("conversation_id" = String, Path, description = "The conversation"),
        ("pin_id" = String, Path, description = "The pin"),
        ("emoji" = String, Path, description = "The emoji, percent-encoded"),
    ),
    responses((status = 204, description = "Your reaction is not there"))
)]
#[delete("/v5/conversations/{conversation_id}/pins/{pin_id}/reactions/{emoji}")]
pub async fn clear_of_pin(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<Place>,
) -> ApiResult {
    react_to_pin(&app, &caller, &path, false).await
}
