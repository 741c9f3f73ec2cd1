//! The next segment's file, filled with zeros by a thread of its own while the current segment is being written.
//!
//! At full load a segment lasts a second, and making one takes a tenth of that: time in which nobody would be answered.

use super::segment;
use crate::store::disk::{Disk, DiskFile};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::{io, thread};

/// A file in the making.
pub struct Spare {
    bytes: u64,
    thread: JoinHandle<io::Result<Box<dyn DiskFile>>>,
}

impl Spare {
    /// Begins. A thread that cannot be had is no fault: the file is made when it is needed.
    pub fn start(disk: &Arc<dyn Disk>, bytes: u64) -> Option<Self> {
        let disk = Arc::clone(disk);
        let make = move || {
            let made = disk.create(&name(), bytes).and_then(|file| file.sync_data().map(|()| file));
            made.inspect_err(|_| {
                // A full disk needs the room; best effort.
                let _ = disk.remove(&name());
            })
        };
        let thread = thread::Builder::new().name("journal segment".to_owned()).spawn(make).ok()?;
        Some(Self { bytes, thread })
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Waits for the file; `None` when it could not be made.
    pub fn finish(self) -> Option<Box<dyn DiskFile>> {
        self.thread.join().ok()?.ok()
    }
}

/// The file's name.
pub fn name() -> String {
    segment::unfinished("spare")
}
