//! A disk in memory that loses power. What was written is there until [`MemoryDisk::crash`]. After a crash, only what was synced is
//! certain; of the rest any part survives: each sector of 512 bytes has the state after one of the writes since the last sync, or
//! before all of them, and each change of a name is done or not.

use crate::support::random::Random;
use overdue::store::disk::{Disk, DiskFile, FileId};
use std::collections::BTreeMap;
use std::io;
use std::io::{Error, ErrorKind};
use std::sync::{Arc, Mutex, MutexGuard};

const SECTOR: usize = 512;

/// `EMFILE` of Linux.
const TOO_MANY_OPEN_FILES: i32 = 24;

/// How the disk fails, counted over all its operations that change or sync something.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// The power fails at this operation (from 0): it and all later ones have no effect and fail.
    pub cut_at: Option<u64>,
    /// This sync of a file or of the folder (from 0) fails. What it should have made durable is not on the disk, but reads still
    /// return it.
    pub fail_sync: Option<u64>,
    /// Bytes that can still be written. A longer write is done in part and fails with "disk full".
    pub room_bytes: Option<u64>,
    /// No file can be created: the process has no file descriptor left.
    pub no_descriptors: bool,
}

/// What survives of the writes that were not synced.
#[derive(Debug, Clone, Copy)]
pub enum Survives {
    Nothing,
    Everything,
    /// Any part, by the seed.
    Some(u64),
}

#[derive(Clone, Default)]
pub struct MemoryDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    files: Vec<Contents>,
    /// As read now, and as synced.
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    changes: Vec<Change>,
    faults: Faults,
    operations: u64,
    syncs: u64,
}

#[derive(Default, Clone)]
struct Contents {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// The states of each sector since the last sync.
    versions: BTreeMap<usize, Vec<Vec<u8>>>,
}

#[derive(Clone)]
enum Change {
    Create(String, usize),
    Rename(String, String, usize),
    Remove(String),
}

struct MemoryFile {
    disk: MemoryDisk,
    place: usize,
}

impl MemoryDisk {
    /// A disk with these files, all durable.
    pub fn with(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let disk = Self::default();
        let mut state = disk.state();
        for (name, bytes) in files {
            let place = state.files.len();
            state.files.push(Contents { now: bytes.clone(), synced: bytes.clone(), versions: BTreeMap::new() });
            state.names.insert(name.clone(), place);
            state.synced_names.insert(name.clone(), place);
        }
        drop(state);
        disk
    }

    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// Number of operations so far that changed or synced something.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Number of syncs so far, of files and of the folder.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// All files as they are read now.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        state.names.iter().map(|(name, place)| (name.clone(), state.files[*place].now.clone())).collect()
    }

    /// The disk as it is after a power failure.
    pub fn crash(&self, survives: Survives) -> Self {
        let state = self.state();
        let mut random = Random(match survives {
            Survives::Some(seed) => seed,
            _ => 0,
        });
        let mut surviving = |of: usize| match survives {
            Survives::Nothing => 0,
            Survives::Everything => of,
            Survives::Some(_) => random.below(of + 1),
        };
        let mut names = state.synced_names.clone();
        for change in state.changes.iter().filter(|_| surviving(1) == 1) {
            change.apply(&mut names);
        }
        let mut files = BTreeMap::new();
        for (name, place) in names {
            let contents = &state.files[place];
            let mut bytes = contents.synced.clone();
            // A file that grew may have its new length or not.
            if surviving(1) == 1 {
                bytes.resize(contents.now.len(), 0);
            }
            for (sector, versions) in &contents.versions {
                let chosen = surviving(versions.len());
                let at = sector * SECTOR;
                if chosen > 0 && at < bytes.len() {
                    let version = &versions[chosen - 1];
                    let count = version.len().min(bytes.len() - at);
                    bytes[at..at + count].copy_from_slice(&version[..count]);
                }
            }
            files.insert(name, bytes);
        }
        Self::with(&files)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn file(&self, place: usize) -> Box<dyn DiskFile> {
        Box::new(MemoryFile { disk: self.clone(), place })
    }
}

