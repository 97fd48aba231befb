//! Following a link through its redirects.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, LOCATION, USER_AGENT};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::Empty;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use ipnet::IpNet;
use pinwire_domain::limits;
use pinwire_domain::link::judge::Journey;
use tokio::time::timeout;
use url::Url;

use super::guard::{Guard, GuardedResolver, Lookup, System};

/// How long a journey may take as a whole.
const JOURNEY_MAX: Duration = Duration::from_secs(5);
/// What the server calls itself.
const NAME: &str = concat!("Pinwire/", env!("CARGO_PKG_VERSION"), " (link check)");

type Connector<L> = HttpsConnector<HttpConnector<GuardedResolver<L>>>;

/// Who follows links: without cookies, credentials and proxies, and reading no more of an answer than its head.
#[derive(Clone)]
pub struct Traveller<L = System> {
    client: Client<Connector<L>, Empty<Bytes>>,
    guard: Guard,
}

/// What one step of a journey found.
enum Step {
    /// Another address.
    Redirect(String),
    /// The end.
    End,
    /// Nothing: it cannot be reached, or must not be.
    Unreachable,
}

impl Traveller {
    /// Who may reach these networks beside the public ones.
    #[must_use]
    pub fn new(networks: &[IpNet]) -> Self {
        Self::with_lookup(networks, System)
    }
}

impl<L: Lookup> Traveller<L> {
    /// The same, with names found by `lookup`.
    pub fn with_lookup(networks: &[IpNet], lookup: L) -> Self {
        let guard = Guard::new(networks);
        let resolver = GuardedResolver::new(guard.clone(), lookup);
        let mut connector = HttpConnector::new_with_resolver(resolver);
        connector.enforce_http(false);
        let connector = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_max_idle_per_host(0)
            .build(connector);
        Self { client, guard }
    }

    /// Follows a link as far as [`limits::REDIRECTS_MAX`] redirects, five seconds and the public internet go.
    pub async fn follow(&self, link: &str) -> Journey {
        let mut journey = Journey::default();
        let travelled = timeout(JOURNEY_MAX, self.travel(link, &mut journey)).await;
        journey.is_unreachable = !travelled.unwrap_or(false);
        journey
    }

    /// Whether the end was reached, or one redirect more than are followed.
    async fn travel(&self, link: &str, journey: &mut Journey) -> bool {
        let mut here = link.to_owned();
        loop {
            match self.step(&here).await {
                Step::Unreachable => return false,
                Step::End => return true,
                Step::Redirect(next) => {
                    journey.redirects.push(next.clone());
                    if journey.redirects.len() > limits::REDIRECTS_MAX {
                        return true;
                    }
                    here = next;
                }
            }
        }
    }

    async fn step(&self, address: &str) -> Step {
        let Ok(mut url) = Url::parse(address) else {
            return Step::Unreachable;
        };
        // Nobody's name and password are sent on; an address without a host has none.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        if !self.guard.admits(&url) {
            return Step::Unreachable;
        }
        let request = Request::get(url.as_str())
            .header(USER_AGENT, NAME)
            .header(ACCEPT, "*/*")
            .body(Empty::new());
        let Ok(request) = request else {
            return Step::Unreachable;
        };
        match self.client.request(request).await {
            Ok(answer) => redirect(&url, answer.status(), answer.headers()),
            Err(_) => Step::Unreachable,
        }
    }
}

/// Where an answer leads.
fn redirect(url: &Url, status: StatusCode, headers: &HeaderMap) -> Step {
    let is_redirect = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let Some(location) = headers.get(LOCATION).filter(|_| is_redirect) else {
        return Step::End;
    };
    let next = location.to_str().ok().and_then(|it| url.join(it).ok());
    match next {
        Some(next) if next.as_str().len() <= limits::LINK_MAX => Step::Redirect(next.into()),
        _ => Step::Unreachable,
    }
}
