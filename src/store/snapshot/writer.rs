//! Writes a snapshot: shard by shard as they are copied, then the rest.

use super::error::SnapshotError;
use super::folder::name_of;
use super::manifest::{FileEntry, MANIFEST, Manifest, Part, SCHEMA_VERSION, ShardEntry};
use super::service_state::ServiceState;
use super::{clocks, counters, events, reader, service_tables, symbols, tickets};
use crate::atomic_file::{Staged, sweep};
use crate::engine::{Head, ShardState};
use crate::store::epochs::Epoch;
use crate::store::record::LabelTable;
use crate::store::table::writer::TableFile;
use crate::table::Texts;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A snapshot being written. If it is dropped before [`SnapshotWriter::finish`], it is removed.
pub struct SnapshotWriter {
    staged: Staged,
    number: u64,
    tickets: TableFile,
    clocks: TableFile,
    events: TableFile,
    fires: TableFile,
    counters: TableFile,
    clock_counters: TableFile,
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
        let table = |name, schema, texts| table(staged.partial(), name, schema, texts);
        Ok(Self {
            number,
            tickets: table(tickets::NAME, tickets::schema(), Texts::Plain)?,
            // The rows of a ticket are adjacent: the prefix encoding of all but the first is "the same".
            clocks: table(clocks::NAME, clocks::schema(), Texts::Prefixed)?,
            events: table(events::EVENTS, events::events_schema(), Texts::Prefixed)?,
            fires: table(events::FIRES, events::fires_schema(), Texts::Prefixed)?,
            counters: table(counters::TICKETS, counters::tickets_schema(), Texts::Plain)?,
            clock_counters: table(counters::CLOCKS, counters::clocks_schema(), Texts::Plain)?,
            shards: Vec::new(),
            staged,
        })
    }

    /// Adds a shard as of a position: the number of the last group that it includes.
    ///
    /// # Errors
    /// [`SnapshotError`] when it cannot be written, or has a symbol that `names` does not have.
    pub fn shard(&mut self, position: u64, state: &ShardState, names: &LabelTable) -> Result<(), SnapshotError> {
        let ids = &state.tickets.id;
        let entry = ShardEntry {
            number: state.number,
            position,
            tickets: add(&mut self.tickets, &tickets::write(&state.tickets, names)?)?,
            clocks: add(&mut self.clocks, &clocks::write(&state.clocks, ids, names)?)?,
            events: add(&mut self.events, &events::write_events(&state.events, ids, names)?)?,
            fires: add(&mut self.fires, &events::write_fires(&state.fires, ids, names)?)?,
            counters: add(&mut self.counters, &counters::write_tickets(state.number, &state.counters, names)?)?,
            clock_counters: add(
                &mut self.clock_counters,
                &counters::write_clocks(state.number, &state.counters, names)?,
            )?,
        };
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
        for (name, table) in [
            (tickets::NAME, self.tickets),
            (clocks::NAME, self.clocks),
            (events::EVENTS, self.events),
            (events::FIRES, self.fires),
            (counters::TICKETS, self.counters),
            (counters::CLOCKS, self.clock_counters),
        ] {
            files.push(end(name, table)?);
        }
        let mut add = |name: &'static str, schema: SchemaRef, rows: RecordBatch| -> Result<(), SnapshotError> {
            let mut table = table(&folder, name, schema, Texts::Plain)?;
            table.add(&rows)?;
            files.push(end(name, table)?);
            Ok(())
        };
        add(symbols::NAME, symbols::schema(), symbols::write(&head.labels)?)?;
        add(
            service_tables::POLICIES,
            service_tables::policies_schema(),
            service_tables::write_policies(&state.policies)?,
        )?;
        add(
            service_tables::POLICY_FILES,
            service_tables::policy_files_schema(),
            service_tables::write_policy_files(&state.policies)?,
        )?;
        add(service_tables::REPLIES, service_tables::replies_schema(), service_tables::write_replies(&state.replies)?)?;
        add(service_tables::DAYS, service_tables::days_schema(), service_tables::write_days(&state.days)?)?;
        let acknowledgements = service_tables::write_acknowledgements(&state.acknowledgements)?;
        add(service_tables::ACKNOWLEDGEMENTS, service_tables::acknowledgements_schema(), acknowledgements)?;

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

fn table(folder: &Path, name: &str, schema: SchemaRef, texts: Texts) -> Result<TableFile, SnapshotError> {
    let path = folder.join(name);
    let file = File::create(&path).map_err(|source| SnapshotError::Io { path: path.clone(), source })?;
    Ok(TableFile::begin(file, &path, schema, texts)?)
}

fn add(table: &mut TableFile, rows: &RecordBatch) -> Result<Part, SnapshotError> {
    Ok(Part { row_groups: table.add(rows)?, rows: rows.num_rows() as u64 })
}

fn end(name: &str, table: TableFile) -> Result<FileEntry, SnapshotError> {
    let written = table.finish()?;
    Ok(FileEntry { name: name.to_owned(), bytes: written.bytes, crc32c: written.crc32c, rows: written.rows })
}

fn write_manifest(path: &PathBuf, manifest: &Manifest) -> Result<(), SnapshotError> {
    let failed = |source| SnapshotError::Io { path: path.clone(), source };
    let text = manifest.to_text().map_err(|error| failed(error.into()))?;
    File::create(path).and_then(|mut file| file.write_all(text.as_bytes())).map_err(failed)
}
