//! The table of cycles: runs of clocks, from start to stop.

use super::columns::ColumnWriter;
use crate::engine::{CycleRecord, CycleResult, Engine, LabelKind, Symbol};
use crate::ticket::{PerLabel, TicketLabel};
use crate::time::NEVER_MS;
use arrow::datatypes::{Int64Type, UInt16Type};

/// The labels of a cycle, in the order of the columns.
const LABELS: [TicketLabel; 5] =
    [TicketLabel::Priority, TicketLabel::Team, TicketLabel::Owner, TicketLabel::Channel, TicketLabel::Category];

/// A cycle with the symbols of its labels; [`NO_SYMBOL`](crate::engine::NO_SYMBOL) for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CycleRow {
    pub clock: Symbol,
    pub cycle: u16,
    /// Among the records of one cycle, the one with the highest revision counts.
    pub revision: u16,
    pub result: CycleResult,
    pub started_ms: i64,
    /// [`NEVER_MS`] without a target.
    pub due_ms: i64,
    pub stopped_ms: i64,
    pub business_ms: i64,
    pub wall_ms: i64,
    pub labels: PerLabel<Symbol>,
}

impl CycleRow {
    /// A cycle that the engine has just emitted.
    pub fn of(engine: &Engine, cycle: &CycleRecord) -> Self {
        let mut labels = engine.ticket_symbols(cycle.ticket);
        labels[TicketLabel::Priority] = engine.cycle_priority(cycle);
        Self {
            clock: cycle.clock,
            cycle: cycle.cycle,
            revision: cycle.revision,
            result: cycle.result,
            started_ms: cycle.started_ms,
            due_ms: cycle.due_ms,
            stopped_ms: cycle.stopped_ms,
            business_ms: cycle.business_ms,
            wall_ms: cycle.wall_ms,
            labels,
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.result, CycleResult::Open | CycleResult::OpenMissed)
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    pub row: &'a CycleRow,
    pub ticket: &'a str,
}

/// Adds the columns of cycles.
pub fn write(entries: &[Entry<'_>], table: &mut ColumnWriter<'_>) {
    let rows = || entries.iter().map(|entry| entry.row);
    table.texts("ticket", entries.iter().map(|entry| entry.ticket));
    table.symbols(LabelKind::Clock, rows().map(|row| row.clock));
    table.numbers::<UInt16Type>("cycle", rows().map(|row| row.cycle).collect());
    table.numbers::<UInt16Type>("revision", rows().map(|row| row.revision).collect());
    table.times_or_never("started_at", rows().map(|row| row.started_ms));
    table.times_or_never("due_at", rows().map(|row| row.due_ms));
    table.times_or_never("stopped_at", rows().map(|row| if row.is_open() { NEVER_MS } else { row.stopped_ms }));
    table.numbers::<Int64Type>("business_ms", rows().map(|row| row.business_ms).collect());
    table.numbers::<Int64Type>("wall_ms", rows().map(|row| row.wall_ms).collect());
    table.labels("result", rows().map(|row| Some(row.result.name())));
    for label in LABELS {
        table.symbols(label.into(), rows().map(|row| row.labels[label]));
    }
}
