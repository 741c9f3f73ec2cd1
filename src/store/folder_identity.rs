//! Checks that a folder is still in place: one that is deleted or moved under a running process receives files that no one
//! finds.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// A folder and its identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whereabouts {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Whereabouts {
    /// The identity of an existing folder.
    ///
    /// # Errors
    /// I/O errors.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        let about = fs::metadata(path)?;
        Ok(Self { path: path.to_owned(), device: about.dev(), inode: about.ino() })
    }

    /// Whether the path still leads to that folder. If that is unknown, the folder counts as gone.
    pub(crate) fn is_there(&self) -> bool {
        Self::of(&self.path).is_ok_and(|now| now == *self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_moved_deleted_or_replaced_is_gone() {
        let all = tempfile::tempdir().unwrap();
        let (path, aside) = (all.path().join("data"), all.path().join("aside"));
        fs::create_dir(&path).unwrap();
        let whereabouts = Whereabouts::of(&path).unwrap();
        assert!(whereabouts.is_there());
        fs::rename(&path, &aside).unwrap();
        assert!(!whereabouts.is_there(), "moved away");
        fs::create_dir(&path).unwrap();
        assert!(!whereabouts.is_there(), "another in its place");
        fs::remove_dir(&path).unwrap();
        fs::rename(&aside, &path).unwrap();
        assert!(whereabouts.is_there(), "moved back");
        fs::remove_dir(&path).unwrap();
        assert!(!whereabouts.is_there(), "deleted");
    }
}
