//! The event stream as Server-Sent Events.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use super::events::{AFTER, cursor};
use crate::App;
use crate::auth::Caller;
use crate::error::ApiResult;
use crate::live::feed::Start;
use crate::live::line::Line;
use crate::live::sse::{self, Opened};
use crate::params::Params;
use crate::view::SEQ_HEADER;

/// Where a client came to before its connection broke.
const LAST_EVENT_ID: &str = "Last-Event-ID";
/// The type of the answer.
pub const EVENT_STREAM: &str = "text/event-stream";
/// Tells proxies that hold answers back (nginx) to pass this one on as it comes.
const NOT_HELD_BACK: (&str, &str) = ("x-accel-buffering", "no");

/// Where to begin.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StreamParams {
    /// Resume after this cursor `<epoch>:<seq>`; without it, from now on.
    #[param(example = "19a2:4711")]
    pub after: Option<String>,
}

/// Open an event stream
///
/// Server-Sent Events: the frames of `/asyncapi.json` one after another, each with its `type` as `event` and its cursor
/// as `id`. `Last-Event-ID` resumes, and counts before `after`, which is still in the address when a client comes back.
/// The answer ends with the access token; the last frame, `close`, says why.
#[utoipa::path(
    tag = "Events",
    params(
        StreamParams,
        ("Last-Event-ID" = Option<String>, Header, description = "The `id` of the last event that was seen.",
            example = "19a2:4711"),
    ),
    responses((status = 200, description = "Your stream", content_type = "text/event-stream", body = String))
)]
#[get("/v5/events/stream")]
pub async fn open(
    app: web::Data<App>,
    caller: Caller,
    Params(params): Params<StreamParams>,
    request: HttpRequest,
) -> ApiResult {
    let seen = request.headers().get(LAST_EVENT_ID);
    let start = match (seen, params.after.as_deref()) {
        (Some(seen), _) => {
            // What is no text is no cursor either.
            let seen = seen.to_str().unwrap_or_default();
            Start::After(cursor(seen, LAST_EVENT_ID)?)
        }
        (None, Some(after)) => Start::After(cursor(after, AFTER)?),
        (None, None) => Start::Head,
    };
    let line = request.conn_data::<Line>().cloned();
    let Opened { place, body } = sse::open(app, caller, line, start).await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, EVENT_STREAM))
        .insert_header((SEQ_HEADER, place.to_string()))
        .insert_header(NOT_HELD_BACK)
        .streaming(body))
}
