//! Writes a snapshot: shard by shard as they are copied, then the rest.

use super::columns::Table;
use super::error::SnapshotError;
use super::folder::name_of;
use super::manifest::{FileEntry, MANIFEST, Manifest, Part, SCHEMA_VERSION, ShardEntry};
use super::reader;
use super::service_state::ServiceState;
use super::symbols::{Labels, SYMBOLS};
use super::tables::{SERVICE_TABLES, SHARD_TABLES};
use crate::atomic_file::{Staged, sweep};
use crate::engine::{Head, ShardState};
use crate::store::epochs::Epoch;
use crate::store::record::LabelTable;
use crate::store::table::writer::TableFile;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A snapshot being written. If it is dropped before [`SnapshotWriter::finish`], it is removed.
pub struct SnapshotWriter {
    staged: Staged,
    number: u64,
    /// Those of [`SHARD_TABLES`].
    tables: Vec<TableFile>,
    shards: Vec<ShardEntry>,
}

/// The engine as of the least position of its shards: where replay continues from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartHead {
    pub now_ms: i64,
    pub rows: u64,
}

/// The last parts of a snapshot.
#[derive(Debug, Clone, Copy)]
pub struct Finish<'a> {
    pub first: StartHead,
    /// Source of the labels and the number of shards: the labels as of the end, which are all of them.
    pub head: &'a Head,
    pub state: &'a ServiceState,
    pub zone_data_version: &'a str,
    pub epoch: Option<Epoch>,
}

impl SnapshotWriter {
    /// Begins the snapshot of a number in the folder of snapshots, which is created if missing. Remains of a crash there are
    /// removed.
    ///
    /// # Errors
    /// [`SnapshotError::Exists`] when there is a snapshot of that number, and errors of the file system.
    pub fn begin(folder: &Path, number: u64) -> Result<Self, SnapshotError> {
        let failed = |source| SnapshotError::Io { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        sweep(folder).map_err(failed)?;
        let path = folder.join(name_of(number));
        if path.exists() {
            return Err(SnapshotError::Exists { path });
        }
        let staged = Staged::create_folder(&path).map_err(failed)?;
        let begin = |(table, _): &(Table<ShardState>, _)| begin(staged.partial(), table);
        let tables = SHARD_TABLES.iter().map(begin).collect::<Result<_, _>>()?;
        Ok(Self { staged, number, tables, shards: Vec::new() })
    }

    /// Adds a shard as of a position: the number of the last group that it includes.
    ///
    /// # Errors
    /// [`SnapshotError`] when it cannot be written, or has a symbol that `names` does not have.
    pub fn shard(&mut self, position: u64, mut state: ShardState, names: &LabelTable) -> Result<(), SnapshotError> {
        let mut entry = ShardEntry { number: state.number, position, ..ShardEntry::default() };
        for ((table, part), file) in SHARD_TABLES.iter().zip(&mut self.tables) {
            let rows = table.write(&mut state, names)?;
            *part(&mut entry) = Part { row_groups: file.add(&rows)?, rows: rows.num_rows() as u64 };
        }
        self.shards.push(entry);
        Ok(())
    }

    /// Writes the rest, syncs, reads everything again, and publishes the snapshot.
    ///
    /// # Errors
    /// [`SnapshotError`]; nothing is published then.
    pub fn finish(mut self, parts: Finish<'_>) -> Result<Manifest, SnapshotError> {
        let Finish { first, head, state, zone_data_version, epoch } = parts;
        for number in (0..head.shards).chain(self.shards.iter().map(|shard| shard.number)) {
            let times = self.shards.iter().filter(|shard| shard.number == number).count();
            if times != 1 || number >= head.shards {
                return Err(SnapshotError::Shards { number, times, shards: head.shards });
            }
        }
        self.shards.sort_by_key(|shard| shard.number);
        let folder = self.staged.partial().to_owned();
        let mut files = Vec::new();
        for ((table, _), file) in SHARD_TABLES.iter().zip(self.tables) {
            files.push(end(table, file)?);
        }
        let mut labels = Labels { lists: head.labels.clone(), ..Labels::default() };
        files.push(write(&folder, &SYMBOLS, &mut labels)?);
        let mut service = state.clone();
        for table in &SERVICE_TABLES {
            files.push(write(&folder, table, &mut service)?);
        }

        let manifest = Manifest {
            schema_version: SCHEMA_VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            zone_data_version: zone_data_version.to_owned(),
            number: self.number,
            now_ms: first.now_ms,
            rows: first.rows,
            group: state.group,
            next_escalation: state.next_escalation,
            next_cycle: state.next_cycle,
            epoch,
            files,
            shards: self.shards,
        };
        write_manifest(&folder.join(MANIFEST), &manifest)?;
        self.staged.publish_checked(|partial| -> Result<(), SnapshotError> {
            // Verifies all lengths, checksums and rows as they are on disk.
            reader::open(partial)?;
            Ok(())
        })?;
        Ok(manifest)
    }
}

fn begin<T: Default>(folder: &Path, table: &Table<T>) -> Result<TableFile, SnapshotError> {
    let path = folder.join(table.name);
    let file = File::create(&path).map_err(|source| SnapshotError::Io { path: path.clone(), source })?;
    Ok(TableFile::begin(file, &path, table.schema()?, table.texts)?)
}

fn end<T>(table: &Table<T>, file: TableFile) -> Result<FileEntry, SnapshotError> {
    let written = file.finish()?;
    Ok(FileEntry { name: table.name.to_owned(), bytes: written.bytes, crc32c: written.crc32c, rows: written.rows })
}

/// Writes a table as a whole.
fn write<T: Default>(folder: &Path, table: &Table<T>, rows: &mut T) -> Result<FileEntry, SnapshotError> {
    let mut file = begin(folder, table)?;
    file.add(&table.write(rows, &LabelTable::default())?)?;
    end(table, file)
}

fn write_manifest(path: &PathBuf, manifest: &Manifest) -> Result<(), SnapshotError> {
    let failed = |source| SnapshotError::Io { path: path.clone(), source };
    let text = manifest.to_text().map_err(|error| failed(error.into()))?;
    File::create(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed)
}
