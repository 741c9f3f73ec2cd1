//! Segments: the files of the journal, each preallocated before it is used.
//!
//! ```text
//! 00000000000000000042.log     the groups from 42 on
//!   sector 0: head
//!      0..8   "overdueJ"
//!      8..12  CRC-32C of bytes 12..512
//!     12..16  format version
//!     16..24  identity of the journal
//!     24..32  number of the first group
//!     32..40  length of the file in bytes
//!     40..48  epoch in which it was begun; 0 in those of older programs
//!     48..64  inode and birth time (nanoseconds since 1970) of this file, which a copy does not share; 0 if unknown
//!   then frames, then blank sectors
//! ```
//!
//! The seed of a segment's sectors is derived from identity and first group: a sector from elsewhere (a disk block of an older
//! file, a file of another journal) is not mistaken for one of this segment. Later versions keep the first 16 bytes.

use super::error::JournalError;
use super::sector;
use super::sector::SECTOR_BYTES;
use crate::store::disk::DiskFile;
use crate::store::epochs::Epoch;
use std::io;

/// The format that is written, and the newest that is read.
pub(super) const VERSION: u32 = 1;
/// Bytes of the head: one sector.
pub(super) const HEAD_BYTES: u64 = SECTOR_BYTES as u64;
/// Bytes kept free at the end, for the closing frame.
pub(super) const CLOSING_BYTES: u64 = SECTOR_BYTES as u64;

const MAGIC: &[u8; 8] = b"overdueJ";
const NAME_DIGITS: usize = 20;
const NAME_END: &str = ".log";
/// Files that were not finished.
const UNFINISHED_END: &str = ".tmp";

/// The head of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Drawn when the journal was created; the same in each of its segments.
    pub identity: u64,
    /// Number of the first group, whether that exists yet or not.
    pub first: u64,
    /// Length of the file.
    pub bytes: u64,
    /// The epoch in which it was begun.
    pub epoch: Option<Epoch>,
    /// The file that was created for it.
    pub made_as: Option<MadeAs>,
}

/// What distinguishes a file from its copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MadeAs {
    inode: u64,
    created_ns: u64,
}

impl MadeAs {
    /// Reads it from an open file; `None` where the file system does not provide enough.
    pub(super) fn of(file: &dyn DiskFile) -> io::Result<Option<Self>> {
        let id = file.file_id()?;
        Ok(id.and_then(|id| Some(Self { inode: id.inode, created_ns: id.created_ns? })))
    }
}

impl Head {
    /// The initial value of its sectors' checksums.
    pub(super) fn seed(&self) -> u32 {
        crc32c::crc32c_append(crc32c::crc32c(&self.identity.to_le_bytes()), &self.first.to_le_bytes())
    }

    pub(super) fn name(&self) -> String {
        name(self.first)
    }

    /// Records the file that is created for it: epochs need it.
    pub(super) fn set_made_as(&mut self, file: &dyn DiskFile) -> io::Result<()> {
        if self.epoch.is_some() {
            self.made_as = MadeAs::of(file)?;
        }
        Ok(())
    }

    pub(super) fn write(&self) -> [u8; SECTOR_BYTES] {
        let mut bytes = [0; SECTOR_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[12..16].copy_from_slice(&VERSION.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.identity.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.first.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.bytes.to_le_bytes());
        bytes[40..48].copy_from_slice(&self.epoch.map_or(0, Epoch::bits).to_le_bytes());
        let MadeAs { inode, created_ns } = self.made_as.unwrap_or(MadeAs { inode: 0, created_ns: 0 });
        bytes[48..56].copy_from_slice(&inode.to_le_bytes());
        bytes[56..64].copy_from_slice(&created_ns.to_le_bytes());
        let sum = crc32c::crc32c(&bytes[12..]);
        bytes[8..12].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Reads the head of the file that should hold the groups from `first` on.
    ///
    /// # Errors
    /// [`JournalError`].
    pub(super) fn read(file: &dyn DiskFile, first: u64) -> Result<Self, JournalError> {
        let name = name(first);
        let io = |source: io::Error| JournalError::Io { file: name.clone(), action: "cannot read", source };
        let fault = |what: String| JournalError::Head { file: name.clone(), what, first_lost: first };
        let length = file.length().map_err(io)?;
        if length < HEAD_BYTES {
            return Err(fault(format!("it has {length} bytes, expected at least {HEAD_BYTES}")));
        }
        let mut bytes = [0; SECTOR_BYTES];
        file.read_at(0, &mut bytes).map_err(io)?;
        if &bytes[..8] != MAGIC {
            return Err(fault(format!("it begins with {:?}, expected {MAGIC:?}", &bytes[..8])));
        }
        if sector::u32_at(&bytes, 8) != crc32c::crc32c(&bytes[12..]) {
            return Err(fault("the checksum of its first 512 bytes is wrong".to_owned()));
        }
        let found = sector::u32_at(&bytes, 12);
        if found != VERSION {
            return Err(JournalError::Version { file: name, found, known: VERSION });
        }
        let u64_at = |at| sector::u64_at(&bytes, at);
        let made_as = Some(MadeAs { inode: u64_at(48), created_ns: u64_at(56) }).filter(|made| made.created_ns > 0);
        let epoch = Epoch::from_bits(u64_at(40));
        let head = Self { identity: u64_at(16), first: u64_at(24), bytes: u64_at(32), epoch, made_as };
        if head.first != first {
            return Err(fault(format!("its head has the groups from {} on", head.first)));
        }
        if head.bytes != length {
            return Err(fault(format!("it has {length} bytes, but its head says {}", head.bytes)));
        }
        Ok(head)
    }
}

/// The name of the segment that begins with a group.
pub(super) fn name(first: u64) -> String {
    format!("{first:0NAME_DIGITS$}{NAME_END}")
}

/// The first group of the segment of that name; `None` for other files.
pub(super) fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(NAME_END)?;
    (digits.len() == NAME_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| digits.parse().ok().filter(|first| *first > 0))
        .flatten()
}

/// The name of an unfinished file.
pub(super) fn unfinished(what: &str) -> String {
    format!("{what}{UNFINISHED_END}")
}

pub(super) fn is_unfinished(name: &str) -> bool {
    name.ends_with(UNFINISHED_END)
}

/// An existing segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SegmentRange {
    pub first: u64,
    pub bytes: u64,
    pub epoch: Option<Epoch>,
}
