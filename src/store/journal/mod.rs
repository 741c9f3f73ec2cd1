//! The journal: every acknowledged command, in order, on disk before it is acknowledged.
//!
//! # Requirements
//! A group (one or many commands) is written and synced, and then its commands are acknowledged. So after a crash, at any
//! instant, the journal must have each group whose sync returned, whole and in order, and at most one more. It must never
//! return a group that differs by a bit from the one written, and never drop an acknowledged one silently. One thread appends;
//! a sync costs 0.06 to 4 ms, so a group is one write and one `fdatasync`, without other writes.
//!
//! # Format
//! ```text
//! sector   512 bytes: checksum, place in the frame, number of the group, 496 bytes of the frame    sector.rs
//! frame    a group, from a sector of its own on: kind, length, payload                             frame.rs
//! segment  a file of zeros, made and synced before use: head, frames, blank sectors                segment.rs
//! journal  segments named after their first group; the last one is written                         mod.rs
//! ```
//! Segments are preallocated: a write into bytes that were written before (as zeros) changes no metadata, so its sync is one
//! write to the disk instead of three (measured: 5 to 7 times as many groups a second). `fallocate` alone is not enough: its
//! blocks are marked as unwritten, and clearing the mark changes metadata.
//!
//! # What can be detected after a crash, and what cannot
//! The only assumption about a disk: a sector that was being written has the new 512 bytes or the old ones. (This also holds
//! for the page cache and a killed process: they stop between pages.) The old bytes are always zeros. It follows:
//!
//! - An interrupted write leaves sound sectors of its group and blank ones, nothing else. This **torn tail** was never
//!   acknowledged: it is cut, with a warning. Nothing is written over it: the next group begins a new segment.
//! - A sector that is neither sound nor blank is **damage**, also in the last group: no crash causes it. A flipped bit in the
//!   last acknowledged group is therefore detected as damage and rejected, though nothing after it proves that it was
//!   acknowledged. The price: a flipped bit in unused space is rejected as well, because it may have been a group.
//! - A group is written only after the one before is synced ([`AppendError::NotSynced`]), and a segment is created only then.
//!   So a group or a segment proves everything before it: blank or missing data there is damage, not a torn tail.
//! - A full segment ends with a closing frame, once the next one is durable: if that next file is lost, its absence is
//!   detected. (Without space for that frame, on copy-on-write file systems, this one proof is missing.)
//! - Not distinguishable from an interrupted write: the *last* group was acknowledged and the disk has lost a whole sector of
//!   it, returning zeros. Likewise a folder restored to an older state as a whole. A snapshot of a later group than
//!   [`Recovered::last`] reveals both, and so does a history with later records; a clean stop takes a snapshot.
//! - A segment records its epoch and its file, so that a segment of an abandoned state, and a copy, are recognized: see
//!   [`epochs`](super::epochs).
//! - A whole group that was not acknowledged (the crash came before the reply) is accepted: this is the "at most one more".
//!
//! On any damage, [`Journal::open`] fails, naming the file, the byte and the groups: continuing without a group would give
//! other escalations than those reported. Nothing is repaired by guessing.
//!
//! # When the disk fails
//! - **Full** on writing: the group is rejected and can be retried. What was written of it counts as a torn tail: if the next
//!   attempt were written over it, parts of two groups of one number could lie side by side.
//! - **A segment that cannot be created** (no space, no file descriptor, no permission, even a failed sync of the new file):
//!   nothing acknowledged is in it, so the file is removed, the group is rejected, and the next attempt creates another.
//! - **A failed sync** of a group, or of the folder that names a segment: the system may have dropped the pages and marked them
//!   clean, so a second sync could succeed falsely. The journal is stopped for good. The next start reads what is there, and as
//!   that may still be those pages, it writes the last group again and syncs before it trusts it. Any other failed write is
//!   treated the same.
//! - **A file that was deleted** under the journal could still be written and synced, but would vanish with the process: it
//!   counts as a failed sync. The open file is checked after each sync, its name before each new segment and periodically.
//! - Segments are removed one by one, oldest first, each removal durable before the next: a crash leaves no gap.
//!
//! # Rejected alternatives
//! - One checksum per group (LevelDB's logs, most write-ahead logs): a bad last group may be torn or damaged, which cannot be
//!   distinguished, and so it is cut. Sectors that identify themselves cost 3 % of space and the checksum that is needed
//!   anyway.
//! - The number of the last synced group in each group: it proves only the group before, never the last one. A mark written
//!   after each sync proves it, but costs a second write per group, or comes too late.
//! - Reusing old segments instead of new files: their old sectors would be neither blank nor this segment's, and blanking them
//!   costs as much as a new file, which a thread creates ahead of need ([`Options::ahead`]).
//! - `O_DSYNC`, `O_DIRECT`, io_uring: no faster here for one writer with one write in flight, and not everywhere.
//! - Compression: the codec's columns are small already, and replay reads faster without it.

