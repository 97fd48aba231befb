//! What somebody typed and chose to find messages.

use std::cmp::Reverse;

use crate::limits::{MESSAGE_QUERY_MAX, MESSAGE_QUERY_TERMS_MAX};
use crate::{ConversationId, Field, Refusal, Time, UserId, term, text};

/// What is asked for beside words.
#[derive(Debug, Clone, Default)]
pub struct Filters {
    /// Only messages that carry a pin.
    pub with_pin: bool,
    /// Only messages of this person.
    pub from: Option<UserId>,
    /// Only messages sent at this moment or later.
    pub after: Option<Time>,
    /// Only messages sent before this moment.
    pub before: Option<Time>,
    /// Only messages of this conversation.
    pub conversation: Option<ConversationId>,
}

/// A term that a message must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedTerm {
    /// The term.
    pub text: String,
    /// Whether a term that begins with it does as well.
    pub is_beginning: bool,
}

impl AskedTerm {
    /// Whether a message that has this term has what is asked for.
    #[must_use]
    pub fn fits(&self, term: &str) -> bool {
        term == self.text || self.is_beginning && term.starts_with(&self.text)
    }
}

/// A query for messages, within its bounds.
#[derive(Debug, Clone)]
pub struct MessageQuery {
    terms: Vec<AskedTerm>,
    filters: Filters,
}

impl MessageQuery {
    /// Reads a query of at most 200 Unicode scalars and 32 terms, without control characters. Without words it must
    /// ask for a pin or a sender.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] naming `query` or `before`.
    pub fn parse(typed: &str, filters: Filters) -> Result<Self, Refusal> {
        let refused = |reason: String| Refusal::InvalidValue(Field::new("query", reason));
        let typed = text::bounded("query", typed, MESSAGE_QUERY_MAX)?;
        let words = term::asked(&typed);
        if words.is_empty() && !typed.trim().is_empty() {
            return Err(refused("holds no letter, digit or emoji".into()));
        }
        let begins = |text| AskedTerm {
            text,
            is_beginning: true,
        };
        let whole = |text| AskedTerm {
            text,
            is_beginning: false,
        };
        let mut terms: Vec<AskedTerm> = words.into_iter().map(begins).collect();
        // The longest one is most likely in the fewest messages.
        terms.sort_by_key(|term| Reverse(term.text.chars().count()));
        let pin = filters.with_pin.then(|| term::WITH_PIN.to_owned());
        terms.extend(pin.into_iter().chain(filters.from.map(term::by)).map(whole));
        if terms.is_empty() {
            return Err(refused(
                "ask for words, a pin (`has`) or a sender (`from`)".into(),
            ));
        }
        if terms.len() > MESSAGE_QUERY_TERMS_MAX {
            return Err(refused(format!(
                "more than {MESSAGE_QUERY_TERMS_MAX} words"
            )));
        }
        if let (Some(after), Some(before)) = (filters.after, filters.before)
            && before <= after
        {
            let field = Field::new("before", "must be later than `after`");
            return Err(Refusal::InvalidValue(field));
        }
        Ok(Self { terms, filters })
    }

    /// The terms that a message must have, all of them, the likely rarest first. Never empty.
    #[must_use]
    pub fn terms(&self) -> &[AskedTerm] {
        &self.terms
    }

