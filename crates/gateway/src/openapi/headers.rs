//! The headers of answers.

use utoipa::openapi::schema::{Schema, SchemaFormat, SchemaType};
use utoipa::openapi::{
    Components, HeaderBuilder, KnownFormat, ObjectBuilder, Ref, RefOr, Response, schema::Type,
};

/// Names the request.
pub(super) const REQUEST_ID: &str = "X-Request-Id";
/// Names the position in the log.
pub(super) const SEQ: &str = "X-Pinwire-Seq";
/// Tells a repeat.
pub(super) const REPLAYED: &str = "Idempotency-Replayed";
/// Says when to try again.
pub(super) const RETRY_AFTER: &str = "Retry-After";
/// Names the state of a document.
pub(super) const ETAG: &str = "ETag";
/// Says how to sign in.
pub(super) const AUTHENTICATE: &str = "WWW-Authenticate";
/// Say how much of a limit is left.
pub(super) const RATE_LIMIT: [&str; 3] = [
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
];

/// Adds the headers, for answers to refer to.
pub(super) fn complete(components: &mut Components) {
    let [limit, remaining, reset] = RATE_LIMIT;
    for (name, schema, meaning) in [
        (REQUEST_ID, text(), "Names the request in the server's log."),
        (
            SEQ,
            seq(),
            "The position in the event log that this answer shows, `<epoch>:<seq>`.",
        ),
        (
            REPLAYED,
            one_of(&["true"]),
            "There for a repeat: the answer is that of the first request with this key.",
        ),
        (
            ETAG,
            text(),
            "Names the state of the document, for `If-None-Match`.",
        ),
        (RETRY_AFTER, number(), "Seconds after which to try again."),
        (
            AUTHENTICATE,
            one_of(&["Bearer"]),
            "An access token is needed.",
        ),
        (limit, number(), "Requests that the limit allows a minute."),
        (remaining, number(), "Requests that are left at once."),
        (
            reset,
            number(),
            "Seconds until the whole limit is there again.",
        ),
    ] {
        let header = HeaderBuilder::new()
            .schema(Some(schema))
            .description(Some(meaning))
            .build();
        components.headers.insert(name.into(), header.into());
    }
}

/// Declares a header of an answer.
pub(super) fn declare(response: &mut Response, name: &str) {
    let reference = Ref::new(format!("#/components/headers/{name}"));
    response.headers.insert(name.into(), RefOr::Ref(reference));
}

fn text() -> Schema {
    ObjectBuilder::new().schema_type(Type::String).into()
}

fn seq() -> Schema {
    let example = serde_json::Value::from("19a2:4711");
    ObjectBuilder::new()
        .schema_type(Type::String)
        .examples([example])
        .into()
}

fn one_of(values: &[&str]) -> Schema {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(values.iter().copied()))
        .into()
}

fn number() -> Schema {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Integer))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(0))
        .into()
}
