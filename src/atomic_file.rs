//! Files and folders that appear whole or not at all.
//!
//! Data is written under its name with `.partial` at the end until [`Staged::publish_checked`] has synced it, had it checked,
//! renamed it, and synced the folder around it: a crash at any point leaves the old or the new. Remains of an earlier crash are
//! overwritten, or removed with [`sweep`].

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

const PARTIAL: &str = "partial";

/// A file or folder being written. If it is dropped without being published, it is removed.
#[derive(Debug)]
pub struct Staged {
    path: PathBuf,
    partial: PathBuf,
    published: bool,
}

impl Staged {
    /// Creates the file under its temporary name.
    ///
    /// # Errors
    /// Errors of the file system, for example that the folder does not exist.
    pub fn create(path: &Path) -> io::Result<(Self, File)> {
        let staged = Self::named(path)?;
        let file = File::create(&staged.partial)?;
        Ok((staged, file))
    }

    /// Creates an empty folder under its temporary name.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn create_folder(path: &Path) -> io::Result<Self> {
        let staged = Self::named(path)?;
        remove(&staged.partial)?;
        fs::create_dir(&staged.partial)?;
        Ok(staged)
    }

    fn named(path: &Path) -> io::Result<Self> {
        let mut name = path.file_name().ok_or_else(|| io::Error::other("is not the name of a file"))?.to_owned();
        name.push(".");
        name.push(PARTIAL);
        Ok(Self { path: path.to_owned(), partial: path.with_file_name(name), published: false })
    }

    /// Its path while it is written.
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    /// Changes its future name, in the same folder: for names that depend on the contents.
    pub fn rename_to(&mut self, name: &str) {
        self.path.set_file_name(name);
    }

    /// Renames it to its final name. All that was written must have left its buffers.
    ///
    /// # Errors
    /// Errors of the file system; an existing file of that name is then unchanged.
    pub fn publish(self) -> io::Result<()> {
        self.publish_checked(|_| Ok(()))
    }

    /// Syncs it, has `check` read it again from the disk, and renames it to its final name.
    ///
    /// # Errors
    /// Errors of the file system or of `check`; nothing is published then.
    pub fn publish_checked<E: From<io::Error>>(mut self, check: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E> {
        sync_tree(&self.partial)?;
        check(&self.partial)?;
        fs::rename(&self.partial, &self.path)?;
        self.published = true;
        Ok(sync_folder_of(&self.path)?)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published {
            // A failure cannot be reported here; the next run overwrites or sweeps it.
            let _ = remove(&self.partial);
        }
    }
}

/// Removes the remains of crashes in a folder; returns their number.
///
/// # Errors
/// Errors of the file system.
pub fn sweep(folder: &Path) -> io::Result<usize> {
    let mut swept = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == PARTIAL) {
            remove(&path)?;
            swept += 1;
        }
    }
    Ok(swept)
}

/// Removes a folder so that a crash on the way leaves all of it or what [`sweep`] removes.
///
/// # Errors
/// Errors of the file system.
pub fn retire_folder(path: &Path) -> io::Result<()> {
    let staged = Staged::named(path)?;
    remove(&staged.partial)?;
    fs::rename(path, &staged.partial)?;
    sync_folder_of(path)?;
    remove(&staged.partial)
}

/// Syncs the folder of a path, so that names created or changed in it are durable.
///
/// # Errors
/// Errors of the file system.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Syncs a file, or a folder with all its contents.
///
/// # Errors
/// Errors of the file system.
pub fn sync_tree(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            sync_tree(&entry?.path())?;
        }
    }
    File::open(path)?.sync_all()
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests;
