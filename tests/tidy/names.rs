//! Words that say nothing, lints silenced without a reason, places that must not be mentioned,
//! and files that must be there.

use std::collections::BTreeSet;

use crate::lexer::{Kind, Token, tokens};
use crate::tree::{Finding, Source};

/// Names that fit everything and so tell nothing.
const EMPTY: [&str; 7] = [
    "manager", "service", "helper", "util", "common", "process", "data",
];

fn is_empty_name(name: &str) -> bool {
    let name = name.to_lowercase();
    let plurals = [name.strip_suffix('s'), name.strip_suffix("es")];
    let singulars = [Some(name.as_str())].into_iter().chain(plurals).flatten();
    singulars
        .into_iter()
        .any(|singular| EMPTY.contains(&singular))
}

/// The last word of `SomeName` or `some_name`.
fn last_word(name: &str) -> &str {
    let name = name.rsplit(['_', '-']).next().unwrap_or(name);
    let start = name.rfind(char::is_uppercase).unwrap_or(0);
    name.get(start..).unwrap_or(name)
}

pub(crate) fn empty_names(source: &Source) -> Vec<Finding> {
    let mut found = Vec::new();
    for part in source.path.split('/') {
        let stem = part.split('.').next().unwrap_or(part);
        if is_empty_name(last_word(stem)) {
            found.push(Finding::of_file(
                &source.path,
                format!("`{part}` is an empty name"),
            ));
        }
    }
    let tokens = tokens(&source.text);
    for pair in tokens.windows(2) {
        if let [keyword, name] = pair
            && keyword.kind == Kind::Word
            && name.kind == Kind::Word
            && ["struct", "enum", "trait", "union", "mod"].contains(&keyword.text.as_str())
            && is_empty_name(last_word(&name.text))
        {
            let what = format!("`{} {}` is an empty name", keyword.text, name.text);
            found.push(Finding::new(source, name.line, what));
        }
    }
    found
}

/// `#[allow]` and `#[expect]` say why.
pub(crate) fn silenced_without_reason(source: &Source) -> Vec<Finding> {
    let tokens = tokens(&source.text);
    let mut found = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let attribute = token.is_mark("#")
            && tokens
                .iter()
                .skip(at + 1)
                .find(|it| !it.is_mark("!"))
                .is_some_and(|it| it.is_mark("["));
        if attribute {
            let inside = inside_attribute(tokens.get(at..).unwrap_or_default());
            found.extend(
                silences(inside).map(|line| {
                    Finding::new(source, line, "a lint is silenced without `reason = …`")
                }),
            );
        }
    }
    found
}

/// From `#` to the bracket that closes the attribute.
fn inside_attribute(tokens: &[Token]) -> &[Token] {
    let mut depth = 0;
    let end = tokens.iter().position(|token| {
        depth += i32::from(token.is_mark("[")) - i32::from(token.is_mark("]"));
        depth == 0 && token.is_mark("]")
    });
    tokens
        .get(..end.unwrap_or(tokens.len()))
        .unwrap_or_default()
}

fn silences(attribute: &[Token]) -> impl Iterator<Item = usize> {
    let two = |first: &Token, then: &Token, word: &str, mark: &str| {
        first.is_word(word) && then.is_mark(mark)
    };
    attribute
        .windows(2)
        .enumerate()
        .filter_map(move |(at, pair)| {
            let [word, open] = pair else { return None };
            if !two(word, open, "allow", "(") && !two(word, open, "expect", "(") {
                return None;
            }
            let list = attribute
                .get(at..)?
                .iter()
                .take_while(|it| !it.is_mark(")"));
            let list: Vec<_> = list.collect();
            let reasoned = list
                .windows(2)
                .any(|it| matches!(it, [a, b] if two(a, b, "reason", "=")));
            (!reasoned).then_some(word.line)
        })
}

/// Places of the machine that this is written on mean nothing to who reads it elsewhere.
pub(crate) fn places_of_the_author(source: &Source) -> Vec<Finding> {
    // Put together here, so that this file does not mention them.
    let places = [["..", "/shared"].concat(), ["/wo", "rk/"].concat()];
    let mut found = Vec::new();
    for (line, text) in (1..).zip(source.text.lines()) {
        for place in places.iter().filter(|it| text.contains(it.as_str())) {
            found.push(Finding::new(source, line, format!("mentions {place}")));
        }
    }
    found
}

/// Both databases have the same migrations, each with a way up and a way down.
pub(crate) fn unequal_migrations(files: &[String]) -> Vec<Finding> {
    let of = |database: &str| -> BTreeSet<String> {
        let folder = format!("migrations/{database}/");
        files
            .iter()
            .filter_map(|it| it.strip_prefix(&folder))
            .map(str::to_owned)
            .collect()
    };
    let (sqlite, postgres) = (of("sqlite"), of("postgres"));
    let mut found = Vec::new();
    if sqlite.is_empty() || postgres.is_empty() {
        found.push(Finding::of_file("migrations", "a database has none"));
    }
    let names = sqlite.union(&postgres).filter_map(|it| it.split_once('/'));
    for name in names.map(|(name, _)| name).collect::<BTreeSet<_>>() {
        for (database, has) in [("sqlite", &sqlite), ("postgres", &postgres)] {
            for file in ["up.sql", "down.sql"] {
                if !has.contains(&format!("{name}/{file}")) {
                    let path = format!("migrations/{database}/{name}/{file}");
                    found.push(Finding::of_file(&path, "is missing"));
                }
            }
        }
    }
    found
}

pub(crate) fn readme_without_test_command(files: &[Source]) -> Vec<Finding> {
    let readme = files.iter().find(|it| it.path == "README.md");
    if readme.is_some_and(|it| it.text.contains("tests/run")) {
        return Vec::new();
    }
    vec![Finding::of_file(
        "README.md",
        "is missing, or does not name tests/run",
    )]
}
