//! The summary as tables for a terminal.

use super::{CycleCounts, Percentiles, Summary};
use crate::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use comfy_table::{Cell, CellAlignment, LineStyle, Row, Table, TableStyle};
use std::fmt::Write;

/// Table style: one line under the header.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// The summary for people.
pub fn show(summary: &Summary) -> String {
    let input = &summary.input;
    let mut text = format!("{} tickets, {} events", grouped(input.tickets), grouped(input.events));
    if let (Some(first), Some(until)) = (&summary.first_event_at, &summary.until) {
        let _ = write!(text, " from {first} to {until}");
    }
    text.push('\n');
    for (count, what) in [
        (input.rejected_rows, "rows could not be read"),
        (input.rejected_events, "events were rejected"),
        (input.events_after_end, "events after the end were skipped"),
    ] {
        if count > 0 {
            let _ = writeln!(text, "{} {what}", grouped(count));
        }
    }
    push_cycles(&mut text, summary);
    push_levels(&mut text, summary);
    push_durations(&mut text, summary);
    text
}

fn push_cycles(text: &mut String, summary: &Summary) {
    if summary.cycles.is_empty() {
        return;
    }
    let mut table = table(&["priority", "clock", "met", "missed", "met %", "open", "open, overdue", "no target"], 2);
    for cycles in &summary.cycles {
        let CycleCounts { met, missed, no_target, open, open_missed } = cycles.counts;
        let counts = [
            grouped(met),
            grouped(missed),
            share(met, missed),
            grouped(open),
            grouped(open_missed),
            grouped(no_target),
        ];
        add(&mut table, 2, [cycles.priority.clone(), cycles.clock.clone()].into_iter().chain(counts));
    }
    let _ = writeln!(text, "\nCycles\n{table}");
}

fn push_levels(text: &mut String, summary: &Summary) {
    let _ = write!(text, "\nEscalations: {}", grouped(summary.fired()));
    for (count, what) in [(summary.escalated_manually, "manual"), (summary.withdrawn, "withdrawn")] {
        if count > 0 {
            let _ = write!(text, ", {} {what}", grouped(count));
        }
    }
    text.push('\n');
    if !summary.levels.is_empty() {
        let mut table = table(&["clock", "level", "fired"], 1);
        for level in &summary.levels {
            add(&mut table, 1, [level.clock.clone(), level.level.to_string(), grouped(level.fired)]);
        }
        let _ = writeln!(text, "{table}");
    }
}

fn push_durations(text: &mut String, summary: &Summary) {
    if summary.durations.is_empty() {
        return;
    }
    let mut table = table(&["clock", "cycles", "time", "p50", "p90", "p95", "p99"], 1);
    for duration in &summary.durations {
        for (kind, accepted) in [("business", duration.business_ms), ("wall", duration.wall_ms)] {
            let Percentiles { p50, p90, p95, p99 } = accepted;
            let is_first = kind == "business";
            let name = if is_first { duration.clock.clone() } else { String::new() };
            let count = if is_first { grouped(duration.cycles) } else { String::new() };
            let shown = [p50, p90, p95, p99].map(readable);
            add(&mut table, 1, [name, count, kind.to_owned()].into_iter().chain(shown));
        }
    }
    let _ = writeln!(text, "\nTime from start to stop\n{table}");
}

fn table(header: &[&str], left_columns: usize) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    table.set_header(row(left_columns, header.iter().map(|name| (*name).to_owned())));
    table
}

fn add(table: &mut Table, left_columns: usize, cells: impl IntoIterator<Item = String>) {
    table.add_row(row(left_columns, cells));
}

fn row(left_columns: usize, cells: impl IntoIterator<Item = String>) -> Row {
    let aligned = |(index, text): (usize, String)| {
        let alignment = if index < left_columns { CellAlignment::Left } else { CellAlignment::Right };
        Cell::new(text).set_alignment(alignment)
    };
    Row::from(cells.into_iter().enumerate().map(aligned).collect::<Vec<_>>())
}

fn share(met: u64, missed: u64) -> String {
    let of = met + missed;
    if of == 0 { String::new() } else { format!("{:.1}", met as f64 * 100.0 / of as f64) }
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration in its two largest units, rounded to the nearest: `3 d 4 h`, `2 h 5 min`, `40 s`.
fn readable(duration_ms: i64) -> String {
    let unit_ms = if duration_ms < MINUTE_MS {
        SECOND_MS
    } else if duration_ms < DAY_MS {
        MINUTE_MS
    } else {
        HOUR_MS
    };
    let duration_ms = (duration_ms + unit_ms / 2) / unit_ms * unit_ms;
    let (days, hours) = (duration_ms / DAY_MS, duration_ms % DAY_MS / HOUR_MS);
    let (minutes, seconds) = (duration_ms % HOUR_MS / MINUTE_MS, duration_ms % MINUTE_MS / SECOND_MS);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_durations_are_readable() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [0, 59_000, 61_000, 7_500_000, 273_600_000].map(readable),
            ["0 s", "59 s", "1 min", "2 h 5 min", "3 d 4 h"]
        );
        // Rounded to the nearest, also across a unit.
        assert_eq!(
            [59_600, 119_500, 7_199_999, 86_399_000, 5_399_000 + 86_400_000].map(readable),
            ["1 min", "2 min", "2 h 0 min", "1 d 0 h", "1 d 1 h"]
        );
    }
}
