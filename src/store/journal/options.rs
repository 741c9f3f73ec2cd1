//! Options of a journal.

use super::{sector, segment};
use crate::limits::JOURNAL_SEGMENT_BYTES;
use crate::store::epochs::Epoch;

/// Options of a journal.
#[derive(Debug, Clone)]
pub struct Options {
    /// A random number that marks the segments of a new journal. An existing one keeps its own.
    pub identity: u64,
    /// Bytes of a segment; rounded up to whole sectors. A group that needs more gets a segment of its own size.
    pub segment_bytes: u64,
    /// Whether a thread makes the next segment while the current one is filled.
    pub ahead: bool,
    /// The epoch of new segments.
    pub epoch: Option<Epoch>,
}

impl Options {
    pub fn new(identity: u64) -> Self {
        Self { identity, segment_bytes: JOURNAL_SEGMENT_BYTES, ahead: true, epoch: None }
    }

    pub(crate) fn segment_bytes(&self) -> u64 {
        let least = segment::HEAD_BYTES + segment::CLOSING_BYTES + sector::SECTOR_BYTES as u64;
        self.segment_bytes.max(least).next_multiple_of(sector::SECTOR_BYTES as u64)
    }
}
