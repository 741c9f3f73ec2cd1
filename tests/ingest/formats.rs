//! The same rows in each format and compression give the same batches.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::rows::{Row, arrow_file, compressed, read_all, rows_of};
use crate::support::tables::{arrow_stream, parquet};
use arrow::array::{
    ArrayRef, DictionaryArray, Int64Array, LargeStringArray, RecordBatch, StringArray, StringViewArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type};
use arrow::ipc::CompressionType;
use overdue::ingest;
use overdue::ingest::{Format, Mapping, Options, Source};
use overdue::ticket::Batch;
use parquet::file::properties::WriterProperties;

const MAPPING: &str = r#"
rows = "events"
[columns]
ticket = "id"
at = "at"
event = "what"
state = "status"
priority = "prio"
team = "group.name"
subject = "subject"
[time]
formats = ["rfc3339"]
zone = "Europe/Oslo"
"#;

const COUNT: usize = 2_000;

/// The columns of the rows: id, at, what, status, prio, group.name, subject.
fn columns() -> [Vec<String>; 7] {
    let of = |value: &dyn Fn(usize) -> String| (0..COUNT).map(value).collect::<Vec<_>>();
    let label = |labels: &'static [&'static str]| move |row: usize| labels[row * 7 % labels.len()].to_owned();
    [
        of(&|row| (row / 3).to_string()),
        of(&|row| overdue::time::format_rfc3339(1_700_000_000_000 + row as i64 * 61_000)),
        of(&label(&["opened", "note", "agent_reply"])),
        of(&label(&["", "open", "waiting", "closed"])),
        of(&label(&["high", "low", "", "normal", "an \"odd\" one"])),
        of(&label(&["north", "south, west", "\u{f8}st"])),
        of(&|row| format!("line one of {row}\nline \"two\", {}", "x".repeat(row % 50))),
    ]
}

fn csv() -> Vec<u8> {
    let mut text = String::from("\u{feff}id,at,what,status,prio,group.name,unread,subject\r\n");
    let columns = columns();
    (0..COUNT).for_each(|row| {
        let quoted = |column: usize| format!("\"{}\"", columns[column][row].replace('"', "\"\""));
        let plain = |column: usize| columns[column][row].clone();
        text += &format!(
            "{},{},{},{},{},{},,{}\r\n",
            plain(0),
            plain(1),
            plain(2),
            plain(3),
            quoted(4),
            quoted(5),
            quoted(6)
        );
    });
    text.into_bytes()
}

fn objects() -> Vec<String> {
    let columns = columns();
    let quoted = |column: usize, row: usize| serde_json::Value::from(columns[column][row].as_str()).to_string();
    (0..COUNT)
        .map(|row| {
            let [at, what, status, prio, name, subject] = [1, 2, 3, 4, 5, 6].map(|column| quoted(column, row));
            format!(
                "{{\"other\":[{{\"id\":1}},\"]\"],\"id\":{},\"at\":{at},\"what\":{what},\"status\":{status},\"prio\":{prio},\
                 \"group\":{{\"no\":4,\"name\":{name}}},\"subject\":{subject}}}",
                columns[0][row]
            )
        })
        .collect()
}

/// The rows as a table with columns of many types.
fn table() -> RecordBatch {
    let columns = columns();
    let texts = |column: usize| columns[column].iter().map(String::as_str);
    let ids: Vec<i64> = columns[0].iter().map(|id| id.parse().expect("a number")).collect();
    let times: Vec<i64> = (0..COUNT).map(|row| (1_700_000_000_000 + row as i64 * 61_000) * 1_000).collect();
    let names: ArrayRef = Arc::new(StringViewArray::from_iter_values(texts(5)));
    let group = StructArray::from(vec![(Arc::new(Field::new("name", DataType::Utf8View, true)), names)]);
    let fields: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(ids))),
        ("at", Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"))),
        ("what", Arc::new(texts(2).collect::<DictionaryArray<Int32Type>>())),
        ("status", Arc::new(LargeStringArray::from_iter_values(texts(3)))),
        ("unread", Arc::new(Int64Array::from(vec![1; COUNT]))),
        ("prio", Arc::new(StringArray::from_iter(texts(4).map(|label| (!label.is_empty()).then_some(label))))),
        ("group", Arc::new(group)),
        ("subject", Arc::new(StringArray::from_iter_values(texts(6)))),
    ];
    RecordBatch::try_from_iter(fields).expect("a table")
}

fn parquet_file() -> Vec<u8> {
    parquet(&table(), WriterProperties::builder().set_max_row_group_row_count(Some(300)).build())
}

/// The table in batches of 300 rows.
fn slices() -> Vec<RecordBatch> {
    let table = table();
    (0..COUNT).step_by(300).map(|start| table.slice(start, 300.min(COUNT - start))).collect()
}

fn rows(name: &str, bytes: Vec<u8>, mapping: &str, options: &Options) -> Vec<Row> {
    let mapping = Mapping::parse(mapping, "m.toml").unwrap_or_else(|error| panic!("{error}"));
    let (batches, rejects, report) = read_all(vec![Source::stream(name, Cursor::new(bytes))], &mapping, options);
    let report = report.unwrap_or_else(|error| panic!("{error}"));
    assert!(rejects.is_empty(), "{name}: {}", rejects[0]);
    assert_eq!(report.rows, COUNT as u64, "{name}");
    rows_of(&batches)
}

