//! Creates a backup: see [`super`] for the order and the reasons.

use super::error::BackupError;
use super::manifest::{Entry, MANIFEST, Manifest, SCHEMA_VERSION};
use super::{files, list, name_of};
use crate::atomic_file::{Staged, retire_folder, sweep};
use crate::store::disk::FolderDisk;
use crate::store::epochs::Epochs;
use crate::store::history::History;
use crate::store::journal::{JournalError, Stored};
use crate::store::lock::DataLock;
use crate::store::snapshot::{Damage, MANIFEST as SNAPSHOT_MANIFEST};
use crate::store::table::checksum;
use crate::store::{checked_json, codec, epochs, journal, snapshot};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// At most this many attempts when parts vanish while they are copied.
const TRIES: usize = 5;

/// Bytes that identify a segment of the journal: its head.
const HEAD_BYTES: usize = 512;

/// Files outside the folders; a backup has them at the same place as the data folder.
const TOKENS: &str = "tokens.json";

/// A finished backup.
#[derive(Debug)]
pub struct Created {
    pub path: PathBuf,
    pub manifest: Manifest,
    /// Files copied, and files shared with the previous backup.
    pub copied: Amount,
    pub linked: Amount,
    /// Numbers of removed backups.
    pub pruned: Vec<u64>,
    /// Damaged parts of the data folder: copied unchanged, or skipped.
    pub warnings: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Amount {
    pub files: u64,
    pub bytes: u64,
}

impl Amount {
    fn add(&mut self, entry: &Entry) {
        self.files += 1;
        self.bytes += entry.bytes;
    }
}

/// Creates a backup of a data folder, whether a service runs on it or not, and removes all but the newest `keep`.
///
/// # Errors
/// [`BackupError`]; nothing has changed then.
pub fn create(store: &Path, data_dir: &Path, keep: Option<usize>, created_at: &str) -> Result<Created, BackupError> {
    let journal = data_dir.join("journal");
    let segments = journal::segments(&FolderDisk::read_only(&journal)).unwrap_or_default();
    if segments.is_empty() {
        return Err(BackupError::NoData { path: data_dir.to_owned() });
    }
    files::make_folder(store)?;
    let _lock = DataLock::take(store)?;
    sweep(store).map_err(BackupError::io(store))?;
    let found = list(store)?;
    let mut damages = Vec::new();
    let before = found.first().and_then(|(_, path)| match Manifest::of(path) {
        Ok(manifest) => Some((path.clone(), manifest)),
        Err(error) => {
            damages.push(format!("{error}; nothing is linked to this backup"));
            None
        }
    });
    let number = found.first().map_or(0, |(number, _)| *number) + 1;
    for _ in 0..TRIES {
        let path = store.join(name_of(number));
        let staged = Staged::create_folder(&path).map_err(BackupError::io(&path))?;
        let mut copy = Copy {
            data_dir,
            target: staged.partial().to_owned(),
            before: before.as_ref(),
            entries: Vec::new(),
            copied: Amount::default(),
            linked: Amount::default(),
            warnings: damages.clone(),
        };
        let manifest = match copy.all(store, number, created_at) {
            Ok(manifest) => manifest,
            Err(error) if error.is_passing() => continue,
            Err(error) => return Err(error),
        };
        let Copy { copied, linked, warnings, target, .. } = copy;
        write_manifest(&target.join(MANIFEST), &manifest)?;
        staged.publish().map_err(BackupError::io(&path))?;
        let mut pruned = Vec::new();
        for (number, old) in list(store)?.into_iter().skip(keep.unwrap_or(usize::MAX).max(1)) {
            retire_folder(&old).map_err(BackupError::io(&old))?;
            pruned.push(number);
        }
        return Ok(Created { path, manifest, copied, linked, pruned, warnings });
    }
    Err(BackupError::Unsettled { path: data_dir.to_owned() })
}

fn write_manifest(path: &Path, manifest: &Manifest) -> Result<(), BackupError> {
    let text = checked_json::to_text(manifest).map_err(|error| BackupError::io(path)(error.into()))?;
    File::create(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(BackupError::io(path))
}

/// A backup in progress.
struct Copy<'a> {
    data_dir: &'a Path,
    target: PathBuf,
    before: Option<&'a (PathBuf, Manifest)>,
    entries: Vec<Entry>,
    copied: Amount,
    linked: Amount,
    warnings: Vec<String>,
}

impl Copy<'_> {
    fn all(&mut self, store: &Path, number: u64, created_at: &str) -> Result<Manifest, BackupError> {
        let epochs = Epochs::read(self.data_dir)?;
        let (snapshot, needed) = self.snapshot()?;
        self.history()?;
        let identity = self.journal(store, needed)?;
        for name in [epochs::FILE, TOKENS] {
            if self.data_dir.join(name).exists() {
                self.copy(name)?;
            }
        }
        // The copy is complete in itself: the part of the journal that a start would read is read here once.
        let folder = self.target.join("journal");
        let failed = |source| BackupError::Journal { folder: folder.clone(), source };
        let stored = Stored::read(Arc::new(FolderDisk::read_only(&folder))).map_err(failed)?;
        let group = stored.as_ref().map_or(0, Stored::last);
        let last = stored.and_then(|stored| stored.groups(group).next()).transpose().map_err(failed)?;
        let now_ms = match last {
            Some((_, bytes)) => {
                codec::decode(&bytes)
                    .map_err(|error| BackupError::Damaged {
                        path: folder.clone(),
                        reason: format!("group {group}: {error}"),
                    })?
                    .now_ms
            }
            None => 0,
        };
        // An epoch that began meanwhile may have cut the history after it was copied.
        let epoch = epochs.and_then(|epochs| epochs.current());
        if Epochs::read(self.data_dir)?.and_then(|epochs| epochs.current()) != epoch {
            return Err(BackupError::Unsettled { path: self.data_dir.to_owned() });
        }
        Ok(Manifest {
            schema_version: SCHEMA_VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            number,
            created_at: created_at.to_owned(),
            journal: identity,
            epoch,
            snapshot,
            group,
            now_ms,
            files: std::mem::take(&mut self.entries),
        })
    }

