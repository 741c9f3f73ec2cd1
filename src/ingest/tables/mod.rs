//! Converts Arrow record batches to our batches; shared by Parquet and Arrow IPC.

pub(crate) mod arrow_ipc;
pub(crate) mod memory;
pub(crate) mod parquet;
mod parquet_pages;
mod thrift;

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, LargeStringArray, RecordBatch, StringArray,
    StringViewArray, StructArray, UInt64Array, make_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Fields, Schema, TimeUnit};
use arrow::error::ArrowError;

use super::mapping::{Mapping, columns};
use super::pipeline::{Parsed, Rejected, Results};
use super::rows::cell::Cell;
use super::rows::values::FieldError;
use super::rows::{Outcome, RowWriter};

/// Rows that are read before the results are passed on.
const ROWS_A_PIECE: usize = 8_192;

/// The mapping's columns in a schema: the path of each through structures.
#[derive(Debug)]
pub(crate) struct Plan {
    paths: Vec<Option<Vec<usize>>>,
}

impl Plan {
    pub(super) fn new(schema: &Schema, mapping: &Mapping) -> Result<Self, String> {
        let (mut names, mut paths, mut types) = (Vec::new(), Vec::new(), Vec::new());
        flatten(schema.fields(), "", &[], &mut |name, path, data_type| {
            names.push(name);
            paths.push(path);
            types.push(data_type.clone());
        });
        let found = columns::find(&names, mapping)?;
        for column in mapping.times() {
            if let Some(place) = found[column.input]
                && column.writing.zone.is_none()
                && is_local_time(&types[place])
            {
                return Err(format!(
                    "has local times in the column {:?}, without a zone: name their zone in the mapping, as in [time] zone = \
                     \"Europe/Oslo\", or write them with one",
                    names[place]
                ));
            }
        }
        Ok(Self { paths: found.into_iter().map(|place| place.map(|place| paths[place].clone())).collect() })
    }

    /// The columns of the schema that are read, in order.
    pub(super) fn roots(&self) -> Vec<usize> {
        let mut roots: Vec<usize> = self.paths.iter().flatten().filter_map(|path| path.first().copied()).collect();
        roots.sort_unstable();
        roots.dedup();
        roots
    }
}

/// Whether the values of a type are what a wall clock shows.
fn is_local_time(data_type: &DataType) -> bool {
    match data_type {
        DataType::Timestamp(_, zone) => zone.is_none(),
        DataType::Date32 | DataType::Date64 => true,
        DataType::Dictionary(_, values) => is_local_time(values),
        _ => false,
    }
}

fn flatten(fields: &Fields, before: &str, path: &[usize], add: &mut impl FnMut(String, Vec<usize>, &DataType)) {
    for (index, field) in fields.iter().enumerate() {
        let name = format!("{before}{}", field.name());
        let path: Vec<usize> = path.iter().copied().chain([index]).collect();
        if let DataType::Struct(inner) = field.data_type() {
            flatten(inner, &format!("{name}."), &path, add);
        }
        add(name, path, field.data_type());
    }
}

