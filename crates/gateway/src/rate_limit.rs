//! How often something may be tried: counted on each node, in memory.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::{HttpMessage, HttpRequest};
use governor::clock::{Clock, QuantaClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use ipnet::IpNet;
use pinwire_domain::UserId;

use crate::error::{ApiError, ApiResult, reasons};
use crate::peer;

/// Sign-ins and sign-ups a minute from one address, unless set otherwise.
pub const ATTEMPTS_PER_ADDRESS_DEFAULT: u32 = 60;
/// Sign-ins a minute to one account, unless set otherwise.
pub const ATTEMPTS_PER_ACCOUNT_DEFAULT: u32 = 10;
/// Searches of one kind a minute by one person.
pub const SEARCHES_PER_USER: u32 = 120;

type Limiter<K> = RateLimiter<K, DashMapStateStore<K>, QuantaClock, StateInformationMiddleware>;

/// A limit on what is told apart by keys.
struct Limit<K: Hash + Eq + Clone> {
    /// What the limit counts, for the error.
    what: &'static str,
    limiter: Limiter<K>,
}

/// How much of a limit is left after a request; the answer says it in its headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Requests a minute.
    pub limit: u32,
    /// Requests left at once.
    pub remaining: u32,
    /// Seconds until all of the limit is there again.
    pub reset_s: u64,
}

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(what: &'static str, per_minute: u32) -> Self {
        // A setting of 0 is refused where settings are read.
        let quota = Quota::per_minute(NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN));
        let limiter = RateLimiter::keyed(quota).with_middleware();
        Self { what, limiter }
    }

    /// Counts a try and leaves for the answer's headers what is left.
    fn count(&self, request: &HttpRequest, key: &K) -> ApiResult<()> {
        let checked = self.limiter.check_key(key);
        let (quota, remaining, wait) = match &checked {
            Ok(left) => (
                left.quota(),
                left.remaining_burst_capacity(),
                Duration::ZERO,
            ),
            Err(until) => {
                let wait = until.wait_time_from(self.limiter.clock().now());
                (until.quota(), 0, wait)
            }
        };
        let limit = quota.burst_size().get();
        let used = limit.saturating_sub(remaining);
        let allowance = Allowance {
            limit,
            remaining,
            reset_s: whole_seconds(quota.replenish_interval() * used),
        };
        tell(request, allowance);
        if checked.is_ok() {
            return Ok(());
        }
        let message = format!("more than {limit} {} a minute", self.what);
        Err(ApiError::new(reasons::RATE_LIMITED, message).retry_after_s(whole_seconds(wait).max(1)))
    }
}

/// Rounded up.
fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// Of several limits the one with the least left is told.
fn tell(request: &HttpRequest, allowance: Allowance) {
    let mut told = request.extensions_mut();
    let least = told
        .get::<Allowance>()
        .is_none_or(|known| allowance.remaining < known.remaining);
    if least {
        told.insert(allowance);
    }
}

/// Who is named at a sign-in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Named {
    Known(UserId),
    Unknown(String),
}

/// What is searched: each kind is counted apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Searched {
    /// People.
    People,
    /// Messages.
    Messages,
}

/// The limits of a node.
pub struct RateLimits {
    trusted_proxies: Vec<IpNet>,
    addresses: Limit<IpAddr>,
    accounts: Limit<Named>,
    searches: Limit<(Searched, UserId)>,
}

impl RateLimits {
    /// With tries a minute for one address and for one account.
    #[must_use]
    pub fn new(per_address: u32, per_account: u32, trusted_proxies: Vec<IpNet>) -> Self {
        Self {
            trusted_proxies,
            addresses: Limit::new("tries from one address", per_address),
            accounts: Limit::new("tries for one account", per_account),
            searches: Limit::new("searches by one person", SEARCHES_PER_USER),
        }
    }