use super::disk::{Disk, DiskFile};
use super::epochs::Epoch;
use crate::limits::{JOURNAL_BUFFER_BYTES, MAX_GROUP_BYTES};
use preallocate::Spare;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

mod error;
mod frame;
mod options;
mod preallocate;
mod read;
mod read_only;
mod recover;
mod scan;
mod sector;
mod segment;
mod stored;

pub use error::{AppendError, JournalError, SyncFailed};
pub use options::Options;
pub use read::Groups;
pub use read_only::{Extent, extent, segments};
pub use recover::Recovered;
use segment::SegmentRange;
pub use stored::{Begun, Stored};

/// The name of the segment that begins with a group.
pub fn segment_name(first: u64) -> String {
    segment::name(first)
}

/// The journal, open for writing.
pub struct Journal {
    disk: Arc<dyn Disk>,
    options: Options,
    /// All segments; the last one is written.
    segments: VecDeque<SegmentRange>,
    head: segment::Head,
    file: Box<dyn DiskFile>,
    /// Where the next frame begins.
    offset: u64,
    /// Parts of a group that is not in the journal lie at `offset`, so the next one goes into a new segment.
    torn: bool,
    /// The next group begins a segment, as the first one of an epoch.
    begins_segment: bool,
    is_copy: bool,
    last: u64,
    synced: u64,
    stopped: Option<SyncFailed>,
    spare: Option<Spare>,
    buffer: Vec<u8>,
}

impl Journal {
    /// Opens the journal of a folder, or creates one in an empty folder; reads all of it once.
    ///
    /// # Errors
    /// [`JournalError`]; nothing acknowledged has been changed then.
    pub fn open(disk: Arc<dyn Disk>, options: Options) -> Result<(Self, Recovered), JournalError> {
        let recover::Opened { segments, head, file, offset, recovered, is_copy, .. } =
            recover::open(disk.as_ref(), &options)?;
        let journal = Self {
            disk,
            options,
            segments,
            head,
            file,
            offset,
            torn: recovered.cut_bytes > 0,
            begins_segment: false,
            is_copy,
            last: recovered.last,
            synced: recovered.last,
            stopped: None,
            spare: None,
            buffer: Vec::new(),
        };
        Ok((journal, recovered))
    }

    /// Writes the next group; [`Journal::sync`] makes it durable, and must be called before the next one.
    ///
    /// # Errors
    /// [`AppendError`]: the group is not in the journal then.
    pub fn append(&mut self, number: u64, payload: &[u8]) -> Result<(), AppendError> {
        if let Some(stopped) = &self.stopped {
            return Err(stopped.clone().into());
        }
        let expected = self.last + 1;
        if number != expected {
            return Err(AppendError::OutOfOrder { number, expected });
        }
        if self.synced != self.last {
            return Err(AppendError::NotSynced { number, unsynced: self.last });
        }
        let bytes = payload.len() as u64;
        if payload.len() > MAX_GROUP_BYTES {
            return Err(AppendError::TooLarge { number, bytes, most: MAX_GROUP_BYTES as u64 });
        }
        self.write(number, payload).map_err(|error| match error {
            _ if self.stopped.is_some() => AppendError::Failed { number, source: error.into_source() },
            WriteError::Segment(source) | WriteError::Disk(source) if is_full(&source) => {
                AppendError::Full { number, bytes, source }
            }
            WriteError::Segment(source) => AppendError::NoSegment { number, source },
            WriteError::Disk(source) => {
                self.stop(&source);
                AppendError::Failed { number, source }
            }
        })
    }

