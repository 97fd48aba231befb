//! The guides say what the code does: their tables are held against it.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use pinwire_domain::token::Scope;
use pinwire_gateway::config::Cli;
use pinwire_gateway::live::close;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(top().join(path)).unwrap()
}

/// The rows of the table that begins with this heading row.
fn table(path: &str, heading: &str) -> Vec<String> {
    let text = read(path);
    let rows = text.lines().skip_while(|line| *line != heading).skip(2);
    rows.take_while(|line| line.starts_with('|'))
        .map(str::to_owned)
        .collect()
}

/// What stands between backticks in a text.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_setting_is_in_the_table_with_variable_and_default() {
    let mut expected = BTreeSet::new();
    for argument in Cli::command().get_arguments() {
        let Some(variable) = argument.get_env() else {
            continue;
        };
        let default = argument.get_default_values().first();
        let default = match default.map(|value| value.to_string_lossy().into_owned()) {
            Some(value) if value != "false" => format!("`{value}`"),
            _ => "none".to_owned(),
        };
        let long = argument.get_long().unwrap();
        expected.insert(format!(
            "| `--{long}` | `{}` | {default} |",
            variable.display()
        ));
    }
    let rows = table(
        "docs/operating.md",
        "| flag | variable | default | what it is |",
    );
    let columns = |row: String| row.split('|').take(4).collect::<Vec<_>>().join("|") + "|";
    assert_eq!(
        rows.into_iter().map(columns).collect::<BTreeSet<_>>(),
        expected
    );
}

#[test]
fn every_scope_is_in_the_table() {
    let expected: Vec<String> = Scope::ALL
        .iter()
        .map(|s| format!("| `{}` | {} |", s.name(), s.meaning()))
        .collect();
    assert_eq!(table("docs/api.md", "| scope | allows |"), expected);
}

#[test]
fn every_close_code_is_in_the_table() {
    let expected: Vec<String> = close::ALL
        .iter()
        .map(|c| format!("| {} | `{}` | {} |", c.code, c.reason, c.then))
        .collect();
    assert_eq!(
        table("docs/realtime.md", "| code | reason | what to do |"),
        expected
    );
}

/// An invariant names the test that checks it; a test that was renamed or removed checks nothing.
#[test]
fn every_invariant_names_a_test_that_there_is() {
    let rows = table("docs/architecture.md", "| there is no | checked by |");
    assert!(rows.len() > 10, "{rows:?}");
    let sources: String = sources(&top().join("crates"))
        .chain(sources(&top().join("tests")))
        .collect();
    for row in rows {
        let tests = row.rsplit('|').nth(1).unwrap();
        assert!(quoted(tests).next().is_some(), "{row}");
        for name in quoted(tests) {
            let there = [format!("fn {name}("), format!("    {name}(at")];
            assert!(
                there.iter().any(|it| sources.contains(it)),
                "no test `{name}`"
            );
        }
    }
}

fn sources(folder: &Path) -> Box<dyn Iterator<Item = String>> {
    let entries = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    Box::new(
        entries.flat_map(|path| -> Box<dyn Iterator<Item = String>> {
            if path.is_dir() {
                sources(&path)
            } else if path.extension().is_some_and(|it| it == "rs") {
                Box::new(std::iter::once(std::fs::read_to_string(path).unwrap()))
            } else {
                Box::new(std::iter::empty())
            }
        }),
    )
}

#[test]
fn every_link_between_the_guides_leads_somewhere() {
    let mut guides = vec!["README.md".to_owned(), "CONTRIBUTING.md".to_owned()];
    for folder in ["docs", "docs/decisions"] {
        for entry in std::fs::read_dir(top().join(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if Path::new(&name).extension().is_some_and(|it| it == "md") {
                guides.push(format!("{folder}/{name}"));
            }
        }
    }
    assert!(guides.len() > 6, "{guides:?}");
    for guide in guides {
        let text = read(&guide);
        let folder = Path::new(&guide).parent().unwrap();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let path = link.split('#').next().unwrap();
            if !path.is_empty() && !path.contains("://") {
                assert!(
                    top().join(folder).join(path).exists(),
                    "{guide} links to {link}"
                );
            }
        }
    }
}