#[test]
fn every_format_and_compression_gives_the_same_rows() {
    let options = Options { threads: 3, block_bytes: 10_000, ..Options::default() };
    let lines = objects().join("\n").into_bytes();
    let expected = rows("a.ndjson", lines.clone(), MAPPING, &options);
    assert_eq!(expected.len(), COUNT);
    assert_eq!(expected[0].labels[2].as_deref(), Some("north"));
    let array = format!("[{}]", objects().join(" ,\n")).into_bytes();
    let pages = objects()
        .chunks(700)
        .map(|page| format!("{{\"count\":[2],\"rows\":[{}],\"next\":null}}", page.join(",")))
        .collect::<Vec<_>>();
    let wrapped = format!("records = \"rows\"\n{MAPPING}");
    let inputs = [
        ("a.csv", csv(), MAPPING),
        ("a.json", array.clone(), MAPPING),
        ("unnamed", array, &wrapped),
        ("a.json", pages.join("\n").into_bytes(), &wrapped),
        ("unnamed", lines, MAPPING),
        ("a.parquet", parquet_file(), MAPPING),
        ("a.arrow", arrow_file(&slices(), None), MAPPING),
        ("a.arrow", arrow_file(&slices(), Some(CompressionType::ZSTD)), MAPPING),
        ("a.arrows", arrow_stream(&slices(), None), MAPPING),
        ("unnamed", arrow_stream(&slices(), Some(CompressionType::ZSTD)), MAPPING),
    ];
    for (name, bytes, mapping) in inputs {
        for compression in ["", ".zst", ".gz"] {
            let name = format!("{name}{compression}");
            let found = rows(&name, compressed(compression, &bytes), mapping, &options);
            assert!(found == expected, "{name} differs");
        }
    }
}

#[test]
fn compressed_frames_may_be_concatenated_and_nested() {
    let options = Options::default();
    let lines = objects().join("\n").into_bytes();
    let expected = rows("a.ndjson", lines.clone(), MAPPING, &options);
    for compression in [".zst", ".gz"] {
        let frames: Vec<u8> = lines.chunks(50_000).flat_map(|part| compressed(compression, part)).collect();
        assert!(rows("a", frames, MAPPING, &options) == expected);
    }
    assert!(rows("a", compressed(".gz", &compressed(".zst", &lines)), MAPPING, &options) == expected);
}

#[test]
fn rows_do_not_depend_on_block_boundaries_and_threads() {
    let mapping = Mapping::parse(MAPPING, "m.toml").expect("a mapping");
    let take = |text: Vec<u8>, count: usize, end: &str| {
        let mut lines: Vec<u8> = text.into_iter().take(count).collect();
        lines.extend_from_slice(end.as_bytes());
        lines
    };
    let csv: Vec<u8> = take(csv(), 1_500, "\"");
    let lines = objects()[..6].join("\n").into_bytes();
    let array = format!("[{}]", objects()[..6].join(", ")).into_bytes();
    for (format, bytes) in [(Format::Csv, csv), (Format::Ndjson, lines), (Format::Json, array)] {
        let read = |block_bytes, threads| {
            let options = Options { format: Some(format), block_bytes, threads, ..Options::default() };
            let (batches, rejects, report) =
                read_all(vec![Source::stream("a", Cursor::new(bytes.clone()))], &mapping, &options);
            (rows_of(&batches), rejects, report.expect("a report").rows)
        };
        let expected = read(1 << 20, 1);
        assert!(expected.2 >= 6);
        for block_bytes in 0..bytes.len() + 2 {
            assert!(read(block_bytes, 1 + block_bytes % 2) == expected, "{format:?} in blocks of {block_bytes}");
        }
    }
}

#[test]
fn missing_and_duplicate_columns_are_reported_with_the_existing_ones() {
    let mapping = Mapping::parse(MAPPING, "m.toml").expect("a mapping");
    let error = |name: &str, bytes: &[u8]| {
        let source = Source::stream(name, Cursor::new(bytes.to_vec()));
        read_all(vec![source], &mapping, &Options::default()).2.expect_err("an error").to_string()
    };
    assert_eq!(
        error("a.csv", b"ID,at,what,status,prio,group.name,subjct\n"),
        "a.csv: has no column \"id\", perhaps \"ID\" is meant; has no column \"subject\", perhaps \"subjct\" is meant; \
         it has ID, at, what, status, prio, group.name, subjct"
    );
    assert!(error("a.csv", b"id,at,at,what,status,prio,group.name,subject\n").contains("has column \"at\" twice"));
    assert!(error("a.csv", b"").contains("is empty"));
    let table = RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).expect("a table");
    assert!(error("a.parquet", &parquet(&table, WriterProperties::default())).contains("has no column \"at\""));
}

#[test]
fn an_input_without_a_final_newline_is_one_batch() {
    let rows = "{\"ticket\":\"a\",\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"opened\"}\n".repeat(3);
    let csv = "ticket,at,event\na,2026-01-01T00:00:00Z,opened\nb,2026-01-01T00:00:00Z,opened\n";
    for (name, text) in [("a.ndjson", rows.as_str()), ("a.csv", csv)] {
        for text in [text, text.trim_end()] {
            let source = Source::stream(name, Cursor::new(text.to_owned()));
            let mut batches = Vec::new();
            let take = |batch: Batch| {
                batches.push(batch.len());
                ControlFlow::Continue(())
            };
            let report = ingest::read([source], &Mapping::default(), &Options::default(), take, |_| Ok(())).unwrap();
            assert_eq!((batches.len() as u64, report.rejected), (1, 0), "{text:?}");
            assert_eq!(batches[0] as u64, report.rows, "{text:?}");
        }
    }
}
