//! The history: every escalation record and every ended cycle, as Parquet by day.
//!
//! ```text
//! DATA/history/escalations/2026-11-22/00000000000000000001-00000000000000004711.1f0a9c33.parquet
//! DATA/history/cycles/2026-11-22/...
//! ```
//!
//! A file's name says all that is needed to find what is in it and to trust it: the day (UTC) of its records, the numbers of
//! the first and the last (they follow each other without a gap, over all files), and the CRC-32C of its bytes. The sum stands
//! in the name because a file and its sum are then published by one rename; nothing else has to be kept in step. A file is
//! compared with its sum before it is first read, and one that was damaged is an error that names it, never an answer.
//!
//! A block that was written before is known by its numbers and skipped: after a crash everything may be offered again.
//! Old files may be removed, lowest numbers first: in the order of their days, unless the time was once set back.

mod cycles;
mod error;
mod escalations;
mod look;
mod shelf;
mod write;

#[cfg(test)]
mod tests;

pub use error::HistoryError;

use crate::store::record::{CycleBlock, EscalationBlock, EscalationFilter, EscalationRecord};
use cycles::CycleTable;
use escalations::EscalationTable;
use shelf::Shelf;
use std::path::Path;
use std::sync::Arc;

/// The history of a data folder. One thread may write while others read.
#[derive(Debug)]
pub struct History {
    escalations: Shelf,
    cycles: Shelf,
}

impl History {
    /// Opens the folder of the history, which is created if need be: sweeps what a crash left behind and sees which
    /// records there are.
    ///
    /// # Errors
    /// [`HistoryError`] when a file between others is missing, or the folder cannot be read.
    pub fn open(folder: &Path) -> Result<Self, HistoryError> {
        Ok(Self {
            escalations: Shelf::open(&folder.join("escalations"))?,
            cycles: Shelf::open(&folder.join("cycles"))?,
        })
    }

    /// The number of the last escalation record; 0 when there is none.
    pub fn last_escalation(&self) -> u64 {
        self.escalations.last()
    }

    /// The number of the last cycle record; 0 when there is none.
    pub fn last_cycle(&self) -> u64 {
        self.cycles.last()
    }

    /// Adds escalation records, in order; those that are there already are skipped. What one call adds of one day becomes
    /// one file (several from [`HISTORY_FILE_ROWS`](crate::limits::HISTORY_FILE_ROWS) on), so call it for many blocks at once.
    ///
    /// # Errors
    /// [`HistoryError::Gap`] when records before these are missing, and what the disk says. What was published before the
    /// error stays.
    pub fn write_escalations(&self, blocks: &[Arc<EscalationBlock>]) -> Result<(), HistoryError> {
        write::add::<EscalationTable>(&self.escalations, blocks)
    }

    /// Adds cycle records, as [`History::write_escalations`] does.
    ///
    /// # Errors
    /// As there.
    pub fn write_cycles(&self, blocks: &[Arc<CycleBlock>]) -> Result<(), HistoryError> {
        write::add::<CycleTable>(&self.cycles, blocks)
    }

    /// Escalation records after a number, oldest first: at most `limit` (and
    /// [`MAX_HISTORY_RECORDS`](crate::limits::MAX_HISTORY_RECORDS)) of those that the filter admits, and the number up to which
    /// was looked. At most [`HISTORY_LOOK_ROWS`](crate::limits::HISTORY_LOOK_ROWS) are looked at, so there may be fewer than
    /// `limit` and more to come: go on until the number is [`History::last_escalation`].
    ///
    /// # Errors
    /// [`HistoryError::Damaged`] when a file is not as it was written, and what the disk says.
    pub fn escalations_after(
        &self,
        after: u64,
        filter: &EscalationFilter,
        limit: usize,
    ) -> Result<(Vec<EscalationRecord>, u64), HistoryError> {
        look::escalations_after(&self.escalations, after, filter, limit)
    }
}
