//! An engine through a snapshot, and its records through the history: shipped policy, synthetic tickets, real files. The files stay
//! in the target folder for `scripts/check-tables`.

mod support {
    pub mod shipped;
}

use overdue::calendar::zone_data_version;
use overdue::engine::{Apply, CatchUp, Engine, Head, Installed, NO_SYMBOL, Outcome};
use overdue::generate::{History, Plan};
use overdue::policy;
use overdue::policy::Policy;
use overdue::store::history::History as Records;
use overdue::store::record::{
    CycleBlock, CycleRow, EscalationBlock, EscalationFilter, EscalationRow, LabelKind, LabelTable, RecordKind,
};
use overdue::store::snapshot::{Finish, ServiceState, Snapshot, SnapshotWriter, StartHead, list, open};
use overdue::ticket::Batch;
use std::path::Path;
use std::sync::Arc;
use support::shipped::shipped;

const SHARDS: usize = 8;
const PLAN: Plan = Plan { tickets: 3_000, start_ms: 1_767_571_200_000, days: 60, seed: 3 };

fn shipped_policy() -> Arc<Policy> {
    let mut files = |name: &str| Ok::<String, String>(shipped(&format!("policies/{name}")));
    let policy = policy::load(&shipped("policies/contact_centre.toml"), "contact_centre.toml", &mut files);
    Arc::new(policy.unwrap_or_else(|problems| panic!("{problems:?}")))
}

/// Advances to the last event of a batch and applies the batch.
fn apply(engine: &mut Engine, batch: &Batch) -> [Outcome; 2] {
    let until_ms = batch.at_ms.iter().max().map_or(0, |last_ms| last_ms / 1_000 * 1_000);
    [engine.advance(until_ms.max(engine.now_ms())), engine.apply(batch, CatchUp::Latest)]
}

fn names(head: &Head) -> LabelTable {
    let names = LabelTable::default();
    LabelKind::ALL.into_iter().for_each(|column| names.extend(column, column.of(&head.labels).iter()));
    names
}

fn write(folder: &Path, engine: &Engine) {
    let head = engine.head();
    let names = names(&head);
    let mut writer = SnapshotWriter::begin(folder, 1).unwrap();
    (0..engine.shards()).for_each(|shard| writer.shard(1, engine.export(shard), &names).unwrap());
    let first = StartHead { now_ms: head.now_ms, rows: head.rows };
    let state = ServiceState { group: 1, ..ServiceState::default() };
    writer
        .finish(Finish { first, head: &head, state: &state, zone_data_version: zone_data_version(), epoch: None })
        .unwrap();
}

fn restored(snapshot: &Snapshot, policy: &Arc<Policy>) -> Engine {
    let installed = Installed { policy: Arc::clone(policy), since_ms: 0, apply: Apply::FromStart };
    let restoring = Engine::restore(&[installed], &snapshot.head()).unwrap();
    let shard = |number| restoring.shard(snapshot.shard(number).unwrap().1).unwrap();
    let shards = (0..snapshot.head().shards).map(shard).collect();
    restoring.finish(shards).unwrap()
}

#[test]
fn an_engine_is_restored_from_its_snapshot() {
    let policy = shipped_policy();
    let mut history = History::new(PLAN);
    let batches: Vec<Batch> = std::iter::from_fn(|| history.next_batch(1_000)).collect();
    let mut engine = Engine::new(Arc::clone(&policy), SHARDS);
    let middle = batches.len() / 2;
    for batch in &batches[..middle] {
        apply(&mut engine, batch);
    }

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
        apply(&mut engine, batch);
        apply(&mut again, batch);
    }
    assert_eq!(again.state_hash(), engine.state_hash());
    assert_eq!(again.counters(), engine.counters());
}

/// The output of an engine, as blocks of records.
#[derive(Default)]
struct Emitted {
    escalations: Vec<Arc<EscalationBlock>>,
    cycles: Vec<Arc<CycleBlock>>,
    names: Arc<LabelTable>,
}

impl Emitted {
    fn add(&mut self, engine: &Engine, outcome: &Outcome) {
        let recorded_ms = engine.now_ms();
        let first_sequence = self.escalations.last().map_or(1, |block| block.end());
        let mut block = EscalationBlock {
            names: Arc::clone(&self.names),
            first_sequence,
            recorded_ms,
            ..EscalationBlock::default()
        };
        for it in &outcome.escalations {
            block.tickets.push(engine.ticket_id(it.ticket));
            let actions = engine.actions(it).cloned();
            let actions = actions.map_or(NO_SYMBOL, |actions| self.names.push_actions(Arc::new(actions)));
            block.rows.push(EscalationRow { actions, ..EscalationRow::of(engine, it) });
        }
        self.escalations.push(Arc::new(block));
        self.add_cycles(engine, outcome);
    }

    fn add_cycles(&mut self, engine: &Engine, outcome: &Outcome) {
        let first_sequence = self.cycles.last().map_or(1, |block| block.end());
        let mut block = CycleBlock {
            names: Arc::clone(&self.names),
            first_sequence,
            recorded_ms: engine.now_ms(),
            ..CycleBlock::default()
        };
        for it in &outcome.cycles {
            block.tickets.push(engine.ticket_id(it.ticket));
            block.rows.push(CycleRow::of(engine, it));
        }
        self.cycles.push(Arc::new(block));
    }
}

#[test]
fn the_history_agrees_with_the_counters() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tables");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).unwrap();
    }
    let mut engine = Engine::new(shipped_policy(), SHARDS);
    let mut emitted = Emitted::default();
    let mut history = History::new(PLAN);
    while let Some(batch) = history.next_batch(1_000) {
        apply(&mut engine, &batch).iter().for_each(|outcome| emitted.add(&engine, outcome));
    }
    let head = engine.head();
    LabelKind::ALL.into_iter().for_each(|column| emitted.names.extend(column, column.of(&head.labels).iter()));
    let records = Records::open(&folder.join("history")).unwrap();
    records.write_escalations(&emitted.escalations).unwrap();
    records.write_cycles(&emitted.cycles).unwrap();
    write(&folder.join("snapshots"), &engine);

    let tallies = engine.counters().by_clock;
    for (clock, tally) in tallies.iter().enumerate() {
        for (level, fired) in tally.fired.iter().enumerate().filter(|(_, fired)| **fired > 0) {
            let count = |kind: RecordKind| {
                let (clock, level) = (Some(engine.clock_name(clock as u32).to_owned()), Some(level as u8 + 1));
                let filter = EscalationFilter { kind: Some(kind), clock, level, ..EscalationFilter::default() };
                records.escalations_after(0, &filter, 10_000).unwrap().records.len() as u64
            };
            assert_eq!(count(RecordKind::Fired) - count(RecordKind::Withdrawn), *fired, "clock {clock}, level {level}");
        }
    }
    let ended: u64 = tallies.iter().map(|tally| tally.met + tally.missed).sum();
    assert!(ended > 1_000 && records.last_cycle() >= ended, "{} records of {ended} cycles", records.last_cycle());
    let plain = records.escalations_after(0, &EscalationFilter::default(), 10_000).unwrap().records;
    let wanted = emitted.escalations.iter().flat_map(|block| (0..block.len()).map(|row| block.record(row)));
    assert_eq!(plain, wanted.take(10_000).collect::<Vec<_>>());
}
