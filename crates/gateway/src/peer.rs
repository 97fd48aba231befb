//! Where a request comes from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use actix_web::HttpRequest;
use ipnet::IpNet;

/// Names a hop of the way in requests that came through proxies, the nearest one last.
const FORWARDED: &str = "x-forwarded-for";

/// The address a request comes from: that of the peer, or where the peer is a trusted proxy, the last one
/// before the trusted proxies. What an untrusted peer says of others counts for nothing.
#[must_use]
pub fn address(request: &HttpRequest, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    // A listener that knows no addresses has one client.
    let mut nearest = request
        .peer_addr()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| {
            peer.ip().to_canonical()
        });
    let hops: Vec<&str> = request
        .headers()
        .get_all(FORWARDED)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    for hop in hops.into_iter().rev() {
        if !is_trusted(&nearest) {
            break;
        }
        let Ok(address) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        nearest = address.to_canonical();
    }
    nearest
}

/// The network that one client has: an IPv4 address, or the first half of an IPv6 address.
#[must_use]
pub const fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let first_half = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(first_half))
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn found(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut request = TestRequest::default().peer_addr(format!("{peer}:1").parse().unwrap());
        for value in forwarded {
            request = request.append_header((FORWARDED, *value));
        }
        let trusted: Vec<IpNet> = trusted.iter().map(|net| net.parse().unwrap()).collect();
        address(&request.to_http_request(), &trusted).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(found("192.0.2.1", &[], &[]), "192.0.2.1");
        assert_eq!(found("192.0.2.1", &["198.51.100.7"], &[]), "192.0.2.1");
        assert_eq!(
            found("192.0.2.1", &["198.51.100.7"], &["10.0.0.0/8"]),
            "192.0.2.1"
        );
        assert_eq!(
            found("10.1.2.3", &["198.51.100.7"], &["10.0.0.0/8"]),
            "198.51.100.7"
        );
        assert_eq!(found("10.1.2.3", &[], &["10.0.0.0/8"]), "10.1.2.3");
    }

    #[test]
    fn what_stands_before_the_last_untrusted_hop_may_be_invented() {
        let trusted = ["10.0.0.0/8"];
        let invented = ["203.0.113.9, 198.51.100.7, 10.9.9.9"];
        assert_eq!(found("10.1.2.3", &invented, &trusted), "198.51.100.7");
        let in_two = ["203.0.113.9", "198.51.100.7, 10.9.9.9"];
        assert_eq!(found("10.1.2.3", &in_two, &trusted), "198.51.100.7");
        assert_eq!(
            found("10.1.2.3", &["203.0.113.9, nonsense"], &trusted),
            "10.1.2.3"
        );
    }

    #[test]
    fn one_client_of_ipv6_has_half_of_an_address() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("192.0.2.1"), "192.0.2.1");
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(found("[::ffff:192.0.2.1]", &[], &[]), "192.0.2.1");
    }
}
