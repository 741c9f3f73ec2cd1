//! Real histories through the whole pipeline: mapping, policy, sort, engine, files.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMillisecondType, UInt16Type};
use overdue::engine::CatchUp;
use overdue::ingest::{Mapping, Source};
use overdue::replay::sort::{Keep, Sorter};
use overdue::replay::{Listener, Outputs, RejectedEvent};
use overdue::{ingest, policy, replay};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// The text of a file, decompressed if its name ends with `.zst`.
pub fn text(path: &Path) -> String {
    let mut text = String::new();
    let file = File::open(path).unwrap();
    if path.extension().is_some_and(|extension| extension == "zst") {
        zstd::Decoder::new(file).unwrap().take(1 << 30).read_to_string(&mut text).unwrap();
    } else {
        file.take(1 << 30).read_to_string(&mut text).unwrap();
    }
    text
}

/// The rows of a CSV text, each as values by column name.
pub fn csv_rows(text: &str) -> Vec<std::collections::HashMap<String, String>> {
    csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
}

/// A row of `cycles.parquet`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    pub ticket: String,
    pub clock: String,
    pub cycle: u16,
    pub revision: u16,
    pub priority: String,
    pub business_ms: i64,
    pub due_ms: Option<i64>,
    pub stopped_ms: Option<i64>,
    pub result: String,
}

struct Strict;

impl Listener for Strict {
    fn done(&mut self, _events: u64) {}
    fn rejected(&mut self, event: &RejectedEvent<'_>) {
        panic!("{event}");
    }
}

/// Replays an input, whose rows must all be accepted, and reads the cycles from the resulting file.
pub fn replay(policy: &str, mapping: &str, input: &Path) -> Vec<Cycle> {
    let mut no_files = |name: &str| Err(format!("no file {name}"));
    let policy = policy::load(policy, "recorded.toml", &mut no_files).unwrap_or_else(|problems| {
        let texts: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{}", texts.join("\n"));
    });
    let mapping = Mapping::parse(mapping, "mapping.toml").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut sorter = Sorter::new(1 << 30, folder.path().to_owned(), Keep { facts_for_rules: true });
    let take = |batch| {
        sorter.push(&batch).unwrap();
        ControlFlow::Continue(())
    };
    let report = ingest::read([Source::file(input)], &mapping, &ingest::Options::default(), take, |_| Ok(())).unwrap();
    assert_eq!(report.rejected, 0, "{:?}", report.first_rejects);
    let options = replay::Options {
        policy: Arc::new(policy),
        shards: 4,
        catch_up: CatchUp::Latest,
        until_ms: None,
        strict: true,
    };
    let mut outputs = Outputs::create(folder.path()).unwrap();
    let summary = replay::run(sorter.finish().unwrap(), &options, Some(&mut outputs), &mut Strict).unwrap();
    outputs.publish(&summary).unwrap();
    cycles(&folder.path().join("cycles.parquet"))
}

/// The rows of a file of cycles.
pub fn cycles(path: &Path) -> Vec<Cycle> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    reader.flat_map(|batch| cycles_of(&batch.unwrap())).collect()
}

fn cycles_of(batch: &RecordBatch) -> Vec<Cycle> {
    let column = |name: &str| batch.column_by_name(name).unwrap();
    let label = |name: &str, row: usize| {
        let labels = column(name).as_dictionary::<Int32Type>();
        labels.key(row).map(|key| labels.values().as_string::<i32>().value(key).to_owned()).unwrap_or_default()
    };
    let time = |name: &str, row: usize| {
        let times = column(name).as_primitive::<TimestampMillisecondType>();
        times.is_valid(row).then(|| times.value(row))
    };
    let cycle = |row: usize| Cycle {
        ticket: column("ticket").as_string::<i32>().value(row).to_owned(),
        clock: label("clock", row),
        cycle: column("cycle").as_primitive::<UInt16Type>().value(row),
        revision: column("revision").as_primitive::<UInt16Type>().value(row),
        business_ms: column("business_ms").as_primitive::<Int64Type>().value(row),
        priority: label("priority", row),
        due_ms: time("due_at", row),
        stopped_ms: time("stopped_at", row),
        result: label("result", row),
    };
    (0..batch.num_rows()).map(cycle).collect()
}

/// Checks and prints a share in percent.
pub fn at_least(what: &str, found: usize, of: usize, percent: f64) {
    let share = found as f64 * 100.0 / of as f64;
    println!("{what}: {found} of {of}, {share:.2} % (at least {percent} %)");
    assert!(share >= percent, "{what}: {found} of {of}, {share:.3} %, expected at least {percent} %");
}
