//! CRC-32C of written data and of files. It detects every flipped bit and every burst of up to 32.

use crate::limits;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// Passes bytes on and computes their checksum.
#[derive(Debug)]
pub(crate) struct Summed<W> {
    inner: W,
    crc32c: u32,
    bytes: u64,
}

impl<W: Write> Summed<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, crc32c: 0, bytes: 0 }
    }

    /// The checksum so far.
    pub(crate) fn crc32c(&self) -> u32 {
        self.crc32c
    }

    /// Bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn into_inner(self) -> W {
        self.inner
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.crc32c = crc32c::crc32c_append(self.crc32c, &buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A part of a file, small enough for one thread's job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub from: u64,
    pub bytes: u64,
}

/// The stretches of a file of `bytes` bytes.
pub(crate) fn stretches(bytes: u64) -> impl Iterator<Item = Stretch> {
    (0..bytes.div_ceil(limits::CHECKSUM_CHUNK_BYTES)).map(move |index| {
        let from = index * limits::CHECKSUM_CHUNK_BYTES;
        Stretch { from, bytes: limits::CHECKSUM_CHUNK_BYTES.min(bytes - from) }
    })
}

/// The checksum of a stretch of a file.
///
/// # Errors
/// Errors of the file system, and when the file ends before.
pub(crate) fn of_stretch(path: &Path, stretch: Stretch) -> io::Result<u32> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(stretch.from))?;
    let mut buffer = vec![0; stretch.bytes.min(1 << 18) as usize];
    let (mut crc, mut left) = (0, stretch.bytes);
    while left > 0 {
        let take = left.min(buffer.len() as u64) as usize;
        file.read_exact(&mut buffer[..take])?;
        crc = crc32c::crc32c_append(crc, &buffer[..take]);
        left -= take as u64;
    }
    Ok(crc)
}

/// The checksum of consecutive stretches.
pub(crate) fn combined(parts: impl Iterator<Item = (u32, Stretch)>) -> u32 {
    parts.fold(0, |crc, (part, stretch)| crc32c::crc32c_combine(crc, part, stretch.bytes as usize))
}

/// The checksum of a whole file.
///
/// # Errors
/// Errors of the file system.
pub(crate) fn of_file(path: &Path) -> io::Result<u32> {
    let bytes = path.metadata()?.len();
    let parts = stretches(bytes).map(|stretch| Ok((of_stretch(path, stretch)?, stretch)));
    Ok(combined(parts.collect::<io::Result<Vec<_>>>()?.into_iter()))
}

#[cfg(test)]
mod tests;