    /// Waits until the group written last is durable.
    ///
    /// # Errors
    /// [`SyncFailed`]: the group may be durable or not, and the journal accepts nothing any more.
    pub fn sync(&mut self) -> Result<(), SyncFailed> {
        if let Some(stopped) = &self.stopped {
            return Err(stopped.clone());
        }
        if self.synced != self.last {
            let synced = self.file.sync_data().and_then(|()| self.check_not_deleted());
            synced.map_err(|source| self.stop(&source))?;
            self.synced = self.last;
        }
        Ok(())
    }

    /// Fails when the file being written has been deleted: its contents are lost with the process.
    fn check_not_deleted(&self) -> io::Result<()> {
        let deleted = || io::Error::other(format!("{} has been deleted while it was written", self.head.name()));
        self.file.file_id()?.map(|_| ()).ok_or_else(deleted)
    }

    /// Checks that the segment being written is still the file of that name in the journal's folder: it is not if the file or
    /// folder was deleted, moved or replaced.
    ///
    /// # Errors
    /// [`SyncFailed`]: the journal accepts nothing any more.
    pub fn check_in_place(&mut self) -> Result<(), SyncFailed> {
        if let Some(stopped) = &self.stopped {
            return Err(stopped.clone());
        }
        self.check_name().map_err(|source| self.stop(&source))
    }

    fn check_name(&self) -> io::Result<()> {
        let name = self.head.name();
        if self.disk.file_id(&name)?.is_some_and(|named| self.file.file_id().is_ok_and(|held| held == Some(named))) {
            return Ok(());
        }
        Err(io::Error::other(format!("{name} has been deleted, moved or replaced in the journal's folder")))
    }

    /// Whether the newest segment lies in another file than it was created in: it was copied, or restored.
    pub fn is_copy(&self) -> bool {
        self.is_copy
    }

    /// New segments are of this epoch; the next group begins one.
    pub fn begin_epoch(&mut self, epoch: Epoch) {
        self.options.epoch = Some(epoch);
        self.begins_segment = true;
    }

    /// The present contents, for reading.
    pub fn stored(&self) -> Stored {
        Stored::of(Arc::clone(&self.disk), self.segments.iter().copied().collect(), self.head.identity, self.synced)
    }

    /// The durable groups from `from` on, in order.
    pub fn groups(&self, from: u64) -> Groups {
        Groups::new(Arc::clone(&self.disk), self.segments.iter().copied(), from, self.synced)
    }

    /// Removes the segments all of whose groups come before `before`; the last segment stays in any case.
    ///
    /// # Errors
    /// [`JournalError::Io`]; a segment that could not be removed is retried next time.
    pub fn retire(&mut self, before: u64) -> Result<(), JournalError> {
        while let (Some(oldest), Some(following)) = (self.segments.front(), self.segments.get(1)) {
            if following.first > before {
                break;
            }
            let name = segment::name(oldest.first);
            self.disk.remove(&name).map_err(recover::io_of(&name, "cannot remove"))?;
            self.segments.pop_front();
            // One by one: if a crash undid the removal of this file but not of the next, a gap would remain.
            self.disk.sync_folder().map_err(|source| {
                self.stop(&source);
                recover::io_of(&name, "cannot sync the removal")(source)
            })?;
        }
        Ok(())
    }

