//! No address of the inside is ever connected to, however it is written.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pinwire_domain::limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::inspector::journey::Traveller;

/// Hosts that are, or may lead, inside.
const INSIDE: &[&str] = &[
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7F.1",
    "0x7f.0x0.0x0.0x1",
    "0177.0.0.1",
    "017700000001",
    "0177.0x0.0.1",
    "127.0.0.1.",
    "127.127.127.127",
    "127.255.255.254",
    "0",
    "0.0.0.0",
    "0x0",
    "00",
    "0.1.2.3",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "sub.localhost",
    "127\u{3002}0\u{3002}0\u{3002}1",
    "127\u{ff0e}0\u{ff0e}0\u{ff0e}1",
    "127\u{ff61}0\u{ff61}0\u{ff61}1",
    "\u{2460}\u{2461}\u{2466}.0.0.1",
    "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
    "\u{ff12}\u{ff11}\u{ff13}0706433",
    "\u{1d7ed}27.0.0.1",
    "l\u{ad}ocalhost",
    "\u{24db}ocalhost",
    "loc\u{200b}alhost",
    "%31%32%37.0.0.1",
    "127%2e0%2e0%2e1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:7f00:0001]",
    "[::127.0.0.1]",
    "[::7f00:1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2002:7f00:0001::1]",
    "[2002:a00:1::]",
    "[2002:c0a8:101::]",
    "[2001::1]",
    "[2001:0:53aa:64c:0:0:0:1]",
    "[2001:db8::1]",
    "[2001:10::1]",
    "[2001:20::1]",
    "[fe80::1]",
    "[feb0::1]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[ff05::1:3]",
    "[100::1]",
    "[3fff::1]",
    "[::ffff:0:127.0.0.1]",
    "[::ffff:169.254.169.254]",
    "[::ffff:10.0.0.1]",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "169.254.170.2",
    "2852039166",
    "0xA9FEA9FE",
    "0251.0376.0251.0376",
    "169.254.43518",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "inside.test",
];

/// Addresses that are of the public internet.
const OUTSIDE: [&str; 12] = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.255.255",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450::1",
];

/// Finds names as the test says, and counts how often it is asked.
struct Names(Arc<AtomicUsize>);

const ALLOWED: &str = "127.0.0.2/32";

fn at(address: &str) -> SocketAddr {
    format!("{address}:0").parse().unwrap()
}

impl Lookup for Names {
    async fn find(&self, name: String) -> std::io::Result<Vec<SocketAddr>> {
        let asked = self.0.fetch_add(1, Ordering::SeqCst);
        Ok(match name.as_str() {
            "open.test" => vec![at("127.0.0.2")],
            "mixed.test" => vec![at("127.0.0.2"), at("127.0.0.1")],
            // Another address each time.
            "rebinding.test" if asked == 0 => vec![at("127.0.0.2")],
            "nowhere.test" => Vec::new(),
            _ => vec![at("127.0.0.1")],
        })
    }
}

/// Counts who connects.
async fn canary() -> (u16, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let v4 = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = v4.local_addr().unwrap().port();
    let v6 = TcpListener::bind(("::1", port)).await.ok();
    for listener in [Some(v4), v6].into_iter().flatten() {
        let count = Arc::clone(&count);
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    (port, count)
}

/// Answers every request with this head; gives its port on the address that is allowed.
async fn server(head: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.2:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4_096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(head.as_bytes()).await;
        }
    });
    port
}

fn traveller() -> (Traveller<Names>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let networks = [ALLOWED.parse().unwrap()];
    let names = Names(Arc::clone(&asked));
    (Traveller::with_lookup(&networks, names), asked)
}

const END: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

