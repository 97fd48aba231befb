//! Boards.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use pinwire_domain::BoardId;
use pinwire_domain::board::{Access, BoardChange, BoardDraft, Privacy};
use pinwire_domain::token::Scope;
use pinwire_storage::Snapshot;
use pinwire_storage::boards::Board;
use pinwire_storage::page::Page;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::path_id;
use super::v5::{self, AdAccountParams, NotOffered};
use crate::App;
use crate::auth::Caller;
use crate::body::{self, Body};
use crate::error::ApiResult;
use crate::page::{PageParams, Paged};
use crate::params::Params;
use crate::view::kinds::BoardPrivacy;
use crate::view::{self, BoardView};

/// Who may find a board after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = BoardUpdatePrivacy)]
pub enum UpdatePrivacyBody {
    /// Everyone.
    Public,
    /// You alone.
    Secret,
}

impl UpdatePrivacyBody {
    const fn read(self) -> Privacy {
        match self {
            Self::Public => Privacy::Public,
            Self::Secret => Privacy::Secret,
        }
    }
}

/// A board to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BoardCreate)]
pub struct BoardCreateBody {
    /// Its name; you have no other board of this name.
    #[schema(min_length = 1, max_length = 180, example = "Summer recipes")]
    pub name: String,
    /// What it is about.
    #[schema(max_length = 500, example = "My favorite summer recipes")]
    pub description: Option<String>,
    /// Who may find it.
    pub privacy: Option<BoardPrivacy>,
    /// Only false is taken: Pinwire has no ads.
    #[schema(default = false)]
    pub is_ads_only: Option<bool>,
    #[serde(default)]
    media: NotOffered,
}

impl BoardCreateBody {
    fn read(&self) -> ApiResult<BoardDraft> {
        v5::refuse([
            ("is_ads_only", self.is_ads_only == Some(true)),
            ("media", self.media.given()),
        ])?;
        let privacy = self.privacy.map_or(Privacy::Public, Privacy::from);
        Ok(BoardDraft::new(
            &self.name,
            self.description.as_deref(),
            privacy,
        )?)
    }
}

/// A change of a board: what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BoardUpdate)]
pub struct BoardUpdateBody {
    /// Its new name.
    #[schema(min_length = 1, max_length = 180)]
    pub name: Option<String>,
    /// What it is about; null takes it away.
    #[serde(default, deserialize_with = "body::given")]
    #[schema(value_type = Option<String>, max_length = 500)]
    pub description: Option<Option<String>>,
    /// Who may find it.
    pub privacy: Option<UpdatePrivacyBody>,
}

/// Which boards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = BoardPrivacyFilter)]
pub enum PrivacyParam {
    /// All.
    #[default]
    All,
    /// The public ones.
    Public,
    /// The protected ones.
    Protected,
    /// The secret ones.
    Secret,
    /// The public and the secret ones.
    PublicAndSecret,
}

impl PrivacyParam {
    const fn read(self) -> &'static [Privacy] {
        match self {
            Self::All => &Privacy::ALL,
            Self::Public => &[Privacy::Public],
            Self::Protected => &[Privacy::Protected],
            Self::Secret => &[Privacy::Secret],
            Self::PublicAndSecret => &[Privacy::Public, Privacy::Secret],
        }
    }
}

/// Parameters of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BoardsParams {
    /// Which boards.
    #[serde(default)]
    #[param(inline)]
    pub privacy: PrivacyParam,
}

/// Create a board
///
/// A secret board needs the scope `boards:write_secret`.
#[utoipa::path(
    tag = "Boards",
    params(AdAccountParams),
    request_body = BoardCreateBody,
    responses((status = 201, description = "Made", body = BoardView))
)]
#[post("/v5/boards")]
pub async fn create(
    app: web::Data<App>,
    caller: Caller,
    Params(ad_account): Params<AdAccountParams>,
    (request, body): (HttpRequest, Body<BoardCreateBody>),
) -> ApiResult {
    ad_account.check()?;
    let key = body.idempotency_key(&request, None)?;
    let draft = body.value.read()?;
    require_scope(&caller, draft.privacy)?;
    let made = app.store.create_board(caller.user, draft, key).await?;
    // Whoever may make a board may see what was made.
    let access = caller.access(Scope::BoardsWriteSecret);
    let view = read(&app, access, made.outcome).await?;
    Ok(view::made(StatusCode::CREATED, made.replayed, &view))
}

