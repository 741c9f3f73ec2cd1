//! Writes a table: row groups that belong together, with their checksum computed on the way to the disk.

use super::checksum::Summed;
use crate::limits;
use crate::table::{Texts, properties};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a table was not written.
#[derive(Debug, Error)]
pub enum TableError {
    #[error("cannot write {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("cannot write {path}: {source}")]
    Parquet { path: PathBuf, source: ParquetError },
}

/// A table that is being written.
pub(crate) struct TableFile {
    path: PathBuf,
    writer: ArrowWriter<Summed<File>>,
    /// The same file, to sync it.
    file: File,
    synced_bytes: u64,
    rows: u64,
}

/// Summary of a written table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    pub bytes: u64,
    pub crc32c: u32,
    pub rows: u64,
}

impl TableFile {
    /// Begins a table in an empty file, which lies at `path`.
    ///
    /// # Errors
    /// [`TableError`] if that is not possible.
    pub(crate) fn begin(file: File, path: &Path, schema: SchemaRef, texts: Texts) -> Result<Self, TableError> {
        let path = path.to_owned();
        let out = file.try_clone().map_err(|source| TableError::Io { path: path.clone(), source })?;
        let writer = properties(&schema, texts)
            .and_then(|properties| ArrowWriter::try_new(Summed::new(out), schema, Some(properties.build())))
            .map_err(|source| TableError::Parquet { path: path.clone(), source })?;
        Ok(Self { path, writer, file, synced_bytes: 0, rows: 0 })
    }

    /// Adds rows as row groups of their own; returns the range of row groups.
    ///
    /// # Errors
    /// [`TableError`] when the rows do not fit the schema or cannot be written.
    pub(crate) fn add(&mut self, rows: &RecordBatch) -> Result<Range<usize>, TableError> {
        let first = self.writer.flushed_row_groups().len();
        for from in (0..rows.num_rows()).step_by(limits::TABLE_SLICE_ROWS) {
            let slice = rows.slice(from, limits::TABLE_SLICE_ROWS.min(rows.num_rows() - from));
            let written = self.writer.write(&slice).and_then(|()| {
                if self.writer.in_progress_size() < limits::ROW_GROUP_BYTES { Ok(()) } else { self.writer.flush() }
            });
            written.map_err(|source| self.failed(source))?;
        }
        self.writer.flush().map_err(|source| self.failed(source))?;
        self.rows += rows.num_rows() as u64;
        self.keep_up()?;
        Ok(first..self.writer.flushed_row_groups().len())
    }

    /// Rows so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Syncs the data written since the last sync.
    fn keep_up(&mut self) -> Result<(), TableError> {
        let bytes = self.writer.inner().bytes();
        if bytes - self.synced_bytes >= limits::TABLE_UNSYNCED_BYTES {
            self.file.sync_data().map_err(|source| TableError::Io { path: self.path.clone(), source })?;
            self.synced_bytes = bytes;
        }
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// [`TableError`] when it cannot be written.
    pub(crate) fn finish(mut self) -> Result<Written, TableError> {
        self.writer.finish().map_err(|source| self.failed(source))?;
        let out = self.writer.inner();
        Ok(Written { bytes: out.bytes(), crc32c: out.crc32c(), rows: self.rows })
    }

    fn failed(&self, source: ParquetError) -> TableError {
        TableError::Parquet { path: self.path.clone(), source }
    }
}
