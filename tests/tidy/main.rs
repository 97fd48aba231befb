//! The rules of the source tree, each a test. A rule that nobody checks is soon a wish.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod lexer;
mod names;
mod seeds;
mod sizes;
mod tree;
mod walls;

use std::fmt::Write as _;

use tree::{Finding, Source};

/// Fails with all places that break the rule.
fn check(files: &[Source], rule: fn(&Source) -> Vec<Finding>) {
    none(&files.iter().flat_map(rule).collect::<Vec<_>>());
}

fn none(found: &[Finding]) {
    let mut list = String::new();
    for finding in found {
        writeln!(list, "{finding}").unwrap();
    }
    assert!(found.is_empty(), "{} found:\n{list}", found.len());
}

#[test]
fn files_are_short() {
    check(&tree::rust(), sizes::long_files);
}

#[test]
fn functions_are_short_and_take_few_arguments() {
    check(&tree::rust(), sizes::large_functions);
}

#[test]
fn crates_name_only_what_they_may() {
    check(&tree::rust(), walls::foreign_crates);
    check(&tree::manifests(), walls::foreign_dependencies);
}

#[test]
fn domain_has_no_clock() {
    check(&tree::rust(), walls::clock_in_domain);
}

#[test]
fn only_live_knows_redis() {
    check(&tree::rust(), walls::redis_outside_live);
}

#[test]
fn only_the_clock_file_has_time_and_chance() {
    check(&tree::rust(), walls::clock_and_chance);
}

#[test]
fn only_db_has_transactions() {
    check(&tree::rust(), walls::raw_transactions);
}

#[test]
fn gateway_writes_no_sql() {
    check(&tree::rust(), walls::sql_in_gateway);
}

#[test]
fn storage_makes_no_views() {
    check(&tree::rust(), walls::views_in_storage);
}

#[test]
fn names_say_something() {
    check(&tree::rust(), names::empty_names);
}

#[test]
fn silenced_lints_have_a_reason() {
    check(&tree::rust(), names::silenced_without_reason);
}

#[test]
fn migrations_are_the_same_on_both_databases() {
    none(&names::unequal_migrations(&tree::project_files()));
}

#[test]
fn no_place_of_the_author_is_mentioned() {
    check(&tree::texts(), names::places_of_the_author);
}

#[test]
fn readme_names_the_test_command() {
    none(&names::readme_without_test_command(&tree::texts()));
}
