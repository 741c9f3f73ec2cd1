//! Reads the frames of a segment one after the other, and classifies what follows the last.

use super::error::JournalError;
use super::frame::Kind;
use super::sector::{SECTOR_BYTES, Sector};
use super::{frame, sector, segment};
use crate::limits::JOURNAL_BUFFER_BYTES;
use crate::store::disk::DiskFile;
use std::io;

/// Frames of one segment.
pub(super) struct Scan {
    file: Box<dyn DiskFile>,
    head: segment::Head,
    /// Where the next frame begins.
    offset: u64,
    /// The number that its group must have.
    next: u64,
    window: Vec<u8>,
    window_at: u64,
}

/// Result of reading a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A whole group; its payload is in the given buffer, if any.
    Group,
    /// The segment was closed here.
    Closing,
    /// No whole frame: see [`Scan::tail`].
    End,
}

/// What follows the last whole frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tail {
    /// Blank sectors only.
    Blank,
    /// Parts of the next group, up to this offset, and blank sectors where other parts of it belong: its write was interrupted,
    /// so it was never synced.
    Torn { end: u64 },
    /// Data that no interrupted write leaves behind.
    Damaged {
        offset: u64,
        what: String,
        /// The highest group number of a sound sector here.
        last_seen: Option<u64>,
    },
}

impl Scan {
    pub(super) fn new(file: Box<dyn DiskFile>, head: segment::Head) -> Self {
        Self { file, head, offset: segment::HEAD_BYTES, next: head.first, window: Vec::new(), window_at: 0 }
    }

    /// Where the next frame begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// The number that the next group has.
    pub(super) fn next_number(&self) -> u64 {
        self.next
    }

    pub(super) fn into_file(self) -> Box<dyn DiskFile> {
        self.file
    }

    /// Reads the next frame.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub(super) fn step(&mut self, mut payload: Option<&mut Vec<u8>>) -> Result<Step, JournalError> {
        let (number, seed) = (self.next, self.head.seed());
        let start = self.offset;
        let Some(place) = self.sector(start)? else { return Ok(Step::End) };
        if sector::inspect(place, seed) != (Sector::Sealed { number, index: 0 }) {
            return Ok(Step::End);
        }
        let Some(head) = frame::Head::read(sector::body(place)) else { return Ok(Step::End) };
        if start + head.bytes() > self.head.bytes {
            return Ok(Step::End);
        }
        if let Some(payload) = payload.as_deref_mut() {
            payload.clear();
            payload.reserve(head.length);
        }
        for index in 0..head.sectors() {
            let Some(place) = self.sector(start + index * SECTOR_BYTES as u64)? else { return Ok(Step::End) };
            // The first one has been inspected already.
            if index > 0 && sector::inspect(place, seed) != (Sector::Sealed { number, index: index as u32 }) {
                return Ok(Step::End);
            }
            if let Some(payload) = payload.as_deref_mut() {
                payload.extend_from_slice(&sector::body(place)[head.payload(index)]);
            }
        }
        if head.kind == Kind::Closing {
            return Ok(Step::Closing);
        }
        self.offset += head.bytes();
        self.next += 1;
        Ok(Step::Group)
    }

    /// Inspects everything from the end of the last whole frame to the end of the file.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub(super) fn tail(&mut self) -> Result<Tail, JournalError> {
        let (seed, length) = (self.head.seed(), self.head.bytes);
        let mut fault: Option<(u64, String)> = None;
        let mut last_seen = None;
        let mut end = None;
        let mut offset = self.offset;
        let (next, start) = (self.next, self.offset);
        while let Some(place) = self.sector(offset)? {
            let due = (next, (offset - start) / SECTOR_BYTES as u64);
            match sector::inspect(place, seed) {
                Sector::Blank => {}
                Sector::Sealed { number, index } => {
                    last_seen = last_seen.max(Some(number));
                    end = Some(offset + SECTOR_BYTES as u64);
                    let begins = (index == 0).then(|| frame::Head::read(sector::body(place)));
                    if (number, u64::from(index)) != due {
                        fault.get_or_insert_with(|| {
                            (offset, format!("a part of group {number} lies where a part of group {} should", due.0))
                        });
                    } else if begins.is_some_and(|head| head.is_none_or(|head| offset + head.bytes() > length)) {
                        // Sound, so it was written like this, but not by this code.
                        fault.get_or_insert_with(|| {
                            (offset, format!("group {number} has an impossible kind or length"))
                        });
                    }
                }
                Sector::Broken => {
                    end = Some(offset + SECTOR_BYTES as u64);
                    fault.get_or_insert_with(|| {
                        (offset, "the checksum of these 512 bytes is wrong, and they are not blank".to_owned())
                    });
                }
            }
            offset += SECTOR_BYTES as u64;
        }
        Ok(match (fault, end) {
            (Some((offset, what)), _) => Tail::Damaged { offset, what, last_seen },
            (None, Some(end)) => Tail::Torn { end },
            (None, None) => Tail::Blank,
        })
    }

    /// A sector; `None` at the end of the file.
    fn sector(&mut self, offset: u64) -> Result<Option<&[u8]>, JournalError> {
        if offset + SECTOR_BYTES as u64 > self.head.bytes {
            return Ok(None);
        }
        if offset < self.window_at || offset + SECTOR_BYTES as u64 > self.window_at + self.window.len() as u64 {
            let bytes = (self.head.bytes - offset).min(JOURNAL_BUFFER_BYTES as u64) as usize;
            self.window.resize(bytes, 0);
            self.window_at = offset;
            let read = self.file.read_at(offset, &mut self.window);
            read.map_err(|source: io::Error| {
                self.window.clear();
                JournalError::Io { file: self.head.name(), action: "cannot read", source }
            })?;
        }
        let at = (offset - self.window_at) as usize;
        Ok(Some(&self.window[at..at + SECTOR_BYTES]))
    }
}
