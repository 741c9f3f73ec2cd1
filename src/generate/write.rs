//! Tables as CSV, NDJSON, Parquet and Arrow streams.

use super::{Cells, Table};
use crate::limits;
use crate::ticket::{Label, NO_LABEL};
use crate::time::format_rfc3339;
use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray, TimestampMillisecondArray};
use arrow::datatypes::Int32Type;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;
use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::Arc;

/// The output of a writer.
pub trait Output: Write + Send {
    /// Writes buffered data: a compressor's last block, a buffer.
    ///
    /// # Errors
    /// Those of the underlying output.
    fn close(self) -> io::Result<()>;
}

impl Output for &mut Vec<u8> {
    fn close(self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes tables of the same columns one after the other.
pub trait TableWriter {
    /// # Errors
    /// Those of the underlying output.
    fn write(&mut self, table: &Table) -> io::Result<()>;

    /// Writes buffered data; without it the output is incomplete.
    ///
    /// # Errors
    /// Those of the underlying output.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// A cell as text; empty for an empty cell.
fn text(cells: &Cells, row: usize) -> Cow<'_, str> {
    match cells {
        Cells::Texts(texts) => Cow::Borrowed(texts.get(row)),
        Cells::Times(times) => times[row].map_or(Cow::Borrowed(""), |at_ms| Cow::Owned(format_rfc3339(at_ms))),
        Cells::Labels { codes, .. } if codes[row] == NO_LABEL => Cow::Borrowed(""),
        Cells::Labels { codes, labels } => Cow::Borrowed(&labels[codes[row] as usize]),
    }
}

/// CSV with a header line.
pub struct Csv<W: Output> {
    out: csv::Writer<W>,
    has_header: bool,
}

impl<W: Output> Csv<W> {
    pub fn new(out: W) -> Self {
        Self { out: csv::Writer::from_writer(out), has_header: false }
    }
}

impl<W: Output> TableWriter for Csv<W> {
    fn write(&mut self, table: &Table) -> io::Result<()> {
        if !self.has_header {
            self.out.write_record(table.columns.iter().map(|(name, _)| name))?;
            self.has_header = true;
        }
        for row in 0..table.rows() {
            for (_, cells) in &table.columns {
                self.out.write_field(text(cells, row).as_bytes())?;
            }
            self.out.write_record(None::<&[u8]>)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.out.into_inner().map_err(csv::IntoInnerError::into_error)?.close()
    }
}

/// One JSON object per line; empty cells are omitted.
pub struct Ndjson<W: Output> {
    out: W,
    line: Vec<u8>,
}

impl<W: Output> Ndjson<W> {
    pub fn new(out: W) -> Self {
        Self { out, line: Vec::new() }
    }
}

impl<W: Output> TableWriter for Ndjson<W> {
    fn write(&mut self, table: &Table) -> io::Result<()> {
        for row in 0..table.rows() {
            self.line.clear();
            for (name, cells) in &table.columns {
                let value = text(cells, row);
                if !value.is_empty() {
                    self.line.push(if self.line.is_empty() { b'{' } else { b',' });
                    serde_json::to_writer(&mut self.line, name)?;
                    self.line.push(b':');
                    serde_json::to_writer(&mut self.line, value.as_ref())?;
                }
            }
            self.line.extend_from_slice(b"}\n");
            self.out.write_all(&self.line)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.out.close()
    }
}

/// Parquet: times as UTC timestamps, repeating labels as dictionaries.
pub struct ParquetRows<W: Output> {
    /// The output, until the first table gives the columns.
    waiting: Option<W>,
    out: Option<ArrowWriter<W>>,
}

impl<W: Output> ParquetRows<W> {
    pub fn new(out: W) -> Self {
        Self { waiting: Some(out), out: None }
    }
}

impl<W: Output> TableWriter for ParquetRows<W> {
    fn write(&mut self, table: &Table) -> io::Result<()> {
        let batch = record_batch(table)?;
        if let Some(out) = self.waiting.take() {
            let writer =
                ArrowWriter::try_new(out, batch.schema(), Some(properties(table)?)).map_err(io::Error::other)?;
            self.out = Some(writer);
        }
        let Some(out) = &mut self.out else { return Ok(()) };
        out.write(&batch).map_err(io::Error::other)?;
        if out.in_progress_size() >= limits::ROW_GROUP_BYTES {
            out.flush().map_err(io::Error::other)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.out.map_or(Ok(()), |out| out.into_inner().map_err(io::Error::other)?.close())
    }
}

fn properties(table: &Table) -> io::Result<WriterProperties> {
    let level = ZstdLevel::try_new(1).map_err(io::Error::other)?;
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(limits::ROW_GROUP_ROWS));
    for (name, cells) in &table.columns {
        let path = ColumnPath::from(*name);
        // Ids and times hardly repeat: their differences are smaller than any dictionary.
        properties = match cells {
            Cells::Texts(_) => properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BYTE_ARRAY),
            Cells::Times(_) => properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
            Cells::Labels { .. } => properties,
        };
    }
    Ok(properties.build())
}

/// An Arrow IPC stream: the columns of [`ParquetRows`], in their layout in memory.
pub struct ArrowRows<W: Output> {
    /// The output, until the first table gives the columns.
    waiting: Option<W>,
    out: Option<StreamWriter<W>>,
}

impl<W: Output> ArrowRows<W> {
    pub fn new(out: W) -> Self {
        Self { waiting: Some(out), out: None }
    }
}

impl<W: Output> TableWriter for ArrowRows<W> {
    fn write(&mut self, table: &Table) -> io::Result<()> {
        let batch = record_batch(table)?;
        if let Some(out) = self.waiting.take() {
            self.out = Some(StreamWriter::try_new(out, &batch.schema()).map_err(io::Error::other)?);
        }
        self.out.as_mut().map_or(Ok(()), |out| out.write(&batch)).map_err(io::Error::other)
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.out.map_or(Ok(()), |out| out.into_inner().map_err(io::Error::other)?.close())
    }
}

fn record_batch(table: &Table) -> io::Result<RecordBatch> {
    let columns = table.columns.iter().map(|(name, cells)| (*name, array(cells), true));
    RecordBatch::try_from_iter_with_nullable(columns).map_err(io::Error::other)
}

fn array(cells: &Cells) -> ArrayRef {
    match cells {
        Cells::Texts(texts) => {
            Arc::new(StringArray::from_iter(texts.iter().map(|text| (!text.is_empty()).then_some(text))))
        }
        Cells::Times(times) => Arc::new(TimestampMillisecondArray::from(times.clone()).with_timezone("UTC")),
        Cells::Labels { codes, labels } => {
            let key = |code: &Label| (*code != NO_LABEL).then_some(*code as i32);
            let keys = Int32Array::from_iter(codes.iter().map(key));
            let labels = StringArray::from_iter_values(labels);
            Arc::new(DictionaryArray::<Int32Type>::new(keys, Arc::new(labels)))
        }
    }
}
