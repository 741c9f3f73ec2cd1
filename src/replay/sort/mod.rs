//! Puts events in order of time, in bounded memory.
//!
//! Batches go in in the order of the input; batches come out in order of time, equal times in the order of the input. Rows
//! are gathered into *runs* of at most 2^22 rows, each sorted by itself: the key of a row is its time (42 bits) and its
//! place in the run (22 bits) in one word, so sorting moves eight bytes a row and compares them in one instruction. Runs stay in
//! memory as long as they fit the budget, the others go to unnamed temporary files, already in order. At the end all runs
//! are merged; an input that was in order already gives runs that follow one another, and the merge copies ranges.
//!
//! Words that repeat are kept once for the whole input, outside the budget: the engine has to know them all anyway. So is
//! what the merge reads ahead: about a megabyte a run on disk.

mod dictionary;
mod error;
mod merge;
mod rows;
mod spill;

#[cfg(test)]
mod tests;

use crate::limits;
use crate::ticket::Batch;
use dictionary::Dictionaries;
pub use dictionary::Keep;
pub use error::SortError;
use merge::Cursor;
pub use merge::Sorted;
use rows::{ROW_BITS, Rows};
use std::path::PathBuf;

const MAX_RUN_ROWS: usize = 1 << ROW_BITS;

/// What a row takes at least: for how many rows of a run space is reserved.
const LEAST_ROW_BYTES: usize = 32;

/// Takes batches in any order of time.
pub struct Sorter {
    budget_bytes: usize,
    folder: PathBuf,
    keep: Keep,
    dictionaries: Dictionaries,
    filling: Rows,
    runs: Vec<Cursor>,
    held_bytes: usize,
    rows: u64,
}

impl Sorter {
    /// `budget_bytes` bounds the rows in memory; what does not fit goes to temporary files in `folder`.
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
        }
    }

    /// Adds rows.
    ///
    /// # Errors
    /// [`SortError::Disk`] where a temporary file cannot be written.
    pub fn push(&mut self, batch: &Batch) -> Result<(), SortError> {
        let codes = self.dictionaries.learn(batch, self.keep);
        self.rows += batch.len() as u64;
        let mut from = 0;
        while from < batch.len() {
            // A run is a fourth of the budget, so that one can fill while another is written.
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

    /// Rows taken so far lie in memory only.
    pub fn is_in_memory(&self) -> bool {
        self.runs.iter().all(Cursor::is_in_memory)
    }

    /// Everything is in: begins to hand it out in order.
    ///
    /// # Errors
    /// As [`Sorter::push`], and where what was written cannot be read back.
    pub fn finish(mut self) -> Result<Sorted, SortError> {
        self.seal(false)?;
        Sorted::new(self.runs, self.dictionaries, self.rows)
    }

    fn seal(&mut self, more_to_come: bool) -> Result<(), SortError> {
        if self.filling.is_empty() {
            return Ok(());
        }
        let rows = std::mem::take(&mut self.filling);
        let order = rows.order();
        let size_bytes = rows.size_bytes() + order.len() * size_of::<u64>();
        // While more is to come, room is kept for the next run.
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
