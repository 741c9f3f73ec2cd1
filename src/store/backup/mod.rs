//! Backups of a data folder: taken without involving the service, even while it runs, and verified to the last byte.
//!
//! ```text
//! DIR/lock                    locked while a backup is created
//! DIR/00000003/               a backup: the folders and files of a data folder, and
//! DIR/00000003/backup.json    their lengths and checksums; written last
//! ```
//!
//! # Why a backup is consistent
//! Snapshots, files of the history and closed segments of the journal never change. The order of copying is: the newest
//! snapshot; the history, which by then has all records before that snapshot; the journal from the snapshot's groups on, which
//! by then has all groups that the history follows from. So the journal is never older than the history, and the history never
//! older than the snapshot, whatever the service writes meanwhile. The segment being written is copied up to its last whole
//! group: at most one that was not acknowledged. If a file vanishes meanwhile, because newer snapshots have made it
//! unnecessary, the copy starts again; also if an epoch begins.
//!
//! # Each backup is complete
//! Files in common with the previous backup are hard links to it: only new bytes are copied, each backup can be restored by
//! itself, and older ones can be removed in any order. Nothing links to the data folder.

mod create;
mod error;
mod files;
mod manifest;
mod restore;

pub use create::{Created, create};
pub use error::BackupError;
pub use manifest::{Entry, MANIFEST, Manifest};
pub use restore::restore;

use std::path::{Path, PathBuf};
use std::{fs, io};

/// A file that a data folder has while it is being restored.
pub const RESTORING: &str = "restoring";

/// Digits of a backup's number in the name of its folder.
const DIGITS: usize = 8;

fn name_of(number: u64) -> String {
    format!("{number:0DIGITS$}")
}

/// The backups of a folder, newest first; for the folder of one backup, that backup alone.
///
/// # Errors
/// Errors of the file system, and a folder without backups.
pub fn find(folder: &Path) -> Result<Vec<PathBuf>, BackupError> {
    if folder.join(MANIFEST).is_file() {
        return Ok(vec![folder.to_owned()]);
    }
    let found = list(folder)?;
    if found.is_empty() {
        return Err(BackupError::None { path: folder.to_owned() });
    }
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// The numbers and folders of all backups, newest first.
fn list(folder: &Path) -> Result<Vec<(u64, PathBuf)>, BackupError> {
    let failed = BackupError::io(folder);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(&failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(&failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_number = name.len() >= DIGITS && name.bytes().all(|byte| byte.is_ascii_digit());
        if let (true, Ok(number)) = (is_number, name.parse()) {
            found.push((number, path));
        }
    }
    found.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    Ok(found)
}
