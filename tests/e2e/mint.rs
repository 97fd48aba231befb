//! Access tokens made by hand, with the key that the nodes use or with another one.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use pinwire_tests::{Database, Person, Value, World, json};

/// What stands before the seed of an Ed25519 key in PKCS #8 (RFC 8410).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Seconds since 1970.
pub(crate) fn now_s() -> u64 {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// Makes tokens that begin as copies of a real one.
pub(crate) struct Mint {
    /// The claims of the real token.
    pub(crate) claims: Value,
    /// The header of the real token.
    pub(crate) header: Value,
    seed: Vec<u8>,
}

impl Mint {
    /// With the nodes' own key and a person's present token.
    pub(crate) fn of(world: &World, person: &Person) -> Self {
        let token = person.api.token.as_deref().unwrap();
        let parts: Vec<_> = token.split('.').collect();
        let read =
            |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        let secret = match world.database {
            Database::Sqlite(_) => "hex(secret)",
            Database::Postgres { .. } => "encode(secret, 'hex')",
        };
        let sql = format!("select {secret} from signing_keys where purpose = 'access_token'");
        let hex = world.database.rows(&sql)[0][0].clone();
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        Self {
            header: read(parts[0]),
            claims: read(parts[1]),
            seed: (0..hex.len()).step_by(2).map(byte).collect(),
        }
    }

    /// A token with some claims changed.
    pub(crate) fn signs(&self, changed: &Value) -> String {
        self.signs_with(&json!({}), changed)
    }

    /// A token with some fields of the header and some claims changed; null takes one away.
    pub(crate) fn signs_with(&self, header: &Value, changed: &Value) -> String {
        let header = merged(&self.header, header);
        let mut typed = Header::new(Algorithm::EdDSA);
        typed.typ = header["typ"].as_str().map(str::to_owned);
        typed.kid = header["kid"].as_str().map(str::to_owned);
        typed.jku = header["jku"].as_str().map(str::to_owned);
        let der: Vec<u8> = PKCS8_PREFIX.iter().chain(&self.seed).copied().collect();
        let claims = merged(&self.claims, changed);
        jsonwebtoken::encode(&typed, &claims, &EncodingKey::from_ed_der(&der)).unwrap()
    }

    /// With another key of the same name.
    pub(crate) fn forges(&self) -> String {
        let seed = self.seed.iter().map(|byte| byte ^ 1).collect();
        let forger = Self {
            header: self.header.clone(),
            claims: self.claims.clone(),
            seed,
        };
        forger.signs(&json!({}))
    }

    /// Put together from any header and signature.
    pub(crate) fn assembles(&self, header: &Value, signature: &[u8]) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = merged(&self.header, header);
        let signature = URL_SAFE_NO_PAD.encode(signature);
        format!("{}.{}.{signature}", part(&header), part(&self.claims))
    }

    /// Signed with HMAC, the public key being the secret: an old trick.
    pub(crate) fn signs_by_hmac(&self) -> String {
        let mut header = Header::new(Algorithm::HS256);
        header.typ = self.header["typ"].as_str().map(str::to_owned);
        header.kid = self.header["kid"].as_str().map(str::to_owned);
        jsonwebtoken::encode(&header, &self.claims, &EncodingKey::from_secret(&self.seed)).unwrap()
    }
}

fn merged(base: &Value, changed: &Value) -> Value {
    let mut fields = base.as_object().unwrap().clone();
    for (name, value) in changed.as_object().unwrap() {
        if value.is_null() {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
    Value::Object(fields)
}
