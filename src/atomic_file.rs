//! Files and folders that are there whole or not at all.
//!
//! What is written lies under its name with `.partial` at the end until [`Staged::publish_checked`] has synced it, has had it
//! looked at again, has renamed it, and has synced the folder around it: a crash at any point leaves the old or the new.
//! What an earlier crash left behind is overwritten, or swept with [`sweep`].

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

const PARTIAL: &str = "partial";

/// A file or folder that is being written. Dropped without being published, it vanishes.
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
    /// What the file system says, for example that the folder does not exist.
    pub fn create(path: &Path) -> io::Result<(Self, File)> {
        let staged = Self::named(path)?;
        let file = File::create(&staged.partial)?;
        Ok((staged, file))
    }

    /// Creates an empty folder under its temporary name.
    ///
    /// # Errors
    /// What the file system says.
    pub fn create_folder(path: &Path) -> io::Result<Self> {
        let staged = Self::named(path)?;
        remove(&staged.partial)?;
        fs::create_dir(&staged.partial)?;
        Ok(staged)
    }

    fn named(path: &Path) -> io::Result<Self> {
        let mut name = path.file_name().ok_or_else(|| io::Error::other("names no file"))?.to_owned();
        name.push(".");
        name.push(PARTIAL);
        Ok(Self { path: path.to_owned(), partial: path.with_file_name(name), published: false })
    }

    /// Where it is while it is written.
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    /// Changes the name that it will have, in the same folder: for names that tell what is inside.
    pub fn rename_to(&mut self, name: &str) {
        self.path.set_file_name(name);
    }

    /// Gives it its name. All that was written must have left its buffers.
    ///
    /// # Errors
    /// What the file system says; what had that name, if there was something, is then unchanged.
    pub fn publish(self) -> io::Result<()> {
        self.publish_checked(|_| Ok(()))
    }

    /// Syncs it, has it read again from where it lies, and gives it its name.
    ///
    /// # Errors
    /// What the file system or `check` says; nothing is published then.
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
            // Nobody is left to tell, and the next run overwrites or sweeps it.
            let _ = remove(&self.partial);
        }
    }
}

/// Removes what crashes left behind in a folder; returns how much there was.
///
/// # Errors
/// What the file system says.
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

/// Takes a folder away so that a crash on the way leaves all of it or what [`sweep`] removes.
///
/// # Errors
/// What the file system says.
pub fn retire_folder(path: &Path) -> io::Result<()> {
    let staged = Staged::named(path)?;
    remove(&staged.partial)?;
    fs::rename(path, &staged.partial)?;
    sync_folder_of(path)?;
    remove(&staged.partial)
}

/// Syncs the folder in which a path lies, so that names made or changed in it last.
///
/// # Errors
/// What the file system says.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

/// Syncs a file, or a folder with all that is in it.
///
/// # Errors
/// What the file system says.
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
