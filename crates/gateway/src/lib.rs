//! Pinwire's server: REST and WebSocket over the store, and the way of events to the people they concern.

pub mod admissions;
pub mod api;
pub mod asyncapi;
pub mod auth;
pub mod body;
pub mod clock;
pub mod config;
pub mod cors;
pub mod demo;
pub mod documents;
pub mod error;
pub mod indexing;
pub mod inspector;
pub mod jobs;
pub mod listener;
pub mod live;
pub mod metrics;
pub mod middleware;
pub mod openapi;
pub mod page;
pub mod params;
pub mod password;
pub mod peer;
pub mod rate_limit;
pub mod routes;
pub mod server;
pub mod shares;
pub mod sweep;
pub mod token;
pub mod upgrade;
pub mod view;
pub mod welcome;

use pinwire_storage::Store;

pub use server::{Gateway, start};

/// What every handler works with.
pub struct App {
    /// The data.
    pub store: Store,
    /// Access tokens.
    pub tokens: token::Tokens,
    /// Access tokens that were found good.
    pub admissions: std::sync::Arc<admissions::Admissions>,
    /// Passwords.
    pub passwords: password::Passwords,
    /// How often something may be tried.
    pub rate_limits: rate_limit::RateLimits,
    /// The number of this node.
    pub node: i64,
    /// Who looks where links lead, if somebody does.
    pub traveller: Option<std::sync::Arc<inspector::journey::Traveller>>,
    /// Bookmarks of lists.
    pub bookmarks: page::Bookmarks,
    /// The way of events.
    pub live: live::Live,
    /// The documents of the contract.
    pub documents: documents::Documents,
    /// The settings.
    pub config: config::ServeArgs,
}
