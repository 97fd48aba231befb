//! The way of events from the log to the people they concern.
//!
//! A committed batch goes to this node's [`tail`] and over the [`bus`] to those of the other nodes. The bus is a
//! hint and may lose: the tail compares its place with the log's head and reads what it lacks. It hands each event
//! to the [`hub`], which knows the streams of this node. A [`feed`] follows one of them from a cursor on; a [`session`]
//! sends it over a WebSocket, and [`sse`] as Server-Sent Events.
//!
//! Past the log go [`signs`]: that somebody types, or is online ([`presence`]).

pub mod acks;
pub mod bus;
pub mod close;
pub mod ending;
pub mod feed;
pub mod frames;
pub mod hub;
pub mod line;
pub mod mailbox;
pub mod presence;
pub mod redis;
pub mod render;
pub mod session;
pub mod signs;
pub mod socket;
pub mod sse;
pub mod subject;
pub mod tail;

use std::sync::Arc;

/// What handlers need of the live side.
#[derive(Clone)]
pub struct Live {
    /// The streams of this node.
    pub hub: Arc<hub::Hub>,
    /// Who is online.
    pub presence: Arc<presence::Presence>,
    /// What goes past the log.
    pub signs: Arc<signs::Signs>,
    /// What has reached whom.
    pub acks: Arc<acks::Acks>,
}
