//! A person's settings.

use pinwire_storage::settings::OwnSettings;
use serde::Serialize;
use utoipa::ToSchema;

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
    /// Grows with each change.
    #[schema(minimum = 0)]
    pub version: i64,
}

impl From<OwnSettings> for SettingsView {
    fn from(settings: OwnSettings) -> Self {
        let OwnSettings { values, version } = settings;
        Self {
            typing: values.typing,
            presence: values.presence,
            read_receipts: values.read_receipts,
            pin_saved_notice: values.pin_saved_notice,
            version,
        }
    }
}