    /// Counts a sign-in, sign-up or other try that costs a password hash, by the request's address.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub fn try_from_address(&self, request: &HttpRequest) -> ApiResult<()> {
        let address = peer::address(request, &self.trusted_proxies);
        self.addresses.count(request, &peer::network(address))
    }

    /// Counts a try to give the password of an account; where there is none, that of the name that was given.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub fn try_for_account(
        &self,
        request: &HttpRequest,
        account: Option<UserId>,
        login: &str,
    ) -> ApiResult<()> {
        let unknown = || Named::Unknown(login.trim().to_lowercase());
        let named = account.map_or_else(unknown, Named::Known);
        self.accounts.count(request, &named)
    }

    /// Counts a search.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub fn search(&self, request: &HttpRequest, what: Searched, user: UserId) -> ApiResult<()> {
        self.searches.count(request, &(what, user))
    }

    /// Forgets keys that have their whole limit again.
    pub fn forget_idle(&self) {
        self.addresses.limiter.retain_recent();
        self.accounts.limiter.retain_recent();
        self.searches.limiter.retain_recent();
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn request(peer: &str) -> HttpRequest {
        TestRequest::default()
            .peer_addr(format!("{peer}:1").parse().unwrap())
            .to_http_request()
    }

    #[test]
    fn a_limit_at_its_bound_passes_and_one_past_it_does_not() {
        let limits = RateLimits::new(3, 2, Vec::new());
        for _ in 0..3 {
            assert!(limits.try_from_address(&request("192.0.2.1")).is_ok());
        }
        let one_past = request("192.0.2.1");
        let error = limits.try_from_address(&one_past).unwrap_err();
        assert_eq!(error.reason(), reasons::RATE_LIMITED);
        assert_eq!(
            error.message(),
            "more than 3 tries from one address a minute"
        );
        assert!(
            limits.try_from_address(&request("192.0.2.2")).is_ok(),
            "another address"
        );

        for _ in 0..2 {
            assert!(
                limits
                    .try_for_account(&request("192.0.2.3"), None, "Ana ")
                    .is_ok()
            );
        }
        assert!(
            limits
                .try_for_account(&request("192.0.2.4"), None, "ana")
                .is_err()
        );
        assert!(
            limits
                .try_for_account(&request("192.0.2.4"), None, "bo")
                .is_ok()
        );

        let searches = |what| limits.search(&request("192.0.2.1"), what, UserId::new(1));
        for _ in 0..SEARCHES_PER_USER {
            assert!(searches(Searched::People).is_ok());
        }
        assert!(searches(Searched::People).is_err());
        assert!(searches(Searched::Messages).is_ok(), "counted apart");
    }

    #[test]
    fn the_answer_tells_the_limit_with_the_least_left() {
        let limits = RateLimits::new(60, 10, Vec::new());
        let told = |request: &HttpRequest| request.extensions().get::<Allowance>().copied();
        let first = request("192.0.2.1");
        assert_eq!(told(&first), None);
        limits.try_from_address(&first).unwrap();
        assert_eq!(
            told(&first),
            Some(Allowance {
                limit: 60,
                remaining: 59,
                reset_s: 1
            })
        );
        limits.try_for_account(&first, None, "ana").unwrap();
        assert_eq!(
            told(&first),
            Some(Allowance {
                limit: 10,
                remaining: 9,
                reset_s: 6
            })
        );
        for _ in 0..9 {
            limits.try_for_account(&first, None, "ana").unwrap();
        }
        let last = request("192.0.2.1");
        limits.try_for_account(&last, None, "ana").unwrap_err();
        assert_eq!(
            told(&last),
            Some(Allowance {
                limit: 10,
                remaining: 0,
                reset_s: 60
            })
        );
    }

    #[test]
    fn keys_with_their_whole_limit_are_forgotten() {
        let limits = RateLimits::new(60_000, 10, Vec::new());
        limits.try_from_address(&request("192.0.2.1")).unwrap();
        limits
            .try_for_account(&request("192.0.2.1"), None, "ana")
            .unwrap();
        std::thread::sleep(Duration::from_millis(5));
        limits.forget_idle();
        assert_eq!(limits.addresses.limiter.len(), 0);
        assert_eq!(
            limits.accounts.limiter.len(),
            1,
            "it has not its whole limit yet"
        );
    }
}
