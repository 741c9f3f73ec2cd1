//! Bodies and exports in every format, plain and packed.
//!
//! Whatever the block size and the threads, the same rows come out, are rejected or skipped, and they are all the rows. Text reads
//! the same packed and plain.

use flate2::Compression;
use flate2::write::GzEncoder;
use overdue::ingest;
use overdue::ingest::{Format, IngestError, Mapping, Options, RowError, Source};
use overdue::ticket::{Batch, Column};
use std::io::{Cursor, Write};
use std::ops::ControlFlow;
use std::sync::LazyLock;

static EVENTS: LazyLock<Mapping> = LazyLock::new(Mapping::default);
static TICKETS: LazyLock<Mapping> = LazyLock::new(Mapping::tickets);

/// What is packed more than this would cost most of a run.
const PACKED_BYTES: usize = 64 << 10;

pub fn ndjson(bytes: &[u8]) {
    text(bytes, Format::Ndjson);
}

pub fn json(bytes: &[u8]) {
    text(bytes, Format::Json);
}

pub fn csv(bytes: &[u8]) {
    text(bytes, Format::Csv);
}

pub fn parquet(bytes: &[u8]) {
    table(bytes, Format::Parquet);
}

pub fn arrow(bytes: &[u8]) {
    table(bytes, Format::Arrow);
}

fn text(bytes: &[u8], format: Format) {
    for mapping in [&*EVENTS, &*TICKETS] {
        let plain = read(bytes, format, mapping, 0, 1 << 20);
        same(&plain, &read(bytes, format, mapping, 0, 1), "blocks of a byte");
        same(&plain, &read(bytes, format, mapping, 2, 100), "two threads and blocks of 100 bytes");
        if bytes.len() <= PACKED_BYTES && !is_packed(bytes) {
            same(&plain, &read(&gzip(bytes), format, mapping, 0, 1 << 20), "gzip");
            let packed = zstd::encode_all(bytes, 1).expect("zstd");
            same(&plain, &read(&packed, format, mapping, 0, 1 << 20), "zstd");
        }
    }
}

fn table(bytes: &[u8], format: Format) {
    for mapping in [&*EVENTS, &*TICKETS] {
        let alone = read(bytes, format, mapping, 0, 1 << 20);
        if alone.error.is_none() {
            same(&alone, &read(bytes, format, mapping, 2, 1 << 20), "two threads");
        }
    }
}

/// What came out of an input.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    rows: Vec<String>,
    rejects: Vec<RowError>,
    counts: (u64, u64),
    error: Option<String>,
}

fn read(bytes: &[u8], format: Format, mapping: &Mapping, threads: usize, block_bytes: usize) -> Outcome {
    let options = Options { format: Some(format), threads, block_bytes, lines: true, ..Options::default() };
    let (mut rows, mut rejects) = (Vec::new(), Vec::new());
    let report = ingest::read_numbered(
        [Source::stream("input", Cursor::new(bytes.to_vec()))],
        mapping,
        &options,
        |numbered| {
            assert_eq!(numbered.lines.len(), numbered.batch.len(), "a line for each row");
            rows.extend((0..numbered.batch.len()).map(|row| row_of(&numbered.batch, row, numbered.lines[row])));
            ControlFlow::Continue(())
        },
        |reject| {
            assert!(!reject.reason.is_empty() && reject.line > 0, "a reject says where and why: {reject:?}");
            rejects.push(reject.clone());
            Ok(())
        },
    );
    match report {
        Ok(report) => {
            assert_eq!(report.events, rows.len() as u64);
            assert_eq!(report.rejected, rejects.len() as u64);
            assert!(report.rejected + report.skipped <= report.rows, "more rows than there are: {report:?}");
            if std::ptr::eq(mapping, &*EVENTS) {
                assert_eq!(report.rows, report.events + report.rejected + report.skipped, "rows are lost: {report:?}");
            }
            Outcome { rows, rejects, counts: (report.rows, report.skipped), error: None }
        }
        Err(error) => {
            assert!(!matches!(error, IngestError::Sink(_) | IngestError::Rejected(_)), "{error}");
            Outcome { error: Some(error.to_string()), ..Outcome::default() }
        }
    }
}

fn same(one: &Outcome, other: &Outcome, how: &str) {
    if one.error.is_some() || other.error.is_some() {
        // What comes out before a fault depends on the blocks, and so does which of two faults is found first.
        assert_eq!(one.error.is_some(), other.error.is_some(), "{how}: {:?}, {:?}", one.error, other.error);
    } else {
        assert_eq!(one, other, "{how}");
    }
}

fn row_of(batch: &Batch, row: usize, line: u64) -> String {
    let labels = Column::ALL.map(|column| batch.labels(column).get(row));
    let text = if batch.text.is_empty() { "" } else { batch.text.get(row) };
    let (ticket, at_ms, kind, state) = (batch.ticket.get(row), batch.at_ms[row], batch.kind[row], batch.state[row]);
    format!("{line} {ticket:?} {at_ms} {kind:?} {state:?} {labels:?} {text:?}")
}

fn is_packed(bytes: &[u8]) -> bool {
    matches!(bytes, [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] | [0x1f, 0x8b, ..])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}
