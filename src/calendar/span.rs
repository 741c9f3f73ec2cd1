//! Lengths of time as promises state them.

use crate::time::{HORIZON_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// An amount of business time, of business days or of calendar days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Span {
    /// `"90s"`, `"15m"`, `"4h"`, `"1h30m"`: milliseconds inside opening hours.
    Business { ms: i64 },
    /// `"2bd"`: the same wall-clock time this many working days later.
    BusinessDays(u32),
    /// `"30d"`: the same wall-clock time this many calendar days later, measured in real time.
    CalendarDays(u32),
}

/// No calendar has more days than this.
const MAX_DAYS: u32 = 50_000;

/// Why a text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SpanError {
    #[error(
        "{text:?} is not a length of time: write business hours (\"4h\", \"1h30m\", \"15m\", \"90s\"), business days \
         (\"2bd\") or calendar days (\"30d\")"
    )]
    Syntax { text: String },
    #[error("{text:?} mixes days with hours: a length of time is in hours, minutes and seconds, or in days alone")]
    Mixed { text: String },
    #[error("{text:?} is longer than any calendar: at most {MAX_DAYS} days or as many hours")]
    TooLong { text: String },
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        let shown = || text.chars().take(64).collect::<String>();
        let syntax = || SpanError::Syntax { text: shown() };
        let too_long = || SpanError::TooLong { text: shown() };
        let mut rest = text;
        let mut ms = 0_i64;
        let mut previous_unit_ms = i64::MAX;
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let letters = tail.bytes().take_while(u8::is_ascii_lowercase).count();
            let (unit, tail) = tail.split_at(letters);
            if number.is_empty() {
                return Err(syntax());
            }
            let count = number.parse::<u32>().map_err(|_| too_long())?;
            let unit_ms = match unit {
                "h" => HOUR_MS,
                "m" => MINUTE_MS,
                "s" => SECOND_MS,
                "bd" | "d" if rest.len() != text.len() || !tail.is_empty() => {
                    return Err(SpanError::Mixed { text: shown() });
                }
                "bd" | "d" if count > MAX_DAYS => return Err(too_long()),
                "bd" => return Ok(Self::BusinessDays(count)),
                "d" => return Ok(Self::CalendarDays(count)),
                _ => return Err(syntax()),
            };
            // Each unit once, the larger first: "30m1h" and "1h1h" are mistakes.
            if unit_ms >= previous_unit_ms {
                return Err(syntax());
            }
            previous_unit_ms = unit_ms;
            ms += i64::from(count) * unit_ms;
            rest = tail;
        }
        match ms {
            _ if text.is_empty() => Err(syntax()),
            ms if ms > HORIZON_MS => Err(too_long()),
            ms => Ok(Self::Business { ms }),
        }
    }
}

impl TryFrom<String> for Span {
    type Error = SpanError;

    fn try_from(text: String) -> Result<Self, SpanError> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = match *self {
            Self::Business { ms } => ms,
            Self::BusinessDays(days) => return write!(out, "{days}bd"),
            Self::CalendarDays(days) => return write!(out, "{days}d"),
        };
        if ms == 0 {
            return out.write_str("0s");
        }
        for (unit, count) in [("h", ms / HOUR_MS), ("m", ms % HOUR_MS / MINUTE_MS), ("s", ms % MINUTE_MS / SECOND_MS)] {
            if count != 0 {
                write!(out, "{count}{unit}")?;
            }
        }
        match ms % SECOND_MS {
            0 => Ok(()),
            rest => write!(out, "{rest}ms"),
        }
    }
}

#[cfg(test)]
mod tests;
