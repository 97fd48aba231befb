//! Changing and deleting messages.

use actix_web::{HttpResponse, delete, get, patch, web};
use pinwire_domain::token::Scope;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::path_place;
use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::ApiResult;
use crate::params::Params;
use crate::view::{self, MessageView, RevisionView};

/// Another text.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MessageUpdate)]
pub struct EditBody {
    /// What it is to say; null takes the text away from a message that carries something.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required, max_length = 5000, example = "For the hall, of course")]
    pub text: Option<String>,
}

/// Edit a message
///
/// Your own, within 15 minutes, 50 times at most. Everyone in the conversation may see the texts before.
#[utoipa::path(
    tag = "Messages",
    params(
        ("conversation_id" = String, Path, description = "The conversation"),
        ("position" = i64, Path, description = "The message's place", minimum = 1),
    ),
    request_body = EditBody,
    responses((status = 200, description = "The message as it is now", body = MessageView))
)]
#[patch("/v5/conversations/{conversation_id}/messages/{position}")]
pub async fn edit(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    body: Body<EditBody>,
) -> ApiResult {
    let place = path_place(&path.0, &path.1)?;
    let text = body.value.text.clone();
    let message = app.store.edit_message(caller.user, place, text).await?;
    let view = MessageView::made_of(message, Some(caller.user));
    Ok(HttpResponse::Ok().json(view.quoting(caller.may(Scope::MessagesRead))))
}

/// The texts of a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct Revisions {
    /// The first one first, the present one last; none of a message that was deleted.
    #[schema(max_items = 51)]
    pub items: Vec<RevisionView>,
}

/// List a message's revisions
///
/// All texts that it had, the present one last. Deleting a message for everyone deletes them, too.
#[utoipa::path(
    tag = "Messages",
    params(
        ("conversation_id" = String, Path, description = "The conversation"),
        ("position" = i64, Path, description = "The message's place", minimum = 1),
    ),
    responses((status = 200, description = "The texts", body = Revisions))
)]
#[get("/v5/conversations/{conversation_id}/messages/{position}/revisions")]
pub async fn revisions(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
) -> ApiResult {
    let (conversation, position) = path_place(&path.0, &path.1)?;
    let read = app
        .store
        .revisions(caller.user, conversation, position)
        .await?;
    Ok(view::snapshot(read, |texts| Revisions {
        items: texts.into_iter().map(RevisionView::from).collect(),
    }))
}

/// For whom a message is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeleteFor {
    /// For you alone: the others see it as before.
    Me,
    /// For everyone: only who wrote it may do that.
    Everyone,
}

/// For whom.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeleteParams {
    /// For you alone, or for everyone.
    #[serde(rename = "for")]
    #[param(inline)]
    pub whom: DeleteFor,
}

/// Delete a message
///
/// For everyone: your own message only; its text, pin and earlier texts are gone at once, and its place stays, with
/// `deleted_at`. For yourself: any message; it is not there for you any more. A repeat changes nothing.
#[utoipa::path(
    tag = "Messages",
    params(
        ("conversation_id" = String, Path, description = "The conversation"),
        ("position" = i64, Path, description = "The message's place", minimum = 1),
        DeleteParams,
    ),
    responses((status = 204, description = "Deleted"))
)]
#[delete("/v5/conversations/{conversation_id}/messages/{position}")]
pub async fn delete(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    Params(params): Params<DeleteParams>,
) -> ApiResult {
    let (id, position) = path_place(&path.0, &path.1)?;
    let (store, user) = (&app.store, caller.user);
    match params.whom {
        DeleteFor::Me => store.delete_for_me(user, id, position).await?,
        DeleteFor::Everyone => store.delete_for_everyone(user, id, position).await?,
    }
    Ok(HttpResponse::NoContent().finish())
}
