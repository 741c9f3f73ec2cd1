//! Queries escalation records: file after file, row group after row group, reading as little as the filter allows.

use super::error::HistoryError;
use super::escalations::records;
use super::files::{FileIndex, HistoryFile};
use super::writer::{SCHEMA_VERSION, SCHEMA_VERSION_KEY};
use crate::limits;
use crate::store::record::{EscalationFilter, EscalationRecord};
use crate::store::table::reader::{Rows, SchemaMismatch, guarded};
use crate::table::times;
use crate::time::DAY_MS;
use arrow::array::{BooleanArray, Datum, Scalar, StringArray, TimestampMillisecondArray, UInt8Array};
use arrow::compute::kernels::cmp::{eq, gt_eq, lt};
use arrow::compute::{and, concat_batches, or};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder, RowFilter,
    RowSelection, RowSelector,
};
use parquet::schema::types::SchemaDescriptor;
use std::fs::File;

/// The records found.
#[derive(Debug, Default)]
pub struct Page {
    pub records: Vec<EscalationRecord>,
    /// All records up to this number have been searched.
    pub up_to: u64,
    /// Records that cannot be read.
    pub gaps: Vec<Gap>,
}

/// Records in a file that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The file's day and name.
    pub file: String,
    /// The numbers of the first and the last missing record.
    pub from: u64,
    pub to: u64,
    pub reason: String,
}

/// Implements [`History::escalations_after`](super::History::escalations_after).
pub(super) fn escalations_after(
    shelf: &FileIndex,
    after: u64,
    filter: &EscalationFilter,
    limit: usize,
) -> Result<Page, HistoryError> {
    let limit = limit.min(limits::MAX_HISTORY_RECORDS);
    let found = Page { up_to: after, ..Page::default() };
    let mut query = Query { filter, found, limit, rows_left: limits::HISTORY_LOOK_ROWS };
    while !query.is_done()
        && let Some(file) = shelf.after(query.found.up_to)
    {
        // Later files may be of earlier days: the time may have been set back.
        let is_after = filter.until_ms.is_some_and(|until_ms| until_ms <= file.day_ms);
        if is_after || filter.since_ms.is_some_and(|since_ms| since_ms >= file.day_ms + DAY_MS) {
            query.found.up_to = file.last;
            continue;
        }
        match file.check().and_then(|()| query.at_file(&file)) {
            Ok(()) => {}
            Err(error) if error.is_of_the_file() => query.pass_over(&file, &error),
            Err(error) => return Err(error),
        }
    }
    Ok(query.found)
}

/// A query in progress.
struct Query<'a> {
    filter: &'a EscalationFilter,
    found: Page,
    limit: usize,
    rows_left: u64,
}

impl Query<'_> {
    fn is_done(&self) -> bool {
        self.found.records.len() >= self.limit || self.rows_left == 0
    }

    /// Skips a file that cannot be read.
    fn pass_over(&mut self, file: &HistoryFile, error: &HistoryError) {
        file.report(error);
        let day = file.path.parent().and_then(|day| day.file_name());
        let names = day.into_iter().chain(file.path.file_name());
        let (from, to) = (file.first.max(self.found.up_to + 1), file.last);
        self.found.gaps.push(Gap {
            file: names.map(|name| name.to_string_lossy()).collect::<Vec<_>>().join("/"),
            from,
            to,
            reason: error.to_string(),
        });
        self.found.up_to = to;
        self.rows_left = self.rows_left.saturating_sub(to - from + 1);
    }

    fn at_file(&mut self, file: &HistoryFile) -> Result<(), HistoryError> {
        let open = || File::open(&file.path).map_err(HistoryError::io(&file.path));
        let input = open()?;
        let mismatch = |error: &dyn std::fmt::Display| SchemaMismatch::new(&file.path, error);
        let metadata = guarded(&file.path, || {
            ArrowReaderMetadata::load(&input, ArrowReaderOptions::new()).map_err(|error| mismatch(&error))
        })?;
        check_version(file, &metadata)?;
        let rows: i64 = metadata.metadata().file_metadata().num_rows();
        if u64::try_from(rows) != Ok(file.last - file.first + 1) {
            return Err(
                mismatch(&format!("has {rows} rows, expected {} by its name", file.last - file.first + 1)).into()
            );
        }
        let mut first = file.first;
        for (group, about) in metadata.metadata().row_groups().iter().enumerate() {
            let end = first + about.num_rows().unsigned_abs();
            if end > self.found.up_to + 1 {
                let skip = (self.found.up_to + 1).saturating_sub(first);
                let query = (end - first - skip).min(self.rows_left);
                let input = open()?;
                let rows = guarded(&file.path, || {
                    let batch =
                        self.read(input, &metadata, group, skip..skip + query).map_err(|error| mismatch(&error))?;
                    records(&Rows::new(batch, &file.path))
                })?;
                self.rows_left -= query;
                self.found.records.extend(rows);
                // With `limit` records found, there may be more among the rows searched.
                let is_full = self.found.records.len() >= self.limit;
                let last_found = self.found.records.last().map(|record| record.sequence);
                self.found.up_to = last_found.filter(|_| is_full).unwrap_or(first + skip + query - 1);
                if self.is_done() {
                    return Ok(());
                }
            }
            first = end;
        }
        Ok(())
    }

    /// Reads the rows of a row group that match the filter, up to the number still wanted.
    fn read(
        &self,
        input: File,
        metadata: &ArrowReaderMetadata,
        group: usize,
        rows: std::ops::Range<u64>,
    ) -> Result<RecordBatch, ArrowError> {
        let selection = RowSelection::from(vec![
            RowSelector::skip(rows.start as usize),
            RowSelector::select((rows.end - rows.start) as usize),
        ]);
        let mut builder = ParquetRecordBatchReaderBuilder::new_with_metadata(input, metadata.clone())
            .with_row_groups(vec![group])
            .with_row_selection(selection)
            .with_limit(self.limit - self.found.records.len());
        if let Some(predicate) = predicate(self.filter, metadata.parquet_schema()) {
            builder = builder.with_row_filter(predicate);
        }
        let batches = builder.build()?.collect::<Result<Vec<_>, _>>()?;
        concat_batches(metadata.schema(), &batches)
    }
}