    /// What is asked for beside words; pin and sender are among the terms.
    #[must_use]
    pub const fn filters(&self) -> &Filters {
        &self.filters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::Content;

    fn asked(typed: &str) -> Vec<String> {
        let query = MessageQuery::parse(typed, Filters::default()).unwrap();
        query.terms().iter().map(|term| term.text.clone()).collect()
    }

    /// Whether a query finds a message with this text.
    fn finds(typed: &str, text: &str) -> bool {
        let content = Content {
            sender: UserId::new(7),
            has_pin: false,
            texts: vec![text],
            link: None,
        };
        let terms = content.terms();
        let query = MessageQuery::parse(typed, Filters::default()).unwrap();
        query
            .terms()
            .iter()
            .all(|asked| terms.iter().any(|term| asked.fits(term)))
    }

    #[test]
    fn a_query_is_the_same_terms_the_longest_first() {
        assert_eq!(asked(" Hall  BLÛE hall"), ["blue", "hall"]);
        assert_eq!(
            asked("on www.cats.example/x"),
            ["www.cats.example", "on", "x"]
        );
        assert_eq!(asked("東京タワー"), ["タワ", "ワー", "京タ", "東京"]);
        assert_eq!(asked("東 👍"), ["東", "👍"]);
        let filters = Filters {
            with_pin: true,
            from: Some(UserId::new(3)),
            ..Filters::default()
        };
        let query = MessageQuery::parse("a", filters).unwrap();
        let terms: Vec<_> = query
            .terms()
            .iter()
            .map(|term| (term.text.as_str(), term.is_beginning))
            .collect();
        assert_eq!(terms, [("a", true), ("#pin", false), ("@3", false)]);
    }

    #[test]
    fn each_word_finds_by_its_beginning_and_all_must_be_there() {
        for (typed, text, expected) in [
            ("hal blu", "The blue door in the hall", true),
            ("hall red", "The blue door in the hall", false),
            ("all", "The blue door in the hall", false),
            ("ete", "l'été", true),
            ("ÉTÉ", "ete", true),
            ("the", "the", true),
            ("cats.exam", "https://www.cats.example/1", true),
            ("cats.example", "the example of two cats", false),
            ("cats", "https://www.cats.example/1", true),
            (
                "https://www.cats.example/1",
                "look https://www.cats.example/1!",
                true,
            ),
            ("bücher.example", "https://xn--bcher-kva.example/", true),
            ("京", "東京タワー", true),
            ("ー", "東京タワー", true),
            ("東京", "京東", false),
            ("タワー", "東京タワーへ", true),
            ("하", "한국어", true),
            ("👍", "yes 👍🏿", true),
            ("🇫🇷", "to 🇫🇷🇩🇪", true),
            ("🇫🇷", "to 🇩🇪", false),
            ("e.g", "e.g. this", true),
            ("@7", "7 of them", true),
            ("#pin", "a pin", true),
        ] {
            assert_eq!(finds(typed, text), expected, "{typed:?} in {text:?}");
        }
    }

    #[test]
    fn a_query_at_its_bounds_passes_and_one_past_them_does_not() {
        let parse = |typed: &str| MessageQuery::parse(typed, Filters::default());
        assert!(parse(&"é".repeat(MESSAGE_QUERY_MAX)).is_ok());
        assert!(parse(&"é".repeat(MESSAGE_QUERY_MAX + 1)).is_err());
        let words = |count: usize| {
            (0..count)
                .map(|n| format!("w{n}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert!(parse(&words(MESSAGE_QUERY_TERMS_MAX)).is_ok());
        assert!(parse(&words(MESSAGE_QUERY_TERMS_MAX + 1)).is_err());
        for bad in ["", "  ", "%", "-.-", "a\u{0}"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn filters_make_words_needless_and_must_leave_a_time() {
        let with_pin = Filters {
            with_pin: true,
            ..Filters::default()
        };
        assert!(MessageQuery::parse("", with_pin.clone()).is_ok());
        assert!(
            MessageQuery::parse("%", with_pin).is_err(),
            "nothing can match"
        );
        let between = |after, before| Filters {
            after: Some(Time::from_millis(after)),
            before: Some(Time::from_millis(before)),
            ..Filters::default()
        };
        assert!(MessageQuery::parse("a", between(1, 2)).is_ok());
        let refused = MessageQuery::parse("a", between(2, 2)).unwrap_err();
        assert!(matches!(refused, Refusal::InvalidValue(field) if field.field == "before"));
        // A time alone is no search.
        assert!(MessageQuery::parse("", between(1, 2)).is_err());
    }
}
