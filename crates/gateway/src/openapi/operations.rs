//! One operation: what the table knows of it.

use serde_json::Value;
use utoipa::openapi::external_docs::ExternalDocsBuilder;
use utoipa::openapi::path::{Operation as Documented, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{Object, Schema, SchemaType};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ObjectBuilder, RefOr, Required, Response, schema::Type};

use super::{errors, headers, info};
use crate::error::reasons;
use crate::routes::{Access, Operation};
use pinwire_domain::limits;

/// The form of an id.
const ID_PATTERN: &str = r"^\d+$";
/// An id, as examples show it.
const ID_EXAMPLE: &str = "3763541867536384";
/// How WebSockets are described.
const ASYNCAPI: &str = "/asyncapi.json";
/// What answers with frames.
const STREAMS: [&str; 2] = ["/v5/ws", "/v5/events/stream"];
/// What is sent only if it changed.
const DOCUMENTS: [&str; 2] = ["/openapi.json", ASYNCAPI];

/// Adds name, security, parameters, headers and errors.
pub(super) fn complete(operation: &mut Documented, known: &Operation) {
    operation.operation_id = Some(known.id.to_owned());
    operation.security = Some(security(known));
    shape_parameters(operation, known);
    if takes_key(known) {
        operation
            .parameters
            .get_or_insert_default()
            .push(idempotency_key().into());
    }
    if STREAMS.contains(&known.path) {
        let docs = ExternalDocsBuilder::new()
            .url(ASYNCAPI)
            .description(Some("The frames"));
        operation.external_docs = Some(docs.build());
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            declare_headers(response, status, known);
        }
    }
    errors::add(operation, known);
}

/// A token with the scopes, or a ticket where that does.
fn security(known: &Operation) -> Vec<SecurityRequirement> {
    let scopes = || known.scopes.iter().map(|s| s.name());
    let mut ways = match known.access {
        Access::Open => return Vec::new(),
        Access::Token | Access::Ticket => vec![
            SecurityRequirement::new(info::OAUTH, scopes()),
            SecurityRequirement::new(info::BEARER, scopes()),
        ],
    };
    if known.access == Access::Ticket {
        ways.push(SecurityRequirement::new(info::TICKET, scopes()));
    }
    ways
}

/// Whether a repeat of the operation can be told by a key.
pub(super) fn takes_key(known: &Operation) -> bool {
    known.refuses.contains(&reasons::IDEMPOTENCY_KEY_REUSED)
}

/// Gives ids in the path their form, and leaves out the ticket, which is a way to sign in.
fn shape_parameters(operation: &mut Documented, known: &Operation) {
    let Some(parameters) = &mut operation.parameters else {
        return;
    };
    if known.access == Access::Ticket {
        parameters.retain(|p| !matches!(p, RefOr::T(p) if p.name == info::TICKET));
    }
    for parameter in parameters {
        if let RefOr::T(parameter) = parameter
            && parameter.parameter_in == ParameterIn::Path
            && parameter.name.ends_with("_id")
            && let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema
        {
            shape_id(schema);
        }
    }
}

fn shape_id(schema: &mut Object) {
    schema.schema_type = SchemaType::Type(Type::String);
    schema.pattern = Some(ID_PATTERN.to_owned());
    schema
        .example
        .get_or_insert_with(|| Value::from(ID_EXAMPLE));
}

fn idempotency_key() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(limits::IDEMPOTENCY_KEY_MAX))
        .pattern(Some("^[!-~]+$"))
        .examples([Value::from("3b1f-1")]);
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Your own name for this request: makes a repeat of it harmless.",
        ))
        .schema(Some(schema))
        .build()
}

/// Whether an operation reads what is the caller's own, and so tells its place in the log. What is public of people
/// has none.
pub(super) fn shows_own_state(known: &Operation) -> bool {
    known.method == "GET" && known.access == Access::Token && !known.path.starts_with("/v5/users")
}

/// The headers of an answer that is no error.
fn declare_headers(response: &mut Response, status: &str, known: &Operation) {
    headers::declare(response, headers::REQUEST_ID);
    if shows_own_state(known) && status == "200" {
        headers::declare(response, headers::SEQ);
    }
    if DOCUMENTS.contains(&known.path) && matches!(status, "200" | "304") {
        headers::declare(response, headers::ETAG);
    }
    if takes_key(known) && status.starts_with('2') {
        headers::declare(response, headers::REPLAYED);
    }
    if known.is_limited() {
        for name in headers::RATE_LIMIT {
            headers::declare(response, name);
        }
    }
}
