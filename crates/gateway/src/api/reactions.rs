//! Reactions to messages.

use actix_web::{HttpResponse, delete, put, web};
use pinwire_domain::reaction::Emoji;

use super::path_place;
use crate::App;
use crate::auth::Caller;
use crate::error::ApiResult;

/// Conversation, position, emoji.
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
