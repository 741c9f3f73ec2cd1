//! Converts escalation records to columns and back.

use super::writer::{LabelsOf, RecordTable};
use crate::engine::NO_SYMBOL;
use crate::policy::Actions;
use crate::store::record::{EscalationBlock, EscalationRecord, LabelKind, LabelTable, RecordKind};
use crate::store::table::reader::{Rows, SchemaMismatch};
use crate::table::{Dictionary, DictionaryColumn, Times, dictionary_field};
use crate::ticket::{PerLabel, TicketLabel};
use crate::time::NEVER_MS;
use arrow::array::{ArrayRef, AsArray, BooleanArray, ListBuilder, StringBuilder, UInt8Array, UInt16Array, UInt64Array};
use arrow::datatypes::{DataType, Field, FieldRef, SchemaRef, UInt8Type, UInt16Type, UInt64Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use std::fmt::Write;
use std::sync::Arc;

/// Rows of escalation records.
pub struct EscalationTable {
    sequence: Vec<u64>,
    escalation_id: StringBuilder,
    ticket: StringBuilder,
    kind: DictionaryColumn,
    clock: DictionaryColumn,
    cycle: Vec<u16>,
    level: Vec<u8>,
    due_at: Times,
    fired_at: Times,
    recorded_at: Times,
    priority: DictionaryColumn,
    team: DictionaryColumn,
    owner: DictionaryColumn,
    channel: DictionaryColumn,
    category: DictionaryColumn,
    customer: DictionaryColumn,
    notify: ListBuilder<StringBuilder>,
    reassign: Dictionary,
    webhook: Dictionary,
    set_priority: Dictionary,
    ends_chain: Vec<Option<bool>>,
    actor: Dictionary,
    reason: Dictionary,
}

impl Default for EscalationTable {
    fn default() -> Self {
        Self {
            sequence: Vec::new(),
            escalation_id: StringBuilder::new(),
            ticket: StringBuilder::new(),
            kind: DictionaryColumn::default(),
            clock: DictionaryColumn::default(),
            cycle: Vec::new(),
            level: Vec::new(),
            due_at: Times::default(),
            fired_at: Times::default(),
            recorded_at: Times::default(),
            priority: DictionaryColumn::default(),
            team: DictionaryColumn::default(),
            owner: DictionaryColumn::default(),
            channel: DictionaryColumn::default(),
            category: DictionaryColumn::default(),
            customer: DictionaryColumn::default(),
            notify: ListBuilder::new(StringBuilder::new()).with_field(notify_field()),
            reassign: Dictionary::default(),
            webhook: Dictionary::default(),
            set_priority: Dictionary::default(),
            ends_chain: Vec::new(),
            actor: Dictionary::default(),
            reason: Dictionary::default(),
        }
    }
}

fn notify_field() -> FieldRef {
    Arc::new(Field::new("whom", DataType::Utf8, false))
}

impl RecordTable for EscalationTable {
    type Block = EscalationBlock;

    fn fields() -> Vec<Field> {
        vec![
            Field::new("sequence", DataType::UInt64, false),
            Field::new("escalation_id", DataType::Utf8, false),
            Field::new("ticket", DataType::Utf8, false),
            dictionary_field("kind"),
            dictionary_field("clock"),
            Field::new("cycle", DataType::UInt16, false),
            Field::new("level", DataType::UInt8, false),
            Times::field("due_at"),
            Times::field("fired_at"),
            Times::field("recorded_at"),
            dictionary_field("priority"),
            dictionary_field("team"),
            dictionary_field("owner"),
            dictionary_field("channel"),
            dictionary_field("category"),
            dictionary_field("customer"),
            Field::new("notify", DataType::List(notify_field()), true),
            dictionary_field("reassign"),
            dictionary_field("webhook"),
            dictionary_field("set_priority"),
            Field::new("ends_chain", DataType::Boolean, true),
            dictionary_field("actor"),
            dictionary_field("reason"),
        ]
    }

    fn first_sequence(block: &EscalationBlock) -> u64 {
        block.first_sequence
    }

    fn names(block: &EscalationBlock) -> &Arc<LabelTable> {
        &block.names
    }

    fn recorded_ms(block: &EscalationBlock) -> i64 {
        block.recorded_ms
    }

    fn rows_of(block: &EscalationBlock) -> usize {
        block.len()
    }

    fn push(&mut self, block: &EscalationBlock, row: usize, labels: &mut LabelsOf<'_>) {
        let it = &block.rows[row];
        let ticket = block.tickets.get(row);
        let manual = it.clock == NO_SYMBOL;
        let clock = if manual { "manual".into() } else { labels.label(LabelKind::Clock, it.clock) };
        self.sequence.push(block.first_sequence + row as u64);
        // The same text as in `EscalationBlock::record`.
        let _ = write!(self.escalation_id, "{ticket}/{clock}/{}/{}", it.cycle, it.level);
        self.escalation_id.append_value("");
        self.ticket.append_value(ticket);
        self.kind.push(Some(it.kind as u32), |_| it.kind.name());
        self.clock.push((!manual).then_some(it.clock), |_| clock);
        self.cycle.push(it.cycle);
        self.level.push(it.level);
        self.due_at.push(Some(it.due_ms));
        self.fired_at.push(Some(it.fired_ms));
        self.recorded_at.push(Some(block.recorded_ms));
        labels.push(&mut self.priority, LabelKind::Priority, it.labels[TicketLabel::Priority]);
        labels.push(&mut self.team, LabelKind::Team, it.labels[TicketLabel::Team]);
        labels.push(&mut self.owner, LabelKind::Owner, it.labels[TicketLabel::Owner]);
        labels.push(&mut self.channel, LabelKind::Channel, it.labels[TicketLabel::Channel]);
        labels.push(&mut self.category, LabelKind::Category, it.labels[TicketLabel::Category]);
        labels.push(&mut self.customer, LabelKind::Customer, it.labels[TicketLabel::Customer]);
        self.push_actions(labels.names.actions_of(it.actions).as_deref());
        let note = block.notes.binary_search_by_key(&(row as u32), |(at, _)| *at).ok().map(|at| &block.notes[at].1);
        self.actor.push(note.map(|note| note.actor.as_str()).filter(|actor| !actor.is_empty()));
        self.reason.push(note.map(|note| note.reason.as_str()).filter(|reason| !reason.is_empty()));
    }

    fn finish(&mut self, schema: SchemaRef) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt64Array::from(std::mem::take(&mut self.sequence))),
            Arc::new(self.escalation_id.finish()),
            Arc::new(self.ticket.finish()),
            self.kind.finish(),
            self.clock.finish(),
            Arc::new(UInt16Array::from(std::mem::take(&mut self.cycle))),
            Arc::new(UInt8Array::from(std::mem::take(&mut self.level))),
            self.due_at.finish(),
            self.fired_at.finish(),
            self.recorded_at.finish(),
            self.priority.finish(),
            self.team.finish(),
            self.owner.finish(),
            self.channel.finish(),
            self.category.finish(),
            self.customer.finish(),
            Arc::new(self.notify.finish()),
            self.reassign.finish(),
            self.webhook.finish(),
            self.set_priority.finish(),
            Arc::new(BooleanArray::from(std::mem::take(&mut self.ends_chain))),
            self.actor.finish(),
            self.reason.finish(),
        ];
        RecordBatch::try_new(schema, columns)
    }
}

