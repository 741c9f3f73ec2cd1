//! Runs on disk: Arrow IPC streams in unnamed files, which are removed with the process.

use super::rows::{Rows, row_of};
use crate::limits;
use crate::ticket::{Column, EventKind, State, Texts};
use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, UInt8Array, UInt32Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, UInt8Type, UInt32Type};
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, Write};
use std::path::Path;
use std::sync::Arc;

/// A run that is being read back.
pub(super) type SpillReader = StreamReader<BufReader<File>>;

/// No state, in the column of states.
const NO_STATE: u8 = u8::MAX;

/// Writes rows in the given order and rewinds the file.
pub(super) fn write(rows: &Rows, order: &[u64], folder: &Path) -> io::Result<File> {
    let file = tempfile::tempfile_in(folder)?;
    let schema = schema(rows);
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME)).map_err(other)?;
    let mut writer = StreamWriter::try_new_with_options(BufWriter::new(file), &schema, options).map_err(other)?;
    for chunk in order.chunks(limits::SPILL_CHUNK_ROWS) {
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns(rows, chunk)).map_err(other)?;
        writer.write(&batch).map_err(other)?;
    }
    let mut out = writer.into_inner().map_err(other)?;
    out.flush()?;
    let mut file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    Ok(file)
}

/// Opens a run for reading.
pub(super) fn read(file: File) -> Result<SpillReader, ArrowError> {
    StreamReader::try_new(BufReader::with_capacity(1 << 18, file), None)
}

/// The next rows of a run, in order of time; none at its end.
pub(super) fn next_chunk(reader: &mut SpillReader) -> Result<Option<Rows>, ArrowError> {
    let Some(batch) = reader.next().transpose()? else { return Ok(None) };
    let column = |name: &str| {
        batch
            .column_by_name(name)
            .ok_or_else(|| ArrowError::SchemaError(format!("a run on disk has no column {name:?}")))
    };
    let texts = |array: &ArrayRef| {
        let mut texts = Texts::default();
        let array = array.as_string::<i32>();
        (0..array.len()).for_each(|row| texts.push(array.value(row)));
        texts
    };
    let mut rows = Rows {
        ticket: texts(column("ticket")?),
        at_ms: column("at_ms")?.as_primitive::<Int64Type>().values().to_vec(),
        kind: column("kind")?
            .as_primitive::<UInt8Type>()
            .values()
            .iter()
            .map(|code| kind_of(*code))
            .collect::<Result<_, _>>()?,
        state: column("state")?.as_primitive::<UInt8Type>().values().iter().map(|code| state_of(*code)).collect(),
        ..Rows::default()
    };
    for (index, label) in Column::ALL.into_iter().enumerate() {
        if let Some(array) = batch.column_by_name(label.name()) {
            rows.labels[index] = array.as_primitive::<UInt32Type>().values().to_vec();
        }
    }
    if let Some(array) = batch.column_by_name("text") {
        rows.text = texts(array);
    }
    Ok(Some(rows))
}

fn schema(rows: &Rows) -> Arc<Schema> {
    let mut fields = vec![
        Field::new("ticket", DataType::Utf8, false),
        Field::new("at_ms", DataType::Int64, false),
        Field::new("kind", DataType::UInt8, false),
        Field::new("state", DataType::UInt8, false),
    ];
    let labels = Column::ALL.into_iter().zip(&rows.labels).filter(|(_, codes)| !codes.is_empty());
    fields.extend(labels.map(|(label, _)| Field::new(label.name(), DataType::UInt32, false)));
    if !rows.text.is_empty() {
        fields.push(Field::new("text", DataType::Utf8, false));
    }
    Arc::new(Schema::new(fields))
}

fn columns(rows: &Rows, chunk: &[u64]) -> Vec<ArrayRef> {
    let picked = || chunk.iter().map(|key| row_of(*key) as usize);
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(picked().map(|row| rows.ticket.get(row)))),
        Arc::new(Int64Array::from_iter_values(picked().map(|row| rows.at_ms[row]))),
        Arc::new(UInt8Array::from_iter_values(picked().map(|row| rows.kind[row] as u8))),
        Arc::new(UInt8Array::from_iter_values(
            picked().map(|row| rows.state[row].map_or(NO_STATE, |state| state as u8)),
        )),
    ];
    for codes in rows.labels.iter().filter(|codes| !codes.is_empty()) {
        columns.push(Arc::new(UInt32Array::from_iter_values(picked().map(|row| codes[row]))));
    }
    if !rows.text.is_empty() {
        columns.push(Arc::new(StringArray::from_iter_values(picked().map(|row| rows.text.get(row)))));
    }
    columns
}

fn kind_of(code: u8) -> Result<EventKind, ArrowError> {
    let known = EventKind::ALL.get(usize::from(code)).copied();
    known.ok_or_else(|| ArrowError::ParseError(format!("{code} in a run on disk is not a kind of event")))
}

fn state_of(code: u8) -> Option<State> {
    State::ALL.get(usize::from(code)).copied()
}

fn other(error: ArrowError) -> io::Error {
    match error {
        ArrowError::IoError(_, source) => source,
        other => io::Error::other(other),
    }
}
