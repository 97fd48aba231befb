//! Links in texts: what an app would make a link of.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use unicode_normalization::UnicodeNormalization;
use url::Url;

use super::judge::{Judgement, Reason, Suspect, judge};
use super::lists::Lists;
use crate::{Field, Refusal, limits};

/// What stands where a link was.
pub const LINK_GONE: &str = "[…]";

/// A text without anything that an app would make a link of: addresses with a scheme, names of hosts under a known
/// suffix, and addresses of numbers, also in look-alike spelling. The word that holds one is gone whole.
#[must_use]
pub fn without_links(text: &str) -> String {
    without(text, |word| leads_somewhere(&plain(word)))
}

/// A text without the words that are `gone`.
fn without(text: &str, mut gone: impl FnMut(&str) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for part in text.split_inclusive(char::is_whitespace) {
        let word = part.trim_end();
        if gone(word) {
            shown.push_str(LINK_GONE);
            shown.extend(part.chars().skip(word.chars().count()));
        } else {
            shown.push_str(part);
        }
    }
    shown
}

/// A word as those read it who take look-alikes for one another: small letters, and nothing that is not seen.
fn plain(word: &str) -> String {
    let seen = word.nfkc().filter(|c| !is_invisible(*c));
    let small = seen.flat_map(char::to_lowercase);
    small
        .map(|c| match c {
            '\u{3002}' | '\u{b7}' | '\u{2024}' => '.',
            other => other,
        })
        .collect()
}

/// Whether a character leaves nothing to be seen between two others.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn leads_somewhere(plain: &str) -> bool {
    plain.contains(":/") || plain.contains("www.") || hosts(plain).next().is_some()
}

/// The hosts that a plain word names, and where each begins.
fn hosts(plain: &str) -> impl Iterator<Item = (usize, &str)> {
    let runs = plain.split(|c: char| !(c.is_alphanumeric() || matches!(c, '.' | '-')));
    let mut begin = 0;
    let runs = runs.map(move |run| {
        let at = begin;
        // What stands between two runs is one character, of any length.
        begin = at + run.len();
        begin += plain
            .get(begin..)
            .and_then(|rest| rest.chars().next())
            .map_or(0, char::len_utf8);
        (
            at + (run.len() - run.trim_start_matches('.').len()),
            run.trim_matches('.'),
        )
    });
    runs.filter(|(_, host)| is_host(host))
}

fn is_host(run: &str) -> bool {
    if !run.contains('.') {
        return false;
    }
    let suffix = psl::suffix(run.as_bytes()).filter(psl::Suffix::is_known);
    let is_name = suffix.is_some_and(|suffix| suffix.as_bytes().len() < run.len());
    is_name || run.parse::<Ipv4Addr>().is_ok()
}

/// A word of a text that apps would make a link of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenLink {
    /// As it is written, without the marks around it.
    pub text: String,
    /// Where it may lead: most words name one address.
    addresses: Vec<String>,
}

/// The links that a text holds, as they follow.
#[must_use]
pub fn links_in(text: &str) -> Vec<WrittenLink> {
    // What leads somewhere has a dot or a slash in it, or what can be taken for one: cheaper to see than where it leads.
    let may_part = |c: char| matches!(c, '.' | '/') || !c.is_ascii() && !c.is_alphabetic();
    let words = text
        .split_whitespace()
        .filter(|word| word.contains(may_part));
    words.filter_map(written_link).collect()
}

fn written_link(word: &str) -> Option<WrittenLink> {
    let addresses = addresses(&plain(word));
    let marks = ['(', '[', '{', '<', '"', '\'', '«', '“', '‘'];
    let text = trim_end_marks(word.trim_start_matches(marks)).to_owned();
    (!addresses.is_empty()).then_some(WrittenLink { text, addresses })
}

fn trim_end_marks(word: &str) -> &str {
    word.trim_end_matches([
        '.', ',', ';', ':', '!', '?', ')', ']', '}', '>', '"', '\'', '»', '”', '’', '…',
    ])
}

/// The addresses that a plain word holds: those with a scheme, or else what follows the name of a host. An address of
/// mail is none.
fn addresses(plain: &str) -> Vec<String> {
    let schemes = ["http://", "https://"];
    let mut begins: Vec<usize> = schemes
        .iter()
        .flat_map(|scheme| plain.match_indices(scheme))
        .map(|(at, _)| at)
        .collect();
    begins.sort_unstable();
    let mut found = Vec::new();
    if begins.is_empty() {
        found.extend(hosts(plain).filter_map(|(at, host)| named(plain, at, host)));
        let bare = plain.find("www.").filter(|_| found.is_empty());
        found.extend(bare.and_then(|at| named(plain, at, plain.get(at..)?)));
    }
    for (place, begin) in begins.iter().enumerate() {
        let end = begins.get(place + 1).copied().unwrap_or(plain.len());
        found.extend(plain.get(*begin..end).map(str::to_owned));
    }
    let addresses = found.iter().map(|it| trim_end_marks(it));
    addresses
        .filter(|it| {
            Url::parse(it).is_ok_and(|url| url.host_str().is_some_and(|host| !host.is_empty()))
        })
        .map(str::to_owned)
        .collect()
}

/// The address that begins with this host, at this place of a plain word; none of an address of mail.
fn named(plain: &str, at: usize, host: &str) -> Option<String> {
    if plain.get(..at)?.ends_with('@') {
        return None;
    }
    let rest = plain.get(at + host.len()..)?;
    let goes_on = rest.starts_with(['/', ':', '?', '#']);
    Some(format!("http://{host}{}", if goes_on { rest } else { "" }))
}

