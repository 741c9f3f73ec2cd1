//! One process a data folder.

use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;

/// Digits of a process id that are read for the message.
const PID_BYTES: u64 = 20;

/// The right to use a data folder, until it is dropped or the process ends, in whatever way.
///
/// It is the system's lock on the file `lock`, not the file itself: one that a dead process left is no hindrance. It holds
/// between processes of one machine; on network file systems only where those pass such locks on.
#[derive(Debug)]
pub struct DataLock {
    /// Holds the lock as long as it is open.
    _file: File,
}

/// Why a data folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("{} is in use by another process{}: stop it first, or take another folder", folder.display(), named(*.pid))]
    Held {
        folder: PathBuf,
        /// What that process wrote into the file.
        pid: Option<u32>,
    },
    #[error("{}: {action}: {source}", path.display())]
    Io { path: PathBuf, action: &'static str, source: io::Error },
}

fn named(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

impl DataLock {
    /// Takes the lock of a folder that exists, at once or not at all.
    ///
    /// # Errors
    /// [`LockError`].
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        let path = folder.join("lock");
        let failed = |action| {
            let path = path.clone();
            move |source| LockError::Io { path, action, source }
        };
        // Not truncated: until the lock is had, what is in it is another's.
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
                let mut text = String::new();
                let read = file.take(PID_BYTES).read_to_string(&mut text);
                let pid = read.ok().and_then(|_| text.trim().parse().ok());
                return Err(LockError::Held { folder: folder.to_owned(), pid });
            }
            Err(TryLockError::Error(source)) => return Err(failed("cannot lock")(source)),
        }
        let pid = format!("{}\n", std::process::id());
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(pid.as_bytes()))
            .map_err(failed("cannot write"))?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests;
