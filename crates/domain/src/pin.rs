//! Pins: what one may say, show and lead to.

use crate::{BoardId, Field, PinId, Refusal, limits, link, text};

/// What the owner writes on a pin, checked: what is `None` was not given, `Some(None)` was taken away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Wording {
    /// At most [`limits::PIN_TITLE_MAX`] scalars.
    pub title: Option<Option<String>>,
    /// At most [`limits::PIN_DESCRIPTION_MAX`] scalars.
    pub description: Option<Option<String>>,
    /// What the picture shows, in at most [`limits::PIN_ALT_TEXT_MAX`] scalars.
    pub alt_text: Option<Option<String>>,
    /// Where the pin leads: http or https.
    pub link: Option<Option<String>>,
    /// For the owner alone, at most [`limits::PIN_NOTE_MAX`] scalars.
    pub note: Option<Option<String>>,
}

/// A field as it was given: missing, null or a text.
type Given = Option<Option<String>>;

impl Wording {
    /// With this title. A blank text counts as none, here and in the other fields.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] out of bounds.
    pub fn title(mut self, given: Given) -> Result<Self, Refusal> {
        self.title = checked(given, |t| text::optional("title", t, limits::PIN_TITLE_MAX))?;
        Ok(self)
    }

    /// With this description.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] out of bounds.
    pub fn description(mut self, given: Given) -> Result<Self, Refusal> {
        self.description = checked(given, |t| {
            text::optional("description", t, limits::PIN_DESCRIPTION_MAX)
        })?;
        Ok(self)
    }

    /// With these words for what the picture shows.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] out of bounds.
    pub fn alt_text(mut self, given: Given) -> Result<Self, Refusal> {
        self.alt_text = checked(given, |t| {
            text::optional("alt_text", t, limits::PIN_ALT_TEXT_MAX)
        })?;
        Ok(self)
    }

    /// With this link.
    ///
    /// # Errors
    /// Those of [`link::web_address`].
    pub fn link(mut self, given: Given) -> Result<Self, Refusal> {
        self.link = checked(given, |t| {
            t.filter(|t| !t.trim().is_empty())
                .map(|t| link::web_address("link", t))
                .transpose()
        })?;
        Ok(self)
    }

    /// With this note.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] out of bounds.
    pub fn note(mut self, given: Given) -> Result<Self, Refusal> {
        self.note = checked(given, |t| text::optional("note", t, limits::PIN_NOTE_MAX))?;
        Ok(self)
    }
}

fn checked(
    given: Given,
    check: impl FnOnce(Option<&str>) -> Result<Option<String>, Refusal>,
) -> Result<Given, Refusal> {
    given.map(|text| check(text.as_deref())).transpose()
}

/// A pin that may be made: checked, not yet placed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PinDraft {
    /// The board it goes to; none for a pin on no board.
    pub board: Option<BoardId>,
    /// The picture.
    pub image_url: String,
    /// What is written on it.
    pub wording: Wording,
    /// `#` and six hexadecimal digits.
    pub dominant_color: Option<String>,
    /// The pin it comes from.
    pub parent: Option<PinId>,
}

impl PinDraft {
    /// A pin of this picture.
    ///
    /// # Errors
    /// Those of [`link::web_address`].
    pub fn new(board: Option<BoardId>, image_url: &str, wording: Wording) -> Result<Self, Refusal> {
        Ok(Self {
            board,
            image_url: link::web_address("media_source.url", image_url)?,
            wording,
            dominant_color: None,
            parent: None,
        })
    }

    /// With this colour.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] for anything but `#` and six hexadecimal digits.
    pub fn dominant_color(mut self, color: Option<String>) -> Result<Self, Refusal> {
        let is_color = |color: &String| {
            color.strip_prefix('#').is_some_and(|digits| {
                digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit())
            })
        };
        if color.as_ref().is_some_and(|c| !is_color(c)) {
            return Err(Refusal::InvalidValue(Field::new(
                "dominant_color",
                "must be # and six hexadecimal digits",
            )));
        }
        self.dominant_color = color;
        Ok(self)
    }

    /// Coming from this pin.
    #[must_use]
    pub fn parent(mut self, parent: Option<PinId>) -> Self {
        self.parent = parent;
        self
    }
}

/// A change of a pin: what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PinChange {
    /// The board it moves to.
    pub board: Option<BoardId>,
    /// What is written on it.
    pub wording: Wording,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(length: usize) -> String {
        "é".repeat(length)
    }

    #[test]
    fn words_pass_at_their_bounds_and_not_beyond() {
        type Set = fn(Wording, Given) -> Result<Wording, Refusal>;
        let fields: [(Set, usize); 4] = [
            (Wording::title, limits::PIN_TITLE_MAX),
            (Wording::description, limits::PIN_DESCRIPTION_MAX),
            (Wording::alt_text, limits::PIN_ALT_TEXT_MAX),
            (Wording::note, limits::PIN_NOTE_MAX),
        ];
        for (set, max) in fields {
            assert!(
                set(Wording::default(), Some(Some(text(max)))).is_ok(),
                "{max}"
            );
            assert!(
                set(Wording::default(), Some(Some(text(max + 1)))).is_err(),
                "{max}"
            );
        }
    }

    #[test]
    fn missing_null_and_blank_are_told_apart() {
        let wording = Wording::default()
            .title(None)
            .and_then(|w| w.description(Some(None)))
            .and_then(|w| w.alt_text(Some(Some("  ".into()))))
            .and_then(|w| w.link(Some(Some(String::new()))))
            .and_then(|w| w.note(Some(Some("mine".into()))))
            .unwrap();
        assert_eq!(wording.title, None);
        assert_eq!(wording.description, Some(None));
        assert_eq!(wording.alt_text, Some(None));
        assert_eq!(wording.link, Some(None));
        assert_eq!(wording.note, Some(Some("mine".into())));
    }

    #[test]
    fn a_colour_is_six_hexadecimal_digits() {
        let draft = || PinDraft::new(None, "https://a.example/x.jpg", Wording::default()).unwrap();
        assert!(draft().dominant_color(Some("#6E78aF".into())).is_ok());
        for bad in ["", "#", "6E7874", "#6E787", "#6E78744", "#6E787g", "red"] {
            assert!(draft().dominant_color(Some(bad.into())).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_picture_is_named_as_the_field_that_is_wrong() {
        let refused = PinDraft::new(None, "x", Wording::default());
        assert_eq!(
            refused,
            Err(Refusal::InvalidValue(Field::new(
                "media_source.url",
                "not an address of the web"
            )))
        );
    }
}
