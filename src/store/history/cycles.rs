//! Converts ended cycles to columns.

use super::writer::{RecordBlock, RowOf};
use crate::store::record::{CycleBlock, LabelTable};
use crate::table::ColumnWriter;
use crate::table::cycles::{self, Entry};
use std::sync::Arc;

impl RecordBlock for CycleBlock {
    fn first_sequence(&self) -> u64 {
        self.first_sequence
    }

    fn recorded_ms(&self) -> i64 {
        self.recorded_ms
    }

    fn recorded_at_ms(&self, _: usize) -> i64 {
        self.recorded_ms
    }

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn names(&self) -> &Arc<LabelTable> {
        &self.names
    }

    fn write(rows: &[RowOf<Self>], table: &mut ColumnWriter<'_>) {
        let entries: Vec<Entry<'_>> =
            rows.iter().map(|(block, row)| Entry { row: &block.rows[*row], ticket: block.tickets.get(*row) }).collect();
        cycles::write(&entries, table);
    }
}
