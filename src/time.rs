//! Instants and durations.
//!
//! Inside the engine an instant is an `i64` of milliseconds since the Unix epoch (UTC) and a duration an `i64` of
//! milliseconds; names end in `_ms`. This module has the bounds of time and its only text form, RFC 3339.

use chrono::SecondsFormat;
use jiff::civil;
use jiff::tz::TimeZone;
use thiserror::Error;

pub const SECOND_MS: i64 = 1_000;
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// The first instant an input may name: 1970-01-01T00:00:00Z.
pub const MIN_INPUT_MS: i64 = 0;

/// The first instant after the input range: 2100-01-01T00:00:00Z.
pub const MAX_INPUT_MS: i64 = 4_102_444_800_000;

/// Where calendars end: the last whole second of a 32-bit timer, 2106-02-07T06:28:15Z. Anything due later is never due.
pub const HORIZON_MS: i64 = u32::MAX as i64 * SECOND_MS;

/// The due time of something that is never due. It fits the 42 bits in which clocks keep their times.
pub const NEVER_MS: i64 = (1 << 42) - 1;

/// Why a text is not an instant that the engine accepts.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TimeError {
    #[error("{text:?} is not an RFC 3339 time such as 2026-11-22T09:30:00Z or 2026-11-22T10:30:00+01:00")]
    Syntax { text: String },
    #[error("{text} lies outside 1970-01-01 to 2099-12-31")]
    Range { text: String },
}

/// Reads an RFC 3339 time (an offset or `Z` is required; fractions below a millisecond are truncated).
///
/// # Errors
/// [`TimeError::Syntax`] for any other text, [`TimeError::Range`] outside 1970 to 2099.
pub fn parse_rfc3339(text: &str) -> Result<i64, TimeError> {
    let parsed = chrono::DateTime::parse_from_rfc3339(text).map_err(|_| TimeError::Syntax { text: text.to_owned() })?;
    let ms = parsed.timestamp_millis();
    if (MIN_INPUT_MS..MAX_INPUT_MS).contains(&ms) { Ok(ms) } else { Err(TimeError::Range { text: text.to_owned() }) }
}

/// Writes an instant as RFC 3339 in UTC, with milliseconds only if they are not zero: `2026-11-22T09:30:00Z`.
///
/// # Panics
/// Never for instants from 0 to [`NEVER_MS`].
pub fn format_rfc3339(at_ms: i64) -> String {
    match chrono::DateTime::from_timestamp_millis(at_ms) {
        Some(at) => at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        None => format!("{at_ms} ms"),
    }
}

/// What a wall clock shows so many milliseconds after it showed 1970-01-01 00:00; that instant for one out of range.
pub fn civil(local_ms: i64) -> civil::DateTime {
    let at = jiff::Timestamp::from_millisecond(local_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(TimeZone::UTC).datetime()
}

/// The inverse of [`civil()`].
pub fn civil_ms(at: civil::DateTime) -> i64 {
    at.to_zoned(TimeZone::UTC).map_or(0, |at| at.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3339_is_read_and_written() {
        assert_eq!(parse_rfc3339("2026-11-22T10:30:00+01:00"), Ok(1_795_339_800_000));
        assert_eq!(format_rfc3339(1_795_339_800_000), "2026-11-22T09:30:00Z");
        assert_eq!(format_rfc3339(1_795_339_800_250), "2026-11-22T09:30:00.250Z");
        assert_eq!(parse_rfc3339("2099-12-31T23:59:59.999Z"), Ok(MAX_INPUT_MS - 1));
    }

    #[test]
    fn wall_clock_times_come_back_as_they_went() {
        for ms in [-1, 0, 1_795_339_800_250, HORIZON_MS, -86_400_000 * 365] {
            assert_eq!(civil_ms(civil(ms)), ms);
        }
        assert_eq!(civil(1_795_339_800_250).to_string(), "2026-11-22T09:30:00.25");
    }

    #[test]
    fn naive_and_distant_times_are_refused() {
        assert!(matches!(parse_rfc3339("2026-11-22T10:30:00"), Err(TimeError::Syntax { .. })));
        assert!(matches!(parse_rfc3339("9999-01-01T00:00:00Z"), Err(TimeError::Range { .. })));
        assert!(matches!(parse_rfc3339("1969-12-31T23:59:59Z"), Err(TimeError::Range { .. })));
    }
}
