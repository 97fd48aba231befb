//! Heads: the avatars of conversations at the lower left of the screen.

use crate::{Field, Refusal, limits, text};

/// How a head is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeadState {
    /// With its conversation open, on the device that opened it.
    Open,
    /// The avatar alone.
    Minimized,
}

impl HeadState {
    /// The name in rows and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Minimized => "minimized",
        }
    }

    /// The state of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Open, Self::Minimized]
            .into_iter()
            .find(|s| s.name() == name)
    }
}

/// What decides whether a conversation has a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadFacts {
    /// How it is drawn.
    pub state: HeadState,
    /// Closed up to this position.
    pub closed_position: i64,
    /// The conversation's last position.
    pub last_position: i64,
    /// When the conversation last moved, in the log's counter.
    pub last_seq: i64,
    /// Muted or archived: no head.
    pub quiet: bool,
}

impl HeadFacts {
    /// A message beyond the "x" brings a head back, unless the conversation is muted or archived.
    #[must_use]
    pub const fn wants_head(&self) -> bool {
        self.last_position > self.closed_position && !self.quiet
    }
}

/// Puts a person's heads in order of last activity and splits off those beyond
/// [`limits::HEADS_MAX`]: the oldest minimized ones go first, then the oldest open ones.
#[must_use]
pub fn arrange<T>(mut heads: Vec<T>, facts: impl Fn(&T) -> HeadFacts) -> (Vec<T>, Vec<T>) {
    heads.retain(|h| facts(h).wants_head());
    heads.sort_by_key(|h| {
        let f = facts(h);
        (
            f.state == HeadState::Minimized,
            std::cmp::Reverse(f.last_seq),
        )
    });
    let gone = heads.split_off(heads.len().min(limits::HEADS_MAX));
    heads.sort_by_key(|h| std::cmp::Reverse(facts(h).last_seq));
    (heads, gone)
}

/// Checks the name a device gives itself.
///
/// # Errors
/// [`Refusal::InvalidValue`] when empty or longer than [`limits::DEVICE_ID_MAX`].
pub fn device_id(name: &str) -> Result<String, Refusal> {
    if name.is_empty() {
        return Err(Refusal::InvalidValue(Field::new("device_id", "empty")));
    }
    text::bounded("device_id", name, limits::DEVICE_ID_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(last_seq: i64, state: HeadState) -> HeadFacts {
        HeadFacts {
            state,
            closed_position: 0,
            last_position: 1,
            last_seq,
            quiet: false,
        }
    }

    #[test]
    fn the_oldest_minimized_head_goes_before_any_open_one() {
        let mut heads = vec![head(1, HeadState::Open)];
        heads.extend((2..=22).map(|seq| head(seq, HeadState::Minimized)));
        let (shown, gone) = arrange(heads, |h| *h);
        assert_eq!(shown.len(), limits::HEADS_MAX);
        assert_eq!(gone.iter().map(|h| h.last_seq).collect::<Vec<_>>(), [3, 2]);
        assert_eq!(shown.first().map(|h| h.last_seq), Some(22));
        assert_eq!(shown.last().map(|h| h.last_seq), Some(1));
    }

    #[test]
    fn the_x_hides_a_head_until_a_new_message() {
        let closed = HeadFacts {
            closed_position: 3,
            last_position: 3,
            ..head(1, HeadState::Open)
        };
        assert!(!closed.wants_head());
        assert!(
            HeadFacts {
                last_position: 4,
                ..closed
            }
            .wants_head()
        );
        assert!(
            !HeadFacts {
                last_position: 4,
                quiet: true,
                ..closed
            }
            .wants_head()
        );
    }

    #[test]
    fn a_device_id_is_bounded() {
        assert!(device_id(&"x".repeat(limits::DEVICE_ID_MAX)).is_ok());
        assert!(device_id(&"x".repeat(limits::DEVICE_ID_MAX + 1)).is_err());
        assert!(device_id("").is_err());
    }
}
