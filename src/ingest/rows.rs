//! From the cells of a row to the rows of a batch, as the mapping says.
//!
//! One writer serves one block of the input (and so one thread). Words are looked up by hash once a cell; nothing is
//! allocated for a row whose words are known.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use super::cell::Cell;
use super::error::shorten;
use super::mapping::{LabelRule, Mapping, Shape, TimeColumn, WordRule};
use super::moment::{Fault, in_range};
use super::{Map, Set};
use crate::limits::{MAX_LABEL_BYTES, MAX_TEXT_BYTES, MAX_TICKET_ID_BYTES};
use crate::ticket::{Batch, Column, EventKind, Label, NO_LABEL, State};

/// Rows after which a batch is handed on. Large enough that looking up its words is little work beside its rows.
pub(super) const ROWS_A_BATCH: usize = 1 << 16;

/// Bytes of subjects and texts after which a batch is handed on.
const TEXT_BYTES_A_BATCH: usize = 16 << 20;

/// Why a row was not read: the input column (or none, for the row), what stands there, what was expected.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RowFault {
    pub input: Option<usize>,
    pub value: String,
    pub reason: String,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Read,
    /// Left out as the mapping says.
    Skipped,
}

pub(super) struct RowWriter<'m> {
    mapping: &'m Mapping,
    hasher: foldhash::fast::RandomState,
    words: [Words; Column::ALL.len()],
    /// Openings that this block has reported: hashes of ticket and time.
    openings: Set<u64>,
    /// Times of the row at hand, with their events.
    times: Vec<(EventKind, i64)>,
    text: String,
    scratch: String,
    joined: String,
    longest_empty: usize,
    batch: Batch,
    done: Vec<Batch>,
}

/// The words of one column of the batch at hand.
#[derive(Default)]
struct Words {
    /// Codes by the hash of their word.
    codes: HashTable<Label>,
    /// Codes by what the input says, where that is not the word itself.
    theirs: Map<Box<str>, Label>,
}

impl<'m> RowWriter<'m> {
    pub(super) fn new(mapping: &'m Mapping) -> Self {
        Self {
            mapping,
            hasher: foldhash::fast::RandomState::default(),
            words: Default::default(),
            openings: Set::default(),
            times: Vec::new(),
            text: String::new(),
            scratch: String::new(),
            joined: String::new(),
            longest_empty: mapping.empty.iter().map(String::len).max().unwrap_or(0),
            batch: Batch::default(),
            done: Vec::new(),
        }
    }

    /// Batches that are full.
    pub(super) fn take_full(&mut self) -> Vec<Batch> {
        std::mem::take(&mut self.done)
    }

    /// All batches that are left; the writer then starts anew.
    pub(super) fn finish(&mut self) -> Vec<Batch> {
        self.end_batch();
        self.openings.clear();
        self.take_full()
    }

