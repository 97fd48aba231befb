//! Pinwire's glossary and rules.
//!
//! A **pin** is a picture with a link, kept on a **board**. A person *sends* a pin to **contacts**
//! (the people they follow or talk with); that makes or continues a **conversation**: *direct*, unique
//! for two people, or a *group*. A **membership** is a person's place in a conversation, with a state
//! and a read mark. A **message** has a gapless **position** in its conversation. It may *answer* another
//! one, of which it shows a **quote**, and may be *passed on*. A **head** is the avatar of a conversation
//! at the lower left of the screen. Each **act** (one request, one transaction) writes its **events** to the
//! one **log**, where `seq` is commit order. A **term** is what a message is found by.
//!
//! This crate is pure: no clock, no chance, no I/O. Time and ids are arguments.

pub mod board;
pub mod contact;
pub mod contact_request;
pub mod conversation;
pub mod draft;
pub mod event;
pub mod group;
pub mod head;
pub mod id;
pub mod limits;
pub mod link;
pub mod membership;
pub mod message;
pub mod message_query;
pub mod people_query;
pub mod picture;
pub mod pin;
pub mod policy;
pub mod quota;
pub mod reaction;
pub mod refusal;
pub mod report;
pub mod save;
pub mod settings;
pub mod term;
pub mod text;
pub mod time;
pub mod token;
pub mod user;

pub use id::{BoardId, ConversationId, PinId, ReportId, SessionId, UserId};
pub use refusal::{Field, Refusal};
pub use time::Time;
