//! Checks on columns as a whole, and how an invalid value is reported.

use super::columns::ShardState;
use super::error::RestoreError;
use crate::engine::interner::{NO_SYMBOL, Symbol, Symbols};
use crate::engine::resolve::Interners;
use crate::limits::MAX_LABEL_BYTES;
use crate::ticket::TicketLabel;
use std::sync::Arc;

/// The location of a row, for reports.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    pub shard: u16,
    pub table: &'static str,
    pub row: usize,
}

impl Faults {
    #[cold]
    pub(crate) fn value(&self, column: &'static str, value: impl ToString, expected: &str) -> RestoreError {
        let Self { shard, table, row } = *self;
        RestoreError::Value { shard, table, row, column, value: value.to_string(), expected: expected.to_owned() }
    }

    #[inline]
    pub(crate) fn below(&self, column: &'static str, value: u64, bound: u64) -> Result<(), RestoreError> {
        if value < bound { Ok(()) } else { Err(self.value(column, value, &format!("less than {bound}"))) }
    }

    /// A time from 1970 to before `bound_ms`.
    #[inline]
    pub(crate) fn time(&self, column: &'static str, at_ms: i64, bound_ms: i64) -> Result<(), RestoreError> {
        if (0..bound_ms).contains(&at_ms) {
            Ok(())
        } else {
            Err(self.value(column, at_ms, &format!("milliseconds from 0 to {}", bound_ms - 1)))
        }
    }

    #[inline]
    pub(crate) fn symbol(&self, column: &'static str, symbol: Symbol, labels: &Symbols) -> Result<(), RestoreError> {
        if symbol == NO_SYMBOL || (symbol as usize) < labels.len() {
            Ok(())
        } else {
            Err(self.value(column, symbol, &format!("one of {} labels, or none", labels.len())))
        }
    }
}

/// Labels with their original symbols.
pub(crate) fn labels(
    column: TicketLabel,
    labels: &[Arc<str>],
    introduced_by: &[Option<Arc<str>>],
) -> Result<Symbols, RestoreError> {
    let most = column.most().unwrap_or(NO_SYMBOL as usize);
    let wrong = |place: usize, expected: String| RestoreError::Word {
        what: column.name(),
        place,
        value: labels.get(place).map_or_else(String::new, |label| label.chars().take(40).collect()),
        expected,
    };
    if labels.len() > most {
        return Err(wrong(most, format!("nothing: an engine allows {most}")));
    }
    if let Some(place) = labels.iter().position(|label| label.len() > MAX_LABEL_BYTES) {
        return Err(wrong(place, format!("at most {MAX_LABEL_BYTES} bytes")));
    }
    Symbols::restored(labels, introduced_by).map_err(|place| wrong(place, "a label that is not a duplicate".to_owned()))
}

/// Labels that follow from the policies must be equal to those of the snapshot.
pub(crate) fn same_labels(what: &'static str, output: &[Arc<str>], known: &[Arc<str>]) -> Result<(), RestoreError> {
    let longest = output.len().max(known.len());
    let Some(place) = (0..longest).find(|&place| output.get(place) != known.get(place)) else { return Ok(()) };
    let expected =
        known.get(place).map_or_else(|| "nothing more".to_owned(), |label| format!("{label:?} by the policies"));
    Err(RestoreError::Word {
        what,
        place,
        value: output.get(place).map_or_else(String::new, |label| label.to_string()),
        expected,
    })
}

/// The names and lengths of columns.
macro_rules! columns {
    ($table:ident: $($column:ident),*) => {
        vec![$((stringify!($column), $table.$column.len())),*]
    };
}

/// All columns of a table have the same number of rows.
pub(crate) fn lengths(state: &ShardState) -> Result<(), RestoreError> {
    let (tickets, clocks, events, fires) = (&state.tickets, &state.clocks, &state.events, &state.fires);
    let tables = [
        ("tickets", columns!(tickets: id, ordinal, opened_ms, state, version, revision, next_due_s, has_events)),
        (
            "clocks",
            columns!(clocks: ticket, clock, cycle, started_ms, segment_ms, spent_ms, is_open, is_running, is_held, is_broken, reached, fired),
        ),
        (
            "events",
            columns!(events: ticket, at_ms, kind, state, priority, owner, team, is_implied, only_time, is_report, is_stated),
        ),
        ("fires", columns!(fires: ticket, clock, cycle, levels)),
    ];
    let wrong =
        |table, column, rows, expected| RestoreError::Rows { shard: state.number, table, column, rows, expected };
    for (table, columns) in tables {
        let expected = columns[0].1;
        if let Some(&(column, rows)) = columns.iter().find(|(_, rows)| *rows != expected) {
            return Err(wrong(table, column, rows, expected));
        }
    }
    let rows = tickets.ordinal.len();
    if let Some((label, column)) = tickets.labels.iter().find(|(_, column)| column.len() != rows) {
        return Err(wrong("tickets", label.name(), column.len(), rows));
    }
    if state.gone.id.len() != state.gone.left_ms.len() {
        return Err(wrong("gone", "left_ms", state.gone.left_ms.len(), state.gone.id.len()));
    }
    if let Some(column) = tickets.described_ms.iter().find(|column| column.len() != rows) {
        return Err(wrong("tickets", "described_ms", column.len(), rows));
    }
    if rows >= u32::MAX as usize {
        return Err(wrong("tickets", "id", rows, u32::MAX as usize - 1));
    }
    Ok(())
}

/// Totals may only refer to labels that exist.
pub(crate) fn counters(state: &ShardState, labels: &Interners, clocks: &Symbols) -> Result<(), RestoreError> {
    let counters = &state.counters;
    let by_label = ["by_priority", "by_team", "by_channel", "by_category"].into_iter().zip(TicketLabel::COUNTED);
    let tickets = by_label.map(|(column, label)| (column, counters.by_label[label].len(), labels.symbols[label].len()));
    for (column, rows, known) in tickets.chain([("by_clock", counters.by_clock.len(), clocks.len())]) {
        if rows > known {
            return Err(RestoreError::Rows { shard: state.number, table: "counters", column, rows, expected: known });
        }
    }
    Ok(())
}