    /// Adds one row of the input, one cell for each of the mapping's inputs. A row that is refused leaves nothing behind.
    pub(super) fn push(&mut self, cells: &[Cell<'_>]) -> Result<Outcome, RowFault> {
        let mapping = self.mapping;
        for (input, values) in &mapping.skip {
            if self.value(cells, *input)?.is_some_and(|value| values.contains(value)) {
                return Ok(Outcome::Skipped);
            }
        }
        let outcome = match &mapping.shape {
            Shape::Tickets { opened, events, state_at } => self.ticket_row(cells, opened, events, state_at.as_ref()),
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
    ) -> Result<Outcome, RowFault> {
        let opened_ms = self.required_time(cells, opened)?;
        self.times.clear();
        for (kind, column) in events {
            if let Some(at_ms) = self.time(cells, column)? {
                self.times.push((*kind, at_ms));
            }
        }
        let state = self.word(cells, &self.mapping.state, "state", State::name)?.unwrap_or(self.mapping.state.default);
        let state_ms = match state_at {
            Some(column) if state.is_some() => self.time(cells, column)?,
            _ => None,
        };
        let labels = self.labels(cells)?;
        self.gather_text(cells)?;
        let mapping = self.mapping;
        let mut scratch = std::mem::take(&mut self.scratch);
        let emitted = match self.ticket_id(cells, mapping.ticket, &mut scratch) {
            Err(fault) => Err(fault),
            Ok(id) => {
                self.emit(id, opened_ms, EventKind::Opened, None, &labels);
                self.text.clear();
                let mut later = [NO_LABEL; Column::ALL.len()];
                later[Column::Actor as usize] = labels[Column::Actor as usize];
                for index in 0..self.times.len() {
                    let (kind, at_ms) = self.times[index];
                    self.emit(id, at_ms, kind, None, &later);
                }
                if let Some(at_ms) = state_ms {
                    self.emit(id, at_ms, EventKind::StateChanged, state, &later);
                }
                Ok(Outcome::Read)
            }
        };
        self.scratch = scratch;
        emitted
    }

    fn event_row(
        &mut self,
        cells: &[Cell<'_>],
        at: &TimeColumn,
        event: &WordRule<EventKind>,
        opened: Option<&TimeColumn>,
        event_at: &[(EventKind, TimeColumn)],
    ) -> Result<Outcome, RowFault> {
        let mapping = self.mapping;
        let kind = self.word(cells, event, "event", EventKind::name)?;
        let state = self.word(cells, &mapping.state, "state", State::name)?;
        // A value that says nothing in the event's column: the row is no event, unless it tells of a state.
        if kind == Some(None) && !state.is_some_and(|state| state.is_some()) {
            return Ok(Outcome::Skipped);
        }
        let kind = kind.unwrap_or(event.default).unwrap_or(EventKind::StateChanged);
        let state = state.unwrap_or(mapping.state.default);
        let mut at_ms = self.required_time(cells, at)?;
        for (other, column) in event_at {
            if (*other == kind || state.is_some_and(|state| state.name() == other.name()))
                && let Some(found_ms) = self.time(cells, column)?
            {
                at_ms = found_ms;
            }
        }
        let opened_ms = match opened {
            Some(column) => self.time(cells, column)?,
            None => None,
        };
        let labels = self.labels(cells)?;
        let has_text = opened_ms.is_some() || matches!(kind, EventKind::Opened | EventKind::Escalated);
        if has_text {
            self.gather_text(cells)?;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let emitted = match self.ticket_id(cells, mapping.ticket, &mut scratch) {
            Err(fault) => Err(fault),
            Ok(id) => {
                if let Some(opened_ms) = opened_ms
                    && self.openings.insert(self.hasher.hash_one((id, opened_ms)))
                {
                    // Owner, team and actor are of the event's time, not of the opening's.
                    let mut first = labels;
                    for column in [Column::Owner, Column::Team, Column::Actor] {
                        first[column as usize] = NO_LABEL;
                    }
                    self.emit(id, opened_ms, EventKind::Opened, None, &first);
                }
                if !matches!(kind, EventKind::Opened | EventKind::Escalated) {
                    self.text.clear();
                }
                self.emit(id, at_ms, kind, state, &labels);
                Ok(Outcome::Read)
            }
        };
        self.scratch = scratch;
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
            self.done.push(std::mem::take(&mut self.batch));
        }
        // Words of refused rows may stand in a batch without rows: they go as well.
        self.batch = Batch::default();
        for words in &mut self.words {
            words.codes.clear();
            words.theirs.clear();
        }
    }

    /// A cell's text, if it says something.
    fn value<'s>(&'s mut self, cells: &'s [Cell<'_>], input: usize) -> Result<Option<&'s str>, RowFault> {
        let found =
            cells[input].text(&mut self.scratch).map_err(|what| fault(input, what, "expected a single value"))?;
        Ok(found
            .filter(|text| !(text.len() <= self.longest_empty && self.mapping.empty.iter().any(|empty| empty == text))))
    }

