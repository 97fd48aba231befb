//! What the source of handlers and answers must say, so that the document is right.

use std::fs;
use std::path::{Path, PathBuf};

use pinwire_gateway::routes::OPERATIONS;

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// The fields of structs that are serialised, that may be null, and do not say whether they then are null or absent.
fn undecided(text: &str) -> Vec<String> {
    let (mut found, mut attributes, mut serialised) = (Vec::new(), String::new(), false);
    for line in text.lines().map(str::trim) {
        let inside = attributes.matches('[').count() > attributes.matches(']').count();
        if inside || line.starts_with("#[") {
            attributes.push_str(line);
            continue;
        }
        if line.starts_with("///") {
            continue;
        }
        if line.contains("struct ") || line.contains("enum ") {
            serialised = attributes.contains("Serialize") && attributes.contains("ToSchema");
        } else if line.starts_with("pub ") && line.ends_with(',') && line.contains(": Option<") {
            let decided = ["skip_serializing_if", "required"]
                .iter()
                .any(|d| attributes.contains(d));
            if serialised && !decided {
                found.push(line.to_owned());
            }
        }
        attributes.clear();
    }
    found
}

#[test]
fn a_field_that_may_be_empty_says_whether_it_is_then_null_or_absent() {
    let source = source();
    let folders = ["view", "api", "live"].map(|folder| files(&source.join(folder)));
    for (path, text) in folders.into_iter().flatten() {
        assert_eq!(
            undecided(&text),
            Vec::<String>::new(),
            "{}: add `#[schema(required)]` or `skip_serializing_if`",
            path.display()
        );
    }
}

#[test]
fn a_field_that_says_nothing_would_be_found() {
    let text = "#[derive(Debug, Serialize, ToSchema)]\npub struct A {\n/// B.\npub b: Option<i64>,\n\
                #[schema(required)]\npub c: Option<i64>,\n}";
    assert_eq!(undecided(text), ["pub b: Option<i64>,"]);
}

#[test]
fn handlers_are_registered_by_the_table_alone() {
    let mut written = Vec::new();
    for (path, text) in files(&source()) {
        let name = path.strip_prefix(source()).unwrap().display().to_string();
        let registers = [".service(", ".route(", "web::resource(", "web::scope("];
        // Metrics have a listener of their own, which is no part of the API.
        let allowed = ["routes.rs", "api/documents.rs", "metrics.rs"].contains(&name.as_str());
        let found = registers.iter().any(|r| text.contains(r));
        assert!(
            !found || allowed,
            "{name} registers a handler past the table"
        );
        for method in ["get", "post", "put", "patch", "delete"] {
            for line in text.lines() {
                let given = line
                    .strip_prefix(&format!("#[{method}(\""))
                    .and_then(|l| l.strip_suffix("\")]"));
                written.extend(given.map(|path| format!("{} {path}", method.to_uppercase())));
            }
        }
    }
    let mut table: Vec<String> = OPERATIONS
        .iter()
        .map(|o| format!("{} {}", o.method, o.path))
        .collect();
    written.sort();
    table.sort();
    assert_eq!(written, table);
}
