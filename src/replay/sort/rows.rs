//! The rows of one run, in columns.

use super::dictionary::{CodeMaps, Dictionaries, Keep};
use crate::ticket::{Batch, Column, EventKind, Label, NO_LABEL, State, Texts};
use crate::time::NEVER_MS;
use std::ops::Range;

/// Bits of a key for the row's index in its run.
pub(super) const ROW_BITS: u32 = 22;

/// Rows in the order of arrival. Label codes are those of the whole input; a column that is empty in all rows is not stored.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub ticket: Texts,
    pub at_ms: Vec<i64>,
    pub kind: Vec<EventKind>,
    pub state: Vec<Option<State>>,
    pub labels: [Vec<Label>; Column::ALL.len()],
    pub text: Texts,
}

impl Rows {
    /// Rows with reserved space, so that they do not move while they grow; unfilled memory is not touched.
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            at_ms: Vec::with_capacity(rows),
            kind: Vec::with_capacity(rows),
            state: Vec::with_capacity(rows),
            ..Self::default()
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.at_ms.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.at_ms.is_empty()
    }

    /// Whether a row opens a ticket.
    pub(super) fn is_opening(&self, row: usize) -> bool {
        self.kind[row] == EventKind::Opened
    }

    /// Bytes of memory that the rows use.
    pub(crate) fn size_bytes(&self) -> usize {
        let labels: usize = self.labels.iter().map(|codes| codes.len() * size_of::<Label>()).sum();
        let fixed = size_of::<i64>() + size_of::<EventKind>() + size_of::<Option<State>>();
        self.ticket.size_bytes() + self.text.size_bytes() + labels + self.len() * fixed
    }

    /// Adds rows of a batch; `maps` translates its codes to those of the whole input.
    pub(crate) fn append(&mut self, batch: &Batch, range: Range<usize>, maps: &CodeMaps, keep: Keep) {
        let before = self.len();
        range.clone().for_each(|row| self.ticket.push(batch.ticket.get(row)));
        self.at_ms.extend_from_slice(&batch.at_ms[range.clone()]);
        self.kind.extend_from_slice(&batch.kind[range.clone()]);
        self.state.extend_from_slice(&batch.state[range.clone()]);
        for (index, column) in Column::ALL.into_iter().enumerate() {
            let (codes, map) = (&mut self.labels[index], &maps[index]);
            if map.is_empty() && codes.is_empty() {
                continue;
            }
            if codes.is_empty() {
                codes.reserve(self.at_ms.capacity());
            }
            codes.resize(before, NO_LABEL);
            if map.is_empty() {
                codes.resize(before + range.len(), NO_LABEL);
            } else {
                let mapped = batch.labels(column).codes[range.clone()].iter();
                codes.extend(mapped.map(|code| map.get(*code as usize).copied().unwrap_or(NO_LABEL)));
            }
        }
        let text_of = |row: usize| {
            let wanted = keep.facts_for_rules || batch.kind[row] == EventKind::Escalated;
            if wanted && !batch.text.is_empty() { batch.text.get(row) } else { "" }
        };
        if !self.text.is_empty() || range.clone().any(|row| !text_of(row).is_empty()) {
            (self.text.len()..before).for_each(|_| self.text.push(""));
            range.for_each(|row| self.text.push(text_of(row)));
        }
    }

    /// The rows in order of time, openings first within one instant, as keys: time in the upper bits, row in the lower.
    pub(crate) fn order(&self) -> Vec<u64> {
        let key = |(row, at_ms): (usize, &i64)| ((at_ms.clamp(&0, &NEVER_MS).cast_unsigned()) << ROW_BITS) | row as u64;
        let mut keys: Vec<u64> = self.at_ms.iter().enumerate().map(key).collect();
        keys.sort_unstable();
        let is_later = |key: &u64| !self.is_opening(row_of(*key) as usize);
        for instant in keys.chunk_by_mut(|key, next| at_ms_of(*key) == at_ms_of(*next)) {
            if !instant.is_sorted_by_key(is_later) {
                instant.sort_by_key(is_later);
            }
        }
        keys
    }

    /// Copies rows to the end of a batch.
    pub(crate) fn copy_to(&self, picked: &[u32], batch: &mut Batch, dictionaries: &mut Dictionaries) {
        let rows = || picked.iter().map(|row| *row as usize);
        rows().for_each(|row| batch.ticket.push(self.ticket.get(row)));
        batch.at_ms.extend(rows().map(|row| self.at_ms[row]));
        batch.kind.extend(rows().map(|row| self.kind[row]));
        batch.state.extend(rows().map(|row| self.state[row]));
        for (index, column) in Column::ALL.into_iter().enumerate() {
            let codes = &self.labels[index];
            let into = batch.labels_mut(column);
            if codes.is_empty() {
                into.codes.resize(into.codes.len() + picked.len(), NO_LABEL);
            } else {
                dictionaries.append(index, rows().map(|row| codes[row]), into);
            }
        }
        if !self.text.is_empty() || !batch.text.is_empty() {
            let before = batch.at_ms.len() - picked.len();
            (batch.text.len()..before).for_each(|_| batch.text.push(""));
            rows().for_each(|row| batch.text.push(if self.text.is_empty() { "" } else { self.text.get(row) }));
        }
    }
}

/// The row of a key.
pub(super) fn row_of(key: u64) -> u32 {
    (key & ((1 << ROW_BITS) - 1)) as u32
}

/// The time of a key.
pub(super) fn at_ms_of(key: u64) -> i64 {
    (key >> ROW_BITS).cast_signed()
}