    fn ticket_id<'s>(&self, cells: &'s [Cell<'_>], input: usize, scratch: &'s mut String) -> Result<&'s str, RowFault> {
        let found = cells[input].text(scratch).map_err(|what| fault(input, what, "expected a ticket's id"))?;
        let id = found.unwrap_or_default();
        if id.is_empty() || self.mapping.empty.iter().any(|empty| empty == id) {
            return Err(fault(input, id, "expected a ticket's id"));
        }
        if id.len() > MAX_TICKET_ID_BYTES {
            return Err(fault(input, id, format!("expected a ticket's id of at most {MAX_TICKET_ID_BYTES} bytes")));
        }
        Ok(id)
    }

    fn required_time(&mut self, cells: &[Cell<'_>], column: &TimeColumn) -> Result<i64, RowFault> {
        let expected = || fault(column.input, "", format!("expected a time ({})", column.writing.described));
        self.time(cells, column)?.ok_or_else(expected)
    }

    fn time(&mut self, cells: &[Cell<'_>], column: &TimeColumn) -> Result<Option<i64>, RowFault> {
        let cell = &cells[column.input];
        let read = match cell {
            Cell::Null => return Ok(None),
            Cell::Text(_) => match self.value(cells, column.input)? {
                None => return Ok(None),
                Some(text) => column.writing.read(text.trim()),
            },
            Cell::Instant(at_ms) => in_range(*at_ms),
            Cell::Local(local_ms) => column.writing.read_local(*local_ms),
            Cell::Integer(number) => column.writing.read_number(*number),
            Cell::Unsigned(number) => {
                i64::try_from(*number).map_err(|_| Fault::Range).and_then(|number| column.writing.read_number(number))
            }
            Cell::Float(number) if number.is_nan() => return Ok(None),
            Cell::Float(number) => column.writing.read(&number.to_string()),
            Cell::Bool(_) | Cell::Other(_) => Err(Fault::Syntax),
        };
        read.map(Some).map_err(|found| {
            let reason = match found {
                Fault::Syntax => format!("expected a time ({})", column.writing.described),
                Fault::Range => "lies outside 1970-01-01 to 2099-12-31".to_owned(),
                Fault::NoZone => "is a local time: name its zone in the mapping, or give an offset from UTC".to_owned(),
            };
            fault(column.input, &cell.shown(), reason)
        })
    }

    /// A rule's value as the input says it, joined if it stands in several columns. `None` where no column says anything.
    fn said<'s>(&'s mut self, cells: &'s [Cell<'_>], inputs: &[usize]) -> Result<Option<&'s str>, RowFault> {
        match inputs {
            [] => Ok(None),
            [input] => self.value(cells, *input),
            _ => {
                let mut joined = std::mem::take(&mut self.joined);
                joined.clear();
                let mut says = false;
                for (index, input) in inputs.iter().enumerate() {
                    if index > 0 {
                        joined.push('/');
                    }
                    if let Some(text) = self.value(cells, *input)? {
                        joined.push_str(text);
                        says = true;
                    }
                }
                self.joined = joined;
                Ok(says.then_some(self.joined.as_str()))
            }
        }
    }

    /// The word of a state or event: `None` where the columns are missing or empty, `Some(None)` where they hold a value
    /// that says nothing.
    fn word<W: Copy>(
        &mut self,
        cells: &[Cell<'_>],
        rule: &WordRule<W>,
        what: &str,
        name: fn(W) -> &'static str,
    ) -> Result<Option<Option<W>>, RowFault> {
        let Some(said) = self.said(cells, &rule.inputs)? else { return Ok(None) };
        match rule.values.get(said).copied().or(rule.other) {
            Some(word) => Ok(Some(word)),
            None => {
                let mut known: Vec<&str> = rule.values.keys().map(String::as_str).collect();
                known.sort_unstable();
                known.truncate(12);
                let first = rule.values.values().flatten().next().map(|word| name(*word)).unwrap_or_default();
                let reason = format!(
                    "is no {what} the mapping knows, expected one of {} (or an entry such as \"{}\" = \"{first}\" in [values.{what}])",
                    known.join(", "),
                    shorten(said)
                );
                Err(fault(rule.inputs[0], said, reason))
            }
        }
    }

    fn labels(&mut self, cells: &[Cell<'_>]) -> Result<[Label; Column::ALL.len()], RowFault> {
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

    fn label(&mut self, cells: &[Cell<'_>], column: Column, rule: &LabelRule) -> Result<Label, RowFault> {
        // Taken out and put back, for the text of the cell may lie in the writer's own buffers.
        let mut words = std::mem::take(&mut self.words[column as usize]);
        let mut known = std::mem::take(&mut self.batch.labels_mut(column).words);
        let hasher = self.hasher.clone();
        let coded = self.said(cells, &rule.inputs).and_then(|said| {
            let coded = match (said, &rule.default) {
                (Some(said), _) => words.code(said, rule, &mut known, &hasher),
                (None, Some(default)) => words.intern(default, &mut known, &hasher),
                (None, None) => return Ok(NO_LABEL),
            };
            coded.map_err(|reason| RowFault {
                input: rule.inputs.first().copied(),
                value: shorten(said.unwrap_or_default()),
                reason,
            })
        });
        self.words[column as usize] = words;
        self.batch.labels_mut(column).words = known;
        coded
    }

    /// Subject and text of the row into `self.text`.
    fn gather_text(&mut self, cells: &[Cell<'_>]) -> Result<(), RowFault> {
        let mapping = self.mapping;
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        for input in &mapping.texts {
            if let Some(part) = self.value(cells, *input)? {
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
        self.text = text;
        Ok(())
    }
}

impl Words {
    /// The code of what the input says.
    fn code(
        &mut self,
        said: &str,
        rule: &LabelRule,
        known: &mut Vec<String>,
        hasher: &foldhash::fast::RandomState,
    ) -> Result<Label, String> {
        let translated = !rule.values.is_empty() || rule.other.is_some();
        if translated && let Some(code) = self.theirs.get(said) {
            return Ok(*code);
        }
        let word = match rule.values.get(said).or(rule.other.as_ref()) {
            Some(word) => word.as_str(),
            None => said,
        };
        let code = if word.is_empty() { NO_LABEL } else { self.intern(word, known, hasher)? };
        if translated {
            self.theirs.insert(said.into(), code);
        }
        Ok(code)
    }

    fn intern(
        &mut self,
        word: &str,
        known: &mut Vec<String>,
        hasher: &foldhash::fast::RandomState,
    ) -> Result<Label, String> {
        let hash = hasher.hash_one(word);
        if let Some(code) = self.codes.find(hash, |code| known[*code as usize] == word) {
            return Ok(*code);
        }
        if word.len() > MAX_LABEL_BYTES {
            return Err(format!("expected at most {MAX_LABEL_BYTES} bytes"));
        }
        let code = known.len() as Label;
        known.push(word.to_owned());
        self.codes.insert_unique(hash, code, |code| hasher.hash_one(known[*code as usize].as_str()));
        Ok(code)
    }
}

fn fault(input: usize, value: &str, reason: impl Into<String>) -> RowFault {
    RowFault { input: Some(input), value: shorten(value), reason: reason.into() }
}

#[cfg(test)]
mod tests;
