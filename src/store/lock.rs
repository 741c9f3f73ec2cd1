//! Ensures one process per data folder.

use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// At most this many digits of a process id are read for the message.
const PID_BYTES: u64 = 20;

/// Exclusive use of a data folder, until it is dropped or the process ends, in whatever way.
///
/// It is the system's lock on the folder and on the file `lock` in it, not the file itself: the file of a dead process does not
/// block a start, and deleting it under a running process does not admit another. It works between processes of one machine; on
/// network file systems only where those pass such locks on.
#[derive(Debug)]
pub(crate) struct DataLock {
    path: PathBuf,
    /// Locked as long as it is open.
    file: File,
    folder_path: PathBuf,
    folder: File,
}

/// Why a data folder cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("{} is in use by another process{}: stop it first, or use another folder", folder.display(), named(*.pid))]
    Held {
        folder: PathBuf,
        /// The process id in the file.
        pid: Option<u32>,
    },
    #[error("{} has been deleted, moved or replaced: another process may use the folder now", path.display())]
    Gone { path: PathBuf },
    #[error("{}: {action}: {source}", path.display())]
    Io { path: PathBuf, action: &'static str, source: io::Error },
}

fn named(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

impl DataLock {
    /// Locks an existing folder, at once or not at all.
    ///
    /// # Errors
    /// [`LockError`].
    pub(crate) fn take(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join("lock");
        let failed = |action| {
            let path = path.clone();
            move |source| LockError::Io { path, action, source }
        };
        let locked = File::open(folder).map_err(failed("cannot open the folder of"))?;
        match locked.try_lock() {
            Err(TryLockError::WouldBlock) => {
                let pid = File::open(&path).ok().and_then(pid_in);
                return Err(LockError::Held { folder: folder.to_owned(), pid });
            }
            // Some network file systems cannot lock folders: the file alone must suffice.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        // Not truncated: until the lock is acquired, the contents belong to another process.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed("cannot open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { folder: folder.to_owned(), pid: pid_in(file) });
            }
            Err(TryLockError::Error(source)) => return Err(failed("cannot lock")(source)),
        }
        let pid = format!("{}\n", std::process::id());
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(pid.as_bytes()))
            .map_err(failed("cannot write"))?;
        Ok(Self { path, file, folder_path: folder.to_owned(), folder: locked })
    }

    /// Whether the file of the lock still exists: cheap enough for frequent calls.
    pub(crate) fn is_there(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() > 0)
    }

    /// Whether folder and file are still found by their names.
    ///
    /// # Errors
    /// [`LockError::Gone`].
    pub(crate) fn check(&self) -> Result<(), LockError> {
        for (path, held) in [(&self.folder_path, &self.folder), (&self.path, &self.file)] {
            if !is_same(path, held) {
                return Err(LockError::Gone { path: path.clone() });
            }
        }
        Ok(())
    }
}

/// Whether a name leads to an open file.
fn is_same(path: &Path, held: &File) -> bool {
    let id = |metadata: Metadata| (metadata.dev(), metadata.ino());
    path.metadata().is_ok_and(|named| held.metadata().is_ok_and(|held| id(named) == id(held)))
}

/// The process id in a lock's file.
fn pid_in(file: File) -> Option<u32> {
    let mut text = String::new();
    file.take(PID_BYTES).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests;
