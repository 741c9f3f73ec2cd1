//! `cycles.parquet`: one row a cycle, finished ones as they end, open ones at the end of the replay.

use super::assemble::table_of;
use crate::engine::{CycleRecord, Engine};
use crate::table::cycles::{self, CycleRow, Entry};
use crate::table::{ColumnWriter, ColumnsError};
use crate::ticket::Texts;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

pub(super) const NAME: &str = "cycles.parquet";

/// Cycles of a window.
#[derive(Debug, Default)]
pub(super) struct Cycles {
    rows: Vec<CycleRow>,
    tickets: Texts,
}

impl Cycles {
    pub(super) fn schema() -> Result<SchemaRef, ColumnsError> {
        ColumnWriter::schema(|table| cycles::write(&[], table))
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn push(&mut self, engine: &Engine, cycle: &CycleRecord) {
        self.rows.push(CycleRow::of(engine, cycle));
        self.tickets.push(engine.ticket_id(cycle.ticket));
    }

    /// The rows in order of the times at which they ended; there are none afterwards.
    pub(super) fn finish(&mut self, engine: &Engine) -> Result<RecordBatch, ColumnsError> {
        let mut entries: Vec<Entry<'_>> =
            self.rows.iter().zip(self.tickets.iter()).map(|(row, ticket)| Entry { row, ticket }).collect();
        entries.sort_by_key(|entry| entry.row.stopped_ms);
        let table = table_of(engine, |table| cycles::write(&entries, table))?;
        self.rows.clear();
        self.tickets.clear();
        Ok(table)
    }
}
