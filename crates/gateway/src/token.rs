//! Access tokens: JWT signed with EdDSA (RFC 8037), typed `at+jwt` (RFC 9068).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use pinwire_domain::token::{self, ACCESS_TOKEN_MS, Scope};
use pinwire_domain::{SessionId, Time, UserId};
use serde::{Deserialize, Serialize};

use crate::error::{ApiError, ApiResult, reasons};

/// The type that tells an access token from any other JWT.
const TYPE: &str = "at+jwt";
/// Who a token is for.
const AUDIENCE: &str = "pinwire";
/// Seconds by which clocks may differ.
const LEEWAY_S: u64 = 5;
/// Bytes of a token at most; longer ones are not looked into.
const TOKEN_MAX: usize = 4_096;

/// What a valid token says.
#[derive(Debug, Clone)]
pub struct Claims {
    /// Whose it is.
    pub user: UserId,
    /// The session it was made in.
    pub session: SessionId,
    /// What it allows.
    pub scopes: Vec<Scope>,
    /// When it ends.
    pub expires_at: Time,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    scope: String,
    iat: i64,
    exp: i64,
}

/// A key with its name.
struct NamedKey {
    kid: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// Makes and verifies access tokens.
pub struct Tokens {
    issuer: String,
    /// The first one signs; all verify.
    keys: Vec<NamedKey>,
}

impl Tokens {
    /// With keys given as name and Ed25519 seed, the newest first.
    ///
    /// # Errors
    /// Says which key is of no use.
    pub fn new(issuer: String, seeds: &[(String, Vec<u8>)]) -> Result<Self, String> {
        let keys = seeds
            .iter()
            .map(|(kid, seed)| named_key(kid, seed))
            .collect::<Result<_, _>>()?;
        Ok(Self { issuer, keys })
    }

    /// Makes a token that lives [`ACCESS_TOKEN_MS`] from `now`.
    pub fn make(
        &self,
        user: UserId,
        session: SessionId,
        scopes: &[Scope],
        now: Time,
    ) -> ApiResult<String> {
        let internal = |e: String| ApiError::new(reasons::INTERNAL, e);
        let key = self
            .keys
            .first()
            .ok_or_else(|| internal("no signing key".into()))?;
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.into());
        header.kid = Some(key.kid.clone());
        let seconds = now.as_millis() / 1_000;
        let payload = Payload {
            iss: self.issuer.clone(),
            aud: AUDIENCE.into(),
            sub: user.to_string(),
            sid: session.to_string(),
            scope: token::names(scopes),
            iat: seconds,
            exp: seconds + ACCESS_TOKEN_MS / 1_000,
        };
        jsonwebtoken::encode(&header, &payload, &key.encoding).map_err(|e| internal(e.to_string()))
    }

    /// Verifies a token at `now`.
    ///
    /// # Errors
    /// 401, the same for every reason.
    pub fn verify(&self, token: &str, now: Time) -> ApiResult<Claims> {
        self.check(token, now).ok_or_else(unauthenticated)
    }

    fn check(&self, token: &str, now: Time) -> Option<Claims> {
        if token.len() > TOKEN_MAX {
            return None;
        }
        let kid = plain_header(token)?;
        let key = self.keys.iter().find(|k| k.kid == kid)?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Checked below against the clock that is given.
        validation.validate_exp = false;
        let payload = jsonwebtoken::decode::<Payload>(token, &key.decoding, &validation)
            .ok()?
            .claims;
        let expires_at = Time::from_millis(payload.exp.checked_mul(1_000)?);
        let leeway_ms = i64::try_from(LEEWAY_S * 1_000).ok()?;
        if expires_at.plus_millis(leeway_ms) <= now {
            return None;
        }
        Some(Claims {
            user: payload.sub.parse().ok()?,
            session: payload.sid.parse().ok()?,
            scopes: token::read_names(&payload.scope),
            expires_at,
        })
    }
}

/// The one answer to every token that is not valid.
#[must_use]
pub fn unauthenticated() -> ApiError {
    ApiError::new(reasons::UNAUTHENTICATED, "a valid access token is needed")
}

/// Reads the key's name from a header that holds nothing but what this server writes.
fn plain_header(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Plain {
        alg: String,
        typ: String,
        kid: String,
    }
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    let header: Plain = crate::body::parse(&header).ok()?;
    (header.alg == "EdDSA" && header.typ == TYPE).then_some(header.kid)
}

fn named_key(kid: &str, seed: &[u8]) -> Result<NamedKey, String> {
    let seed: [u8; 32] = seed
        .try_into()
        .map_err(|_| format!("key {kid} is not 32 bytes long"))?;
    let key = SigningKey::from_bytes(&seed);
    let der = key.to_pkcs8_der().map_err(|e| format!("key {kid}: {e}"))?;
    let public = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    let decoding =
        DecodingKey::from_ed_components(&public).map_err(|e| format!("key {kid}: {e}"))?;
    Ok(NamedKey {
        kid: kid.to_owned(),
        encoding: EncodingKey::from_ed_der(der.as_bytes()),
        decoding,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_valid_until_it_expires() {
        let tokens = Tokens::new("pinwire".into(), &[("a".into(), vec![1; 32])]).unwrap();
        let now = Time::from_millis(1_700_000_000_000);
        let token = tokens
            .make(UserId::new(5), SessionId::new(6), &[Scope::PinsRead], now)
            .unwrap();
        let claims = tokens.verify(&token, now).unwrap();
        assert_eq!(
            (claims.user, claims.session),
            (UserId::new(5), SessionId::new(6))
        );
        assert_eq!(claims.scopes, [Scope::PinsRead]);
        assert!(
            tokens
                .verify(&token, now.plus_millis(ACCESS_TOKEN_MS - 1))
                .is_ok()
        );
        assert!(
            tokens
                .verify(&token, now.plus_millis(ACCESS_TOKEN_MS + 5_000))
                .is_err()
        );
        let others = Tokens::new("pinwire".into(), &[("a".into(), vec![2; 32])]).unwrap();
        assert!(others.verify(&token, now).is_err());
    }
}
