//! Boards: what one may be called, and for whom it exists.

use crate::{Field, Refusal, UserId, limits, text};

/// Who may find a board and its pins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Privacy {
    /// Everyone.
    Public,
    /// Everyone who has its address; its pins are left out of lists unless asked for.
    Protected,
    /// Its owner alone.
    Secret,
}

impl Privacy {
    /// Every privacy.
    pub const ALL: [Self; 3] = [Self::Public, Self::Protected, Self::Secret];

    /// The name in rows and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "PUBLIC",
            Self::Protected => "PROTECTED",
            Self::Secret => "SECRET",
        }
    }

    /// The privacy of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }
}

/// Who asks, and whether their token reaches secret boards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// The person.
    pub user: UserId,
    /// Whether secret boards and their pins exist for the token.
    pub secret: bool,
}

impl Access {
    /// Whether a board of `owner` exists for who asks: a secret one does for its owner alone.
    #[must_use]
    pub fn sees(self, owner: UserId, privacy: Privacy) -> bool {
        privacy != Privacy::Secret || (self.secret && self.user == owner)
    }
}

/// A board's name, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardName(String);

impl BoardName {
    /// Checks a name. White space around it goes away.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] when blank or longer than [`limits::BOARD_NAME_MAX`].
    pub fn new(name: &str) -> Result<Self, Refusal> {
        let name = text::bounded("name", name.trim(), limits::BOARD_NAME_MAX)?;
        if name.is_empty() {
            return Err(Refusal::InvalidValue(Field::new("name", "blank")));
        }
        Ok(Self(name))
    }

    /// As the owner writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is the same for names that a person would take for the same.
    #[must_use]
    pub fn key(&self) -> String {
        text::fold(&self.0)
    }
}

/// A board that may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BoardDraft {
    /// Its name.
    pub name: BoardName,
    /// At most [`limits::BOARD_DESCRIPTION_MAX`] scalars.
    pub description: Option<String>,
    /// Who may find it.
    pub privacy: Privacy,
}

impl BoardDraft {
    /// Checks what the owner wrote. A blank description counts as none.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] for a name or description out of bounds.
    pub fn new(name: &str, description: Option<&str>, privacy: Privacy) -> Result<Self, Refusal> {
        Ok(Self {
            name: BoardName::new(name)?,
            description: bounded_description(description)?,
            privacy,
        })
    }
}

/// A change of a board: what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BoardChange {
    /// The new name.
    pub name: Option<BoardName>,
    /// The new description, or that there is none any more.
    pub description: Option<Option<String>>,
    /// The new privacy.
    pub privacy: Option<Privacy>,
}

impl BoardChange {
    /// Checks what the owner wrote; a null description is `Some(None)`.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] for a name or description out of bounds.
    pub fn new(
        name: Option<&str>,
        description: Option<Option<&str>>,
        privacy: Option<Privacy>,
    ) -> Result<Self, Refusal> {
        Ok(Self {
            name: name.map(BoardName::new).transpose()?,
            description: description.map(bounded_description).transpose()?,
            privacy,
        })
    }
}

fn bounded_description(description: Option<&str>) -> Result<Option<String>, Refusal> {
    text::optional("description", description, limits::BOARD_DESCRIPTION_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_privacy_is_found_by_its_name() {
        for privacy in Privacy::ALL {
            assert_eq!(Privacy::from_name(privacy.name()), Some(privacy));
        }
        assert_eq!(Privacy::from_name("public"), None);
    }

    #[test]
    fn a_secret_board_exists_for_its_owner_with_the_right_token_alone() {
        let owner = UserId::new(1);
        let access = |user, secret| Access {
            user: UserId::new(user),
            secret,
        };
        assert!(access(1, true).sees(owner, Privacy::Secret));
        assert!(!access(1, false).sees(owner, Privacy::Secret));
        assert!(!access(2, true).sees(owner, Privacy::Secret));
        assert!(access(2, false).sees(owner, Privacy::Public));
        assert!(access(2, false).sees(owner, Privacy::Protected));
    }

    #[test]
    fn a_name_is_bounded_and_not_blank() {
        let at = "é".repeat(limits::BOARD_NAME_MAX);
        assert!(BoardName::new(&format!(" {at}\n")).is_ok());
        for bad in ["", " \t", &format!("{at}é")] {
            assert!(BoardName::new(bad).is_err(), "{bad:?}");
        }
        let name = BoardName::new(" Été ").unwrap();
        assert_eq!((name.as_str(), name.key().as_str()), ("Été", "ete"));
    }

    #[test]
    fn a_description_is_bounded_and_blank_is_none() {
        let at = "x".repeat(limits::BOARD_DESCRIPTION_MAX);
        let over = format!("{at}x");
        let made =
            |text| BoardDraft::new("Cats", text, Privacy::Public).map(|draft| draft.description);
        let changed = |text| BoardChange::new(None, text, None).map(|change| change.description);
        assert_eq!(made(Some(&at)), Ok(Some(at.clone())));
        assert_eq!(made(Some(" ")), Ok(None));
        assert!(made(Some(&over)).is_err());
        assert_eq!(changed(Some(Some(&at))), Ok(Some(Some(at.clone()))));
        assert_eq!(changed(Some(None)), Ok(Some(None)));
        assert_eq!(changed(None), Ok(None));
        assert!(changed(Some(Some(&over))).is_err());
    }
}
