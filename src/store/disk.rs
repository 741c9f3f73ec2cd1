//! The only seam under the journal: a folder of files, with no more operations than the journal needs.
//!
//! All disk access of the journal goes through [`Disk`] and [`DiskFile`], so a test can substitute a folder in memory that
//! forgets what was not synced, fails, or is full, at each of these calls in turn. Names are plain file names within the one
//! folder.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use std::{fs, io};

/// A folder.
pub trait Disk: Send + Sync {
    /// Names of the files in the folder, in any order.
    ///
    /// # Errors
    /// I/O errors.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Creates a file of this many bytes, each written as zero: later writes into it need no new space and change nothing but
    /// their own bytes. A file of that name is replaced. Nothing of it is durable before [`DiskFile::sync_data`] and
    /// [`Disk::sync_folder`].
    ///
    /// # Errors
    /// I/O errors; a part of the file may exist then.
    fn create(&self, name: &str, length: u64) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// I/O errors.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Renames a file, and replaces the file that had the new name.
    ///
    /// # Errors
    /// I/O errors.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// I/O errors.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Waits until the names are durable: until then a crash may undo each creation, rename and removal.
    ///
    /// # Errors
    /// I/O errors.
    fn sync_folder(&self) -> io::Result<()>;

    /// Which file has a name now; `None` if no file has it, or the folder itself is missing.
    ///
    /// # Errors
    /// I/O errors.
    fn file_id(&self, name: &str) -> io::Result<Option<FileId>>;
}

/// What distinguishes a file from every other one on the disk, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    pub device: u64,
    pub inode: u64,
    /// When it was created, in nanoseconds since 1970; `None` where the file system does not provide it.
    pub created_ns: Option<u64>,
}

impl FileId {
    fn of(metadata: &fs::Metadata) -> Self {
        let created = metadata.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let created_ns = created.map(|since| since.as_nanos() as u64);
        Self { device: metadata.dev(), inode: metadata.ino(), created_ns }
    }
}

/// An open file.
pub trait DiskFile: Send + Sync {
    /// Its bytes.
    ///
    /// # Errors
    /// I/O errors.
    fn length(&self) -> io::Result<u64>;

    /// Fills the buffer with the bytes from `offset` on.
    ///
    /// # Errors
    /// I/O errors, and when the file ends before.
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// Writes all bytes from `offset` on.
    ///
    /// # Errors
    /// I/O errors; a part of the bytes may be written then.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Waits until everything written is durable. After an error it is unknown what is: do not call it again.
    ///
    /// # Errors
    /// I/O errors.
    fn sync_data(&self) -> io::Result<()>;

    /// Which file it is; `None` once it has been deleted, though it can still be written.
    ///
    /// # Errors
    /// I/O errors.
    fn file_id(&self) -> io::Result<Option<FileId>>;
}

/// Zeros to write at once.
const ZEROS: &[u8] = &[0; 1 << 18];

/// A folder of the file system.
#[derive(Debug)]
pub struct FolderDisk {
    path: PathBuf,
    /// Opened once: syncing the folder must not depend on a free file descriptor. `None`: files are opened for reading only.
    folder: Option<File>,
}

impl FolderDisk {
    /// Creates the folder if it is missing, and makes its own entry durable.
    ///
    /// # Errors
    /// I/O errors.
    pub fn new(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        if let Some(parent) = folder.canonicalize()?.parent() {
            File::open(parent)?.sync_all()?;
        }
        Ok(Self { path: folder.to_owned(), folder: Some(File::open(folder)?) })
    }

    /// A folder whose files are opened for reading only.
    pub fn read_only(folder: &Path) -> Self {
        Self { path: folder.to_owned(), folder: None }
    }
}

impl Disk for FolderDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }

    fn create(&self, name: &str, length: u64) -> io::Result<Box<dyn DiskFile>> {
        let path = self.path.join(name);
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        let mut left = length;
        while left > 0 {
            let zeros = &ZEROS[..ZEROS.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
            file.write_all(zeros)?;
            left -= zeros.len() as u64;
        }
        Ok(Box::new(file))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OpenOptions::new().read(true).write(self.folder.is_some()).open(self.path.join(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        // Nothing is changed in a read-only folder.
        self.folder.as_ref().map_or(Ok(()), File::sync_all)
    }

    fn file_id(&self, name: &str) -> io::Result<Option<FileId>> {
        match fs::metadata(self.path.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            metadata => Ok(Some(FileId::of(&metadata?))),
        }
    }
}

impl DiskFile for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn file_id(&self) -> io::Result<Option<FileId>> {
        let metadata = self.metadata()?;
        Ok((metadata.nlink() > 0).then(|| FileId::of(&metadata)))
    }
}
