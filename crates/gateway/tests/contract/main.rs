//! The contract: the committed documents, the table of operations, and what the server really does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod asyncapi;
mod body;
mod committed;

mod cors;
mod docs;
mod document;
mod every_answer;
mod limits;
mod node;
mod openapi;
mod parameters;
mod routes;
mod scopes;
mod source;
