//! Saves: who kept a pin that was sent to them on a board of their own.

use crate::UserId;
use crate::reaction::By;

/// A person's saves of one pin from one conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Save {
    /// Who saved it.
    pub by: By,
    /// Whether the saver lets the others know.
    pub is_told: bool,
}

impl Save {
    fn is_seen_by(&self, viewer: UserId) -> bool {
        let is_shown = self.is_told && !self.by.withheld_from.contains(&viewer);
        self.by.user == viewer || is_shown
    }
}

/// All saves of one pin from one conversation, the first saver first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Saves(Vec<Save>);

impl Saves {
    /// Those that were kept.
    #[must_use]
    pub const fn of(all: Vec<Save>) -> Self {
        Self(all)
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Save] {
        &self.0
    }

    /// Adds a save; whether anybody sees something new. Who was told once is not untold by a later save.
    pub fn add(&mut self, save: Save) -> bool {
        let Some(known) = self.0.iter_mut().find(|it| it.by.user == save.by.user) else {
            self.0.push(save);
            return true;
        };
        if known.is_told || !save.is_told {
            return false;
        }
        *known = save;
        true
    }

    /// Who saved it, as `viewer` sees it: one sees one's own saves, and what others let one know.
    #[must_use]
    pub fn seen_by(&self, viewer: UserId) -> Vec<UserId> {
        let seen = self.0.iter().filter(|save| save.is_seen_by(viewer));
        seen.map(|save| save.by.user).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: UserId = UserId::new(1);
    const BO: UserId = UserId::new(2);
    const CY: UserId = UserId::new(3);

    fn save(user: UserId, is_told: bool, withheld_from: Vec<UserId>) -> Save {
        let by = By {
            user,
            withheld_from,
        };
        Save { by, is_told }
    }

    #[test]
    fn each_person_is_named_once_however_often_they_save() {
        let mut all = Saves::default();
        assert!(all.add(save(ANA, true, Vec::new())));
        assert!(!all.add(save(ANA, true, Vec::new())));
        assert!(all.add(save(BO, true, Vec::new())));
        assert_eq!(all.seen_by(CY), [ANA, BO]);
    }

    #[test]
    fn a_silent_save_is_seen_by_its_saver_alone_until_they_save_it_openly() {
        let mut all = Saves::default();
        assert!(all.add(save(ANA, false, Vec::new())));
        assert_eq!(all.seen_by(ANA), [ANA]);
        assert_eq!(all.seen_by(BO), []);
        assert!(!all.add(save(ANA, false, Vec::new())));
        assert!(all.add(save(ANA, true, Vec::new())));
        assert!(!all.add(save(ANA, false, Vec::new())));
        assert_eq!(all.seen_by(BO), [ANA]);
    }

    #[test]
    fn who_blocked_the_saver_does_not_see_the_save() {
        let mut all = Saves::default();
        assert!(all.add(save(ANA, true, vec![BO])));
        assert_eq!(all.seen_by(BO), []);
        assert_eq!(all.seen_by(CY), [ANA]);
    }
}
