//! Copies files and computes their checksums on the way.

use super::error::BackupError;
use super::manifest::Entry;
use crate::store::table::checksum::Summed;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Bytes that are copied at once.
const PIECE_BYTES: usize = 1 << 18;

/// Creates a folder and its parents, for the owner only.
pub(super) fn make_folder(path: &Path) -> Result<(), BackupError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(BackupError::io(path))
}

/// Copies a file into another folder, under its path below the first one; the entry describes what was read.
pub(super) fn copy(from: &Path, to: &Path, path: &str) -> Result<Entry, BackupError> {
    let bytes = from.join(path).metadata().map_err(BackupError::io(&from.join(path)))?.len();
    copy_part(from, to, path, (bytes, bytes))
}

/// Copies the first `filled` bytes of a file and fills up with zeros to `bytes`; the zeros take no space where the file system
/// supports sparse files.
pub(super) fn copy_part(from: &Path, to: &Path, path: &str, (filled, bytes): (u64, u64)) -> Result<Entry, BackupError> {
    let (from, to) = (from.join(path), to.join(path));
    if let Some(folder) = to.parent() {
        make_folder(folder)?;
    }
    let mut source = File::open(&from).map_err(BackupError::io(&from))?;
    let target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to).map_err(BackupError::io(&to))?;
    let mut output = Summed::new(target);
    let mut buffer = vec![0; PIECE_BYTES];
    let mut left = filled;
    while left > 0 {
        let take = left.min(buffer.len() as u64) as usize;
        source.read_exact(&mut buffer[..take]).map_err(BackupError::io(&from))?;
        output.write_all(&buffer[..take]).map_err(BackupError::io(&to))?;
        left -= take as u64;
    }
    let mut crc32c = output.crc32c();
    buffer.fill(0);
    for at in (filled..bytes).step_by(PIECE_BYTES) {
        crc32c = crc32c::crc32c_append(crc32c, &buffer[..buffer.len().min((bytes - at) as usize)]);
    }
    output.into_inner().set_len(bytes).map_err(BackupError::io(&to))?;
    Ok(Entry { path: path.to_owned(), bytes, crc32c, last_group: None })
}

/// Links to a file of another backup of the same folder; returns whether that was possible: not where the file system has no
/// links, or this file has too many.
pub(super) fn link(from: &Path, to: &Path, path: &str) -> Result<bool, BackupError> {
    let (from, to) = (from.join(path), to.join(path));
    if let Some(folder) = to.parent() {
        make_folder(folder)?;
    }
    Ok(fs::hard_link(from, to).is_ok())
}

/// The paths of all files below a folder, relative to it.
pub(super) fn below(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(inside) = path.strip_prefix(folder) {
                found.push(inside.to_string_lossy().into_owned());
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}
