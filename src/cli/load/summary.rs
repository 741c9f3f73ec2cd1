//! Result of a load, as a table.

use super::upload::{Counts, Input, Ledger};
use crate::ingest::Report;
use crate::replay::grouped;
use comfy_table::{Cell, CellAlignment, LineStyle, Table, TableStyle};
use std::fmt::Write;

/// Table style: one line under the header.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// One line per input, then one per reason for which accepted events changed nothing. An input that was not read to its end has no
/// report.
pub(super) fn show(inputs: &[Input], reports: &[Report], ledger: &Ledger, seconds: f64) -> String {
    let Ledger { counts, notes, retries, .. } = ledger;
    let mut table = Table::new();
    table.load_style(STYLE);
    let header = ["input", "rows", "skipped", "unreadable", "events accepted", "rejected", "accepted before"];
    table.set_header(aligned(header.map(str::to_owned)));
    for (index, input) in inputs.iter().enumerate() {
        let of_report =
            |count: fn(&Report) -> u64| reports.get(index).map_or_else(|| "?".to_owned(), |r| grouped(count(r)));
        let Counts { accepted, rejected, acknowledged_before } = &counts[index];
        table.add_row(aligned([
            input.name.clone(),
            of_report(|report| report.rows),
            of_report(|report| report.skipped),
            of_report(|report| report.rejected),
            grouped(*accepted),
            grouped(*rejected),
            grouped(*acknowledged_before),
        ]));
    }
    let accepted: u64 = counts.iter().map(|counts| counts.accepted).sum();
    let a_second = (accepted as f64 / seconds) as u64;
    let mut text = format!("{table}\n{seconds:.2} s, {} events/s", grouped(a_second));
    if *retries > 0 {
        let _ = write!(text, ", {} attempts failed and were retried", grouped(*retries));
    }
    text.push('\n');
    for note in notes {
        let _ = writeln!(text, "{} events changed nothing: {}", grouped(note.count), note.message);
    }
    text
}

fn aligned(texts: [String; 7]) -> Vec<Cell> {
    let cell = |(index, text): (usize, String)| {
        let alignment = if index == 0 { CellAlignment::Left } else { CellAlignment::Right };
        Cell::new(text).set_alignment(alignment)
    };
    texts.into_iter().enumerate().map(cell).collect()
}
