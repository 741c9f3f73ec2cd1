//! The power fails at each operation of a workload of 300 groups, and what was not synced survives in part: afterwards each group
//! whose sync returned is there, once and in order, and at most the one in flight besides.

use crate::memory_disk::{Faults, MemoryDisk, Survives};
use crate::workload::{check_groups, commit, open, payload};
use overdue::store::journal::AppendError;

const GROUPS: u64 = 300;
const SEGMENT_BYTES: u64 = 16 << 10;
/// Groups that the workload keeps when it retires the older ones, every 40 groups.
const KEPT: u64 = 25;
/// Syncs when a journal is created, before the first group.
const FIRST_SYNCS: u64 = 3;

/// What the journal has confirmed to a workload.
#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    /// Last group whose sync returned.
    durable: u64,
    /// Groups before this one may be deleted.
    retired: u64,
}

/// Writes groups until something fails.
fn work(disk: &MemoryDisk) -> Progress {
    let mut progress = Progress::default();
    let Ok((mut journal, _)) = open(disk, SEGMENT_BYTES) else { return progress };
    for number in 1..=GROUPS {
        if commit(&mut journal, number).is_err() {
            break;
        }
        progress.durable = number;
        if number % 40 == 0 {
            progress.retired = number - KEPT;
            if journal.retire(progress.retired).is_err() {
                break;
            }
        }
    }
    progress
}

/// Opens the journal, compares it, writes three more groups, loses power again. Returns the bytes that were cut.
fn check(disk: &MemoryDisk, progress: Progress, context: &str) -> u64 {
    let (mut journal, recovered) = open(disk, SEGMENT_BYTES).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(
        recovered.last == progress.durable || recovered.last == progress.durable + 1,
        "{context}: {recovered:?} after {progress:?}"
    );
    assert!(recovered.first <= progress.retired.max(1), "{context}: {recovered:?} after {progress:?}");
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
fn a_power_failure_at_any_operation_loses_nothing_that_was_synced() {
    let whole = MemoryDisk::default();
    assert_eq!(work(&whole).durable, GROUPS);
    let (operations, syncs) = (whole.operations(), whole.syncs());
    assert!(syncs > GROUPS + 60, "{syncs} syncs: the workload must rotate and retire segments");
    let mut cuts = 0;
    for cut in 0..operations {
        let disk = MemoryDisk::default();
        disk.set_faults(Faults { cut_at: Some(cut), ..Faults::default() });
        let progress = work(&disk);
        let outcomes = [Survives::Nothing, Survives::Everything, Survives::Some(cut), Survives::Some(!cut)];
        for survives in outcomes {
            cuts += u64::from(check(&disk.crash(survives), progress, &format!("cut at {cut}, {survives:?}")) > 0);
        }
    }
    assert!(cuts > 50, "only {cuts} torn tails");
}

#[test]
fn a_second_power_failure_while_opening_loses_nothing() {
    for cut in (0..600).step_by(7) {
        let disk = MemoryDisk::default();
        disk.set_faults(Faults { cut_at: Some(cut), ..Faults::default() });
        let progress = work(&disk);
        for again in 0..6 {
            let found = disk.crash(Survives::Some(cut + again));
            found.set_faults(Faults { cut_at: Some(again), ..Faults::default() });
            // The second power failure may come while one more group is written.
            let mut now = progress;
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
        let mut progress = Progress::default();
        if let Ok((mut journal, _)) = open(&disk, SEGMENT_BYTES) {
            let mut number = 0;
            let failed = loop {
                number += 1;
                let mut committed = commit(&mut journal, number);
                // The sync of a new file without groups: another file takes its place.
                if matches!(committed, Err(AppendError::NoSegment { number: rejected, .. }) if rejected == number) {
                    other_segments += 1;
                    committed = commit(&mut journal, number);
                    assert!(committed.is_ok(), "{context}: {committed:?}");
                }
                if committed.is_err() {
                    break true;
                }
                progress.durable = number;
                if number % 40 == 0 {
                    progress.retired = number - KEPT;
                    if journal.retire(progress.retired).is_err() {
                        break true;
                    }
                }
                if number == GROUPS {
                    break false;
                }
            };
            if failed {
                stops += 1;
                // Afterwards every append and every sync fails.
                let operations = disk.operations();
                assert!(journal.sync().is_err(), "{context}");
                let next = journal.last() + 1;
                let rejected = journal.append(next, &payload(next));
                assert!(matches!(rejected, Err(AppendError::Stopped(_))), "{context}: {rejected:?}");
                assert_eq!(disk.operations(), operations, "{context}: the disk was used again");
            }
        }
        disk.set_faults(Faults::default());
        // The process starts again and reads the system's pages, which are not on the disk; then the power fails.
        let (journal, recovered) = open(&disk, SEGMENT_BYTES).unwrap_or_else(|error| panic!("{context}: {error}"));
        check_groups(&journal, recovered, &context);
        assert!(recovered.last >= progress.durable, "{context}: {recovered:?}");
        drop(journal);
        let durable = Progress { durable: recovered.last, ..progress };
        let cut = check(&disk.crash(Survives::Nothing), durable, &context);
        assert_eq!(cut, 0, "{context}: groups that the start accepted were not on the disk");
    }
    // Each failed sync of a group stops the journal; each new segment adds one sync whose failure does not.
    assert!(stops >= GROUPS, "{stops} stops");
    assert!(other_segments > 10, "{other_segments} segments were created again");
    assert_eq!(stops + other_segments + FIRST_SYNCS, whole.syncs());
}

#[test]
fn a_group_is_rejected_before_the_sync_of_the_previous_one() {
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
