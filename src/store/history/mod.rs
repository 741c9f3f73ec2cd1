//! The history: every escalation record and every ended cycle, as Parquet by day.
//!
//! ```text
//! DATA/history/escalations/2026-11-22/00000000000000000001-00000000000000004711.1f0a9c33.2.9f3a61c4.parquet
//! DATA/history/cycles/2026-11-22/...
//! ```
//!
//! A file's name has everything needed to find and verify its contents: the day (UTC) of its records, the numbers of the first
//! and the last (consecutive over all files, without a gap), the CRC-32C of its bytes, and the epoch in which it was written.
//! The checksum is in the name because one rename then publishes a file and its checksum; nothing else has to be kept
//! consistent. A file is verified before it is first read. A damaged file costs only its own records: a query returns those of
//! the other files, and the missing ranges ([`Gap`]).
//!
//! A block that was written before is recognized by its numbers and skipped: after a crash all blocks may be passed again. Old
//! files may be removed, lowest numbers first: in the order of their days, unless the time was once set back.

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
use files::FileIndex;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The history of a data folder. One thread may write while others read.
#[derive(Debug)]
pub struct History {
    escalations: FileIndex,
    cycles: FileIndex,
    /// The bits of the epoch of new files; 0 for none.
    epoch: AtomicU64,
}

impl History {
    /// Opens the folder of the history, which is created if missing: removes the remains of a crash and lists the existing
    /// records.
    ///
    /// # Errors
    /// [`HistoryError`] when a file in the middle is missing, or the folder cannot be read.
    pub fn open(folder: &Path) -> Result<Self, HistoryError> {
        Ok(Self {
            escalations: FileIndex::open(&folder.join("escalations"))?,
            cycles: FileIndex::open(&folder.join("cycles"))?,
            epoch: AtomicU64::new(0),
        })
    }

    /// The history of a folder, read-only: nothing is created or removed.
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

    /// Sets the epoch of new files.
    pub fn set_epoch(&self, epoch: Epoch) {
        self.epoch.store(epoch.bits(), Ordering::Release);
    }

    fn epoch(&self) -> Option<Epoch> {
        Epoch::from_bits(self.epoch.load(Ordering::Acquire))
    }

    /// The newest file that reaches beyond its epoch, with that epoch: it is of an abandoned state, or of another folder.
    pub fn stray(&self, epochs: &Epochs) -> Option<(PathBuf, Epoch)> {
        let shelves = [(&self.escalations, Numbered::Escalation), (&self.cycles, Numbered::Cycle)];
        shelves.into_iter().find_map(|(shelf, what)| {
            let files = shelf.files();
            let stray = files.iter().rev().find(|file| !epochs.holds(file.epoch, file.last, what))?;
            Some((stray.path.clone(), stray.epoch?))
        })
    }

    /// Logs which of the newest files cannot be read; others are detected when they are read.
    pub fn check_newest(&self) {
        for shelf in [&self.escalations, &self.cycles] {
            if let Some(file) = shelf.files().last()
                && let Err(error) = file.check()
            {
                file.report(&error);
            }
        }
    }

    /// The paths of all files, with the checksums in their names.
    pub fn files(&self) -> Vec<(PathBuf, u32)> {
        let shelves = [&self.escalations, &self.cycles];
        shelves.into_iter().flat_map(FileIndex::files).map(|file| (file.path.clone(), file.crc32c)).collect()
    }

    /// Sets escalation records after a number aside, for the epoch that begins; `None` when there are none.
    ///
    /// # Errors
    /// [`HistoryError`]; what was set aside before stays so.
    pub fn cut_escalations(&self, last: u64, epoch: Epoch) -> Result<Option<Cut>, HistoryError> {
        truncation::cut(&self.escalations, last, epoch)
    }

    /// Sets cycle records after a number aside, as [`History::cut_escalations`] does.
    ///
    /// # Errors
    /// As for the other kind of record.
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

    /// Adds escalation records, in order; those that exist already are skipped. The records of one call and one day become one
    /// file (several from [`HISTORY_FILE_ROWS`](crate::limits::HISTORY_FILE_ROWS) on), so pass many blocks at once.
    ///
    /// # Errors
    /// [`HistoryError::Gap`] when records before these are missing, and I/O errors. What was published before the error stays.
    pub fn write_escalations(&self, blocks: &[Arc<EscalationBlock>]) -> Result<(), HistoryError> {
        writer::add(&self.escalations, blocks, self.epoch())
    }

    /// Adds cycle records, as [`History::write_escalations`] does.
    ///
    /// # Errors
    /// As for the other kind of record.
    pub fn write_cycles(&self, blocks: &[Arc<CycleBlock>]) -> Result<(), HistoryError> {
        writer::add(&self.cycles, blocks, self.epoch())
    }

    /// Escalation records after a number, oldest first: at most `limit` (and
    /// [`MAX_HISTORY_RECORDS`](crate::limits::MAX_HISTORY_RECORDS)) of those that match the filter, and the number up to which
    /// records were searched. At most [`HISTORY_LOOK_ROWS`](crate::limits::HISTORY_LOOK_ROWS) are searched, so there may be
    /// fewer than `limit` and more to come: continue until the number is [`History::last_escalation`]. Files that cannot be
    /// read are skipped and reported.
    ///
    /// # Errors
    /// I/O errors.
    pub fn escalations_after(&self, after: u64, filter: &EscalationFilter, limit: usize) -> Result<Page, HistoryError> {
        query::escalations_after(&self.escalations, after, filter, limit)
    }
}
