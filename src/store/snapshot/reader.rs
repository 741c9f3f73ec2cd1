//! Reads a snapshot: first the manifest, then the small tables, then shards, with all available threads.

use super::columns::Table;
use super::error::Damage;
use super::folder;
use super::manifest::{MANIFEST, Manifest, Part};
use super::service_state::ServiceState;
use super::symbols::{Labels, SYMBOLS};
use super::tables::{SERVICE_TABLES, names, shard_tables};
use crate::engine::{Head, ShardState};
use crate::store::table::checksum;
use crate::store::table::checksum::Stretch;
use crate::store::table::reader::{Rows, SchemaMismatch, guarded};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use rayon::prelude::*;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A snapshot with verified files.
#[derive(Debug)]
pub struct Snapshot {
    manifest: Manifest,
    tables: Vec<TableReader>,
    labels: Labels,
    state: ServiceState,
}

/// A table that can be read.
#[derive(Debug)]
struct TableReader {
    name: &'static str,
    path: PathBuf,
    metadata: ArrowReaderMetadata,
}

/// Opens a snapshot: reads its manifest, verifies all of its files against it, and reads everything but the shards.
///
/// # Errors
/// [`Damage`] when anything differs from what was written, or was written by a newer program.
pub fn open(path: &Path) -> Result<Snapshot, Damage> {
    let manifest = Manifest::of(path)?;
    check_number(path, &manifest)?;
    check_files(path, &manifest)?;
    let tables = names(manifest.schema_version)
        .map(|name| TableReader::open(path, name, &manifest))
        .collect::<Result<Vec<_>, _>>()?;
    let mut snapshot = Snapshot {
        labels: Labels::default(),
        state: ServiceState {
            group: manifest.group,
            next_escalation: manifest.next_escalation,
            next_cycle: manifest.next_cycle,
            ..ServiceState::default()
        },
        tables,
        manifest,
    };
    snapshot.check_shards()?;
    let mut labels = Labels::default();
    snapshot.whole(&SYMBOLS, &mut labels)?;
    snapshot.labels = labels;
    let mut state = std::mem::take(&mut snapshot.state);
    for table in &SERVICE_TABLES {
        snapshot.whole(table, &mut state)?;
    }
    snapshot.state = state;
    Ok(snapshot)
}

impl Snapshot {
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The engine's own part, as of the least position of its shards; its labels are those of the end.
    pub fn head(&self) -> Head {
        Head {
            now_ms: self.manifest.now_ms,
            rows: self.manifest.rows,
            shards: self.manifest.shards.len() as u16,
            labels: self.labels.lists.clone(),
        }
    }

    /// The service's own state.
    pub fn state(&self) -> &ServiceState {
        &self.state
    }

    /// A shard and its position: the last group that it includes. Segments and the due times of targets are left out. The
    /// engine checks the consistency of its rows when it is restored.
    ///
    /// # Errors
    /// [`Damage`] when its rows differ from what was written, or there is no such shard.
    pub fn shard(&self, number: u16) -> Result<(u64, ShardState), Damage> {
        let Some(entry) = self.manifest.shards.get(usize::from(number)) else {
            return Err(self.manifest_damage(format!("there is no shard {number}")));
        };
        let (mut entry, mut state) = (entry.clone(), ShardState { number, ..ShardState::default() });
        for (table, part) in shard_tables(self.manifest.schema_version) {
            self.part(table, part(&mut entry), &mut state)?;
        }
        Ok((entry.position, state))
    }

    /// Reads every shard, as a restore would; returns their tickets and clocks.
    ///
    /// # Errors
    /// [`Damage`] of the first damaged shard.
    pub fn check_all_shards(&self) -> Result<(u64, u64), Damage> {
        let rows = (0..self.manifest.shards.len() as u16).into_par_iter().map(|number| {
            self.shard(number).map(|(_, shard)| (shard.tickets.id.len() as u64, shard.clocks.ticket.len() as u64))
        });
        rows.try_reduce(|| (0, 0), |one, other| Ok((one.0 + other.0, one.1 + other.1)))
    }

    fn manifest_damage(&self, reason: String) -> Damage {
        let folder = self.tables.first().and_then(|table| table.path.parent()).unwrap_or(Path::new(""));
        Damage::Manifest { path: folder.join(MANIFEST), reason }
    }

    fn table(&self, name: &str) -> Result<&TableReader, Damage> {
        let found = self.tables.iter().find(|table| table.name == name);
        found.ok_or_else(|| self.manifest_damage(format!("it does not list {name}")))
    }

    /// Reads a whole table.
    fn whole<T: Default>(&self, table: &Table<T>, to: &mut T) -> Result<(), Damage> {
        let row_groups = 0..self.table(table.name)?.metadata.metadata().num_row_groups();
        self.part(table, &Part { row_groups, rows: self.manifest.rows_of(table.name) }, to)
    }

    /// Reads a part of a table.
    fn part<T: Default>(&self, table: &Table<T>, part: &Part, to: &mut T) -> Result<(), Damage> {
        let file = self.table(table.name)?;
        Ok(guarded(&file.path, || {
            let rows = Rows::new(file.read(part, &table.derived()?)?, &file.path);
            table.read(rows, &self.labels.symbols, to)
        })?)
    }

