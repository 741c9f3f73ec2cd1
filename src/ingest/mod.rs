//! Reads exports into column batches.
//!
//! NDJSON, JSON arrays, CSV, Parquet and Arrow IPC, each plain or compressed with zstd or gzip, become [`Batch`]es according to
//! a [`Mapping`]. Memory does not grow with the input: one thread reads it in blocks of whole records, others parse these, and
//! the caller receives the results in the order of the input, whatever the number of threads.
//!
//! An invalid row is rejected with its line, column, value and what was expected ([`RowError`]); reading continues. Only
//! errors that affect the rest of the input end the run: a missing column, a damaged table, a decompression bomb.

mod error;
mod mapping;
mod maps;
mod options;
mod pipeline;
mod rows;
mod source;
mod tables;
mod text;

use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;

pub use error::{IngestError, MappingError, Mistake, RowError};
pub use mapping::Mapping;
pub use options::{Options, cores};
pub use pipeline::Numbered;
pub use source::{Format, Source};
pub use tables::memory::{Budget, TableBounds};

use crate::limits::{MAX_LINE_BYTES, REJECTS_SHOWN};
use crate::ticket::Batch;
use options::{expansion_of, rows_of};
use pipeline::Parsed;
use rows::RowWriter;
use tables::Plan;
use tables::arrow_ipc::Messages;
use tables::memory::{Share, within};
use tables::parquet::Table;
use text::blocks::{Blocks, Split};
use text::json::Fields;
use text::json_array::ArrayScan;
use text::{Header, TextFormat};

/// Counts of what was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows of the inputs, including rejected and skipped ones.
    pub rows: u64,
    /// Rows that the mapping skips.
    pub skipped: u64,
    /// Rows that could not be read.
    pub rejected: u64,
    /// Rows of the batches.
    pub events: u64,
    /// Bytes of the inputs as stored.
    pub bytes: u64,
    /// The first rejected rows, for the terminal.
    pub first_rejects: Vec<RowError>,
    /// Whether the receiver of the batches ended the run.
    pub stopped: bool,
}

impl Report {
    /// Adds what was read of another input.
    pub fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.skipped += other.skipped;
        self.rejected += other.rejected;
        self.events += other.events;
        self.bytes += other.bytes;
        let room = REJECTS_SHOWN.saturating_sub(self.first_rejects.len());
        self.first_rejects.extend(other.first_rejects.into_iter().take(room));
        self.stopped |= other.stopped;
    }
}

/// Reads inputs, one after another, and passes their batches on in order, none larger than [`MAX_BATCH_ROWS`].
///
/// `on_batch` may end the run by `Break`. `on_reject` gets every rejected row, in order.
///
/// # Errors
/// [`IngestError`] for an input that cannot be read further, for a failed `on_reject`, and with `strict` for the first invalid
/// row. Batches passed on before remain valid.
///
/// [`MAX_BATCH_ROWS`]: crate::limits::MAX_BATCH_ROWS
pub fn read(
    sources: impl IntoIterator<Item = Source>,
    mapping: &Mapping,
    options: &Options,
    mut on_batch: impl FnMut(Batch) -> ControlFlow<()>,
    on_reject: impl FnMut(&RowError) -> io::Result<()>,
) -> Result<Report, IngestError> {
    read_numbered(sources, mapping, options, |numbered| on_batch(numbered.batch), on_reject)
}

