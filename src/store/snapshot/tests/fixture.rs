//! Snapshots written by earlier versions can be opened for ever.
//!
//! Each version of the format has a folder under `tests/fixtures`. Its contents are repeated here as code and never changed: a
//! new version gets a function of its own. If the present version has no folder yet, this test writes it, and fails, so that it
//! is reviewed and committed.

use super::synthetic::{START, labels, names, service_state};
use crate::engine::{
    ClockColumns, ClockTally, Counters, EventColumns, FireColumns, GoneColumns, Head, NO_SYMBOL, ShardState, Tally,
    TicketColumns,
};
use crate::store::snapshot::{Finish, SCHEMA_VERSION, SnapshotWriter, open};
use crate::ticket::{EventKind, Openings, PerLabel, State, Texts, TicketLabel};
use crate::time::NEVER_MS;
use std::path::{Path, PathBuf};

const NOON_MS: i64 = 1_795_348_800_000;

fn folder(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/snapshot-v{version}"))
}

/// Version 1: a shard with two tickets, and one without.
fn version_1() -> [ShardState; 2] {
    let mut id = Texts::default();
    id.push("INC-1");
    id.push("INC-2 ø");
    let tickets = TicketColumns {
        id,
        ordinal: vec![0, 1 << 40],
        opened_ms: vec![NOON_MS, NOON_MS + 1],
        state: vec![State::Waiting, State::Closed],
        version: vec![0, 7],
        labels: PerLabel::from_fn(|label| match label {
            TicketLabel::Priority => vec![0, 4],
            TicketLabel::Owner => vec![NO_SYMBOL, 1],
            TicketLabel::Team => vec![2, NO_SYMBOL],
            TicketLabel::Channel => vec![3, 3],
            TicketLabel::Category => vec![NO_SYMBOL, NO_SYMBOL],
            TicketLabel::Customer => vec![4, 0],
        }),
        revision: vec![0, 3],
        next_due_s: vec![(NOON_MS / 1_000) as u32 + 60, 0],
        has_events: vec![true, false],
        // Columns that version 1 did not have: as if reported at the opening.
        described_ms: std::array::from_fn(|_| vec![NOON_MS, NOON_MS + 1]),
    };
    let clocks = ClockColumns {
        ticket: vec![0, 0, 1],
        clock: vec![0, 1, 1],
        cycle: vec![1, 0, 2],
        started_ms: vec![NOON_MS, 0, NOON_MS + 1],
        segment_ms: vec![NOON_MS + 500, 0, NOON_MS + 9],
        spent_ms: vec![500, 0, 8],
        is_open: vec![true, false, false],
        is_running: vec![false, false, false],
        is_held: vec![true, false, false],
        is_broken: vec![true, false, false],
        reached: vec![0b11_0000_0000_0101, 0, 0b01_0000_0000_0001],
        fired: vec![0b100, 0, 0],
        segments: vec![vec![(NOON_MS, NOON_MS + 500)], vec![], vec![]],
        target_due_ms: vec![NOON_MS + 3_600_000, NEVER_MS, NEVER_MS],
    };
    let events = EventColumns {
        ticket: vec![0, 0],
        at_ms: vec![NOON_MS, NOON_MS + 500],
        kind: vec![EventKind::Opened, EventKind::StateChanged],
        state: vec![None, Some(State::Waiting)],
        priority: vec![0, NO_SYMBOL],
        owner: vec![NO_SYMBOL, NO_SYMBOL],
        team: vec![2, NO_SYMBOL],
        is_implied: vec![true, false],
        only_time: vec![None; 2],
        is_report: vec![false; 2],
        is_stated: vec![false; 2],
    };
    let fires = FireColumns { ticket: vec![1], clock: vec![1], cycle: vec![1], levels: vec![0b11] };
    let waiting = Tally { open: 1, waiting: 1, at_risk: 0, breached: u64::MAX, done: 1 };
    let mut fired = [0; crate::limits::MAX_LEVELS];
    fired[2] = 4;
    let clock = ClockTally { running: 0, paused: 1, at_risk: 0, breached: 1, met: 5, missed: 6, fired };
    let mut counters = Counters { all: waiting, by_clock: vec![clock], ..Counters::default() };
    counters.by_label[TicketLabel::Priority] = vec![waiting, Tally::default()];
    let empty = ShardState { number: 1, ..ShardState::default() };
    [ShardState { number: 0, tickets, clocks, events, fires, gone: GoneColumns::default(), counters }, empty]
}

/// Version 2 adds events that report what a ticket has already, the times of labels, and tickets that have left.
fn version_2() -> [ShardState; 2] {
    let [mut first, mut second] = version_1();
    first.tickets.described_ms = [vec![NOON_MS, NOON_MS + 2], vec![NOON_MS + 3, NOON_MS + 1], vec![NOON_MS + 4; 2]];
    first.events = EventColumns {
        ticket: vec![0, 0, 1],
        at_ms: vec![NOON_MS, NOON_MS + 500, NOON_MS + 1],
        kind: vec![EventKind::Opened, EventKind::Assigned, EventKind::Opened],
        state: vec![Some(State::New), None, Some(State::Closed)],
        priority: vec![0, NO_SYMBOL, 4],
        owner: vec![NO_SYMBOL, 1, NO_SYMBOL],
        team: vec![2, NO_SYMBOL, NO_SYMBOL],
        is_implied: vec![false; 3],
        only_time: vec![Some(Openings::Current), None, Some(Openings::Known)],
        is_report: vec![false, true, false],
        is_stated: vec![false, true, false],
    };
    first.gone.id.push("GONE-1 ø");
    first.gone.id.push("INC-1");
    first.gone.left_ms = vec![NOON_MS + 5, NOON_MS - 5];
    second.gone.id.push("GONE-2");
    second.gone.left_ms = vec![0];
    [first, second]
}

#[test]
fn version_1_opens() {
    opens(1, version_1());
}

#[test]
fn version_2_opens() {
    opens(2, version_2());
}

fn opens(version: u32, shards: [ShardState; 2]) {
    let folder = folder(version);
    if SCHEMA_VERSION == version && !folder.exists() {
        let labels = labels();
        let names = names(&labels);
        let mut writer = SnapshotWriter::begin(&folder, 4_711).unwrap();
        shards.iter().for_each(|shard| writer.shard(4_700 + u64::from(shard.number), shard.clone(), &names).unwrap());
        let head = Head { now_ms: START.now_ms, rows: START.rows, shards: 2, labels };
        let state = service_state();
        writer
            .finish(Finish { first: START, head: &head, state: &state, zone_data_version: "2026e", epoch: None })
            .unwrap();
        panic!("{} was missing: review what was written, and commit it", folder.display());
    }
    let snapshot = open(&folder.join("00000000000000004711")).unwrap();
    let head = snapshot.head();
    assert_eq!((head.now_ms, head.rows, head.shards), (1_795_339_800_000, 4_321, 2));
    let labels = &head.labels.of_tickets;
    assert_eq!((&*labels[TicketLabel::Team][2], &*labels[TicketLabel::Customer][4]), ("team 2 æ", "customer 4 æ"));
    for mut shard in shards {
        shard.clocks.segments = Vec::new();
        shard.clocks.target_due_ms = Vec::new();
        assert_eq!(snapshot.shard(shard.number).unwrap(), (4_700 + u64::from(shard.number), shard));
    }
    assert_eq!(*snapshot.state(), service_state());
    assert_eq!(snapshot.state().policies.len(), 3);
}
