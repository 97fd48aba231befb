//! A moment, as whole milliseconds since 1970-01-01T00:00:00Z.

use std::fmt;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// A moment in UTC with a precision of one millisecond; shown as RFC 3339, `2026-11-23T04:55:17.042Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// The moment this many milliseconds after 1970 began.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970 began.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This moment moved by `millis` (back when negative).
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Reads RFC 3339; what is finer than a millisecond is cut off.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(moment.unix_timestamp_nanos() / 1_000_000)
            .ok()
            .map(Self)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Clamped to the years RFC 3339 can show (0 to 9999).
        let nanos = i128::from(self.0.clamp(-62_167_219_200_000, 253_402_300_799_999)) * 1_000_000;
        let moment =
            OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            moment.year(),
            u8::from(moment.month()),
            moment.day(),
            moment.hour(),
            moment.minute(),
            moment.second(),
            moment.millisecond()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_milliseconds_in_utc_and_reads_itself_back() {
        let moment = Time::from_millis(1_795_409_717_042);
        assert_eq!(moment.to_string(), "2026-11-23T04:55:17.042Z");
        assert_eq!(Time::parse(&moment.to_string()), Some(moment));
        assert_eq!(Time::parse("2026-11-23T05:55:17.0429+01:00"), Some(moment));
        assert_eq!(Time::parse("yesterday"), None);
    }
}
