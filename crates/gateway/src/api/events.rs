//! The event stream: WebSocket, long poll, and the state to begin from.

use std::time::Duration;

use actix_http::{ResponseBuilder, ws};
use actix_web::http::header;
use actix_web::{HttpMessage, HttpRequest, get, web};
use pinwire_domain::event::Cursor;
use pinwire_storage::events::Stretch;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::conversations::Mark;
use crate::auth::{Caller, bearer, check_scopes};
use crate::error::{ApiError, ApiResult, reasons};
use crate::live::feed::Start;
use crate::live::frames::Event;
use crate::live::hub::{Door, Stream};
use crate::live::render::render;
use crate::live::session::Opening;
use crate::metrics::RESYNCS;
use crate::page::PageParams;
use crate::params::Params;
use crate::upgrade::Upgrade;
use crate::view::{self, ConversationItem, HeadView, SettingsView, UnreadTotalsView};
use crate::{App, clock, cors, routes, token};

/// Seconds a poll waits at most.
const WAIT_MAX_S: u64 = 30;
/// Events of one poll at most.
const POLL_MAX: i64 = 100;

/// The parameter that names where to go on from.
pub const AFTER: &str = "after";

/// The subprotocol of the WebSocket.
pub const SUBPROTOCOL: &str = "pinwire.v5";

/// From where to poll.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PollParams {
    /// The cursor `<epoch>:<seq>` of the last answer; without it, from now on.
    #[param(example = "19a2:4711")]
    pub after: Option<String>,
    /// Seconds to wait for an event.
    #[param(minimum = 0, maximum = 30, default = 0)]
    pub wait: Option<u64>,
}

/// A stretch of your stream.
#[derive(Debug, Serialize, ToSchema)]
pub struct Events {
    /// The events, in order.
    #[schema(value_type = Vec<Event>)]
    pub items: Vec<Box<RawValue>>,
    /// Names this history of the log.
    #[schema(example = "19a2")]
    pub epoch: String,
    /// Where to go on from: `after=<epoch>:<seq>`.
    #[schema(example = 4711)]
    pub seq: i64,
    /// Whether there is more already.
    pub more: bool,
}

/// Reads a cursor of a parameter or header.
///
/// # Errors
/// 400 naming it.
pub fn cursor(text: &str, name: &str) -> ApiResult<Cursor> {
    text.parse().map_err(|_| {
        ApiError::new(reasons::MALFORMED_CURSOR, format!("{name} is not a cursor"))
            .field(name, "must be <epoch>:<seq> as this server gave it")
    })
}

/// Poll for events
///
/// Answers at once with what there is after the cursor, or waits up to `wait` seconds for the first event.
/// 410 `resync_required`: fetch `GET /v5/sync` and go on from there.
#[utoipa::path(
    tag = "Events",
    params(PollParams),
    responses((status = 200, description = "A stretch of your stream", body = Events))
)]
#[get("/v5/events")]
pub async fn poll(
    app: web::Data<App>,
    caller: Caller,
    Params(params): Params<PollParams>,
) -> ApiResult {
    let wait = params.wait.unwrap_or(0);
    if wait > WAIT_MAX_S {
        let reason = format!("must be 0 to {WAIT_MAX_S}");
        return Err(
            ApiError::new(reasons::MALFORMED_PARAMETER, format!("wait {reason}"))
                .field("wait", reason),
        );
    }
    let after = match params.after.as_deref() {
        Some(text) => cursor(text, AFTER)?,
        None => Cursor {
            epoch: app.store.epoch().to_owned(),
            seq: app.store.head().await?,
        },
    };
    let until = clock::monotonic() + Duration::from_secs(wait);
    let mut answer = stretch(&app, &caller, &after).await?;
    if wait > 0 && answer.items.is_empty() {
        // Joined before the log is read again, so that nothing falls between.
        let mut stream = app.live.hub.join(caller.user, Door::Poll);
        answer = stretch(&app, &caller, &after).await?;
        while answer.items.is_empty() && wait_for_event(&mut stream, until).await {
            answer = stretch(&app, &caller, &after).await?;
        }
    }
    let reached = Cursor {
        epoch: answer.epoch.clone(),
        seq: answer.seq,
    };
    Ok(view::at(&reached, &answer))
}

