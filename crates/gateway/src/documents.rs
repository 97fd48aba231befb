//! The documents of the contract, ready to be served.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error::reasons::Reason;
use crate::routes::Operation;
use crate::{asyncapi, openapi};

/// A document as JSON, with a tag that changes when it does.
pub struct Document {
    /// The text.
    pub text: Bytes,
    /// The tag, quoted as in `ETag`.
    pub tag: String,
}

impl Document {
    fn new(document: &Value) -> Self {
        let text = document.to_string();
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(&text)));
        Self {
            text: text.into(),
            tag,
        }
    }
}

/// The documents of the contract.
pub struct Documents {
    /// The REST API.
    pub openapi: Document,
    /// The WebSocket.
    pub asyncapi: Document,
    errors: HashMap<&'static str, Vec<Reason>>,
}

impl Documents {
    /// Makes them.
    ///
    /// # Errors
    /// Only if they cannot be written as JSON.
    pub fn make() -> serde_json::Result<Self> {
        Ok(Self {
            openapi: Document::new(&openapi::document()?),
            asyncapi: Document::new(&asyncapi::document()?),
            errors: openapi::errors()
                .into_iter()
                .map(|(o, errors)| (o.id, errors))
                .collect(),
        })
    }

    /// Whether the document says that an operation may answer so.
    #[must_use]
    pub fn lists(&self, operation: &Operation, reason: Reason) -> bool {
        self.errors
            .get(operation.id)
            .is_some_and(|listed| listed.contains(&reason))
    }
}
