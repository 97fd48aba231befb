//! Terms: what messages are found by. The same text gives the same terms on every database.
//!
//! A term is a folded word; two letters next to each other of a script without spaces; a name with dots, such as a
//! host, from each of its words on; or an emoji. There are no stop words. Two more tell who wrote a message and that
//! it carries a pin; they begin with a sign that no word has.

use std::collections::BTreeSet;

use crate::limits::{MESSAGE_TERMS_MAX, TERM_MAX};
use crate::{UserId, link, text};

/// The term of messages that carry a pin.
pub(crate) const WITH_PIN: &str = "#pin";
/// Characters of a host's name at most (RFC 1035); longer ones are no names.
const NAME_MAX: usize = 253;
/// What may stand between the words of a name.
const JOINTS: [char; 3] = ['.', '-', '_'];

/// The term of messages that this person wrote.
pub(crate) fn by(sender: UserId) -> String {
    format!("@{sender}")
}

/// What of a message it is found by.
#[derive(Debug, Clone)]
pub struct Content<'a> {
    /// Who wrote it.
    pub sender: UserId,
    /// Whether it carries a pin.
    pub has_pin: bool,
    /// Its text, and the pin's title, description and words for the picture.
    pub texts: Vec<&'a str>,
    /// Where the pin leads.
    pub link: Option<&'a str>,
}

impl Content<'_> {
    /// The different terms, [`MESSAGE_TERMS_MAX`] at most, the first ones of the text.
    #[must_use]
    pub fn terms(&self) -> BTreeSet<String> {
        let mut terms = BTreeSet::from([by(self.sender)]);
        if self.has_pin {
            terms.insert(WITH_PIN.to_owned());
        }
        for text in self.texts.iter().copied().chain(self.link) {
            add(&mut terms, text);
            for address in addresses(text) {
                if let Some(readable) = link::readable(address) {
                    add(&mut terms, &readable);
                }
            }
        }
        terms
    }
}

/// Adds the terms of a text, as far as there is room.
fn add(terms: &mut BTreeSet<String>, text: &str) {
    let text = text::fold(text);
    let names = names(&text).flat_map(tails).map(cut);
    for term in whole(&text, Pairs::AndLast).into_iter().chain(names) {
        if terms.len() >= MESSAGE_TERMS_MAX {
            return;
        }
        terms.insert(term);
    }
}

/// The terms that a typed text asks for. Each is the beginning of a term of what is found.
pub(crate) fn asked(typed: &str) -> BTreeSet<String> {
    let typed = text::fold(typed);
    let mut terms: BTreeSet<String> = names(&typed).map(cut).collect();
    // A name is asked for as a whole, and the rest word by word.
    let in_name = |chunk: &str| names(chunk).next().is_some();
    let chunks = typed
        .split(|c| !joins(c))
        .flat_map(|chunk| chunk.split(".."));
    for chunk in chunks.filter(|chunk| !in_name(chunk)) {
        terms.extend(whole(chunk, Pairs::Alone));
    }
    let pictures: String = typed.chars().filter(|c| !joins(*c)).collect();
    terms.extend(whole(&pictures, Pairs::Alone));
    terms
}

/// How letters stand together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Script {
    /// Words between spaces.
    Spaced,
    /// Words without spaces between them; flags, too, are pairs of letters.
    Unspaced,
    /// Each a word of its own.
    Picture,
    /// Between words.
    Gap,
}

const fn is_flag_letter(c: char) -> bool {
    matches!(c, '\u{1F1E6}'..='\u{1F1FF}')
}

fn script(c: char) -> Script {
    match c {
        c if is_flag_letter(c) => Script::Unspaced,
        // The colour of a skin is no picture.
        '\u{1F3FB}'..='\u{1F3FF}' => Script::Gap,
        '\u{2300}'..='\u{23FF}'
        | '\u{2600}'..='\u{27BF}'
        | '\u{2B00}'..='\u{2BFF}'
        | '\u{1F000}'..='\u{1FAFF}' => Script::Picture,
        c if !c.is_alphanumeric() => Script::Gap,
        // Thai and Lao, Burmese, Khmer; the Japanese syllables; Chinese characters.
        '\u{0E00}'..='\u{0EFF}'
        | '\u{1000}'..='\u{109F}'
        | '\u{1780}'..='\u{17FF}'
        | '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{30FF}'
        | '\u{31F0}'..='\u{31FF}'
        | '\u{3400}'..='\u{4DBF}'
        | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}' => Script::Unspaced,
        _ => Script::Spaced,
    }
}

/// Which terms a run of letters without spaces gives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pairs {
    /// Each two that are next to each other, and the last letter, so that each letter begins a term.
    AndLast,
    /// Each two that are next to each other; a letter that stands alone.
    Alone,
}

/// Words, pairs and pictures of a folded text, in its order.
fn whole(text: &str, pairs: Pairs) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut terms = Vec::new();
    for run in letters.chunk_by(|a, b| script(*a) == script(*b)) {
        match run.first().map_or(Script::Gap, |c| script(*c)) {
            Script::Gap => {}
            Script::Spaced => terms.push(run.iter().take(TERM_MAX).collect()),
            Script::Picture => terms.extend(run.iter().map(char::to_string)),
            Script::Unspaced => {
                terms.extend(run.windows(2).map(|pair| pair.iter().collect::<String>()));
                if pairs == Pairs::AndLast || run.len() == 1 {
                    terms.extend(run.last().map(char::to_string));
                }
            }
        }
    }
    terms
}

