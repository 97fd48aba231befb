//! Text as it is stored and compared.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::{Field, Refusal};

/// Normalised to NFC, as all text is stored.
#[must_use]
pub fn nfc(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    text.nfc().collect()
}

/// Folded for comparing and type-ahead: compatibility forms, accents and case are gone.
#[must_use]
pub fn fold(text: &str) -> String {
    text.nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect()
}

/// The folded words of a text: runs of letters and digits.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    fold(text)
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Stores `text` as NFC, refusing control characters (but line breaks and tabs) and more than `max` scalars.
///
/// # Errors
/// [`Refusal::InvalidValue`] naming `field`.
pub fn bounded(field: &str, text: &str, max: usize) -> Result<String, Refusal> {
    let text = nfc(text);
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(Refusal::InvalidValue(Field::new(
            field,
            "contains a control character",
        )));
    }
    if text.chars().count() > max {
        return Err(Refusal::InvalidValue(Field::new(
            field,
            format!("longer than {max} characters"),
        )));
    }
    Ok(text)
}

/// [`bounded`] for a field that may be left out. A blank text counts as none.
///
/// # Errors
/// Those of [`bounded`].
pub fn optional(field: &str, text: Option<&str>, max: usize) -> Result<Option<String>, Refusal> {
    text.filter(|t| !t.trim().is_empty())
        .map(|t| bounded(field, t, max))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_takes_away_accents_case_and_compatibility_forms() {
        assert_eq!(fold("Ängström Ｆｕｌｌ ﬁ"), "angstrom full fi");
        assert_eq!(
            words("  Ana-María d'Été_2 "),
            ["ana", "maria", "d", "ete", "2"]
        );
    }

    #[test]
    fn a_text_at_its_bound_passes_and_one_past_it_does_not() {
        assert_eq!(bounded("text", "e\u{301}", 1).as_deref(), Ok("é"));
        assert!(bounded("text", "éé", 1).is_err());
        assert!(bounded("text", "a\u{0}", 5).is_err());
        assert_eq!(bounded("text", "a\nb", 5).as_deref(), Ok("a\nb"));
    }
}
