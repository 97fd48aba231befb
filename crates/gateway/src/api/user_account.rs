//! Your own account.

use actix_web::{HttpRequest, HttpResponse, get, patch, put, web};
use pinwire_domain::user::{self, ProfileChange};
use pinwire_domain::{Refusal, limits};
use pinwire_storage::passwords::PasswordChange;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use utoipa::ToSchema;

use super::v5::AdAccountParams;
use crate::App;
use crate::auth::Caller;
use crate::body::{self, Body};
use crate::error::ApiResult;
use crate::params::Params;
use crate::password::Comparison;
use crate::view::{self, AccountView};

/// Get your account
///
/// With your e-mail address, which nobody else sees.
#[utoipa::path(
    tag = "Accounts",
    params(AdAccountParams),
    responses((status = 200, description = "Your account", body = AccountView))
)]
#[get("/v5/user_account")]
pub async fn get(
    app: web::Data<App>,
    caller: Caller,
    Params(ad_account): Params<AdAccountParams>,
) -> ApiResult {
    ad_account.check()?;
    Ok(view::snapshot(
        app.store.account(caller.user).await?,
        AccountView::from,
    ))
}

/// A change of your profile: what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountUpdate)]
pub struct ProfileBody {
    /// As you write it.
    #[schema(min_length = 1, max_length = 60, example = "Ana Lopes")]
    pub full_name: Option<String>,
    /// What you say of yourself; null or an empty text takes it away.
    #[serde(default, deserialize_with = "body::given")]
    #[schema(value_type = Option<String>, max_length = 500)]
    pub about: Option<Option<String>>,
    /// URL of your avatar, http or https; null or an empty text takes it away.
    #[serde(default, deserialize_with = "body::given")]
    #[schema(value_type = Option<String>, max_length = 2048)]
    pub profile_image: Option<Option<String>>,
    /// Your own page, http or https; null or an empty text takes it away.
    #[serde(default, deserialize_with = "body::given")]
    #[schema(value_type = Option<String>, max_length = 2048)]
    pub website_url: Option<Option<String>>,
}

impl ProfileBody {
    fn read(&self) -> Result<ProfileChange, Refusal> {
        ProfileChange::default()
            .full_name(self.full_name.as_deref())?
            .about(self.about.as_ref().map(Option::as_deref))?
            .profile_image(self.profile_image.as_ref().map(Option::as_deref))?
            .website_url(self.website_url.as_ref().map(Option::as_deref))
    }
}

/// Change your profile
///
/// All who share a conversation with you are told by `user.updated`.
#[utoipa::path(
    tag = "Accounts",
    request_body = ProfileBody,
    responses((status = 200, description = "Your account as it is now", body = AccountView))
)]
#[patch("/v5/user_account")]
pub async fn change(app: web::Data<App>, caller: Caller, body: Body<ProfileBody>) -> ApiResult {
    app.store
        .change_profile(caller.user, body.value.read()?)
        .await?;
    let account = app.store.account(caller.user).await?.value;
    Ok(HttpResponse::Ok().json(AccountView::from(account)))
}

/// Which sessions a new password signs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SignOut)]
pub enum SignOutBody {
    /// All but this one.
    #[default]
    Others,
    /// All.
    All,
}

/// A new password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PasswordChange)]
pub struct PasswordBody {
    /// The password you have.
    #[schema(value_type = String, format = Password, example = "correct horse")]
    pub current_password: SecretString,
    /// 8 to 1,024 bytes.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 1024, example = "battery staple")]
    pub new_password: SecretString,
    /// Which sessions it signs out.
    #[serde(default)]
    pub sign_out: SignOutBody,
}

/// Change your password
///
/// Signs out all other sessions, or all: their tokens end at once, their open streams within 2 seconds.
#[utoipa::path(
    tag = "Accounts",
    request_body = PasswordBody,
    responses((status = 204, description = "Changed"))
)]
#[put("/v5/user_account/password")]
pub async fn change_password(
    app: web::Data<App>,
    caller: Caller,
    request: HttpRequest,
    body: Body<PasswordBody>,
) -> ApiResult {
    let wanted = &body.value;
    user::check_password("new_password", wanted.new_password.expose_secret())?;
    app.rate_limits
        .try_from_address(&app.store, &request)
        .await?;
    app.rate_limits
        .try_for_account(&app.store, &request, (Some(caller.user), ""))
        .await?;
    let new = PasswordChange {
        verified_hash: verified_hash(&app, &caller, &wanted.current_password).await?,
        new_hash: app.passwords.hash(&wanted.new_password).await?,
        kept: (wanted.sign_out == SignOutBody::Others).then_some(caller.session),
    };
    app.store.change_password(caller.user, new).await?;
    app.admissions.signed_out(caller.user);
    Ok(HttpResponse::NoContent().finish())
}

/// The stored hash, if the password is right for it.
async fn verified_hash(app: &App, caller: &Caller, password: &SecretString) -> ApiResult<String> {
    let stored = app
        .store
        .password_hash(caller.user)
        .await?
        .ok_or(Refusal::WrongPassword)?;
    if password.expose_secret().len() > limits::PASSWORD_MAX {
        return Err(Refusal::WrongPassword.into());
    }
    match app.passwords.compare(password, Some(&stored)).await? {
        Comparison::Wrong => Err(Refusal::WrongPassword.into()),
        Comparison::Right | Comparison::Outdated => Ok(stored),
    }
}
