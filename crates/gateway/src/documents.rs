//! The documents of the contract as they are served: those that are committed, which a test holds against what the
//! handlers say. To make them at each start would take time, and far more memory than all else a node needs; so what is
//! read from them is read when it is first asked for.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};

use crate::error::reasons::Reason;
use crate::routes::Operation;

/// The REST API.
const OPENAPI: &str = include_str!("../../../openapi/pinwire.openapi.json");
/// The WebSocket.
const ASYNCAPI: &str = include_str!("../../../openapi/pinwire.asyncapi.json");

/// A document as JSON, with a tag that changes when it does.
pub struct Document {
    /// The text.
    pub text: Bytes,
    tag: OnceLock<String>,
}

impl Document {
    const fn new(text: &'static str) -> Self {
        Self {
            text: Bytes::from_static(text.as_bytes()),
            tag: OnceLock::new(),
        }
    }

    /// The tag, quoted as in `ETag`.
    #[must_use]
    pub fn tag(&self) -> &str {
        self.tag
            .get_or_init(|| format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(&self.text))))
    }
}

/// The documents of the contract.
pub struct Documents {
    /// The REST API.
    pub openapi: Document,
    /// The WebSocket.
    pub asyncapi: Document,
    /// The errors that each operation may answer, by its id.
    errors: OnceLock<Errors>,
}

type Errors = HashMap<Cow<'static, str>, Vec<Cow<'static, str>>>;

impl Default for Documents {
    fn default() -> Self {
        Self {
            openapi: Document::new(OPENAPI),
            asyncapi: Document::new(ASYNCAPI),
            errors: OnceLock::new(),
        }
    }
}

impl Documents {
    /// Whether the document says that an operation may answer so.
    #[must_use]
    pub fn lists(&self, operation: &Operation, reason: Reason) -> bool {
        self.errors()
            .get(operation.id)
            .is_some_and(|listed| listed.iter().any(|slug| slug == reason.slug))
    }

    fn errors(&self) -> &Errors {
        self.errors.get_or_init(|| {
            // A test reads the document that is committed.
            errors(OPENAPI).unwrap_or_else(|error| {
                tracing::error!(%error, "the document of the API cannot be read");
                Errors::new()
            })
        })
    }
}

/// As much of the OpenAPI document as tells the errors: each stands as an example in the answer of its status.
#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(borrow)]
    paths: BTreeMap<Cow<'a, str>, BTreeMap<Cow<'a, str>, Outlined<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Outlined<'a> {
    #[serde(borrow)]
    operation_id: Cow<'a, str>,
    #[serde(borrow)]
    responses: BTreeMap<Cow<'a, str>, Answer<'a>>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    content: BTreeMap<Cow<'a, str>, Content<'a>>,
}

#[derive(Deserialize)]
struct Content<'a> {
    #[serde(borrow, default)]
    #[allow(clippy::zero_sized_map_values, reason = "JSON has no sets")]
    examples: BTreeMap<Cow<'a, str>, IgnoredAny>,
}

fn errors(openapi: &'static str) -> serde_json::Result<Errors> {
    let outline: Outline<'static> = serde_json::from_str(openapi)?;
    let operations = outline.paths.into_values().flat_map(BTreeMap::into_values);
    Ok(operations
        .map(|operation| {
            let of_error = |status: &str| status.starts_with(['4', '5']);
            let answers = operation.responses.into_iter();
            let errors = answers.filter(|(status, _)| of_error(status));
            let contents = errors.flat_map(|(_, answer)| answer.content.into_values());
            let slugs = contents.flat_map(|content| content.examples.into_keys());
            (operation.operation_id, slugs.collect())
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::reasons;
    use crate::routes;

    #[test]
    fn every_operation_lists_its_errors_and_no_others() {
        let documents = Documents::default();
        assert_eq!(documents.errors().len(), routes::OPERATIONS.len());
        let read_pin = routes::find("GET", "/v5/pins/{pin_id}").unwrap();
        assert!(documents.lists(read_pin, reasons::SIGNED_OUT));
        assert!(documents.lists(read_pin, reasons::INTERNAL));
        assert!(!documents.lists(read_pin, reasons::BODY_TOO_LARGE));
    }
}
