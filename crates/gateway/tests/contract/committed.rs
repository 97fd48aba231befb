//! The documents in the repository are those that the program makes.

use std::fs;
use std::path::Path;

use pinwire_gateway::error::reasons;
use serde_json::Value;

use crate::document;

/// Set, the documents are written instead of compared.
const UPDATE: &str = "PINWIRE_UPDATE_DOCUMENTS";

fn pretty(document: &Value) -> String {
    serde_json::to_string_pretty(document).unwrap() + "\n"
}

#[test]
fn committed_documents_are_the_generated_ones() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let generated = [
        ("openapi/pinwire.openapi.json", pretty(&document::openapi())),
        (
            "openapi/pinwire.asyncapi.json",
            pretty(&document::asyncapi()),
        ),
        ("docs/errors.md", reasons::page()),
    ];
    let mut old = Vec::new();
    for (path, text) in &generated {
        let file = top.join(path);
        if std::env::var_os(UPDATE).is_some() {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, text).unwrap();
        } else if fs::read_to_string(&file).ok().as_ref() != Some(text) {
            old.push(*path);
        }
    }
    assert!(
        old.is_empty(),
        "not as the program makes them: {old:?}. Write them anew with\n\
         {UPDATE}=1 cargo test -p pinwire-gateway --test contract committed"
    );
}
