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
#[serde(deny_unknown_fields)]
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
    use ed25519_dalek::Signer;
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    use super::*;

    const NOW: Time = Time::from_millis(1_795_406_400_000);
    const SEED: [u8; 32] = [1; 32];

    fn tokens() -> Tokens {
        Tokens::new("pinwire".into(), &[("a".into(), SEED.to_vec())]).unwrap()
    }

    fn valid() -> String {
        let scopes = [Scope::PinsRead, Scope::BoardsRead];
        tokens()
            .make(UserId::new(5), SessionId::new(6), &scopes, NOW)
            .unwrap()
    }

    fn header() -> String {
        r#"{"typ":"at+jwt","alg":"EdDSA","kid":"a"}"#.to_owned()
    }

    fn payload() -> String {
        let exp = NOW.as_millis() / 1_000 + 900;
        format!(
            r#"{{"iss":"pinwire","aud":"pinwire","sub":"5","sid":"6","scope":"pins:read","iat":1,"exp":{exp}}}"#
        )
    }

    fn unsigned(header: &str, payload: &str) -> String {
        format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(payload)
        )
    }

    /// A token with our own key's signature: what it says is the only thing wrong with it.
    fn signed(header: &str, payload: &str) -> String {
        let message = unsigned(header, payload);
        let signature = SigningKey::from_bytes(&SEED).sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    fn accepted(token: &str) -> bool {
        tokens().verify(token, NOW).is_ok()
    }

    #[test]
    fn a_token_says_who_calls_and_what_is_allowed() {
        let claims = tokens().verify(&valid(), NOW).unwrap();
        assert_eq!(
            (claims.user, claims.session),
            (UserId::new(5), SessionId::new(6))
        );
        assert_eq!(claims.scopes, [Scope::PinsRead, Scope::BoardsRead]);
        assert_eq!(claims.expires_at, NOW.plus_millis(ACCESS_TOKEN_MS));
        assert!(
            accepted(&signed(&header(), &payload())),
            "the tests below change one thing of this"
        );
    }

    #[test]
    fn a_token_is_valid_until_it_expires() {
        let end = NOW.plus_millis(ACCESS_TOKEN_MS + i64::try_from(LEEWAY_S).unwrap() * 1_000);
        assert!(tokens().verify(&valid(), end.plus_millis(-1)).is_ok());
        assert!(tokens().verify(&valid(), end).is_err());
    }

    #[test]
    fn older_keys_verify_and_the_newest_signs() {
        let old = valid();
        let seeds = [
            ("b".to_owned(), vec![2; 32]),
            ("a".to_owned(), SEED.to_vec()),
        ];
        let both = Tokens::new("pinwire".into(), &seeds).unwrap();
        assert!(both.verify(&old, NOW).is_ok());
        let new = both
            .make(UserId::new(5), SessionId::new(6), &[], NOW)
            .unwrap();
        assert!(both.verify(&new, NOW).is_ok());
        assert!(!accepted(&new));
        assert!(Tokens::new("pinwire".into(), &[("a".into(), vec![1; 31])]).is_err());
    }

    #[test]
    fn another_key_or_issuer_is_not_ours() {
        let foreign = |issuer: &str, seed: u8| {
            let tokens = Tokens::new(issuer.into(), &[("a".into(), vec![seed; 32])]).unwrap();
            tokens
                .make(UserId::new(5), SessionId::new(6), &[], NOW)
                .unwrap()
        };
        assert!(accepted(&foreign("pinwire", 1)));
        assert!(!accepted(&foreign("pinwire", 2)));
        assert!(!accepted(&foreign("other", 1)));
    }

    #[test]
    fn a_header_says_only_what_this_server_writes() {
        for bad in [
            r#"{"typ":"at+jwt","alg":"none","kid":"a"}"#,
            r#"{"typ":"at+jwt","alg":"NONE","kid":"a"}"#,
            r#"{"typ":"at+jwt","alg":"HS256","kid":"a"}"#,
            r#"{"typ":"at+jwt","alg":"ES256","kid":"a"}"#,
            r#"{"typ":"at+jwt","alg":"eddsa","kid":"a"}"#,
            r#"{"typ":"JWT","alg":"EdDSA","kid":"a"}"#,
            r#"{"alg":"EdDSA","kid":"a"}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA"}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":""}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"b"}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"../../a"}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"a' or '1'='1"}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"a\n"}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":["a"]}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"b","kid":"a"}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"a","jku":"https://evil.example/"}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"a","x5u":"https://evil.example/"}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"a","jwk":{"kty":"OKP"}}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"a","crit":["exp"]}"#,
            r#"{"typ":"at+jwt","alg":"EdDSA","kid":"a","b64":false}"#,
        ] {
            assert!(!accepted(&signed(bad, &payload())), "{bad}");
        }
    }

    #[test]
    fn the_public_key_is_no_shared_secret() {
        let header = header().replace("EdDSA", "HS256");
        let message = unsigned(&header, &payload());
        let public = SigningKey::from_bytes(&SEED).verifying_key();
        let mut mac = Hmac::<Sha256>::new_from_slice(public.as_bytes()).unwrap();
        mac.update(message.as_bytes());
        let seal = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
        assert!(!accepted(&format!("{message}.{seal}")));
    }

    #[test]
    fn every_claim_is_needed_and_of_its_type() {
        let exp = format!("{}", NOW.as_millis() / 1_000 + 900);
        for (part, instead) in [
            (r#""iss":"pinwire","#, ""),
            (r#""aud":"pinwire","#, ""),
            (r#""sub":"5","#, ""),
            (r#""sid":"6","#, ""),
            (r#""scope":"pins:read","#, ""),
            (r#""iss":"pinwire""#, r#""iss":"other""#),
            (r#""iss":"pinwire""#, r#""iss":["pinwire"]"#),
            (r#""aud":"pinwire""#, r#""aud":"other""#),
            (r#""sub":"5""#, r#""sub":"-5""#),
            (r#""sub":"5""#, r#""sub":5"#),
            (r#""sub":"5""#, r#""sub":"5","sub":"7""#),
            (r#""sid":"6""#, r#""sid":"x""#),
            (r#""iat":1"#, r#""nbf":99999999999,"iat":1"#),
            (r#","exp":"#, r#","exp2":"#),
            (exp.as_str(), "\"1795407300\""),
            (exp.as_str(), "1795407300.5"),
            (exp.as_str(), "9223372036854775808"),
            (exp.as_str(), "9223372036854775807"),
            (exp.as_str(), "-1"),
            (exp.as_str(), "null"),
        ] {
            let changed = payload().replacen(part, instead, 1);
            assert_ne!(changed, payload(), "{part}");
            assert!(!accepted(&signed(&header(), &changed)), "{changed}");
        }
    }

    #[test]
    fn what_is_not_a_token_of_three_parts_is_refused() {
        let valid = valid();
        let (message, signature) = valid.rsplit_once('.').unwrap();
        for bad in [
            String::new(),
            "..".into(),
            message.to_owned(),
            format!("{message}."),
            format!("{valid}."),
            format!("{valid}.x"),
            format!("{valid}="),
            format!("{valid} "),
            format!("{valid}\n"),
            format!("{message}.{}", &signature[1..]),
            format!("{message}.{}", "A".repeat(signature.len())),
            valid.replacen('.', "..", 1),
            "x".repeat(TOKEN_MAX + 1),
            format!(
                r#"{{"payload":"{}","signatures":[]}}"#,
                URL_SAFE_NO_PAD.encode(payload())
            ),
        ] {
            assert!(!accepted(&bad), "{bad}");
        }
    }

    #[test]
    fn every_refusal_answers_alike() {
        let refused = |token: &str| {
            let error = tokens().verify(token, NOW).unwrap_err();
            (error.reason(), error.message().to_owned())
        };
        let expired = tokens()
            .verify(&valid(), NOW.plus_millis(ACCESS_TOKEN_MS * 2))
            .unwrap_err();
        assert_eq!(
            refused("x"),
            (expired.reason(), expired.message().to_owned())
        );
        assert_eq!(
            refused("x"),
            refused(&signed(&header().replace("EdDSA", "none"), &payload()))
        );
    }
}
