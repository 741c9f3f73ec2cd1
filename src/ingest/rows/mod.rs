//! Writes the cells of a row as rows of a batch, according to the mapping.
//!
//! One writer serves one block of the input (and so one thread). Labels are looked up by hash, once per cell; a row whose
//! labels are known allocates nothing.

pub(crate) mod cell;
mod dictionary;
pub(crate) mod timestamp;
pub(crate) mod values;

use std::hash::BuildHasher;

use super::error::shorten;
use super::mapping::{LabelRule, Mapping, Reported, Shape, TimeColumn, ValueRule};
use super::maps::Set;
use super::pipeline::Numbered;
use crate::limits::MAX_TEXT_BYTES;
use crate::ticket::{Batch, Column, EventKind, Label, NO_LABEL, Openings, State};
use cell::Cell;
use dictionary::LabelDictionary;
use values::{FieldError, Values};

/// Rows after which a batch is passed on. Large enough that the cost of its label tables is small per row.
pub(crate) const ROWS_A_BATCH: usize = 1 << 16;

/// Bytes of subjects and texts after which a batch is passed on.
const TEXT_BYTES_A_BATCH: usize = 16 << 20;

/// Result of writing a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Read,
    /// Skipped according to the mapping.
    Skipped,
}

pub(crate) struct RowWriter<'m> {
    mapping: &'m Mapping,
    hasher: foldhash::fast::RandomState,
    labels: [LabelDictionary; Column::ALL.len()],
    /// Openings that this block has emitted: hashes of ticket and time.
    openings: Set<u64>,
    /// Times of the current row, with their events.
    times: Vec<(EventKind, i64)>,
    text: String,
    id_scratch: String,
    values: Values<'m>,
    batch: Batch,
    /// For each row of the batch its line in the input, if requested.
    lines: Option<Vec<u64>>,
    line: u64,
    done: Vec<Numbered>,
}

/// The columns whose labels hold from a ticket's opening on, whenever its row was written.
const FACTS: [Column; 4] = [Column::Channel, Column::Category, Column::Customer, Column::Segment];

/// The labels of some columns.
fn only(labels: &[Label; Column::ALL.len()], columns: &[Column]) -> [Label; Column::ALL.len()] {
    let mut kept = [NO_LABEL; Column::ALL.len()];
    columns.iter().for_each(|column| kept[*column as usize] = labels[*column as usize]);
    kept
}

/// A batch without rows; all batches of a mapping have the same openings.
fn empty_batch(mapping: &Mapping) -> Batch {
    let openings = match mapping.shape {
        Shape::Tickets { .. } => Openings::Current,
        Shape::Events { opened: Some(_), .. } => Openings::Known,
        Shape::Events { opened: None, .. } => Openings::Log,
    };
    Batch { openings, ..Batch::default() }
}

impl<'m> RowWriter<'m> {
    pub(crate) fn new(mapping: &'m Mapping) -> Self {
        Self {
            mapping,
            hasher: foldhash::fast::RandomState::default(),
            labels: Default::default(),
            openings: Set::default(),
            times: Vec::new(),
            text: String::new(),
            id_scratch: String::new(),
            values: Values::new(mapping),
            batch: empty_batch(mapping),
            lines: None,
            line: 0,
            done: Vec::new(),
        }
    }

    /// The same; with `wanted` it records the line of each row, as set by [`RowWriter::at_line`].
    pub(crate) fn numbered(mut self, wanted: bool) -> Self {
        self.lines = wanted.then(Vec::new);
        self
    }

    pub(crate) fn is_numbered(&self) -> bool {
        self.lines.is_some()
    }

    /// Sets the input's line of the next rows.
    pub(crate) fn at_line(&mut self, line: u64) {
        self.line = line;
    }

    /// Whether a batch is full.
    pub(crate) fn has_full(&self) -> bool {
        !self.done.is_empty()
    }

    /// Batches that are full.
    pub(crate) fn take_full(&mut self) -> Vec<Numbered> {
        std::mem::take(&mut self.done)
    }

    /// All remaining batches; the writer is empty afterwards.
    pub(crate) fn finish(&mut self) -> Vec<Numbered> {
        self.end_batch();
        self.openings.clear();
        self.take_full()
    }

