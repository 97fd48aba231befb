//! Request bodies: read once, strictly, with errors that name the field.

use std::collections::HashSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::StreamExt;
use pinwire_domain::limits;
use pinwire_storage::idempotency::IdempotencyKey;
use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use sha2::{Digest, Sha256};

use crate::error::{ApiError, ApiResult, reasons};
use crate::params;

/// Bytes of a request body at most.
pub const BODY_MAX: usize = 256 * 1024;
/// How long a request body may take to arrive.
const BODY_TIME_MAX: Duration = Duration::from_secs(30);
/// Levels of nesting in a JSON body at most.
pub const DEPTH_MAX: usize = 32;

/// A JSON body, checked: the right type, no unknown field, no key twice.
pub struct Body<T> {
    /// What the client sent.
    pub value: T,
    hash: Vec<u8>,
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read(&request, payload, "application/json").await?;
            let value = parse(&bytes)?;
            Ok(Self {
                value,
                hash: Sha256::digest(&bytes).to_vec(),
            })
        })
    }
}

/// A form-encoded body.
pub struct Form<T>(pub T);

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let payload = payload.take();
        Box::pin(async move {
            let bytes = read(&request, payload, "application/x-www-form-urlencoded").await?;
            let mut keys = HashSet::new();
            for (key, _) in url::form_urlencoded::parse(&bytes) {
                if !keys.insert(key.clone()) {
                    return Err(duplicate(&key));
                }
            }
            params::read(&bytes, reasons::MALFORMED_BODY).map(Self)
        })
    }
}

/// Reads a field so that null is told from a field that is left out; with `#[serde(default)]`.
pub fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    serde::Deserialize::deserialize(deserializer).map(Some)
}

async fn read(
    request: &HttpRequest,
    payload: Payload,
    content_type: &'static str,
) -> ApiResult<web::BytesMut> {
    let header = |name| request.headers().get(name).and_then(|v| v.to_str().ok());
    let given = header(header::CONTENT_TYPE).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case(content_type) {
        let message = format!("the body must be {content_type}");
        return Err(ApiError::new(reasons::UNSUPPORTED_MEDIA_TYPE, message));
    }
    if header(header::CONTENT_ENCODING).is_some_and(|e| !e.eq_ignore_ascii_case("identity")) {
        return Err(ApiError::new(
            reasons::UNSUPPORTED_MEDIA_TYPE,
            "the body must not be compressed",
        ));
    }
    let announced = header(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > BODY_MAX as u64) {
        return Err(too_large());
    }
    arrived(payload, BODY_TIME_MAX).await
}

/// The whole of a body, if it arrives in time.
async fn arrived(payload: Payload, time: Duration) -> ApiResult<web::BytesMut> {
    let arrival = tokio::time::timeout(time, collect(payload));
    arrival.await.map_err(|_| {
        let message = format!("the body took longer than {} seconds", time.as_secs());
        ApiError::new(reasons::REQUEST_TIMEOUT, message)
    })?
}

async fn collect(mut payload: Payload) -> ApiResult<web::BytesMut> {
    let mut bytes = web::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|e| ApiError::new(reasons::MALFORMED_BODY, e.to_string()))?;
        if bytes.len() + chunk.len() > BODY_MAX {
            return Err(too_large());
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn too_large() -> ApiError {
    let message = format!("the body is larger than {BODY_MAX} bytes");
    ApiError::new(reasons::BODY_TOO_LARGE, message)
}

/// Reads strict JSON.
///
/// # Errors
/// A documented 400 that names the field where there is one.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> ApiResult<T> {
    // Else a list of its values would be taken for an object.
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Err(ApiError::new(
            reasons::MALFORMED_BODY,
            "the body must be a JSON object",
        ));
    }
    let mut check = serde_json::Deserializer::from_slice(bytes);
    let checked = Strict { depth: 0 };
    serde::de::DeserializeSeed::deserialize(checked, &mut check)
        .and_then(|()| check.end())
        .map_err(|e| json_error(&e, ""))?;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut reader).map_err(|e| {
        let path = e.path().to_string();
        json_error(e.inner(), if path == "." { "" } else { &path })
    })
}

const DUPLICATE: &str = "duplicate key ";

fn duplicate(key: &str) -> ApiError {
    ApiError::new(reasons::DUPLICATE_KEY, format!("`{key}` is given twice"))
        .field(key, "given twice")
}

fn json_error(error: &serde_json::Error, path: &str) -> ApiError {
    let text = error.to_string();
    let quoted = || text.split('`').nth(1).unwrap_or_default().to_owned();
    if text.starts_with(DUPLICATE) || text.starts_with("duplicate field") {
        return duplicate(&quoted());
    }
    if text.starts_with("unknown field") {
        let field = of_object(path, &quoted());
        let message = format!("unknown field `{field}`");
        return ApiError::new(reasons::UNKNOWN_FIELD, message).field(field, "unknown");
    }
    if text.starts_with("missing field") {
        let field = of_object(path, &quoted());
        let message = format!("missing field `{field}`");
        return ApiError::new(reasons::MALFORMED_BODY, message).field(field, "missing");
    }
    let error = ApiError::new(reasons::MALFORMED_BODY, text.clone());
    if path.is_empty() {
        error
    } else {
        error.field(path, text)
    }
}

/// The path of a field of the object at `path`, which may already end with the field.
fn of_object(path: &str, name: &str) -> String {
    match path.strip_suffix(name) {
        Some(parent) if parent.is_empty() || parent.ends_with('.') => path.to_owned(),
        _ if path.is_empty() => name.to_owned(),
        _ => format!("{path}.{name}"),
    }
}

