//! A person's settings.

use pinwire_domain::policy::ContactPolicy;
use pinwire_storage::settings::OwnSettings;
use serde::Serialize;
use utoipa::ToSchema;

use super::kinds::Placement;

/// Your settings, the same on all your devices.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Settings)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "four settings that are on or off, each by itself"
)]
pub struct SettingsView {
    /// Others see when you type, and you see when they do.
    pub typing: bool,
    /// Others see whether you are online, and you see whether they are.
    pub presence: bool,
    /// Others see up to where you have read, and you see up to where they have.
    pub read_receipts: bool,
    /// Who sent you a pin is told when you save it.
    pub pin_saved_notice: bool,
    /// Where first messages of others land, and what becomes of you when others take you into a group.
    pub contact_policy: ContactPolicyView,
    /// Grows with each change.
    #[schema(minimum = 0)]
    pub version: i64,
}

/// Where first messages of others land, by what you have to do with them. Of what holds, the most open one counts.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = ContactPolicy)]
pub struct ContactPolicyView {
    /// You follow each other.
    pub mutual: Placement,
    /// You follow them.
    pub i_follow: Placement,
    /// You accepted them, or wrote to them.
    pub talked_before: Placement,
    /// They follow you.
    pub follows_me: Placement,
    /// Anybody.
    pub everyone: Placement,
}

impl From<ContactPolicy> for ContactPolicyView {
    fn from(policy: ContactPolicy) -> Self {
        Self {
            mutual: policy.mutual.into(),
            i_follow: policy.i_follow.into(),
            talked_before: policy.talked_before.into(),
            follows_me: policy.follows_me.into(),
            everyone: policy.everyone.into(),
        }
    }
}

impl From<OwnSettings> for SettingsView {
    fn from(settings: OwnSettings) -> Self {
        let OwnSettings { values, version } = settings;
        Self {
            typing: values.typing,
            presence: values.presence,
            read_receipts: values.read_receipts,
            pin_saved_notice: values.pin_saved_notice,
            contact_policy: values.contacts.into(),
            version,
        }
    }
}
