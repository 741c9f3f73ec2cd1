//! The table of cycles: runs of clocks, from start to stop.

use super::columns::ColumnWriter;
use crate::engine::{CycleRecord, CycleResult, Engine, LabelKind, Symbol};
use crate::time::NEVER_MS;
use arrow::datatypes::{Int64Type, UInt16Type};

/// A cycle with the symbols of its labels; [`NO_SYMBOL`](crate::engine::NO_SYMBOL) for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CycleRow {
    pub clock: Symbol,
    pub cycle: u16,
    /// Among the records of one cycle, the one with the highest revision counts.
    pub revision: u16,
    pub result: CycleResult,
    pub started_ms: i64,
    /// [`NEVER_MS`](crate::time::NEVER_MS) without a target.
    pub due_ms: i64,
    pub stopped_ms: i64,
    pub business_ms: i64,
    pub wall_ms: i64,
    pub priority: Symbol,
    pub owner: Symbol,
    pub team: Symbol,
    pub channel: Symbol,
    pub category: Symbol,
}

impl CycleRow {
    /// A cycle that the engine has just emitted.
    pub fn of(engine: &Engine, cycle: &CycleRecord) -> Self {
        let labels = engine.ticket_symbols(cycle.ticket);
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
            priority: engine.cycle_priority(cycle),
            owner: labels.owner,
            team: labels.team,
            channel: labels.channel,
            category: labels.category,
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
    table.symbols(LabelKind::Priority, rows().map(|row| row.priority));
    table.symbols(LabelKind::Team, rows().map(|row| row.team));
    table.symbols(LabelKind::Owner, rows().map(|row| row.owner));
    table.symbols(LabelKind::Channel, rows().map(|row| row.channel));
    table.symbols(LabelKind::Category, rows().map(|row| row.category));
}
