//! Groups to write, and what must be read of them.

use crate::storage::{Chance, MemoryDisk};
use overdue::store::disk::Disk;
use overdue::store::journal::{AppendError, Journal, JournalError, Options, Recovered};
use std::sync::Arc;

/// Small segments, made when they are needed: the same operations in each run.
pub fn options(segment_bytes: u64) -> Options {
    Options { segment_bytes, ahead: false, ..Options::new(0x5eed) }
}

pub fn open(disk: &MemoryDisk, segment_bytes: u64) -> Result<(Journal, Recovered), JournalError> {
    Journal::open(Arc::new(disk.clone()) as Arc<dyn Disk>, options(segment_bytes))
}

/// What group `number` holds: most are short, some span many sectors, some are all zeros, one in 40 needs a segment of its
/// own where those have 16 KiB.
pub fn payload(number: u64) -> Vec<u8> {
    let mut chance = Chance(number);
    let length = match chance.below(40) {
        0 => 20_000,
        1..4 => 0,
        4..10 => chance.below(6_000),
        _ => chance.below(900),
    };
    if chance.below(8) == 0 {
        return vec![0; length];
    }
    (0..length).map(|_| chance.next() as u8).collect()
}

/// Writes a group and waits until it is durable.
pub fn commit(journal: &mut Journal, number: u64) -> Result<(), AppendError> {
    journal.append(number, &payload(number))?;
    Ok(journal.sync()?)
}

/// Reads everything and compares it with what was written.
pub fn check_groups(journal: &Journal, recovered: Recovered, context: &str) {
    let mut next = recovered.first;
    for group in journal.groups(recovered.first) {
        let (number, read) = group.unwrap_or_else(|error| panic!("{context}: {error}"));
        assert_eq!(number, next, "{context}");
        assert!(read == payload(number), "{context}: group {number} is not what was written");
        next += 1;
    }
    assert_eq!(next, recovered.last + 1, "{context}: groups missing at the end");
}
