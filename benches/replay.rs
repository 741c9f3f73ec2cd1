//! How fast is a replay? The sort of the events, and the engine on them with and without files of results. The rival of the sort is
//! the simplest implementation: one struct per row, with its texts, sorted by time.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use overdue::engine::CatchUp;
use overdue::generate::{History, Plan};
use overdue::policy;
use overdue::policy::Policy;
use overdue::replay::sort::{Keep, Sorted, Sorter};
use overdue::replay::{Listener, Options, Outputs, RejectedEvent, Summary, run};
use overdue::ticket::{Batch, Column, EventKind, State};
use std::sync::Arc;
use std::time::Duration;

/// About 1.3 million events.
const PLAN: Plan = Plan { tickets: 200_000, start_ms: 1_767_571_200_000, days: 365, seed: 1 };
const MEMORY_BYTES: usize = 4 << 30;
const SHARDS: usize = 2;

struct Silent;

impl Listener for Silent {
    fn done(&mut self, _events: u64) {}
    fn rejected(&mut self, event: &RejectedEvent<'_>) {
        panic!("{event:?}");
    }
}

fn batches() -> Vec<Batch> {
    let mut history = History::new(PLAN);
    std::iter::from_fn(|| history.next_batch(1 << 16)).collect()
}

fn rows(batches: &[Batch]) -> u64 {
    batches.iter().map(|batch| batch.len() as u64).sum()
}

fn sorted(batches: &[Batch]) -> Sorted {
    let mut sorter = Sorter::new(MEMORY_BYTES, std::env::temp_dir(), Keep { facts_for_rules: true });
    batches.iter().for_each(|batch| sorter.push(batch).expect("memory is enough"));
    sorter.finish().expect("memory is enough")
}

/// The same events by ticket, as in many exports.
fn by_ticket(batches: &[Batch]) -> Vec<Batch> {
    let mut rows: Vec<(&str, usize, usize)> = Vec::new();
    for (number, batch) in batches.iter().enumerate() {
        rows.extend((0..batch.len()).map(|row| (batch.ticket.get(row), number, row)));
    }
    rows.sort_unstable();
    let gather = |chunk: &[(&str, usize, usize)]| {
        let mut gathered = Batch::default();
        for (ticket, number, row) in chunk {
            let batch = &batches[*number];
            gathered.push(ticket, batch.at_ms[*row], batch.kind[*row]);
            for column in Column::ALL {
                if let Some(label) = batch.labels(column).get(*row) {
                    gathered.set_last(column, label);
                }
            }
        }
        gathered
    };
    rows.chunks(1 << 12).map(gather).collect()
}

/// A row as one struct.
#[derive(Clone)]
#[expect(dead_code, reason = "the rival moves all values of a row")]
struct Row {
    at_ms: i64,
    ticket: String,
    kind: EventKind,
    state: Option<State>,
    labels: [Option<String>; 8],
    text: String,
}

fn structs(batches: &[Batch]) -> Vec<Row> {
    let row = |batch: &Batch, row: usize| Row {
        at_ms: batch.at_ms[row],
        ticket: batch.ticket.get(row).to_owned(),
        kind: batch.kind[row],
        state: batch.state[row],
        labels: Column::ALL.map(|column| batch.labels(column).get(row).map(str::to_owned)),
        text: if batch.text.is_empty() { String::new() } else { batch.text.get(row).to_owned() },
    };
    let mut rows: Vec<Row> = batches.iter().flat_map(|batch| (0..batch.len()).map(move |at| row(batch, at))).collect();
    rows.sort_by_key(|row| row.at_ms);
    rows
}

fn drain(mut sorted: Sorted) -> usize {
    let (mut rows, mut used) = (0, None);
    while let Some(batch) = sorted.next_batch(1 << 17, used).expect("memory is enough") {
        rows += batch.len();
        used = Some(batch);
    }
    rows
}

fn order(criterion: &mut Criterion) {
    let (in_order, by_ticket) = (batches(), by_ticket(&batches()));
    let mut group = criterion.benchmark_group("replay order");
    group.throughput(Throughput::Elements(rows(&in_order))).sample_size(10).measurement_time(Duration::from_secs(8));
    for (name, batches) in [("by time", &in_order), ("by ticket", &by_ticket)] {
        group.bench_function(criterion::BenchmarkId::new("overdue", name), |bench| {
            bench.iter(|| drain(sorted(batches)));
        });
        group.bench_function(criterion::BenchmarkId::new("structs", name), |bench| {
            bench.iter_batched(|| (), |()| structs(batches), BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn policy() -> Arc<Policy> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/policies/contact_centre.toml");
    let mut no_files = |name: &str| Err(format!("no file {name}"));
    let policy = policy::load(include_str!("../data/policies/contact_centre.toml"), path, &mut no_files);
    Arc::new(policy.expect("the shipped policy"))
}

fn replay(sorted: Sorted, policy: &Arc<Policy>, outputs: Option<&mut Outputs>) -> Summary {
    let options =
        Options { policy: Arc::clone(policy), shards: SHARDS, catch_up: CatchUp::Latest, until_ms: None, strict: true };
    run(sorted, &options, outputs, &mut Silent).expect("a replay")
}

fn events(criterion: &mut Criterion) {
    let (batches, policy) = (batches(), policy());
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(rows(&batches))).sample_size(10).measurement_time(Duration::from_secs(8));
    group.bench_function("overdue, sorted events, no files", |bench| {
        bench.iter_batched(|| sorted(&batches), |sorted| replay(sorted, &policy, None), BatchSize::PerIteration);
    });
    group.bench_function("overdue, sorted events, with files", |bench| {
        bench.iter_batched(
            || (sorted(&batches), tempfile::tempdir().expect("a folder")),
            |(sorted, folder)| {
                let mut outputs = Outputs::create(folder.path()).expect("files");
                let summary = replay(sorted, &policy, Some(&mut outputs));
                outputs.publish(&summary).expect("files");
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, order, events);
criterion_main!(benches);
