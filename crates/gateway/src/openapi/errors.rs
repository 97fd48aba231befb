//! The errors of an operation, exactly: those of the table, and those that follow from its form.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use utoipa::ToSchema;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{Operation as Documented, Parameter, ParameterIn};
use utoipa::openapi::schema::{Schema, SchemaType};
use utoipa::openapi::{
    Components, ContentBuilder, Ref, RefOr, Required, Response, ResponseBuilder, schema::Type,
};

use super::{headers, operations};
use crate::error::ErrorBody;
use crate::error::reasons::{self, Reason};
use crate::routes::{Access, Operation};

const JSON: &str = "application/json";
/// The name of a request, as examples show it.
const REQUEST_ID: &str = "b0c2a3f6-5f2e-4c0e-9f53-6c6f0f2f7d11";

/// Adds the shape of errors and an example of each.
pub(super) fn complete(components: &mut Components) {
    let mut schemas = vec![(
        ErrorBody::name().into_owned(),
        <ErrorBody as utoipa::PartialSchema>::schema(),
    )];
    ErrorBody::schemas(&mut schemas);
    components.schemas.extend(schemas);
    for reason in reasons::ALL {
        let body = ErrorBody::of(*reason, REQUEST_ID);
        let example = ExampleBuilder::new()
            .summary(reason.meaning)
            .value(serde_json::to_value(body).ok())
            .build();
        components
            .examples
            .insert(reason.slug.to_owned(), example.into());
    }
}

/// Sets the error answers of an operation.
pub(super) fn add(operation: &mut Documented, known: &Operation) {
    let mut by_status: BTreeMap<u16, Vec<Reason>> = BTreeMap::new();
    for reason in of(operation, known) {
        by_status.entry(reason.status).or_default().push(reason);
    }
    let responses = &mut operation.responses.responses;
    responses.retain(|status, _| !status.starts_with(['4', '5']));
    for (status, reasons) in by_status {
        let mut response = response(status, &reasons);
        if known.is_limited() {
            // A try is counted before it is known to fail.
            for name in headers::RATE_LIMIT {
                headers::declare(&mut response, name);
            }
        }
        responses.insert(status.to_string(), RefOr::T(response));
    }
}

fn response(status: u16, reasons: &[Reason]) -> Response {
    let mut content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(ErrorBody::name())))
        .build();
    for Reason { slug, .. } in reasons {
        let example = Ref::new(format!("#/components/examples/{slug}"));
        content
            .examples
            .insert((*slug).to_owned(), RefOr::Ref(example));
    }
    let mut response = ResponseBuilder::new()
        .description(description(reasons))
        .content(JSON, content)
        .build();
    headers::declare(&mut response, headers::REQUEST_ID);
    match status {
        401 => headers::declare(&mut response, headers::AUTHENTICATE),
        429 | 503 => headers::declare(&mut response, headers::RETRY_AFTER),
        _ => {}
    }
    response
}

fn description(reasons: &[Reason]) -> String {
    let mut text = String::new();
    for Reason { slug, meaning, .. } in reasons {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "- `{slug}`: {meaning}");
    }
    text.trim_end().to_owned()
}

/// The errors of an operation, in the order of their statuses.
pub(super) fn of(operation: &Documented, known: &Operation) -> BTreeSet<Reason> {
    let mut found: BTreeSet<Reason> = known.refuses.iter().copied().collect();
    found.insert(reasons::INTERNAL);
    if known.access != Access::Open {
        found.extend([
            reasons::UNAUTHENTICATED,
            reasons::SIGNED_OUT,
            reasons::UNAVAILABLE,
        ]);
    }
    if known.is_limited() {
        found.insert(reasons::RATE_LIMITED);
    }
    if !known.scopes.is_empty() {
        found.insert(reasons::MISSING_SCOPE);
    }
    if operations::takes_key(known) {
        found.insert(reasons::MALFORMED_HEADER);
    }
    for parameter in operation.parameters.iter().flatten() {
        if let RefOr::T(parameter) = parameter {
            found.extend(of_parameter(parameter));
        }
    }
    if operation.request_body.is_some() {
        found.extend([
            reasons::MALFORMED_BODY,
            reasons::DUPLICATE_KEY,
            reasons::REQUEST_TIMEOUT,
            reasons::BODY_TOO_LARGE,
            reasons::UNSUPPORTED_MEDIA_TYPE,
            reasons::UNKNOWN_FIELD,
        ]);
    }
    found
}

fn of_parameter(parameter: &Parameter) -> Option<Reason> {
    if parameter.name == "bookmark" {
        return Some(reasons::MALFORMED_BOOKMARK);
    }
    let may_be_malformed = match &parameter.schema {
        Some(RefOr::T(Schema::Object(schema))) => {
            let text = schema.schema_type == SchemaType::Type(Type::String);
            !text || schema.pattern.is_some() || schema.enum_values.is_some()
        }
        // What API v5 knows and Pinwire does not offer is refused by a rule, whatever its form.
        Some(RefOr::Ref(schema)) => !schema.ref_location.ends_with("/NotOffered"),
        _ => true,
    };
    let found = match parameter.parameter_in {
        ParameterIn::Path => may_be_malformed,
        ParameterIn::Query => may_be_malformed || parameter.required == Required::True,
        _ => false,
    };
    found.then_some(reasons::MALFORMED_PARAMETER)
}
