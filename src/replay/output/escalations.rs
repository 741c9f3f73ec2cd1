//! `escalations.parquet`: one row a level that fired or was withdrawn, or a manual escalation.

use super::assemble::table_of;
use crate::engine::{Engine, Escalation};
use crate::table::escalations::{self, Entry, EscalationRow, Note, RecordKind};
use crate::table::{ColumnWriter, ColumnsError};
use crate::ticket::{Batch, Column, Texts};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;

pub(super) const NAME: &str = "escalations.parquet";

/// Escalations of a window.
#[derive(Debug, Default)]
pub(super) struct Escalations {
    rows: Vec<Pending>,
    tickets: Texts,
}

#[derive(Debug)]
struct Pending {
    escalation: Escalation,
    row: EscalationRow,
    note: Option<Note>,
}

impl Escalations {
    pub(super) fn schema() -> Result<SchemaRef, ColumnsError> {
        ColumnWriter::schema(|table| escalations::write(&[], table))
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds a row. `batch` is the one that the engine applied last; it has the notes of manual escalations.
    pub(super) fn push(&mut self, engine: &Engine, batch: &Batch, escalation: &Escalation) {
        let row = EscalationRow::of(engine, escalation);
        let note = (row.kind == RecordKind::Manual).then(|| {
            let place = escalation.row as usize;
            let reason = if batch.text.is_empty() { "" } else { batch.text.get(place) };
            Note { actor: batch.label(Column::Actor, place).unwrap_or_default().to_owned(), reason: reason.to_owned() }
        });
        self.rows.push(Pending { escalation: *escalation, row, note });
        self.tickets.push(engine.ticket_id(escalation.ticket));
    }

    /// The rows in order of their due times; there are none afterwards.
    pub(super) fn finish(&mut self, engine: &Engine) -> Result<RecordBatch, ColumnsError> {
        let rows = self.rows.iter().zip(self.tickets.iter());
        let mut entries: Vec<Entry<'_>> = rows
            .map(|(Pending { escalation, row, note }, ticket)| Entry {
                row,
                ticket,
                actions: engine.actions(escalation),
                note: note.as_ref(),
            })
            .collect();
        entries.sort_by_key(|entry| entry.row.due_ms);
        let table = table_of(engine, |table| escalations::write(&entries, table))?;
        self.rows.clear();
        self.tickets.clear();
        Ok(table)
    }
}
