//! Verifies every byte of a backup, and restores it to a data folder.

use super::error::BackupError;
use super::manifest::{Entry, MANIFEST, Manifest};
use super::{RESTORING, files};
use crate::atomic_file::{sync_folder_of, sync_tree};
use crate::store::epochs;
use crate::store::epochs::Epochs;
use crate::store::table::checksum;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::Path;

impl Manifest {
    /// Verifies all files of a backup against its manifest.
    ///
    /// # Errors
    /// [`BackupError`]: the first file that is missing, not listed, or altered.
    pub fn check(backup: &Path) -> Result<Self, BackupError> {
        let manifest = Self::of(backup)?;
        let expected: BTreeSet<&str> = manifest.files.iter().map(|entry| entry.path.as_str()).collect();
        for found in files::below(backup).map_err(BackupError::io(backup))? {
            if found != MANIFEST && !expected.contains(found.as_str()) {
                return Err(damaged(backup, &found, "it does not belong to the backup".to_owned()));
            }
        }
        for entry in &manifest.files {
            let path = backup.join(&entry.path);
            let bytes = match path.metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(damaged(backup, &entry.path, "it is missing".to_owned()));
                }
                metadata => metadata.map_err(BackupError::io(&path))?.len(),
            };
            if bytes != entry.bytes {
                let reason = format!("it has {bytes} bytes, expected {} by the manifest", entry.bytes);
                return Err(damaged(backup, &entry.path, reason));
            }
            entry.compare(checksum::of_file(&path).map_err(BackupError::io(&path))?, backup)?;
        }
        Ok(manifest)
    }
}

impl Entry {
    fn compare(&self, found: u32, backup: &Path) -> Result<(), BackupError> {
        if found == self.crc32c {
            return Ok(());
        }
        let reason = format!("it has the checksum {found:08x}, expected {:08x} by the manifest", self.crc32c);
        Err(damaged(backup, &self.path, reason))
    }
}

fn damaged(backup: &Path, path: &str, reason: String) -> BackupError {
    BackupError::Damaged { path: backup.join(path), reason }
}

/// Copies a backup into a new or empty data folder, verifying every byte on the way. The next start from it begins an epoch.
/// Until everything is copied, the folder has a file that blocks a start.
///
/// # Errors
/// [`BackupError`]; the files copied so far stay, but are not a usable data folder.
pub fn restore(backup: &Path, data_dir: &Path) -> Result<Manifest, BackupError> {
    let manifest = Manifest::of(backup)?;
    let failed = BackupError::io(data_dir);
    match fs::read_dir(data_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => files::make_folder(data_dir)?,
        entries => {
            // The root of a new file system has this folder.
            let is_ours = |name: &std::ffi::OsStr| name != "lost+found";
            let mut names = entries.map_err(&failed)?.filter_map(Result::ok).map(|entry| entry.file_name());
            if names.any(|name| is_ours(&name)) {
                return Err(BackupError::NotEmpty { path: data_dir.to_owned() });
            }
        }
    }
    let marker = data_dir.join(RESTORING);
    File::create(&marker).and_then(|file| file.sync_all()).map_err(BackupError::io(&marker))?;
    sync_folder_of(&marker).map_err(&failed)?;
    for entry in &manifest.files {
        let copied = files::copy(backup, data_dir, &entry.path)?;
        if copied.bytes != entry.bytes {
            let reason = format!("it has {} bytes, expected {} by the manifest", copied.bytes, entry.bytes);
            return Err(damaged(backup, &entry.path, reason));
        }
        entry.compare(copied.crc32c, backup)?;
    }
    if let Some(epochs) = Epochs::read(data_dir)? {
        epochs.write_restored(data_dir)?;
    }
    sync_data(data_dir, &manifest)?;
    fs::remove_file(&marker).map_err(BackupError::io(&marker))?;
    sync_folder_of(&marker).and_then(|()| sync_folder_of(data_dir)).map_err(failed)?;
    Ok(manifest)
}

/// Waits until all restored files are durable.
fn sync_data(data_dir: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let tops: BTreeSet<&str> = manifest.files.iter().filter_map(|entry| entry.path.split('/').next()).collect();
    for top in tops.into_iter().chain([epochs::FILE]) {
        let path = data_dir.join(top);
        if path.exists() {
            sync_tree(&path).map_err(BackupError::io(&path))?;
        }
    }
    Ok(())
}
