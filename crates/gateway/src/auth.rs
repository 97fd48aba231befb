//! Who calls: the token of a request, checked against the scopes that the operation needs.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use pinwire_domain::board::Access;
use pinwire_domain::token::{self, Scope};
use pinwire_domain::{Refusal, SessionId, Time, UserId};

use crate::api::oauth;
use crate::error::{ApiError, ApiResult, reasons};
use crate::routes::{self, Operation};
use crate::token::{Claims, unauthenticated};
use crate::{App, clock};

/// The signed-in person behind a request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    /// What the token allows.
    pub scopes: Vec<Scope>,
    /// When the token ends.
    pub expires_at: Time,
}

impl Caller {
    /// What of boards and pins exists for the caller, given the scope that reaches secret ones.
    #[must_use]
    pub fn access(&self, secret: Scope) -> Access {
        Access {
            user: self.user,
            secret: self.may(secret),
        }
    }

    /// Whether the token allows this.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Makes sure of a scope that only some requests of an operation need.
    ///
    /// # Errors
    /// 403 naming it.
    pub fn require(&self, scope: Scope) -> ApiResult<()> {
        check_scopes(&self.scopes, &[scope])
    }
}

/// Only behind the operations that need a token: who called was found out before the handler was asked.
impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let caller = request.extensions().get::<Self>().cloned();
        ready(caller.ok_or_else(unauthenticated))
    }
}

/// Finds out who calls, where an operation needs a token.
///
/// # Errors
/// 401 or 403.
pub async fn admit(app: &App, request: &HttpRequest, operation: &Operation) -> ApiResult<()> {
    if operation.access == routes::Access::Token {
        let token = bearer(request).ok_or_else(unauthenticated)?;
        let caller = app.caller(token, operation).await?;
        app.rate_limits.request(request, caller.user)?;
        request.extensions_mut().insert(caller);
    }
    Ok(())
}

/// The token of the `Authorization` header.
#[must_use]
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request
        .headers()
        .get(header::AUTHORIZATION)?
        .to_str()
        .ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

impl App {
    /// The person a token stands for, if it is valid, not signed out, and allows this operation.
    ///
    /// # Errors
    /// 401 or 403.
    pub async fn caller(&self, token: &str, operation: &Operation) -> ApiResult<Caller> {
        let caller = match self.admissions.get(token, clock::now()) {
            Some(caller) => caller,
            None => self.ask(token).await?,
        };
        check_scopes(&caller.scopes, operation.scopes)?;
        Ok(caller)
    }

    /// The person a token stands for, by its signature and the session's row.
    async fn ask(&self, token: &str) -> ApiResult<Caller> {
        let now = clock::now();
        let claims = self.tokens.verify(token, now)?;
        let stamp = self.admissions.stamp(claims.user);
        let caller = self.live_caller(claims).await?;
        self.admissions.put(token, &caller, stamp, now);
        Ok(caller)
    }

    /// Whether a session is still signed in.
    pub async fn session_alive(&self, session: SessionId) -> ApiResult<bool> {
        Ok(self.store.session_owner(session).await?.is_some())
    }

    /// Whom a ticket lets in; it works once.
    ///
    /// # Errors
    /// 401 for one that is unknown, used, expired or signed out.
    pub async fn redeem_ticket(&self, ticket: &str) -> ApiResult<Caller> {
        let ticket = oauth::decode(ticket).ok_or_else(unauthenticated)?;
        let admitted = self.store.redeem_ticket(&ticket).await?;
        let admission = admitted.ok_or_else(unauthenticated)?;
        Ok(Caller {
            user: admission.user,
            session: admission.session,
            scopes: token::read_names(&admission.scopes),
            expires_at: admission.token_expires_at,
        })
    }

    /// Makes sure that the session of these claims was not signed out.
    ///
    /// # Errors
    /// 401.
    pub async fn live_caller(&self, claims: Claims) -> ApiResult<Caller> {
        let Claims {
            user,
            session,
            scopes,
            expires_at,
        } = claims;
        if self.store.session_owner(session).await? != Some(user) {
            return Err(Refusal::SignedOut.into());
        }
        Ok(Caller {
            user,
            session,
            scopes,
            expires_at,
        })
    }
}

/// Makes sure that a token has the scopes that are needed.
///
/// # Errors
/// 403 naming the scopes that are missing.
pub fn check_scopes(scopes: &[Scope], needed: &[Scope]) -> ApiResult<()> {
    let missing: Vec<&str> = needed
        .iter()
        .filter(|s| !scopes.contains(s))
        .map(|s| s.name())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("the token lacks {}", missing.join(" "));
    Err(ApiError::new(reasons::MISSING_SCOPE, message))
}
