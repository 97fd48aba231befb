//! Reactions: the emoji that people put to a message or a pin.

use crate::{Field, Refusal, UserId, limits};

/// One emoji, in the one form that all its spellings have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Emoji(String);

impl Emoji {
    /// Reads an emoji of Unicode's list, with or without a skin tone. Spellings that look the same, such as a heart
    /// with and without its variation selector, are one.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] for anything else, and for more than one.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let known = emojis::get(text).ok_or_else(|| {
            Refusal::InvalidValue(Field::new("emoji", "must be one emoji of Unicode's list"))
        })?;
        Ok(Self(known.as_str().to_owned()))
    }

    /// The emoji itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Somebody's reaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// Whose it is.
    pub user: UserId,
    /// Who had blocked that person when they reacted, and so does not see it.
    pub withheld_from: Vec<UserId>,
}

/// The reactions of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// Those who reacted so, the first one first.
    pub by: Vec<By>,
}

/// A kind of reaction as somebody sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen<'a> {
    /// The emoji.
    pub emoji: &'a str,
    /// How many people reacted so.
    pub count: usize,
    /// Whether the viewer is one of them.
    pub mine: bool,
}

/// All reactions to something, the kind that came first first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reactions(Vec<Reaction>);

impl Reactions {
    /// Those that were stored.
    #[must_use]
    pub const fn of(kinds: Vec<Reaction>) -> Self {
        Self(kinds)
    }

    /// Each kind.
    #[must_use]
    pub fn kinds(&self) -> &[Reaction] {
        &self.0
    }

    /// Adds somebody's reaction; false if it is there already.
    ///
    /// # Errors
    /// [`Refusal::TooManyReactions`] for one kind more than [`limits::REACTION_KINDS_MAX`].
    pub fn add(&mut self, emoji: &Emoji, by: By) -> Result<bool, Refusal> {
        if let Some(kind) = self.0.iter_mut().find(|it| it.emoji == emoji.0) {
            if kind.by.iter().any(|it| it.user == by.user) {
                return Ok(false);
            }
            kind.by.push(by);
            return Ok(true);
        }
        if self.0.len() >= limits::REACTION_KINDS_MAX {
            let limit = limits::REACTION_KINDS_MAX;
            return Err(Refusal::TooManyReactions { limit });
        }
        self.0.push(Reaction {
            emoji: emoji.0.clone(),
            by: vec![by],
        });
        Ok(true)
    }

    /// Takes somebody's reaction back; false if there is none.
    pub fn remove(&mut self, emoji: &Emoji, user: UserId) -> bool {
        let Some(kind) = self.0.iter_mut().find(|it| it.emoji == emoji.0) else {
            return false;
        };
        let before = kind.by.len();
        kind.by.retain(|it| it.user != user);
        let removed = kind.by.len() < before;
        self.0.retain(|it| !it.by.is_empty());
        removed
    }

    /// What somebody sees of them; without a viewer, all that there is.
    #[must_use]
    pub fn seen_by(&self, viewer: Option<UserId>) -> Vec<Seen<'_>> {
        let is_seen = |it: &&By| !viewer.is_some_and(|v| it.withheld_from.contains(&v));
        self.0
            .iter()
            .map(|kind| Seen {
                emoji: &kind.emoji,
                count: kind.by.iter().filter(is_seen).count(),
                mine: kind.by.iter().any(|it| Some(it.user) == viewer),
            })
            .filter(|it| it.count > 0)
            .collect()
    }

    /// Whether somebody sees other than what all others see: a reaction of their own, or one too few.
    #[must_use]
    pub fn are_special_for(&self, viewer: UserId) -> bool {
        let mut all = self.0.iter().flat_map(|kind| &kind.by);
        all.any(|it| it.user == viewer || it.withheld_from.contains(&viewer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: UserId = UserId::new(1);
    const BO: UserId = UserId::new(2);
    const CY: UserId = UserId::new(3);

    fn emoji(text: &str) -> Emoji {
        Emoji::parse(text).unwrap()
    }

    fn by(user: UserId) -> By {
        By {
            user,
            withheld_from: Vec::new(),
        }
    }

    fn seen(it: &Reactions, viewer: Option<UserId>) -> Vec<(String, usize, bool)> {
        let seen = it.seen_by(viewer).into_iter();
        seen.map(|s| (s.emoji.to_owned(), s.count, s.mine))
            .collect()
    }

    #[test]
    fn an_emoji_is_one_of_the_list_however_it_is_spelled() {
        for one in ["👍", "👍🏽", "❤️", "🇵🇹", "👩‍👩‍👧", "1️⃣", "🏳️‍🌈"]
        {
            assert!(Emoji::parse(one).is_ok(), "{one}");
        }
        assert_eq!(emoji("❤"), emoji("❤\u{fe0f}"));
        for none in [
            "",
            "a",
            "1",
            ":)",
            "👍👍",
            "👍 ",
            "rocket",
            "\u{200d}",
            "👍\u{200d}",
        ] {
            assert!(Emoji::parse(none).is_err(), "{none:?}");
        }
        assert!(Emoji::parse(&"👍".repeat(1_000)).is_err());
    }

    #[test]
    fn each_person_reacts_once_with_each_emoji() {
        let mut all = Reactions::default();
        let (up, heart) = (emoji("👍"), emoji("❤️"));
        assert_eq!(all.add(&up, by(ANA)), Ok(true));
        assert_eq!(all.add(&up, by(ANA)), Ok(false));
        assert_eq!(all.add(&heart, by(BO)), Ok(true));
        assert_eq!(all.add(&up, by(BO)), Ok(true));
        assert_eq!(
            seen(&all, Some(ANA)),
            [("👍".into(), 2, true), ("❤️".into(), 1, false)]
        );
        assert!(all.remove(&heart, BO));
        assert!(!all.remove(&heart, BO));
        assert_eq!(seen(&all, None), [("👍".into(), 2, false)]);
        assert!(all.are_special_for(ANA) && !all.are_special_for(CY));
    }

    #[test]
    fn kinds_are_bounded_and_people_are_not() {
        let known: Vec<Emoji> = emojis::iter()
            .take(limits::REACTION_KINDS_MAX + 1)
            .map(|it| emoji(it.as_str()))
            .collect();
        let (last, first) = known.split_last().unwrap();
        let mut all = Reactions::default();
        for one in first {
            assert_eq!(all.add(one, by(ANA)), Ok(true));
        }
        let limit = limits::REACTION_KINDS_MAX;
        assert_eq!(
            all.add(last, by(ANA)),
            Err(Refusal::TooManyReactions { limit })
        );
        assert_eq!(all.add(&first[0], by(BO)), Ok(true));
    }

    #[test]
    fn who_blocked_somebody_does_not_see_their_reaction() {
        let mut all = Reactions::default();
        let up = emoji("👍");
        let unwanted = By {
            user: BO,
            withheld_from: vec![ANA],
        };
        assert_eq!(all.add(&up, unwanted), Ok(true));
        assert_eq!(seen(&all, Some(ANA)), []);
        assert_eq!(seen(&all, Some(BO)), [("👍".into(), 1, true)]);
        assert_eq!(seen(&all, Some(CY)), [("👍".into(), 1, false)]);
        assert!(all.are_special_for(ANA));
        assert_eq!(all.add(&up, by(CY)), Ok(true));
        assert_eq!(seen(&all, Some(ANA)), [("👍".into(), 1, false)]);
    }
}