impl WrittenLink {
    fn suspects(&self) -> impl Iterator<Item = Suspect<'_>> {
        self.addresses.iter().map(|link| Suspect {
            link,
            journey: None,
            picture: None,
        })
    }

    /// The domains that a list would hold if it is against this link.
    #[must_use]
    pub fn domains(&self) -> BTreeSet<String> {
        self.suspects().flat_map(|it| it.domains()).collect()
    }

    /// Judges it by what is written, as [`judge`] does: nobody looks where it leads. `listed` are those of
    /// [`Self::domains`] that are blocked.
    #[must_use]
    pub fn judge(&self, listed: &BTreeSet<String>, lists: &Lists) -> Judgement {
        let judged = self.suspects().map(|it| judge(&it, listed, lists));
        let reasons: Vec<Reason> = judged.flat_map(|it| it.reasons).collect();
        Judgement::of(reasons)
    }
}

/// A text without the words that hold one of these links, which must not be delivered.
#[must_use]
pub fn hide(text: &str, links: &[&WrittenLink]) -> String {
    without(text, |word| {
        links.iter().any(|link| word.contains(&link.text))
    })
}

/// Makes sure that a text holds no more links than are judged.
///
/// # Errors
/// [`Refusal::InvalidValue`] for more than [`limits::TEXT_LINKS_MAX`].
pub fn check_links(field: &str, text: &str) -> Result<(), Refusal> {
    let most = limits::TEXT_LINKS_MAX;
    if links_in(text).len() <= most {
        return Ok(());
    }
    let reason = format!("holds more than {most} links");
    Err(Refusal::InvalidValue(Field::new(field, reason)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_links_has_nothing_to_click() {
        for (text, shown) in [
            ("See you at 10.30, e.g. here", "See you at 10.30, e.g. here"),
            ("Nice... isn't it?", "Nice... isn't it?"),
            ("go https://x.example/a now", "go […] now"),
            ("(evil.com/a?b)", "[…]"),
            ("EVIL.COM", "[…]"),
            ("evil\u{ff0e}com", "[…]"),
            ("evil\u{3002}com", "[…]"),
            ("ev\u{200b}il.com", "[…]"),
            ("www.anything", "[…]"),
            ("me@evil.co.uk", "[…]"),
            ("192.0.2.1/x", "[…]"),
            ("пример.рф", "[…]"),
            ("看http://evil.com看", "[…]"),
            ("a\nb.com\tc", "a\n[…]\tc"),
            ("javascript://x", "[…]"),
            ("", ""),
        ] {
            assert_eq!(without_links(text), shown, "{text}");
        }
    }

    fn words(text: &str) -> Vec<String> {
        links_in(text).into_iter().map(|it| it.text).collect()
    }

    #[test]
    fn links_in_a_text_are_found_as_apps_find_them() {
        for (text, found) in [
            ("See you at 10.30, e.g. here. Nice... isn't it?", &[][..]),
            ("me@evil.co.uk", &[]),
            ("javascript://x", &[]),
            ("go https://x.example/a. now", &["https://x.example/a"]),
            (
                "(evil.com/a?b), (HTTP://B.Example)",
                &["evil.com/a?b", "HTTP://B.Example"],
            ),
            (
                "evil\u{ff0e}com ev\u{200b}il.com",
                &["evil\u{ff0e}com", "ev\u{200b}il.com"],
            ),
            ("www.anything", &["www.anything"]),
            ("192.0.2.1/x", &["192.0.2.1/x"]),
            ("看http://evil.com看", &["看http://evil.com看"]),
        ] {
            assert_eq!(words(text), found, "{text}");
        }
    }

    #[test]
    fn a_link_in_a_text_is_judged_as_any_other() {
        let listed = BTreeSet::from(["evil.com".to_owned()]);
        let judged = |text: &str| {
            let link = links_in(text).pop().expect("a link");
            let names = link.judge(&listed, &Lists::ours()).reasons;
            names
                .iter()
                .map(|it| it.name())
                .collect::<Vec<_>>()
                .join(" ")
        };
        for (text, reasons) in [
            ("https://halls.example/1", ""),
            ("halls.com", ""),
            ("evil.com", "listed_domain"),
            ("\"Evil.com.\"", "listed_domain"),
            ("ev\u{200b}il\u{3002}com/x", "listed_domain"),
            ("https://a.evil.com/x", "listed_domain"),
            ("https://ok.com/?u=https://evil.com", "listed_domain"),
            ("a.com,evil.com", "listed_domain"),
            ("https://paypal.com@evil.com", "listed_domain user_info"),
            ("bit.ly/x", "shortener"),
            ("http://192.0.2.1/x", "numeric_host"),
            ("paypa1.com", "look_alike"),
            ("halls.com:8080/x", "unusual_port"),
        ] {
            assert_eq!(judged(text), reasons, "{text}");
        }
    }

    #[test]
    fn what_must_not_be_delivered_is_hidden() {
        let text = "Look (evil.com/a), not halls.com";
        let links = links_in(text);
        let [evil, _] = &links[..] else {
            panic!("two links: {links:?}")
        };
        assert_eq!(hide(text, &[evil]), "Look […] not halls.com");
    }

    #[test]
    fn a_text_holds_as_many_links_as_are_judged() {
        let most = "a.com ".repeat(limits::TEXT_LINKS_MAX);
        assert_eq!(check_links("text", &most), Ok(()));
        assert!(check_links("text", &format!("{most}b.com")).is_err());
    }
}
