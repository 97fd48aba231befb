//! Links: addresses of the web.

pub mod judge;
pub mod lists;
pub mod text;

use percent_encoding::percent_decode_str;
use url::{Host, Url};

use crate::{Field, Refusal, limits};

/// Reads an address of the web, in the one spelling that every reader takes alike.
///
/// # Errors
/// [`Refusal::InvalidValue`] naming `field`: not http or https, longer than [`limits::LINK_MAX`] as given or
/// as kept, holding a user name, or holding white space or a character that readers take for another.
pub fn web_address(field: &str, address: &str) -> Result<String, Refusal> {
    let invalid = |reason: String| Refusal::InvalidValue(Field::new(field, reason));
    let too_long = || invalid(format!("longer than {} characters", limits::LINK_MAX));
    if address.chars().count() > limits::LINK_MAX {
        return Err(too_long());
    }
    // Such characters are dropped or replaced by some readers, so an address could look like another.
    if address.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(invalid("holds white space or a backslash".into()));
    }
    let url = Url::parse(address).map_err(|_| invalid("not an address of the web".into()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(invalid("must begin with http:// or https://".into()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("must not hold a user name or password".into()));
    }
    if url.as_str().len() > limits::LINK_MAX {
        return Err(too_long());
    }
    Ok(url.into())
}

/// Whether two links lead to different domains: to names that different people may have registered, as the
/// [public suffix list](https://publicsuffix.org) tells. No link counts as a domain of its own.
#[must_use]
pub fn other_domain(one: Option<&str>, two: Option<&str>) -> bool {
    // Most links are as they were, and reading them costs more than all else of a message.
    one != two && domain(one) != domain(two)
}

fn domain(link: Option<&str>) -> Option<String> {
    registered(&Url::parse(link?).ok()?)
}

/// What was registered of the host's name of an address; the whole of an address of numbers.
#[must_use]
pub fn registered_domain(address: &str) -> Option<String> {
    domain(Some(address))
}

/// What was registered of the host's name; the whole of an address of numbers.
fn registered(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    let registered = match url.host()? {
        Host::Domain(name) => domain_of(name),
        Host::Ipv4(_) | Host::Ipv6(_) => None,
    };
    Some(registered.unwrap_or_else(|| host.to_owned()))
}

/// What was registered of a name.
fn domain_of(name: &str) -> Option<String> {
    psl::domain_str(name.trim_end_matches('.')).map(str::to_owned)
}

/// Reads the name of a domain that somebody registered, or an address of numbers, as links have it.
///
/// # Errors
/// [`Refusal::InvalidValue`] naming `field`: not a name, or a suffix under which others register.
pub fn domain_name(field: &str, name: &str) -> Result<String, Refusal> {
    let invalid = |reason: &str| Refusal::InvalidValue(Field::new(field, reason));
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']' | ':');
    let url = Url::parse(&format!("http://{name}/")).ok();
    // Of an address of version 6 alone; a port is no part of a domain.
    let has_port = name.contains(':') && !(name.starts_with('[') && name.ends_with(']'));
    let url = url.filter(|_| !has_port && name.chars().all(is_plain));
    let host = url.as_ref().and_then(Url::host_str);
    let host = host.ok_or_else(|| invalid("not the name of a domain"))?;
    let host = host.trim_end_matches('.');
    let is_number = matches!(
        url.as_ref().and_then(Url::host),
        Some(Host::Ipv4(_) | Host::Ipv6(_))
    );
    if !is_number && domain_of(host).is_none() {
        return Err(invalid("not a domain that somebody can register"));
    }
    Ok(host.to_owned())
}

/// The domains of a list, one a line, or of a hosts file, and how many lines hold none.
#[must_use]
pub fn domains_of_list(list: &str) -> (Vec<String>, usize) {
    let (mut domains, mut others) = (Vec::new(), 0);
    for line in lists::lines(list) {
        let mut words = line.split_whitespace().peekable();
        let first = words.peek().copied().unwrap_or_default();
        if first.parse::<std::net::IpAddr>().is_ok() && line != first {
            words.next();
        }
        let before = domains.len();
        domains.extend(words.filter_map(|word| domain_name("domain", word).ok()));
        others += usize::from(domains.len() == before);
    }
    (domains, others)
}

/// A host and the domains that it is in: `a.b.c`, `b.c`, `c`.
fn host_and_parents(host: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(host), |it| Some(it.split_once('.')?.1))
}

