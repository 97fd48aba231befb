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
        let millis = self.0.clamp(-62_167_219_200_000, 253_402_300_799_999);
        let moment = OffsetDateTime::from_unix_timestamp(millis.div_euclid(1_000))
            .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        // By hand, since each message of a page shows one or two.
        let mut text = *b"0000-00-00T00:00:00.000Z";
        for (place, number) in [
            (0..4, i64::from(moment.year())),
            (5..7, i64::from(u8::from(moment.month()))),
            (8..10, i64::from(moment.day())),
            (11..13, i64::from(moment.hour())),
            (14..16, i64::from(moment.minute())),
            (17..19, i64::from(moment.second())),
            (20..23, millis.rem_euclid(1_000)),
        ] {
            write_digits(text.get_mut(place).unwrap_or_default(), number);
        }
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

/// Fills `place` with the last digits of a number that is not negative.
fn write_digits(place: &mut [u8], mut number: i64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
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
        for (millis, text) in [
            (-1, "1969-12-31T23:59:59.999Z"),
            (0, "1970-01-01T00:00:00.000Z"),
            (i64::MIN, "0000-01-01T00:00:00.000Z"),
            (i64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(Time::from_millis(millis).to_string(), text);
        }
    }
}
