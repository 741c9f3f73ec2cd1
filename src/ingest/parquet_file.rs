//! Parquet, a row group for each thread.
//!
//! The format needs its end before its beginning: what is no plain file (a stream, a compressed file) is first copied to a
//! temporary one. Texts are read as views, so that a text that many rows share is held once.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};

use super::Options;
use super::error::IngestError;
use super::mapping::Mapping;
use super::pipeline::Results;
use super::rows::RowWriter;
use super::source::{Opened, told};
use super::table::{self, Plan};
use crate::limits::{EXPANSION_ALLOWANCE_BYTES, MAX_EXPANSION};

/// Rows that are decoded at a time.
const ROWS_A_READ: usize = 8_192;

/// A Parquet file that is open, with its description read and checked.
pub(super) struct Table {
    name: String,
    file: Shared,
    metadata: ArrowReaderMetadata,
    roots: Vec<usize>,
    plan: Plan,
    /// The number of each row group's first row.
    first_rows: Vec<u64>,
    numbered: bool,
}

impl Table {
    pub fn open(name: &str, opened: Opened, mapping: &Mapping, options: &Options) -> Result<Self, IngestError> {
        let file = match opened.file {
            Some(file) => file,
            None => spool(opened.reader, options.spool_dir.as_deref()).map_err(|error| told(name, error))?,
        };
        let length = file.metadata().map_err(|error| told(name, error))?.len();
        let file = Shared { file: Arc::new(file), length };
        let malformed = |error: ParquetError| malformed(name, &error);
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
        Ok(Self { name: name.to_owned(), file, metadata, roots, plan, first_rows, numbered: options.lines })
    }

    pub fn row_groups(&self) -> usize {
        self.first_rows.len()
    }

    /// Reads the rows of a row group.
    pub fn parse(&self, row_group: usize, mapping: &Mapping, results: &Results) -> Result<(), IngestError> {
        let malformed = |error: ParquetError| malformed(&self.name, &error);
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.file.clone(), self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), self.roots.iter().copied());
        let reader = builder
            .with_row_groups(vec![row_group])
            .with_projection(mask)
            .with_batch_size(ROWS_A_READ)
            .build()
            .map_err(malformed)?;
        let mut writer = RowWriter::new(mapping).numbered(self.numbered);
        let mut first_row = self.first_rows[row_group];
        for batch in reader {
            let batch = batch.map_err(|error| malformed(error.into()))?;
            let flow = table::parse(&batch, first_row, &self.plan, mapping, &mut writer, results)
                .map_err(|error| malformed(error.into()))?;
            if flow.is_break() {
                return Ok(());
            }
            first_row += batch.num_rows() as u64;
        }
        results.put_last(writer.finish());
        Ok(())
    }
}

/// Holds what the file's description claims against the file's length, and numbers the rows.
fn check_sizes(name: &str, metadata: &ArrowReaderMetadata, length: u64) -> Result<Vec<u64>, IngestError> {
    let allowed = length.saturating_mul(MAX_EXPANSION).saturating_add(EXPANSION_ALLOWANCE_BYTES);
    let (mut rows, mut bytes) = (0u64, 0u64);
    let mut first_rows = Vec::new();
    for group in metadata.metadata().row_groups() {
        first_rows.push(rows);
        rows = rows.saturating_add(u64::try_from(group.num_rows()).unwrap_or(u64::MAX));
        bytes = bytes.saturating_add(u64::try_from(group.total_byte_size()).unwrap_or(u64::MAX));
    }
    if rows > allowed || bytes > allowed {
        let reason = format!("claims {rows} rows and {bytes} bytes in a file of {length} bytes");
        return Err(IngestError::Malformed { source_name: name.to_owned(), reason });
    }
    Ok(first_rows)
}

fn malformed(name: &str, error: &ParquetError) -> IngestError {
    IngestError::Malformed { source_name: name.to_owned(), reason: format!("is no sound Parquet file: {error}") }
}

/// The schema with its texts as views.
fn with_views(schema: &Schema) -> Schema {
    let fields = schema.fields().iter().map(|field| {
        let text = match field.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 => true,
            DataType::Dictionary(_, inner) => matches!(**inner, DataType::Utf8 | DataType::LargeUtf8),
            _ => false,
        };
        if text { Field::new(field.name(), DataType::Utf8View, field.is_nullable()).into() } else { Arc::clone(field) }
    });
    Schema::new(fields.collect::<Vec<_>>())
}

/// Copies a stream to a file that goes when it is closed.
fn spool(mut reader: Box<dyn Read + Send>, folder: Option<&Path>) -> io::Result<File> {
    let mut file = folder.map_or_else(tempfile::tempfile, tempfile::tempfile_in)?;
    io::copy(&mut reader, &mut file)?;
    Ok(file)
}

/// A file that several threads read at places of their own.
#[derive(Clone)]
struct Shared {
    file: Arc<File>,
    length: u64,
}

/// Reads on from a place.
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