/// A secret board is made only with a token that reaches secret boards.
pub(super) fn require_scope(caller: &Caller, privacy: Privacy) -> ApiResult<()> {
    match privacy {
        Privacy::Secret => caller.require(Scope::BoardsWriteSecret),
        Privacy::Public | Privacy::Protected => Ok(()),
    }
}

pub(super) async fn read(app: &App, access: Access, id: BoardId) -> ApiResult<BoardView> {
    let board = app.store.board(access, id).await?.value;
    Ok(BoardView::of(board, app.config.image_url_template.as_ref()))
}

/// List your boards
///
/// Newest first. Secret ones are in with the scope `boards:read_secret`.
#[utoipa::path(
    tag = "Boards",
    params(PageParams, BoardsParams, AdAccountParams),
    responses((status = 200, description = "A page of boards", body = Paged<BoardView>))
)]
#[get("/v5/boards")]
pub async fn list(
    app: web::Data<App>,
    caller: Caller,
    Params(paging): Params<PageParams>,
    Params(params): Params<BoardsParams>,
    Params(ad_account): Params<AdAccountParams>,
) -> ApiResult {
    ad_account.check()?;
    let list = format!("boards {:?} {}", params.privacy, caller.user);
    let before: Option<i64> = app.bookmarks.open(&list, paging.bookmark.as_deref())?;
    let before = before.map(BoardId::new);
    let access = caller.access(Scope::BoardsReadSecret);
    let (kinds, size) = (params.privacy.read(), paging.size()?);
    let boards = app.store.own_boards(access, kinds, before, size).await?;
    answer_page(&app, &list, boards)
}

fn answer_page(app: &App, name: &str, boards: Snapshot<Page<Board, BoardId>>) -> ApiResult {
    let template = app.config.image_url_template.as_ref();
    let next = boards.value.next.map(BoardId::get);
    let bookmark = next
        .map(|place| app.bookmarks.seal(name, &place))
        .transpose()?;
    Ok(view::snapshot(boards, |page| Paged {
        items: page
            .items
            .into_iter()
            .map(|board| BoardView::of(board, template))
            .collect(),
        bookmark,
    }))
}

/// Get a board
///
/// One of your own, or of others if it is not secret.
#[utoipa::path(
    tag = "Boards",
    params(("board_id" = String, Path, description = "The board"), AdAccountParams),
    responses((status = 200, description = "The board", body = BoardView))
)]
#[get("/v5/boards/{board_id}")]
pub async fn get(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    Params(ad_account): Params<AdAccountParams>,
) -> ApiResult {
    ad_account.check()?;
    let id = path_id(&path, "board_id")?;
    let board = app
        .store
        .board(caller.access(Scope::BoardsReadSecret), id)
        .await?;
    let template = app.config.image_url_template.as_ref();
    Ok(view::snapshot(board, |board| {
        BoardView::of(board, template)
    }))
}

/// Change a board
///
/// To make a board secret, or to change a secret one, needs the scope `boards:write_secret`.
#[utoipa::path(
    tag = "Boards",
    params(("board_id" = String, Path, description = "The board"), AdAccountParams),
    request_body = BoardUpdateBody,
    responses((status = 200, description = "The board as it is now", body = BoardView))
)]
#[patch("/v5/boards/{board_id}")]
pub async fn change(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    Params(ad_account): Params<AdAccountParams>,
    body: Body<BoardUpdateBody>,
) -> ApiResult {
    ad_account.check()?;
    let id = path_id(&path, "board_id")?;
    let wanted = &body.value;
    let privacy = wanted.privacy.map(UpdatePrivacyBody::read);
    require_scope(&caller, privacy.unwrap_or(Privacy::Public))?;
    let description = wanted.description.as_ref().map(Option::as_deref);
    let change = BoardChange::new(wanted.name.as_deref(), description, privacy)?;
    let access = caller.access(Scope::BoardsWriteSecret);
    app.store.change_board(access, id, change).await?;
    Ok(HttpResponse::Ok().json(read(&app, access, id).await?))
}

/// Delete a board
///
/// The pins on it go, too. Messages that hold them show them as they were sent, as removed.
#[utoipa::path(
    tag = "Boards",
    params(("board_id" = String, Path, description = "The board"), AdAccountParams),
    responses((status = 204, description = "Deleted"))
)]
#[delete("/v5/boards/{board_id}")]
pub async fn delete(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    Params(ad_account): Params<AdAccountParams>,
) -> ApiResult {
    ad_account.check()?;
    let access = caller.access(Scope::BoardsWriteSecret);
    app.store
        .delete_board(access, path_id(&path, "board_id")?)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