/// Whether something may have come before the time was over.
async fn wait_for_event(stream: &mut Stream, until: std::time::Instant) -> bool {
    tokio::select! {
        event = stream.queue.recv() => event.is_some(),
        () = tokio::time::sleep_until(until.into()) => false,
        _ = stream.orders.recv() => false,
    }
}

async fn stretch(app: &App, caller: &Caller, after: &Cursor) -> ApiResult<Events> {
    let read = app
        .store
        .stream(caller.user, after.clone(), POLL_MAX)
        .await?;
    let epoch = read.cursor.epoch;
    match read.value {
        Stretch::Resync(reason) => {
            metrics::counter!(RESYNCS).increment(1);
            let message = format!(
                "fetch GET /v5/sync and go on from there ({})",
                reason.name()
            );
            Err(ApiError::new(reasons::RESYNC_REQUIRED, message))
        }
        Stretch::Events {
            events,
            reached,
            more,
        } => {
            let mut items = Vec::with_capacity(events.len());
            let mut prev = after.seq;
            for event in &events {
                let delivery = render(event, clock::now()).map_err(internal)?;
                if delivery.signed_out.is_none() {
                    let frame = delivery.frame(caller.user, prev);
                    items.push(RawValue::from_string(frame).map_err(internal)?);
                    prev = delivery.seq;
                }
            }
            Ok(Events {
                items,
                epoch,
                seq: reached,
                more,
            })
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
fn internal(error: serde_json::Error) -> ApiError {
    ApiError::new(reasons::INTERNAL, error.to_string())
}

/// Your whole state, to begin from.
#[derive(Debug, Serialize, ToSchema)]
pub struct Sync {
    /// Conversations of this page, archived and hidden ones too, newest activity first.
    pub conversations: Vec<ConversationItem>,
    /// Your heads; on the first page alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heads: Option<Vec<HeadView>>,
    /// What is unread; on the first page alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<UnreadTotalsView>,
    /// Your settings; on the first page alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<SettingsView>,
    /// The position all pages count from: resume the stream after it.
    #[schema(example = "19a2:4711")]
    pub position: String,
    /// Where the next page begins; null on the last page.
    #[schema(required)]
    pub bookmark: Option<String>,
}

/// A place in the pages of a sync, and the position of its first page.
#[derive(Serialize, Deserialize)]
struct SyncMark {
    mark: Mark,
    position: String,
}

/// Fetch the state
///
/// Conversations, heads, unread counts and settings, paged, all counting from one position. Then resume the stream after
/// `position`: events that a later page shows already do no harm, since events carry whole states with versions.
#[utoipa::path(
    tag = "Events",
    params(PageParams),
    responses((status = 200, description = "A page of your state", body = Sync))
)]
#[get("/v5/sync")]
pub async fn sync(
    app: web::Data<App>,
    caller: Caller,
    Params(params): Params<PageParams>,
) -> ApiResult {
    let list = format!("sync {}", caller.user);
    let mark: Option<SyncMark> = app.bookmarks.open(&list, params.bookmark.as_deref())?;
    let after = mark.as_ref().map(|m| m.mark.read());
    let first = after.is_none();
    let read = app.store.sync(caller.user, after, params.size()?).await?;
    let position = mark.map_or_else(|| read.cursor.to_string(), |m| m.position);
    let next = read.value.page.next.map(|m| SyncMark {
        mark: Mark::of(m),
        position: position.clone(),
    });
    let bookmark = next.map(|m| app.bookmarks.seal(&list, &m)).transpose()?;
    let now = clock::now();
    let heads = &read.value.heads;
    Ok(view::at(
        &read.cursor,
        &Sync {
            conversations: read
                .value
                .page
                .items
                .iter()
                .map(|v| ConversationItem::of(v, caller.user, now))
                .collect(),
            heads: first.then(|| {
                heads
                    .iter()
                    .filter_map(|v| HeadView::of(&v.conversation, &v.mine, caller.user, now))
                    .collect()
            }),
            unread: first.then(|| read.value.unread.into()),
            settings: first.then(|| read.value.settings.into()),
            position,
            bookmark,
        },
    ))
}

/// How to open a WebSocket.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SocketParams {
    /// Resume after this cursor `<epoch>:<seq>`; without it, from now on.
    pub after: Option<String>,
    /// A ticket of `POST /v5/ws/tickets`, for browsers, instead of the `Authorization` header.
    pub ticket: Option<String>,
}

