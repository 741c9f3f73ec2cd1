//! Adds blocks to the files of one kind of record: skips existing records, splits by day, publishes files.

use super::error::HistoryError;
use super::files::{FileIndex, HistoryFile};
use crate::atomic_file::Staged;
use crate::limits;
use crate::store::epochs::Epoch;
use crate::store::record::LabelTable;
use crate::store::table::checksum;
use crate::store::table::writer::{TableFile, Written};
use crate::table::{ColumnWriter, ColumnsError, Texts};
use crate::time::DAY_MS;
use arrow::datatypes::{Schema, SchemaRef, UInt64Type};
use std::collections::HashMap;
use std::sync::Arc;

/// The version of the tables of the history, and the key of the version in each file.
pub(super) const SCHEMA_VERSION: u32 = 1;
pub(super) const SCHEMA_VERSION_KEY: &str = "overdue_schema_version";

/// The records of one group, of one kind.
pub(super) trait RecordBlock {
    fn first_sequence(&self) -> u64;
    /// The time of its group, which selects the day's file.
    fn recorded_ms(&self) -> i64;
    /// When a row was recorded: within the second of the group.
    fn recorded_at_ms(&self, row: usize) -> i64;
    fn rows(&self) -> usize;
    fn names(&self) -> &Arc<LabelTable>;
    /// Adds the columns that the history and a replay have in common.
    fn write(rows: &[RowOf<Self>], table: &mut ColumnWriter<'_>);
}

/// A row of a block.
pub(super) type RowOf<B> = (Arc<B>, usize);

/// Adds the columns of numbered records.
fn write<B: RecordBlock>(rows: &[RowOf<B>], table: &mut ColumnWriter<'_>) {
    let sequences = rows.iter().map(|(block, row)| block.first_sequence() + *row as u64);
    table.numbers::<UInt64Type>("sequence", sequences.collect());
    table.times_or_never("recorded_at", rows.iter().map(|(block, row)| block.recorded_at_ms(*row)));
    B::write(rows, table);
}

/// Adds blocks, in order.
pub(super) fn add<B: RecordBlock>(
    shelf: &FileIndex,
    blocks: &[Arc<B>],
    epoch: Option<Epoch>,
) -> Result<(), HistoryError> {
    let _alone = shelf.writing.lock();
    let metadata = HashMap::from([(SCHEMA_VERSION_KEY.to_owned(), SCHEMA_VERSION.to_string())]);
    let schema = ColumnWriter::schema(|table| write::<B>(&[], table))?;
    let schema: SchemaRef = Arc::new(Schema::new_with_metadata(schema.fields().clone(), metadata));
    let mut next = shelf.last() + 1;
    let mut file: Option<DayFile<B>> = None;
    for block in blocks {
        let (first, rows) = (block.first_sequence(), block.rows());
        if rows > 0 && first > next {
            return Err(HistoryError::Gap { path: shelf.folder().to_owned(), expected: next, found: first });
        }
        let day_ms = block.recorded_ms().div_euclid(DAY_MS) * DAY_MS;
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
struct DayFile<B> {
    day_ms: i64,
    first: u64,
    staged: Staged,
    table: TableFile,
    schema: SchemaRef,
    /// Rows to be written, all with the same label table.
    waiting: Vec<RowOf<B>>,
}

impl<B: RecordBlock> DayFile<B> {
    fn create(shelf: &FileIndex, day_ms: i64, first: u64, schema: SchemaRef) -> Result<Self, HistoryError> {
        // Its final name is known once all of it is written.
        let path = shelf.day(day_ms)?.join(first.to_string());
        let (staged, file) = Staged::create(&path).map_err(HistoryError::io(&path))?;
        let table = TableFile::begin(file, staged.partial(), Arc::clone(&schema), Texts::Prefixed)?;
        Ok(Self { day_ms, first, staged, table, schema, waiting: Vec::new() })
    }

    fn rows(&self) -> usize {
        self.table.rows() as usize + self.waiting.len()
    }

    fn push(&mut self, block: &Arc<B>, row: usize) -> Result<(), HistoryError> {
        // Symbols have another meaning with another label table.
        if self.waiting.last().is_some_and(|(before, _)| !Arc::ptr_eq(before.names(), block.names())) {
            self.flush()?;
        }
        self.waiting.push((Arc::clone(block), row));
        if self.waiting.len() == limits::HISTORY_GROUP_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), HistoryError> {
        if let Some((block, _)) = self.waiting.last() {
            let names = block.names();
            let rows =
                ColumnWriter::table(&|kind, symbol| names.label(kind, symbol), |table| write(&self.waiting, table))?;
            self.table.add(&rows.with_schema(Arc::clone(&self.schema)).map_err(ColumnsError::from)?)?;
            self.waiting.clear();
        }
        Ok(())
    }

    fn publish(mut self, shelf: &FileIndex, epoch: Option<Epoch>) -> Result<(), HistoryError> {
        self.flush()?;
        let written = self.table.finish()?;
        let numbers = (self.first, self.first + written.rows - 1);
        shelf.add(publish(self.staged, self.day_ms, numbers, written, epoch)?);
        Ok(())
    }
}

/// Publishes a file once its bytes have been read again.
pub(super) fn publish(
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
