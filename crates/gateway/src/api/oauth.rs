//! Tokens: signing in, renewing, revoking (RFC 6749 and 7009, in the shape of API v5).

use actix_web::http::header::USER_AGENT;
use actix_web::{HttpRequest, HttpResponse, post, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pinwire_domain::token::{ACCESS_TOKEN_MS, Scope};
use pinwire_domain::{Refusal, UserId, limits, token};
use pinwire_storage::StoreError;
use pinwire_storage::passwords::Credentials;
use pinwire_storage::sessions::{Granted, SignIn};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::v5::{self, NotOffered};
use crate::body::Form;
use crate::error::{ApiError, ApiResult, reasons};
use crate::password::Comparison;
use crate::{App, clock};

/// A request for tokens. `password` takes `username`, `password` and `scope`; `refresh_token` takes
/// `refresh_token` and `scope`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenRequest)]
pub struct TokenForm {
    /// `password` or `refresh_token`.
    #[schema(example = "password")]
    pub grant_type: String,
    /// Username or e-mail address, in any case.
    #[schema(example = "ana")]
    pub username: Option<String>,
    /// The password.
    #[schema(value_type = Option<String>, format = Password, example = "correct horse")]
    pub password: Option<SecretString>,
    /// The newest refresh token of the session.
    #[schema(value_type = Option<String>)]
    pub refresh_token: Option<SecretString>,
    /// Names of scopes, separated by spaces or commas; all that may be granted if left out.
    #[schema(example = "pins:read boards:read")]
    pub scope: Option<String>,
    #[serde(default)]
    code: NotOffered,
    #[serde(default)]
    redirect_uri: NotOffered,
}

/// Tokens.
#[derive(Serialize, ToSchema)]
#[schema(as = Tokens)]
pub struct TokensView {
    /// For the `Authorization: Bearer` header.
    #[schema(example = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.c2lnbmF0dXJl")]
    pub access_token: String,
    /// Always `bearer`.
    #[schema(example = "bearer")]
    pub token_type: &'static str,
    /// Seconds the access token lives.
    #[schema(example = 900)]
    pub expires_in: i64,
    /// What the access token allows.
    #[schema(example = "pins:read boards:read")]
    pub scope: String,
    /// Gives the next tokens, once: each use gives a new one.
    #[schema(example = "q83vEjRWeJCrze8SNFZ4kA")]
    pub refresh_token: String,
    /// Seconds the refresh token lives when it is not used.
    #[schema(example = 5_184_000)]
    pub refresh_token_expires_in: i64,
    /// When the refresh token ends, in seconds since 1970.
    #[schema(example = 1_769_100_000)]
    pub refresh_token_expires_at: i64,
    /// The grant that was asked for.
    #[schema(example = "password")]
    pub response_type: &'static str,
}

/// Get tokens
///
/// `grant_type=password` signs in and begins a session. `grant_type=refresh_token` renews its tokens: a refresh
/// token works once, and the same request again within 10 seconds gives the same refresh token, so a lost answer
/// does no harm. Any later use of a used token signs the session out. An unknown user and a wrong password answer
/// alike. At most 60 sign-ins a minute from one address and 10 for one account, unless the server is set otherwise.
#[utoipa::path(
    tag = "Tokens",
    request_body(content = TokenForm, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "Tokens", body = TokensView),
        (status = 401, description = "Wrong username, password or refresh token", body = crate::error::ErrorBody),
    )
)]
#[post("/v5/oauth/token")]
pub async fn grant(
    app: web::Data<App>,
    request: HttpRequest,
    Form(form): Form<TokenForm>,
) -> ApiResult {
    match form.grant_type.as_str() {
        "password" => sign_in(&app, &request, &form).await,
        "refresh_token" => refresh(&app, &form).await,
        other => {
            let message = format!("grant_type must be password or refresh_token, not {other:?}");
            Err(ApiError::new(reasons::UNSUPPORTED_GRANT_TYPE, message)
                .field("grant_type", "must be password or refresh_token"))
        }
    }
}

