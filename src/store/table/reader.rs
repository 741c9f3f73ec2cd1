//! Reads the rows of our tables: columns by their names, with their types checked.

use crate::engine::{NO_SYMBOL, Symbol};
use crate::ticket::Texts;
use crate::time::NEVER_MS;
use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringArray};
use arrow::datatypes::{ArrowPrimitiveType, Int32Type, TimestampMillisecondType};
use arrow::record_batch::RecordBatch;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A table with another schema than the one we write.
#[derive(Debug, Error)]
#[error("{path}: {reason}")]
pub struct SchemaMismatch {
    pub path: PathBuf,
    pub reason: String,
}

impl SchemaMismatch {
    pub fn new(path: &Path, reason: impl ToString) -> Self {
        Self { path: path.to_owned(), reason: reason.to_string() }
    }
}

/// Contains a panic of the Parquet reader. Files are verified before, so this is the last line of defence.
///
/// # Errors
/// Those of `work`, and one when it panics.
pub(crate) fn guarded<T>(path: &Path, work: impl FnOnce() -> Result<T, SchemaMismatch>) -> Result<T, SchemaMismatch> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(SchemaMismatch::new(path, "the Parquet reader panicked")))
}

/// Rows of a table.
pub(crate) struct Rows<'a> {
    batch: RecordBatch,
    path: &'a Path,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(batch: RecordBatch, path: &'a Path) -> Self {
        Self { batch, path }
    }

    pub(crate) fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// An error about a column.
    pub(crate) fn mismatch(&self, name: &str, reason: &str) -> SchemaMismatch {
        SchemaMismatch::new(self.path, format!("column {name}: {reason}"))
    }

    /// Whether there is such a column: files of earlier releases lack the newer ones.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.batch.column_by_name(name).is_some()
    }

    fn column(&self, name: &str) -> Result<&ArrayRef, SchemaMismatch> {
        self.batch.column_by_name(name).ok_or_else(|| self.mismatch(name, "is missing"))
    }

    fn typed<'c, T: Array>(
        &'c self,
        name: &str,
        typed: impl Fn(&'c ArrayRef) -> Option<&'c T>,
    ) -> Result<&'c T, SchemaMismatch> {
        let column = self.column(name)?;
        typed(column).ok_or_else(|| self.mismatch(name, &format!("has the type {}", column.data_type())))
    }

    fn full<'c, T: Array>(
        &'c self,
        name: &str,
        typed: impl Fn(&'c ArrayRef) -> Option<&'c T>,
    ) -> Result<&'c T, SchemaMismatch> {
        let column = self.typed(name, typed)?;
        if column.null_count() > 0 { Err(self.mismatch(name, "has empty rows")) } else { Ok(column) }
    }

    /// A column of numbers or times, without empty rows.
    pub(crate) fn numbers<T: ArrowPrimitiveType>(&self, name: &str) -> Result<Vec<T::Native>, SchemaMismatch> {
        self.full(name, |column| column.as_primitive_opt::<T>()).map(|column| column.values().to_vec())
    }

    /// A column of times, without empty rows.
    pub(crate) fn times(&self, name: &str) -> Result<Vec<i64>, SchemaMismatch> {
        self.numbers::<TimestampMillisecondType>(name)
    }

    /// A column of times; [`NEVER_MS`] in empty rows.
    pub(crate) fn times_or_never(&self, name: &str) -> Result<Vec<i64>, SchemaMismatch> {
        let column = self.typed(name, |column| column.as_primitive_opt::<TimestampMillisecondType>())?;
        Ok(match column.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => column.values().to_vec(),
            Some(nulls) => {
                let pairs = column.values().iter().zip(nulls.iter());
                pairs.map(|(at_ms, is_there)| if is_there { *at_ms } else { NEVER_MS }).collect()
            }
        })
    }

    pub(crate) fn flags(&self, name: &str) -> Result<Vec<bool>, SchemaMismatch> {
        self.full(name, |column| column.as_boolean_opt()).map(|column| column.values().iter().collect())
    }

    pub(crate) fn strings(&self, name: &str) -> Result<&StringArray, SchemaMismatch> {
        self.full(name, |column| column.as_string_opt::<i32>())
    }

    /// A column of texts that may be empty.
    pub(crate) fn optional_strings(&self, name: &str) -> Result<&StringArray, SchemaMismatch> {
        self.typed(name, |column| column.as_string_opt::<i32>())
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Texts, SchemaMismatch> {
        let mut texts = Texts::default();
        self.strings(name)?.iter().flatten().for_each(|text| texts.push(text));
        Ok(texts)
    }

    /// A column of flags that may be empty.
    pub(crate) fn optional_flags(&self, name: &str) -> Result<Vec<Option<bool>>, SchemaMismatch> {
        self.typed(name, |column| column.as_boolean_opt()).map(|column| column.iter().collect())
    }

    /// A column of lists that may be empty.
    pub(crate) fn optional_lists(&self, name: &str) -> Result<&ListArray, SchemaMismatch> {
        self.typed(name, |column| column.as_list_opt::<i32>())
    }

    pub(crate) fn lists(&self, name: &str) -> Result<&ListArray, SchemaMismatch> {
        self.full(name, |column| column.as_list_opt::<i32>())
    }

    /// A column of labels, each mapped by `known`; `none` in empty rows.
    pub(crate) fn labels_or<T: Clone>(
        &self,
        name: &str,
        none: T,
        known: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, SchemaMismatch> {
        let column = self.typed(name, |column| column.as_dictionary_opt::<Int32Type>())?;
        let Some(labels) = column.values().as_string_opt::<i32>() else {
            return Err(self.mismatch(name, "is not a column of labels"));
        };
        // A writer may have listed labels that no row has; an unknown one matters only where it is used.
        let known: Vec<Option<T>> = labels.iter().map(|label| label.and_then(&known)).collect();
        let keys = column.keys();
        let one = |key: i32| known.get(key as usize).cloned().flatten();
        let values: Option<Vec<T>> = match keys.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => keys.values().iter().map(|key| one(*key)).collect(),
            Some(nulls) => {
                let pairs = keys.values().iter().zip(nulls.iter());
                pairs.map(|(key, is_there)| if is_there { one(*key) } else { Some(none.clone()) }).collect()
            }
        };
        values.ok_or_else(|| {
            let unknown = labels.iter().flatten().zip(&known).find(|(_, known)| known.is_none());
            self.mismatch(name, &format!("unknown value {:?}", unknown.map_or("", |(label, _)| label)))
        })
    }

    /// A column of labels, without empty rows.
    pub(crate) fn labels<T: Clone>(
        &self,
        name: &str,
        known: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, SchemaMismatch> {
        let labels = self.labels_or(name, None, |label| known(label).map(Some))?;
        labels.into_iter().collect::<Option<Vec<T>>>().ok_or_else(|| self.mismatch(name, "has empty rows"))
    }

    /// A column of labels as symbols.
    pub(crate) fn symbols(
        &self,
        name: &str,
        number: impl Fn(&str) -> Option<Symbol>,
    ) -> Result<Vec<Symbol>, SchemaMismatch> {
        self.labels_or(name, NO_SYMBOL, number)
    }
}
