//! A table of the rows of a window, with the labels of the engine.

use crate::engine::Engine;
use crate::table::{ColumnWriter, ColumnsError};
use arrow::record_batch::RecordBatch;

/// Rows with the labels of an engine.
pub(crate) fn table_of(
    engine: &Engine,
    write: impl FnOnce(&mut ColumnWriter<'_>),
) -> Result<RecordBatch, ColumnsError> {
    let labels = |kind, symbol| engine.labels_from(kind, symbol as usize).next().cloned();
    ColumnWriter::table(&labels, write)
}