/// Open a WebSocket
///
/// With `Authorization: Bearer` or a `ticket`. Its frames are described by `/asyncapi.json`. Subprotocol
/// `pinwire.v5` or none. Browsers must come from an allowed origin.
#[utoipa::path(
    tag = "Events",
    params(SocketParams),
    responses((status = 101, description = "Upgraded"))
)]
#[get("/v5/ws")]
pub async fn websocket(
    app: web::Data<App>,
    Params(params): Params<SocketParams>,
    request: HttpRequest,
) -> ApiResult {
    check_origin(&app, &request)?;
    check_subprotocol(&request)?;
    let start = params
        .after
        .as_deref()
        .map(|text| cursor(text, AFTER))
        .transpose()?
        .map_or(Start::Head, Start::After);
    let operation = routes::find("GET", "/v5/ws").ok_or_else(token::unauthenticated)?;
    let caller = match (params.ticket.as_deref(), bearer(&request)) {
        (Some(ticket), None) => app.redeem_ticket(ticket).await?,
        (None, Some(token)) => app.caller(token, operation).await?,
        _ => return Err(token::unauthenticated()),
    };
    check_scopes(&caller.scopes, operation.scopes)?;
    let mut answer = handshake(&request)?;
    let upgrade = request.extensions().get::<Upgrade>().cloned();
    let upgrade = upgrade.ok_or_else(|| no_handshake("it has a body"))?;
    upgrade.agree(Opening { app, caller, start });
    Ok(answer.finish().map_into_boxed_body().into())
}

/// The answer to a handshake, with the subprotocol if the client named it.
fn handshake(request: &HttpRequest) -> ApiResult<ResponseBuilder> {
    let mut answer = ws::handshake(request.head()).map_err(no_handshake)?;
    if names_subprotocol(request).is_some() {
        answer.insert_header((header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL));
    }
    Ok(answer)
}

fn no_handshake(why: impl std::fmt::Display) -> ApiError {
    let message = format!("not a WebSocket handshake: {why}");
    ApiError::new(reasons::MALFORMED_HEADER, message)
}

/// A browser tells the page's origin; other clients tell none.
fn check_origin(app: &App, request: &HttpRequest) -> ApiResult<()> {
    let Some(origin) = request.headers().get(header::ORIGIN) else {
        return Ok(());
    };
    if cors::is_allowed(origin, &app.config.allowed_origins) {
        return Ok(());
    }
    Err(ApiError::new(
        reasons::ORIGIN_NOT_ALLOWED,
        "pages of this origin may not connect",
    ))
}

/// Only `pinwire.v5`, or none at all.
fn check_subprotocol(request: &HttpRequest) -> ApiResult<()> {
    if names_subprotocol(request).unwrap_or(true) {
        return Ok(());
    }
    let message = format!("the only subprotocol is {SUBPROTOCOL}");
    Err(ApiError::new(reasons::MALFORMED_HEADER, message))
}

/// Whether the client names `pinwire.v5`, if it names any.
fn names_subprotocol(request: &HttpRequest) -> Option<bool> {
    let mut named = request
        .headers()
        .get_all(header::SEC_WEBSOCKET_PROTOCOL)
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .map(str::trim)
        .peekable();
    named.peek()?;
    Some(named.any(|n| n == SUBPROTOCOL))
}