async fn sign_in(app: &App, request: &HttpRequest, form: &TokenForm) -> ApiResult {
    check_unused(form)?;
    let login = needed(form.username.as_ref(), "username")?;
    let password = needed(form.password.as_ref(), "password")?;
    // Before anything is tried: what is no scope at all.
    scopes(form.scope.as_deref(), Scope::ALL)?;
    app.rate_limits
        .try_from_address(&app.store, request)
        .await?;
    let known = app.store.credentials(login).await?;
    // By whichever name: both ways to name an account count together.
    let account = known.as_ref().map(|credentials| credentials.user);
    app.rate_limits
        .try_for_account(&app.store, request, (account, login))
        .await?;
    let verified = verify(app, known, password).await?;
    if verified.is_suspended {
        return Err(Refusal::AccountSuspended.into());
    }
    let scopes = scopes(form.scope.as_deref(), &grantable(app, verified.user).await?)?;
    let granted = app
        .store
        .sign_in(SignIn {
            user: verified.user,
            verified_hash: verified.hash,
            scopes: token::names(&scopes),
            user_agent: user_agent(request),
        })
        .await?;
    answer(app, &granted, &scopes, "password")
}

/// What a sign-in of somebody may grant: to moderators more than to others.
async fn grantable(app: &App, user: UserId) -> ApiResult<Vec<Scope>> {
    Ok(if app.store.is_moderator(user).await? {
        Scope::ALL.to_vec()
    } else {
        Scope::first_party().collect()
    })
}

/// Whose password this is. Takes as long for an unknown account as for a wrong password.
async fn verify(
    app: &App,
    known: Option<Credentials>,
    password: &SecretString,
) -> ApiResult<Credentials> {
    if password.expose_secret().len() > limits::PASSWORD_MAX {
        return Err(Refusal::WrongCredentials.into());
    }
    let hash = known.as_ref().map(|credentials| credentials.hash.as_str());
    let comparison = app.passwords.compare(password, hash).await?;
    match (comparison, known) {
        (Comparison::Wrong, _) | (_, None) => Err(Refusal::WrongCredentials.into()),
        (Comparison::Right, Some(credentials)) => Ok(credentials),
        (Comparison::Outdated, Some(credentials)) => {
            let hash = app.passwords.hash(password).await?;
            app.store
                .rehash_password(credentials.clone(), hash.clone())
                .await?;
            Ok(Credentials {
                hash,
                ..credentials
            })
        }
    }
}

async fn refresh(app: &App, form: &TokenForm) -> ApiResult {
    check_unused(form)?;
    let token = needed(form.refresh_token.as_ref(), "refresh_token")?;
    let token = decode(token.expose_secret()).ok_or(Refusal::InvalidGrant)?;
    // Before the token is used up: a scope that is no scope at all changes nothing.
    let asked = scopes(form.scope.as_deref(), Scope::ALL)?;
    let granted = app.store.refresh(token).await?;
    let of_session = token::read_names(&granted.scopes);
    let scopes = asked
        .into_iter()
        .filter(|scope| of_session.contains(scope))
        .collect::<Vec<_>>();
    answer(app, &granted, &scopes, "refresh_token")
}

fn answer(
    app: &App,
    granted: &Granted,
    scopes: &[Scope],
    response_type: &'static str,
) -> ApiResult {
    let now = clock::now();
    let left_ms = granted.refresh_expires_at.as_millis() - now.as_millis();
    let access_token = app
        .tokens
        .make(granted.user, granted.session, scopes, now)?;
    Ok(HttpResponse::Ok().json(TokensView {
        access_token,
        token_type: "bearer",
        expires_in: ACCESS_TOKEN_MS / 1_000,
        scope: token::names(scopes),
        refresh_token: URL_SAFE_NO_PAD.encode(&granted.refresh_token),
        refresh_token_expires_in: left_ms / 1_000,
        refresh_token_expires_at: granted.refresh_expires_at.as_millis() / 1_000,
        response_type,
    }))
}

fn check_unused(form: &TokenForm) -> ApiResult<()> {
    v5::refuse([
        ("code", form.code.given()),
        ("redirect_uri", form.redirect_uri.given()),
    ])
}

fn needed<'a, T>(value: Option<&'a T>, field: &'static str) -> ApiResult<&'a T> {
    value.ok_or_else(|| {
        let message = format!("this grant needs {field}");
        ApiError::new(reasons::MALFORMED_BODY, message).field(field, "missing")
    })
}

