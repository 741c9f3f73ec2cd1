//! A group that was interrupted or rejected, and the next one with the same number: parts of the two never mix.

use crate::memory_disk::{Faults, MemoryDisk, Survives};
use crate::workload::{commit, open};
use overdue::store::journal::AppendError;

const SEGMENT_BYTES: u64 = 16 << 10;
/// Bytes of the first and of the second attempt.
const LENGTHS: [(usize, usize); 4] = [(3_000, 3_000), (5_000, 700), (700, 5_000), (14_000, 14_500)];

fn first(length: usize) -> Vec<u8> {
    vec![0xAA; length]
}

fn second(length: usize) -> Vec<u8> {
    vec![0x55; length]
}

/// Reads group 3, if it is there. Groups 1 and 2 must be.
fn third(disk: &MemoryDisk, context: &str) -> Option<Vec<u8>> {
    let (journal, recovered) = open(disk, SEGMENT_BYTES).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert!(recovered.first == 1 && (2..=3).contains(&recovered.last), "{context}: {recovered:?}");
    let mut groups: Vec<(u64, Vec<u8>)> = journal.groups(1).map(Result::unwrap).collect();
    assert_eq!(groups.len() as u64, recovered.last, "{context}");
    (recovered.last == 3).then(|| groups.remove(2).1)
}

/// Writes the second attempt, once with a power failure before its sync and once synced.
fn second_attempt(found: &MemoryDisk, length: usize, seed: u64, context: &str) {
    for is_synced in [false, true] {
        let disk = MemoryDisk::with(&found.files());
        let (mut journal, recovered) = open(&disk, SEGMENT_BYTES).unwrap();
        assert_eq!(recovered.last, 2, "{context}");
        journal.append(3, &second(length)).unwrap();
        if is_synced {
            journal.sync().unwrap();
        }
        for survives in [Survives::Nothing, Survives::Everything, Survives::Some(seed), Survives::Some(!seed)] {
            let context = format!("{context}, second attempt synced: {is_synced}, {survives:?}");
            let read = third(&disk.crash(survives), &context);
            assert!(read.is_none_or(|read| read == second(length)), "{context}: parts of two attempts");
            assert!(!is_synced || third(&disk.crash(survives), &context).is_some(), "{context}: lost");
        }
    }
}

#[test]
fn an_interrupted_group_never_mixes_with_the_next_one() {
    let mut torn = 0;
    for (lengths, seed) in LENGTHS.into_iter().flat_map(|lengths| (0..40).map(move |seed| (lengths, seed))) {
        let context = format!("{lengths:?}, seed {seed}");
        let disk = MemoryDisk::default();
        let (mut journal, _) = open(&disk, SEGMENT_BYTES).unwrap();
        (1..=2).for_each(|number| commit(&mut journal, number).unwrap());
        journal.append(3, &first(lengths.0)).unwrap();
        let found = disk.crash(Survives::Some(seed));
        match third(&found, &context) {
            Some(read) => assert_eq!(read, first(lengths.0), "{context}"),
            None => {
                torn += 1;
                second_attempt(&found, lengths.1, seed, &context);
            }
        }
    }
    assert!(torn > 100, "{torn}");
}

#[test]
fn a_rejected_group_never_mixes_with_the_next_one() {
    for (lengths, room) in LENGTHS.into_iter().flat_map(|lengths| (0..12).map(move |room| (lengths, room * 512))) {
        let disk = MemoryDisk::default();
        let (mut journal, _) = open(&disk, SEGMENT_BYTES).unwrap();
        (1..=2).for_each(|number| commit(&mut journal, number).unwrap());
        disk.set_faults(Faults { room_bytes: Some(room), ..Faults::default() });
        match journal.append(3, &first(lengths.0)) {
            Ok(()) => continue,
            Err(AppendError::Full { number: 3, .. }) => disk.set_faults(Faults::default()),
            Err(error) => panic!("{error}"),
        }
        journal.append(3, &second(lengths.1)).unwrap();
        for seed in 0..20 {
            let context = format!("{lengths:?}, room {room}, seed {seed}");
            let read = third(&disk.crash(Survives::Some(seed)), &context);
            assert!(read.is_none_or(|read| read == second(lengths.1)), "{context}: parts of two attempts");
        }
        journal.sync().unwrap();
        let context = format!("{lengths:?}, room {room}, synced");
        assert!(third(&disk.crash(Survives::Nothing), &context) == Some(second(lengths.1)), "{context}");
    }
}
