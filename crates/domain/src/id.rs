//! Ids: 42 bits of Unix milliseconds and 21 bits of chance, so they sort by creation.

use std::fmt;
use std::str::FromStr;

use crate::Time;

/// How many low bits of an id are chance.
const CHANCE_BITS: u32 = 21;

/// The number behind a new id: `now` in the high bits, the low 21 bits of `chance` below.
///
/// Two ids of one millisecond collide once in two million; the store refuses the second and tries again.
#[must_use]
pub fn compose(now: Time, chance: u64) -> i64 {
    let mask = (1_i64 << CHANCE_BITS) - 1;
    (now.as_millis() << CHANCE_BITS) | (chance.cast_signed() & mask)
}

/// A text that is not an id: not `^\d+$`, or 2^63 and above.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct MalformedId;

/// Reads a decimal id below 2^63.
///
/// # Errors
/// [`MalformedId`] for anything else, also for signs and white space.
pub fn parse(text: &str) -> Result<i64, MalformedId> {
    if text.is_empty() || text.len() > 19 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(MalformedId);
    }
    text.parse().map_err(|_| MalformedId)
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Wraps the number of a stored or new id.
            #[must_use]
            pub const fn new(number: i64) -> Self {
                Self(number)
            }

            /// The number to store.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, MalformedId> {
                parse(text).map(Self)
            }
        }
    )*};
}

ids! {
    /// A person.
    UserId
    /// A signed-in device.
    SessionId
    /// A board.
    BoardId
    /// A pin.
    PinId
    /// A conversation.
    ConversationId
    /// A report, or what was reported.
    ReportId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_sorts_by_time_and_stays_below_2_pow_63() {
        let early = compose(Time::from_millis(1_000), u64::MAX);
        let late = compose(Time::from_millis(1_001), 0);
        assert!(early < late);
        let last = compose(Time::from_millis((1 << 42) - 1), u64::MAX);
        assert_eq!(last, i64::MAX);
    }

    #[test]
    fn only_digits_below_2_pow_63_are_ids() {
        assert_eq!(parse("9223372036854775807"), Ok(i64::MAX));
        for bad in [
            "",
            "9223372036854775808",
            "-1",
            "+1",
            " 1",
            "1a",
            "00000000000000000001",
        ] {
            assert_eq!(parse(bad), Err(MalformedId), "{bad:?}");
        }
    }
}
