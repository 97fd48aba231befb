//! Pins.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use pinwire_domain::board::Access;
use pinwire_domain::token::Scope;
use pinwire_domain::{BoardId, PinId, UserId};
use pinwire_storage::Snapshot;
use pinwire_storage::idempotency::Made;
use pinwire_storage::page::Page;
use pinwire_storage::pins::{Pin, PinFilter};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::path_id;
use super::pin_bodies::{PinCreateBody, PinSaveBody, PinUpdateBody};
use super::v5::{self, AdAccountParams, NotOffered};
use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::ApiResult;
use crate::page::{PageParams, Paged};
use crate::params::Params;
use crate::view::{self, PinView};

/// Parameters of reading pins.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PinParams {
    /// Only false is taken: Pinwire measures nothing.
    #[serde(default, deserialize_with = "v5::flag")]
    #[param(default = false)]
    pub pin_metrics: bool,
    /// Known to API v5, not offered by Pinwire: leave it out.
    #[serde(default)]
    #[param(value_type = Option<String>, max_length = 0)]
    ad_account_id: NotOffered,
}

impl PinParams {
    fn check(&self) -> ApiResult<()> {
        v5::refuse([
            ("pin_metrics", self.pin_metrics),
            ("ad_account_id", self.ad_account_id.given()),
        ])
    }
}

/// The kinds of pins that API v5 knows. All of Pinwire's are `REGULAR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum CreativeType {
    Regular,
    Video,
    Shopping,
    Carousel,
    MaxVideo,
    ShopThePin,
    Collection,
    Idea,
    Showcase,
    Quiz,
    Collage,
    MaxWidthRegularCollection,
    MaxWidthVideoCollection,
}

/// Which kinds of pins.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct KindParams {
    /// Only pins of these kinds. All pins are `REGULAR`: a list without it finds none.
    #[serde(default, deserialize_with = "v5::list")]
    #[param(inline)]
    creative_types: Vec<CreativeType>,
}

impl KindParams {
    /// Whether there may be pins of these kinds.
    fn any(&self) -> bool {
        self.creative_types.is_empty() || self.creative_types.contains(&CreativeType::Regular)
    }
}

/// Parameters of listing your pins.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PinsParams {
    /// Whether the pins of protected boards are in.
    #[serde(default, deserialize_with = "v5::flag")]
    #[param(default = false)]
    pub include_protected_pins: bool,
    /// Known to API v5, not offered by Pinwire: leave it out.
    #[serde(default)]
    #[param(value_type = Option<String>, max_length = 0)]
    pin_filter: NotOffered,
    /// Known to API v5, not offered by Pinwire: leave it out.
    #[serde(default)]
    #[param(value_type = Option<String>, max_length = 0)]
    pin_type: NotOffered,
}

impl PinsParams {
    fn read(&self) -> ApiResult<PinFilter> {
        v5::refuse([
            ("pin_filter", self.pin_filter.given()),
            ("pin_type", self.pin_type.given()),
        ])?;
        Ok(PinFilter {
            protected: self.include_protected_pins,
        })
    }
}

/// Create a pin
///
/// Made from the address of a picture, which is not fetched: all sizes show that address. On a secret board it
/// needs the scope `pins:write_secret`.
#[utoipa::path(
    tag = "Pins",
    params(AdAccountParams),
    request_body = PinCreateBody,
    responses((status = 201, description = "Made", body = PinView))
)]
#[post("/v5/pins")]
pub async fn create(
    app: web::Data<App>,
    caller: Caller,
    Params(ad_account): Params<AdAccountParams>,
    (request, body): (HttpRequest, Body<PinCreateBody>),
) -> ApiResult {
    ad_account.check()?;
    let key = body.idempotency_key(&request, None)?;
    let draft = body.value.read()?;
    let access = caller.access(Scope::PinsWriteSecret);
    let made = app.store.create_pin(access, draft, key).await?;
    answer_made(&app, access, made).await
}

pub(super) async fn answer_made(app: &App, access: Access, made: Made<PinId>) -> ApiResult {
    let view = read(app, access, made.outcome).await?;
    Ok(view::made(StatusCode::CREATED, made.replayed, &view))
}

async fn read(app: &App, access: Access, id: PinId) -> ApiResult<PinView> {
    let pin = app.store.pin(access, id).await?.value;
    let template = app.config.image_url_template.as_ref();
    Ok(PinView::of(pin, access.user, template))
}

/// Save a pin
///
/// Makes a pin of your own from it, on a board of yours. Only its owner may save a secret board's pin.
#[utoipa::path(
    tag = "Pins",
    params(("pin_id" = String, Path, description = "The pin"), AdAccountParams),
    request_body = PinSaveBody,
    responses((status = 201, description = "Saved: the new pin", body = PinView))
)]
#[post("/v5/pins/{pin_id}/save")]
pub async fn save(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    Params(ad_account): Params<AdAccountParams>,
    (request, body): (HttpRequest, Body<PinSaveBody>),
) -> ApiResult {
    ad_account.check()?;
    let key = body.idempotency_key(&request, None)?;
    let board = body.value.read()?;
    let pin = path_id(&path, "pin_id")?;
    let access = caller.access(Scope::PinsWriteSecret);
    let made = app.store.save_pin(access, pin, board, key).await?;
    answer_made(&app, access, made).await
}

