//! What a member sets for themselves in a conversation: mute, archive, hide.

use crate::{Field, Refusal, Time, limits};

/// What is asked for: what is left out stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MembershipChange {
    /// No notice until then; none at all where null is given.
    pub muted_until: Option<Option<Time>>,
    /// Put away until this is undone.
    pub archived: Option<bool>,
    /// Not in lists until the next message.
    pub hidden: Option<bool>,
}

/// What a member has set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// No notice until then.
    pub muted_until: Option<Time>,
    /// Put away.
    pub archived: bool,
    /// Not in lists until a message beyond this position.
    pub hidden_position: Option<i64>,
}

impl Settings {
    /// Muted or archived: no head, and nothing of it counts with the others.
    #[must_use]
    pub fn quiet(&self, now: Time) -> bool {
        self.archived || self.muted_until.is_some_and(|until| until > now)
    }

    /// Whether it is hidden, in a conversation whose last message is at `last`.
    #[must_use]
    pub fn hidden(&self, last: i64) -> bool {
        self.hidden_position
            .is_some_and(|position| position >= last)
    }

    /// The settings after a change, in a conversation whose last message is at `last`. A change to what holds
    /// already changes nothing; a time that has passed mutes nothing.
    ///
    /// # Errors
    /// [`Refusal::InvalidValue`] for a mute of more than [`limits::MUTE_MAX_MS`].
    pub fn changed(self, change: MembershipChange, last: i64, now: Time) -> Result<Self, Refusal> {
        let mut new = self;
        if let Some(until) = change.muted_until {
            let until = until.filter(|until| *until > now);
            if until.is_some_and(|until| until > now.plus_millis(limits::MUTE_MAX_MS)) {
                return Err(Refusal::InvalidValue(Field::new(
                    "muted_until",
                    "further off than a hundred years",
                )));
            }
            let was = self.muted_until.filter(|until| *until > now);
            if until != was {
                new.muted_until = until;
            }
        }
        if let Some(archived) = change.archived {
            new.archived = archived;
        }
        if let Some(hidden) = change.hidden.filter(|hidden| *hidden != self.hidden(last)) {
            new.hidden_position = hidden.then_some(last);
        }
        Ok(new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_millis(1_000);

    fn muted(until: Option<Time>) -> MembershipChange {
        MembershipChange {
            muted_until: Some(until),
            ..MembershipChange::default()
        }
    }

    #[test]
    fn a_mute_is_bounded_and_ends_by_itself() {
        let set = Settings::default();
        let furthest = NOW.plus_millis(limits::MUTE_MAX_MS);
        let at = set.changed(muted(Some(furthest)), 3, NOW).unwrap();
        assert_eq!(at.muted_until, Some(furthest));
        assert!(at.quiet(NOW) && !at.quiet(furthest));
        let past = set.changed(muted(Some(furthest.plus_millis(1))), 3, NOW);
        assert!(matches!(past, Err(Refusal::InvalidValue(_))), "{past:?}");
        assert_eq!(at.changed(muted(None), 3, NOW), Ok(set));
    }

    #[test]
    fn a_time_that_has_passed_mutes_nothing() {
        let set = Settings::default();
        assert_eq!(set.changed(muted(Some(NOW)), 3, NOW), Ok(set));
        let over = Settings {
            muted_until: Some(NOW),
            ..set
        };
        assert_eq!(
            over.changed(muted(None), 3, NOW),
            Ok(over),
            "it is over already"
        );
    }

    #[test]
    fn hiding_lasts_until_the_next_message_and_archiving_until_undone() {
        let hide = |hidden| MembershipChange {
            hidden: Some(hidden),
            ..MembershipChange::default()
        };
        let hidden = Settings::default().changed(hide(true), 3, NOW).unwrap();
        assert!(hidden.hidden(3) && !hidden.hidden(4) && !hidden.quiet(NOW));
        assert_eq!(hidden.changed(hide(true), 3, NOW), Ok(hidden));
        assert_eq!(
            hidden.changed(hide(false), 4, NOW),
            Ok(hidden),
            "it shows already"
        );
        let again = hidden.changed(hide(true), 4, NOW).unwrap();
        assert_eq!(again.hidden_position, Some(4));
        assert_eq!(again.changed(hide(false), 4, NOW), Ok(Settings::default()));
        let archive = MembershipChange {
            archived: Some(true),
            ..MembershipChange::default()
        };
        assert!(
            Settings::default()
                .changed(archive, 3, NOW)
                .unwrap()
                .quiet(NOW)
        );
    }
}