    /// Copies the newest intact snapshot; returns its number and the first group that is needed after it.
    fn snapshot(&mut self) -> Result<(Option<u64>, u64), BackupError> {
        let folder = self.data_dir.join("snapshots");
        let mut reasons = Vec::new();
        for found in snapshot::list(&folder).map_err(BackupError::io(&folder))? {
            match self.one_snapshot(&found.path)? {
                Ok(needed) => return Ok((Some(found.number), needed)),
                Err(reason) => reasons.push(reason),
            }
        }
        let disk = FolderDisk::read_only(&self.data_dir.join("journal"));
        if journal::segments(&disk).map_err(|source| self.journal_error(source))?.first() == Some(&1) {
            return Ok((None, 1));
        }
        Err(BackupError::NoSnapshot { path: folder, reasons: reasons.join("; ") })
    }

    /// Copies a snapshot; the inner error describes its damage.
    fn one_snapshot(&mut self, path: &Path) -> Result<Result<u64, String>, BackupError> {
        let manifest = match snapshot::Manifest::of(path) {
            Ok(manifest) => manifest,
            // It was removed after it was listed.
            Err(Damage::Io { path, source }) if source.kind() == io::ErrorKind::NotFound => {
                return Err(BackupError::Io { path, source });
            }
            Err(damage) => {
                self.warnings.push(format!("{damage}; this snapshot was skipped"));
                return Ok(Err(damage.to_string()));
            }
        };
        let inside = path.strip_prefix(self.data_dir).unwrap_or(path).to_string_lossy().into_owned();
        let entries = self.entries.len();
        for file in &manifest.files {
            let name = format!("{inside}/{}", file.name);
            let crc32c = self.link_or_copy(&name, file.crc32c)?;
            if crc32c != file.crc32c {
                let reason =
                    format!("{name} has the checksum {crc32c:08x}, expected {:08x} by its manifest", file.crc32c);
                self.warnings.push(format!("{reason}; this snapshot was skipped"));
                self.entries.truncate(entries);
                let partial = self.target.join(&inside);
                fs::remove_dir_all(&partial).map_err(BackupError::io(&partial))?;
                return Ok(Err(reason));
            }
        }
        let name = format!("{inside}/{SNAPSHOT_MANIFEST}");
        let source = self.data_dir.join(&name);
        let expected = checksum::of_file(&source).map_err(BackupError::io(&source))?;
        self.link_or_copy(&name, expected)?;
        Ok(Ok(manifest.first_position() + 1))
    }

