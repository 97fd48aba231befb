//! Contacts.

use pinwire_domain::contact::Reason;
use pinwire_storage::contacts::{Contact, PinContact};
use serde::Serialize;
use utoipa::ToSchema;

use super::PersonView;

/// Why somebody is among your contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ContactReason)]
pub enum ReasonView {
    /// You two wrote to each other within 14 days.
    Recent,
    /// You often write or send pins to them.
    Frequent,
    /// You follow each other.
    Mutual,
    /// You follow them.
    IFollow,
    /// They follow you.
    FollowsMe,
}

impl From<Reason> for ReasonView {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Recent => Self::Recent,
            Reason::Frequent => Self::Frequent,
            Reason::Mutual => Self::Mutual,
            Reason::IFollow => Self::IFollow,
            Reason::FollowsMe => Self::FollowsMe,
        }
    }
}

/// Somebody to send pins to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contact)]
pub struct ContactView {
    /// Who it is.
    pub user: PersonView,
    /// Why they are listed, one of `mutual`, `i_follow` and `follows_me` at most; empty for somebody you talked
    /// with long ago or in a group.
    #[schema(max_items = 3, example = json!(["recent", "mutual"]))]
    pub reasons: Vec<ReasonView>,
}

impl From<Contact> for ContactView {
    fn from(contact: Contact) -> Self {
        Self {
            user: PersonView::from(&contact.person),
            reasons: contact.reasons.into_iter().map(ReasonView::from).collect(),
        }
    }
}

/// Somebody to send this pin to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PinContact)]
pub struct PinContactView {
    /// The contact.
    #[serde(flatten)]
    pub contact: ContactView,
    /// Whether the conversation of you two holds this pin already, as you see it.
    pub already_sent: bool,
}

impl From<PinContact> for PinContactView {
    fn from(pin_contact: PinContact) -> Self {
        Self {
            contact: pin_contact.contact.into(),
            already_sent: pin_contact.already_sent,
        }
    }
}
