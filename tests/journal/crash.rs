//! The power goes at each operation of a workload of 300 groups, and what was not synced survives in part: each group whose
//! sync returned is there afterwards, in order and once, and at most the one in flight besides.

use crate::storage::{Faults, MemoryDisk, Survives};
use crate::workload::{check_groups, commit, open, payload};
use overdue::store::journal::AppendError;

const GROUPS: u64 = 300;
const SEGMENT_BYTES: u64 = 16 << 10;
/// Groups that the workload keeps when it retires, every 40 groups.
const KEPT: u64 = 25;
/// Syncs of a journal that is made, before the first group.
const FIRST_SYNCS: u64 = 3;

/// What a workload has been told.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    /// Last group whose sync returned.
    durable: u64,
    /// Groups before this one were allowed to go.
    retired: u64,
}

/// Writes groups until something fails.
fn work(disk: &MemoryDisk) -> Told {
    let mut told = Told::default();
    let Ok((mut journal, _)) = open(disk, SEGMENT_BYTES) else { return told };
    for number in 1..=GROUPS {
        if commit(&mut journal, number).is_err() {
            break;
        }
        told.durable = number;
        if number % 40 == 0 {
            told.retired = number - KEPT;
            if journal.retire(told.retired).is_err() {
                break;
            }
        }
    }
    told
}

/// Opens what is left, compares, goes on for some groups, loses power again.
fn check(disk: &MemoryDisk, told: Told, context: &str) -> u64 {
    let (mut journal, recovered) = open(disk, SEGMENT_BYTES).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(
        recovered.last == told.durable || recovered.last == told.durable + 1,
        "{context}: {recovered:?} after {told:?}"
    );
    assert!(recovered.first <= told.retired.max(1), "{context}: {recovered:?} after {told:?}");
    check_groups(&journal, recovered, context);
    for number in recovered.last + 1..=recovered.last + 3 {
        commit(&mut journal, number).unwrap_or_else(|error| panic!("{context}: {error}"));
    }
    drop(journal);
    let (journal, again) = open(&disk.crash(Survives::Nothing), SEGMENT_BYTES)
        .unwrap_or_else(|error| panic!("{context}, then 3 more groups: {error}"));
    assert_eq!((again.last, again.first), (recovered.last + 3, recovered.first), "{context}");
    check_groups(&journal, again, context);
    recovered.cut_bytes
}

#[test]
fn power_lost_at_each_operation() {
    let whole = MemoryDisk::default();
    assert_eq!(work(&whole).durable, GROUPS);
    let (operations, syncs) = (whole.operations(), whole.syncs());
    assert!(syncs > GROUPS + 60, "{syncs} syncs: the workload should rotate and retire, too");
    let mut cuts = 0;
    for cut in 0..operations {
        let disk = MemoryDisk::default();
        disk.set_faults(Faults { cut_at: Some(cut), ..Faults::default() });
        let told = work(&disk);
        let ways = [Survives::Nothing, Survives::Everything, Survives::Some(cut), Survives::Some(!cut)];
        for survives in ways {
            cuts += u64::from(check(&disk.crash(survives), told, &format!("cut at {cut}, {survives:?}")) > 0);
        }
    }
    assert!(cuts > 50, "only {cuts} torn tails: the disk tears too little");
}

#[test]
fn power_lost_again_while_opening() {
    for cut in (0..600).step_by(7) {
        let disk = MemoryDisk::default();
        disk.set_faults(Faults { cut_at: Some(cut), ..Faults::default() });
        let told = work(&disk);
        for again in 0..6 {
            let found = disk.crash(Survives::Some(cut + again));
            found.set_faults(Faults { cut_at: Some(again), ..Faults::default() });
            // One more group may be told: the second crash comes where that one is written.
            let mut now = told;
            if let Ok((mut journal, recovered)) = open(&found, SEGMENT_BYTES) {
                now.durable = recovered.last;
                if commit(&mut journal, recovered.last + 1).is_ok() {
                    now.durable += 1;
                }
            }
            let context = format!("cut at {cut}, then at {again}");
            check(&found.crash(Survives::Some(again)), now, &context);
        }
    }
}

#[test]
fn a_failed_sync_stops_the_journal_and_loses_nothing() {
    let whole = MemoryDisk::default();
    work(&whole);
    let (mut stops, mut other_segments) = (0, 0);
    for failing in 0..whole.syncs() {
        let context = format!("sync {failing} fails");
        let disk = MemoryDisk::default();
        disk.set_faults(Faults { fail_sync: Some(failing), ..Faults::default() });
        let mut told = Told::default();
        if let Ok((mut journal, _)) = open(&disk, SEGMENT_BYTES) {
            let mut number = 0;
            let failed = loop {
                number += 1;
                let mut committed = commit(&mut journal, number);
                // The sync of a new file, in which no group is: another file takes its place.
                if matches!(committed, Err(AppendError::NoSegment { number: refused, .. }) if refused == number) {
                    other_segments += 1;
                    committed = commit(&mut journal, number);
                    assert!(committed.is_ok(), "{context}: {committed:?}");
                }
                if committed.is_err() {
                    break true;
                }
                told.durable = number;
                if number % 40 == 0 {
                    told.retired = number - KEPT;
                    if journal.retire(told.retired).is_err() {
                        break true;
                    }
                }
                if number == GROUPS {
                    break false;
                }
            };
            if failed {
                stops += 1;
                // Nothing is taken after that, and no second sync says that all is well.
                let operations = disk.operations();
                assert!(journal.sync().is_err(), "{context}");
                let next = journal.last() + 1;
                let refused = journal.append(next, &payload(next));
                assert!(matches!(refused, Err(AppendError::Stopped(_))), "{context}: {refused:?}");
                assert_eq!(disk.operations(), operations, "{context}: the disk was asked again");
            }
        }
        disk.set_faults(Faults::default());
        // The process starts again and sees the system's pages, which are not on the disk; then the power goes.
        let (journal, recovered) = open(&disk, SEGMENT_BYTES).unwrap_or_else(|error| panic!("{context}: {error}"));
        check_groups(&journal, recovered, &context);
        assert!(recovered.last >= told.durable, "{context}: {recovered:?}");
        drop(journal);
        let durable = Told { durable: recovered.last, ..told };
        let cut = check(&disk.crash(Survives::Nothing), durable, &context);
        assert_eq!(cut, 0, "{context}: what the start took was not on the disk");
    }
    // Each failed sync of a group stops the journal; each new segment adds one sync whose failure does not.
    assert!(stops >= GROUPS, "{stops} stops");
    assert!(other_segments > 10, "{other_segments} segments were made again");
    assert_eq!(stops + other_segments + FIRST_SYNCS, whole.syncs());
}

#[test]
fn the_next_group_waits_for_the_sync() {
    let (mut journal, _) = open(&MemoryDisk::default(), SEGMENT_BYTES).unwrap();
    journal.append(1, b"one").unwrap();
    let early = journal.append(2, b"two");
    assert!(matches!(early, Err(AppendError::NotSynced { number: 2, unsynced: 1 })), "{early:?}");
    assert_eq!(journal.groups(1).count(), 0, "a group that is not durable is not read");
    journal.sync().unwrap();
    let gap = journal.append(3, b"three");
    assert!(matches!(gap, Err(AppendError::OutOfOrder { number: 3, expected: 2 })), "{gap:?}");
    journal.append(2, b"two").unwrap();
    journal.sync().unwrap();
    assert_eq!(journal.groups(2).count(), 1);
}
