//! A world to test in: real nodes of Pinwire, and people who act on them.
//!
//! [`World`] starts the servers of a [`Profile`] and ends them when it is dropped. [`Person`] acts over HTTP,
//! [`Socket`] and [`EventStream`] listen to the event stream, [`Replica`] keeps what a client would keep. Every answer and every
//! frame is checked against the documents that the node serves, see [`Contract`].
//!
//! A test that fails says what it waited for and what did arrive, and shows the end of the nodes' logs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::disallowed_methods,
    reason = "a test tells by a panic, and has a clock of its own"
)]

mod contract;
mod database;
mod event_stream;
mod follower;
mod http;
mod node;
mod person;
mod pin_acts;
mod ports;
mod pubsub;
mod replica;
mod secrets;
mod sending;
mod signals;
mod socket;
mod strict;
mod wait;
mod world;

pub use contract::Contract;
pub use database::Database;
pub use event_stream::{Asking, EventStream};
pub use http::{Answer, Api, Request};
pub use node::Node;
pub use person::{Person, Pin};
pub use pubsub::PubSub;
pub use replica::Replica;
pub use sending::{Sending, Sent};
pub use socket::{Ending, Socket};
pub use wait::{PATIENCE, eventually};
pub use world::{Profile, World};

pub use serde_json::{Value, json};

/// Runs each of these stories on both profiles: `embedded` and `scaled`. A story is an `async fn(&World)`.
#[macro_export]
macro_rules! on_both_profiles {
    ($($story:ident),+ $(,)?) => {
        mod embedded {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    super::$story(&$crate::World::start($crate::Profile::Embedded).await).await;
                }
            )+
        }
        mod scaled {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $story() {
                    super::$story(&$crate::World::start($crate::Profile::Scaled).await).await;
                }
            )+
        }
    };
}