/// The scopes that were asked for, all of which may be granted; all of these if none was named.
fn scopes(asked: Option<&str>, grantable: &[Scope]) -> ApiResult<Vec<Scope>> {
    let Some(asked) = asked.filter(|text| !text.trim().is_empty()) else {
        return Ok(grantable.to_vec());
    };
    let names = asked.split([' ', ',']).filter(|name| !name.is_empty());
    let mut scopes = Vec::new();
    for name in names {
        let scope = name.parse().ok().filter(|scope| grantable.contains(scope));
        let scope = scope.ok_or_else(|| {
            let message = format!("{name:?} is no scope that can be granted");
            ApiError::new(reasons::INVALID_SCOPE, message).field("scope", "not to be granted")
        })?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

/// The bytes of a refresh token or ticket; none for a text that cannot be one.
#[must_use]
pub fn decode(token: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(token).ok()
}

/// Cut at its bound: it is shown to its owner, nothing more.
fn user_agent(request: &HttpRequest) -> Option<String> {
    let header = request.headers().get(USER_AGENT)?.to_str().ok()?;
    Some(header.chars().take(limits::USER_AGENT_MAX).collect())
}

/// A token to revoke.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TokenRevocationRequest)]
pub struct RevocationForm {
    /// An access token or a refresh token.
    #[schema(value_type = String, example = "q83vEjRWeJCrze8SNFZ4kA")]
    pub token: SecretString,
    /// Which of the two it is. Not needed, and wrong ones do no harm.
    pub token_type_hint: Option<HintBody>,
}

/// The kind of a token.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TokenTypeHint)]
pub enum HintBody {
    /// An access token.
    AccessToken,
    /// A refresh token.
    RefreshToken,
}

/// Revoke a token
///
/// Signs out the session of the token: its refresh token and all its access tokens end at once (on other nodes, as
/// its open streams, within 2 seconds). A token that is not valid (any more) answers 200, too.
#[utoipa::path(
    tag = "Tokens",
    request_body(content = RevocationForm, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "It is not valid any more"))
)]
#[post("/v5/oauth/token/revoke")]
pub async fn revoke(app: web::Data<App>, Form(form): Form<RevocationForm>) -> ApiResult {
    let token = form.token.expose_secret();
    if let Ok(claims) = app.tokens.verify(token, clock::now()) {
        match app.store.sign_out(claims.user, claims.session).await {
            Ok(()) | Err(StoreError::Refused(Refusal::SessionNotFound)) => {}
            Err(error) => return Err(error.into()),
        }
        app.admissions.signed_out(claims.user);
    } else if let Some(token) = decode(token)
        && let Some(user) = app.store.revoke_refresh_token(token).await?
    {
        app.admissions.signed_out(user);
    }
    Ok(HttpResponse::Ok().finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_with_spaces_and_commas() {
        let all = [Scope::PinsRead, Scope::BoardsRead];
        let read = |text| scopes(text, &all).ok();
        assert_eq!(read(None), Some(all.to_vec()));
        assert_eq!(read(Some(" ")), Some(all.to_vec()));
        assert_eq!(
            read(Some("boards:read,pins:read boards:read")),
            Some(vec![all[1], all[0]])
        );
        for bad in ["pins:write", "pins:*", "boards:read moderation:write"] {
            let error = scopes(Some(bad), &all).unwrap_err();
            assert_eq!(error.reason(), reasons::INVALID_SCOPE, "{bad}");
        }
    }

    #[test]
    fn a_user_agent_is_cut_at_its_bound() {
        let of = |text: String| {
            let request = actix_web::test::TestRequest::default()
                .insert_header((USER_AGENT, text))
                .to_http_request();
            user_agent(&request).map(|agent| agent.len())
        };
        assert_eq!(
            of("x".repeat(limits::USER_AGENT_MAX)),
            Some(limits::USER_AGENT_MAX)
        );
        assert_eq!(
            of("x".repeat(limits::USER_AGENT_MAX + 1)),
            Some(limits::USER_AGENT_MAX)
        );
    }
}