    fn history(&mut self) -> Result<(), BackupError> {
        for (path, expected) in History::read(&self.data_dir.join("history"))?.files() {
            let name = path.strip_prefix(self.data_dir).unwrap_or(&path).to_string_lossy().into_owned();
            let found = self.link_or_copy(&name, expected)?;
            if found != expected {
                self.warnings.push(format!("{name} is damaged in the data folder; it was copied unchanged"));
            }
        }
        Ok(())
    }

    /// Copies the journal from a group on; returns its identity.
    fn journal(&mut self, store: &Path, needed: u64) -> Result<String, BackupError> {
        let disk = FolderDisk::read_only(&self.data_dir.join("journal"));
        let segments = journal::segments(&disk).map_err(|source| self.journal_error(source))?;
        let from = segments.partition_point(|first| *first <= needed).saturating_sub(1);
        if segments.get(from).is_none_or(|first| *first > needed) {
            // Newer snapshots have made it unnecessary.
            return Err(BackupError::Unsettled { path: self.data_dir.to_owned() });
        }
        let mut identity = String::new();
        for (place, first) in segments.iter().enumerate().skip(from) {
            let extent = journal::extent(&disk, *first, segments.get(place + 1).copied());
            let extent = extent.map_err(|source| self.journal_error(source))?;
            identity = format!("{:016x}", extent.identity);
            if self.before.is_some_and(|(_, before)| before.journal != identity) {
                let (store, data) = (store.to_owned(), self.data_dir.to_owned());
                return Err(BackupError::OtherData { store, data });
            }
            let name = format!("journal/{}", journal::segment_name(*first));
            let same = self.before.and_then(|(path, before)| Some((path, before.entry(&name)?)));
            let same = same.filter(|(_, entry)| entry.last_group == Some(extent.last));
            if let Some((path, entry)) = same
                && head(&path.join(&name)).is_some_and(|kept| head(&self.data_dir.join(&name)) == Some(kept))
                && files::link(path, &self.target, &name)?
            {
                self.linked.add(entry);
                self.entries.push(entry.clone());
                continue;
            }
            let part = (extent.filled_bytes, extent.bytes);
            let entry = files::copy_part(self.data_dir, &self.target, &name, part)?;
            self.copied.add(&Entry { bytes: extent.filled_bytes, ..entry.clone() });
            self.entries.push(Entry { last_group: Some(extent.last), ..entry });
        }
        Ok(identity)
    }

    /// Links a file that never changes to the previous backup, if that has it, else copies it from the data folder; returns its
    /// checksum.
    fn link_or_copy(&mut self, name: &str, crc32c: u32) -> Result<u32, BackupError> {
        let same = self.before.and_then(|(path, before)| Some((path, before.entry(name)?)));
        if let Some((path, entry)) = same.filter(|(_, entry)| entry.crc32c == crc32c)
            && files::link(path, &self.target, name)?
        {
            self.linked.add(entry);
            self.entries.push(entry.clone());
            return Ok(crc32c);
        }
        self.copy(name)
    }

    fn copy(&mut self, name: &str) -> Result<u32, BackupError> {
        let entry = files::copy(self.data_dir, &self.target, name)?;
        self.copied.add(&entry);
        let crc32c = entry.crc32c;
        self.entries.push(entry);
        Ok(crc32c)
    }

    fn journal_error(&self, source: JournalError) -> BackupError {
        BackupError::Journal { folder: self.data_dir.join("journal"), source }
    }
}

/// The first bytes of a segment.
fn head(path: &Path) -> Option<[u8; HEAD_BYTES]> {
    let mut head = [0; HEAD_BYTES];
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).ok()?;
    Some(head)
}
