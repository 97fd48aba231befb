//! How often something may be tried: so many times at once, which come back evenly, one after the other.
//!
//! That is the generic cell rate algorithm: of all that was tried one moment is kept, when all of it is made up for.

use crate::Time;

/// How often something may be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// So many times at once.
    pub most: u32,
    /// In which as many come back, in milliseconds.
    pub window_ms: i64,
}

/// How a quota stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Tries left at once.
    pub tries: u32,
    /// Milliseconds until the next one may be made; 0 if it may be made now.
    pub next_in_ms: i64,
    /// Milliseconds until all are there again.
    pub all_in_ms: i64,
}

impl Quota {
    /// What one try costs, in milliseconds; 0 for so many that nobody reaches the bound.
    #[must_use]
    pub fn step_ms(self) -> i64 {
        self.window_ms / i64::from(self.most.max(1))
    }

    /// What is left at `now`, of which all is made up for at `free_at`.
    #[must_use]
    pub fn left(self, free_at: Time, now: Time) -> Left {
        let used = (free_at.as_millis() - now.as_millis()).max(0);
        let step = self.step_ms();
        let room = (self.window_ms - used).max(0);
        let tries = match step {
            0 => self.most,
            _ => u32::try_from(room / step)
                .unwrap_or(u32::MAX)
                .min(self.most),
        };
        Left {
            tries,
            next_in_ms: (used + step - self.window_ms).max(0),
            all_in_ms: used,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_tried_comes_back_evenly() {
        let quota = Quota {
            most: 10,
            window_ms: 60_000,
        };
        let now = Time::from_millis(1_000_000);
        let left = |tried: i64| quota.left(now.plus_millis(tried * quota.step_ms()), now);
        let whole = Left {
            tries: 10,
            next_in_ms: 0,
            all_in_ms: 0,
        };
        assert_eq!((left(0), left(-5)), (whole, whole));
        let one = Left {
            tries: 9,
            next_in_ms: 0,
            all_in_ms: 6_000,
        };
        assert_eq!(left(1), one);
        let all = Left {
            tries: 0,
            next_in_ms: 6_000,
            all_in_ms: 60_000,
        };
        assert_eq!(left(10), all);
        let later = quota.left(now.plus_millis(60_000), now.plus_millis(5_999));
        assert_eq!((later.tries, later.next_in_ms), (0, 1));
    }

    #[test]
    fn a_bound_that_nobody_reaches_costs_nothing() {
        let quota = Quota {
            most: 100_000_000,
            window_ms: 60_000,
        };
        let now = Time::from_millis(1);
        assert_eq!(quota.step_ms(), 0);
        assert_eq!(quota.left(now, now).tries, 100_000_000);
    }
}
