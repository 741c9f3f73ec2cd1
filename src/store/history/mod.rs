//! The history: every escalation record and every ended cycle, as Parquet by day.
//!
//! ```text
//! DATA/history/escalations/2026-11-22/00000000000000000001-00000000000000004711.1f0a9c33.2.9f3a61c4.parquet
//! DATA/history/cycles/2026-11-22/...
//! ```
//!
//! A file's name says all that is needed to find what is in it and to trust it: the day (UTC) of its records, the numbers of
//! the first and the last (they follow each other without a gap, over all files), the CRC-32C of its bytes, and the epoch in
//! which it was written. The sum stands in the name because a file and its sum are then published by one rename; nothing else
//! has to be kept in step. A file is compared with its sum before it is first read. One that was damaged costs its own records:
//! who asks is given those of the other files, and which are missing ([`Gap`]).
//!
//! A block that was written before is known by its numbers and skipped: after a crash everything may be offered again.
//! Old files may be removed, lowest numbers first: in the order of their days, unless the time was once set back.

mod cycles;
mod error;
mod escalations;
mod files;
mod query;
mod truncation;
mod writer;

#[cfg(test)]
mod tests;

pub use error::HistoryError;
pub use query::{Gap, Page};
pub use truncation::Cut;

use super::epochs::{Epoch, Epochs, Numbered};
use super::record::{CycleBlock, EscalationBlock, EscalationFilter};
use cycles::CycleTable;
use escalations::EscalationTable;
use files::FileIndex;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The history of a data folder. One thread may write while others read.
#[derive(Debug)]
pub struct History {
    escalations: FileIndex,
    cycles: FileIndex,
    /// The bits of the epoch of files that are written; 0 for none.
    epoch: AtomicU64,
}

impl History {
    /// Opens the folder of the history, which is created if need be: sweeps what a crash left behind and sees which
    /// records there are.
    ///
    /// # Errors
    /// [`HistoryError`] when a file between others is missing, or the folder cannot be read.
    pub fn open(folder: &Path) -> Result<Self, HistoryError> {
        Ok(Self {
            escalations: FileIndex::open(&folder.join("escalations"))?,
            cycles: FileIndex::open(&folder.join("cycles"))?,
            epoch: AtomicU64::new(0),
        })
    }

    /// The history of a folder, to be looked at: nothing is created or swept.
    ///
    /// # Errors
    /// As [`History::open`].
    pub fn read(folder: &Path) -> Result<Self, HistoryError> {
        Ok(Self {
            escalations: FileIndex::read(&folder.join("escalations"))?,
            cycles: FileIndex::read(&folder.join("cycles"))?,
            epoch: AtomicU64::new(0),
        })
    }

    /// The epoch of files that are written from now on.
    pub fn set_epoch(&self, epoch: Epoch) {
        self.epoch.store(epoch.bits(), Ordering::Release);
    }

    fn epoch(&self) -> Option<Epoch> {
        Epoch::from_bits(self.epoch.load(Ordering::Acquire))
    }

    /// The newest file that reaches beyond its epoch, with that epoch: it is of a state that was given up, or of another
    /// folder.
    pub fn stray(&self, epochs: &Epochs) -> Option<(PathBuf, Epoch)> {
        let shelves = [(&self.escalations, Numbered::Escalation), (&self.cycles, Numbered::Cycle)];
        shelves.into_iter().find_map(|(shelf, what)| {
            let files = shelf.files();
            let stray = files.iter().rev().find(|file| !epochs.holds(file.epoch, file.last, what))?;
            Some((stray.path.clone(), stray.epoch?))
        })
    }

    /// Says in the log which of the newest files cannot be read; others are found when they are read.
    pub fn check_newest(&self) {
        for shelf in [&self.escalations, &self.cycles] {
            if let Some(file) = shelf.files().last()
                && let Err(error) = file.check()
            {
                file.report(&error);
            }
        }
    }

    /// The paths of all files, with the checksums that their names say.
    pub fn files(&self) -> Vec<(PathBuf, u32)> {
        let shelves = [&self.escalations, &self.cycles];
        shelves.into_iter().flat_map(FileIndex::files).map(|file| (file.path.clone(), file.crc32c)).collect()
    }

    /// Puts escalation records after a number aside, for the epoch that begins; `None` when there are none.
    ///
    /// # Errors
    /// [`HistoryError`]; what was put aside before stays so.
    pub fn cut_escalations(&self, last: u64, epoch: Epoch) -> Result<Option<Cut>, HistoryError> {
        truncation::cut(&self.escalations, last, epoch)
    }

    /// Puts cycle records after a number aside, as [`History::cut_escalations`] does.
    ///
    /// # Errors
    /// As there.
    pub fn cut_cycles(&self, last: u64, epoch: Epoch) -> Result<Option<Cut>, HistoryError> {
        truncation::cut(&self.cycles, last, epoch)
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
        writer::add::<EscalationTable>(&self.escalations, blocks, self.epoch())
    }

    /// Adds cycle records, as [`History::write_escalations`] does.
    ///
    /// # Errors
    /// As there.
    pub fn write_cycles(&self, blocks: &[Arc<CycleBlock>]) -> Result<(), HistoryError> {
        writer::add::<CycleTable>(&self.cycles, blocks, self.epoch())
    }

    /// Escalation records after a number, oldest first: at most `limit` (and
    /// [`MAX_HISTORY_RECORDS`](crate::limits::MAX_HISTORY_RECORDS)) of those that the filter admits, and the number up to which
    /// was looked. At most [`HISTORY_LOOK_ROWS`](crate::limits::HISTORY_LOOK_ROWS) are looked at, so there may be fewer than
    /// `limit` and more to come: go on until the number is [`History::last_escalation`]. Files that cannot be read are passed
    /// over and named.
    ///
    /// # Errors
    /// What the disk says.
    pub fn escalations_after(&self, after: u64, filter: &EscalationFilter, limit: usize) -> Result<Page, HistoryError> {
        query::escalations_after(&self.escalations, after, filter, limit)
    }
}
