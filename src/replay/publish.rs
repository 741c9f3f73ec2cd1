//! Files that are there whole or not at all.
//!
//! A file is written under its name with `.partial` at the end, then synced and renamed, then the folder is synced: a crash at
//! any point leaves the old file or the new one. What an earlier crash left behind is overwritten.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A file that is being written. Dropped without [`Staged::publish`], it vanishes.
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
        let mut name = path.file_name().ok_or_else(|| io::Error::other("names no file"))?.to_owned();
        name.push(".partial");
        let staged = Self { path: path.to_owned(), partial: path.with_file_name(name), published: false };
        let file = File::create(&staged.partial)?;
        Ok((staged, file))
    }

    /// Where the file is while it is written.
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    /// Gives the file its name. All that was written must have left its buffers.
    ///
    /// # Errors
    /// What the file system says; the file of that name, if there was one, is then unchanged.
    pub fn publish(mut self) -> io::Result<()> {
        File::open(&self.partial)?.sync_all()?;
        fs::rename(&self.partial, &self.path)?;
        self.published = true;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.published {
            // Nobody is left to tell, and the next run overwrites it.
            let _ = fs::remove_file(&self.partial);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.txt");
        let read = || {
            let mut text = String::new();
            File::open(&path).unwrap().take(100).read_to_string(&mut text).map(|_| text).unwrap()
        };
        let (staged, mut file) = Staged::create(&path).unwrap();
        file.write_all(b"first").unwrap();
        assert!(!path.exists());
        staged.publish().unwrap();
        assert_eq!(read(), "first");

        let (staged, mut file) = Staged::create(&path).unwrap();
        file.write_all(b"second, given up").unwrap();
        drop(staged);
        assert_eq!(read(), "first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
