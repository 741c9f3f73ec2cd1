//! Records of escalations and ended cycles: new ones as columns of numbers, with all their labels when read.
//!
//! A block has the records of one group. The sequence numbers of its rows follow from the inputs alone, so a block that is
//! recalculated after a crash has the same ones, and a record that is in the history already is recognized by its number.

pub use crate::engine::LabelKind;
use crate::engine::{NO_SYMBOL, Symbol};
use crate::policy::Actions;
pub use crate::table::cycles::CycleRow;
pub use crate::table::escalations::{EscalationRow, Note, RecordKind};
use crate::ticket::{PerLabel, Texts};
use crate::time::SECOND_MS;
use parking_lot::RwLock;
use std::sync::Arc;

/// Escalation records of one group.
#[derive(Debug, Clone, Default)]
pub struct EscalationBlock {
    /// The label table of its symbols.
    pub names: Arc<LabelTable>,
    /// The number of the first row; the others follow.
    pub first_sequence: u64,
    /// The engine's time when they were recorded; decides the day of the history.
    pub recorded_ms: i64,
    /// Their actions are places in [`LabelTable::actions_of`].
    pub rows: Vec<EscalationRow>,
    /// The ticket of each row.
    pub tickets: Texts,
    /// By row, in order: who escalated or acknowledged, and why.
    pub notes: Vec<(u32, Note)>,
}

impl EscalationBlock {
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The number after that of the last row.
    pub fn end(&self) -> u64 {
        self.first_sequence + self.rows.len() as u64
    }

    /// When a row was recorded: the group's time, which is a whole second, or the time of a manual escalation within it.
    pub fn recorded_at_ms(&self, row: usize) -> i64 {
        let within = self.recorded_ms + SECOND_MS - 1;
        self.recorded_ms.max(self.rows[row].fired_ms.min(within))
    }

    /// Who escalated or acknowledged, and why.
    pub fn note(&self, row: usize) -> Option<&Note> {
        self.notes.binary_search_by_key(&(row as u32), |(at, _)| *at).ok().map(|at| &self.notes[at].1)
    }

    /// A row with all its labels.
    pub fn record(&self, row: usize) -> EscalationRecord {
        let names = &self.names;
        let it = &self.rows[row];
        let ticket = self.tickets.get(row).to_owned();
        let clock = names.label(LabelKind::Clock, it.clock);
        let escalation_id = it.id(&ticket, clock.as_deref()).to_string();
        let note = self.note(row);
        let said = |text: &String| (!text.is_empty()).then(|| text.clone());
        EscalationRecord {
            sequence: self.first_sequence + row as u64,
            escalation_id,
            ticket,
            kind: it.kind,
            clock,
            cycle: it.cycle,
            level: it.level,
            due_ms: it.due_ms,
            fired_ms: it.fired_ms,
            recorded_ms: self.recorded_at_ms(row),
            labels: PerLabel::from_fn(|label| names.label(label.into(), it.labels[label])),
            actions: names.actions_of(it.actions),
            actor: note.and_then(|note| said(&note.actor)),
            reason: note.and_then(|note| said(&note.reason)),
        }
    }
}

/// An escalation record with all its labels.
#[derive(Debug, Clone, PartialEq)]
pub struct EscalationRecord {
    pub sequence: u64,
    /// See [`EscalationRow::id`].
    pub escalation_id: String,
    pub ticket: String,
    pub kind: RecordKind,
    /// `None` for a manual escalation.
    pub clock: Option<Arc<str>>,
    pub cycle: u16,
    pub level: u8,
    pub due_ms: i64,
    pub fired_ms: i64,
    pub recorded_ms: i64,
    pub labels: PerLabel<Option<Arc<str>>>,
    pub actions: Option<Arc<Actions>>,
    pub actor: Option<String>,
    pub reason: Option<String>,
}

/// Cycles that ended in one group.
#[derive(Debug, Clone, Default)]
pub struct CycleBlock {
    /// The label table of its symbols.
    pub names: Arc<LabelTable>,
    pub first_sequence: u64,
    pub recorded_ms: i64,
    pub rows: Vec<CycleRow>,
    pub tickets: Texts,
}

impl CycleBlock {
    /// The number after that of the last row.
    pub fn end(&self) -> u64 {
        self.first_sequence + self.rows.len() as u64
    }
}

/// Filter of escalation records; `None` matches any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EscalationFilter {
    pub ticket: Option<String>,
    pub kind: Option<RecordKind>,
    pub clock: Option<String>,
    /// What the ticket had at that time.
    pub labels: PerLabel<Option<String>>,
    pub level: Option<u8>,
    /// Recorded at or after.
    pub since_ms: Option<i64>,
    /// Recorded before.
    pub until_ms: Option<i64>,
}

impl EscalationFilter {
    pub fn admits(&self, record: &EscalationRecord) -> bool {
        let same =
            |wanted: &Option<String>, has: Option<&str>| wanted.as_deref().is_none_or(|label| has == Some(label));
        same(&self.ticket, Some(&record.ticket))
            && same(&self.clock, record.clock.as_deref())
            && self.labels.iter().all(|(label, wanted)| same(wanted, record.labels[label].as_deref()))
            && self.kind.is_none_or(|kind| kind == record.kind)
            && self.level.is_none_or(|level| level == record.level)
            && self.since_ms.is_none_or(|since_ms| record.recorded_ms >= since_ms)
            && self.until_ms.is_none_or(|until_ms| record.recorded_ms < until_ms)
    }
}

/// Label tables of blocks. A table only grows, and when labels get new symbols, later blocks get a new table: so a block always
/// stays readable.
#[derive(Debug, Default)]
pub struct LabelTable {
    lists: [RwLock<Vec<Arc<str>>>; LabelKind::ALL.len()],
    actions: RwLock<Vec<Arc<Actions>>>,
}

impl LabelTable {
    pub fn label(&self, column: LabelKind, symbol: Symbol) -> Option<Arc<str>> {
        if symbol == NO_SYMBOL {
            return None;
        }
        let list = self.lists[column as usize].read();
        list.get(symbol as usize).cloned()
    }

    /// The symbol of a label.
    pub fn find(&self, column: LabelKind, label: &str) -> Option<Symbol> {
        let list = self.lists[column as usize].read();
        list.iter().position(|known| &**known == label).map(|place| place as Symbol)
    }

    pub fn actions_of(&self, place: u32) -> Option<Arc<Actions>> {
        self.actions.read().get(place as usize).cloned()
    }

    /// Number of labels of a column.
    pub fn len(&self, column: LabelKind) -> usize {
        self.lists[column as usize].read().len()
    }

    /// Adds the labels after the known ones.
    pub fn extend<'a>(&self, column: LabelKind, labels: impl Iterator<Item = &'a Arc<str>>) {
        self.lists[column as usize].write().extend(labels.cloned());
    }

    /// A new table with the same actions, at the same indices.
    pub fn with_same_actions(&self) -> Self {
        let actions = self.actions.read().clone();
        Self { actions: RwLock::new(actions), ..Self::default() }
    }

    /// Adds actions; returns their index.
    pub fn push_actions(&self, actions: Arc<Actions>) -> u32 {
        let mut list = self.actions.write();
        list.push(actions);
        list.len() as u32 - 1
    }
}