impl EscalationTable {
    fn push_actions(&mut self, actions: Option<&Actions>) {
        let whom = actions.map_or(&[][..], |actions| &actions.notify);
        whom.iter().for_each(|whom| self.notify.values().append_value(whom));
        self.notify.append(actions.is_some());
        self.reassign.push(actions.and_then(|actions| actions.reassign.as_deref()));
        self.webhook.push(actions.and_then(|actions| actions.webhook.as_deref()));
        self.set_priority.push(actions.and_then(|actions| actions.set_priority.as_deref()));
        self.ends_chain.push(actions.map(|actions| actions.ends_chain));
    }
}

/// Rows as records.
pub fn records(rows: &Rows<'_>) -> Result<Vec<EscalationRecord>, SchemaMismatch> {
    let labels = |name: &str| rows.labels_or(name, None, |label| Some(Some(Arc::<str>::from(label))));
    let strings = |name: &str| rows.labels_or(name, None, |label| Some(Some(label.to_owned())));
    let kind = rows.labels("kind", RecordKind::from_name)?;
    let sequence = rows.numbers::<UInt64Type>("sequence")?;
    let (ids, tickets) = (rows.strings("escalation_id")?, rows.strings("ticket")?);
    let (cycle, level) = (rows.numbers::<UInt16Type>("cycle")?, rows.numbers::<UInt8Type>("level")?);
    let (due_ms, fired_ms) = (rows.times_or("due_at", NEVER_MS)?, rows.times_or("fired_at", NEVER_MS)?);
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
