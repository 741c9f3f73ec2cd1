//! Adds blocks to the files of one kind of record: skips existing records, splits by day, publishes files.

use super::error::HistoryError;
use super::files::{FileIndex, HistoryFile};
use crate::atomic_file::Staged;
use crate::engine::{NO_SYMBOL, Symbol};
use crate::limits;
use crate::store::epochs::Epoch;
use crate::store::record::{LabelKind, LabelTable};
use crate::store::table::checksum;
use crate::store::table::writer::{TableFile, Written};
use crate::table::{DictionaryColumn, Texts};
use crate::time::DAY_MS;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

/// The version of the tables of the history, and the key of the version in each file.
pub const SCHEMA_VERSION: u32 = 1;
pub const SCHEMA_VERSION_KEY: &str = "overdue_schema_version";

/// Rows of one kind of record, column by column.
pub trait RecordTable: Default {
    type Block;

    fn fields() -> Vec<Field>;
    fn first_sequence(block: &Self::Block) -> u64;
    fn recorded_ms(block: &Self::Block) -> i64;
    fn rows_of(block: &Self::Block) -> usize;
    fn names(block: &Self::Block) -> &Arc<LabelTable>;
    fn push(&mut self, block: &Self::Block, row: usize, labels: &mut LabelsOf<'_>);
    /// The rows so far; the table is empty afterwards.
    fn finish(&mut self, schema: SchemaRef) -> Result<RecordBatch, ArrowError>;
}

/// The labels of a row, and whether all were known.
pub struct LabelsOf<'a> {
    pub names: &'a LabelTable,
    unknown: Option<(LabelKind, Symbol)>,
}

impl LabelsOf<'_> {
    pub fn push(&mut self, to: &mut DictionaryColumn, column: LabelKind, symbol: Symbol) {
        to.push((symbol != NO_SYMBOL).then_some(symbol), |symbol| self.label(column, symbol));
    }

    /// A label that must exist.
    pub fn label(&mut self, column: LabelKind, symbol: Symbol) -> Arc<str> {
        self.names.label(column, symbol).unwrap_or_else(|| {
            self.unknown = Some((column, symbol));
            "".into()
        })
    }
}

/// Adds blocks, in order.
pub fn add<T: RecordTable>(
    shelf: &FileIndex,
    blocks: &[Arc<T::Block>],
    epoch: Option<Epoch>,
) -> Result<(), HistoryError> {
    let _alone = shelf.writing.lock().unwrap_or_else(PoisonError::into_inner);
    let metadata = HashMap::from([(SCHEMA_VERSION_KEY.to_owned(), SCHEMA_VERSION.to_string())]);
    let schema: SchemaRef = Arc::new(Schema::new_with_metadata(T::fields(), metadata));
    let mut next = shelf.last() + 1;
    let mut file: Option<DayFile<T>> = None;
    for block in blocks {
        let (first, rows) = (T::first_sequence(block), T::rows_of(block));
        if rows > 0 && first > next {
            return Err(HistoryError::Gap { path: shelf.folder().to_owned(), expected: next, found: first });
        }
        let day_ms = T::recorded_ms(block).div_euclid(DAY_MS) * DAY_MS;
        for row in (next - first.min(next)).min(rows as u64) as usize..rows {
            if let Some(full) = file.take_if(|file| file.day_ms != day_ms || file.rows() >= limits::HISTORY_FILE_ROWS) {
                full.publish(shelf, epoch)?;
            }
            let open = match &mut file {
                Some(open) => open,
                None => file.insert(DayFile::create(shelf, day_ms, next, Arc::clone(&schema))?),
            };
            open.push(block, row)?;
            next += 1;
        }
    }
    file.map_or(Ok(()), |file| file.publish(shelf, epoch))
}

/// Records of one day, to be written to a file.
struct DayFile<T: RecordTable> {
    day_ms: i64,
    first: u64,
    staged: Staged,
    table: TableFile,
    schema: SchemaRef,
    rows: T,
    waiting: usize,
    /// The label table of the last row.
    names: Option<Arc<LabelTable>>,
}

impl<T: RecordTable> DayFile<T> {
    fn create(shelf: &FileIndex, day_ms: i64, first: u64, schema: SchemaRef) -> Result<Self, HistoryError> {
        // Its final name is known once all of it is written.
        let path = shelf.day(day_ms)?.join(first.to_string());
        let (staged, file) = Staged::create(&path).map_err(HistoryError::io(&path))?;
        let table = TableFile::begin(file, staged.partial(), Arc::clone(&schema), Texts::Prefixed)?;
        Ok(Self { day_ms, first, staged, table, schema, rows: T::default(), waiting: 0, names: None })
    }

    fn rows(&self) -> usize {
        self.table.rows() as usize + self.waiting
    }

    fn push(&mut self, block: &T::Block, row: usize) -> Result<(), HistoryError> {
        let names = T::names(block);
        // Waiting rows are coded by symbols, which have another meaning from here on.
        if self.names.as_ref().is_some_and(|before| !Arc::ptr_eq(before, names)) && self.waiting > 0 {
            self.flush()?;
        }
        self.names = Some(Arc::clone(names));
        let mut labels = LabelsOf { names, unknown: None };
        self.rows.push(block, row, &mut labels);
        self.waiting += 1;
        if let Some((column, number)) = labels.unknown {
            return Err(HistoryError::UnknownSymbol { column: column.name(), number });
        }
        if self.waiting == limits::HISTORY_GROUP_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), HistoryError> {
        let rows = self.rows.finish(Arc::clone(&self.schema))?;
        self.table.add(&rows)?;
        self.waiting = 0;
        Ok(())
    }

    fn publish(mut self, shelf: &FileIndex, epoch: Option<Epoch>) -> Result<(), HistoryError> {
        if self.waiting > 0 {
            self.flush()?;
        }
        let written = self.table.finish()?;
        let numbers = (self.first, self.first + written.rows - 1);
        shelf.add(publish(self.staged, self.day_ms, numbers, written, epoch)?);
        Ok(())
    }
}

/// Publishes a file once its bytes have been read again.
pub fn publish(
    mut staged: Staged,
    day_ms: i64,
    (first, last): (u64, u64),
    written: Written,
    epoch: Option<Epoch>,
) -> Result<HistoryFile, HistoryError> {
    let name = HistoryFile::name(first, last, written.crc32c, epoch);
    let path = staged.partial().with_file_name(&name);
    staged.rename_to(&name);
    staged.publish_checked(|partial| {
        let found = checksum::of_file(partial)?;
        let expected = written.crc32c;
        let damaged = || HistoryError::Damaged { path: partial.to_owned(), expected, found };
        if found == expected { Ok(()) } else { Err(damaged()) }
    })?;
    Ok(HistoryFile::new(path, day_ms, (first, last), written.crc32c, epoch))
}
