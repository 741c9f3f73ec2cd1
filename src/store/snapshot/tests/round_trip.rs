//! What is written is read back unchanged.

use super::synthetic::{START, labels, position, service_state, shard, write};
use crate::engine::ShardState;
use crate::store::snapshot::{SnapshotError, list, open};
use crate::ticket::TicketLabel;
use proptest::prelude::*;

/// As a restore needs it: without what is only for readers of the tables.
fn restored(shard: &ShardState) -> ShardState {
    let mut shard = shard.clone();
    shard.clocks.segments = Vec::new();
    shard.clocks.target_due_ms = Vec::new();
    shard
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn written_is_read(choices in prop::collection::vec(any::<u64>(), 1..200), tickets in prop::collection::vec(0..12_usize, 1..5)) {
        let mut at = 0;
        let mut next = |below: u64| {
            at += 1;
            choices[at % choices.len()].rotate_left(at as u32) % below
        };
        let shards: Vec<ShardState> =
            tickets.iter().enumerate().map(|(number, tickets)| shard(number as u16, *tickets, &mut next)).collect();
        let folder = tempfile::tempdir().unwrap();
        let manifest = write(folder.path(), 7, &shards).unwrap();
        let snapshot = open(&list(folder.path()).unwrap()[0].path).unwrap();
        prop_assert_eq!(snapshot.manifest(), &manifest);
        for shard in &shards {
            prop_assert_eq!(snapshot.shard(shard.number).unwrap(), (position(shard.number), restored(shard)));
        }
        let tickets: usize = tickets.iter().sum();
        prop_assert_eq!(snapshot.check_all_shards().unwrap().0, tickets as u64);
    }
}

#[test]
fn the_rest_comes_back_too() {
    let folder = tempfile::tempdir().unwrap();
    let shards: Vec<ShardState> = (0..3).map(|number| shard(number, 4, &mut |below| 3 % below)).collect();
    let manifest = write(folder.path(), 4_711, &shards).unwrap();
    assert_eq!((manifest.first_position(), manifest.last_position()), (100, 106));
    let snapshot = open(&folder.path().join("00000000000000004711")).unwrap();
    let head = snapshot.head();
    assert_eq!((head.now_ms, head.rows, head.shards), (START.now_ms, START.rows, 3));
    assert_eq!(head.labels, labels());
    assert_eq!(*snapshot.state(), service_state());
    assert!(snapshot.shard(3).is_err());
}

#[test]
fn every_shard_is_needed_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut shards: Vec<ShardState> = (0..3).map(|number| shard(number, 1, &mut |below| 1 % below)).collect();
    shards[1].number = 2;
    let rejected = write(folder.path(), 1, &shards).unwrap_err();
    assert!(matches!(rejected, SnapshotError::Shards { number: 1, times: 0, shards: 3 }), "{rejected}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left of it");
}

#[test]
fn a_word_that_nobody_knows_is_no_word() {
    let folder = tempfile::tempdir().unwrap();
    let mut only = shard(0, 2, &mut |below| 1 % below);
    only.tickets.labels[TicketLabel::Team][1] = 77;
    let rejected = write(folder.path(), 1, &[only]).unwrap_err();
    assert_eq!(rejected.to_string(), "symbol 77 of the column team has no label");
}

#[test]
fn a_shard_of_more_than_one_row_group() {
    let mut seed = 1_u64;
    let mut next = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut large = shard(0, 1_000, &mut next);
    // Distinct customers enough to outgrow the dictionary of a row group would take long; many slices do as well.
    let more = crate::limits::TABLE_SLICE_ROWS * 9;
    large.fires.ticket = (0..more as u32).map(|row| row / 2_000).collect();
    large.fires.clock = vec![1; more];
    large.fires.cycle = (0..more).map(|row| row as u16).collect();
    large.fires.levels = vec![3; more];
    let folder = tempfile::tempdir().unwrap();
    let manifest = write(folder.path(), 1, std::slice::from_ref(&large)).unwrap();
    assert_eq!(manifest.shards[0].fires.row_groups, 0..2);
    let snapshot = open(&list(folder.path()).unwrap()[0].path).unwrap();
    assert_eq!(snapshot.shard(0).unwrap().1, restored(&large));
}
