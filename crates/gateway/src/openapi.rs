//! The OpenAPI document: made from the handlers' own types, completed from the table of operations.

use std::collections::BTreeSet;

use pinwire_domain::token::Scope;
use utoipa::openapi::path::Operation as Documented;
use utoipa::openapi::security::{
    Flow, OAuth2, Password, Scopes, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Components, ContactBuilder, Content, HeaderBuilder, InfoBuilder, LicenseBuilder, ObjectBuilder,
    OpenApi, OpenApiBuilder, PathItem, Ref, RefOr, ResponseBuilder, schema::Type,
};
use utoipa_actix_web::AppExt;

use crate::routes::{self, OPERATIONS, Operation};

/// The name of the one security scheme.
const SCHEME: &str = "pinwire";

/// The whole document.
#[must_use]
pub fn document() -> OpenApi {
    let (_, mut document) = actix_web::App::new()
        .into_utoipa_app()
        .openapi(base())
        .configure(routes::register)
        .split_for_parts();
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme(SCHEME, scheme());
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            if let Some(known) = routes::find(method, path) {
                complete(operation, known);
            }
        }
    }
    document
}

fn base() -> OpenApi {
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Pinwire")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(
                    "Send a pin to a friend: conversations that revolve around pins. Paths, field names, \
                     paging, errors and scopes follow the public Pinterest API v5 where it has a word for \
                     something; contacts, conversations, heads and the event stream are Pinwire's own.",
                ))
                .contact(Some(ContactBuilder::new().name(Some("The Pinwire authors")).build()))
                .license(Some(
                    LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build(),
                ))
                .build(),
        )
        .build()
}

fn scheme() -> SecurityScheme {
    let scopes = Scopes::from_iter(Scope::ALL.iter().map(|s| (s.name(), s.meaning())));
    SecurityScheme::OAuth2(OAuth2::with_description(
        [Flow::Password(Password::new("/v5/oauth/token", scopes))],
        "An access token of `POST /v5/oauth/token`, sent as `Authorization: Bearer …`.",
    ))
}

/// The operations of a path, with their methods.
fn operations(item: &mut PathItem) -> Vec<(&'static str, &mut Documented)> {
    [
        ("GET", &mut item.get),
        ("POST", &mut item.post),
        ("PUT", &mut item.put),
        ("PATCH", &mut item.patch),
        ("DELETE", &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, slot)| slot.as_mut().map(|operation| (method, operation)))
    .collect()
}

/// Adds what the table of operations knows: scopes, headers, and the errors that any operation may give.
fn complete(operation: &mut Documented, known: &Operation) {
    if known.signed_in {
        let scopes: Vec<&str> = known.scopes.iter().map(|s| s.name()).collect();
        operation.security = Some(vec![SecurityRequirement::new(SCHEME, scopes)]);
    }
    let mut statuses: BTreeSet<(&str, &str)> = BTreeSet::from([
        ("400", "Malformed: see `error` and `details`"),
        ("429", "Too many requests"),
        ("500", "A fault of the server's"),
        ("503", "The server cannot answer now: try again"),
    ]);
    if known.signed_in {
        statuses.insert(("401", "No valid access token"));
        statuses.insert(("403", "Known but not allowed"));
    }
    if known.path.contains('{') {
        statuses.insert(("404", "Not there, or not for you to know of"));
    }
    if operation.request_body.is_some() {
        statuses.insert(("413", "The body is too large"));
        statuses.insert(("415", "The body has another type than documented"));
    }
    if known.method != "GET" {
        statuses.insert(("409", "In conflict with the present state"));
        statuses.insert(("422", "Refused by a rule: nothing was changed"));
    }
    for (status, description) in statuses {
        operation
            .responses
            .responses
            .entry(status.to_owned())
            .or_insert_with(|| {
                RefOr::T(
                    ResponseBuilder::new()
                        .description(description)
                        .content(
                            "application/json",
                            Content::new(Some(Ref::from_schema_name("Error"))),
                        )
                        .build(),
                )
            });
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            let header = HeaderBuilder::new()
                .schema(Some(ObjectBuilder::new().schema_type(Type::String)))
                .description(Some("Names the request in the server's log"))
                .build();
            response
                .headers
                .insert("X-Request-Id".into(), header.into());
        }
    }
}

/// Whether the table and the document name the same operations.
#[must_use]
pub fn undocumented() -> Vec<String> {
    let mut document = document();
    let mut named = BTreeSet::new();
    for (path, item) in &mut document.paths.paths {
        for (method, _) in operations(item) {
            named.insert(format!("{method} {path}"));
        }
    }
    let table: BTreeSet<String> = OPERATIONS
        .iter()
        .map(|o| format!("{} {}", o.method, o.path))
        .collect();
    named.symmetric_difference(&table).cloned().collect()
}