/// Walks any JSON and refuses a key that stands twice in an object, and too deep nesting.
struct Strict {
    depth: usize,
}

impl<'de> serde::de::DeserializeSeed<'de> for Strict {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.depth > DEPTH_MAX {
            return Err(D::Error::custom(format!(
                "nested deeper than {DEPTH_MAX} levels"
            )));
        }
        deserializer.deserialize_any(self)
    }
}

macro_rules! accept {
    ($($visit:ident: $type:ty),*) => {
        $(fn $visit<E>(self, _: $type) -> Result<(), E> { Ok(()) })*
    };
}

impl<'de> Visitor<'de> for Strict {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    accept!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items
            .next_element_seed(Self {
                depth: self.depth + 1,
            })?
            .is_some()
        {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            entries.next_value_seed(Self {
                depth: self.depth + 1,
            })?;
            if let Some(twice) = seen.replace(key) {
                return Err(A::Error::custom(format!("{DUPLICATE}`{twice}`")));
            }
        }
        Ok(())
    }
}

impl<T> Body<T> {
    /// The key that makes a repeat of this request harmless: from the `Idempotency-Key` header, or for
    /// messages from the body.
    ///
    /// # Errors
    /// 400 for a key that is not 1 to 64 visible ASCII characters, and for two keys that differ.
    pub fn idempotency_key(
        &self,
        request: &HttpRequest,
        in_body: Option<&str>,
    ) -> ApiResult<Option<IdempotencyKey>> {
        let in_header = request
            .headers()
            .get("idempotency-key")
            .map(|v| v.to_str().map_err(|_| malformed_key("Idempotency-Key")))
            .transpose()?;
        for (name, key) in [
            ("Idempotency-Key", in_header),
            ("client_message_id", in_body),
        ] {
            if key.is_some_and(|k| !is_key(k)) {
                return Err(malformed_key(name));
            }
        }
        if in_header.is_some() && in_body.is_some() && in_header != in_body {
            let message = "Idempotency-Key and client_message_id differ";
            return Err(ApiError::new(reasons::MALFORMED_HEADER, message).field(
                "client_message_id",
                "differs from the Idempotency-Key header",
            ));
        }
        Ok(in_header.or(in_body).map(|key| IdempotencyKey {
            key: key.to_owned(),
            route: format!("{} {}", request.method(), request.path()),
            body_hash: self.hash.clone(),
        }))
    }
}

fn is_key(key: &str) -> bool {
    (1..=limits::IDEMPOTENCY_KEY_MAX).contains(&key.len())
        && key.bytes().all(|b| b.is_ascii_graphic())
}

fn malformed_key(name: &str) -> ApiError {
    let max = limits::IDEMPOTENCY_KEY_MAX;
    let reason = format!("must be 1 to {max} visible ASCII characters");
    ApiError::new(reasons::MALFORMED_HEADER, format!("{name} {reason}")).field(name, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[serde(default)]
        #[allow(dead_code, reason = "only its reading is tested")]
        inner: Vec<Inner>,
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[allow(dead_code, reason = "only its reading is tested")]
        n: i64,
    }

    fn refusal(json: &str) -> (&'static str, String) {
        let error = parse::<Sample>(json.as_bytes()).unwrap_err();
        let field = error.details().first().map(|d| d.field.clone());
        (error.reason().slug, field.unwrap_or_default())
    }

    #[test]
    fn errors_name_the_field() {
        assert_eq!(
            refusal(r#"{"inner":[{"n":1},{"n":"x"}]}"#),
            ("malformed_body", "inner[1].n".into())
        );
        assert_eq!(
            refusal(r#"{"inner":[{"n":1,"m":2}]}"#),
            ("unknown_field", "inner[0].m".into())
        );
        assert_eq!(refusal(r#"{"m":2}"#), ("unknown_field", "m".into()));
        assert_eq!(
            refusal(r#"{"inner":[{}]}"#),
            ("malformed_body", "inner[0].n".into())
        );
        assert_eq!(
            refusal(r#"{"inner":[],"inner":[]}"#),
            ("duplicate_key", "inner".into())
        );
        assert_eq!(refusal(r#"{"inner":[]"#).0, "malformed_body");
        assert_eq!(refusal(r#"{"inner":[]} x"#).0, "malformed_body");
        for no_object in ["", "[]", "[[]]", "null", "\"x\""] {
            assert_eq!(refusal(no_object).0, "malformed_body", "{no_object}");
        }
    }

    #[tokio::test]
    async fn a_body_that_does_not_arrive_is_not_waited_for() {
        let never = futures_util::stream::pending();
        let payload = Payload::Stream {
            payload: Box::pin(never) as _,
        };
        let error = arrived(payload, Duration::from_millis(10))
            .await
            .unwrap_err();
        assert_eq!(error.reason(), reasons::REQUEST_TIMEOUT);
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |n: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(n - 1), "]".repeat(n - 1));
        let value = parse::<serde_json::Value>(nested(DEPTH_MAX).as_bytes());
        assert!(value.is_ok());
        assert!(parse::<serde_json::Value>(nested(DEPTH_MAX + 2).as_bytes()).is_err());
    }

    #[test]
    fn keys_are_bounded() {
        assert!(is_key(&"k".repeat(64)));
        assert!(!is_key(&"k".repeat(65)));
        assert!(!is_key(""));
        assert!(!is_key("a b"));
        assert!(!is_key("é"));
    }
}
