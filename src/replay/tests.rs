use super::sort::{Keep, Sorter};
use super::*;
use crate::engine::CatchUp;
use crate::generate::{History, Plan};
use crate::policy;
use crate::policy::Policy;
use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, TimestampMillisecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

const PLAN: Plan = Plan { tickets: 1_500, start_ms: 1_767_571_200_000, days: 30, seed: 5 };

const POLICY: &str = r#"
default_priority = "normal"

[calendars.office]
time_zone = "Europe/Oslo"
mon-fri = ["08:00-16:00"]

[calendars.always]
hours = "24x7"

[priorities.critical]
calendar = "always"
[priorities.critical.clocks.resolution]
target = "4h"
levels = [{ at = "50%", notify = ["owner"] }, { at = "100%", notify = ["team_lead", "manager"], webhook = "pager" }]

[priorities.high]
calendar = "office"
[priorities.high.clocks.first_response]
target = "1h"
levels = [{ at = "100%", notify = ["owner"] }]
[priorities.high.clocks.resolution]
target = "1bd"
levels = [{ at = "100%", notify = ["owner"] }]

[priorities.normal]
calendar = "office"
[priorities.normal.clocks.resolution]
target = "2bd"
pause_while = ["waiting"]
levels = [{ at = "75%", notify = ["owner"] }]

[priorities.low]
calendar = "office"
[priorities.low.clocks.resolution]
target = "10d"
levels = [{ at = "100%", notify = ["owner"] }]

[[rules]]
when = { keywords = ["outage", "down"] }
priority = "critical"
"#;

struct Silent;

impl Listener for Silent {
    fn done(&mut self, _events: u64) {}
    fn rejected(&mut self, event: &RejectedEvent<'_>) {
        panic!("{event:?}");
    }
}

fn policy() -> Arc<Policy> {
    let mut no_files = |name: &str| Err(format!("no file {name}"));
    Arc::new(policy::load(POLICY, "test.toml", &mut no_files).unwrap_or_else(|problems| panic!("{problems:?}")))
}

/// Replays the plan, batches in reverse order, and publishes into `folder`.
fn replay(folder: &Path, budget_bytes: usize, shards: usize, until_ms: Option<i64>) -> Summary {
    let mut history = History::new(PLAN);
    let mut batches: Vec<_> = std::iter::from_fn(|| history.next_batch(500)).collect();
    batches.reverse();
    let mut sorter = Sorter::new(budget_bytes, folder.to_owned(), Keep { facts_for_rules: true });
    batches.iter().for_each(|batch| sorter.push(batch).unwrap());
    let options = Options { policy: policy(), shards, catch_up: CatchUp::Latest, until_ms, strict: false };
    let mut outputs = Outputs::create(folder).unwrap();
    let summary = run(sorter.finish().unwrap(), &options, Some(&mut outputs), &mut Silent).unwrap();
    outputs.publish(&summary).unwrap();
    summary
}

fn rows(path: &Path) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().with_batch_size(1 << 20);
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap()
}

/// A column of repeating labels.
fn labels(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let column = batch.column_by_name(name).unwrap().as_dictionary::<Int32Type>();
    let values = column.values().as_string::<i32>();
    let label = |key: Option<usize>| key.map(|key| values.value(key).to_owned());
    (0..batch.num_rows()).map(|row| label(column.key(row))).collect()
}

fn times(batch: &RecordBatch, name: &str) -> Vec<Option<i64>> {
    batch.column_by_name(name).unwrap().as_primitive::<TimestampMillisecondType>().iter().collect()
}

