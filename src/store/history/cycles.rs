//! Converts ended cycles to columns.

use super::writer::{LabelsOf, RecordTable};
use crate::store::record::{CycleBlock, LabelKind, LabelTable};
use crate::table::{DictionaryColumn, Times, dictionary_field};
use crate::ticket::TicketLabel;
use arrow::array::{ArrayRef, Int64Array, StringBuilder, UInt16Array, UInt64Array};
use arrow::datatypes::{DataType, Field, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// Rows of cycle records.
#[derive(Default)]
pub struct CycleTable {
    sequence: Vec<u64>,
    ticket: StringBuilder,
    clock: DictionaryColumn,
    cycle: Vec<u16>,
    revision: Vec<u16>,
    started_at: Times,
    due_at: Times,
    stopped_at: Times,
    recorded_at: Times,
    business_ms: Vec<i64>,
    wall_ms: Vec<i64>,
    result: DictionaryColumn,
    priority: DictionaryColumn,
    team: DictionaryColumn,
    owner: DictionaryColumn,
    channel: DictionaryColumn,
    category: DictionaryColumn,
}

impl RecordTable for CycleTable {
    type Block = CycleBlock;

    fn fields() -> Vec<Field> {
        vec![
            Field::new("sequence", DataType::UInt64, false),
            Field::new("ticket", DataType::Utf8, false),
            dictionary_field("clock"),
            Field::new("cycle", DataType::UInt16, false),
            Field::new("revision", DataType::UInt16, false),
            Times::field("started_at"),
            Times::field("due_at"),
            Times::field("stopped_at"),
            Times::field("recorded_at"),
            Field::new("business_ms", DataType::Int64, false),
            Field::new("wall_ms", DataType::Int64, false),
            dictionary_field("result"),
            dictionary_field("priority"),
            dictionary_field("team"),
            dictionary_field("owner"),
            dictionary_field("channel"),
            dictionary_field("category"),
        ]
    }

    fn first_sequence(block: &CycleBlock) -> u64 {
        block.first_sequence
    }

    fn names(block: &CycleBlock) -> &Arc<LabelTable> {
        &block.names
    }

    fn recorded_ms(block: &CycleBlock) -> i64 {
        block.recorded_ms
    }

    fn rows_of(block: &CycleBlock) -> usize {
        block.rows.len()
    }

    fn push(&mut self, block: &CycleBlock, row: usize, labels: &mut LabelsOf<'_>) {
        let it = &block.rows[row];
        self.sequence.push(block.first_sequence + row as u64);
        self.ticket.append_value(block.tickets.get(row));
        labels.push(&mut self.clock, LabelKind::Clock, it.clock);
        self.cycle.push(it.cycle);
        self.revision.push(it.revision);
        self.started_at.push(Some(it.started_ms));
        self.due_at.push(Some(it.due_ms));
        self.stopped_at.push(Some(it.stopped_ms));
        self.recorded_at.push(Some(block.recorded_ms));
        self.business_ms.push(it.business_ms);
        self.wall_ms.push(it.wall_ms);
        self.result.push(Some(it.result as u32), |_| it.result.name());
        labels.push(&mut self.priority, LabelKind::Priority, it.labels[TicketLabel::Priority]);
        labels.push(&mut self.team, LabelKind::Team, it.labels[TicketLabel::Team]);
        labels.push(&mut self.owner, LabelKind::Owner, it.labels[TicketLabel::Owner]);
        labels.push(&mut self.channel, LabelKind::Channel, it.labels[TicketLabel::Channel]);
        labels.push(&mut self.category, LabelKind::Category, it.labels[TicketLabel::Category]);
    }

    fn finish(&mut self, schema: SchemaRef) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from(std::mem::take(&mut self.sequence))),
            Arc::new(self.ticket.finish()),
            self.clock.finish(),
            Arc::new(UInt16Array::from(std::mem::take(&mut self.cycle))),
            Arc::new(UInt16Array::from(std::mem::take(&mut self.revision))),
            self.started_at.finish(),
            self.due_at.finish(),
            self.stopped_at.finish(),
            self.recorded_at.finish(),
            Arc::new(Int64Array::from(std::mem::take(&mut self.business_ms))),
            Arc::new(Int64Array::from(std::mem::take(&mut self.wall_ms))),
            self.result.finish(),
            self.priority.finish(),
            self.team.finish(),
            self.owner.finish(),
            self.channel.finish(),
            self.category.finish(),
        ];
        RecordBatch::try_new(schema, columns)
    }
}
