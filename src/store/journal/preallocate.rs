//! The next segment's file, filled with zeros by a separate thread while the current segment is being written.
//!
//! At full load a segment lasts a second, and creating one takes a tenth of that: without the thread, no command would be
//! acknowledged meanwhile.

use super::segment;
use crate::store::disk::{Disk, DiskFile};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::{io, thread};

/// A file being prepared.
pub(super) struct Spare {
    bytes: u64,
    thread: JoinHandle<io::Result<Box<dyn DiskFile>>>,
}

impl Spare {
    /// Starts the thread. If it cannot be created, that is not a fault: the file is created when it is needed.
    pub(super) fn start(disk: &Arc<dyn Disk>, bytes: u64) -> Option<Self> {
        let disk = Arc::clone(disk);
        let make = move || {
            let made = disk.create(&name(), bytes).and_then(|file| file.sync_data().map(|()| file));
            made.inspect_err(|_| {
                // A full disk needs the space; best effort.
                let _ = disk.remove(&name());
            })
        };
        let thread = thread::Builder::new().name("journal segment".to_owned()).spawn(make).ok()?;
        Some(Self { bytes, thread })
    }

    /// Bytes of the file.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Waits for the file; `None` when it could not be made.
    pub(super) fn finish(self) -> Option<Box<dyn DiskFile>> {
        self.thread.join().ok()?.ok()
    }
}

/// The file's name.
pub(super) fn name() -> String {
    segment::unfinished("spare")
}
