//! A chunk as an Arrow stream in our own format, which a service reads without a mapping: every column of a [`Batch`].

use super::chunk::{Chunk, Part};
use crate::ticket::{Batch, Column, EventKind, Labels, NO_LABEL, State};
use arrow::array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray, TimestampMillisecondArray};
use arrow::datatypes::Int32Type;
use arrow::error::ArrowError;
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use std::sync::Arc;

/// Content type of the body.
pub(crate) const CONTENT_TYPE: &str = "application/vnd.apache.arrow.stream";

/// The chunk's rows, in order; line `n` of a response refers to row `n` of the chunk. The same rows in the same batches
/// give the same bytes.
///
/// # Errors
/// Those of the Arrow library; none is known for the values of a [`Batch`].
pub(crate) fn encode(chunk: &Chunk, is_packed: bool) -> Result<Vec<u8>, ArrowError> {
    let packing = is_packed.then_some(CompressionType::ZSTD);
    let options = IpcWriteOptions::default().try_with_compression(packing)?;
    let mut stream: Option<StreamWriter<Vec<u8>>> = None;
    for part in &chunk.parts {
        let rows = record_batch(part)?;
        let mut writer = match stream.take() {
            Some(writer) => writer,
            None => StreamWriter::try_new_with_options(Vec::new(), &rows.schema(), options.clone())?,
        };
        writer.write(&rows)?;
        stream = Some(writer);
    }
    stream.map_or(Ok(Vec::new()), StreamWriter::into_inner)
}

fn record_batch(part: &Part) -> Result<RecordBatch, ArrowError> {
    let Part { batch, rows, .. } = part;
    let tickets = StringArray::from_iter_values(rows.clone().map(|row| batch.ticket.get(row)));
    let times = TimestampMillisecondArray::from(batch.at_ms[rows.clone()].to_vec()).with_timezone("UTC");
    let kinds = batch.kind[rows.clone()].iter().map(|kind| Some(*kind as i32));
    let states = batch.state[rows.clone()].iter().map(|state| state.map(|state| state as i32));
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("ticket", Arc::new(tickets)),
        ("at", Arc::new(times)),
        ("event", dictionary(kinds, &EventKind::ALL.map(EventKind::name))?),
        ("state", dictionary(states, &State::ALL.map(State::name))?),
    ];
    for column in Column::ALL {
        columns.push((column.name(), labels(batch.labels(column), part)?));
    }
    columns.push(("text", texts(batch, part)));
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
}

fn dictionary<T: AsRef<str>>(codes: impl Iterator<Item = Option<i32>>, labels: &[T]) -> Result<ArrayRef, ArrowError> {
    let labels = StringArray::from_iter_values(labels);
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(Int32Array::from_iter(codes), Arc::new(labels))?))
}

fn labels(labels: &Labels, part: &Part) -> Result<ArrayRef, ArrowError> {
    let codes = labels.codes[part.rows.clone()].iter();
    dictionary(codes.map(|code| (*code != NO_LABEL).then_some(*code as i32)), &labels.labels)
}

fn texts(batch: &Batch, part: &Part) -> ArrayRef {
    let text = |row| (!batch.text.is_empty()).then(|| batch.text.get(row)).filter(|text| !text.is_empty());
    Arc::new(StringArray::from_iter(part.rows.clone().map(text)))
}
