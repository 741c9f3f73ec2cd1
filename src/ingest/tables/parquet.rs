//! Parquet, one row group per thread.
//!
//! The format is read from its end: any input but a plain file (a stream, a compressed file) is first copied to a temporary
//! file. Texts are read as views, so that a text shared by many rows is stored once.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::datatypes::{DataType, FieldRef, Fields, Schema};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader};
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::Compression;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};

use super::memory::{Share, TableBounds, within};
use super::parquet_pages::{BoundedGroup, PageWatch, TooLarge};
use super::{Plan, parquet_pages, thrift};
use crate::ingest::error::IngestError;
use crate::ingest::mapping::Mapping;
use crate::ingest::options::Options;
use crate::ingest::pipeline::Results;
use crate::ingest::rows::RowWriter;
use crate::ingest::source::{Opened, reported};
use crate::ingest::tables;
use crate::limits::FOOTER_EXPANSION;

/// Bytes after a file's footer: its length, and the magic mark.
const FOOTER_END_BYTES: u64 = 8;

/// Rows that are decoded at a time.
const ROWS_A_READ: u64 = 8_192;

/// An open Parquet file, with its footer read and checked.
pub(crate) struct Table {
    name: String,
    file: Shared,
    metadata: ArrowReaderMetadata,
    plan: Plan,
    /// The number of each row group's first row.
    first_rows: Vec<u64>,
    numbered: bool,
    /// The leaf columns that are read.
    leaves: Vec<usize>,
    levels: FieldLevels,
    bounds: TableBounds,
    /// Memory of the footer.
    _share: Share,
}

impl Table {
    pub(crate) fn open(name: &str, opened: Opened, mapping: &Mapping, options: &Options) -> Result<Self, IngestError> {
        let file = match opened.file {
            Some(file) => file,
            None => spool(opened.reader, options.spool_dir.as_deref()).map_err(|error| reported(name, error))?,
        };
        let length = file.metadata().map_err(|error| reported(name, error))?.len();
        let file = Shared { file: Arc::new(file), length };
        let malformed = |error: ParquetError| malformed(name, &error);
        let _share = check_footer(name, &file, &options.tables)?;
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(malformed)?;
        let views = with_views(metadata.schema());
        let parquet_metadata = Arc::clone(metadata.metadata());
        let typed = ArrowReaderOptions::new().with_schema(Arc::new(views));
        let metadata = ArrowReaderMetadata::try_new(parquet_metadata, typed).map_err(malformed)?;

        let whole = Plan::new(metadata.schema(), mapping)
            .map_err(|reason| IngestError::Columns { source_name: name.to_owned(), reason })?;
        let roots = whole.roots();
        let projected = metadata.schema().project(&roots).map_err(|error| malformed(error.into()))?;
        let plan = Plan::new(&projected, mapping)
            .map_err(|reason| IngestError::Columns { source_name: name.to_owned(), reason })?;
        let first_rows = check_sizes(name, &metadata, length)?;
        let schema = metadata.parquet_schema();
        let mask = ProjectionMask::roots(schema, roots.iter().copied());
        let leaves: Vec<usize> = (0..schema.num_columns()).filter(|&leaf| mask.leaf_included(leaf)).collect();
        check_codecs(&metadata, &leaves)
            .map_err(|reason| IngestError::Columns { source_name: name.to_owned(), reason })?;
        let levels =
            parquet_to_arrow_field_levels(schema, mask, Some(metadata.schema().fields())).map_err(malformed)?;
        let (name, numbered, bounds) = (name.to_owned(), options.lines, options.tables.clone());
        Ok(Self { name, file, metadata, plan, first_rows, numbered, leaves, levels, bounds, _share })
    }

    /// Bytes of the file.
    pub(crate) fn length(&self) -> u64 {
        self.file.length
    }

    pub(crate) fn row_groups(&self) -> usize {
        self.first_rows.len()
    }

    /// Reads the rows of a row group.
    pub(crate) fn parse(&self, row_group: usize, mapping: &Mapping, results: &Results) -> Result<(), IngestError> {
        let malformed = |error: ParquetError| malformed(&self.name, &error);
        let metadata = self.metadata.metadata();
        let description = metadata.row_group(row_group);
        let scanned = parquet_pages::scan(&self.name, &self.file, description, &self.leaves, &self.bounds)?;
        let read_bytes = self.bounds.read_bytes;
        let _share = self.bounds.take(&self.name, scanned.bytes.min(read_bytes))?;
        // The number of rows whose pages, if all are alike, take a quarter of the limit.
        let rows = u64::try_from(description.num_rows()).unwrap_or(0).max(1);
        let row_bytes = (scanned.bytes / rows).max(scanned.row_bytes).max(1);
        let rows_a_read = (read_bytes / 4 / row_bytes).clamp(1, ROWS_A_READ);
        within(&self.name, "bytes of the fixed values of a row", scanned.row_bytes, read_bytes / 4)?;
        let unpacked = Arc::new(AtomicU64::new(0));
        let watch = PageWatch { unpacked: Arc::clone(&unpacked), page_bytes: self.bounds.page_bytes, read_bytes };
        let group = BoundedGroup { file: Arc::new(self.file.clone()), metadata, group: row_group, watch };
        let reader =
            ParquetRecordBatchReader::try_new_with_row_groups(&self.levels, &group, rows_a_read as usize, None)
                .map_err(malformed)?;
        let mut writer = RowWriter::new(mapping).numbered(self.numbered);
        let mut first_row = self.first_rows[row_group];
        for batch in reader {
            let batch = batch.map_err(|error| malformed(error.into()))?;
            let flow = tables::parse(&batch, first_row, &self.plan, mapping, &mut writer, results)
                .map_err(|error| malformed(error.into()))?;
            if flow.is_break() {
                return Ok(());
            }
            unpacked.store(0, Ordering::Relaxed);
            first_row += batch.num_rows() as u64;
        }
        results.put_last(writer.finish());
        Ok(())
    }
}

