//! The same rows in every format and compression give the same batches.

use std::io::Cursor;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::support::{Row, compressed, read_all, rows_of};
use arrow::array::{
    ArrayRef, DictionaryArray, Int64Array, LargeStringArray, RecordBatch, StringArray, StringViewArray, StructArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int32Type};
use overdue::ingest;
use overdue::ingest::{Format, Mapping, Options, Source};
use overdue::ticket::Batch;
use parquet::arrow::ArrowWriter;
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
    let word = |words: &'static [&'static str]| move |row: usize| words[row * 7 % words.len()].to_owned();
    [
        of(&|row| (row / 3).to_string()),
        of(&|row| overdue::time::format_rfc3339(1_700_000_000_000 + row as i64 * 61_000)),
        of(&word(&["opened", "note", "agent_reply"])),
        of(&word(&["", "open", "waiting", "closed"])),
        of(&word(&["high", "low", "", "normal", "an \"odd\" one"])),
        of(&word(&["north", "south, west", "\u{f8}st"])),
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
            format!(
                "{{\"other\":[{{\"id\":1}},\"]\"],\"id\":{},\"at\":{},\"what\":{},\"status\":{},\"prio\":{},\"group\":{{\"no\":4,\"name\":{}}},\"subject\":{}}}",
                columns[0][row], quoted(1, row), quoted(2, row), quoted(3, row), quoted(4, row), quoted(5, row), quoted(6, row)
            )
        })
        .collect()
}

/// The rows as a table whose columns have all kinds of types.
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
        ("prio", Arc::new(StringArray::from_iter(texts(4).map(|word| (!word.is_empty()).then_some(word))))),
        ("group", Arc::new(group)),
        ("subject", Arc::new(StringArray::from_iter_values(texts(6)))),
    ];
    RecordBatch::try_from_iter(fields).expect("a table")
}

fn parquet_file() -> Vec<u8> {
    let mut bytes = Vec::new();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(300)).build();
    let mut writer = ArrowWriter::try_new(&mut bytes, table().schema(), Some(properties)).expect("a writer");
    writer.write(&table()).expect("written");
    writer.close().expect("closed");
    bytes
}

fn arrow(file: bool, packed: bool) -> Vec<u8> {
    use arrow::ipc::CompressionType;
    use arrow::ipc::writer::{FileWriter, IpcWriteOptions, StreamWriter};
    let mut bytes = Vec::new();
    let options =
        IpcWriteOptions::default().try_with_compression(packed.then_some(CompressionType::ZSTD)).expect("options");
    let table = table();
    let slices = (0..COUNT).step_by(300).map(|start| table.slice(start, 300.min(COUNT - start)));
    if file {
        let mut writer = FileWriter::try_new_with_options(&mut bytes, &table.schema(), options).expect("a writer");
        slices.for_each(|slice| writer.write(&slice).expect("written"));
        writer.finish().expect("finished");
    } else {
        let mut writer = StreamWriter::try_new_with_options(&mut bytes, &table.schema(), options).expect("a writer");
        slices.for_each(|slice| writer.write(&slice).expect("written"));
        writer.finish().expect("finished");
    }
    bytes
}

fn rows(name: &str, bytes: Vec<u8>, mapping: &str, options: &Options) -> Vec<Row> {
    let mapping = Mapping::parse(mapping, "m.toml").unwrap_or_else(|error| panic!("{error}"));
    let (batches, rejects, report) =
        read_all(vec![Source::stream(name, std::io::Cursor::new(bytes))], &mapping, options);
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
        ("a.arrow", arrow(true, false), MAPPING),
        ("a.arrow", arrow(true, true), MAPPING),
        ("a.arrows", arrow(false, false), MAPPING),
        ("unnamed", arrow(false, true), MAPPING),
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
fn compressed_frames_may_follow_one_another_and_lie_in_one_another() {
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
fn block_boundaries_and_threads_change_nothing() {
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
                read_all(vec![Source::stream("a", std::io::Cursor::new(bytes.clone()))], &mapping, &options);
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
fn missing_and_doubled_columns_are_told_with_what_there_is() {
    let mapping = Mapping::parse(MAPPING, "m.toml").expect("a mapping");
    let error = |name: &str, bytes: &[u8]| {
        let source = Source::stream(name, std::io::Cursor::new(bytes.to_vec()));
        read_all(vec![source], &mapping, &Options::default()).2.expect_err("an error").to_string()
    };
    assert_eq!(
        error("a.csv", b"ID,at,what,status,prio,group.name,subjct\n"),
        "a.csv: has no column \"id\", perhaps \"ID\" is meant; has no column \"subject\", perhaps \"subjct\" is meant; \
         it has ID, at, what, status, prio, group.name, subjct"
    );
    assert!(error("a.csv", b"id,at,at,what,status,prio,group.name,subject\n").contains("has column \"at\" twice"));
    assert!(error("a.csv", b"").contains("is empty"));
    let parquet =
        RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(vec![1])) as ArrayRef)]).expect("a table");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, parquet.schema(), None).expect("a writer");
    writer.write(&parquet).expect("written");
    writer.close().expect("closed");
    assert!(error("a.parquet", &bytes).contains("has no column \"at\""));
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
