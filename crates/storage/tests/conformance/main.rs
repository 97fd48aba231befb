//! Every test once on SQLite and once on PostgreSQL, each on a store of its own.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail by a panic: that is how it tells"
)]

#[macro_use]
mod stores;

mod accounts;
mod acts;
mod attempts;
mod blocks;
mod boards;
mod changes;
mod contacts;
mod deliveries;
mod drafts;
mod explain;
mod follows;
mod groups;
mod harness;
mod links;
mod membership;
mod migrations;
mod model;
mod nodes;
mod pictures;
mod pin_axis;
mod pins;
mod plans;
mod reading;
mod replies;
mod requests;
mod search;
mod send;
mod sessions;
mod settings;
mod signs;
mod statements;
mod streams;
mod sweep;
mod tokens;
