//! Turns the engine's output into numbered records that outlive its ticket references.

use super::output::GroupOutput;
use crate::engine::{Engine, Escalation, NO_SYMBOL, Outcome, Symbol};
use crate::store::input::{AcknowledgeInput, BatchInput};
use crate::store::record::{CycleRow, EscalationRow, LabelKind, LabelTable, Note, RecordKind};
use crate::ticket::{Column, PerLabel};
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use std::sync::Arc;

/// Numbers records and keeps their label table.
#[derive(Debug)]
pub(crate) struct Recorder {
    names: Arc<LabelTable>,
    pub next_escalation: u64,
    pub next_cycle: u64,
    /// Places of actions in [`LabelTable`], by version, clock and level.
    actions: HashMap<(u16, Symbol, u8), u32, FixedState>,
}

impl Recorder {
    pub(super) fn new(names: Arc<LabelTable>, next_escalation: u64, next_cycle: u64) -> Self {
        Self { names, next_escalation, next_cycle, actions: HashMap::default() }
    }

    /// Adds new labels.
    pub(super) fn learn_labels(&self, engine: &Engine) {
        for column in LabelKind::ALL {
            let known = self.names.len(column);
            let mut labels = engine.labels_from(column, known).peekable();
            if labels.peek().is_some() {
                self.names.extend(column, labels);
            }
        }
    }

    /// Labels have new symbols: later records use a new label table.
    pub(super) fn relabel(&mut self, engine: &Engine) -> Arc<LabelTable> {
        self.names = Arc::new(self.names.with_same_actions());
        self.learn_labels(engine);
        Arc::clone(&self.names)
    }

    /// Begins the records of a group.
    pub(super) fn begin(&self, output: &mut GroupOutput, now_ms: i64) {
        (output.escalations.names, output.cycles.names) = (Arc::clone(&self.names), Arc::clone(&self.names));
        (output.escalations.first_sequence, output.escalations.recorded_ms) = (self.next_escalation, now_ms);
        (output.cycles.first_sequence, output.cycles.recorded_ms) = (self.next_cycle, now_ms);
    }

    /// The number of the group's next record.
    pub(super) fn next_of(&self, output: &GroupOutput) -> u64 {
        output.escalations.end()
    }

    pub(super) fn end(&mut self, output: &GroupOutput) {
        self.next_escalation = output.escalations.end();
        self.next_cycle = output.cycles.end();
    }

    /// Adds what the engine emitted. `input` is the batch that it applied, if there was one.
    pub(super) fn record(
        &mut self,
        output: &mut GroupOutput,
        engine: &Engine,
        outcome: &Outcome,
        input: Option<&BatchInput>,
    ) {
        let block = &mut output.escalations;
        block.rows.reserve(outcome.escalations.len());
        for escalation in &outcome.escalations {
            let row = self.row(engine, escalation);
            block.tickets.push(engine.ticket_id(escalation.ticket));
            if let (RecordKind::Manual, Some(input)) = (row.kind, input) {
                block.notes.push((block.rows.len() as u32, note_of(input, escalation.row as usize)));
            }
            block.rows.push(row);
        }
        let block = &mut output.cycles;
        block.rows.reserve(outcome.cycles.len());
        for cycle in &outcome.cycles {
            block.tickets.push(engine.ticket_id(cycle.ticket));
            block.rows.push(CycleRow::of(engine, cycle));
        }
    }

    fn row(&mut self, engine: &Engine, escalation: &Escalation) -> EscalationRow {
        let row = EscalationRow::of(engine, escalation);
        let actions = if row.kind == RecordKind::Manual { NO_SYMBOL } else { self.actions(engine, escalation) };
        EscalationRow { actions, ..row }
    }

    /// The place of a level's actions.
    fn actions(&mut self, engine: &Engine, escalation: &Escalation) -> u32 {
        let names = &self.names;
        *self.actions.entry(engine.actions_key(escalation)).or_insert_with(|| match engine.actions(escalation) {
            Some(actions) => names.push_actions(Arc::new(actions.clone())),
            None => NO_SYMBOL,
        })
    }

    /// Adds the record of an acknowledgement; returns its number.
    pub(super) fn acknowledged(&self, output: &mut GroupOutput, input: &AcknowledgeInput, engine: &Engine) -> u64 {
        let labels = engine.find(&input.ticket).map(|ticket| engine.ticket_symbols(ticket));
        let clock =
            (0..self.names.len(LabelKind::Clock) as Symbol).find(|&clock| engine.clock_name(clock) == input.clock);
        let block = &mut output.escalations;
        let now_ms = block.recorded_ms;
        block.tickets.push(&input.ticket);
        let note = Note { actor: input.origin.actor.to_string(), reason: input.note.clone() };
        block.notes.push((block.rows.len() as u32, note));
        block.rows.push(EscalationRow {
            kind: RecordKind::Acknowledged,
            level: input.level,
            cycle: input.cycle,
            clock: clock.unwrap_or(NO_SYMBOL),
            due_ms: input.at_ms,
            fired_ms: now_ms.max(input.at_ms),
            labels: labels.unwrap_or(PerLabel::from_fn(|_| NO_SYMBOL)),
            actions: NO_SYMBOL,
        });
        block.end() - 1
    }
}

/// Who escalated manually, and why: from the row, else the sender.
fn note_of(input: &BatchInput, row: usize) -> Note {
    let batch = &input.batch;
    let actor = batch.label(Column::Actor, row).map_or_else(|| input.origin.actor.to_string(), str::to_owned);
    let reason = if batch.text.is_empty() { String::new() } else { batch.text.get(row).to_owned() };
    Note { actor, reason }
}