#[test]
fn files_and_summary_tell_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let summary = replay(folder.path(), 1 << 30, 2, None);
    assert_eq!(summary.input.tickets, PLAN.tickets);

    let cycles = rows(&folder.path().join("cycles.parquet"));
    let (priorities, clocks, results) =
        (labels(&cycles, "priority"), labels(&cycles, "clock"), labels(&cycles, "result"));
    for counted in &summary.cycles {
        let count = |result: &str| {
            let is_counted = |row: &usize| {
                priorities[*row].as_ref() == Some(&counted.priority)
                    && clocks[*row].as_ref() == Some(&counted.clock)
                    && results[*row].as_deref() == Some(result)
            };
            (0..cycles.num_rows()).filter(is_counted).count() as u64
        };
        let found = CycleCounts {
            met: count("met"),
            missed: count("missed"),
            no_target: count("no_target"),
            open: count("open"),
            open_missed: count("open_missed"),
        };
        assert_eq!(found, counted.counts, "{counted:?}");
        assert!(found.met > 0 && found.missed > 0, "{counted:?}");
    }
    let (started, due, stopped) =
        (times(&cycles, "started_at"), times(&cycles, "due_at"), times(&cycles, "stopped_at"));
    for row in 0..cycles.num_rows() {
        assert!(started[row] <= due[row], "row {row}");
        match results[row].as_deref() {
            // Exactly at the deadline is in time.
            Some("met") => assert!(stopped[row] <= due[row], "row {row}"),
            Some("missed") => assert!(stopped[row] > due[row], "row {row}"),
            _ => assert_eq!(stopped[row], None, "row {row}"),
        }
    }

    let escalations = rows(&folder.path().join("escalations.parquet"));
    let kinds = labels(&escalations, "kind");
    let count = |kind: &str| kinds.iter().filter(|found| found.as_deref() == Some(kind)).count() as u64;
    assert_eq!(count("fired"), summary.fired());
    assert_eq!(count("manual"), summary.escalated_manually);
    assert!(summary.fired() > 100 && summary.escalated_manually > 0, "{summary:?}");
    let (due, fired) = (times(&escalations, "due_at"), times(&escalations, "fired_at"));
    assert!((0..escalations.num_rows()).all(|row| due[row] <= fired[row]), "never early");
    let ids = escalations.column_by_name("escalation_id").unwrap().as_string::<i32>();
    let distinct: std::collections::HashSet<&str> = ids.iter().flatten().collect();
    assert_eq!(distinct.len(), escalations.num_rows());
    assert!(distinct.iter().any(|id| id.ends_with("/resolution/1/1")), "{:?}", ids.value(0));
    let notify = escalations.column_by_name("notify").unwrap().as_list::<i32>();
    let notified = |whom: Option<ArrayRef>| {
        whom.is_some_and(|whom| whom.as_string::<i32>().iter().flatten().eq(["team_lead", "manager"]))
    };
    assert!(notify.iter().any(notified));
    assert!(labels(&escalations, "reason").iter().flatten().count() as u64 == summary.escalated_manually);
}

#[test]
fn memory_and_shards_change_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    replay(folder.path(), 1 << 30, 1, None);
    let read = |folder: &Path| {
        ["escalations.parquet", "cycles.parquet", "summary.json"].map(|name| {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut File::open(folder.join(name)).unwrap(), &mut bytes).unwrap();
            bytes
        })
    };
    let expected = read(folder.path());
    for (budget_bytes, shards) in [(1 << 30, 1), (50_000, 1), (1 << 30, 7), (50_000, 16)] {
        let other = tempfile::tempdir().unwrap();
        replay(other.path(), budget_bytes, shards, None);
        assert!(read(other.path()) == expected, "budget of {budget_bytes} bytes, {shards} shards");
    }
}

#[test]
fn time_ends_where_it_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let day_ms = crate::time::DAY_MS;
    let half = replay(folder.path(), 1 << 30, 2, Some(PLAN.start_ms + 15 * day_ms));
    assert!(half.input.events_after_end > 0 && half.input.tickets < PLAN.tickets);
    assert_eq!(half.until.as_deref(), Some("2026-01-20T00:00:00Z"));
    let whole = replay(folder.path(), 1 << 30, 2, None);
    let longer = replay(folder.path(), 1 << 30, 2, Some(PLAN.start_ms + 365 * day_ms));
    assert_eq!(half.input.events + half.input.events_after_end, whole.input.events);
    assert!(longer.fired() > whole.fired(), "open cycles continue to fire");
    // Only tickets that wait for customers are not overdue a year later.
    assert!(longer.cycles.iter().all(|cycles| cycles.priority == "normal" || cycles.counts.open == 0), "{longer:?}");
}

#[test]
fn no_events_give_empty_tables() {
    let folder = tempfile::tempdir().unwrap();
    let sorter = Sorter::new(1 << 20, folder.path().to_owned(), Keep { facts_for_rules: true });
    let options = Options { policy: policy(), shards: 2, catch_up: CatchUp::Latest, until_ms: None, strict: false };
    let mut outputs = Outputs::create(folder.path()).unwrap();
    let summary = run(sorter.finish().unwrap(), &options, Some(&mut outputs), &mut Silent).unwrap();
    outputs.publish(&summary).unwrap();
    assert_eq!((summary.input.events, summary.first_event_at.as_ref(), summary.until.as_ref()), (0, None, None));
    let file = File::open(folder.path().join("cycles.parquet")).unwrap();
    assert_eq!(ParquetRecordBatchReaderBuilder::try_new(file).unwrap().metadata().file_metadata().num_rows(), 0);
    assert!(show(&summary).starts_with("0 tickets, 0 events\n"));
}
