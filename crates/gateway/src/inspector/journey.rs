//! Following an address through its redirects.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, LOCATION, USER_AGENT};
use http::{Request, Response};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
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

/// Who follows addresses: without cookies, credentials and proxies, and reading of an answer its head alone, or as
/// much as a picture needs.
#[derive(Clone)]
pub struct Traveller<L = System> {
    client: Client<Connector<L>, Empty<Bytes>>,
    guard: Guard,
}

/// The beginning of a file.
#[derive(Debug)]
pub struct File {
    /// At most [`limits::PICTURE_BYTES_MAX`] bytes.
    pub bytes: Vec<u8>,
    /// Whether that is all of it.
    pub is_whole: bool,
}

/// What one step of a journey found.
enum Step {
    /// Another address.
    Redirect(String),
    /// The end, and its answer.
    End(Response<Incoming>),
    /// Nothing: it cannot be reached, or must not be.
    Unreachable,
}

/// Where a journey ended.
enum Arrival {
    /// At its end.
    There(Response<Incoming>),
    /// At one redirect more than are followed.
    TooFar,
    /// Nowhere.
    Nowhere,
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
        let mut redirects = Vec::new();
        let travelled = timeout(JOURNEY_MAX, self.travel(link, &mut redirects)).await;
        Journey {
            redirects,
            is_unreachable: matches!(travelled, Err(_) | Ok(Arrival::Nowhere)),
        }
    }

    /// The beginning of the file at an address, as far as the same bounds go.
    pub async fn fetch(&self, address: &str) -> Option<File> {
        let fetched = async {
            match self.travel(address, &mut Vec::new()).await {
                Arrival::There(answer) if answer.status().is_success() => {
                    Some(beginning(answer.into_body()).await)
                }
                Arrival::There(_) | Arrival::TooFar | Arrival::Nowhere => None,
            }
        };
        timeout(JOURNEY_MAX, fetched).await.ok().flatten()
    }

    /// Goes on to the end.
    async fn travel(&self, link: &str, redirects: &mut Vec<String>) -> Arrival {
        let mut here = link.to_owned();
        loop {
            match self.step(&here).await {
                Step::Unreachable => return Arrival::Nowhere,
                Step::End(answer) => return Arrival::There(answer),
                Step::Redirect(next) => {
                    redirects.push(next.clone());
                    if redirects.len() > limits::REDIRECTS_MAX {
                        return Arrival::TooFar;
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
            Ok(answer) => arrived(&url, answer),
            Err(_) => Step::Unreachable,
        }
    }
}

/// As much of a body as is read; of one that breaks off, what came before.
async fn beginning(mut body: Incoming) -> File {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            let is_whole = false;
            return File { bytes, is_whole };
        };
        let Some(data) = frame.data_ref() else {
            continue;
        };
        let room = limits::PICTURE_BYTES_MAX - bytes.len();
        bytes.extend(data.iter().take(room));
        if data.len() > room {
            let is_whole = false;
            return File { bytes, is_whole };
        }
    }
    let is_whole = true;
    File { bytes, is_whole }
}

/// Where an answer leads.
fn arrived(url: &Url, answer: Response<Incoming>) -> Step {
    let is_redirect = matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308);
    let location = answer.headers().get(LOCATION).filter(|_| is_redirect);
    let Some(location) = location else {
        return Step::End(answer);
    };
    let next = location.to_str().ok().and_then(|it| url.join(it).ok());
    match next {
        Some(next) if next.as_str().len() <= limits::LINK_MAX => Step::Redirect(next.into()),
        _ => Step::Unreachable,
    }
}