fn check_version(file: &HistoryFile, metadata: &ArrowReaderMetadata) -> Result<(), HistoryError> {
    let found = metadata.schema().metadata().get(SCHEMA_VERSION_KEY).cloned().unwrap_or_default();
    if found.parse::<u32>().is_ok_and(|version| version <= SCHEMA_VERSION) {
        return Ok(());
    }
    Err(HistoryError::Newer { path: file.path.clone(), found, known: SCHEMA_VERSION })
}

/// A condition on a column: it holds for one of the values.
struct Condition {
    column: &'static str,
    operator: fn(&dyn Datum, &dyn Datum) -> Result<BooleanArray, ArrowError>,
    values: Vec<Box<dyn Datum + Send>>,
}

/// The filter for the Parquet reader: columns of conditions are read first, the others only in matching rows.
fn predicate(filter: &EscalationFilter, schema: &SchemaDescriptor) -> Option<RowFilter> {
    let mut conditions: Vec<Condition> = Vec::new();
    let text = |text: &str| -> Box<dyn Datum + Send> { Box::new(Scalar::new(StringArray::from(vec![text]))) };
    if let Some(kind) = filter.kind {
        let values = kind.names().iter().map(|name| text(name)).collect();
        conditions.push(Condition { column: "kind", operator: eq, values });
    }
    let labels = filter.labels.iter().map(|(label, wanted)| (label.name(), wanted));
    for (column, label) in [("ticket", &filter.ticket), ("clock", &filter.clock)].into_iter().chain(labels) {
        if let Some(label) = label {
            conditions.push(Condition { column, operator: eq, values: vec![text(label)] });
        }
    }
    if let Some(level) = filter.level {
        let level = Box::new(Scalar::new(UInt8Array::from(vec![level])));
        conditions.push(Condition { column: "level", operator: eq, values: vec![level] });
    }
    let time = |at_ms: i64| -> Vec<Box<dyn Datum + Send>> {
        vec![Box::new(Scalar::new(times(TimestampMillisecondArray::from(vec![at_ms]))))]
    };
    if let Some(since_ms) = filter.since_ms {
        conditions.push(Condition { column: "recorded_at", operator: gt_eq, values: time(since_ms) });
    }
    if let Some(until_ms) = filter.until_ms {
        conditions.push(Condition { column: "recorded_at", operator: lt, values: time(until_ms) });
    }
    if conditions.is_empty() {
        return None;
    }
    let columns = ProjectionMask::columns(schema, conditions.iter().map(|condition| condition.column));
    let holds = move |rows: RecordBatch| -> Result<BooleanArray, ArrowError> {
        let mut holds = BooleanArray::from(vec![true; rows.num_rows()]);
        for condition in &conditions {
            let column = rows.column_by_name(condition.column);
            let column = column.ok_or_else(|| ArrowError::SchemaError(format!("no column {}", condition.column)))?;
            let mut any = BooleanArray::from(vec![false; rows.num_rows()]);
            for value in &condition.values {
                any = or(&any, &(condition.operator)(&column.as_ref() as &dyn Datum, value.as_ref())?)?;
            }
            holds = and(&holds, &any)?;
        }
        Ok(holds)
    };
    Some(RowFilter::new(vec![Box::new(ArrowPredicateFn::new(columns, holds))]))
}