/// Get a pin
///
/// One of your own, of others if its board is not secret, or one that was sent to you.
#[utoipa::path(
    tag = "Pins",
    params(("pin_id" = String, Path, description = "The pin"), PinParams),
    responses((status = 200, description = "The pin", body = PinView))
)]
#[get("/v5/pins/{pin_id}")]
pub async fn get(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    Params(params): Params<PinParams>,
) -> ApiResult {
    params.check()?;
    let id = path_id(&path, "pin_id")?;
    let pin = app
        .store
        .pin(caller.access(Scope::PinsReadSecret), id)
        .await?;
    let template = app.config.image_url_template.as_ref();
    Ok(view::snapshot(pin, |pin| {
        PinView::of(pin, caller.user, template)
    }))
}

/// Change a pin
///
/// Messages that hold it keep it as it was sent, and tell that it was changed.
#[utoipa::path(
    tag = "Pins",
    params(("pin_id" = String, Path, description = "The pin"), AdAccountParams),
    request_body = PinUpdateBody,
    responses((status = 200, description = "The pin as it is now", body = PinView))
)]
#[patch("/v5/pins/{pin_id}")]
pub async fn change(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    Params(ad_account): Params<AdAccountParams>,
    body: Body<PinUpdateBody>,
) -> ApiResult {
    ad_account.check()?;
    let id = path_id(&path, "pin_id")?;
    let change = body.value.read()?;
    let access = caller.access(Scope::PinsWriteSecret);
    app.store.change_pin(access, id, change).await?;
    Ok(HttpResponse::Ok().json(read(&app, access, id).await?))
}

/// Delete a pin
///
/// Messages that hold it show it as it was sent, as removed.
#[utoipa::path(
    tag = "Pins",
    params(("pin_id" = String, Path, description = "The pin"), AdAccountParams),
    responses((status = 204, description = "Deleted"))
)]
#[delete("/v5/pins/{pin_id}")]
pub async fn delete(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    Params(ad_account): Params<AdAccountParams>,
) -> ApiResult {
    ad_account.check()?;
    let access = caller.access(Scope::PinsWriteSecret);
    app.store
        .delete_pin(access, path_id(&path, "pin_id")?)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// List your pins
///
/// Newest first. Those of secret boards are in with the scope `pins:read_secret`.
#[utoipa::path(
    tag = "Pins",
    params(PageParams, PinsParams, KindParams, PinParams),
    responses((status = 200, description = "A page of pins", body = Paged<PinView>))
)]
#[get("/v5/pins")]
pub async fn list(
    app: web::Data<App>,
    caller: Caller,
    Params(paging): Params<PageParams>,
    Params(which): Params<PinsParams>,
    (kinds, params): (Params<KindParams>, Params<PinParams>),
) -> ApiResult {
    params.0.check()?;
    let filter = which.read()?;
    let pages = PinList::new(
        &app,
        &caller,
        format!("pins {filter:?} {}", caller.user),
        &kinds.0,
    );
    let access = caller.access(Scope::PinsReadSecret);
    let (before, size) = pages.place(&paging)?;
    pages.answer(app.store.own_pins(access, filter, before, size).await?)
}

/// List a board's pins
///
/// Newest first; of a board of your own, or of others if it is not secret.
#[utoipa::path(
    tag = "Boards",
    params(("board_id" = String, Path, description = "The board"), PageParams, KindParams, PinParams),
    responses((status = 200, description = "A page of pins", body = Paged<PinView>))
)]
#[get("/v5/boards/{board_id}/pins")]
pub async fn list_of_board(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    Params(paging): Params<PageParams>,
    (kinds, params): (Params<KindParams>, Params<PinParams>),
) -> ApiResult {
    params.0.check()?;
    let board: BoardId = path_id(&path, "board_id")?;
    let pages = PinList::new(&app, &caller, format!("pins of {board}"), &kinds.0);
    let access = caller.access(Scope::PinsReadSecret);
    let (before, size) = pages.place(&paging)?;
    pages.answer(app.store.board_pins(access, board, before, size).await?)
}

/// A list of pins that is shown by pages.
struct PinList<'a> {
    app: &'a App,
    viewer: UserId,
    /// Tells all that a place in it depends on.
    name: String,
    /// Whether the kinds that were asked for can be in it.
    any: bool,
}

impl<'a> PinList<'a> {
    fn new(app: &'a App, caller: &Caller, name: String, kinds: &KindParams) -> Self {
        Self {
            app,
            viewer: caller.user,
            name,
            any: kinds.any(),
        }
    }

    /// Where the page begins, and its size.
    fn place(&self, paging: &PageParams) -> ApiResult<(Option<PinId>, usize)> {
        let before: Option<i64> = self
            .app
            .bookmarks
            .open(&self.name, paging.bookmark.as_deref())?;
        Ok((before.map(PinId::new), paging.size()?))
    }

    fn answer(&self, pins: Snapshot<Page<Pin, PinId>>) -> ApiResult {
        let template = self.app.config.image_url_template.as_ref();
        let next = pins.value.next.filter(|_| self.any).map(PinId::get);
        let bookmark = next
            .map(|place| self.app.bookmarks.seal(&self.name, &place))
            .transpose()?;
        Ok(view::snapshot(pins, |page| Paged {
            items: page
                .items
                .into_iter()
                .filter(|_| self.any)
                .map(|pin| PinView::of(pin, self.viewer, template))
                .collect(),
            bookmark,
        }))
    }
}