/// Whether this may be part of a name.
fn joins(c: char) -> bool {
    JOINTS.contains(&c)
        || matches!(script(c), Script::Spaced | Script::Unspaced) && !is_flag_letter(c)
}

/// The names with dots in a folded text, such as hosts and files.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !joins(c))
        .flat_map(|chunk| chunk.split(".."))
        .map(|name| name.trim_matches(JOINTS))
        .filter(|name| name.contains('.') && name.chars().count() <= NAME_MAX)
}

/// A name from each of its words on, as far as it still holds a dot: `b.example` is found in `a-b.example`.
fn tails(name: &str) -> impl Iterator<Item = &str> {
    let after_joints = name
        .match_indices(JOINTS)
        .map(|(at, joint)| at + joint.len());
    std::iter::once(0)
        .chain(after_joints)
        .filter_map(|start| name.get(start..))
        .filter(|tail| tail.contains('.') && !tail.starts_with(JOINTS))
}

fn cut(name: &str) -> String {
    name.chars().take(TERM_MAX).collect()
}

/// The addresses of the web in a text.
fn addresses(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace().filter_map(|chunk| {
        let start = chunk.find("https://").or_else(|| chunk.find("http://"))?;
        chunk.get(start..)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Vec<String> {
        let content = Content {
            sender: UserId::new(7),
            has_pin: false,
            texts: vec![text],
            link: None,
        };
        let mut terms = content.terms();
        assert!(terms.remove("@7"), "{text}");
        terms.into_iter().collect()
    }

    #[test]
    fn a_text_gives_its_folded_words() {
        for (text, expected) in [
            ("The Hall, the HALL!", &["hall", "the"][..]),
            ("Ana-María d'Été_2", &["2", "ana", "d", "ete", "maria"]),
            ("Ｆｕｌｌ ﬁ Ångström", &["angstrom", "fi", "full"]),
            ("Καλημέρα Привет", &["καλημερα", "привет"]),
            ("... -- !", &[]),
            ("", &[]),
        ] {
            assert_eq!(terms(text), expected, "{text}");
        }
    }

    #[test]
    fn scripts_without_spaces_give_pairs_and_the_last_letter() {
        for (text, expected) in [
            ("東京タワー", &["タワ", "ワー", "ー", "京タ", "東京"][..]),
            ("東", &["東"]),
            ("iPhone15を買う", &["iphone15", "う", "を買", "買う"]),
            ("ไทย", &["ทย", "ย", "ไท"]),
        ] {
            assert_eq!(terms(text), expected, "{text}");
        }
        // Korean has spaces, and is typed letter by letter.
        assert!(terms("한국어")[0].starts_with(&text::fold("하")));
    }

    #[test]
    fn each_emoji_is_a_term_whatever_its_skin_and_form() {
        for (text, expected) in [
            ("ok👍🏽👍", &["ok", "👍"][..]),
            ("❤️", &["❤"]),
            ("👩‍🍳", &["🍳", "👩"]),
            ("🇫🇷", &["🇫🇷", "🇷"]),
        ] {
            assert_eq!(terms(text), expected, "{text}");
        }
    }

    #[test]
    fn names_with_dots_are_found_from_each_of_their_words_on() {
        for (text, expected) in [
            (
                "see www.my-site.co.uk!",
                &[
                    "co",
                    "co.uk",
                    "my",
                    "my-site.co.uk",
                    "see",
                    "site",
                    "site.co.uk",
                    "uk",
                    "www",
                    "www.my-site.co.uk",
                ][..],
            ),
            (
                "ana@cats.example",
                &["ana", "cats", "cats.example", "example"],
            ),
            ("wait...what. yes", &["wait", "what", "yes"]),
            ("v1.2", &["2", "v1", "v1.2"]),
        ] {
            assert_eq!(terms(text), expected, "{text}");
        }
    }

    #[test]
    fn parts_of_addresses_are_found_as_people_read_them() {
        let found = terms("look: https://xn--bcher-kva.example/%C3%A4pfel/rot.html?q=1");
        for part in [
            "bucher.example",
            "bucher",
            "example",
            "apfel",
            "rot",
            "rot.html",
            "https",
            "q",
        ] {
            assert!(found.contains(&part.to_owned()), "{part}: {found:?}");
        }
    }

    #[test]
    fn a_pin_is_found_by_its_link_and_that_it_is_one() {
        let content = Content {
            sender: UserId::new(7),
            has_pin: true,
            texts: vec!["For you", "Grey cat"],
            link: Some("https://www.cats.example/1"),
        };
        let terms = content.terms();
        for term in ["#pin", "@7", "for", "cat", "cats.example", "cats", "1"] {
            assert!(terms.contains(term), "{term}: {terms:?}");
        }
    }

    #[test]
    fn terms_are_bounded_in_length_and_number() {
        let word = "a".repeat(TERM_MAX);
        assert_eq!(terms(&word), [word.as_str()]);
        assert_eq!(terms(&format!("{word}b")), [word]);
        let words = |count: usize| {
            (0..count)
                .map(|n| format!("w{n}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        // The sender's is one of them.
        assert_eq!(
            terms(&words(MESSAGE_TERMS_MAX - 1)).len(),
            MESSAGE_TERMS_MAX - 1
        );
        assert_eq!(
            terms(&words(MESSAGE_TERMS_MAX)).len(),
            MESSAGE_TERMS_MAX - 1
        );
        let name = |length: usize| format!("{}.b", "a".repeat(length - 2));
        assert_eq!(names(&name(NAME_MAX)).count(), 1);
        assert_eq!(names(&name(NAME_MAX + 1)).count(), 0);
    }
}
