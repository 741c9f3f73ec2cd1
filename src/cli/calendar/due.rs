//! `overdue calendar due`: when a target ends, and which intervals it counted.

use super::format::{length, wall};
use crate::calendar::{Calendar, Span, Timeline, zone_data_version};
use crate::time::{HORIZON_MS, MAX_INPUT_MS, MIN_INPUT_MS, NEVER_MS, format_rfc3339, parse_rfc3339};
use anyhow::{Context, bail};
use jiff::civil::DateTime;
use std::io::Write;

/// Intervals shown of a long target: half of them from its beginning, half from its end.
const SHOWN: usize = 100;

pub(super) fn run(calendar: &Calendar, start: &str, target: Span, out: &mut impl Write) -> anyhow::Result<()> {
    let timeline = calendar.timeline();
    let zone = timeline.zone();
    let start_ms = instant(start, timeline)?;
    let due_ms = match target {
        Span::Business { ms } => timeline.add(start_ms, ms),
        Span::BusinessDays(days) => timeline.add_business_days(start_ms, days),
        Span::CalendarDays(days) => timeline.add_calendar_days(start_ms, days),
    };
    if due_ms == NEVER_MS {
        bail!("{target} from {start} ends after {}, where calendars end", format_rfc3339(HORIZON_MS));
    }
    let moment = |at_ms| format!("{}   {}", wall(zone, at_ms), format_rfc3339(at_ms));
    writeln!(out, "due     {}", moment(due_ms))?;
    writeln!(out, "target  {target}")?;
    writeln!(out, "start   {}", moment(start_ms))?;
    writeln!(out, "in      {} ({}, zone data {})", calendar.name, zone.name(), zone_data_version())?;

    // Calendar days run in real time; everything else counts only opening hours.
    let counted: Vec<(i64, i64)> = match target {
        Span::CalendarDays(_) => vec![(start_ms, due_ms)],
        _ => timeline.open_intervals(start_ms, due_ms).collect(),
    };
    if let (Span::Business { .. } | Span::BusinessDays(_), false) = (target, timeline.is_open(start_ms)) {
        writeln!(
            out,
            "\nThe start is outside opening hours; they begin {}.",
            wall(zone, timeline.next_open(start_ms))
        )?;
    }
    if matches!(target, Span::BusinessDays(_)) && !timeline.is_open(due_ms) {
        writeln!(out, "\nThe same wall-clock time on the due date is outside that day's opening hours.")?;
    }
    writeln!(out, "\ncounted")?;
    let mut total_ms = 0;
    for (at, &(from_ms, to_ms)) in counted.iter().enumerate() {
        total_ms += to_ms - from_ms;
        if at >= SHOWN / 2 && counted.len() - at > SHOWN / 2 {
            if at == SHOWN / 2 {
                writeln!(out, "  … {} more …", counted.len() - SHOWN)?;
            }
            continue;
        }
        writeln!(
            out,
            "  {}  to  {}  {:>9}  sum {:>9}   {}/{}",
            wall(zone, from_ms),
            wall(zone, to_ms),
            length(to_ms - from_ms),
            length(total_ms),
            format_rfc3339(from_ms),
            format_rfc3339(to_ms),
        )?;
    }
    if counted.is_empty() {
        writeln!(out, "  nothing")?;
    }
    Ok(())
}

/// An RFC 3339 time, or a local time of the calendar's zone.
fn instant(text: &str, timeline: &Timeline) -> anyhow::Result<i64> {
    let naive = text.len() <= 23 && !text.contains(['Z', 'z', '+']);
    let wall_clock = naive.then(|| text.parse::<DateTime>().ok()).flatten();
    let Some(wall_clock) = wall_clock else {
        return parse_rfc3339(text)
            .context("--start (or a time on the calendar's wall clock, such as 2026-11-20T16:00)");
    };
    let local = wall_clock.to_zoned(jiff::tz::TimeZone::UTC).map(|local| local.timestamp().as_millisecond());
    let at_ms = local.map_or(NEVER_MS, |local_ms| timeline.zone().first_instant_at(local_ms));
    if !(MIN_INPUT_MS..MAX_INPUT_MS).contains(&at_ms) {
        bail!("--start {text} lies outside 1970-01-01 to 2099-12-31");
    }
    Ok(at_ms)
}

#[cfg(test)]
mod tests;
