//! The contents of the screen as a page of text: for scripts, and without a terminal.

use super::model::{Page, what, whom};
use super::screen::{clock_time, fired_by_level, share, signed, today};
use super::view::By;
use crate::replay::grouped;
use crate::server::monitoring::metrics::{ClockCounts, NamedCounts};
use std::fmt::Write;

/// Escalations and hours of a page.
const SHOWN: usize = 10;

/// The page.
pub(super) fn text(address: &str, page: &Page) -> String {
    let metrics = &page.metrics;
    let totals = metrics.totals;
    let mut text = format!("{address}  as of {}  policy version {}\n", metrics.as_of, metrics.policy_version);
    let _ = writeln!(
        text,
        "{} open ({} waiting), {} at risk, {} breached, {} done",
        grouped(totals.open),
        grouped(totals.waiting),
        grouped(totals.at_risk),
        grouped(totals.breached),
        grouped(totals.done)
    );
    if let Some(oldest) = &metrics.oldest_open {
        let _ = writeln!(text, "oldest open: {} of {}", oldest.id, oldest.opened_at);
    }
    for by in By::ALL {
        counts(&mut text, by, by.rows(page));
    }
    clocks(&mut text, page);
    let latest = page.escalations.iter().take(SHOWN).map(|escalation| {
        let priority = escalation.priority.clone().unwrap_or_default();
        let at = clock_time(escalation.fired_at);
        vec![at, escalation.ticket.clone(), priority, what(escalation), whom(escalation)]
    });
    table(&mut text, &["latest", "ticket", "priority", "what", "who is notified"], latest.collect(), 5);
    let ahead = page.forecast.hours.iter().take(SHOWN);
    let ahead = ahead.map(|hour| vec![hour.hour.to_string(), grouped(hour.deadlines), grouped(hour.levels)]);
    table(&mut text, &["hours ahead", "due", "levels"], ahead.collect(), 1);
    let gauges = &metrics.engine;
    let numbers = [
        ("lag_ms", gauges.lag_ms.to_string()),
        ("due_not_fired", gauges.due_not_fired.to_string()),
        ("queue", gauges.queue.to_string()),
        ("sync_mean_seconds", format!("{:.6}", gauges.sync_mean_seconds.unwrap_or_default())),
        ("rows_accepted", gauges.rows_accepted.to_string()),
        ("rows_rejected", gauges.rows_rejected.to_string()),
        ("journal_bytes", gauges.journal_bytes.to_string()),
        ("disk_full", gauges.disk_full.to_string()),
        ("last_snapshot_at", gauges.last_snapshot_at.map_or_else(|| "none".to_owned(), |at| at.to_string())),
    ];
    table(&mut text, &["service", ""], numbers.map(|(name, value)| vec![name.to_owned(), value]).to_vec(), 1);
    text
}

fn counts(text: &mut String, by: By, rows: &[NamedCounts]) {
    let row = |named: &NamedCounts| {
        let tally = named.counts;
        let name = if named.name.is_empty() { "(none)".to_owned() } else { named.name.clone() };
        let numbers = [tally.open, tally.waiting, tally.at_risk, tally.breached];
        std::iter::once(name).chain(numbers.map(grouped)).collect()
    };
    table(text, &[by.name(), "open", "waiting", "at risk", "breached"], rows.iter().map(row).collect(), 1);
}

fn clocks(text: &mut String, page: &Page) {
    let metrics = &page.metrics;
    let row = |clock: &ClockCounts| {
        let (met, missed) = today(metrics, clock);
        let numbers = [clock.running, clock.paused, clock.at_risk, clock.breached].map(grouped);
        let results = [met, missed].map(signed);
        let last = [share(met, missed), fired_by_level(clock)];
        std::iter::once(clock.clock.clone()).chain(numbers).chain(results).chain(last).collect()
    };
    let header =
        ["clock", "running", "paused", "at risk", "breached", "met today", "missed", "met %", "fired by level"];
    table(text, &header, metrics.by_clock.iter().map(row).collect(), 1);
}

/// Columns of equal width; the first `left` are text, the others numbers. Nothing if there are no rows.
fn table(text: &mut String, header: &[&str], rows: Vec<Vec<String>>, left: usize) {
    if rows.is_empty() {
        return;
    }
    let header: Vec<String> = header.iter().map(|name| (*name).to_owned()).collect();
    let width = |column: usize| {
        rows.iter().chain([&header]).filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..header.len()).map(|column| width(column).unwrap_or(0)).collect();
    text.push('\n');
    for row in std::iter::once(&header).chain(&rows) {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = if column < left { write!(line, "{cell:<width$}  ") } else { write!(line, "{cell:>width$}  ") };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}