    /// Adds one row of the input, one cell for each of the mapping's inputs. A rejected row leaves nothing behind.
    pub(crate) fn push(&mut self, cells: &[Cell<'_>]) -> Result<Outcome, FieldError> {
        let mapping = self.mapping;
        for (input, values) in &mapping.skip {
            if self.values.value(cells, *input)?.is_some_and(|value| values.contains(value)) {
                return Ok(Outcome::Skipped);
            }
        }
        let outcome = match &mapping.shape {
            Shape::Tickets { opened, events, state_at, updated } => {
                self.ticket_row(cells, opened, events, state_at.as_ref(), updated.as_ref())
            }
            Shape::Events { at, event, opened, event_at } => {
                self.event_row(cells, at, event, opened.as_ref(), event_at)
            }
        }?;
        if self.batch.len() >= ROWS_A_BATCH || self.batch.text.size_bytes() >= TEXT_BYTES_A_BATCH {
            self.end_batch();
        }
        Ok(outcome)
    }

    fn ticket_row(
        &mut self,
        cells: &[Cell<'_>],
        opened: &TimeColumn,
        events: &[(EventKind, TimeColumn)],
        state_at: Option<&TimeColumn>,
        updated: Option<&TimeColumn>,
    ) -> Result<Outcome, FieldError> {
        let opened_ms = self.values.required_time(cells, opened)?;
        self.times.clear();
        for (kind, column) in events {
            if let Some(at_ms) = self.values.time(cells, column)? {
                self.times.push((*kind, at_ms));
            }
        }
        let reported = self.values.label(cells, &self.mapping.state, "state", Reported::name)?;
        let (state, gone) = split(reported.unwrap_or(self.mapping.state.default));
        let state_ms = self.values.time_if_mapped(cells, state_at)?;
        let updated_ms = self.values.time_if_mapped(cells, updated)?;
        // A state without a time is the row's, or the result of its latest event; else the ticket opened with it.
        let latest_ms = self.times.iter().map(|(_, at_ms)| *at_ms).max();
        let state_ms = state_ms.or(updated_ms).or(latest_ms);
        let labels = self.labels(cells)?;
        self.gather_text(cells)?;
        let mapping = self.mapping;
        let mut scratch = std::mem::take(&mut self.id_scratch);
        let emitted = match self.values.ticket_id(cells, mapping.ticket, &mut scratch) {
            Err(fault) => Err(fault),
            Ok(id) => {
                let events = only(&labels, &[Column::Actor]);
                // Values with a time of their own are not those of the opening.
                let mut first = labels;
                if updated_ms.is_some() {
                    first = only(&labels, &FACTS);
                    first[Column::Actor as usize] = labels[Column::Actor as usize];
                }
                self.emit(id, opened_ms, EventKind::Opened, state.filter(|_| state_ms.is_none()), &first);
                self.text.clear();
                for index in 0..self.times.len() {
                    let (kind, at_ms) = self.times[index];
                    self.emit(id, at_ms, kind, None, &events);
                }
                if let (Some(at_ms), Some(state)) = (state_ms.filter(|at_ms| Some(*at_ms) != updated_ms), state) {
                    self.emit(id, at_ms, EventKind::StateChanged, Some(state), &events);
                }
                if let Some(at_ms) = updated_ms {
                    let mut values = labels;
                    values[Column::Segment as usize] = NO_LABEL;
                    let state = state.filter(|_| state_ms == updated_ms);
                    self.emit(id, at_ms, EventKind::StateChanged, state, &values);
                }
                if let Some(kind) = gone {
                    self.emit(id, state_ms.map_or(opened_ms, |at_ms| at_ms.max(opened_ms)), kind, None, &events);
                }
                Ok(Outcome::Read)
            }
        };
        self.id_scratch = scratch;
        emitted
    }

    fn event_row(
        &mut self,
        cells: &[Cell<'_>],
        at: &TimeColumn,
        event: &ValueRule<EventKind>,
        opened: Option<&TimeColumn>,
        event_at: &[(EventKind, TimeColumn)],
    ) -> Result<Outcome, FieldError> {
        let mapping = self.mapping;
        let kind = self.values.label(cells, event, "event", EventKind::name)?;
        let reported = self.values.label(cells, &mapping.state, "state", Reported::name)?;
        // An empty value in the event column: the row is not an event, unless it has a state.
        if kind == Some(None) && reported.is_none_or(|state| state.is_none()) {
            return Ok(Outcome::Skipped);
        }
        let (state, gone) = split(reported.unwrap_or(mapping.state.default));
        let kind = gone.or(kind.unwrap_or(event.default)).unwrap_or(EventKind::StateChanged);
        let mut at_ms = self.values.required_time(cells, at)?;
        for (other, column) in event_at {
            if (*other == kind || state.is_some_and(|state| state.name() == other.name()))
                && let Some(found_ms) = self.values.time(cells, column)?
            {
                at_ms = found_ms;
            }
        }
        let opened_ms = self.values.time_if_mapped(cells, opened)?;
        let labels = self.labels(cells)?;
        let has_text = opened_ms.is_some() || matches!(kind, EventKind::Opened | EventKind::Escalated);
        if has_text {
            self.gather_text(cells)?;
        }
        let mut scratch = std::mem::take(&mut self.id_scratch);
        let emitted = match self.values.ticket_id(cells, mapping.ticket, &mut scratch) {
            Err(fault) => Err(fault),
            Ok(id) => {
                if let Some(opened_ms) = opened_ms
                    && self.openings.insert(self.hasher.hash_one((id, opened_ms)))
                {
                    // Priority, owner, team and actor apply at the event's time, not at the opening.
                    self.emit(id, opened_ms, EventKind::Opened, None, &only(&labels, &FACTS));
                }
                if !matches!(kind, EventKind::Opened | EventKind::Escalated) {
                    self.text.clear();
                }
                self.emit(id, at_ms, kind, state, &labels);
                Ok(Outcome::Read)
            }
        };
        self.id_scratch = scratch;
        self.text.clear();
        emitted
    }

    fn emit(
        &mut self,
        id: &str,
        at_ms: i64,
        kind: EventKind,
        state: Option<State>,
        labels: &[Label; Column::ALL.len()],
    ) {
        let batch = &mut self.batch;
        if let Some(lines) = &mut self.lines {
            lines.push(self.line);
        }
        batch.ticket.push(id);
        batch.at_ms.push(at_ms);
        batch.kind.push(kind);
        batch.state.push(state);
        for column in Column::ALL {
            batch.labels_mut(column).codes.push(labels[column as usize]);
        }
        if !self.mapping.texts.is_empty() {
            batch.text.push(&self.text);
        }
    }

    fn end_batch(&mut self) {
        if !self.batch.is_empty() {
            let lines = self.lines.as_mut().map(std::mem::take).unwrap_or_default();
            self.done.push(Numbered { batch: std::mem::take(&mut self.batch), lines });
        }
        // Labels of rejected rows may be in a batch without rows: they are dropped as well.
        self.batch = empty_batch(self.mapping);
        for labels in &mut self.labels {
            labels.clear();
        }
    }

    fn labels(&mut self, cells: &[Cell<'_>]) -> Result<[Label; Column::ALL.len()], FieldError> {
        let mut labels = [NO_LABEL; Column::ALL.len()];
        let mapping = self.mapping;
        for column in Column::ALL {
            let rule = &mapping.labels[column as usize];
            if !rule.inputs.is_empty() || rule.default.is_some() {
                labels[column as usize] = self.label(cells, column, rule)?;
            }
        }
        Ok(labels)
    }

    fn label(&mut self, cells: &[Cell<'_>], column: Column, rule: &LabelRule) -> Result<Label, FieldError> {
        let labels = &mut self.labels[column as usize];
        let known = &mut self.batch.labels_mut(column).labels;
        let said = self.values.said(cells, &rule.inputs)?;
        let coded = match (said, &rule.default) {
            (Some(said), _) => labels.code(said, rule, known, &self.hasher),
            (None, Some(default)) => labels.intern(default, known, &self.hasher),
            (None, None) => return Ok(NO_LABEL),
        };
        coded.map_err(|reason| {
            let value = shorten(said.unwrap_or_default());
            FieldError { input: rule.inputs.first().copied(), value, reason }
        })
    }

    /// Subject and text of the row into `self.text`.
    fn gather_text(&mut self, cells: &[Cell<'_>]) -> Result<(), FieldError> {
        let mapping = self.mapping;
        let text = &mut self.text;
        text.clear();
        for input in &mapping.texts {
            if let Some(part) = self.values.value(cells, *input)? {
                if !text.is_empty() {
                    text.push('\n');
                }
                let mut end = part.len().min(MAX_TEXT_BYTES.saturating_sub(text.len()));
                while !part.is_char_boundary(end) {
                    end -= 1;
                }
                text.push_str(&part[..end]);
            }
        }
        Ok(())
    }
}

/// The state that a row reports, or the event by which the ticket has left.
fn split(reported: Option<Reported>) -> (Option<State>, Option<EventKind>) {
    match reported {
        None => (None, None),
        Some(Reported::State(state)) => (Some(state), None),
        Some(Reported::Gone(kind)) => (None, Some(kind)),
    }
}

#[cfg(test)]
mod tests;
