//! Finds how far a segment is filled, from another process while it may be written: for backups.

use super::error::JournalError;
use super::recover::io_of;
use super::scan::{Scan, Step};
use super::segment;
use crate::store::disk::Disk;

/// The filled part of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    pub identity: u64,
    /// Number of its first group, whether that exists yet or not, and of its last whole one.
    pub first: u64,
    pub last: u64,
    /// Bytes up to the end of the written part; everything after them counts as blank.
    pub filled_bytes: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// The first groups of the segments of a folder, in order.
///
/// # Errors
/// [`JournalError::Io`].
pub fn segments(disk: &dyn Disk) -> Result<Vec<u64>, JournalError> {
    super::recover::firsts(disk)
}

/// Reads a segment up to its last whole group. If another segment follows, which begins with the group `following`, it must
/// have all groups before that one. Otherwise the last group may be one that is not yet synced, and so not acknowledged.
///
/// # Errors
/// [`JournalError`].
pub fn extent(disk: &dyn Disk, first: u64, following: Option<u64>) -> Result<Extent, JournalError> {
    let name = segment::name(first);
    let file = disk.open(&name).map_err(io_of(&name, "cannot open"))?;
    let head = segment::Head::read(file.as_ref(), first)?;
    let mut scan = Scan::new(file, head);
    while following.is_none_or(|following| scan.next_number() < following) && scan.step(None)? == Step::Group {}
    let last = scan.next_number() - 1;
    let mut filled_bytes = scan.offset();
    if let Some(following) = following {
        if last + 1 < following {
            let what = format!("it ends with group {last}, but the next one begins with group {following}");
            let (first_lost, last_lost) = (last + 1, following - 1);
            return Err(JournalError::Damaged { file: name, offset: filled_bytes, what, first_lost, last_lost });
        }
        if scan.step(None)? == Step::Closing {
            filled_bytes += segment::CLOSING_BYTES;
        }
    }
    Ok(Extent { identity: head.identity, first, last, filled_bytes, bytes: head.bytes })
}
