//! Parses the threshold of a level: `"50%"`, `"2h"`, `"1bd"`, `"+30m"`.

use super::Threshold;
use crate::calendar::SpanError;
use std::fmt;
use thiserror::Error;

/// Maximum percentage of a level, 1,000 %, in hundredths of a percent.
const MAX_PERCENT: u32 = 100_000;

/// Why a text is not a [`Threshold`], a target or a percentage.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ThresholdError {
    #[error("{text:?} is not a percentage with at most two decimals, such as 75% or 12.5%")]
    Percent { text: String },
    #[error("{text:?} is 0: it would be reached at once")]
    PercentZero { text: String },
    #[error("{text:?} is more than 1000%")]
    PercentRange { text: String },
    #[error("{text:?} mixes + and %: a percentage counts from the start of the clock, + from its target")]
    PercentAfterTarget { text: String },
    #[error("{text:?} lies before the target: a level counts from the start of the clock or from its target on")]
    BeforeTarget { text: String },
    #[error(transparent)]
    Span(#[from] SpanError),
}

impl ThresholdError {
    /// What to write instead.
    pub(crate) fn instead(&self) -> String {
        match self {
            Self::Percent { .. } => "\"75%\" or \"12.5%\"".to_owned(),
            Self::PercentZero { .. } => {
                "\"0m\" for a level that fires as the clock starts, or a percentage above 0".to_owned()
            }
            Self::PercentRange { .. } => {
                "a percentage up to \"1000%\", or a time after the target such as \"+2bd\"".to_owned()
            }
            Self::PercentAfterTarget { text } => match parse_percent(text.trim_start_matches('+').trim()) {
                Ok(percent) if percent < MAX_PERCENT => format!("\"{}\"", Threshold::Percent(10_000 + percent)),
                _ => "\"150%\" or \"+30m\"".to_owned(),
            },
            Self::BeforeTarget { .. } => "\"75%\", or the time from the start such as \"3h30m\"".to_owned(),
            Self::Span(_) => {
                "an amount and its unit: \"90s\", \"15m\", \"4h\", \"1h30m\", \"2bd\" or \"30d\"".to_owned()
            }
        }
    }
}

/// Parses a threshold.
///
/// # Errors
/// The reason, with the text.
pub fn parse_threshold(text: &str) -> Result<Threshold, ThresholdError> {
    let trimmed = text.trim();
    let owned = || text.to_owned();
    match (trimmed.strip_prefix('+'), trimmed.ends_with('%')) {
        (Some(_), true) => Err(ThresholdError::PercentAfterTarget { text: owned() }),
        (Some(after), false) => Ok(Threshold::AfterTarget(after.trim().parse()?)),
        (None, _) if trimmed.starts_with('-') => Err(ThresholdError::BeforeTarget { text: owned() }),
        (None, true) => parse_percent(trimmed).map(Threshold::Percent),
        (None, false) => Ok(Threshold::After(trimmed.parse()?)),
    }
}

/// Parses a percentage above 0 and up to 1,000 into hundredths of a percent.
///
/// # Errors
/// The reason, with the text.
pub fn parse_percent(text: &str) -> Result<u32, ThresholdError> {
    let wrong = || ThresholdError::Percent { text: text.to_owned() };
    let number = text.trim().strip_suffix('%').ok_or_else(wrong)?.trim_end();
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || fraction.len() > 2 {
        return Err(wrong());
    }
    let range = || ThresholdError::PercentRange { text: text.to_owned() };
    let whole: u32 = whole.parse().map_err(|_| range())?;
    let fraction: u32 = format!("{fraction:0<2}").parse().map_err(|_| wrong())?;
    match whole.checked_mul(100).and_then(|hundredths| hundredths.checked_add(fraction)) {
        Some(0) => Err(ThresholdError::PercentZero { text: text.to_owned() }),
        Some(percent) if percent <= MAX_PERCENT => Ok(percent),
        _ => Err(range()),
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) if percent % 100 == 0 => write!(out, "{}%", percent / 100),
            Self::Percent(percent) if percent % 10 == 0 => write!(out, "{}.{}%", percent / 100, percent % 100 / 10),
            Self::Percent(percent) => write!(out, "{}.{:02}%", percent / 100, percent % 100),
            Self::After(span) => write!(out, "{span}"),
            Self::AfterTarget(span) => write!(out, "+{span}"),
        }
    }
}

#[cfg(test)]
mod tests;
