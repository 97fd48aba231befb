//! Conversations.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, get, post, web};
use pinwire_domain::{ConversationId, UserId, group};
use pinwire_storage::Snapshot;
use pinwire_storage::inbox::{ActivityMark, ConversationPage, Filter};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{ids, path_id};
use crate::auth::Caller;
use crate::body::Body;
use crate::error::{ApiError, ApiResult};
use crate::page::{PageParams, Paged};
use crate::params::Params;
use crate::view::{self, ConversationItem};
use crate::{App, clock};

/// Which conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FilterParam {
    /// Those neither archived nor hidden.
    #[default]
    Inbox,
    /// Those of the inbox with something unread.
    Unread,
    /// The archived ones.
    Archived,
}

/// Parameters of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ConversationsParams {
    /// Which conversations.
    #[serde(default)]
    #[param(inline)]
    pub filter: FilterParam,
    /// Where the page begins: the `bookmark` of the page before.
    pub bookmark: Option<String>,
    /// Conversations on the page at most.
    #[param(minimum = 1, maximum = 250, default = 25)]
    pub page_size: Option<i64>,
}

/// A place in a list by activity.
#[derive(Serialize, Deserialize)]
pub(super) struct Mark(i64, i64);

impl Mark {
    pub(super) const fn read(&self) -> ActivityMark {
        ActivityMark {
            activity_seq: self.0,
            conversation: ConversationId::new(self.1),
        }
    }

    pub(super) const fn of(mark: ActivityMark) -> Self {
        Self(mark.activity_seq, mark.conversation.get())
    }
}

/// List conversations
///
/// Newest activity first. Each conversation that does not move meanwhile appears exactly once over the pages;
/// what moves is in the events after the first page's `X-Pinwire-Seq`.
#[utoipa::path(
    tag = "Conversations",
    params(ConversationsParams),
    responses((status = 200, description = "A page of conversations", body = Paged<ConversationItem>))
)]
#[get("/v5/conversations")]
pub async fn list(
    app: web::Data<App>,
    caller: Caller,
    Params(params): Params<ConversationsParams>,
) -> ApiResult {
    let filter = match params.filter {
        FilterParam::Inbox => Filter::Inbox,
        FilterParam::Unread => Filter::Unread,
        FilterParam::Archived => Filter::Archived,
    };
    let paging = PageParams {
        bookmark: params.bookmark,
        page_size: params.page_size,
    };
    let list = format!("conversations {:?} {}", params.filter, caller.user);
    let after = place(&app, &list, &paging)?;
    let read = app
        .store
        .conversations(caller.user, filter, after, paging.size()?)
        .await?;
    answer_page(&app, &caller, &list, read)
}

/// Where a page of a list of conversations begins.
pub(super) fn place(app: &App, name: &str, paging: &PageParams) -> ApiResult<Option<ActivityMark>> {
    let mark: Option<Mark> = app.bookmarks.open(name, paging.bookmark.as_deref())?;
    Ok(mark.map(|m| m.read()))
}

/// A page of a list of conversations.
pub(super) fn answer_page(
    app: &App,
    caller: &Caller,
    name: &str,
    read: Snapshot<ConversationPage>,
) -> ApiResult {
    let next = read.value.next.map(Mark::of);
    let bookmark = next.map(|m| app.bookmarks.seal(name, &m)).transpose()?;
    let now = clock::now();
    Ok(view::snapshot(read, |page| Paged {
        items: page
            .items
            .iter()
            .map(|v| ConversationItem::of(v, caller.user, now))
            .collect(),
        bookmark,
    }))
}

/// Get a conversation
///
/// As you see it: with what is unread, your head and your own settings.
#[utoipa::path(
    tag = "Conversations",
    params(("conversation_id" = String, Path, description = "The conversation")),
    responses((status = 200, description = "The conversation as you see it", body = ConversationItem))
)]
#[get("/v5/conversations/{conversation_id}")]
pub async fn get(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> ApiResult {
    let id = path_id(&path, "conversation_id")?;
    let read = app.store.conversation(caller.user, id).await?;
    Ok(view::snapshot(read, |v| {
        ConversationItem::of(&v, caller.user, clock::now())
    }))
}

/// People to talk with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConversationCreate)]
pub struct BeginBody {
    /// The others: one makes a direct conversation, more a group. With a title, one makes a group, too.
    #[schema(min_items = 1, example = json!(["3763541867536386"]))]
    pub user_ids: Vec<String>,
    /// The title of a group, which then is a new one, whoever is in it.
    #[schema(max_length = 100, example = "Hall")]
    pub title: Option<String>,
}

/// Begin a conversation
///
/// Finds the conversation of these people and you, or makes it. Two people have one conversation for ever; a group is
/// found again until its people or its title first change.
#[utoipa::path(
    tag = "Conversations",
    request_body = BeginBody,
    responses(
        (status = 201, description = "Made", body = ConversationItem),
        (status = 200, description = "There was one already", body = ConversationItem),
    )
)]
#[post("/v5/conversations")]
pub async fn begin(
    app: web::Data<App>,
    caller: Caller,
    request: HttpRequest,
    body: Body<BeginBody>,
) -> ApiResult {
    let key = body.idempotency_key(&request, None)?;
    let people: Vec<UserId> = ids(&body.value.user_ids, "user_ids")?;
    let title = group::title(body.value.title.as_deref())?;
    let made = app
        .store
        .begin_conversation(caller.user, people, title, key)
        .await
        .map_err(|error| ApiError::from(error).of_people_in("user_ids"))?;
    let (id, new) = made.outcome;
    let read = app
        .store
        .conversation(caller.user, ConversationId::new(id))
        .await?;
    let item = ConversationItem::of(&read.value, caller.user, clock::now());
    let status = if new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(view::made(status, made.replayed, &item))
}
