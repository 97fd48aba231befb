//! What a node says when it has started: where its documents are, and how to send a first pin.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The lines between the address and the end work as they stand in any POSIX shell with curl and sed.
const TEXT: &str = r#"Pinwire listens on http://{address}

  documents   http://{address}/docs and http://{address}/openapi.json

A first pin, from Ana to Bo (paste into a shell):

  at=http://{address}/v5 json='Content-Type: application/json'
  curl -sS -w '\n' $at/accounts -H "$json" -d '{"username": "ana", "full_name": "Ana Lopes", "email": "ana@example.com", "password": "a blue door"}'
  curl -sS -w '\n' $at/accounts -H "$json" -d '{"username": "bo_lind", "full_name": "Bo Lind", "email": "bo@example.com", "password": "a green door"}'
  token=$(curl -sS $at/oauth/token -d grant_type=password -d username=ana -d 'password=a blue door' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  pin=$(curl -sS $at/pins -H "Authorization: Bearer $token" -H "$json" -d '{"title": "Blue door", "media_source": {"source_type": "image_url", "url": "https://example.com/door.jpg"}}' | sed 's/^{"id":"\([0-9]*\)".*/\1/')
  curl -sS -w '\n' $at/pins/$pin/send -H "Authorization: Bearer $token" -H "$json" -d '{"recipients": [{"username": "bo_lind"}], "mode": "separate", "text": "For the hall?"}'

Ctrl-C ends it. All settings: pinwire --help"#;

/// The text for a node that listens on this address.
#[must_use]
pub fn text(address: SocketAddr) -> String {
    TEXT.replace("{address}", &reachable(address).to_string())
}

/// An address to type: a node that listens on every address is there on the machine's own.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_can_be_typed() {
        let shown = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(shown("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(shown("[::]:8080"), "[::1]:8080");
        assert_eq!(shown("192.0.2.1:80"), "192.0.2.1:80");
        assert!(!text("192.0.2.1:80".parse().unwrap()).contains("{address}"));
    }
}
