//! `epoch.json`: the epochs of a data folder, so that no number stands for two records.
//!
//! Groups and records are numbered without gaps. A folder that is restored to an earlier state assigns numbers again that
//! clients have seen with other contents, and the numbers alone do not show it. So an epoch begins whenever this may have
//! happened: after a restore, in a copied folder, and where the history was cut. Within an epoch a number is assigned once. An
//! epoch is identified by its number and a random mark: two restores of one backup are different epochs.
//!
//! The segments of the journal, snapshots and files of the history record the epoch in which they were begun. The list of
//! epochs has the first numbers of each epoch, and so shows which of these parts belong together: a part that reaches beyond
//! the beginning of the epoch after its own is of an abandoned state ([`Epochs::holds`]).
//!
//! A copied folder is recognized by inode and birth time of the file, which the file itself records: a copy has others. The
//! segments of the journal record theirs as well, because of tools that restore only what differs. Tools that restore whole
//! volumes (a snapshot of the file system, of the virtual machine) or write into the existing files keep them, and are not
//! detected here.

use super::checked_json;
use crate::atomic_file::Staged;
use crate::limits::{MAX_EPOCHS, MAX_EPOCHS_BYTES};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::fs::Metadata;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::UNIX_EPOCH;
use thiserror::Error;

/// The file's name in the data folder.
pub const FILE: &str = "epoch.json";

/// An epoch: its number, from 1, and its mark. Written as `2.9f3a61c4`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    number: u32,
    mark: u32,
}

impl Epoch {
    /// The epoch after another one, or the first, with a random mark.
    pub fn after(before: Option<Self>, mark: u32) -> Self {
        Self { number: before.map_or(1, |before| before.number.saturating_add(1)), mark }
    }

    /// As one number that is never 0.
    pub fn bits(self) -> u64 {
        u64::from(self.number) << 32 | u64::from(self.mark)
    }

    /// The epoch of a number from [`Epoch::bits`]; `None` if it stands for no epoch.
    pub fn from_bits(bits: u64) -> Option<Self> {
        let number = (bits >> 32) as u32;
        (number > 0).then_some(Self { number, mark: bits as u32 })
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{:08x}", self.number, self.mark)
    }
}

impl FromStr for Epoch {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (number, mark) = text.split_once('.').ok_or(())?;
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit());
        let is_mark =
            mark.len() == 8 && mark.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        let number = number.parse().ok().filter(|number| is_number && is_mark && *number > 0).ok_or(())?;
        Ok(Self { number, mark: u32::from_str_radix(mark, 16).map_err(|_| ())? })
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(|()| D::Error::custom("is not an epoch such as 2.9f3a61c4"))
    }
}

/// The next numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    pub group: u64,
    pub escalation: u64,
    pub cycle: u64,
}

/// The kinds of numbered items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbered {
    Group,
    Escalation,
    Cycle,
}

impl Numbers {
    fn of(self, what: Numbered) -> u64 {
        match what {
            Numbered::Group => self.group,
            Numbered::Escalation => self.escalation,
            Numbered::Cycle => self.cycle,
        }
    }
}

/// An epoch of the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    epoch: Epoch,
    /// The first numbers assigned in it.
    first: Numbers,
    /// When it began, by the service's clock (RFC 3339).
    begun_at: String,
    reason: String,
}

/// The place of a file: different for each copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    inode: u64,
    /// Nanoseconds since 1970; `None` where the file system does not provide it.
    created_ns: Option<u64>,
}

impl Place {
    fn of(metadata: &Metadata) -> Self {
        let created = metadata.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        Self { inode: metadata.ino(), created_ns: created.map(|since| since.as_nanos() as u64) }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Document {
    /// The identity of the folder's journal.
    journal: String,
    /// Where this file was written; `None` in a restored one.
    place: Option<Place>,
    /// The last one is in force.
    epochs: Vec<Entry>,
}

/// The epochs of a data folder.
#[derive(Debug, Clone)]
pub struct Epochs {
    document: Document,
    is_in_place: bool,
}

/// Why the epochs of a folder cannot be read or written.
#[derive(Debug, Error)]
pub enum EpochsError {
    #[error("{path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path}: {reason}; put it back from a backup, or move it away: a new epoch begins then")]
    Damaged { path: PathBuf, reason: String },
}

impl Epochs {
    /// The epochs of a folder; `None` if it has no such file, like a new folder or one of an older program.
    ///
    /// # Errors
    /// [`EpochsError`].
    pub fn read(folder: &Path) -> Result<Option<Self>, EpochsError> {
        let path = folder.join(FILE);
        let failed = |source| EpochsError::Io { path: path.clone(), source };
        let metadata = match path.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            metadata => metadata.map_err(failed)?,
        };
        let damaged = |reason| EpochsError::Damaged { path: path.clone(), reason };
        let text = match checked_json::read(&path, MAX_EPOCHS_BYTES) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(damaged(error.to_string())),
            text => text.map_err(failed)?,
        };
        checked_json::check(&text).map_err(damaged)?;
        let document: Document = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        if document.epochs.is_empty() {
            return Err(damaged("it has no epoch".to_owned()));
        }
        let is_in_place = document.place == Some(Place::of(&metadata));
        Ok(Some(Self { document, is_in_place }))
    }