/// Reads the rows of a record batch, whose first row has the number `first_row` (from 0).
pub(crate) fn parse(
    table: &RecordBatch,
    first_row: u64,
    plan: &Plan,
    mapping: &Mapping,
    writer: &mut RowWriter<'_>,
    results: &Results,
) -> Result<ControlFlow<()>, ArrowError> {
    let arrays = plan
        .paths
        .iter()
        .map(|path| path.as_ref().map(|path| descend(table, path).and_then(|array| plain(&array))).transpose())
        .collect::<Result<Vec<_>, _>>()?;
    let readers: Vec<Reader<'_>> =
        arrays.iter().map(|array| array.as_ref().map_or(Reader::Missing, Reader::new)).collect();
    let mut cells = vec![Cell::Null; readers.len()];
    let mut parsed = Parsed::default();
    for row in 0..table.num_rows() {
        for (cell, reader) in cells.iter_mut().zip(&readers) {
            *cell = reader.cell(row);
        }
        parsed.rows += 1;
        writer.at_line(first_row + row as u64 + 1);
        match writer.push(&cells) {
            Ok(Outcome::Read) => {}
            Ok(Outcome::Skipped) => parsed.skipped += 1,
            Err(FieldError { input, value, reason }) => {
                let column = input.map(|input| mapping.inputs[input].name.clone()).unwrap_or_default();
                parsed.rejects.push(Rejected { line: first_row + row as u64 + 1, column, value, reason });
            }
        }
        // Full batches are passed on at once: each may have long texts.
        if writer.has_full() || row % ROWS_A_PIECE == ROWS_A_PIECE - 1 {
            parsed.batches = writer.take_full();
            if results.put(std::mem::take(&mut parsed)).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
    }
    parsed.batches = writer.take_full();
    Ok(results.put(parsed))
}

/// The array at the end of a path; a null on the path is a null there.
fn descend(table: &RecordBatch, path: &[usize]) -> Result<ArrayRef, ArrowError> {
    let mut array: ArrayRef = Arc::clone(table.column(path[0]));
    for index in &path[1..] {
        let Some(structure) = array.as_any().downcast_ref::<StructArray>() else { break };
        let inner = structure.column(*index);
        let nulls = NullBuffer::union(structure.nulls(), inner.nulls());
        array = make_array(inner.to_data().into_builder().nulls(nulls).build()?);
    }
    Ok(array)
}

/// An array in one of the few types that [`Reader`] reads.
fn plain(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let wanted = match array.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Boolean | DataType::Null => None,
        DataType::Int64 | DataType::UInt64 | DataType::Float64 => None,
        DataType::Struct(_) | DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => None,
        DataType::Map(..) | DataType::Union(..) | DataType::ListView(_) | DataType::LargeListView(_) => None,
        DataType::RunEndEncoded(..) => None,
        DataType::Timestamp(TimeUnit::Millisecond, _) | DataType::Date64 => None,
        DataType::Int8 | DataType::Int16 | DataType::Int32 => Some(DataType::Int64),
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => Some(DataType::UInt64),
        DataType::Float16 | DataType::Float32 => Some(DataType::Float64),
        DataType::Timestamp(_, zone) => Some(DataType::Timestamp(TimeUnit::Millisecond, zone.clone())),
        DataType::Date32 => Some(DataType::Date64),
        // A view shares the dictionary's texts; any other type would copy one for each row.
        DataType::Dictionary(_, inner)
            if matches!(**inner, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) =>
        {
            Some(DataType::Utf8View)
        }
        // Numbers and times; any other value could be long, and would be copied for each row.
        DataType::Dictionary(_, inner) if inner.is_primitive() => return plain(&cast(array, inner)?),
        DataType::Dictionary(..) => None,
        _ => Some(DataType::Utf8View),
    };
    match wanted {
        Some(wanted) => cast(array, &wanted),
        None => Ok(Arc::clone(array)),
    }
}

/// Reads one column's values.
enum Reader<'a> {
    Missing,
    Text(&'a StringArray),
    LargeText(&'a LargeStringArray),
    ViewText(&'a StringViewArray),
    Integer(&'a Int64Array),
    Unsigned(&'a UInt64Array),
    Float(&'a Float64Array),
    Bool(&'a BooleanArray),
    Millis { values: &'a [i64], nulls: Option<&'a NullBuffer>, zoned: bool },
    Other,
}

impl<'a> Reader<'a> {
    fn new(array: &'a ArrayRef) -> Self {
        use arrow::array::AsArray;
        use arrow::datatypes::{Date64Type, TimestampMillisecondType};
        match array.data_type() {
            DataType::Null => Self::Missing,
            DataType::Utf8 => Self::Text(array.as_string()),
            DataType::LargeUtf8 => Self::LargeText(array.as_string()),
            DataType::Utf8View => Self::ViewText(array.as_string_view()),
            DataType::Int64 => Self::Integer(array.as_primitive()),
            DataType::UInt64 => Self::Unsigned(array.as_primitive()),
            DataType::Float64 => Self::Float(array.as_primitive()),
            DataType::Boolean => Self::Bool(array.as_boolean()),
            DataType::Timestamp(TimeUnit::Millisecond, zone) => {
                let values = array.as_primitive::<TimestampMillisecondType>().values();
                Self::Millis { values, nulls: array.nulls(), zoned: zone.is_some() }
            }
            DataType::Date64 => {
                let values = array.as_primitive::<Date64Type>().values();
                Self::Millis { values, nulls: array.nulls(), zoned: false }
            }
            _ => Self::Other,
        }
    }

    fn cell(&self, row: usize) -> Cell<'a> {
        match self {
            Self::Missing => Cell::Null,
            Self::Text(array) if array.is_valid(row) => Cell::Text(Cow::Borrowed(array.value(row))),
            Self::LargeText(array) if array.is_valid(row) => Cell::Text(Cow::Borrowed(array.value(row))),
            Self::ViewText(array) if array.is_valid(row) => Cell::Text(Cow::Borrowed(array.value(row))),
            Self::Integer(array) if array.is_valid(row) => Cell::Integer(array.value(row)),
            Self::Unsigned(array) if array.is_valid(row) => Cell::Unsigned(array.value(row)),
            Self::Float(array) if array.is_valid(row) && !array.value(row).is_nan() => Cell::Float(array.value(row)),
            Self::Bool(array) if array.is_valid(row) => Cell::Bool(array.value(row)),
            Self::Millis { values, nulls, zoned } if nulls.is_none_or(|nulls| nulls.is_valid(row)) => {
                if *zoned {
                    Cell::Instant(values[row])
                } else {
                    Cell::Local(values[row])
                }
            }
            Self::Other => Cell::Other("a list or structure"),
            _ => Cell::Null,
        }
    }
}
