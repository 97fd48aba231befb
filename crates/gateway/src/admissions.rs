//! Access tokens that were found good, so that the next request neither checks the signature nor asks the database.
//!
//! An entry is of use until the person signs out somewhere, as this node's tail of the log tells, and for
//! [`KEPT_MS`] at most.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use pinwire_domain::{Time, UserId};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use crate::auth::Caller;

/// Tokens that are remembered; each takes about 200 bytes.
const TOKENS_MAX: usize = 50_000;
/// How long a token is trusted without asking again.
const KEPT_MS: i64 = 60_000;
/// Counters of sign-outs; people who share one only make each other's tokens be asked for again.
const COUNTERS: usize = 1_024;

/// SHA-256 of a token, so that no token stays in memory.
type Fingerprint = [u8; 32];

#[derive(Clone)]
struct Admission {
    caller: Caller,
    stamp: Stamp,
    until: Time,
}

/// A person's sign-outs up to a moment. Take it before asking whether a session is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp(u64);

/// The tokens that were found good.
pub struct Admissions {
    known: Cache<Fingerprint, Admission>,
    sign_outs: Vec<AtomicU64>,
}

impl Default for Admissions {
    fn default() -> Self {
        Self {
            known: Cache::new(TOKENS_MAX),
            sign_outs: (0..COUNTERS).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Admissions {
    /// Whom a token stands for, if it was found good and nothing happened since.
    #[must_use]
    pub fn get(&self, token: &str, now: Time) -> Option<Caller> {
        let fingerprint = fingerprint(token);
        let admission = self.known.get(&fingerprint)?;
        let good = now < admission.until && self.stamp(admission.caller.user) == admission.stamp;
        if !good {
            self.known.remove(&fingerprint);
            return None;
        }
        Some(admission.caller)
    }

    /// Remembers a token that was found good; `stamp` was taken before that was asked.
    pub fn put(&self, token: &str, caller: &Caller, stamp: Stamp, now: Time) {
        let admission = Admission {
            caller: caller.clone(),
            stamp,
            until: now.plus_millis(KEPT_MS).min(caller.expires_at),
        };
        self.known.insert(fingerprint(token), admission);
    }

    /// The person's sign-outs up to now.
    #[must_use]
    pub fn stamp(&self, user: UserId) -> Stamp {
        Stamp(self.counter(user).map_or(0, |c| c.load(Ordering::Acquire)))
    }

    /// Someone signed out of a session, or was signed out.
    pub fn signed_out(&self, user: UserId) {
        if let Some(counter) = self.counter(user) {
            counter.fetch_add(1, Ordering::AcqRel);
        }
    }

    fn counter(&self, user: UserId) -> Option<&AtomicU64> {
        let mut hasher = DefaultHasher::new();
        user.hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % COUNTERS as u64).ok()?;
        self.sign_outs.get(place)
    }
}

fn fingerprint(token: &str) -> Fingerprint {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use pinwire_domain::SessionId;
    use pinwire_domain::token::Scope;

    use super::*;

    const NOW: Time = Time::from_millis(1_000);

    fn caller(ends: Time) -> Caller {
        Caller {
            user: UserId::new(1),
            session: SessionId::new(2),
            scopes: vec![Scope::PinsRead],
            expires_at: ends,
        }
    }

    fn admitted(ends: Time) -> Admissions {
        let admissions = Admissions::default();
        let stamp = admissions.stamp(UserId::new(1));
        admissions.put("token", &caller(ends), stamp, NOW);
        admissions
    }

    #[test]
    fn a_token_is_known_until_its_person_signs_out() {
        let admissions = admitted(NOW.plus_millis(3_600_000));
        assert!(admissions.get("token", NOW).is_some());
        assert!(admissions.get("other", NOW).is_none());
        admissions.signed_out(UserId::new(1));
        assert!(admissions.get("token", NOW).is_none());
    }

    #[test]
    fn a_sign_out_while_the_token_is_asked_about_is_not_missed() {
        let admissions = Admissions::default();
        let stamp = admissions.stamp(UserId::new(1));
        admissions.signed_out(UserId::new(1));
        admissions.put("token", &caller(NOW.plus_millis(3_600_000)), stamp, NOW);
        assert!(admissions.get("token", NOW).is_none());
    }

    #[test]
    fn a_token_is_trusted_for_a_minute_and_not_beyond_its_end() {
        let admissions = admitted(NOW.plus_millis(3_600_000));
        assert!(
            admissions
                .get("token", NOW.plus_millis(KEPT_MS - 1))
                .is_some()
        );
        assert!(admissions.get("token", NOW.plus_millis(KEPT_MS)).is_none());
        let short = admitted(NOW.plus_millis(500));
        assert!(short.get("token", NOW.plus_millis(499)).is_some());
        assert!(short.get("token", NOW.plus_millis(500)).is_none());
    }
}