impl State {
    /// Counts an operation; fails without power.
    fn operate(&mut self) -> io::Result<()> {
        if self.faults.cut_at.is_some_and(|cut| self.operations >= cut) {
            return Err(Error::other("the power is gone"));
        }
        self.operations += 1;
        Ok(())
    }

    /// Whether this sync fails.
    fn sync_fails(&mut self) -> bool {
        self.syncs += 1;
        self.faults.fail_sync == Some(self.syncs - 1)
    }

    /// How many of these bytes can be written.
    fn room_for(&mut self, bytes: usize) -> usize {
        match &mut self.faults.room_bytes {
            Some(room) => {
                let granted = (*room).min(bytes as u64) / SECTOR as u64 * SECTOR as u64;
                *room = if granted < bytes as u64 { 0 } else { *room - granted };
                granted as usize
            }
            None => bytes,
        }
    }

    fn write(&mut self, place: usize, offset: usize, bytes: &[u8]) -> io::Result<()> {
        let granted = self.room_for(bytes.len());
        let contents = &mut self.files[place];
        if contents.now.len() < offset + granted {
            contents.now.resize(offset + granted, 0);
        }
        contents.now[offset..offset + granted].copy_from_slice(&bytes[..granted]);
        if granted > 0 {
            for sector in offset / SECTOR..=(offset + granted - 1) / SECTOR {
                let end = contents.now.len().min((sector + 1) * SECTOR);
                let version = contents.now[sector * SECTOR..end].to_vec();
                contents.versions.entry(sector).or_default().push(version);
            }
        }
        if granted < bytes.len() { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.names);
        self.changes.push(change);
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| Error::new(ErrorKind::NotFound, name.to_owned()))
    }
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Create(name, place) => {
                names.insert(name.clone(), *place);
            }
            Self::Rename(from, to, place) => {
                names.remove(from);
                names.insert(to.clone(), *place);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

impl Disk for MemoryDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names.keys().cloned().collect())
    }

    fn create(&self, name: &str, length: u64) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.operate()?;
        if state.faults.no_descriptors {
            return Err(Error::from_raw_os_error(TOO_MANY_OPEN_FILES));
        }
        let place = state.files.len();
        state.files.push(Contents::default());
        state.change(Change::Create(name.to_owned(), place));
        state.write(place, 0, &vec![0; length as usize])?;
        Ok(self.file(place))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let place = self.state().find(name)?;
        Ok(self.file(place))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operate()?;
        let place = state.find(from)?;
        state.change(Change::Rename(from.to_owned(), to.to_owned(), place));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operate()?;
        state.find(name)?;
        state.change(Change::Remove(name.to_owned()));
        Ok(())
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = self.state();
        state.operate()?;
        if state.sync_fails() {
            return Err(Error::other("the sync failed"));
        }
        state.synced_names = state.names.clone();
        state.changes.clear();
        Ok(())
    }

    fn file_id(&self, name: &str) -> io::Result<Option<FileId>> {
        Ok(self.state().names.get(name).map(|place| FileId { device: 0, inode: *place as u64, created_ns: None }))
    }
}

impl DiskFile for MemoryFile {
    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.state().files[self.place].now.len() as u64)
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let state = self.disk.state();
        let from = state.files[self.place].now.get(offset as usize..offset as usize + buffer.len());
        buffer.copy_from_slice(from.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        state.operate()?;
        state.write(self.place, offset as usize, bytes)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.operate()?;
        let fails = state.sync_fails();
        let contents = &mut state.files[self.place];
        if fails {
            // The pages count as clean: reads return them, later syncs skip them, the disk does not have them.
            contents.versions.clear();
            return Err(Error::other("the sync failed"));
        }
        // Only dirty pages reach the disk, not the pages of a failed sync.
        let length = contents.now.len();
        contents.synced.resize(length, 0);
        for (sector, versions) in std::mem::take(&mut contents.versions) {
            let at = sector * SECTOR;
            if let Some(version) = versions.last() {
                contents.synced[at..at + version.len()].copy_from_slice(version);
            }
        }
        Ok(())
    }

    fn file_id(&self) -> io::Result<Option<FileId>> {
        let is_named = self.disk.state().names.values().any(|place| *place == self.place);
        Ok(is_named.then_some(FileId { device: 0, inode: self.place as u64, created_ns: None }))
    }
}
