//! How often something may be tried. Requests are counted on each node, in memory: of so many nodes each gives its share,
//! by counting a request so many times. What could guess a password is counted exactly, in the database: over all nodes,
//! and when one starts anew; in memory before, so that a flood stays there.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::http::Method;
use actix_web::{HttpMessage, HttpRequest};
use governor::RateLimiter;
use governor::clock::{Clock, QuantaClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use ipnet::IpNet;
use pinwire_domain::UserId;
use pinwire_domain::quota::Quota;
use pinwire_storage::Store;

use crate::error::{ApiError, ApiResult, reasons};
use crate::peer;

/// Sign-ins and sign-ups a minute from one address, unless set otherwise.
pub const ATTEMPTS_PER_ADDRESS_DEFAULT: u32 = 60;
/// Sign-ins a minute to one account, unless set otherwise.
pub const ATTEMPTS_PER_ACCOUNT_DEFAULT: u32 = 10;
/// Requests a minute by one person that change something, unless set otherwise.
pub const WRITES_PER_USER_DEFAULT: u32 = 1_200;
/// Requests a minute by one person that read, unless set otherwise.
pub const READS_PER_USER_DEFAULT: u32 = 6_000;
/// Searches of one kind a minute by one person.
pub const SEARCHES_PER_USER: u32 = 120;

/// All limits here are by the minute.
const MINUTE_MS: i64 = 60_000;

type Limiter<K> = RateLimiter<K, DashMapStateStore<K>, QuantaClock, StateInformationMiddleware>;

/// A limit on what is told apart by keys.
struct Limit<K: Hash + Eq + Clone> {
    /// What the limit counts, for the error.
    what: &'static str,
    quota: Quota,
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
        let most = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        let limiter = RateLimiter::keyed(governor::Quota::per_minute(most)).with_middleware();
        let quota = Quota {
            most: most.get(),
            window_ms: MINUTE_MS,
        };
        Self {
            what,
            quota,
            limiter,
        }
    }

    /// Counts a try on one of so many nodes, and leaves for the answer's headers what is left.
    fn count(&self, request: &HttpRequest, key: &K, nodes: u32) -> ApiResult<()> {
        let (allowance, outcome) = self.check(key, nodes);
        tell(request, allowance);
        outcome
    }

    /// Counts a try on one of so many nodes: what is left, and whether it may be.
    fn check(&self, key: &K, nodes: u32) -> (Allowance, ApiResult<()>) {
        // With more nodes than tries, one try takes all.
        let nodes = nodes.clamp(1, self.quota.most);
        let each = NonZeroU32::new(nodes).unwrap_or(NonZeroU32::MIN);
        let Ok(checked) = self.limiter.check_key_n(key, each) else {
            let none = Allowance {
                limit: self.quota.most,
                remaining: 0,
                reset_s: 60,
            };
            return (none, Err(self.reached(self.quota.most, Duration::ZERO)));
        };
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
        let whole = quota.burst_size().get();
        let used = whole.saturating_sub(remaining);
        let allowance = Allowance {
            limit: whole / nodes,
            remaining: remaining / nodes,
            reset_s: whole_seconds(quota.replenish_interval() * used),
        };
        let outcome = match checked {
            Ok(_) => Ok(()),
            Err(_) => Err(self.reached(allowance.limit, wait)),
        };
        (allowance, outcome)
    }

    /// Counts the same over all nodes.
    async fn count_exactly(
        &self,
        store: &Store,
        request: &HttpRequest,
        key: String,
    ) -> ApiResult<()> {
        let counted = store.count_attempt(key, self.quota).await?;
        let (Ok(left) | Err(left)) = counted;
        let span = |ms: i64| Duration::from_millis(u64::try_from(ms).unwrap_or_default());
        let limit = self.quota.most;
        let allowance = Allowance {
            limit,
            remaining: left.tries,
            reset_s: whole_seconds(span(left.all_in_ms)),
        };
        tell(request, allowance);
        match counted {
            Ok(_) => Ok(()),
            Err(left) => Err(self.reached(limit, span(left.next_in_ms))),
        }
    }

    fn reached(&self, limit: u32, wait: Duration) -> ApiError {
        let message = format!("more than {limit} {} a minute", self.what);
        ApiError::new(reasons::RATE_LIMITED, message).retry_after_s(whole_seconds(wait).max(1))
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
    writes: Limit<UserId>,
    reads: Limit<UserId>,
    /// Nodes that share these limits.
    nodes: AtomicU32,
}

/// How many a minute.
#[derive(Debug, Clone, Copy)]
pub struct PerMinute {
    /// Sign-ins and sign-ups from one address.
    pub attempts_per_address: u32,
    /// Sign-ins to one account.
    pub attempts_per_account: u32,
    /// Requests by one person that change something.
    pub writes_per_user: u32,
    /// Requests by one person that read.
    pub reads_per_user: u32,
}

impl RateLimits {
    /// With so many a minute.
    #[must_use]
    pub fn new(per_minute: PerMinute, trusted_proxies: Vec<IpNet>) -> Self {
        let PerMinute {
            attempts_per_address,
            attempts_per_account,
            writes_per_user,
            reads_per_user,
        } = per_minute;
        Self {
            trusted_proxies,
            addresses: Limit::new("tries from one address", attempts_per_address),
            accounts: Limit::new("tries for one account", attempts_per_account),
            searches: Limit::new("searches by one person", SEARCHES_PER_USER),
            writes: Limit::new("changes by one person", writes_per_user),
            reads: Limit::new("reads by one person", reads_per_user),
            nodes: AtomicU32::new(1),
        }
    }

    /// Gives this node its share, one of so many.
    pub fn share_among(&self, nodes: u32) {
        self.nodes.store(nodes.max(1), Ordering::Relaxed);
    }

    fn nodes(&self) -> u32 {
        self.nodes.load(Ordering::Relaxed)
    }

    /// Counts a request with a token.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub fn request(&self, request: &HttpRequest, user: UserId) -> ApiResult<()> {
        let limit = self.by_method(request.method());
        limit.count(request, &user, self.nodes())
    }

    /// Counts a frame that does what a request of this method does.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub fn frame(&self, method: &Method, user: UserId) -> ApiResult<()> {
        self.by_method(method).check(&user, self.nodes()).1
    }

    fn by_method(&self, method: &Method) -> &Limit<UserId> {
        match *method {
            Method::GET | Method::HEAD => &self.reads,
            _ => &self.writes,
        }
    }

    /// Counts a sign-in, sign-up or other try that costs a password hash, by the request's address.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub async fn try_from_address(&self, store: &Store, request: &HttpRequest) -> ApiResult<()> {
        let key = format!("address {}", self.count_address(request)?);
        self.addresses.count_exactly(store, request, key).await
    }

    fn count_address(&self, request: &HttpRequest) -> ApiResult<IpAddr> {
        let network = peer::network(peer::address(request, &self.trusted_proxies));
        self.addresses.count(request, &network, 1)?;
        Ok(network)
    }

    /// Counts a try to give the password of an account; where there is none, that of the name that was given.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub async fn try_for_account(
        &self,
        store: &Store,
        request: &HttpRequest,
        (account, login): (Option<UserId>, &str),
    ) -> ApiResult<()> {
        let key = match self.count_account(request, account, login)? {
            Named::Known(user) => format!("account {user}"),
            Named::Unknown(name) => format!("name {name}"),
        };
        self.accounts.count_exactly(store, request, key).await
    }

    fn count_account(
        &self,
        request: &HttpRequest,
        account: Option<UserId>,
        login: &str,
    ) -> ApiResult<Named> {
        let unknown = || Named::Unknown(login.trim().to_lowercase());
        let named = account.map_or_else(unknown, Named::Known);
        self.accounts.count(request, &named, 1)?;
        Ok(named)
    }

    /// Counts a search.
    ///
    /// # Errors
    /// 429 with the time to wait.
    pub fn search(&self, request: &HttpRequest, what: Searched, user: UserId) -> ApiResult<()> {
        self.searches.count(request, &(what, user), self.nodes())
    }

    /// Forgets keys that have their whole limit again.
    pub fn forget_idle(&self) {
        self.addresses.limiter.retain_recent();
        self.accounts.limiter.retain_recent();
        self.searches.limiter.retain_recent();
        self.writes.limiter.retain_recent();
        self.reads.limiter.retain_recent();
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

    fn limits(attempts_per_address: u32, attempts_per_account: u32) -> RateLimits {
        let per_minute = PerMinute {
            attempts_per_address,
            attempts_per_account,
            writes_per_user: 4,
            reads_per_user: 12,
        };
        RateLimits::new(per_minute, Vec::new())
    }

    #[test]
    fn a_node_gives_its_share_of_the_whole() {
        let limits = limits(1, 1);
        let ask = |user: i64| {
            let request = TestRequest::post().to_http_request();
            let asked = limits.request(&request, UserId::new(user));
            let told = request.extensions().get::<Allowance>().copied();
            let told = told.expect("what is left");
            asked.is_ok().then_some((told.limit, told.remaining))
        };
        let alone: Vec<_> = (0..5).map(|_| ask(1)).collect();
        assert_eq!(
            alone,
            [Some((4, 3)), Some((4, 2)), Some((4, 1)), Some((4, 0)), None]
        );
        limits.share_among(2);
        let of_two: Vec<_> = (0..3).map(|_| ask(2)).collect();
        assert_eq!(of_two, [Some((2, 1)), Some((2, 0)), None]);
        limits.share_among(9);
        assert_eq!([ask(3), ask(3)], [Some((1, 0)), None]);
        // A frame counts as what it does.
        assert!(limits.frame(&Method::PUT, UserId::new(3)).is_err());
        assert!(limits.frame(&Method::GET, UserId::new(3)).is_ok());
        assert!(limits.frame(&Method::PUT, UserId::new(4)).is_ok());
        assert_eq!(ask(4), None);
        let reads = TestRequest::get().to_http_request();
        assert!(
            limits.request(&reads, UserId::new(1)).is_ok(),
            "counted apart"
        );
    }

    #[test]
    fn a_limit_at_its_bound_passes_and_one_past_it_does_not() {
        let limits = limits(3, 2);
        for _ in 0..3 {
            assert!(limits.count_address(&request("192.0.2.1")).is_ok());
        }
        let one_past = request("192.0.2.1");
        let error = limits.count_address(&one_past).unwrap_err();
        assert_eq!(error.reason(), reasons::RATE_LIMITED);
        assert_eq!(
            error.message(),
            "more than 3 tries from one address a minute"
        );
        assert!(
            limits.count_address(&request("192.0.2.2")).is_ok(),
            "another address"
        );

        for _ in 0..2 {
            assert!(
                limits
                    .count_account(&request("192.0.2.3"), None, "Ana ")
                    .is_ok()
            );
        }
        assert!(
            limits
                .count_account(&request("192.0.2.4"), None, "ana")
                .is_err()
        );
        assert!(
            limits
                .count_account(&request("192.0.2.4"), None, "bo")
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
        let limits = limits(60, 10);
        let told = |request: &HttpRequest| request.extensions().get::<Allowance>().copied();
        let first = request("192.0.2.1");
        assert_eq!(told(&first), None);
        limits.count_address(&first).unwrap();
        assert_eq!(
            told(&first),
            Some(Allowance {
                limit: 60,
                remaining: 59,
                reset_s: 1
            })
        );
        limits.count_account(&first, None, "ana").unwrap();
        assert_eq!(
            told(&first),
            Some(Allowance {
                limit: 10,
                remaining: 9,
                reset_s: 6
            })
        );
        for _ in 0..9 {
            limits.count_account(&first, None, "ana").unwrap();
        }
        let last = request("192.0.2.1");
        limits.count_account(&last, None, "ana").unwrap_err();
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
        let limits = limits(60_000, 10);
        limits.count_address(&request("192.0.2.1")).unwrap();
        limits
            .count_account(&request("192.0.2.1"), None, "ana")
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