fn redirect(to: &str) -> String {
    format!(
        "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
}

#[test]
fn the_public_internet_alone_is_allowed() {
    let guard = Guard::new(&[]);
    for address in OUTSIDE {
        assert!(guard.allows(address.parse().unwrap()), "{address}");
    }
    assert!(!guard.allows("127.0.0.2".parse().unwrap()));
    let guard = Guard::new(&[ALLOWED.parse().unwrap()]);
    assert!(guard.allows("127.0.0.2".parse().unwrap()));
    assert!(guard.allows("::ffff:127.0.0.2".parse().unwrap()));
    assert!(!guard.allows("127.0.0.1".parse().unwrap()));
}

#[test]
fn only_the_webs_ports_and_those_of_anybody_are_asked() {
    let guard = Guard::new(&[]);
    let admits = |link: &str| guard.admits(&Url::parse(link).unwrap());
    for link in [
        "http://1.1.1.1/",
        "https://1.1.1.1/",
        "http://a.test:1024/",
        "http://a.test:443/",
    ] {
        assert!(admits(link), "{link}");
    }
    for link in [
        "http://1.1.1.1:22/",
        "http://a.test:1023/",
        "http://a.test:0/",
        "ftp://a.test/",
        "gopher://a.test:8080/",
        "file:///etc/passwd",
        "data:text/html,x",
        "javascript:alert(1)",
    ] {
        assert!(!admits(link), "{link}");
    }
}

#[tokio::test]
async fn nothing_inside_is_connected_to() {
    let (port, met) = canary().await;
    let (traveller, _) = traveller();
    assert!(INSIDE.len() >= 80);
    for host in INSIDE {
        for link in [
            format!("http://{host}:{port}/"),
            format!("http://user:pass@{host}:{port}/"),
        ] {
            let journey = traveller.follow(&link).await;
            assert!(journey.is_unreachable, "{link}");
            assert_eq!(journey.redirects, [""; 0], "{link}");
        }
        // The same behind a redirect.
        let inside = format!("http://{host}:{port}/");
        let Ok(inside) = Url::parse(&inside) else {
            continue;
        };
        let open = server(redirect(inside.as_str())).await;
        let journey = traveller.follow(&format!("http://open.test:{open}/")).await;
        assert!(journey.is_unreachable, "{host}");
        assert_eq!(journey.redirects, [inside.as_str()], "{host}");
    }
    assert_eq!(met.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn what_was_checked_is_what_is_connected_to() {
    let (_, met) = canary().await;
    let open = server(END.to_owned()).await;
    let (traveller, asked) = traveller();
    let link = format!("http://rebinding.test:{open}/");
    assert!(!traveller.follow(&link).await.is_unreachable);
    assert_eq!(
        asked.load(Ordering::SeqCst),
        1,
        "a second answer could differ"
    );
    assert!(traveller.follow(&link).await.is_unreachable);
    for name in ["mixed.test", "nowhere.test"] {
        let journey = traveller.follow(&format!("http://{name}:{open}/")).await;
        assert!(journey.is_unreachable, "{name}");
    }
    assert_eq!(met.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_journey_has_an_end() {
    let (traveller, _) = traveller();
    let end = server(END.to_owned()).await;
    let last = format!("http://open.test:{end}/end");
    let mut link = last.clone();
    for count in 1..=5 {
        link = format!("http://open.test:{}/", server(redirect(&link)).await);
        let journey = traveller.follow(&link).await;
        assert!(!journey.is_unreachable);
        assert_eq!(journey.redirects.len(), count);
        assert_eq!(journey.redirects.last(), Some(&last));
    }
    // One more than are followed.
    link = format!("http://open.test:{}/", server(redirect(&link)).await);
    assert_eq!(traveller.follow(&link).await.redirects.len(), 6);
    // Round and round; a relative address.
    let round = server(redirect("/again")).await;
    let journey = traveller
        .follow(&format!("http://open.test:{round}/x"))
        .await;
    assert_eq!(journey.redirects.len(), 6);
    assert_eq!(
        journey.redirects[0],
        format!("http://open.test:{round}/again")
    );
}

#[tokio::test]
async fn hostile_answers_end_the_journey() {
    let (traveller, _) = traveller();
    let long = format!("http://open.test/{}", "x".repeat(2_048));
    for head in [
        redirect("javascript:alert(1)"),
        redirect("file:///etc/passwd"),
        redirect("http://"),
        redirect(&long),
        redirect("\u{0}"),
        "HTTP/1.1 302 Found\r\nlocation: ".to_owned() + &"y".repeat(1 << 20),
        "garbage".to_owned(),
        String::new(),
    ] {
        let port = server(head.clone()).await;
        let journey = traveller.follow(&format!("http://open.test:{port}/")).await;
        assert!(
            journey.is_unreachable,
            "{}",
            head.chars().take(60).collect::<String>()
        );
    }
    // A body is not read, however long it says it is.
    let port = server("HTTP/1.1 200 OK\r\ncontent-length: 1000000000000\r\n\r\n".to_owned()).await;
    assert!(
        !traveller
            .follow(&format!("http://open.test:{port}/"))
            .await
            .is_unreachable
    );
}

#[tokio::test]
async fn of_a_file_no_more_is_read_than_a_picture_needs() {
    let (traveller, _) = traveller();
    let most = limits::PICTURE_BYTES_MAX;
    for (length, is_whole) in [(most, true), (most + 1, false)] {
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
        let port = server(head + &"x".repeat(length)).await;
        let address = format!("http://open.test:{port}/1.png");
        let file = traveller.fetch(&address).await.unwrap();
        assert_eq!((file.bytes.len(), file.is_whole), (most, is_whole));
    }
}

#[tokio::test]
async fn no_picture_is_read_inside() {
    let (port, met) = canary().await;
    let (traveller, _) = traveller();
    let inside = format!("http://127.0.0.1:{port}/1.png");
    let open = server(redirect(&inside)).await;
    for address in [
        inside,
        format!("http://inside.test:{port}/1.png"),
        format!("http://open.test:{open}/1.png"),
    ] {
        assert!(traveller.fetch(&address).await.is_none(), "{address}");
    }
    assert_eq!(met.load(Ordering::SeqCst), 0);
}
