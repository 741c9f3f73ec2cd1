//! `escalations.parquet`: one row per level that fired, level that was withdrawn, or manual escalation.

use super::order::sorted_by;
use crate::engine::{Engine, Escalation, EscalationKind, NO_SYMBOL};
use crate::policy::Actions;
use crate::table::{Dictionary, DictionaryColumn, Times, dictionary_field};
use crate::ticket::{Batch, Column, TicketLabel};
use arrow::array::{ArrayRef, StringBuilder, UInt8Array, UInt16Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use std::fmt::Write;
use std::sync::Arc;

/// Rows of escalations, column by column.
#[derive(Default)]
pub struct Escalations {
    due_ms: Vec<i64>,
    escalation_id: StringBuilder,
    ticket: StringBuilder,
    kind: DictionaryColumn,
    clock: DictionaryColumn,
    cycle: Vec<u16>,
    level: Vec<u8>,
    due_at: Times,
    fired_at: Times,
    priority: DictionaryColumn,
    team: DictionaryColumn,
    owner: Dictionary,
    notify: Dictionary,
    reassign: Dictionary,
    webhook: Dictionary,
    set_priority: Dictionary,
    actor: Dictionary,
    reason: Dictionary,
}

impl Escalations {
    pub fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("escalation_id", DataType::Utf8, false),
            Field::new("ticket", DataType::Utf8, false),
            dictionary_field("kind"),
            dictionary_field("clock"),
            Field::new("cycle", DataType::UInt16, false),
            Field::new("level", DataType::UInt8, false),
            Times::field("due_at"),
            Times::field("fired_at"),
            dictionary_field("priority"),
            dictionary_field("team"),
            dictionary_field("owner"),
            dictionary_field("notify"),
            dictionary_field("reassign"),
            dictionary_field("webhook"),
            dictionary_field("set_priority"),
            dictionary_field("actor"),
            dictionary_field("reason"),
        ]))
    }

    pub fn len(&self) -> usize {
        self.due_ms.len()
    }

    /// Adds a row. `batch` is the last one applied to the engine; it contains the manual escalations.
    pub fn push(&mut self, engine: &Engine, batch: &Batch, escalation: &Escalation) {
        let ticket = engine.ticket_id(escalation.ticket);
        let team = engine.ticket_symbols(escalation.ticket)[TicketLabel::Team];
        let manual = escalation.kind == EscalationKind::Manual;
        let clock = if manual { "manual" } else { engine.clock_name(escalation.clock) };
        // The same for a level and its withdrawal: receivers use it to drop repeats.
        let _ = write!(self.escalation_id, "{ticket}/{clock}/{}/{}", escalation.cycle, escalation.level);
        self.escalation_id.append_value("");
        self.ticket.append_value(ticket);
        self.kind.push(Some(escalation.kind as u32), |_| kind_name(escalation.kind));
        self.clock.push((!manual).then_some(escalation.clock), |_| clock);
        self.cycle.push(escalation.cycle);
        self.level.push(escalation.level);
        self.due_ms.push(escalation.due_ms);
        self.due_at.push(Some(escalation.due_ms));
        self.fired_at.push(Some(escalation.fired_ms));
        self.priority.push(Some(engine.escalation_priority(escalation)), |priority| {
            engine.label_name(TicketLabel::Priority, priority)
        });
        self.team.push((team != NO_SYMBOL).then_some(team), |team| engine.label_name(TicketLabel::Team, team));
        self.owner.push(engine.ticket(escalation.ticket).labels[TicketLabel::Owner]);
        self.push_actions(engine.actions(escalation).filter(|_| !manual));
        let row = escalation.row as usize;
        self.actor.push(if manual { batch.label(Column::Actor, row) } else { None });
        let reason = (manual && !batch.text.is_empty()).then(|| batch.text.get(row));
        self.reason.push(reason.filter(|reason| !reason.is_empty()));
    }

    fn push_actions(&mut self, actions: Option<&Actions>) {
        match actions.map(|actions| actions.notify.as_slice()) {
            None | Some([]) => self.notify.push(None),
            Some([one]) => self.notify.push(Some(one)),
            Some(several) => self.notify.push(Some(&several.join(", "))),
        }
        self.reassign.push(actions.and_then(|actions| actions.reassign.as_deref()));
        self.webhook.push(actions.and_then(|actions| actions.webhook.as_deref()));
        self.set_priority.push(actions.and_then(|actions| actions.set_priority.as_deref()));
    }

    /// The rows so far in order of their due times; the buffer is empty afterwards.
    pub fn finish(&mut self) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(self.escalation_id.finish()),
            Arc::new(self.ticket.finish()),
            self.kind.finish(),
            self.clock.finish(),
            Arc::new(UInt16Array::from(std::mem::take(&mut self.cycle))),
            Arc::new(UInt8Array::from(std::mem::take(&mut self.level))),
            self.due_at.finish(),
            self.fired_at.finish(),
            self.priority.finish(),
            self.team.finish(),
            self.owner.finish(),
            self.notify.finish(),
            self.reassign.finish(),
            self.webhook.finish(),
            self.set_priority.finish(),
            self.actor.finish(),
            self.reason.finish(),
        ];
        sorted_by(&std::mem::take(&mut self.due_ms), RecordBatch::try_new(Self::schema(), columns)?)
    }
}

fn kind_name(kind: EscalationKind) -> &'static str {
    match kind {
        EscalationKind::Fired => "fired",
        EscalationKind::Withdrawn => "withdrawn",
        EscalationKind::Manual => "manual",
    }
}
