//! Conversations by their pins.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, get, post, web};
use pinwire_domain::board::{BoardDraft, Privacy};
use pinwire_domain::token::Scope;
use pinwire_domain::{ConversationId, Field, PinId, Refusal};
use pinwire_storage::conversation_pins::{Chosen, PinMark, PinSort};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::pin_bodies::PinSaveBody;
use super::{boards, conversations, ids, path_id, path_place, pins};
use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::ApiResult;
use crate::page::{PageParams, Paged};
use crate::params::Params;
use crate::view::kinds::BoardPrivacy;
use crate::view::{self, BoardView, ConversationItem, ConversationPinView, MessageView, PinView};

/// In which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SortParam {
    /// The one sent last comes first.
    #[default]
    Newest,
    /// The one with most messages about it comes first.
    MostDiscussed,
}

/// Parameters of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SortParams {
    /// In which order.
    #[serde(default)]
    #[param(inline)]
    pub sort: SortParam,
}

/// A place in the list of a conversation's pins.
#[derive(Serialize, Deserialize)]
struct Mark(i64, i64);

/// List a conversation's pins
///
/// Each pin once, however often it was sent, with what was made of it. A pin that moves up meanwhile may appear twice.
#[utoipa::path(
    tag = "Conversation pins",
    params(("conversation_id" = String, Path, description = "The conversation"), SortParams, PageParams),
    responses((status = 200, description = "A page of pins", body = Paged<ConversationPinView>))
)]
#[get("/v5/conversations/{conversation_id}/pins")]
pub async fn list(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    Params(params): Params<SortParams>,
    Params(paging): Params<PageParams>,
) -> ApiResult {
    let id: ConversationId = path_id(&path, "conversation_id")?;
    let sort = match params.sort {
        SortParam::Newest => PinSort::Newest,
        SortParam::MostDiscussed => PinSort::MostDiscussed,
    };
    let name = format!("pins of conversation {id} {sort:?} {}", caller.user);
    let mark: Option<Mark> = app.bookmarks.open(&name, paging.bookmark.as_deref())?;
    let after = mark.map(|Mark(rank, last_position)| PinMark {
        rank,
        last_position,
    });
    let reader = (caller.user, id);
    let pins = app
        .store
        .conversation_pins(reader, sort, after, paging.size()?);
    let read = pins.await?;
    let next = read.value.next.map(|it| Mark(it.rank, it.last_position));
    let bookmark = next.map(|m| app.bookmarks.seal(&name, &m)).transpose()?;
    let shown = |pin| ConversationPinView::of(pin, caller.user);
    Ok(view::snapshot(read, |page| Paged {
        items: page.items.into_iter().map(shown).collect(),
        bookmark,
    }))
}

/// List what was said about a pin
///
/// One pin's discussion in a conversation, newest first: the messages that carry it, also where it was sent twice, and
/// those about it.
#[utoipa::path(
    tag = "Conversation pins",
    params(
        ("conversation_id" = String, Path, description = "The conversation"),
        ("pin_id" = String, Path, description = "The pin"),
        PageParams,
    ),
    responses((status = 200, description = "A page of messages", body = Paged<MessageView>))
)]
#[get("/v5/conversations/{conversation_id}/pins/{pin_id}/messages")]
pub async fn discussion(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    Params(paging): Params<PageParams>,
) -> ApiResult {
    let id: ConversationId = path_id(&path.0, "conversation_id")?;
    let pin: PinId = path_id(&path.1, "pin_id")?;
    let name = format!("messages about {pin} in {id} {}", caller.user);
    let before: Option<i64> = app.bookmarks.open(&name, paging.bookmark.as_deref())?;
    let reader = (caller.user, id);
    let page = app.store.pin_messages(reader, pin, before, paging.size()?);
    let read = page.await?;
    let bookmark = read.value.next.map(|it| app.bookmarks.seal(&name, &it));
    let bookmark = bookmark.transpose()?;
    let shown = |message| MessageView::made_of(message, Some(caller.user));
    Ok(view::snapshot(read, |page| Paged {
        items: page.items.into_iter().map(shown).collect(),
        bookmark,
    }))
}

