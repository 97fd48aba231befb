//! Your settings.

use actix_web::{HttpResponse, get, patch, web};
use pinwire_domain::settings::{ContactPolicyChange, SettingsChange};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::ApiResult;
use crate::view::kinds::Placement;
use crate::view::{self, SettingsView};

/// Get your settings
///
/// All flags are on until you turn one off.
#[utoipa::path(
    tag = "Accounts",
    responses((status = 200, description = "Your settings", body = SettingsView))
)]
#[get("/v5/user_account/settings")]
pub async fn get(app: web::Data<App>, caller: Caller) -> ApiResult {
    let settings = app.store.settings(caller.user).await?;
    Ok(view::snapshot(settings, SettingsView::from))
}

/// A change of your settings: what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettingsUpdate)]
pub struct SettingsBody {
    /// Whether others see when you type, and you see when they do.
    pub typing: Option<bool>,
    /// Whether others see that you are online, and you see that they are.
    pub presence: Option<bool>,
    /// Whether others see up to where you have read, and you see up to where they have.
    pub read_receipts: Option<bool>,
    /// Whether who sent you a pin is told when you save it.
    pub pin_saved_notice: Option<bool>,
    /// Where first messages of others land: what is left out of it stays.
    pub contact_policy: Option<ContactPolicyBody>,
}

/// A change of where first messages of others land, by what you have to do with them. Of what holds, the most open one
/// counts.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ContactPolicyUpdate)]
pub struct ContactPolicyBody {
    /// You follow each other.
    pub mutual: Option<Placement>,
    /// You follow them.
    pub i_follow: Option<Placement>,
    /// You accepted them, or wrote to them.
    pub talked_before: Option<Placement>,
    /// They follow you.
    pub follows_me: Option<Placement>,
    /// Anybody.
    pub everyone: Option<Placement>,
}

impl From<ContactPolicyBody> for ContactPolicyChange {
    fn from(body: ContactPolicyBody) -> Self {
        Self {
            mutual: body.mutual.map(Into::into),
            i_follow: body.i_follow.map(Into::into),
            talked_before: body.talked_before.map(Into::into),
            follows_me: body.follows_me.map(Into::into),
            everyone: body.everyone.map(Into::into),
        }
    }
}

/// Change your settings
///
/// All your devices are told by `settings.updated`.
#[utoipa::path(
    tag = "Accounts",
    request_body = SettingsBody,
    responses((status = 200, description = "Your settings as they are now", body = SettingsView))
)]
#[patch("/v5/user_account/settings")]
pub async fn change(app: web::Data<App>, caller: Caller, body: Body<SettingsBody>) -> ApiResult {
    let SettingsBody {
        typing,
        presence,
        read_receipts,
        pin_saved_notice,
        contact_policy,
    } = body.value;
    let change = SettingsChange {
        typing,
        presence,
        read_receipts,
        pin_saved_notice,
        contacts: contact_policy.unwrap_or_default().into(),
    };
    app.store.change_settings(caller.user, change).await?;
    let settings = app.store.settings(caller.user).await?.value;
    Ok(HttpResponse::Ok().json(SettingsView::from(settings)))
}