/// [`read`], with the input's line of each row.
///
/// # Errors
/// Those of [`read`].
pub fn read_numbered(
    sources: impl IntoIterator<Item = Source>,
    mapping: &Mapping,
    options: &Options,
    mut on_batch: impl FnMut(Numbered) -> ControlFlow<()>,
    mut on_reject: impl FnMut(&RowError) -> io::Result<()>,
) -> Result<Report, IngestError> {
    let mut report = Report::default();
    let mut text_bytes = 0;
    let before = options.read_bytes.load(Ordering::Relaxed);
    for source in sources {
        let name = source.name.clone();
        let take = |parsed: Parsed| {
            report.rows += parsed.rows;
            report.skipped += parsed.skipped;
            let bytes = options.read_bytes.load(Ordering::Relaxed) - before;
            within(&name, "rows for its length", report.rows, rows_of(bytes))?;
            for rejected in parsed.rejects {
                let pipeline::Rejected { line, column, value, reason } = rejected;
                let reject = RowError { source: name.clone(), line, column, value, reason };
                report.rejected += 1;
                on_reject(&reject).map_err(IngestError::Sink)?;
                if options.strict {
                    return Err(IngestError::Rejected(Box::new(reject)));
                }
                if report.first_rejects.len() < REJECTS_SHOWN {
                    report.first_rejects.push(reject);
                }
            }
            for numbered in parsed.batches {
                report.events += numbered.batch.len() as u64;
                text_bytes += numbered.batch.text.size_bytes() as u64;
                within(&name, "bytes of texts for its length", text_bytes, expansion_of(bytes))?;
                if on_batch(numbered).is_break() {
                    report.stopped = true;
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(ControlFlow::Continue(()))
        };
        if read_one(source, mapping, options, take)?.is_break() {
            break;
        }
    }
    report.bytes = options.read_bytes.load(Ordering::Relaxed) - before;
    Ok(report)
}

fn read_one(
    source: Source,
    mapping: &Mapping,
    options: &Options,
    take: impl FnMut(Parsed) -> Result<ControlFlow<()>, IngestError>,
) -> Result<ControlFlow<()>, IngestError> {
    let name = source.name.clone();
    let before = options.read_bytes.load(Ordering::Relaxed);
    let opened = source::open(source, options.format, mapping.records.is_some(), &options.read_bytes)?;
    let wrong_columns = |reason| IngestError::Columns { source_name: name.clone(), reason };
    let blocks = |opened, split| Blocks::new(&name, opened, split, options.block_bytes, MAX_LINE_BYTES);
    let (mut blocks, format) = match opened.format {
        Format::Ndjson => (blocks(opened, Split::Lines), TextFormat::Json(Fields::new(&mapping.inputs))),
        Format::Json => {
            let split = Split::Array(ArrayScan::new(mapping.records.as_deref()));
            (blocks(opened, split), TextFormat::Json(Fields::new(&mapping.inputs)))
        }
        Format::Csv => {
            let mut blocks = blocks(opened, Split::Csv { delimiter: mapping.delimiter });
            let delimiter = blocks.named_delimiter()?.unwrap_or(mapping.delimiter);
            let Some(first) = blocks.first_record()? else {
                return Err(wrong_columns("is empty, expected a first line with the names of the columns".to_owned()));
            };
            let header = Header::new(&first, delimiter, mapping).map_err(wrong_columns)?;
            (blocks, TextFormat::Csv { delimiter, header })
        }
        Format::Parquet => {
            let is_file = opened.file.is_some();
            let table = pipeline::guarded(&name, || Table::open(&name, opened, mapping, options))?;
            // A plain file is read at its own offsets, past the counter of the stream.
            if is_file {
                let counted = options.read_bytes.load(Ordering::Relaxed) - before;
                options.read_bytes.fetch_add(table.length().saturating_sub(counted), Ordering::Relaxed);
            }
            let mut groups = 0..table.row_groups();
            let parse = |group, results: &pipeline::Results| table.parse(group, mapping, results);
            return pipeline::run(&name, options.threads, || Ok(groups.next()), parse, take);
        }
        Format::Arrow => {
            let messages = Messages::new(&name, opened.reader, options.tables.clone());
            return read_arrow(&name, messages, mapping, options, take);
        }
    };
    let parse = |block, results: &pipeline::Results| {
        text::parse(&block, &format, mapping, options.lines, results);
        Ok(())
    };
    pipeline::run(&name, options.threads, || blocks.next(), parse, take)
}

fn read_arrow(
    name: &str,
    mut messages: Messages,
    mapping: &Mapping,
    options: &Options,
    take: impl FnMut(Parsed) -> Result<ControlFlow<()>, IngestError>,
) -> Result<ControlFlow<()>, IngestError> {
    let mut first_row = 0;
    let next = || {
        Ok(messages.next()?.map(|batch| {
            let work = (first_row, batch);
            first_row += work.1.0.num_rows() as u64;
            work
        }))
    };
    // The batch's share of the budget is released when its rows have been read.
    let parse = |(first_row, (batch, _share)): (u64, (arrow::array::RecordBatch, Share)),
                 results: &pipeline::Results| {
        let plan = Plan::new(&batch.schema(), mapping)
            .map_err(|reason| IngestError::Columns { source_name: name.to_owned(), reason })?;
        let mut writer = RowWriter::new(mapping).numbered(options.lines);
        let flow = tables::parse(&batch, first_row, &plan, mapping, &mut writer, results)
            .map_err(|error| IngestError::Malformed { source_name: name.to_owned(), reason: error.to_string() })?;
        if flow.is_continue() {
            results.put_last(writer.finish());
        }
        Ok(())
    };
    pipeline::run(name, options.threads, next, parse, take)
}
