//! Signing up.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, post, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pinwire_domain::user::{self, AccountDraft};
use pinwire_domain::{Refusal, UserId};
use pinwire_storage::idempotency::IdempotencyKey;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::App;
use crate::body::Body;
use crate::error::ApiResult;
use crate::password::Comparison;
use crate::view::{self, AccountView};

/// A new account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountCreate)]
pub struct AccountBody {
    /// Unique; 2 to 30 of `a-z`, `0-9`, `_` and `.`, not digits alone.
    #[schema(min_length = 3, max_length = 30, example = "ana")]
    pub username: String,
    /// As you write it.
    #[schema(min_length = 1, max_length = 60, example = "Ana Lopes")]
    pub full_name: String,
    /// Where you get mail.
    #[schema(max_length = 254, example = "ana@example.com")]
    pub email: String,
    /// 8 to 1,024 bytes.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 1024, example = "correct horse")]
    pub password: SecretString,
}

/// Sign up
///
/// Makes an account. Then `POST /v5/oauth/token` gives tokens for it. An `Idempotency-Key` counts for this username:
/// somebody else may use the same.
#[utoipa::path(
    tag = "Accounts",
    request_body = AccountBody,
    responses((status = 201, description = "Made", body = AccountView))
)]
#[post("/v5/accounts")]
pub async fn create(
    app: web::Data<App>,
    request: HttpRequest,
    body: Body<AccountBody>,
) -> ApiResult {
    let wanted = &body.value;
    let draft = AccountDraft::parse(&wanted.username, &wanted.email, &wanted.full_name)?;
    user::check_password("password", wanted.password.expose_secret())?;
    let key = body
        .idempotency_key(&request, None)?
        .map(|key| without_password(key, &draft));
    app.rate_limits
        .try_from_address(&app.store, &request)
        .await?;
    let hash = app.passwords.hash(&wanted.password).await?;
    let made = app.store.create_account(draft, hash, key).await?;
    if made.replayed {
        check_same_password(&app, made.outcome, &wanted.password).await?;
    }
    let account = app.store.account(made.outcome).await?.value;
    Ok(view::made(
        StatusCode::CREATED,
        made.replayed,
        &AccountView::from(account),
    ))
}

/// A stored hash of the whole body would be a hash of the password that is fast to try out.
fn without_password(key: IdempotencyKey, draft: &AccountDraft) -> IdempotencyKey {
    let told = [
        draft.username.as_str(),
        draft.email.as_str(),
        &draft.full_name,
    ];
    let body_hash = Sha256::digest(told.join("\n")).to_vec();
    // Nobody is signed in whose key it were, so it is that of whoever wants this username.
    let owned = format!("{}\n{}", key.key, draft.username.as_str());
    IdempotencyKey {
        key: URL_SAFE_NO_PAD.encode(Sha256::digest(owned)),
        body_hash,
        ..key
    }
}

/// A repeat with another password is another request.
async fn check_same_password(app: &App, user: UserId, password: &SecretString) -> ApiResult<()> {
    let stored = app.store.password_hash(user).await?;
    match app.passwords.compare(password, stored.as_deref()).await? {
        Comparison::Wrong => Err(Refusal::IdempotencyKeyReused.into()),
        Comparison::Right | Comparison::Outdated => Ok(()),
    }
}
