//! Read-only access to the groups of a journal.

use super::error::JournalError;
use super::read::Groups;
use super::recover;
use super::segment::SegmentRange;
use crate::store::disk::Disk;
use crate::store::epochs::Epoch;
use std::sync::Arc;

/// The contents of a journal.
pub struct Stored {
    disk: Arc<dyn Disk>,
    segments: Vec<SegmentRange>,
    identity: u64,
    last: u64,
}

/// A segment, according to its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun {
    /// Number of its first group.
    pub first: u64,
    /// The epoch in which it was begun; none in those of older programs.
    pub epoch: Option<Epoch>,
}

impl Stored {
    pub(crate) fn of(disk: Arc<dyn Disk>, segments: Vec<SegmentRange>, identity: u64, last: u64) -> Self {
        Self { disk, segments, identity, last }
    }

    /// Reads the whole journal of a folder, as opening it does, and changes nothing; `None` if there is none.
    ///
    /// # Errors
    /// [`JournalError`].
    pub fn read(disk: Arc<dyn Disk>) -> Result<Option<Self>, JournalError> {
        let firsts = recover::firsts(disk.as_ref())?;
        if firsts.is_empty() {
            return Ok(None);
        }
        let opened = recover::read(disk.as_ref(), &firsts)?;
        let segments = opened.segments.into_iter().collect();
        Ok(Some(Self { disk, segments, identity: opened.head.identity, last: opened.recovered.last }))
    }

    /// The identity of the journal, drawn when it was created.
    pub fn identity(&self) -> u64 {
        self.identity
    }

    /// Its segments, oldest first.
    pub fn segments(&self) -> impl Iterator<Item = Begun> {
        self.segments.iter().map(|held| Begun { first: held.first, epoch: held.epoch })
    }

    /// Number of the first group that can be read, if there is any.
    pub fn first(&self) -> u64 {
        self.segments.first().map_or(1, |held| held.first)
    }

    /// Number of the last group; 0 in a new journal.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// The groups from `from` on, in order.
    pub fn groups(&self, from: u64) -> Groups {
        Groups::new(Arc::clone(&self.disk), self.segments.iter().copied(), from, self.last)
    }
}
