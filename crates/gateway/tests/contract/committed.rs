//! What is generated and committed is what the program makes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pinwire_gateway::error::reasons::{self, Reason};
use serde_json::Value;

use crate::document;

/// Set, the documents are written instead of compared.
const UPDATE: &str = "PINWIRE_UPDATE_DOCUMENTS";
/// The guide that shows the table of errors.
const GUIDE: &str = "docs/api.md";
/// How that table begins.
const TABLE: &str = "| status | `error` | `code` | meaning |\n| --- | --- | --- | --- |\n";

fn at(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn pretty(document: &Value) -> String {
    serde_json::to_string_pretty(document).unwrap() + "\n"
}

/// The guide with the table of errors as the program has it.
fn guide(text: &str) -> String {
    let (before, rest) = text
        .split_once(TABLE)
        .expect("the guide has the table of errors");
    let after = rest.find("\n\n").map_or("\n", |end| &rest[end..]);
    let lines: BTreeSet<&Reason> = reasons::ALL.iter().collect();
    let lines: Vec<String> = lines.into_iter().map(line).collect();
    format!("{before}{TABLE}{}{after}", lines.join("\n"))
}

fn line(reason: &Reason) -> String {
    let Reason {
        status,
        slug,
        code,
        meaning,
    } = reason;
    format!("| {status} | `{slug}` | {code} | {meaning} |")
}

#[test]
fn committed_documents_are_the_generated_ones() {
    let generated = [
        ("openapi/pinwire.openapi.json", pretty(&document::openapi())),
        (
            "openapi/pinwire.asyncapi.json",
            pretty(&document::asyncapi()),
        ),
        (GUIDE, guide(&fs::read_to_string(at(GUIDE)).unwrap())),
    ];
    let mut old = Vec::new();
    for (path, text) in &generated {
        let file = at(path);
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

#[test]
fn the_table_in_the_guide_is_replaced_and_nothing_else() {
    let text = format!("# API\n\n{TABLE}| 1 | `old` | 2 | Old. |\n\nAnd so on.\n");
    let anew = guide(&text);
    assert!(anew.starts_with("# API\n\n| status |") && anew.ends_with(" |\n\nAnd so on.\n"));
    assert!(!anew.contains("`old`") && anew.contains("| 404 | `pin_not_found` | 50 |"));
    assert_eq!(guide(&anew), anew);
}
