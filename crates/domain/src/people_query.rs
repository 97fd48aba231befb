//! What somebody typed to find people.

use crate::limits::{QUERY_MAX, QUERY_WORDS_MAX};
use crate::{Field, Refusal, text};

/// The words of a query, folded; each must begin a word of a person's name or username.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleQuery {
    username: String,
    leading: String,
    others: Vec<String>,
}

impl PeopleQuery {
    /// Reads a query of at most 100 Unicode scalars and 1 to 8 different words, without control characters.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] naming `query`.
    pub fn parse(query: &str) -> Result<Self, Refusal> {
        let refused = |reason: String| Refusal::InvalidValue(Field::new("query", reason));
        let query = text::bounded("query", query, QUERY_MAX)?;
        let mut words = text::words(&query);
        words.sort_unstable();
        words.dedup();
        if words.len() > QUERY_WORDS_MAX {
            return Err(refused(format!("more than {QUERY_WORDS_MAX} words")));
        }
        // The longest word leaves the fewest people to look at.
        words.sort_by_key(|word| word.chars().count());
        let leading = words
            .pop()
            .ok_or_else(|| refused("holds no letter or digit".into()))?;
        Ok(Self {
            username: query.trim().trim_start_matches('@').to_lowercase(),
            leading,
            others: words,
        })
    }

    /// The query as a username: who is called just so comes first.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The longest word.
    #[must_use]
    pub fn leading(&self) -> &str {
        &self.leading
    }

    /// The words beside the longest one.
    #[must_use]
    pub fn others(&self) -> &[String] {
        &self.others
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_folded_and_led_by_its_longest_word() {
        let query = PeopleQuery::parse(" @Ana_María ana").unwrap();
        assert_eq!(query.leading(), "maria");
        assert_eq!(query.others(), ["ana"]);
        assert_eq!(PeopleQuery::parse(" @Ana.B ").unwrap().username(), "ana.b");
    }

    #[test]
    fn a_query_at_its_bounds_passes_and_one_past_them_does_not() {
        assert!(PeopleQuery::parse(&"é".repeat(QUERY_MAX)).is_ok());
        assert!(PeopleQuery::parse(&"é".repeat(QUERY_MAX + 1)).is_err());
        let words = |count: usize| {
            (0..count)
                .map(|n| format!("w{n}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert!(PeopleQuery::parse(&words(QUERY_WORDS_MAX)).is_ok());
        assert!(PeopleQuery::parse(&words(QUERY_WORDS_MAX + 1)).is_err());
        assert!(PeopleQuery::parse("ana\u{0}").is_err());
        for none in ["", "  ", "_.@", "%"] {
            assert!(PeopleQuery::parse(none).is_err(), "{none:?}");
        }
    }
}