/// Compares the footer's claims with the file's length, and numbers the rows.
fn check_sizes(name: &str, metadata: &ArrowReaderMetadata, length: u64) -> Result<Vec<u64>, IngestError> {
    let (mut rows, mut bytes) = (0u64, 0u64);
    let mut first_rows = Vec::new();
    for group in metadata.metadata().row_groups() {
        first_rows.push(rows);
        rows = rows.saturating_add(u64::try_from(group.num_rows()).unwrap_or(u64::MAX));
        bytes = bytes.saturating_add(u64::try_from(group.total_byte_size()).unwrap_or(u64::MAX));
    }
    within(name, "rows for its length", rows, crate::ingest::options::rows_of(length))?;
    within(name, "bytes unpacked for its length", bytes, crate::ingest::options::expansion_of(length))?;
    Ok(first_rows)
}

/// Walks the footer before the library reads it; returns its memory.
fn check_footer(name: &str, file: &Shared, bounds: &TableBounds) -> Result<Share, IngestError> {
    let unsound = |reason: String| IngestError::Malformed {
        source_name: name.to_owned(),
        reason: format!("is not a valid Parquet file: {reason}"),
    };
    let Some(end) = file.length.checked_sub(FOOTER_END_BYTES) else {
        return Err(unsound(format!("it has {} bytes", file.length)));
    };
    let tail = file.get_bytes(end, FOOTER_END_BYTES as usize).map_err(|error| malformed(name, &error))?;
    let length = tail.first_chunk::<4>().map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)));
    if !tail.ends_with(b"PAR1") || length > end {
        return Err(unsound(format!("it does not end with a description of {length} bytes and PAR1")));
    }
    within(name, "bytes of description", length, bounds.footer_bytes)?;
    let share = bounds.take(name, length * FOOTER_EXPANSION)?;
    let footer = file.get_bytes(end - length, length as usize).map_err(|error| malformed(name, &error))?;
    thrift::check_footer(&footer).map_err(|error| unsound(format!("its description cannot be read: {error}")))?;
    Ok(share)
}

fn malformed(name: &str, error: &ParquetError) -> IngestError {
    let message = error.to_string();
    if message.contains(TooLarge::WORDS) {
        // The library has wrapped it; only its message is left.
        let reason = message.rsplit("External: ").next().unwrap_or(&message).to_owned();
        return IngestError::Expands { source_name: name.to_owned(), reason };
    }
    IngestError::Malformed { source_name: name.to_owned(), reason: format!("is not a valid Parquet file: {error}") }
}

/// The schema with its texts as views.
fn with_views(schema: &Schema) -> Schema {
    Schema::new(fields_with_views(schema.fields()))
}

fn fields_with_views(fields: &Fields) -> Fields {
    fields.iter().map(field_with_views).collect()
}

fn field_with_views(field: &FieldRef) -> FieldRef {
    let is_text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8);
    let viewed = match field.data_type() {
        kind if is_text(kind) => DataType::Utf8View,
        DataType::Dictionary(_, inner) if is_text(inner) => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Struct(inner) => DataType::Struct(fields_with_views(inner)),
        DataType::List(inner) => DataType::List(field_with_views(inner)),
        DataType::LargeList(inner) => DataType::LargeList(field_with_views(inner)),
        _ => return Arc::clone(field),
    };
    Arc::new(field.as_ref().clone().with_data_type(viewed))
}

/// Copies a stream to a file that is deleted when it is closed.
fn spool(mut reader: Box<dyn Read + Send>, folder: Option<&Path>) -> io::Result<File> {
    let mut file = folder.map_or_else(tempfile::tempfile, tempfile::tempfile_in)?;
    io::copy(&mut reader, &mut file)?;
    Ok(file)
}

/// A file that several threads read at their own offsets.
#[derive(Clone)]
struct Shared {
    file: Arc<File>,
    length: u64,
}

/// Reads sequentially from an offset.
struct From {
    file: Arc<File>,
    at: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Length for Shared {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Shared {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(BufReader::with_capacity(1 << 16, From { file: Arc::clone(&self.file), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} in a file of {} bytes", self.length)));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// Columns compressed with what we do not read are named, before the library fails on them.
fn check_codecs(metadata: &ArrowReaderMetadata, leaves: &[usize]) -> Result<(), String> {
    for group in metadata.metadata().row_groups() {
        for column in leaves.iter().map(|leaf| group.column(*leaf)) {
            let is_read = matches!(
                column.compression(),
                Compression::UNCOMPRESSED
                    | Compression::SNAPPY
                    | Compression::GZIP(_)
                    | Compression::ZSTD(_)
                    | Compression::LZ4
                    | Compression::LZ4_RAW
            );
            if !is_read {
                return Err(format!(
                    "has the column {:?} compressed with {}, which is not read: write it with zstd, snappy, gzip or lz4",
                    column.column_path().string(),
                    column.compression()
                ));
            }
        }
    }
    Ok(())
}
