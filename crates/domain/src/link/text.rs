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

/// Bytes of a host's name at most ([RFC 1035](https://www.rfc-editor.org/rfc/rfc1035#section-2.3.4)).
const NAME_MAX: usize = 253;
/// Labels of the domains that are looked up in a list at most: nobody blocks what has more.
const LABELS_MAX: usize = 10;
/// Schemes of addresses of the web.
const SCHEMES: [&str; 2] = ["https://", "http://"];

/// A text without anything that an app would make a link of: addresses with a scheme, names of hosts under a known
/// suffix, and addresses of numbers, also in look-alike spelling. The word that holds one is gone whole.
#[must_use]
pub fn without_links(text: &str) -> String {
    without(text, |_, word| leads_somewhere(&plain(word)))
}

/// A text without the words that are `gone`, told by where they begin and what they are.
fn without(text: &str, mut gone: impl FnMut(usize, &str) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for (at, word, space) in words_of(text) {
        shown.push_str(if gone(at, word) { LINK_GONE } else { word });
        shown.push_str(space);
    }
    shown
}

/// The words of a text: where each begins, and the white space after it, if any.
fn words_of(text: &str) -> impl Iterator<Item = (usize, &str, &str)> {
    let mut begin = 0;
    text.split_inclusive(char::is_whitespace).map(move |part| {
        let at = begin;
        begin += part.len();
        let word = part.trim_end();
        (at, word, part.get(word.len()..).unwrap_or_default())
    })
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

/// Whether a character leaves nothing to be seen between two others, as those of Unicode's `Default_Ignorable_Code_Point`.
const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

fn leads_somewhere(plain: &str) -> bool {
    let runs = || plain.split(|c| !is_of_host(c));
    plain.contains(":/") || plain.contains("www.") || runs().flat_map(names).any(is_host)
}

/// Whether names of hosts hold such a character.
fn is_of_host(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-')
}

/// What may be a name of a host in a run of such characters, by any app: the run, parted where no name goes on, and what
/// is left of it in ASCII, since some apps end a link before other letters.
fn names(run: &str) -> Vec<&str> {
    let parted = run.split("..").flat_map(|it| it.split(".-"));
    let parted = parted.flat_map(|it| it.split("-."));
    let whole: Vec<&str> = parted.map(|it| it.trim_matches(['.', '-'])).collect();
    let mixed = whole.iter().filter(|it| !it.is_ascii());
    let ascii = mixed.flat_map(|it| it.split(|c: char| !c.is_ascii()));
    let ascii: Vec<&str> = ascii.map(|it| it.trim_matches(['.', '-'])).collect();
    whole
        .into_iter()
        .chain(ascii)
        .filter(|it| !it.is_empty())
        .collect()
}

fn is_host(run: &str) -> bool {
    if !run.contains('.') || run.len() > NAME_MAX {
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
    /// Where its word begins.
    at: usize,
    /// Where it may lead: most words name one address.
    addresses: Vec<String>,
}

/// The links that a text holds, as they follow.
#[must_use]
pub fn links_in(text: &str) -> Vec<WrittenLink> {
    // What leads somewhere has a dot or a slash in it, or what can be taken for one: cheaper to see than where it leads.
    let may_part = |c: char| matches!(c, '.' | '/') || !c.is_ascii() && !c.is_alphabetic();
    if !text.contains(may_part) {
        return Vec::new();
    }
    let words = words_of(text).filter(|(_, word, _)| word.contains(may_part));
    words
        .filter_map(|(at, word, _)| written_link(at, word))
        .collect()
}

fn written_link(at: usize, word: &str) -> Option<WrittenLink> {
    let addresses = addresses(&plain(word));
    let marks = ['(', '[', '{', '<', '"', '\'', '«', '“', '‘', '*'];
    let text = trim_end_marks(word.trim_start_matches(marks)).to_owned();
    (!addresses.is_empty()).then_some(WrittenLink {
        text,
        at,
        addresses,
    })
}

fn trim_end_marks(word: &str) -> &str {
    word.trim_end_matches([
        '.', ',', ';', ':', '!', '?', ')', ']', '}', '>', '"', '\'', '»', '”', '’', '…', '*',
    ])
}

/// Where the next address with a scheme begins.
fn next_scheme(plain: &str, from: usize) -> usize {
    let rest = plain.get(from..).unwrap_or_default();
    let found = SCHEMES.iter().filter_map(|scheme| rest.find(scheme)).min();
    found.map_or(plain.len(), |at| from + at)
}

/// The addresses that apps may find in a plain word, each by itself: those with a scheme, and those that begin with the
/// name of a host. What follows a host's slash belongs to its address, up to the next scheme. An address of mail is none.
fn addresses(plain: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = plain.get(at..).and_then(|rest| rest.chars().next()) {
        let rest = plain.get(at..).unwrap_or_default();
        at = if let Some(scheme) = SCHEMES.into_iter().find(|it| rest.starts_with(*it)) {
            with_scheme(plain, at, scheme, &mut found)
        } else if is_of_host(next) {
            let end = next_scheme(plain, at);
            let run = rest.get(..end - at).unwrap_or_default();
            let run = run.split(|c| !is_of_host(c)).next().unwrap_or_default();
            let before = plain.get(..at).unwrap_or_default();
            let is_mail = before.ends_with('@') && !before.contains('/');
            let names = names(run).into_iter();
            let names: Vec<&str> = names
                .filter(|name| !is_mail && (is_host(name) || name.starts_with("www.")))
                .collect();
            let end = at + run.len();
            let (tail, beyond) = tail(plain, end, !names.is_empty());
            found.extend(names.iter().filter_map(|name| read("http://", name, tail)));
            beyond
        } else {
            at + next.len_utf8()
        };
    }
    found
}

/// The port and path that stand behind a host, and where they end; nothing if it is no host.
fn tail(plain: &str, at: usize, is_host: bool) -> (&str, usize) {
    let rest = plain.get(at..).unwrap_or_default();
    let digits = rest.strip_prefix(':').unwrap_or_default();
    let digits = digits.len()
        - digits
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .len();
    let port = if digits == 0 { 0 } else { digits + 1 };
    let goes_on = rest
        .get(port..)
        .is_some_and(|it| it.starts_with(['/', '?', '#', '\\']));
    let end = if goes_on {
        next_scheme(plain, at)
    } else {
        at + port
    };
    if is_host {
        (plain.get(at..end).unwrap_or_default(), end)
    } else {
        ("", at)
    }
}

/// Finds the address that begins with a scheme, by each way to read it; where it ends.
fn with_scheme(plain: &str, at: usize, scheme: &str, found: &mut Vec<String>) -> usize {
    let begin = at + scheme.len();
    let end = next_scheme(plain, begin);
    let rest = plain.get(begin..end).unwrap_or_default();
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    // Some apps end the link before the @.
    let users = user
        .split(|c| !is_of_host(c))
        .flat_map(names)
        .filter(|it| is_host(it));
    found.extend(users.filter_map(|name| read(scheme, name, "")));
    let begin = begin + authority.len() - host.len();
    let scheme = if user.is_empty() {
        scheme.to_owned()
    } else {
        format!("{scheme}user@")
    };
    if host.starts_with('[') {
        found.extend(read(
            &scheme,
            trim_end_marks(plain.get(begin..end).unwrap_or_default()),
            "",
        ));
        return end;
    }
    let run = host.split(|c| !is_of_host(c)).next().unwrap_or_default();
    let (tail, beyond) = tail(plain, begin + run.len(), !run.is_empty());
    found.extend(
        names(run)
            .into_iter()
            .filter_map(|name| read(&scheme, name, tail)),
    );
    // At least the scheme is behind us.
    beyond.max(at + 1)
}

/// The address of these parts; without what stands behind the host where nobody can read that.
fn read(scheme: &str, host: &str, tail: &str) -> Option<String> {
    if host.len() > NAME_MAX && !host.starts_with('[') {
        return None;
    }
    let whole = format!("{scheme}{host}{}", trim_end_marks(tail));
    let bare = || format!("{scheme}{host}");
    let is_address = |it: &String| Url::parse(it).is_ok_and(|url| url.has_host());
    [whole, bare()].into_iter().find(is_address)
}

impl WrittenLink {
    fn suspects(&self) -> impl Iterator<Item = Suspect<'_>> {
        self.addresses.iter().map(|link| Suspect {
            link,
            journey: None,
        })
    }

    /// The domains that a list would hold if it is against this link.
    #[must_use]
    pub fn domains(&self) -> BTreeSet<String> {
        let all = self.suspects().flat_map(|it| it.domains());
        all.filter(|it| it.split('.').count() <= LABELS_MAX)
            .collect()
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
    without(text, |at, _| links.iter().any(|link| link.at == at))
}

/// Makes sure that a text holds no more links than are judged.
///
/// # Errors
/// [`Refusal::InvalidValue`] for more than [`limits::TEXT_LINKS_MAX`].
pub fn check_links(field: &str, text: &str) -> Result<(), Refusal> {
    let most = limits::TEXT_LINKS_MAX;
    // A word may hold several addresses.
    let count: usize = links_in(text).iter().map(|link| link.addresses.len()).sum();
    if count <= most {
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
            // Each reader ends a link elsewhere.
            ("evil.com/?u=https://ok.com", "listed_domain"),
            ("evil.com,https://ok.com", "listed_domain"),
            ("evil.com/http://", "listed_domain"),
            ("**https://evil.com**", "listed_domain"),
            ("https://evil.com,see", "listed_domain"),
            ("https://evil.com、看", "listed_domain"),
            ("https://evil.com—now", "listed_domain"),
            ("https://evil.com&x", "listed_domain"),
            ("https://evil.com<b", "listed_domain"),
            ("https://evil.com[1]", "listed_domain"),
            ("https://evil.com|x", "listed_domain"),
            ("evil.com:see", "listed_domain"),
            ("evil.com。谢谢", "listed_domain"),
            ("evil.com…go", "listed_domain"),
            ("evil.com...go", "listed_domain"),
            ("看evil.com看", "listed_domain"),
            ("http://evil.com看", "listed_domain"),
            ("-evil.com", "listed_domain"),
            ("a.-evil.com", "listed_domain"),
            ("evil.com-", "listed_domain"),
            ("ev\u{fe0f}il.com", "listed_domain"),
            ("ev\u{34f}il\u{e0100}.com", "listed_domain"),
            ("ftp://x@evil.com/", "listed_domain"),
            ("//x@evil.com", "listed_domain"),
            ("https://evil.com@ok.com", "listed_domain user_info"),
            ("https://ok.com/wiki/Evil.com", ""),
            ("http://[::1]/x", "numeric_host"),
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
        let links = links_in("t.co  pinterest.com t.co");
        assert_eq!(
            hide("t.co  pinterest.com t.co", &[&links[0], &links[2]]),
            "[…]  pinterest.com […]"
        );
    }

    #[test]
    fn a_name_that_nobody_can_have_is_no_link() {
        let long = format!("{}com", "a.".repeat(126));
        assert!(links_in(&long).is_empty());
        let longest = format!("{}com", "a.".repeat(125));
        let link = links_in(&longest).pop().expect("a link");
        assert_eq!(link.domains().len(), LABELS_MAX);
    }

    #[test]
    fn a_text_holds_as_many_links_as_are_judged() {
        let most = "a.com ".repeat(limits::TEXT_LINKS_MAX);
        assert_eq!(check_links("text", &most), Ok(()));
        assert!(check_links("text", &format!("{most}b.com")).is_err());
        // Also in one word.
        let glued = "a.com,".repeat(limits::TEXT_LINKS_MAX);
        assert_eq!(check_links("text", &glued), Ok(()));
        assert!(check_links("text", &format!("{glued}b.com")).is_err());
    }
}
