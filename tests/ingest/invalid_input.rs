//! Invalid input gives a clear error and never a panic.

use std::io::Cursor;

use crate::rows::{arrow_file, compressed, read_all};
use crate::support::tables::parquet;
use overdue::ingest::{Format, IngestError, Mapping, Options, Source};
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;

fn error_of(source: Source) -> IngestError {
    read_all(vec![source], &Mapping::default(), &Options::default()).2.expect_err("an error")
}

fn stream(name: &str, bytes: impl Into<Vec<u8>>) -> Source {
    Source::stream(name, Cursor::new(bytes.into()))
}

#[test]
fn binary_files_and_corrupt_tables_are_rejected() {
    let binary: Vec<u8> = (0..10_000u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    assert!(error_of(stream("a.csv", binary.clone())).to_string().contains("is binary"));
    assert!(error_of(stream("a.ndjson", binary)).to_string().contains("is binary"));
    assert!(error_of(stream("a.parquet", "PAR1 and no more")).to_string().contains("not a valid Parquet file"));
    assert!(error_of(stream("a.parquet", "id,at\n")).to_string().contains("does not begin with PAR1"));
    assert!(error_of(stream("a.arrow", "ARROW1\0\0")).to_string().contains("ends before"));
    assert!(error_of(stream("a", b"\xff\xff\xff\xff\xff\xff\xff\x7f".to_vec())).to_string().contains("description"));
    assert!(matches!(error_of(Source::file("no/such/file")), IngestError::Io { .. }));
    let cut = compressed(".zst", "{}\n".repeat(100_000).as_bytes());
    assert!(matches!(error_of(stream("a.ndjson.zst", &cut[..cut.len() / 2])), IngestError::Io { .. }));
    let cut = compressed(".gz", "{}\n".repeat(100_000).as_bytes());
    assert!(matches!(error_of(stream("a.ndjson.gz", &cut[..cut.len() / 2])), IngestError::Io { .. }));
    let deep = (0..5).fold(b"{}".to_vec(), |bytes, _| compressed(".gz", &bytes));
    assert!(error_of(stream("a.gz", deep)).to_string().contains("times over"));
}

#[test]
fn invalid_rows_are_reported_and_the_others_are_read() {
    let text = b"ticket,at,team\r\n\
        a,2026-01-01T00:00:00Z,t\r\n\
        b,9999-01-01T00:00:00Z,t\r\n\
        \"c\n\",2026-01-01 00:00,t\r\n\
        d,2026-01-01T00:00:00Z\r\n\
        \xff,2026-01-01T00:00:00Z,t\r\n\
        ,2026-01-01T00:00:00Z,t\r\n\
        e,2026-01-01T00:00:00Z,t"
        .to_vec();
    let read = |strict| {
        let options = Options { strict, ..Options::default() };
        read_all(vec![stream("a.csv", text.clone())], &Mapping::default(), &options)
    };
    let (batches, rejects, report) = read(false);
    let reported: Vec<String> = rejects.iter().map(ToString::to_string).collect();
    assert_eq!(
        reported,
        [
            "a.csv:3: column at: \"9999-01-01T00:00:00Z\": lies outside 1970-01-01 to 2099-12-31",
            "a.csv:4: column at: \"2026-01-01 00:00\": expected a time (rfc3339 or unix_ms)",
            "a.csv:6: \"d,2026-01-01T00:00:00Z\": has 2 fields, expected 3 as in the first line",
            "a.csv:7: \"\u{fffd},2026-01-01T00:00:00Z,t\": is not UTF-8 text",
            "a.csv:8: column ticket: expected a ticket's id",
        ]
    );
    let tickets: Vec<&str> = batches.iter().flat_map(|batch| batch.ticket.iter()).collect();
    assert_eq!(tickets, ["a", "e"]);
    let report = report.expect("a report");
    assert_eq!((report.rows, report.rejected, report.events, report.bytes), (7, 5, 2, text.len() as u64));
    assert_eq!(report.first_rejects, rejects);
    let json = serde_json::to_string(&rejects[0]).expect("JSON");
    assert!(json.starts_with("{\"source\":\"a.csv\",\"line\":3,\"column\":\"at\",\"value\":\"9999"), "{json}");

    let (_, rejects, stopped) = read(true);
    assert_eq!(rejects.len(), 1);
    assert!(
        stopped.expect_err("strict").to_string().starts_with("stopped at the first invalid row: a.csv:3: column at")
    );
}

#[test]
fn a_receiver_may_stop_the_run_and_all_invalid_rows_are_reported() {
    let lines = "{\"ticket\":\"a\",\"at\":\"2026-01-01T00:00:00Z\"}\n".repeat(300_000);
    let mut count = 0;
    let report = overdue::ingest::read(
        [stream("a.ndjson", lines)],
        &Mapping::default(),
        &Options::default(),
        |_| {
            count += 1;
            if count == 3 { std::ops::ControlFlow::Break(()) } else { std::ops::ControlFlow::Continue(()) }
        },
        |_| Ok(()),
    );
    assert!(report.expect("a report").stopped);
    assert_eq!(count, 3);
    let (_, rejects, report) =
        read_all(vec![stream("a.ndjson", "x\n".repeat(100_000))], &Mapping::default(), &Options::default());
    assert_eq!((rejects.len(), report.expect("a report").first_rejects.len()), (100_000, 20));
    assert!(rejects.iter().zip(1..).all(|(reject, line)| reject.line == line));
}

#[test]
fn truncated_and_changed_tables_never_panic() {
    use arrow::array::{ArrayRef, RecordBatch, StringArray};
    let ids: ArrayRef = std::sync::Arc::new(StringArray::from_iter_values((0..200).map(|id| format!("ticket {id}"))));
    let times: ArrayRef = std::sync::Arc::new(StringArray::from_iter_values((0..200).map(|_| "2026-01-01T00:00:00Z")));
    let table = RecordBatch::try_from_iter([("ticket", ids), ("at", times)]).expect("a table");
    let parquet = parquet(&table, WriterProperties::default());
    for whole in [parquet, arrow_file(&[table], None)] {
        for cut in (4..whole.len()).step_by(37) {
            let _ = read_all(vec![stream("a", &whole[..cut])], &Mapping::default(), &Options::default());
        }
        for place in (8..whole.len()).step_by(11) {
            for value in [0x00, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[place] = value;
                let _ = read_all(
                    vec![stream("a", changed)],
                    &Mapping::default(),
                    &Options { threads: 1, ..Options::default() },
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        head in prop::sample::select(vec!["", "PAR1", "ARROW1\0\0", "[", "{", "ticket,at\n", "{\"ticket\":\"a\",\"at\":"]),
        format in prop::sample::select(vec![None, Some(Format::Csv), Some(Format::Ndjson), Some(Format::Json)]),
        block_bytes in 1usize..100,
    ) {
        let bytes = [head.as_bytes(), &bytes].concat();
        let options = Options { format, block_bytes, threads: 1, ..Options::default() };
        let (batches, _, _) = read_all(vec![stream("a", bytes)], &Mapping::default(), &options);
        for batch in batches {
            prop_assert_eq!(batch.ticket.len(), batch.len());
        }
    }
}
