//! Instants and durations formatted for people.

use crate::calendar::{Span, Zone};
use crate::time::{MINUTE_MS, SECOND_MS, civil};

/// Wall-clock time with its offset: `Fri 2026-11-20 16:00 +01:00`.
pub(super) fn wall(zone: &Zone, at_ms: i64) -> String {
    let local = civil(zone.local_ms(at_ms));
    let format = if at_ms % MINUTE_MS == 0 { "%a %Y-%m-%d %H:%M" } else { "%a %Y-%m-%d %H:%M:%S%.f" };
    format!("{} {}", local.strftime(format), offset(zone.offset_ms(at_ms)))
}

/// An offset from UTC: `+01:00`, with seconds only if they are not zero.
pub(super) fn offset(offset_ms: i64) -> String {
    let (sign, seconds) = (if offset_ms < 0 { '-' } else { '+' }, offset_ms.abs() / SECOND_MS);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let tail = if seconds == 0 { String::new() } else { format!(":{seconds:02}") };
    format!("{sign}{hours:02}:{minutes:02}{tail}")
}

/// A duration of business time: `8h30m`.
pub(super) fn length(ms: i64) -> String {
    Span::Business { ms }.to_string()
}
