//! How far the wall clock is trusted when the service starts.
//!
//! The journal has the time of its last group, and time never runs backwards. A wall clock that is far ahead of it may be
//! right, after a long downtime; if it is wrong, one start fires everything due until then, and time stands still until the
//! real time has caught up. So such a start fails unless the operator states that the time is right. A wall clock that is
//! behind either is wrong now or was wrong before: time stands still, with an error in the log, until the operator states
//! which.

use super::config::{StartError, Trust};
use crate::limits::{ACCEPTED_WITHIN_MS, MAX_STEP_MS};
use crate::store::input::Passage;
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, format_rfc3339};

/// How the time advances to that of the first group after a start, and the time from which the service's clock continues.
///
/// # Errors
/// [`StartError::Ahead`].
pub(super) fn passage(trust: Trust, wall_ms: i64, last_ms: i64) -> Result<(Passage, i64), StartError> {
    let is_accepted = trust.accepted_ms.is_some_and(|at_ms| (at_ms - wall_ms).abs() <= ACCEPTED_WITHIN_MS);
    let ahead_ms = wall_ms - last_ms;
    let (wall, last) = (format_rfc3339(wall_ms), format_rfc3339(last_ms));
    let bound_ms = i64::try_from(trust.max_ahead.as_millis()).unwrap_or(i64::MAX);
    if ahead_ms > bound_ms {
        if !is_accepted {
            let rejected = trust.accepted_ms.map(not_within);
            let (ahead, bound) = (in_words(ahead_ms), in_words(bound_ms));
            return Err(StartError::Ahead { wall, ahead, last, bound, rejected: rejected.unwrap_or_default() });
        }
        tracing::warn!(wall, last, "the wall clock is far ahead of the last known time; accepted by --accept-time");
        return Ok((Passage::Accepted, last_ms));
    }
    if ahead_ms < -MAX_STEP_MS {
        let behind = in_words(-ahead_ms);
        if is_accepted {
            tracing::warn!(
                wall,
                last,
                behind,
                "the wall clock is behind the last known time; accepted by --accept-time: the time is set back, and records that \
                 fired only because of the later time are withdrawn"
            );
            return Ok((Passage::Accepted, wall_ms));
        }
        let rejected = trust.accepted_ms.map(not_within).unwrap_or_default();
        tracing::error!(
            wall,
            last,
            behind,
            "the wall clock is behind the last known time: time stands still until it has caught up, and nothing falls \
             due. If the wall clock is wrong, correct it; if it was wrong before, start once with --accept-time \
             {wall}{rejected}"
        );
    } else if trust.accepted_ms.is_some() {
        tracing::info!(wall, last, "--accept-time is not needed: the wall clock continues from the last known time");
    }
    Ok((Passage::AfterDowntime, last_ms))
}

/// Why the given time is not accepted.
fn not_within(accepted_ms: i64) -> String {
    let within = in_words(ACCEPTED_WITHIN_MS);
    format!(" (--accept-time {} is not within {within} of what the wall clock shows)", format_rfc3339(accepted_ms))
}

/// A duration in its two largest units.
pub(super) fn in_words(ms: i64) -> String {
    let units = [("d", DAY_MS), ("h", HOUR_MS), ("m", MINUTE_MS), ("s", SECOND_MS)];
    let largest = units.iter().position(|(_, unit_ms)| ms >= *unit_ms).unwrap_or(units.len() - 1);
    let mut left_ms = ms;
    let mut labels = Vec::new();
    for (name, unit_ms) in units.iter().skip(largest).take(2) {
        let count = left_ms / unit_ms;
        left_ms %= unit_ms;
        if count > 0 || labels.is_empty() {
            labels.push(format!("{count} {name}"));
        }
    }
    labels.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const LAST_MS: i64 = 1_795_000_000_000;
    const YEAR_MS: i64 = 365 * DAY_MS;

    fn trust(accepted_ms: Option<i64>) -> Trust {
        Trust { accepted_ms, ..Trust::default() }
    }

    #[test]
    fn a_wall_clock_far_ahead_is_refused_unless_that_time_is_accepted() {
        let bound_ms = Trust::default().max_ahead.as_millis() as i64;
        for ahead_ms in [0, SECOND_MS, DAY_MS, bound_ms] {
            assert_eq!(passage(trust(None), LAST_MS + ahead_ms, LAST_MS).unwrap(), (Passage::AfterDowntime, LAST_MS));
        }
        for ahead_ms in [bound_ms + 1, YEAR_MS, 50 * YEAR_MS] {
            let wall_ms = LAST_MS + ahead_ms;
            let labels = passage(trust(None), wall_ms, LAST_MS).unwrap_err().to_string();
            for part in [
                format_rfc3339(LAST_MS),
                in_words(ahead_ms),
                format!("--accept-time {}", format_rfc3339(wall_ms)),
                "--max-clock-ahead".to_owned(),
            ] {
                assert!(labels.contains(&part), "{part} is not in {labels}");
            }
            let other = passage(trust(Some(wall_ms - 2 * HOUR_MS)), wall_ms, LAST_MS).unwrap_err().to_string();
            assert!(other.contains("is not within 1 h"), "{other}");
            let accepted = passage(trust(Some(wall_ms - MINUTE_MS)), wall_ms, LAST_MS).unwrap();
            assert_eq!(accepted, (Passage::Accepted, LAST_MS));
        }
        let wide = Trust { max_ahead: Duration::from_secs(366 * 86_400), accepted_ms: None };
        assert_eq!(passage(wide, LAST_MS + YEAR_MS, LAST_MS).unwrap(), (Passage::AfterDowntime, LAST_MS));
    }

    #[test]
    fn a_wall_clock_behind_stands_still_unless_that_time_is_accepted() {
        for behind_ms in [1, MAX_STEP_MS, MINUTE_MS, DAY_MS, YEAR_MS] {
            let wall_ms = LAST_MS - behind_ms;
            assert_eq!(passage(trust(None), wall_ms, LAST_MS).unwrap(), (Passage::AfterDowntime, LAST_MS));
            let other = passage(trust(Some(wall_ms + 2 * HOUR_MS)), wall_ms, LAST_MS).unwrap();
            assert_eq!(other, (Passage::AfterDowntime, LAST_MS));
            let accepted = passage(trust(Some(wall_ms)), wall_ms, LAST_MS).unwrap();
            let is_small = behind_ms <= MAX_STEP_MS;
            let expected = if is_small { (Passage::AfterDowntime, LAST_MS) } else { (Passage::Accepted, wall_ms) };
            assert_eq!(accepted, expected);
        }
    }

    #[test]
    fn lengths_of_time_have_two_units() {
        for (ms, text) in [
            (999, "0 s"),
            (61_000, "1 m 1 s"),
            (HOUR_MS, "1 h"),
            (YEAR_MS + 5 * HOUR_MS + 3, "365 d 5 h"),
            (DAY_MS + MINUTE_MS, "1 d"),
        ] {
            assert_eq!(in_words(ms), text);
        }
    }
}
