//! Writes a table column by column: each column is named once, with its values, and the schema follows from that.

use super::dictionary::{dictionary_field, labels_of_codes, labels_of_texts};
use crate::engine::{LabelKind, NO_SYMBOL, Symbol};
use crate::time::NEVER_MS;
use arrow::array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray, StringArray, TimestampMillisecondArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use std::sync::Arc;
use thiserror::Error;

/// Why columns do not make a table.
#[derive(Debug, Error)]
pub enum ColumnsError {
    #[error("symbol {number} of the column {column} has no label")]
    UnknownSymbol { column: &'static str, number: Symbol },
    #[error("cannot combine columns: {0}")]
    Arrow(#[from] ArrowError),
}

/// The labels of symbols.
pub type Labels<'a> = dyn Fn(LabelKind, Symbol) -> Option<Arc<str>> + 'a;

/// The columns of a table, in order. A table of no rows has the same schema as any other.
pub struct ColumnWriter<'a> {
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
    labels: &'a Labels<'a>,
    unknown: Option<(LabelKind, Symbol)>,
}

impl<'a> ColumnWriter<'a> {
    pub fn new(labels: &'a Labels<'a>) -> Self {
        Self { fields: Vec::new(), arrays: Vec::new(), labels, unknown: None }
    }

    /// The rows that `write` adds the columns of.
    ///
    /// # Errors
    /// As [`ColumnWriter::finish`].
    pub fn table(labels: &'a Labels<'a>, write: impl FnOnce(&mut Self)) -> Result<RecordBatch, ColumnsError> {
        let mut table = Self::new(labels);
        write(&mut table);
        table.finish()
    }

    /// The schema of the table that `write` adds the columns of; there are no labels.
    ///
    /// # Errors
    /// As [`ColumnWriter::finish`].
    pub fn schema(write: impl FnOnce(&mut ColumnWriter<'_>)) -> Result<SchemaRef, ColumnsError> {
        ColumnWriter::table(&|_, _| None, write).map(|rows| rows.schema())
    }

    /// A column of any type.
    pub fn add(&mut self, field: Field, array: ArrayRef) {
        self.fields.push(field);
        self.arrays.push(array);
    }

    pub fn numbers<T: ArrowPrimitiveType>(&mut self, name: &str, values: Vec<T::Native>) {
        let array = PrimitiveArray::<T>::new(values.into(), None);
        self.add(Field::new(name, T::DATA_TYPE, false), Arc::new(array));
    }

    pub fn texts<S: AsRef<str>>(&mut self, name: &str, values: impl Iterator<Item = S>) {
        self.add(Field::new(name, DataType::Utf8, false), Arc::new(StringArray::from_iter_values(values)));
    }

    /// Instants, one in every row.
    pub fn times(&mut self, name: &str, at_ms: Vec<i64>) {
        self.add(time_field(name, false), times(at_ms.into()));
    }

    /// Instants; one that never happens is empty.
    pub fn times_or_never(&mut self, name: &str, at_ms: impl Iterator<Item = i64>) {
        let at_ms = at_ms.map(|at_ms| (at_ms < NEVER_MS).then_some(at_ms));
        self.add(time_field(name, true), times(at_ms.collect()));
    }

    /// Repeated labels.
    pub fn labels<'l>(&mut self, name: &str, labels: impl Iterator<Item = Option<&'l str>>) {
        self.add(dictionary_field(name), labels_of_texts(labels));
    }

    /// The labels of symbols, empty for [`NO_SYMBOL`]. The column has the name of their kind.
    pub fn symbols(&mut self, kind: LabelKind, symbols: impl Iterator<Item = Symbol>) {
        let codes = symbols.map(|symbol| (symbol != NO_SYMBOL).then_some(symbol));
        let array = labels_of_codes(codes, |symbol| self.label(kind, symbol));
        self.add(dictionary_field(kind.name()), array);
    }

    /// A label that must exist: without it there is no table.
    pub fn label(&mut self, kind: LabelKind, symbol: Symbol) -> Arc<str> {
        (self.labels)(kind, symbol).unwrap_or_else(|| {
            self.unknown = Some((kind, symbol));
            "".into()
        })
    }

    /// The rows.
    ///
    /// # Errors
    /// [`ColumnsError`] when a symbol has no label, or the columns differ in length.
    pub fn finish(self) -> Result<RecordBatch, ColumnsError> {
        if let Some((kind, number)) = self.unknown {
            return Err(ColumnsError::UnknownSymbol { column: kind.name(), number });
        }
        Ok(RecordBatch::try_new(Arc::new(Schema::new(self.fields)), self.arrays)?)
    }
}

/// Instants in UTC.
pub fn times(at_ms: TimestampMillisecondArray) -> ArrayRef {
    Arc::new(at_ms.with_timezone("UTC"))
}

/// A column of instants; `nullable` if rows may have none.
pub fn time_field(name: &str, nullable: bool) -> Field {
    Field::new(name, DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())), nullable)
}