    /// Checks that every shard is at its place, and that its row groups have as many rows as in the manifest.
    fn check_shards(&self) -> Result<(), Damage> {
        for (place, shard) in self.manifest.shards.iter().enumerate() {
            if usize::from(shard.number) != place {
                return Err(self.manifest_damage(format!("shard {} is at place {place}", shard.number)));
            }
        }
        for (Table { name, .. }, part) in shard_tables(self.manifest.schema_version) {
            let metadata = self.table(name)?.metadata.metadata();
            for mut shard in self.manifest.shards.iter().cloned() {
                let part = part(&mut shard).clone();
                let groups = metadata.row_groups().get(part.row_groups.clone());
                let rows = groups.map(|groups| groups.iter().map(|group| group.num_rows()).sum::<i64>());
                if rows != i64::try_from(part.rows).ok() {
                    let reason = format!("{name} does not have the {} rows of shard {}", part.rows, shard.number);
                    return Err(self.manifest_damage(reason));
                }
            }
        }
        Ok(())
    }
}

impl TableReader {
    fn open(folder: &Path, name: &'static str, manifest: &Manifest) -> Result<Self, Damage> {
        let path = folder.join(name);
        let file = File::open(&path).map_err(Damage::io(&path))?;
        let metadata = guarded(&path, || {
            ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
                .map_err(|error| SchemaMismatch::new(&path, error))
        })?;
        let found = metadata.metadata().file_metadata().num_rows();
        let expected = manifest.rows_of(name);
        if u64::try_from(found) != Ok(expected) {
            return Err(
                SchemaMismatch::new(&path, format!("has {found} rows, expected {expected} by its manifest")).into()
            );
        }
        Ok(Self { name, path, metadata })
    }

    /// Reads rows, without the columns that are left out.
    fn read(&self, part: &Part, left_out: &[String]) -> Result<RecordBatch, SchemaMismatch> {
        let failed = |error: &dyn std::fmt::Display| SchemaMismatch::new(&self.path, error);
        if part.rows == 0 {
            return Ok(RecordBatch::new_empty(self.metadata.schema().clone()));
        }
        // Opens the file again: two readers of one handle would move each other's position.
        let file = File::open(&self.path).map_err(|error| failed(&error))?;
        let fields = self.metadata.schema().fields().iter().enumerate();
        let columns = fields.filter(|(_, field)| !left_out.contains(field.name())).map(|(place, _)| place);
        let columns = ProjectionMask::roots(self.metadata.parquet_schema(), columns);
        let mut reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
            .with_row_groups(part.row_groups.clone().collect())
            .with_projection(columns)
            .with_batch_size(part.rows as usize)
            .build()
            .map_err(|error| failed(&error))?;
        match (reader.next(), reader.next()) {
            (Some(Ok(rows)), None) if rows.num_rows() as u64 == part.rows => Ok(rows),
            (Some(Err(error)), _) | (_, Some(Err(error))) => Err(failed(&error)),
            (first, _) => {
                let found = first.and_then(Result::ok).map_or(0, |rows| rows.num_rows());
                Err(SchemaMismatch::new(&self.path, format!("returned {found} rows of {}", part.rows)))
            }
        }
    }
}

/// Checks that a folder named by a number has the snapshot of that number.
fn check_number(path: &Path, manifest: &Manifest) -> Result<(), Damage> {
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    match folder::number_of(name) {
        Some(number) if number != manifest.number => {
            let reason = format!("it belongs to snapshot {}", manifest.number);
            Err(Damage::Manifest { path: path.join(MANIFEST), reason })
        }
        _ => Ok(()),
    }
}

/// Verifies lengths and checksums against the manifest.
fn check_files(folder: &Path, manifest: &Manifest) -> Result<(), Damage> {
    if let Some(missing) =
        names(manifest.schema_version).find(|name| manifest.files.iter().all(|file| file.name != *name))
    {
        return Err(Damage::Manifest { path: folder.join(MANIFEST), reason: format!("it does not list {missing}") });
    }
    let mut work = Vec::new();
    for (place, file) in manifest.files.iter().enumerate() {
        let path = folder.join(&file.name);
        let found = path.metadata().map_err(Damage::io(&path))?.len();
        if found != file.bytes {
            return Err(Damage::Length { path, expected: file.bytes, found });
        }
        work.extend(checksum::stretches(file.bytes).map(|stretch| (place, stretch)));
    }
    let sums: Vec<(usize, (u32, Stretch))> = work
        .into_par_iter()
        .map(|(place, stretch)| {
            let path = folder.join(&manifest.files[place].name);
            let sum = checksum::of_stretch(&path, stretch).map_err(Damage::io(&path))?;
            Ok((place, (sum, stretch)))
        })
        .collect::<Result<_, Damage>>()?;
    for (place, file) in manifest.files.iter().enumerate() {
        let found = checksum::combined(sums.iter().filter(|(of, _)| *of == place).map(|(_, part)| *part));
        if found != file.crc32c {
            return Err(Damage::Checksum { path: folder.join(&file.name), expected: file.crc32c, found });
        }
    }
    Ok(())
}
