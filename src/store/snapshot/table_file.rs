//! A table of a snapshot while it is written: row groups that belong to one shard each, summed up on the way to the disk.

use super::error::SnapshotError;
use super::manifest::{FileEntry, Part};
use crate::limits;
use crate::store::checksum::Summed;
use crate::table::{Texts, properties};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A table that is being written.
pub struct TableFile {
    path: PathBuf,
    name: &'static str,
    writer: ArrowWriter<Summed<File>>,
    /// The same file, to sync it.
    file: File,
    synced_bytes: u64,
    rows: u64,
}

impl TableFile {
    /// Creates the file in a folder.
    ///
    /// # Errors
    /// [`SnapshotError`] where that is not possible.
    pub fn create(folder: &Path, name: &'static str, schema: SchemaRef, texts: Texts) -> Result<Self, SnapshotError> {
        let path = folder.join(name);
        let failed = |source| SnapshotError::Io { path: path.clone(), source };
        let file = File::create(&path).map_err(failed)?;
        let out = Summed::new(file.try_clone().map_err(failed)?);
        let properties = properties(&schema, texts).map(|properties| properties.build());
        let writer = properties
            .and_then(|properties| ArrowWriter::try_new(out, schema, Some(properties)))
            .map_err(|error| SnapshotError::Table { path: path.clone(), reason: error.to_string() })?;
        Ok(Self { path, name, writer, file, synced_bytes: 0, rows: 0 })
    }

    /// Adds rows as row groups of their own.
    ///
    /// # Errors
    /// [`SnapshotError`] when the rows do not fit the schema or cannot be written.
    pub fn add(&mut self, rows: &RecordBatch) -> Result<Part, SnapshotError> {
        let first = self.writer.flushed_row_groups().len();
        for from in (0..rows.num_rows()).step_by(limits::SNAPSHOT_SLICE_ROWS) {
            let slice = rows.slice(from, limits::SNAPSHOT_SLICE_ROWS.min(rows.num_rows() - from));
            let written = self.writer.write(&slice).and_then(|()| {
                if self.writer.in_progress_size() < limits::ROW_GROUP_BYTES { Ok(()) } else { self.writer.flush() }
            });
            written.map_err(|error| self.failed(&error))?;
        }
        self.writer.flush().map_err(|error| self.failed(&error))?;
        self.rows += rows.num_rows() as u64;
        self.keep_up()?;
        Ok(Part { row_groups: first..self.writer.flushed_row_groups().len(), rows: rows.num_rows() as u64 })
    }

    /// Syncs what has gathered.
    fn keep_up(&mut self) -> Result<(), SnapshotError> {
        let bytes = self.writer.inner().bytes();
        if bytes - self.synced_bytes >= limits::SNAPSHOT_UNSYNCED_BYTES {
            self.file.sync_data().map_err(|source| SnapshotError::Io { path: self.path.clone(), source })?;
            self.synced_bytes = bytes;
        }
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`SnapshotError`] when it cannot be written.
    pub fn finish(mut self) -> Result<FileEntry, SnapshotError> {
        self.writer.finish().map_err(|error| self.failed(&error))?;
        let out = self.writer.inner();
        Ok(FileEntry { name: self.name.to_owned(), bytes: out.bytes(), crc32c: out.crc32c(), rows: self.rows })
    }

    fn failed(&self, error: &parquet::errors::ParquetError) -> SnapshotError {
        SnapshotError::Table { path: self.path.clone(), reason: error.to_string() }
    }
}
