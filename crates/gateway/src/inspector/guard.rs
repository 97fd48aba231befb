//! Which addresses the server may connect to on behalf of somebody else: those of the public internet alone, so that
//! nobody reaches by it what is inside (server-side request forgery).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;

use hyper_util::client::legacy::connect::dns::Name;
use ipnet::IpNet;
use tower_service::Service;
use url::{Host, Url};

/// Networks of version 4 that are not of the public internet, by the
/// [IANA registry](https://www.iana.org/assignments/iana-ipv4-special-registry): their first address and prefix.
const NOT_PUBLIC_V4: [(Ipv4Addr, u8); 17] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The public network of version 6; what holds an address of version 4 lies outside it, but 6to4 and Teredo.
const PUBLIC_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// Networks in it that are not public, by the
/// [IANA registry](https://www.iana.org/assignments/iana-ipv6-special-registry).
const NOT_PUBLIC_V6: [(Ipv6Addr, u8); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// The lowest port of those that anybody may listen on; below it only the web's own are asked.
const FREE_PORTS: u16 = 1_024;

fn is_within(address: IpAddr, (first, prefix): (IpAddr, u8)) -> bool {
    IpNet::new(first, prefix).is_ok_and(|network| network.contains(&address))
}

/// Finds the addresses of a name.
pub trait Lookup: Send + Sync + 'static {
    /// The addresses, with any port.
    fn find(&self, name: String) -> impl Future<Output = io::Result<Vec<SocketAddr>>> + Send;
}

/// As this machine finds them.
#[derive(Debug, Clone, Copy)]
pub struct System;

impl Lookup for System {
    async fn find(&self, name: String) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.collect())
    }
}

/// What may be connected to.
#[derive(Debug, Clone)]
pub struct Guard {
    /// Networks that may be, though they are not public.
    allowed: Arc<[IpNet]>,
}

impl Guard {
    /// With these networks beside the public ones.
    #[must_use]
    pub fn new(allowed: &[IpNet]) -> Self {
        Self {
            allowed: allowed.into(),
        }
    }

    /// Whether an address may be connected to.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if self
            .allowed
            .iter()
            .any(|network| network.contains(&address))
        {
            return true;
        }
        match address {
            IpAddr::V4(_) => {
                let mut networks = NOT_PUBLIC_V4.iter();
                !networks.any(|(first, prefix)| is_within(address, (IpAddr::V4(*first), *prefix)))
            }
            IpAddr::V6(_) => {
                let (first, prefix) = PUBLIC_V6;
                let mut networks = NOT_PUBLIC_V6.iter();
                is_within(address, (IpAddr::V6(first), prefix))
                    && !networks
                        .any(|(first, prefix)| is_within(address, (IpAddr::V6(*first), *prefix)))
            }
        }
    }

    /// Whether a request to this address may be tried; of a name, the addresses are seen to when it is resolved.
    #[must_use]
    pub fn admits(&self, url: &Url) -> bool {
        let is_web = matches!(url.scheme(), "http" | "https");
        let port = url.port_or_known_default().unwrap_or_default();
        let host = match url.host() {
            Some(Host::Ipv4(address)) => self.allows(address.into()),
            Some(Host::Ipv6(address)) => self.allows(address.into()),
            Some(Host::Domain(name)) => !name.is_empty(),
            None => false,
        };
        is_web && host && (matches!(port, 80 | 443) || port >= FREE_PORTS)
    }
}

/// A resolver that gives only addresses which may be connected to, so that what was checked is what is connected to.
#[derive(Debug)]
pub struct GuardedResolver<L> {
    guard: Guard,
    lookup: Arc<L>,
}

impl<L: Lookup> GuardedResolver<L> {
    /// Of what `lookup` finds, what `guard` allows.
    pub fn new(guard: Guard, lookup: L) -> Self {
        Self {
            guard,
            lookup: Arc::new(lookup),
        }
    }
}

impl<L> Clone for GuardedResolver<L> {
    fn clone(&self) -> Self {
        Self {
            guard: self.guard.clone(),
            lookup: Arc::clone(&self.lookup),
        }
    }
}

impl<L: Lookup> Service<Name> for GuardedResolver<L> {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { guard, lookup } = self.clone();
        Box::pin(async move {
            let found = lookup.find(name.as_str().to_owned()).await?;
            if found.is_empty() || found.iter().any(|it| !guard.allows(it.ip())) {
                return Err(io::Error::other("not of the public internet"));
            }
            Ok(found.into_iter())
        })
    }
}

#[cfg(test)]
mod tests;
