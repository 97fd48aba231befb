//! Your settings.

use actix_web::{HttpResponse, get, patch, web};
use pinwire_domain::settings::SettingsChange;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::ApiResult;
use crate::view::{self, SettingsView};

/// Get your settings
///
/// All of them are on until you turn one off.
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
    } = body.value;
    let change = SettingsChange {
        typing,
        presence,
        read_receipts,
        pin_saved_notice,
    };
    app.store.change_settings(caller.user, change).await?;
    let settings = app.store.settings(caller.user).await?.value;
    Ok(HttpResponse::Ok().json(SettingsView::from(settings)))
}
