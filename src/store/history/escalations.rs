//! Converts escalation records to columns and back.

use super::writer::{RecordBlock, RowOf};
use crate::policy::Actions;
use crate::store::record::{EscalationBlock, EscalationRecord, LabelTable, RecordKind};
use crate::store::table::reader::{Rows, SchemaMismatch};
use crate::table::ColumnWriter;
use crate::table::escalations::{self, Entry};
use crate::ticket::PerLabel;
use arrow::array::AsArray;
use arrow::datatypes::{UInt8Type, UInt16Type, UInt64Type};
use std::sync::Arc;

impl RecordBlock for EscalationBlock {
    fn first_sequence(&self) -> u64 {
        self.first_sequence
    }

    fn recorded_ms(&self) -> i64 {
        self.recorded_ms
    }

    fn recorded_at_ms(&self, row: usize) -> i64 {
        self.recorded_at_ms(row)
    }

    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn names(&self) -> &Arc<LabelTable> {
        &self.names
    }

    fn write(rows: &[RowOf<Self>], table: &mut ColumnWriter<'_>) {
        let actions: Vec<Option<Arc<Actions>>> =
            rows.iter().map(|(block, row)| block.names.actions_of(block.rows[*row].actions)).collect();
        let entries: Vec<Entry<'_>> = rows
            .iter()
            .zip(&actions)
            .map(|((block, row), actions)| Entry {
                row: &block.rows[*row],
                ticket: block.tickets.get(*row),
                actions: actions.as_deref(),
                note: block.note(*row),
            })
            .collect();
        escalations::write(&entries, table);
    }
}

/// Rows as records.
pub(super) fn records(rows: &Rows<'_>) -> Result<Vec<EscalationRecord>, SchemaMismatch> {
    let labels = |name: &str| rows.labels_or(name, None, |label| Some(Some(Arc::<str>::from(label))));
    let strings = |name: &str| rows.labels_or(name, None, |label| Some(Some(label.to_owned())));
    let kind = rows.labels("kind", RecordKind::from_name)?;
    let sequence = rows.numbers::<UInt64Type>("sequence")?;
    let (ids, tickets) = (rows.strings("escalation_id")?, rows.strings("ticket")?);
    let (cycle, level) = (rows.numbers::<UInt16Type>("cycle")?, rows.numbers::<UInt8Type>("level")?);
    let (due_ms, fired_ms) = (rows.times_or_never("due_at")?, rows.times_or_never("fired_at")?);
    let recorded_ms = rows.times("recorded_at")?;
    let clock = labels("clock")?;
    let mut of_tickets = PerLabel::<Vec<Option<Arc<str>>>>::default();
    for (label, column) in of_tickets.iter_mut() {
        *column = labels(label.name())?;
    }
    let (actor, reason) = (strings("actor")?, strings("reason")?);
    let actions = actions(rows)?;
    let record = |row: usize| EscalationRecord {
        sequence: sequence[row],
        escalation_id: ids.value(row).to_owned(),
        ticket: tickets.value(row).to_owned(),
        kind: kind[row],
        clock: clock[row].clone(),
        cycle: cycle[row],
        level: level[row],
        due_ms: due_ms[row],
        fired_ms: fired_ms[row],
        recorded_ms: recorded_ms[row],
        labels: PerLabel::from_fn(|label| of_tickets[label][row].clone()),
        actions: actions[row].clone(),
        actor: actor[row].clone(),
        reason: reason[row].clone(),
    };
    Ok((0..rows.len()).map(record).collect())
}

/// The actions of the level of each row.
fn actions(rows: &Rows<'_>) -> Result<Vec<Option<Arc<Actions>>>, SchemaMismatch> {
    let strings = |name: &str| rows.labels_or(name, None, |label| Some(Some(label.to_owned())));
    let (reassign, webhook, set_priority) = (strings("reassign")?, strings("webhook")?, strings("set_priority")?);
    let ends_chain = rows.optional_flags("ends_chain")?;
    let notify = rows.optional_lists("notify")?;
    let row_of = |row: usize| -> Result<Option<Arc<Actions>>, SchemaMismatch> {
        let Some(ends_chain) = ends_chain[row] else { return Ok(None) };
        let whom = notify.value(row);
        let Some(whom) = whom.as_string_opt::<i32>() else {
            return Err(rows.mismatch("notify", "is not a list of texts"));
        };
        Ok(Some(Arc::new(Actions {
            notify: whom.iter().flatten().map(str::to_owned).collect(),
            reassign: reassign[row].clone(),
            webhook: webhook[row].clone(),
            set_priority: set_priority[row].clone(),
            ends_chain,
        })))
    };
    (0..rows.len()).map(row_of).collect()
}
