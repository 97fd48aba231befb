//! Groups: title, and who comes and goes.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, delete, patch, post, web};
use pinwire_domain::{ConversationId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ids, path_id};
use crate::auth::Caller;
use crate::body::{self, Body};
use crate::error::{ApiError, ApiResult};
use crate::view::kinds::{Added, History};
use crate::view::{self, ConversationItem};
use crate::{App, clock};

/// A change of a group: what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConversationUpdate)]
pub struct GroupBody {
    /// The title; null or blank takes it away.
    #[serde(default, deserialize_with = "body::given")]
    #[schema(value_type = Option<String>, max_length = 100, example = "Hall")]
    pub title: Option<Option<String>>,
}

async fn as_seen(app: &App, user: UserId, id: ConversationId) -> ApiResult<ConversationItem> {
    let view = app.store.conversation(user, id).await?.value;
    Ok(ConversationItem::of(&view, user, clock::now()))
}

/// Change a group
///
/// Every member may give it another title; a system message tells the others.
#[utoipa::path(
    tag = "Groups",
    params(("conversation_id" = String, Path, description = "The group")),
    request_body = GroupBody,
    responses((status = 200, description = "The group as you see it now", body = ConversationItem))
)]
#[patch("/v5/conversations/{conversation_id}")]
pub async fn change(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    body: Body<GroupBody>,
) -> ApiResult {
    let id = path_id(&path, "conversation_id")?;
    if let Some(title) = body.value.title {
        app.store.name_group(caller.user, id, title).await?;
    }
    Ok(HttpResponse::Ok().json(as_seen(&app, caller.user, id).await?))
}

/// People to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MembersAdd)]
pub struct MembersBody {
    /// Who.
    #[schema(min_items = 1, example = json!(["3763541867536386"]))]
    pub user_ids: Vec<String>,
    /// What they see of the history.
    #[serde(default = "from_join")]
    #[schema(default = "from_join")]
    pub history: History,
}

const fn from_join() -> History {
    History::FromJoin
}

/// What became of those who were to be added.
#[derive(Debug, Serialize, ToSchema)]
pub struct MembersAdded {
    /// The group as you see it now.
    pub conversation: ConversationItem,
    /// What became of each, in the order they were named.
    pub results: Vec<AddedView>,
}

/// What became of one person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MemberAdded)]
pub struct AddedView {
    /// Who.
    #[schema(pattern = r"^\d+$", example = "3763541867536386")]
    pub user_id: String,
    /// Whether they take part or are asked to.
    pub status: Added,
}

/// Add people to a group
///
/// Every member may. Who follows you or has written to you takes part at once; anybody else is asked, and takes part
/// when they accept. One who cannot be reached refuses the whole.
#[utoipa::path(
    tag = "Groups",
    params(("conversation_id" = String, Path, description = "The group")),
    request_body = MembersBody,
    responses((status = 200, description = "Added, or asked", body = MembersAdded))
)]
#[post("/v5/conversations/{conversation_id}/members")]
pub async fn add(
    app: web::Data<App>,
    caller: Caller,
    request: HttpRequest,
    path: web::Path<String>,
    body: Body<MembersBody>,
) -> ApiResult {
    let id = path_id(&path, "conversation_id")?;
    let key = body.idempotency_key(&request, None)?;
    let people: Vec<UserId> = ids(&body.value.user_ids, "user_ids")?;
    let history = body.value.history.into();
    let made = app
        .store
        .add_members(caller.user, id, people, history, key)
        .await
        .map_err(|error| ApiError::from(error).of_people_in("user_ids"))?;
    let results = made.outcome.into_iter();
    let answer = MembersAdded {
        conversation: as_seen(&app, caller.user, id).await?,
        results: results
            .map(|(person, added)| AddedView {
                user_id: person.to_string(),
                status: added.into(),
            })
            .collect(),
    };
    Ok(view::made(StatusCode::OK, made.replayed, &answer))
}

/// Remove somebody from a group
///
/// Only its owner may. Who is only asked is not asked any more. To remove yourself is to leave.
#[utoipa::path(
    tag = "Groups",
    params(
        ("conversation_id" = String, Path, description = "The group"),
        ("user_id" = String, Path, description = "Who"),
    ),
    responses((status = 204, description = "Removed"))
)]
#[delete("/v5/conversations/{conversation_id}/members/{user_id}")]
pub async fn remove(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
) -> ApiResult {
    let (id, person) = path.into_inner();
    let id = path_id(&id, "conversation_id")?;
    let person = path_id(&person, "user_id")?;
    app.store.remove_member(caller.user, id, person).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Leave a group
///
/// You see nothing of it any more. If it was yours, it passes to who has been there the longest.
#[utoipa::path(
    tag = "Groups",
    params(("conversation_id" = String, Path, description = "The group")),
    responses((status = 204, description = "Left"))
)]
#[delete("/v5/conversations/{conversation_id}/membership")]
pub async fn leave(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    let id = path_id(&path, "conversation_id")?;
    app.store.leave_group(caller.user, id).await?;
    Ok(HttpResponse::NoContent().finish())
}
