//! An engine goes through a snapshot and comes out the same: shipped policy, made-up history, real files.

use overdue::calendar::zone_data_version;
use overdue::engine::{Apply, Engine, Head, Installed, Passed};
use overdue::generate::{History, Plan};
use overdue::policy::{self, Policy};
use overdue::store::record::{NameColumn, Names};
use overdue::store::snapshot::{Finish, ServiceState, Snapshot, SnapshotWriter, StartHead, list, open};
use overdue::ticket::Batch;
use std::path::Path;
use std::sync::Arc;

const SHARDS: usize = 8;
const PLAN: Plan = Plan { tickets: 3_000, start_ms: 1_767_571_200_000, days: 60, seed: 3 };

fn shipped_policy() -> Arc<Policy> {
    let text = include_str!("../data/policies/contact_centre.toml");
    let mut files = |name: &str| {
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("data/policies").join(name))
            .map_err(|error| error.to_string())
    };
    Arc::new(policy::load(text, "contact_centre.toml", &mut files).unwrap_or_else(|problems| panic!("{problems:?}")))
}

/// Takes a batch, its time passing first.
fn take(engine: &mut Engine, batch: &Batch) {
    let until_ms = batch.at_ms.iter().max().map_or(0, |last_ms| last_ms / 1_000 * 1_000);
    engine.advance(until_ms.max(engine.now_ms()));
    engine.apply(batch, Passed::Latest);
}

fn names(head: &Head) -> Names {
    let names = Names::default();
    NameColumn::ALL.into_iter().for_each(|column| names.extend(column, column.of(&head.words).iter()));
    names
}

fn write(folder: &Path, engine: &Engine) {
    let head = engine.head();
    let names = names(&head);
    let mut writer = SnapshotWriter::begin(folder, 1).unwrap();
    (0..engine.shards()).for_each(|shard| writer.shard(1, &engine.export(shard), &names).unwrap());
    let first = StartHead { now_ms: head.now_ms, rows: head.rows };
    let state = ServiceState { group: 1, ..ServiceState::default() };
    writer.finish(Finish { first, head: &head, state: &state, zone_data_version: zone_data_version() }).unwrap();
}

fn restored(snapshot: &Snapshot, policy: &Arc<Policy>) -> Engine {
    let installed = Installed { policy: Arc::clone(policy), since_ms: 0, apply: Apply::FromStart };
    let restoring = Engine::restore(&[installed], &snapshot.head()).unwrap();
    let shard = |number| restoring.shard(snapshot.shard(number).unwrap().1).unwrap();
    let shards = (0..snapshot.head().shards).map(shard).collect();
    restoring.finish(shards).unwrap()
}

#[test]
fn an_engine_comes_back_from_its_snapshot() {
    let policy = shipped_policy();
    let mut history = History::new(PLAN);
    let batches: Vec<Batch> = std::iter::from_fn(|| history.next_batch(1_000)).collect();
    let mut engine = Engine::new(Arc::clone(&policy), SHARDS);
    let middle = batches.len() / 2;
    batches[..middle].iter().for_each(|batch| take(&mut engine, batch));

    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &engine);
    let snapshot = open(&list(folder.path()).unwrap()[0].path).unwrap();
    assert_eq!(snapshot.manifest().rows_of("tickets.parquet"), engine.len() as u64);
    assert!(snapshot.manifest().rows_of("events.parquet") > 0 && snapshot.manifest().rows_of("clocks.parquet") > 0);
    let mut again = restored(&snapshot, &policy);
    assert_eq!(again.state_hash(), engine.state_hash());
    assert_eq!(again.counters(), engine.counters());
    assert_eq!(again.head(), engine.head());

    for batch in &batches[middle..] {
        take(&mut engine, batch);
        take(&mut again, batch);
    }
    assert_eq!(again.state_hash(), engine.state_hash());
    assert_eq!(again.counters(), engine.counters());
}
