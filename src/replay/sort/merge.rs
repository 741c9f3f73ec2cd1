//! Merges all runs in order of time; within one instant openings come first, then the order of the runs is that of the input.

use super::dictionary::Dictionaries;
use super::rows::{Rows, at_ms_of, row_of};
use super::spill::SpillReader;
use super::{SortError, spill};
use crate::limits;
use crate::ticket::{Batch, Column, Openings};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;

/// A row's place in the output before ties are resolved by the number of its run: its time, and whether it is no opening.
type Place = (i64, bool);

/// A sorted run and how much of it has been emitted.
pub(crate) struct Cursor {
    rows: Rows,
    /// Keys of `rows` in order of time; empty for rows from disk, which are already sorted.
    order: Vec<u64>,
    next: usize,
    source: Source,
}

enum Source {
    Memory,
    Written(File),
    Disk(Box<SpillReader>),
}

impl Cursor {
    pub(crate) fn in_memory(rows: Rows, order: Vec<u64>) -> Self {
        Self { rows, order, next: 0, source: Source::Memory }
    }

    pub(crate) fn on_disk(file: File) -> Self {
        Self { rows: Rows::default(), order: Vec::new(), next: 0, source: Source::Written(file) }
    }

    pub(crate) fn is_in_memory(&self) -> bool {
        matches!(self.source, Source::Memory)
    }

    fn open(self) -> Result<Self, SortError> {
        let source = match self.source {
            Source::Written(file) => Source::Disk(Box::new(spill::read(file)?)),
            other => other,
        };
        let mut opened = Self { source, ..self };
        opened.refill()?;
        Ok(opened)
    }

    /// The place of the next row, if a row is loaded.
    fn peek(&self) -> Option<Place> {
        let (at_ms, row) = if self.order.is_empty() {
            (self.rows.at_ms.get(self.next).copied()?, self.next)
        } else {
            let key = *self.order.get(self.next)?;
            (at_ms_of(key), row_of(key) as usize)
        };
        Some((at_ms, !self.rows.is_opening(row)))
    }

    fn take(&mut self) -> u32 {
        let row = if self.order.is_empty() { self.next as u32 } else { row_of(self.order[self.next]) };
        self.next += 1;
        row
    }

    /// Loads more rows when the loaded ones are used up; rows picked from them must have been copied by then.
    fn refill(&mut self) -> Result<(), SortError> {
        if let (None, Source::Disk(reader)) = (self.peek(), &mut self.source) {
            self.rows = spill::next_chunk(reader)?.unwrap_or_default();
            self.next = 0;
        }
        Ok(())
    }
}

/// Emits all rows in order of time.
pub struct Sorted {
    runs: Vec<Cursor>,
    dictionaries: Dictionaries,
    /// Runs with loaded rows, by the place of their next row and their number.
    soonest: BinaryHeap<Reverse<(Place, usize)>>,
    /// Rows of one run to copy next.
    picked: Vec<u32>,
    rows: u64,
    until_ms: i64,
    openings: Openings,
}

impl Sorted {
    pub(crate) fn new(
        runs: Vec<Cursor>,
        dictionaries: Dictionaries,
        rows: u64,
        openings: Openings,
    ) -> Result<Self, SortError> {
        let runs = runs.into_iter().map(Cursor::open).collect::<Result<Vec<_>, _>>()?;
        let soonest =
            runs.iter().enumerate().filter_map(|(run, cursor)| Some(Reverse((cursor.peek()?, run)))).collect();
        Ok(Self { runs, dictionaries, soonest, picked: Vec::new(), rows, until_ms: i64::MAX, openings })
    }

    /// Total number of rows, emitted or not.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Nothing later than this is emitted.
    pub fn end_at(&mut self, until_ms: i64) {
        self.until_ms = until_ms;
    }

    /// The next `rows` rows (fewer at the end; none after it), and those of the same instant as the last of them: an instant is
    /// in one batch, up to [`limits::MAX_BATCH_ROWS`] rows. All later rows are at or after the last of them. The memory of an
    /// unneeded batch is reused: touching new memory for the first time costs more than filling it.
    ///
    /// # Errors
    /// [`SortError::ReadBack`] if a temporary file cannot be read.
    pub fn next_batch(&mut self, rows: usize, used: Option<Batch>) -> Result<Option<Batch>, SortError> {
        let mut batch = used.unwrap_or_default();
        clear(&mut batch);
        batch.openings = self.openings;
        let most = rows.max(limits::MAX_BATCH_ROWS);
        let has_room =
            |len: usize, last_ms: Option<i64>, at_ms: i64| len < rows || len < most && last_ms == Some(at_ms);
        while let Some(Reverse(((at_ms, _), run))) = self.soonest.peek().copied() {
            if at_ms > self.until_ms {
                self.soonest.clear();
                break;
            }
            let mut last_ms = batch.at_ms.last().copied();
            if !has_room(batch.len(), last_ms, at_ms) {
                break;
            }
            self.soonest.pop();
            // This run continues until another one has an earlier row.
            let end = ((self.until_ms, true), usize::MAX);
            let until = self.soonest.peek().map_or(end, |Reverse(other)| end.min(*other));
            let cursor = &mut self.runs[run];
            self.picked.clear();
            while let Some(place) = cursor.peek().filter(|place| (*place, run) < until)
                && has_room(batch.len() + self.picked.len(), last_ms, place.0)
            {
                self.picked.push(cursor.take());
                last_ms = Some(place.0);
            }
            cursor.rows.copy_to(&self.picked, &mut batch, &mut self.dictionaries);
            cursor.refill()?;
            if let Some(place) = cursor.peek() {
                self.soonest.push(Reverse((place, run)));
            }
        }
        self.dictionaries.next_batch();
        Ok((!batch.is_empty()).then_some(batch))
    }
}

fn clear(batch: &mut Batch) {
    batch.ticket.clear();
    batch.at_ms.clear();
    batch.kind.clear();
    batch.state.clear();
    for column in Column::ALL {
        let labels = batch.labels_mut(column);
        labels.codes.clear();
        labels.labels.clear();
    }
    batch.text.clear();
}
