//! Index of the files of one kind of record, by the numbers in their names.

use super::error::HistoryError;
use crate::atomic_file::{sweep, sync_folder_of};
use crate::store::epochs::Epoch;
use crate::store::table::checksum;
use crate::time::{civil, civil_ms};
use jiff::civil::Date;
use parking_lot::{Mutex, RwLock};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, io};

/// Digits of a number in a file's name.
const DIGITS: usize = 20;
const EXTENSION: &str = "parquet";

/// A file of the history.
#[derive(Debug)]
pub(super) struct HistoryFile {
    pub path: PathBuf,
    pub first: u64,
    pub last: u64,
    /// The start (UTC) of the day of its records.
    pub day_ms: i64,
    /// The epoch in which it was written; `None` in files of older programs.
    pub epoch: Option<Epoch>,
    pub crc32c: u32,
    /// Whether its bytes were verified against its name since the start of the process.
    is_checked: AtomicBool,
    /// Whether the log reports already that it cannot be read.
    is_reported: AtomicBool,
}

/// The files of one kind of record, in order.
#[derive(Debug)]
pub(super) struct FileIndex {
    folder: PathBuf,
    files: RwLock<Vec<Arc<HistoryFile>>>,
    /// Held while files are added.
    pub writing: Mutex<()>,
}

impl FileIndex {
    pub(super) fn open(folder: &Path) -> Result<Self, HistoryError> {
        let failed = HistoryError::io(folder);
        fs::create_dir_all(folder).map_err(&failed)?;
        for (day, _) in days(folder)? {
            sweep(&day).map_err(HistoryError::io(&day))?;
        }
        Self::read(folder)
    }

    /// The files of a folder, which is not changed; empty if the folder does not exist.
    pub(super) fn read(folder: &Path) -> Result<Self, HistoryError> {
        let mut files = Vec::new();
        for (day, day_ms) in days(folder)? {
            for file in fs::read_dir(&day).map_err(HistoryError::io(&day))? {
                let path = file.map_err(HistoryError::io(&day))?.path();
                files.extend(HistoryFile::named(path, day_ms));
            }
        }
        // After a crash between the rewrite of a file and setting the old one aside, the old one still exists: it has all
        // records of both.
        files.sort_by_key(|file| (file.first, std::cmp::Reverse(file.last)));
        files.dedup_by_key(|file| file.first);
        for pair in files.windows(2) {
            let (expected, found) = (pair[0].last + 1, pair[1].first);
            if expected != found {
                return Err(HistoryError::NotContiguous { path: pair[1].path.clone(), expected, found });
            }
        }
        let files = RwLock::new(files.into_iter().map(Arc::new).collect());
        Ok(Self { folder: folder.to_owned(), files, writing: Mutex::new(()) })
    }

    /// All files, oldest first.
    pub(super) fn files(&self) -> Vec<Arc<HistoryFile>> {
        self.files.read().clone()
    }

    /// Replaces the list of files.
    pub(super) fn replace(&self, files: Vec<Arc<HistoryFile>>) {
        *self.files.write() = files;
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The number of the last record; 0 when there is none.
    pub(super) fn last(&self) -> u64 {
        let files = self.files.read();
        files.last().map_or(0, |file| file.last)
    }

    /// The file with the first record after a number.
    pub(super) fn after(&self, number: u64) -> Option<Arc<HistoryFile>> {
        let files = self.files.read();
        files.get(files.partition_point(|file| file.last <= number)).cloned()
    }

    /// Adds a file that has been published.
    pub(super) fn add(&self, file: HistoryFile) {
        self.files.write().push(Arc::new(file));
    }

    /// The folder of a day, created if missing.
    pub(super) fn day(&self, day_ms: i64) -> Result<PathBuf, HistoryError> {
        let day = civil(day_ms).date();
        let path = self.folder.join(day.to_string());
        if !path.exists() {
            fs::create_dir(&path).and_then(|()| sync_folder_of(&path)).map_err(HistoryError::io(&path))?;
        }
        Ok(path)
    }
}

impl HistoryFile {
    /// Parses a file's name; `None` if the file is not ours.
    fn named(path: PathBuf, day_ms: i64) -> Option<Self> {
        let stem = path.file_name()?.to_str()?.strip_suffix(EXTENSION)?.strip_suffix('.')?;
        let (numbers, rest) = stem.split_once('.')?;
        let (crc32c, epoch) = rest.split_once('.').map_or((rest, None), |(crc32c, epoch)| (crc32c, Some(epoch)));
        let (first, last) = numbers.split_once('-')?;
        let number = |text: &str| (text.len() == DIGITS).then(|| text.parse::<u64>().ok()).flatten();
        let (first, last) = (number(first)?, number(last)?);
        let crc32c = u32::from_str_radix(crc32c, 16).ok()?;
        let epoch = match epoch {
            Some(epoch) => Some(epoch.parse::<Epoch>().ok()?),
            None => None,
        };
        let is_ours = 0 < first && first <= last && last < u64::MAX;
        is_ours.then(|| Self::new(path, day_ms, (first, last), crc32c, epoch))
    }

    pub(super) fn new(
        path: PathBuf,
        day_ms: i64,
        (first, last): (u64, u64),
        crc32c: u32,
        epoch: Option<Epoch>,
    ) -> Self {
        let (is_checked, is_reported) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { path, first, last, day_ms, epoch, crc32c, is_checked, is_reported }
    }

    pub(super) fn name(first: u64, last: u64, crc32c: u32, epoch: Option<Epoch>) -> String {
        let epoch = epoch.map_or_else(String::new, |epoch| format!(".{epoch}"));
        format!("{first:0DIGITS$}-{last:0DIGITS$}.{crc32c:08x}{epoch}.{EXTENSION}")
    }

    /// Logs, once, that its records cannot be read.
    pub(super) fn report(&self, error: &HistoryError) {
        if !self.is_reported.swap(true, Ordering::AcqRel) {
            let (file, from, to) = (self.path.display(), self.first, self.last);
            tracing::error!(%file, from, to, %error, "a file of the history cannot be read; its records are missing");
        }
    }

    /// Verifies the file against its name, once per process.
    pub(super) fn check(&self) -> Result<(), HistoryError> {
        if !self.is_checked.load(Ordering::Acquire) {
            let found = checksum::of_file(&self.path).map_err(HistoryError::io(&self.path))?;
            if found != self.crc32c {
                return Err(HistoryError::Damaged { path: self.path.clone(), expected: self.crc32c, found });
            }
            self.is_checked.store(true, Ordering::Release);
        }
        Ok(())
    }
}

/// The folders of days, with the start of each.
fn days(folder: &Path) -> Result<Vec<(PathBuf, i64)>, HistoryError> {
    let failed = HistoryError::io(folder);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(&failed)?,
    };
    let mut days = Vec::new();
    for day in entries {
        let day = day.map_err(&failed)?.path();
        days.extend(day_of(&day).filter(|_| day.is_dir()).map(|day_ms| (day, day_ms)));
    }
    Ok(days)
}

/// The start of the day in the name of a folder.
fn day_of(path: &Path) -> Option<i64> {
    let name = path.file_name()?.to_str()?;
    let day: Date = name.parse().ok()?;
    (day.to_string() == name).then(|| civil_ms(day.into()))
}
