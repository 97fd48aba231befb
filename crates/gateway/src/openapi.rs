//! The OpenAPI document: made from the handlers' own types, completed from the table of operations.

pub mod events;
pub mod example;
pub mod schemas;

mod errors;
mod headers;
mod info;
mod operations;

use serde_json::{Value, json};
use utoipa::openapi::{OpenApi, PathItem, path};
use utoipa_actix_web::AppExt;

use crate::error::reasons::{self, Reason};
use crate::routes;

/// The whole document.
///
/// # Errors
/// Only if it cannot be written as JSON.
pub fn document() -> serde_json::Result<Value> {
    let mut document = typed();
    let components = document.components.get_or_insert_default();
    info::complete(components);
    headers::complete(components);
    errors::complete(components);
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations_of(item) {
            if let Some(known) = routes::find(method, path) {
                operations::complete(operation, known);
            }
        }
    }
    document.tags = Some(info::tags(&document));
    let mut document = serde_json::to_value(document)?;
    if let Value::Object(document) = &mut document {
        document.insert("x-errors".into(), error_table());
    }
    schemas::complete(&mut document);
    example::complete(&mut document);
    Ok(document)
}

/// The document as the handlers make it.
fn typed() -> OpenApi {
    let (_, document) = actix_web::App::new()
        .into_utoipa_app()
        .openapi(info::base())
        .configure(routes::document)
        .split_for_parts();
    document
}

/// The operations of a path, with their methods.
fn operations_of(item: &mut PathItem) -> Vec<(&'static str, &mut path::Operation)> {
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

/// The one table of errors, for programs.
fn error_table() -> Value {
    let line = |reason: &Reason| {
        let Reason {
            status,
            slug,
            code,
            meaning,
        } = reason;
        let anywhere = reasons::ANYWHERE.contains(reason);
        json!({ "error": slug, "code": code, "status": status, "meaning": meaning, "anywhere": anywhere })
    };
    reasons::ALL.iter().map(line).collect()
}
