//! What every request passes and every answer gets, whatever operation it is for.

use actix_web::body::{self, BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};
use percent_encoding::percent_decode_str;
use tracing_actix_web::RequestId;

use crate::error::{ApiError, ApiResult, reasons};
use crate::rate_limit::Allowance;
use crate::routes::{self, Operation};
use crate::{App, auth, cors};

/// Bytes of all headers of a request at most, their names included.
pub const HEADERS_MAX: usize = 16 * 1024;

/// What an answer may load, and who may show it: nothing and nobody.
const NOTHING: &str = "default-src 'none'; frame-ancestors 'none'";

/// Refuses what no operation takes and whom it does not admit, asks the next, gives errors their one shape, and adds
/// the headers that all answers have.
pub async fn around<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let id = request_id(&request);
    let for_head = head_as_get(&mut request);
    let Some(app) = request.app_data::<web::Data<App>>().cloned() else {
        let error = ApiError::new(reasons::INTERNAL, "no application");
        return Ok(request.into_response(error.respond(&id)));
    };
    let page = cors::Page::of(request.request(), &app.config.allowed_origins);
    let operation = routes::asked(request.method(), request.match_info().as_str());
    let mut answer = if let Err(error) = admit(&app, &request, operation).await {
        request.into_response(error.respond(&id))
    } else {
        let answer = next.call(request).await?;
        let error = error_of(&answer);
        note_unlisted(&app, operation, error.as_ref());
        match error {
            Some(error) => answer.into_response(error.respond(&id)),
            None => answer.map_into_boxed_body(),
        }
    };
    let allowance = answer.request().extensions().get::<Allowance>().copied();
    let headers = answer.headers_mut();
    if let Some(allowance) = allowance {
        add_allowance(headers, allowance);
    }
    if !app.config.allowed_origins.is_empty() {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    if let Some(page) = page {
        page.allow(headers);
    }
    add_common(headers, &id);
    if for_head && answer.response().body().size() == BodySize::Stream {
        // What has no end would go on being made for nobody.
        return Ok(answer.map_body(|_, _| BoxBody::new(body::None::new())));
    }
    Ok(answer)
}

async fn admit(
    app: &App,
    request: &ServiceRequest,
    operation: Option<&Operation>,
) -> ApiResult<()> {
    check(request)?;
    match operation {
        Some(operation) => auth::admit(app, request.request(), operation).await,
        None => Ok(()),
    }
}

/// Whether the request can be asked of any operation.
fn check(request: &ServiceRequest) -> ApiResult<()> {
    let bytes: usize = request
        .headers()
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if bytes > HEADERS_MAX {
        let message = format!("the headers are larger than {HEADERS_MAX} bytes");
        return Err(ApiError::new(reasons::HEADERS_TOO_LARGE, message));
    }
    for (part, text) in [("path", request.path()), ("query", request.query_string())] {
        if !is_text(text) {
            let message = format!("the {part} is not percent-encoded UTF-8");
            return Err(ApiError::new(reasons::MALFORMED_TARGET, message));
        }
    }
    Ok(())
}

/// Whether each `%` stands before two hexadecimal digits, and all together is UTF-8.
fn is_text(encoded: &str) -> bool {
    let whole = encoded.split('%').skip(1).all(|rest| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit))
    });
    whole && percent_decode_str(encoded).decode_utf8().is_ok()
}

/// HEAD is answered as GET is; the body is left out where the answer is written. Whether it was HEAD.
fn head_as_get(request: &mut ServiceRequest) -> bool {
    let is_head =
        request.method() == Method::HEAD && !request.headers().contains_key(header::UPGRADE);
    if is_head {
        request.head_mut().method = Method::GET;
    }
    is_head
}

/// The error that an answer is, also one that the framework made.
fn error_of<B>(answer: &ServiceResponse<B>) -> Option<ApiError> {
    let status = answer.status();
    match answer.response().error() {
        Some(error) => {
            let own = error.as_error::<ApiError>().cloned();
            Some(own.unwrap_or_else(|| of_framework(status)))
        }
        None if status.is_client_error() || status.is_server_error() => Some(of_framework(status)),
        None => None,
    }
}

/// An error that the document does not list is a fault of the document.
fn note_unlisted(app: &App, operation: Option<&Operation>, error: Option<&ApiError>) {
    if let (Some(operation), Some(error)) = (operation, error)
        && !app.documents.lists(operation, error.reason())
    {
        let operation = operation.id;
        tracing::error!(operation, %error, "an error that the document does not list");
    }
}

fn of_framework(status: StatusCode) -> ApiError {
    match status {
        StatusCode::NOT_FOUND => ApiError::new(reasons::NO_SUCH_ROUTE, "no such path"),
        status if status.is_client_error() => {
            ApiError::new(reasons::MALFORMED_TARGET, "the request cannot be read")
        }
        status => ApiError::new(
            reasons::INTERNAL,
            format!("the framework answered {status}"),
        ),
    }
}

fn add_allowance(headers: &mut HeaderMap, allowance: Allowance) {
    let Allowance {
        limit,
        remaining,
        reset_s,
    } = allowance;
    headers.insert(HeaderName::from_static("x-ratelimit-limit"), limit.into());
    headers.insert(
        HeaderName::from_static("x-ratelimit-remaining"),
        remaining.into(),
    );
    headers.insert(HeaderName::from_static("x-ratelimit-reset"), reset_s.into());
}

fn add_common(headers: &mut HeaderMap, id: &str) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, NOTHING),
    ] {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

fn request_id(request: &ServiceRequest) -> String {
    request
        .extensions()
        .get::<RequestId>()
        .map(RequestId::to_string)
        .unwrap_or_default()
}

/// The path as it may be logged: without what a link is followed by.
fn logged_path(path: &str) -> &str {
    const LINKS: &str = "/v5/links/";
    if path.starts_with(LINKS) { LINKS } else { path }
}

/// What is logged of a request: never its query, which may hold a ticket.
pub struct PathSpan;

impl tracing_actix_web::RootSpanBuilder for PathSpan {
    fn on_request_start(request: &ServiceRequest) -> tracing::Span {
        tracing::info_span!(
            "request",
            method = %request.method(),
            path = logged_path(request.path()),
            id = %request_id(request),
            status = tracing::field::Empty,
        )
    }

    fn on_request_end<B: MessageBody>(
        span: tracing::Span,
        outcome: &Result<ServiceResponse<B>, actix_web::Error>,
    ) {
        if let Ok(answer) = outcome {
            span.record("status", answer.status().as_u16());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_percent_encoded_utf_8() {
        for good in ["/v5/users/ana", "q=%C3%A9&x=a+b", "%25", ""] {
            assert!(is_text(good), "{good}");
        }
        for bad in ["%", "%4", "%zz", "%ff", "a%C3", "%é1"] {
            assert!(!is_text(bad), "{bad}");
        }
    }
}
