//! Faults: servers that are killed, frozen or started wrongly, clients that stall, and many who act at once.
//!
//! Where Pinwire promises a time, a test prints the time it took and fails only beyond ten times the promise, since
//! tests share a small machine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test tells by a panic, and has a clock of its own"
)]

mod bus;
mod commands;
mod contention;
mod nodes;
mod schema;
mod settings;
mod slow_client;
