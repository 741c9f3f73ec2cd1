//! How much does it cost to parse an export into batches? Rows per second of each format, with one parser thread (and one that only
//! finds the ends of records). The rivals parse the same bytes and do nothing with them: `serde_json` into a `Value` per line, the
//! csv crate into a `StringRecord` per row.
//!
//! The unit is CPU time of the process, all threads together: on a shared machine, wall time also depends on other processes.

use std::hint::black_box;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMillisecondArray};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use overdue::ingest;
use overdue::ingest::{Mapping, Options, Source};

const ROWS: usize = 100_000;
const NAMES: [&str; 9] = ["ticket", "event", "state", "priority", "owner", "team", "channel", "category", "customer"];

/// The labels of a row, in the order of [`NAMES`].
fn labels(row: usize) -> [String; 9] {
    let mixed = row.wrapping_mul(2_654_435_761) >> 7;
    [
        format!("INC{:09}", row / 4),
        ["opened", "agent_reply", "note", "state_changed"][row % 4].to_owned(),
        ["new", "open", "waiting", "resolved"][row % 4].to_owned(),
        ["low", "normal", "high", "critical"][mixed % 4].to_owned(),
        format!("agent {}", mixed % 400),
        format!("team {}", mixed % 60),
        ["phone", "email", "chat"][mixed % 3].to_owned(),
        format!("category {}", mixed % 90),
        format!("customer {}", mixed % 5_000),
    ]
}

fn at_ms(row: usize) -> i64 {
    1_700_000_000_000 + row as i64 * 1_000
}

fn ndjson() -> Vec<u8> {
    let mut text = String::new();
    for row in 0..ROWS {
        let at = overdue::time::format_rfc3339(at_ms(row));
        text += &format!("{{\"at\":\"{at}\"");
        for (name, label) in NAMES.iter().zip(labels(row)) {
            text += &format!(",\"{name}\":\"{label}\"");
        }
        // Other columns of an export, up to 350 bytes.
        text += ",\"url\":\"https://desk.example.com/api/v2/tickets/35436.json?page=1\",\"tags\":[\"a\",\"b\"],\
                 \"satisfaction\":null,\"via\":{\"rel\":null}}\n";
    }
    text.into_bytes()
}

fn csv() -> Vec<u8> {
    let mut text = format!("at,{},url,satisfaction\n", NAMES.join(","));
    for row in 0..ROWS {
        let at = overdue::time::format_rfc3339(at_ms(row));
        text += &format!("{at},{},https://desk.example.com/api/v2/tickets/,\n", labels(row).join(","));
    }
    text.into_bytes()
}

fn table() -> RecordBatch {
    let rows: Vec<[String; 9]> = (0..ROWS).map(labels).collect();
    let times: ArrayRef =
        Arc::new(TimestampMillisecondArray::from_iter_values((0..ROWS).map(at_ms)).with_timezone("UTC"));
    let texts = NAMES.iter().enumerate().map(|(column, name)| {
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values(rows.iter().map(|row| row[column].as_str())));
        (*name, texts)
    });
    RecordBatch::try_from_iter([("at", times)].into_iter().chain(texts)).expect("a table")
}

fn parquet_file(table: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, table.schema(), None).expect("a writer");
    writer.write(table).expect("written");
    writer.close().expect("closed");
    bytes
}

fn arrow_stream(table: &RecordBatch) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = arrow::ipc::writer::StreamWriter::try_new(&mut bytes, &table.schema()).expect("a writer");
    for start in (0..ROWS).step_by(16_384) {
        writer.write(&table.slice(start, 16_384.min(ROWS - start))).expect("written");
    }
    writer.finish().expect("finished");
    bytes
}

fn read(source: Source, mapping: &Mapping) -> u64 {
    let options = Options { threads: 1, ..Options::default() };
    let take = |batch| {
        black_box(batch);
        ControlFlow::Continue(())
    };
    let report = ingest::read([source], mapping, &options, take, |_| Ok(())).expect("read");
    assert_eq!((report.events, report.rejected), (ROWS as u64, 0));
    report.events
}

/// CPU time that this process has used, in steps of 10 ms.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("/proc, for the CPU time");
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
    let ticks: u64 = fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number of ticks")).sum();
    Duration::from_millis(ticks * 10)
}

/// CPU time of a number of runs.
fn cpu_of<T>(runs: u64, mut run: impl FnMut() -> T) -> Duration {
    let before = cpu_time();
    for _ in 0..runs {
        black_box(run());
    }
    (cpu_time() - before).max(Duration::from_millis(1))
}

fn formats(criterion: &mut Criterion) {
    let mapping = Mapping::default();
    let (lines, rows, table) = (ndjson(), csv(), table());
    let parquet = tempfile::NamedTempFile::with_suffix(".parquet").expect("a file");
    std::fs::write(parquet.path(), parquet_file(&table)).expect("written");
    let inputs: [(&str, Arc<[u8]>); 4] = [
        ("ndjson", lines.as_slice().into()),
        ("ndjson.zst", zstd::encode_all(lines.as_slice(), 1).expect("compressed").into()),
        ("csv", rows.as_slice().into()),
        ("arrow", arrow_stream(&table).into()),
    ];
    let mut group = criterion.benchmark_group("ingest");
    group.sample_size(10).measurement_time(Duration::from_secs(8)).throughput(Throughput::Elements(ROWS as u64));
    for (name, bytes) in inputs {
        let source = |bytes: &Arc<[u8]>| Source::stream(format!("rows.{name}"), Cursor::new(Arc::clone(bytes)));
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|runs| cpu_of(runs, || read(source(&bytes), &mapping)));
        });
    }
    group.bench_function("parquet", |bencher| {
        bencher.iter_custom(|runs| cpu_of(runs, || read(Source::file(parquet.path()), &mapping)));
    });
    group.bench_function("rival: serde_json::Value a line", |bencher| {
        let text = std::str::from_utf8(&lines).expect("text");
        let parse = |line| drop(black_box(serde_json::from_str::<serde_json::Value>(line).expect("JSON")));
        bencher.iter_custom(|runs| cpu_of(runs, || text.lines().for_each(parse)));
    });
    group.bench_function("rival: csv StringRecord", |bencher| {
        let parse = || {
            csv::Reader::from_reader(rows.as_slice())
                .into_records()
                .for_each(|row| drop(black_box(row.expect("a row"))));
        };
        bencher.iter_custom(|runs| cpu_of(runs, parse));
    });
    group.finish();
}

criterion_group!(benches, formats);
criterion_main!(benches);