/// List the conversations that hold a pin
///
/// Yours in which you see it, archived and hidden ones too, newest activity first.
#[utoipa::path(
    tag = "Conversation pins",
    params(("pin_id" = String, Path, description = "The pin"), PageParams),
    responses((status = 200, description = "A page of conversations", body = Paged<ConversationItem>))
)]
#[get("/v5/pins/{pin_id}/conversations")]
pub async fn holders(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    Params(paging): Params<PageParams>,
) -> ApiResult {
    let pin: PinId = path_id(&path, "pin_id")?;
    let name = format!("conversations with {pin} {}", caller.user);
    let after = conversations::place(&app, &name, &paging)?;
    let access = caller.access(Scope::PinsReadSecret);
    let size = paging.size()?;
    let read = app.store.conversations_with_pin(access, pin, after, size);
    conversations::answer_page(&app, &caller, &name, read.await?)
}

/// Save a pin that was sent
///
/// Makes a pin of your own from the one that the message carries, as it is now, on a board of yours. The others of the
/// conversation see that you saved it, unless your setting `pin_saved_notice` is off. Only its owner may save a secret
/// board's pin.
#[utoipa::path(
    tag = "Conversation pins",
    params(
        ("conversation_id" = String, Path, description = "The conversation"),
        ("position" = i64, Path, description = "The message's place", minimum = 1),
    ),
    request_body = PinSaveBody,
    responses((status = 201, description = "Saved: the new pin", body = PinView))
)]
#[post("/v5/conversations/{conversation_id}/messages/{position}/save")]
pub async fn save(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    request: HttpRequest,
    body: Body<PinSaveBody>,
) -> ApiResult {
    let place = path_place(&path.0, &path.1)?;
    let key = body.idempotency_key(&request, None)?;
    let board = body.value.read()?;
    let access = caller.access(Scope::PinsWriteSecret);
    let made = app.store.save_sent_pin(access, place, board, key).await?;
    pins::answer_made(&app, access, made).await
}

/// A board to make of a conversation's pins.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BoardFromConversation)]
pub struct BoardBody {
    /// Its name; you have no other board of this name.
    #[schema(min_length = 1, max_length = 180, example = "Hall")]
    pub name: String,
    /// What it is about.
    #[schema(max_length = 500)]
    pub description: Option<String>,
    /// Who may find it.
    pub privacy: Option<BoardPrivacy>,
    /// Which pins of the conversation; without it all that you may keep.
    #[schema(min_items = 1, max_items = 500, example = json!(["3763541867536385"]))]
    pub pin_ids: Option<Vec<String>>,
}

impl BoardBody {
    fn draft(&self) -> ApiResult<BoardDraft> {
        let privacy = self.privacy.map_or(Privacy::Public, Privacy::from);
        let description = self.description.as_deref();
        Ok(BoardDraft::new(&self.name, description, privacy)?)
    }

    fn chosen(&self) -> ApiResult<Chosen> {
        let Some(pin_ids) = &self.pin_ids else {
            return Ok(Chosen::All);
        };
        if pin_ids.is_empty() {
            let field = Field::new("pin_ids", "name at least one, or leave it out");
            return Err(Refusal::InvalidValue(field).into());
        }
        Ok(Chosen::These(ids(pin_ids, "pin_ids")?))
    }
}

/// Make a board of a conversation
///
/// A board of yours with a pin of your own from each that was sent, as it is now, the one sent last on top. Of all pins,
/// removed ones and those of others' secret boards are left out; of 500 at most. Nobody is told.
#[utoipa::path(
    tag = "Conversation pins",
    params(("conversation_id" = String, Path, description = "The conversation")),
    request_body = BoardBody,
    responses((status = 201, description = "Made", body = BoardView))
)]
#[post("/v5/conversations/{conversation_id}/board")]
pub async fn make_board(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    request: HttpRequest,
    body: Body<BoardBody>,
) -> ApiResult {
    let id = path_id(&path, "conversation_id")?;
    let key = body.idempotency_key(&request, None)?;
    let draft = body.value.draft()?;
    boards::require_scope(&caller, draft.privacy)?;
    let what = (draft, body.value.chosen()?);
    let access = caller.access(Scope::PinsWriteSecret);
    let made = app
        .store
        .create_board_from_conversation(access, id, what, key);
    let made = made.await?;
    let access = caller.access(Scope::BoardsWriteSecret);
    let view = boards::read(&app, access, made.outcome).await?;
    Ok(view::made(StatusCode::CREATED, made.replayed, &view))
}
