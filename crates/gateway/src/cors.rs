//! Web pages of other origins: only those that are allowed may read answers (the Fetch standard's CORS protocol).

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, http::Method};

/// Headers of requests that a page may send.
const REQUEST_HEADERS: &str =
    "authorization, content-type, idempotency-key, if-none-match, last-event-id";
/// Headers of answers that a page may read beside those it always may.
const ANSWER_HEADERS: &str = "allow, etag, idempotency-replayed, retry-after, www-authenticate, x-pinwire-seq, \
                              x-ratelimit-limit, x-ratelimit-remaining, x-ratelimit-reset, x-request-id";
/// Seconds a browser may keep the answer to its question.
const KEPT_S: &str = "7200";

/// A request of a web page of an allowed origin.
pub struct Page {
    origin: HeaderValue,
    /// Whether the browser asks first what it may do.
    asks: bool,
}

/// Whether pages of the origin that a request names may talk with this server.
#[must_use]
pub fn is_allowed(origin: &HeaderValue, allowed: &[String]) -> bool {
    origin
        .to_str()
        .is_ok_and(|o| allowed.iter().any(|a| a == o))
}

impl Page {
    /// The page behind a request, if it is of an allowed origin.
    #[must_use]
    pub fn of(request: &HttpRequest, allowed: &[String]) -> Option<Self> {
        let headers = request.headers();
        let origin = headers.get(header::ORIGIN)?;
        is_allowed(origin, allowed).then(|| Self {
            origin: origin.clone(),
            asks: request.method() == Method::OPTIONS
                && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD),
        })
    }

    /// Lets the page read the answer, or tells what it may do.
    pub fn allow(self, answer: &mut HeaderMap) {
        answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.origin);
        if !self.asks {
            let read = HeaderValue::from_static(ANSWER_HEADERS);
            answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, read);
        } else if let Some(methods) = answer.get(header::ALLOW).cloned() {
            let sent = HeaderValue::from_static(REQUEST_HEADERS);
            answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, sent);
            let kept = HeaderValue::from_static(KEPT_S);
            answer.insert(header::ACCESS_CONTROL_MAX_AGE, kept);
        }
    }
}
