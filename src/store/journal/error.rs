//! What can go wrong, told so that a person finds the place.

use std::io;

/// Why a journal cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk says so.
    #[error("{file}: {action}: {source}")]
    Io {
        file: String,
        /// What was tried: `cannot read`.
        action: &'static str,
        source: io::Error,
    },
    /// What was acknowledged is not there as it was written. Nothing has been changed.
    #[error(
        "{file} is damaged at byte {offset}: {what}; group {first_lost} cannot be read, and without it none of the groups up \
         to at least {last_lost}; restore the file from a copy"
    )]
    Damaged {
        file: String,
        /// Where in the file, in bytes.
        offset: u64,
        what: String,
        /// The first group that is lost.
        first_lost: u64,
        /// The last group that is known to have been there.
        last_lost: u64,
    },
    /// A file that should be there is not.
    #[error("{file} is missing: it held group {first_lost} and those after it{}; restore it from a copy", up_to(*.last_lost))]
    Missing { file: String, first_lost: u64, last_lost: Option<u64> },
    /// A file's head cannot be read, so neither can its groups.
    #[error(
        "{file} is no file of this journal: {what}; it should hold the groups from {first_lost} on; restore it from a copy"
    )]
    Head { file: String, what: String, first_lost: u64 },
    /// Written by a later release.
    #[error("{file} has format version {found}, and this release reads version {known}")]
    Version { file: String, found: u32, known: u32 },
    /// Groups are asked for that are gone already.
    #[error("the journal begins with group {first}, and groups from {from} on are needed")]
    Gone { from: u64, first: u64 },
}

fn up_to(last: Option<u64>) -> String {
    last.map_or_else(String::new, |last| format!(" up to {last}"))
}

/// Why a group was not written.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// No room on the disk. The journal is as it was, and the same group may be tried again once there is room.
    #[error("no room on the disk for {bytes} bytes of group {number}: {source}")]
    Full { number: u64, bytes: u64, source: io::Error },
    /// The next segment could not be made. The journal is as it was, and the same group may be tried again.
    #[error("cannot make the journal's next segment for group {number}: {source}")]
    NoSegment { number: u64, source: io::Error },
    /// More than [`MAX_GROUP_BYTES`](crate::limits::MAX_GROUP_BYTES). The journal is as it was.
    #[error("group {number} has {bytes} bytes, expected at most {most}")]
    TooLarge { number: u64, bytes: u64, most: u64 },
    /// Groups are numbered without a gap. The journal is as it was.
    #[error("group {number} is to be written, expected group {expected}")]
    OutOfOrder { number: u64, expected: u64 },
    /// A group is written once the one before is durable; the order of the two on the disk is known then. The journal is as
    /// it was.
    #[error("group {number} is to be written before group {unsynced} is synced")]
    NotSynced { number: u64, unsynced: u64 },
    /// The disk failed; the journal takes nothing any more.
    #[error("cannot write group {number}: {source}")]
    Failed { number: u64, source: io::Error },
    /// The disk failed before.
    #[error(transparent)]
    Stopped(#[from] SyncFailed),
}

/// A write or a sync failed. What the disk has of the last group is not known then, and asking again may tell a lie (the
/// system may have marked the pages as clean), so the journal takes nothing any more: only a new start tells what is there.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the journal stopped after group {last}: {why}")]
pub struct SyncFailed {
    /// The last group that is durable for certain.
    pub last: u64,
    /// The disk's words.
    pub why: String,
}
