//! `cycles.parquet`: one row per cycle, finished ones as they end, open ones at the end of the replay.

use super::order::sorted_by;
use crate::engine::{CycleRecord, CycleResult, Engine, NO_SYMBOL};
use crate::table::{Dictionary, DictionaryColumn, Times, dictionary_field};
use crate::ticket::TicketLabel;
use arrow::array::{ArrayRef, Int64Array, StringBuilder, UInt16Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

/// Rows of cycles, column by column.
#[derive(Default)]
pub struct Cycles {
    ended_ms: Vec<i64>,
    ticket: StringBuilder,
    clock: DictionaryColumn,
    cycle: Vec<u16>,
    revision: Vec<u16>,
    started_at: Times,
    due_at: Times,
    stopped_at: Times,
    business_ms: Vec<i64>,
    wall_ms: Vec<i64>,
    result: DictionaryColumn,
    priority: DictionaryColumn,
    team: DictionaryColumn,
    owner: Dictionary,
    channel: DictionaryColumn,
    category: DictionaryColumn,
}

impl Cycles {
    pub fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("ticket", DataType::Utf8, false),
            dictionary_field("clock"),
            Field::new("cycle", DataType::UInt16, false),
            Field::new("revision", DataType::UInt16, false),
            Times::field("started_at"),
            Times::field("due_at"),
            Times::field("stopped_at"),
            Field::new("business_ms", DataType::Int64, false),
            Field::new("wall_ms", DataType::Int64, false),
            dictionary_field("result"),
            dictionary_field("priority"),
            dictionary_field("team"),
            dictionary_field("owner"),
            dictionary_field("channel"),
            dictionary_field("category"),
        ]))
    }

    pub fn len(&self) -> usize {
        self.ended_ms.len()
    }

    pub fn push(&mut self, engine: &Engine, cycle: &CycleRecord) {
        let symbols = engine.ticket_symbols(cycle.ticket);
        let known = |symbol| (symbol != NO_SYMBOL).then_some(symbol);
        let is_open = matches!(cycle.result, CycleResult::Open | CycleResult::OpenMissed);
        self.ended_ms.push(cycle.stopped_ms);
        self.ticket.append_value(engine.ticket_id(cycle.ticket));
        self.clock.push(Some(cycle.clock), |clock| engine.clock_name(clock));
        self.cycle.push(cycle.cycle);
        self.revision.push(cycle.revision);
        self.started_at.push(Some(cycle.started_ms));
        self.due_at.push(Some(cycle.due_ms));
        self.stopped_at.push((!is_open).then_some(cycle.stopped_ms));
        self.business_ms.push(cycle.business_ms);
        self.wall_ms.push(cycle.wall_ms);
        self.result.push(Some(cycle.result as u32), |_| cycle.result.name());
        self.priority
            .push(Some(engine.cycle_priority(cycle)), |priority| engine.label_name(TicketLabel::Priority, priority));
        self.team.push(known(symbols[TicketLabel::Team]), |team| engine.label_name(TicketLabel::Team, team));
        self.owner.push(engine.ticket(cycle.ticket).labels[TicketLabel::Owner]);
        self.channel
            .push(known(symbols[TicketLabel::Channel]), |channel| engine.label_name(TicketLabel::Channel, channel));
        self.category
            .push(known(symbols[TicketLabel::Category]), |category| engine.label_name(TicketLabel::Category, category));
    }

    /// The rows so far in order of the times at which they ended; the buffer is empty afterwards.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.ticket.finish()),
            self.clock.finish(),
            Arc::new(UInt16Array::from(std::mem::take(&mut self.cycle))),
            Arc::new(UInt16Array::from(std::mem::take(&mut self.revision))),
            self.started_at.finish(),
            self.due_at.finish(),
            self.stopped_at.finish(),
            Arc::new(Int64Array::from(std::mem::take(&mut self.business_ms))),
            Arc::new(Int64Array::from(std::mem::take(&mut self.wall_ms))),
            self.result.finish(),
            self.priority.finish(),
            self.team.finish(),
            self.owner.finish(),
            self.channel.finish(),
            self.category.finish(),
        ];
        sorted_by(&std::mem::take(&mut self.ended_ms), RecordBatch::try_new(Self::schema(), columns)?)
    }
}
