//! Sorts events by time, in bounded memory.
//!
//! Batches are pushed in the order of the input; batches are emitted in order of time. Within one instant, the rows that open a
//! ticket come first, then the others in the order of the input.
//! Rows are gathered into *runs* of at most 2^22 rows, each sorted separately: the key of a row is its time (42 bits) and its
//! index in the run (22 bits) in one 64-bit integer, so sorting moves eight bytes per row and compares them in one
//! instruction. Runs stay in memory while they fit the budget, the others are written to unnamed temporary files, already
//! sorted. At the end all runs are merged; for a sorted input the runs follow one another, and the merge copies ranges.
//!
//! Repeating labels are stored once for the whole input, outside the budget: the engine needs all of them anyway. The
//! read-ahead of the merge is also outside it: about a megabyte per run on disk.

mod dictionary;
mod error;
mod merge;
mod rows;
mod spill;

#[cfg(test)]
mod tests;

use crate::limits;
use crate::ticket::{Batch, Openings};
use dictionary::Dictionaries;
pub use dictionary::Keep;
pub use error::SortError;
use merge::Cursor;
pub use merge::Sorted;
use rows::{ROW_BITS, Rows};
use std::path::PathBuf;

const MAX_RUN_ROWS: usize = 1 << ROW_BITS;

/// Minimum memory of a row: determines the number of rows for which a run reserves space.
const LEAST_ROW_BYTES: usize = 32;

/// Accepts batches in any order of time.
pub struct Sorter {
    budget_bytes: usize,
    folder: PathBuf,
    keep: Keep,
    dictionaries: Dictionaries,
    filling: Rows,
    runs: Vec<Cursor>,
    held_bytes: usize,
    rows: u64,
    /// What the `opened` rows report.
    openings: Openings,
}

impl Sorter {
    /// `budget_bytes` bounds the rows in memory; the rest is written to temporary files in `folder`.
    pub fn new(budget_bytes: usize, folder: PathBuf, keep: Keep) -> Self {
        Self {
            budget_bytes,
            folder,
            keep,
            dictionaries: Dictionaries::default(),
            filling: Rows::default(),
            runs: Vec::new(),
            held_bytes: 0,
            rows: 0,
            openings: Openings::default(),
        }
    }

    /// Adds rows. All batches are read with one mapping, so that their `opened` rows report the same.
    ///
    /// # Errors
    /// [`SortError::Disk`] if a temporary file cannot be written.
    pub fn push(&mut self, batch: &Batch) -> Result<(), SortError> {
        self.openings = batch.openings;
        let codes = self.dictionaries.learn(batch, self.keep);
        self.rows += batch.len() as u64;
        let mut from = 0;
        while from < batch.len() {
            // A run is a quarter of the budget, so that one can fill while another is written.
            let run_bytes = (self.budget_bytes / 4).min(limits::MAX_SORT_RUN_BYTES);
            if self.filling.is_empty() {
                self.filling = Rows::with_capacity(MAX_RUN_ROWS.min(run_bytes / LEAST_ROW_BYTES));
            }
            let to = batch.len().min(from + MAX_RUN_ROWS - self.filling.len());
            self.filling.append(batch, from..to, &codes, self.keep);
            from = to;
            if self.filling.len() == MAX_RUN_ROWS || self.filling.size_bytes() >= run_bytes {
                self.seal(true)?;
            }
        }
        Ok(())
    }

    /// The rows pushed so far are in memory only.
    pub fn is_in_memory(&self) -> bool {
        self.runs.iter().all(Cursor::is_in_memory)
    }

    /// Ends the input and returns the sorted output.
    ///
    /// # Errors
    /// As [`Sorter::push`], and if a temporary file cannot be read back.
    pub fn finish(mut self) -> Result<Sorted, SortError> {
        self.seal(false)?;
        Sorted::new(self.runs, self.dictionaries, self.rows, self.openings)
    }

    fn seal(&mut self, more_to_come: bool) -> Result<(), SortError> {
        if self.filling.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.filling);
        let order = rows.order();
        let size_bytes = rows.size_bytes() + order.len() * size_of::<u64>();
        // While more input may follow, memory is kept for the next run.
        let free = if more_to_come { self.budget_bytes / 4 } else { 0 };
        if self.held_bytes + size_bytes + free <= self.budget_bytes {
            self.held_bytes += size_bytes;
            self.runs.push(Cursor::in_memory(rows, order));
        } else {
            let disk = |source| SortError::Disk { folder: self.folder.clone(), source };
            self.runs.push(Cursor::on_disk(spill::write(&rows, &order, &self.folder).map_err(disk)?));
        }
        Ok(())
    }
}
