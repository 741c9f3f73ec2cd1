//! A full disk: the group is rejected, nothing is lost, and writing resumes once there is room. Rotation and retirement.

use crate::memory_disk::{Faults, MemoryDisk, Survives};
use crate::workload::{check_groups, commit, open, options};
use overdue::limits::MAX_GROUP_BYTES;
use overdue::store::disk::{Disk, FolderDisk};
use overdue::store::journal::{AppendError, Journal, JournalError};
use std::sync::Arc;

const SEGMENT_BYTES: u64 = 8 << 10;

#[test]
fn a_full_disk_rejects_groups_and_writing_resumes_with_room() {
    // By sectors, so that the disk is full in the middle of groups, heads, closing frames and new segments.
    for room in (0..200).map(|sectors| sectors * 512) {
        let context = format!("room for {room} bytes");
        let disk = MemoryDisk::default();
        let (mut journal, _) = open(&disk, SEGMENT_BYTES).unwrap();
        disk.set_faults(Faults { room_bytes: Some(room), ..Faults::default() });
        let mut rejected = 0;
        let mut number = 1;
        while number <= 60 {
            match commit(&mut journal, number) {
                Ok(()) => number += 1,
                Err(AppendError::Full { number: full, .. }) => {
                    assert_eq!(full, number, "{context}");
                    rejected += 1;
                    if rejected == 1 {
                        // After a crash, all acknowledged groups are there, and nothing of the rejected one.
                        for survives in [Survives::Nothing, Survives::Everything, Survives::Some(room)] {
                            let (found, recovered) = open(&disk.crash(survives), SEGMENT_BYTES).unwrap();
                            assert_eq!(recovered.last, number - 1, "{context}, {survives:?}");
                            check_groups(&found, recovered, &context);
                        }
                    }
                    if rejected == 3 {
                        disk.set_faults(Faults::default());
                    }
                }
                Err(error) => panic!("{context}: {error}"),
            }
        }
        assert_eq!(rejected, 3, "{context}");
        drop(journal);
        let (journal, recovered) = open(&disk.crash(Survives::Nothing), SEGMENT_BYTES).unwrap();
        assert_eq!((recovered.first, recovered.last, recovered.cut_bytes), (1, 60, 0), "{context}");
        check_groups(&journal, recovered, &context);
    }
}

#[test]
fn a_segment_that_cannot_be_created_rejects_one_group_only() {
    let disk = MemoryDisk::default();
    let (mut journal, _) = open(&disk, SEGMENT_BYTES).unwrap();
    let (mut number, mut rejected) = (1, 0);
    while number <= 60 {
        disk.set_faults(Faults { no_descriptors: true, ..Faults::default() });
        if let Err(error) = commit(&mut journal, number) {
            assert!(matches!(error, AppendError::NoSegment { number: failed, .. } if failed == number), "{error:?}");
            rejected += 1;
            // After a crash, all acknowledged groups are there, and nothing of the rejected one.
            let (found, recovered) = open(&disk.crash(Survives::Some(number)), SEGMENT_BYTES).unwrap();
            assert_eq!(recovered.last, number - 1);
            check_groups(&found, recovered, "no descriptor");
            disk.set_faults(Faults::default());
            commit(&mut journal, number).unwrap();
        }
        number += 1;
    }
    assert!(rejected > 3, "{rejected} segments");
    drop(journal);
    let (journal, recovered) = open(&disk.crash(Survives::Nothing), SEGMENT_BYTES).unwrap();
    assert_eq!((recovered.first, recovered.last), (1, 60));
    check_groups(&journal, recovered, "after all groups");
}

#[test]
fn segments_without_needed_groups_are_deleted_except_the_last_one() {
    let disk = MemoryDisk::default();
    let (mut journal, _) = open(&disk, SEGMENT_BYTES).unwrap();
    for number in 1..=100 {
        commit(&mut journal, number).unwrap();
    }
    let (before, files) = (journal.bytes(), disk.files().len());
    assert_eq!(before, disk.files().values().map(|bytes| bytes.len() as u64).sum::<u64>());
    journal.retire(1).unwrap();
    assert_eq!(disk.files().len(), files, "group 1 is needed");
    journal.retire(50).unwrap();
    let first = journal.first();
    assert!(first > 1 && first <= 50 && journal.bytes() < before, "{first}");
    let groups: Vec<u64> = journal.groups(50).map(|group| group.unwrap().0).collect();
    assert_eq!(groups, (50..=100).collect::<Vec<u64>>());
    let gone = journal.groups(first - 1).next();
    assert!(
        matches!(gone, Some(Err(JournalError::Gone { from, first: begins })) if (from, begins) == (first - 1, first))
    );
    assert_eq!(journal.groups(101).count(), 0);
    journal.retire(u64::MAX).unwrap();
    assert_eq!(disk.files().len(), 1);
    commit(&mut journal, 101).unwrap();
    drop(journal);
    let (journal, recovered) = open(&disk.crash(Survives::Nothing), SEGMENT_BYTES).unwrap();
    assert_eq!(recovered.last, 101);
    check_groups(&journal, recovered, "after retirement");
}

#[test]
fn a_group_that_is_too_large_is_rejected() {
    let (mut journal, _) = open(&MemoryDisk::default(), SEGMENT_BYTES).unwrap();
    let rejected = journal.append(1, &vec![0; MAX_GROUP_BYTES + 1]);
    assert!(matches!(rejected, Err(AppendError::TooLarge { .. })), "{rejected:?}");
    commit(&mut journal, 1).unwrap();
}

#[test]
fn a_real_folder_gets_its_segments_ahead_of_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let opened = |path: &std::path::Path| {
        let disk = Arc::new(FolderDisk::new(path).unwrap()) as Arc<dyn Disk>;
        let mut options = options(SEGMENT_BYTES);
        options.ahead = true;
        Journal::open(disk, options).unwrap()
    };
    let (mut journal, recovered) = opened(&path);
    assert_eq!((recovered.first, recovered.last, recovered.cut_bytes), (1, 0, 0));
    for number in 1..=100 {
        commit(&mut journal, number).unwrap();
    }
    drop(journal);
    for entry in std::fs::read_dir(&path).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name.ends_with(".log"), "{name} is left over");
    }
    let (mut journal, recovered) = opened(&path);
    assert_eq!((recovered.first, recovered.last, recovered.cut_bytes), (1, 100, 0));
    check_groups(&journal, recovered, "a real folder");
    journal.retire(90).unwrap();
    commit(&mut journal, 101).unwrap();
}
