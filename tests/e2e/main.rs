//! Stories: people use Pinwire by HTTP and WebSocket, on one node with SQLite and on two with PostgreSQL and Redis.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test tells by a panic, and has a clock of its own"
)]

mod authorization;
mod bad_frames;
mod bad_requests;
mod bad_tokens;
mod blocks;
mod boards;
mod changes;
mod contacts;
mod conversation_pins;
mod delivery;
mod event_stream;
mod events;
mod frames;
mod gate;
mod groups;
mod heads;
mod inspector;
mod limits;
mod links;
mod members;
mod mine;
mod mint;
mod moderation;
mod moving_lists;
mod presence;
mod property;
mod read_receipts;
mod reading;
mod repeats;
mod replies;
mod requests;
mod search;
mod sends;
mod sessions;
mod settings;
mod tickets;
mod typing;
