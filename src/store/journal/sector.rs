//! Sectors: 512 bytes with a checksum each. After a write, the disk has either the new sector or the one before it.
//!
//! ```text
//!  0..4    CRC-32C of bytes 4..512, begun with the segment's seed
//!  4..8    place in the frame, from 0
//!  8..16   number of the group, from 1
//! 16..512  496 bytes of the frame; after its end, zeros
//! ```
//!
//! All numbers are little-endian. A sealed sector is never blank: its group number is not 0.

/// Bytes of a sector: the smallest that a disk writes whole.
pub(super) const SECTOR_BYTES: usize = 512;
/// Bytes of it that identify it.
const HEAD_BYTES: usize = 16;
/// Bytes of it that belong to the frame.
pub(super) const BODY_BYTES: usize = SECTOR_BYTES - HEAD_BYTES;

/// Classification of a sector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sector {
    /// All zeros: never written.
    Blank,
    Sealed {
        number: u64,
        index: u32,
    },
    /// Neither: never written like this.
    Broken,
}

/// Writes the head of a sector whose body is in place.
pub(super) fn seal(sector: &mut [u8], seed: u32, number: u64, index: u32) {
    sector[4..8].copy_from_slice(&index.to_le_bytes());
    sector[8..16].copy_from_slice(&number.to_le_bytes());
    let sum = crc32c::crc32c_append(seed, &sector[4..]);
    sector[..4].copy_from_slice(&sum.to_le_bytes());
}

/// Classifies a sector.
pub(super) fn inspect(sector: &[u8], seed: u32) -> Sector {
    let (sum, number) = (u32_at(sector, 0), u64_at(sector, 8));
    if number != 0 && crc32c::crc32c_append(seed, &sector[4..]) == sum {
        Sector::Sealed { number, index: u32_at(sector, 4) }
    } else if *sector == [0; SECTOR_BYTES] {
        Sector::Blank
    } else {
        Sector::Broken
    }
}

/// The frame's part of a sector.
pub(super) fn body(sector: &[u8]) -> &[u8] {
    &sector[HEAD_BYTES..]
}

pub(super) fn body_mut(sector: &mut [u8]) -> &mut [u8] {
    &mut sector[HEAD_BYTES..]
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}
