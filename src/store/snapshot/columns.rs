//! Builds the columns of a snapshot's tables from the engine's columns.

use super::error::SnapshotError;
use crate::engine::{NO_SYMBOL, Symbol};
use crate::store::record::{LabelKind, LabelTable};
use crate::table::{labels_of_codes, times as times_of};
use crate::ticket::Texts;
use arrow::array::{ArrayRef, DictionaryArray, Int32Array, StringArray, TimestampMillisecondArray};
use arrow::datatypes::Int32Type;
use std::sync::Arc;

/// A column of texts.
pub fn texts(texts: &Texts) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(texts.iter()))
}

/// The ticket of each row, by its row among the tickets.
pub fn tickets_of(rows: &[u32], tickets: &Texts) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(rows.iter().map(|row| tickets.get(*row as usize))))
}

/// A column of labels.
///
/// # Errors
/// [`SnapshotError::UnknownSymbol`] for a symbol that `names` does not have.
pub fn labels(column: LabelKind, symbols: &[Symbol], names: &LabelTable) -> Result<ArrayRef, SnapshotError> {
    let mut unknown = None;
    let codes = symbols.iter().map(|symbol| (*symbol != NO_SYMBOL).then_some(*symbol));
    let labels = labels_of_codes(codes, |number| {
        names.label(column, number).unwrap_or_else(|| {
            unknown = Some(number);
            "".into()
        })
    });
    match unknown {
        None => Ok(labels),
        Some(number) => Err(SnapshotError::UnknownSymbol { column: column.name(), number }),
    }
}

/// A column of labels from a fixed list, by their places in it.
pub fn chosen<'a>(places: impl Iterator<Item = Option<usize>>, list: impl Iterator<Item = &'a str>) -> ArrayRef {
    let places: Int32Array = places.map(|place| place.map(|place| place as i32)).collect();
    Arc::new(DictionaryArray::<Int32Type>::new(places, Arc::new(StringArray::from_iter_values(list))))
}

/// A column of instants, without empty rows.
pub fn times(at_ms: &[i64]) -> ArrayRef {
    times_of(TimestampMillisecondArray::from(at_ms.to_vec()))
}

/// A column of instants that may be empty.
pub fn times_or_none(at_ms: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    times_of(at_ms.collect())
}