    /// The epoch in force.
    pub fn current(&self) -> Option<Epoch> {
        self.document.epochs.last().map(|entry| entry.epoch)
    }

    /// The first numbers of the epoch in force.
    pub fn first(&self) -> Option<Numbers> {
        self.document.epochs.last().map(|entry| entry.first)
    }

    /// Whether these next numbers lie before the beginning of the epoch in force.
    pub fn is_before(&self, next: Numbers) -> bool {
        let first = self.document.epochs.last().map(|entry| entry.first);
        first.is_some_and(|first| {
            next.group < first.group || next.escalation < first.escalation || next.cycle < first.cycle
        })
    }

    /// Why the epoch in force began.
    pub fn reason(&self) -> &str {
        self.document.epochs.last().map_or("", |entry| &entry.reason)
    }

    /// Whether the file lies where the service wrote it: not in a copied or restored folder.
    pub fn is_in_place(&self) -> bool {
        self.is_in_place
    }

    /// Whether this is the identity of the folder's journal.
    pub fn is_of_journal(&self, identity: u64) -> bool {
        self.document.journal == journal_text(identity)
    }

    /// Whether a part of an epoch that ends with this number belongs to the folder's present state. A part from before the
    /// first epoch of the list always does: nothing is known of it.
    pub fn holds(&self, epoch: Option<Epoch>, last: u64, what: Numbered) -> bool {
        let Some(epoch) = epoch else { return true };
        let epochs = &self.document.epochs;
        match epochs.iter().position(|entry| entry.epoch == epoch) {
            Some(place) => epochs.get(place + 1).is_none_or(|next| last < next.first.of(what)),
            None => epochs.first().is_some_and(|first| last < first.first.of(what)),
        }
    }

    /// The last escalation record that the present state has in common with an epoch; `None` for an epoch of other data, or one
    /// that is no longer listed.
    pub fn last_common_escalation(&self, epoch: Epoch) -> Option<u64> {
        let epochs = &self.document.epochs;
        let place = epochs.iter().position(|entry| entry.epoch == epoch)?;
        Some(epochs.get(place + 1).map_or(u64::MAX, |next| next.first.escalation - 1))
    }

    /// The epoch in which an escalation record was numbered.
    pub fn of_escalation(&self, sequence: u64) -> Option<Epoch> {
        let epochs = &self.document.epochs;
        let after = epochs.partition_point(|entry| entry.first.escalation <= sequence);
        epochs.get(after.saturating_sub(1)).map(|entry| entry.epoch)
    }

    /// Begins an epoch in a folder, durably. `before` are the epochs so far.
    ///
    /// # Errors
    /// [`EpochsError::Io`]; nothing has changed then.
    pub fn begin(
        folder: &Path,
        before: Option<Self>,
        journal: u64,
        (epoch, first): (Epoch, Numbers),
        (begun_at, reason): (String, &str),
    ) -> Result<Self, EpochsError> {
        let mut epochs = before.map_or_else(Vec::new, |before| before.document.epochs);
        // An epoch that begins after these numbers has nothing left.
        for entry in &mut epochs {
            entry.first.group = entry.first.group.min(first.group);
            entry.first.escalation = entry.first.escalation.min(first.escalation);
            entry.first.cycle = entry.first.cycle.min(first.cycle);
        }
        epochs.push(Entry { epoch, first, begun_at, reason: reason.to_owned() });
        let surplus = epochs.len().saturating_sub(MAX_EPOCHS);
        epochs.drain(..surplus);
        let mut begun =
            Self { document: Document { journal: journal_text(journal), place: None, epochs }, is_in_place: true };
        begun.write(folder, true)?;
        Ok(begun)
    }

    /// Writes the epochs of a backup into the folder that is restored from it: the next start begins a new one.
    ///
    /// # Errors
    /// [`EpochsError::Io`].
    pub fn write_restored(mut self, folder: &Path) -> Result<(), EpochsError> {
        self.write(folder, false)
    }

    fn write(&mut self, folder: &Path, in_place: bool) -> Result<(), EpochsError> {
        let path = folder.join(FILE);
        let failed = |source| EpochsError::Io { path: path.clone(), source };
        let (staged, mut file) = Staged::create(&path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        self.document.place = in_place.then(|| Place::of(&metadata));
        let text = checked_json::to_text(&self.document).map_err(|error| failed(error.into()))?;
        file.write_all(text.as_bytes()).map_err(failed)?;
        staged.publish().map_err(failed)
    }
}

fn journal_text(identity: u64) -> String {
    format!("{identity:016x}")
}

#[cfg(test)]
mod tests;
