//! A person's settings: what others learn of them, and what they learn of others in turn.

use crate::policy::{ContactPolicy, Placement};

/// A person's settings. Each of the first three holds in both directions: who does not show it does not see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "four settings that are on or off, each by itself"
)]
pub struct Settings {
    /// Sends and sees who is typing.
    pub typing: bool,
    /// Shows and sees who is online.
    pub presence: bool,
    /// Shows and sees up to where messages were read.
    pub read_receipts: bool,
    /// The sender of a pin is told when this person saves it.
    pub pin_saved_notice: bool,
    /// Where first messages of others land.
    pub contacts: ContactPolicy,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            typing: true,
            presence: true,
            read_receipts: true,
            pin_saved_notice: true,
            contacts: ContactPolicy::default(),
        }
    }
}

/// A change of where first messages of others land: what is none stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ContactPolicyChange {
    /// They follow each other.
    pub mutual: Option<Placement>,
    /// The person follows the sender.
    pub i_follow: Option<Placement>,
    /// The person accepted the sender, or wrote to them.
    pub talked_before: Option<Placement>,
    /// The sender follows the person.
    pub follows_me: Option<Placement>,
    /// Anybody.
    pub everyone: Option<Placement>,
}

impl ContactPolicyChange {
    /// The policy after this change.
    #[must_use]
    pub fn of(self, before: ContactPolicy) -> ContactPolicy {
        ContactPolicy {
            mutual: self.mutual.unwrap_or(before.mutual),
            i_follow: self.i_follow.unwrap_or(before.i_follow),
            talked_before: self.talked_before.unwrap_or(before.talked_before),
            follows_me: self.follows_me.unwrap_or(before.follows_me),
            everyone: self.everyone.unwrap_or(before.everyone),
        }
    }
}

/// A change of settings: what is none stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SettingsChange {
    /// Sends and sees who is typing.
    pub typing: Option<bool>,
    /// Shows and sees who is online.
    pub presence: Option<bool>,
    /// Shows and sees up to where messages were read.
    pub read_receipts: Option<bool>,
    /// The sender of a pin is told when this person saves it.
    pub pin_saved_notice: Option<bool>,
    /// Where first messages of others land.
    pub contacts: ContactPolicyChange,
}

impl SettingsChange {
    /// The settings after this change.
    #[must_use]
    pub fn of(self, before: Settings) -> Settings {
        Settings {
            typing: self.typing.unwrap_or(before.typing),
            presence: self.presence.unwrap_or(before.presence),
            read_receipts: self.read_receipts.unwrap_or(before.read_receipts),
            pin_saved_notice: self.pin_saved_notice.unwrap_or(before.pin_saved_notice),
            contacts: self.contacts.of(before.contacts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_leaves_what_it_does_not_name() {
        let before = Settings {
            presence: false,
            ..Settings::default()
        };
        assert_eq!(SettingsChange::default().of(before), before);
        let change = SettingsChange {
            typing: Some(false),
            presence: Some(true),
            ..SettingsChange::default()
        };
        let after = Settings {
            typing: false,
            ..Settings::default()
        };
        assert_eq!(change.of(before), after);
    }
}
