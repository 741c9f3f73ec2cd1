//! Errors of the journal. Each names the file and the place.

use std::io;

/// Why a journal cannot be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// An I/O error.
    #[error("{file}: {action}: {source}")]
    Io {
        file: String,
        /// The action that failed: `cannot read`.
        action: &'static str,
        source: io::Error,
    },
    /// Acknowledged data is missing or altered. Nothing has been changed.
    #[error(
        "{file} is damaged at byte {offset}: {what}; group {first_lost} cannot be read, and therefore none of the groups up \
         to at least {last_lost}; restore the file from a copy"
    )]
    Damaged {
        file: String,
        /// Offset in the file, in bytes.
        offset: u64,
        what: String,
        /// The first lost group.
        first_lost: u64,
        /// The last group known to have existed.
        last_lost: u64,
    },
    /// A file is missing.
    #[error("{file} is missing: it had group {first_lost} and those after it{}; restore it from a copy", up_to(*.last_lost))]
    Missing { file: String, first_lost: u64, last_lost: Option<u64> },
    /// The head of a file cannot be read, so neither can its groups.
    #[error(
        "{file} is not a file of this journal: {what}; it should hold the groups from {first_lost} on; restore it from a copy"
    )]
    Head { file: String, what: String, first_lost: u64 },
    /// Written by a later release.
    #[error("{file} has format version {found}, and this release reads version {known}")]
    Version { file: String, found: u32, known: u32 },
    /// The requested groups have been removed.
    #[error("the journal begins with group {first}, but groups from {from} on are needed")]
    Gone { from: u64, first: u64 },
}

fn up_to(last: Option<u64>) -> String {
    last.map_or_else(String::new, |last| format!(" up to {last}"))
}

/// Why a group was not written.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The disk is full. The journal is unchanged, and the same group can be retried once there is space.
    #[error("no space on the disk for {bytes} bytes of group {number}: {source}")]
    Full { number: u64, bytes: u64, source: io::Error },
    /// The next segment could not be created. The journal is unchanged, and the same group can be retried.
    #[error("cannot create the journal's next segment for group {number}: {source}")]
    NoSegment { number: u64, source: io::Error },
    /// More than [`MAX_GROUP_BYTES`](crate::limits::MAX_GROUP_BYTES). The journal is unchanged.
    #[error("group {number} has {bytes} bytes, expected at most {most}")]
    TooLarge { number: u64, bytes: u64, most: u64 },
    /// Groups are numbered without a gap. The journal is unchanged.
    #[error("group {number} was submitted, expected group {expected}")]
    OutOfOrder { number: u64, expected: u64 },
    /// A group is written only after the one before is durable; then the order of the two on the disk is certain. The journal
    /// is unchanged.
    #[error("group {number} was submitted before group {unsynced} is synced")]
    NotSynced { number: u64, unsynced: u64 },
    /// The disk failed; the journal accepts nothing any more.
    #[error("cannot write group {number}: {source}")]
    Failed { number: u64, source: io::Error },
    /// The disk failed before.
    #[error(transparent)]
    Stopped(#[from] SyncFailed),
}

/// A write or a sync failed. The state of the last group on disk is unknown then, and a retry may report a false success (the
/// system may have marked the pages as clean). So the journal accepts nothing any more: only a restart can establish what is
/// there.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the journal stopped after group {last}: {why}")]
pub struct SyncFailed {
    /// The last group that is certainly durable.
    pub last: u64,
    /// The error of the disk.
    pub why: String,
}