    /// Bytes that the journal occupies on disk.
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|held| held.bytes).sum()
    }

    /// Number of the first group that can be read, if there is any.
    pub fn first(&self) -> u64 {
        self.segments.front().map_or(self.head.first, |held| held.first)
    }

    /// Number of the group written last; 0 in a new journal.
    pub fn last(&self) -> u64 {
        self.last
    }

    fn write(&mut self, number: u64, payload: &[u8]) -> Result<(), WriteError> {
        let frame = frame::Head { kind: frame::Kind::Group, length: payload.len() };
        if self.torn || self.begins_segment || self.offset + frame.bytes() + segment::CLOSING_BYTES > self.head.bytes {
            self.rotate(frame.bytes())?;
        }
        // Until the frame is written as a whole.
        self.torn = true;
        self.write_frame(number, (frame::Kind::Group, payload))?;
        self.torn = false;
        self.offset += frame.bytes();
        self.last = number;
        if self.options.ahead && self.spare.is_none() && self.offset > self.head.bytes / 2 {
            self.spare = Spare::start(&self.disk, self.options.segment_bytes());
        }
        Ok(())
    }

    fn write_frame(&mut self, number: u64, frame: (frame::Kind, &[u8])) -> io::Result<()> {
        let (file, offset) = (self.file.as_ref(), self.offset);
        let write = |at: u64, piece: &[u8]| file.write_at(offset + at, piece);
        frame::write(&mut self.buffer, JOURNAL_BUFFER_BYTES, (self.head.seed(), number), frame, write)
    }

    /// Begins a new segment, with space for a frame of `frame_bytes`.
    fn rotate(&mut self, frame_bytes: u64) -> Result<(), WriteError> {
        self.check_name()?;
        let first = self.last + 1;
        let least = segment::HEAD_BYTES + frame_bytes + segment::CLOSING_BYTES;
        let bytes = self.options.segment_bytes().max(least);
        let head =
            segment::Head { identity: self.head.identity, first, bytes, epoch: self.options.epoch, made_as: None };
        let file = self.make(head).map_err(WriteError::Segment)?;
        // Otherwise an empty segment was replaced: it was too small, or had parts of a group.
        if first > self.head.first {
            // Evidence that another segment must follow; the groups do not depend on it, so a full disk is not a fault here.
            match self.write_frame(first, (frame::Kind::Closing, &[])) {
                Ok(()) => self.file.sync_data().inspect_err(|source| {
                    self.stop(source);
                })?,
                Err(error) if is_full(&error) => {}
                Err(error) => return Err(error.into()),
            }
        } else {
            self.segments.pop_back();
        }
        self.segments.push_back(SegmentRange { first, bytes, epoch: head.epoch });
        (self.head, self.file) = (head, file);
        self.offset = segment::HEAD_BYTES;
        self.torn = false;
        self.begins_segment = false;
        Ok(())
    }

    /// Creates a segment's file: it gets its name only when it is whole and durable. An error leaves the journal unchanged,
    /// unless the folder could not be synced: whether the segment has its name is unknown then, and the journal is stopped.
    fn make(&mut self, mut head: segment::Head) -> io::Result<Box<dyn DiskFile>> {
        let mut name = preallocate::name();
        let spare = self.spare.take_if(|spare| spare.bytes() == head.bytes).and_then(Spare::finish);
        let made = match spare {
            Some(file) => Ok(file),
            None => {
                name = segment::unfinished(&head.name());
                self.disk.create(&name, head.bytes)
            }
        };
        let file = made
            .and_then(|file| {
                head.set_made_as(file.as_ref())?;
                file.write_at(0, &head.write())?;
                file.sync_data()?;
                self.disk.rename(&name, &head.name())?;
                Ok(file)
            })
            .inspect_err(|_| {
                // Best effort: the next start also removes what is left of it.
                let _ = self.disk.remove(&name);
            })?;
        self.disk.sync_folder().inspect_err(|source| {
            self.stop(source);
        })?;
        Ok(file)
    }

    fn stop(&mut self, source: &io::Error) -> SyncFailed {
        let failed = SyncFailed { last: self.synced, why: source.to_string() };
        self.stopped.get_or_insert(failed).clone()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        if let Some(spare) = self.spare.take() {
            drop(spare.finish());
            // Best effort: the next start removes it too.
            let _ = self.disk.remove(&preallocate::name());
        }
    }
}

/// Why a group could not be written.
enum WriteError {
    /// The next segment could not be created.
    Segment(io::Error),
    /// A segment that holds groups could not be written or synced.
    Disk(io::Error),
}

impl WriteError {
    fn into_source(self) -> io::Error {
        match self {
            Self::Segment(source) | Self::Disk(source) => source,
        }
    }
}

impl From<io::Error> for WriteError {
    fn from(source: io::Error) -> Self {
        Self::Disk(source)
    }
}

/// Whether an error reports a full disk, and nothing worse.
fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