/// An address as people read it: the host in its own letters, nothing written as numbers. None if it is so already.
#[must_use]
pub fn readable(address: &str) -> Option<String> {
    if !address.contains('%') && !address.contains("xn--") {
        return None;
    }
    let url = Url::parse(address).ok()?;
    let host = url.host_str().unwrap_or_default();
    // What cannot be read stays as it was.
    let (host, _) = idna::domain_to_unicode(host);
    let rest = [Some(url.path()), url.query(), url.fragment()];
    let mut readable = host;
    for part in rest.into_iter().flatten() {
        readable.push(' ');
        readable.push_str(&percent_decode_str(part).decode_utf8_lossy());
    }
    Some(readable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_one_spelling() {
        for (given, kept) in [
            ("https://a.example/x?y=1#z", "https://a.example/x?y=1#z"),
            ("HTTP://A.Example", "http://a.example/"),
            (
                "https://bücher.example/ä",
                "https://xn--bcher-kva.example/%C3%A4",
            ),
            ("https:a.example", "https://a.example/"),
        ] {
            assert_eq!(web_address("link", given).as_deref(), Ok(kept));
        }
    }

    #[test]
    fn only_plain_addresses_of_the_web_pass() {
        for bad in [
            "",
            "a.example",
            "/x",
            "//a.example",
            "javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,x",
            "ftp://a.example/",
            "file:///etc/passwd",
            "https://",
            "https://a b.example/",
            "https://a.example/ x",
            " https://a.example/",
            "https:\\\\a.example",
            "https://user@a.example/",
            "https://user:pass@a.example/",
            "https://a.example\u{0}/",
        ] {
            assert!(web_address("link", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_address_is_bounded_as_given_and_as_kept() {
        let of = |length: usize, fill: &str| {
            let start = "https://a.example/";
            let address = format!("{start}{}", fill.repeat(length - start.len()));
            web_address("link", &address)
        };
        assert!(of(limits::LINK_MAX, "x").is_ok());
        assert!(of(limits::LINK_MAX + 1, "x").is_err());
        assert!(of(limits::LINK_MAX, "é").is_err(), "each is kept as six");
    }

    #[test]
    fn an_address_is_read_in_its_own_letters() {
        assert_eq!(
            readable("https://xn--bcher-kva.example/%C3%A4pfel?q=rot%20rund#%E6%9D%B1").as_deref(),
            Some("bücher.example /äpfel q=rot rund 東")
        );
        assert_eq!(readable("https://a.example/x"), None);
        assert_eq!(readable("100% sure"), None);
    }

    #[test]
    fn a_domain_is_one_that_somebody_registered() {
        for (given, kept) in [
            ("evil.example", "evil.example"),
            ("A.Evil.Example.", "a.evil.example"),
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("a.github.io", "a.github.io"),
            ("192.0.2.1", "192.0.2.1"),
            ("[2001:db8::1]", "[2001:db8::1]"),
        ] {
            assert_eq!(domain_name("domain", given).as_deref(), Ok(kept));
        }
        for bad in [
            "",
            ".",
            "com",
            "co.uk",
            "github.io",
            "localhost",
            "a b.example",
            "https://a.example",
            "a.example/x",
            "a.example:80",
            "[::1]:80",
            "me@a.example",
            "a.example?x",
            "%61.example",
        ] {
            assert!(domain_name("domain", bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_list_of_domains_is_plain_or_a_hosts_file() {
        let list = "# comment\n0.0.0.0 a.example # x\n127.0.0.1 localhost\n\nb.example\n::1 c.example d.example\ncom\n";
        let domains = ["a.example", "b.example", "c.example", "d.example"];
        assert_eq!(
            domains_of_list(list),
            (domains.map(str::to_owned).to_vec(), 2)
        );
    }

    #[test]
    fn links_differ_by_what_was_registered() {
        let other = |one: &str, two: &str| {
            let (one, two) = (format!("https://{one}/x"), format!("http://{two}/y"));
            other_domain(Some(&one), Some(&two))
        };
        for (one, two) in [
            ("a.example", "a.example"),
            ("a.example", "www.a.example"),
            ("shop.a.co.uk", "a.co.uk."),
            ("a.example:8080", "a.example"),
            ("192.0.2.1", "192.0.2.1"),
        ] {
            assert!(!other(one, two), "{one}, {two}");
        }
        for (one, two) in [
            ("a.example", "b.example"),
            ("a.co.uk", "b.co.uk"),
            ("a.github.io", "b.github.io"),
            ("a.example", "a.example.evil"),
            ("192.0.2.1", "192.0.2.2"),
            ("1.192.0.2", "2.192.0.2"),
            ("[2001:db8::1]", "[2001:db8::2]"),
        ] {
            assert!(other(one, two), "{one}, {two}");
        }
        let a = Some("https://a.example/x");
        assert!(other_domain(a, None));
        assert!(!other_domain(None, None));
    }
}
