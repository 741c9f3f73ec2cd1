//! Frames: the data of one call of `append`, cut into sectors.
//!
//! ```text
//! 0..4  kind: 1 a group, 2 the segment is closed and the group of this number begins the next one
//! 4..8  length of the payload in bytes
//! 8..   payload
//! ```
//!
//! A frame begins on a sector of its own, so writing it never touches a byte of the previous group, which is acknowledged.

use super::sector;
use super::sector::{BODY_BYTES, SECTOR_BYTES};
use std::io;

/// Bytes before the payload.
const HEAD_BYTES: usize = 8;

/// The kind of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Group = 1,
    Closing = 2,
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub kind: Kind,
    /// Bytes of the payload.
    pub length: usize,
}

impl Head {
    /// Reads it from the body of a frame's first sector; `None` if that was never written.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let kind = match sector::u32_at(body, 0) {
            1 => Kind::Group,
            2 => Kind::Closing,
            _ => return None,
        };
        Some(Self { kind, length: sector::u32_at(body, 4) as usize })
    }

    fn write(self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[..4].copy_from_slice(&(self.kind as u32).to_le_bytes());
        bytes[4..].copy_from_slice(&(self.length as u32).to_le_bytes());
        bytes
    }

    /// Sectors of the frame.
    pub(super) fn sectors(self) -> u64 {
        ((HEAD_BYTES + self.length) as u64).div_ceil(BODY_BYTES as u64)
    }

    /// Bytes of the frame on disk.
    pub(super) fn bytes(self) -> u64 {
        self.sectors() * SECTOR_BYTES as u64
    }

    /// Range of the payload in the body of a sector of the frame.
    pub(super) fn payload(self, index: u64) -> std::ops::Range<usize> {
        let before = (index as usize * BODY_BYTES).saturating_sub(HEAD_BYTES);
        let start = if index == 0 { HEAD_BYTES } else { 0 };
        start..BODY_BYTES.min(start + self.length.saturating_sub(before))
    }
}

/// Writes a frame in pieces of the buffer's size: one piece, unless the group is large.
///
/// # Errors
/// Errors of `write`, which receives the piece's offset in the frame.
pub(super) fn write(
    buffer: &mut Vec<u8>,
    piece_bytes: usize,
    (seed, number): (u32, u64),
    (kind, payload): (Kind, &[u8]),
    mut write: impl FnMut(u64, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let head = Head { kind, length: payload.len() };
    let a_piece = (piece_bytes / SECTOR_BYTES).max(1) as u64;
    let mut rest = payload;
    for first in (0..head.sectors()).step_by(a_piece as usize) {
        let count = a_piece.min(head.sectors() - first);
        buffer.clear();
        buffer.resize(count as usize * SECTOR_BYTES, 0);
        for (index, place) in (first..).zip(buffer.chunks_exact_mut(SECTOR_BYTES)) {
            let body = sector::body_mut(place);
            if index == 0 {
                body[..HEAD_BYTES].copy_from_slice(&head.write());
            }
            let range = head.payload(index);
            let (part, after) = rest.split_at(range.len());
            body[range].copy_from_slice(part);
            rest = after;
            sector::seal(place, seed, number, index as u32);
        }
        write(first * SECTOR_BYTES as u64, buffer)?;
    }
    Ok(())
}
