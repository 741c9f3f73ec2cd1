//! Decompression bombs: each ends soon, with an error or few rows, and takes little memory. One test, because memory is counted for
//! the whole process.

mod make;
#[path = "../support"]
mod support {
    pub mod memory;
    pub mod tables;
}

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use make::{Bomb, TEXT_ENCODINGS, bombs, codecs};
use overdue::ingest;
use overdue::ingest::{Budget, IngestError, Mapping, Options, Report, Source, TableBounds};
use overdue::ticket::Batch;
use parquet::file::properties::{WriterProperties, WriterVersion};
use std::fs;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use support::memory::memory_bytes;
use support::tables::parquet;

/// Memory for all tables together, the same as that of the service.
const BUDGET_BYTES: u64 = 1 << 30;

/// Memory that reading one bomb may take in addition.
const ALLOWED_BYTES: u64 = 400 << 20;

/// Events that one bomb may have.
const ALLOWED_EVENTS: u64 = 300_000;

fn read(
    bytes: Vec<u8>,
    name: &str,
    budget: &Arc<Budget>,
    on_batch: &mut dyn FnMut(Batch),
) -> Result<Report, IngestError> {
    let tables = TableBounds::shared(Arc::clone(budget));
    let options = Options { threads: 2, tables, ..Options::default() };
    let take = |batch| {
        on_batch(batch);
        ControlFlow::Continue(())
    };
    ingest::read([Source::stream(name, Cursor::new(bytes))], &Mapping::tickets(), &options, take, |_| Ok(()))
}

#[test]
fn bombs_take_little_memory() {
    let all = bombs();
    if let Some(folder) = std::env::var_os("OVERDUE_BOMBS_DIR") {
        let folder = Path::new(&folder);
        fs::create_dir_all(folder).unwrap();
        all.iter().for_each(|bomb| fs::write(folder.join(&bomb.name), &bomb.bytes).unwrap());
    }
    let budget = Arc::new(Budget::new(BUDGET_BYTES));
    for Bomb { name, bytes } in all {
        let length = bytes.len();
        // Resets the maximum memory of the process.
        fs::write("/proc/self/clear_refs", "5").unwrap();
        let before = memory_bytes("self", "VmRSS");
        let mut events = 0;
        let result = read(bytes, &name, &budget, &mut |batch| events += batch.len() as u64);
        let grown = memory_bytes("self", "VmHWM").saturating_sub(before);
        let outcome = match &result {
            Ok(report) => format!("{} rows, {} rejected", report.rows, report.rejected),
            Err(error) => error.to_string(),
        };
        println!("{name}: {length} bytes, {} MiB, {events} events: {outcome}", grown >> 20);
        assert!(grown < ALLOWED_BYTES, "{name}: {} MiB: {outcome}", grown >> 20);
        assert!(events <= ALLOWED_EVENTS, "{name}: {events} events");
        assert!(!matches!(result, Err(IngestError::Io { .. } | IngestError::Busy { .. })), "{name}: {outcome}");
        assert_eq!(budget.free(), BUDGET_BYTES, "{name}: memory is not released");
    }
    valid_tables_are_read(&budget);
    a_long_file_is_read();
}

/// A file with more rows than a stream may have.
fn a_long_file_is_read() {
    let rows = 400_000;
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows).map(|row| row * 7_919 % 1_000_003)));
    let opened: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..rows).map(|row| format!("2026-11-{:02}T{:02}:{:02}:{:02}Z", 1 + row % 28, row % 24, row % 60, row % 59)),
    ));
    let batch = RecordBatch::try_from_iter([("id", ids), ("opened_at", opened)]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let bytes = parquet(&batch, WriterProperties::default());
    fs::write(&path, &bytes).unwrap();
    let report = ingest::read(
        [Source::file(&path)],
        &Mapping::tickets(),
        &Options::default(),
        |_| ControlFlow::Continue(()),
        |_| Ok(()),
    );
    let report = report.unwrap();
    assert_eq!((report.rows, report.rejected, report.bytes), (rows as u64, 0, bytes.len() as u64));
}

/// Valid tables of each encoding and codec, within the same bounds.
fn valid_tables_are_read(budget: &Arc<Budget>) {
    let rows = 60_000_usize;
    let subject = |row: usize| format!("invoice {} of {:07}, {}", row % 100, row * 7, "text ".repeat(row % 9));
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows as i64));
    let opened: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..rows).map(|row| format!("2026-11-{:02}T{:02}:{:02}:00Z", 1 + row % 28, row % 24, row % 60)),
    ));
    let subjects: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(subject)));
    let batch = RecordBatch::try_from_iter([("id", ids), ("opened_at", opened), ("subject", subjects)]).unwrap();
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for (name, codec) in codecs() {
            for encoding in TEXT_ENCODINGS.map(Some).into_iter().chain([None]) {
                let mut properties = WriterProperties::builder().set_writer_version(version).set_compression(codec);
                if let Some(encoding) = encoding {
                    for column in ["opened_at", "subject"] {
                        properties = properties
                            .set_column_encoding(column.into(), encoding)
                            .set_column_dictionary_enabled(column.into(), false);
                    }
                }
                let bytes = parquet(&batch, properties.build());
                let what = format!("{version:?} {name} {encoding:?}");
                let (mut read_ids, mut texts) = (Vec::new(), Vec::new());
                let report = read(bytes, "a.parquet", budget, &mut |batch| {
                    for row in 0..batch.len() {
                        read_ids.push(batch.ticket.get(row).to_owned());
                        texts.push(batch.text.get(row).to_owned());
                    }
                });
                let report = report.unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!((report.rows, report.rejected, read_ids.len()), (rows as u64, 0, rows), "{what}");
                for row in (0..rows).step_by(977) {
                    assert_eq!(read_ids[row], row.to_string(), "{what}");
                    assert!(texts[row].contains(subject(row).trim_end()), "{what}: {:?}", texts[row]);
                }
            }
        }
    }
}
