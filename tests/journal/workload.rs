//! Groups to write, and the check of what is read.

use crate::memory_disk::MemoryDisk;
use crate::support::random::Random;
use overdue::store::disk::Disk;
use overdue::store::journal::{AppendError, Journal, JournalError, Options, Recovered};
use std::sync::Arc;

/// Small segments, created when they are needed: each run has the same operations.
pub fn options(segment_bytes: u64) -> Options {
    Options { segment_bytes, ahead: false, ..Options::new(0x5eed) }
}

pub fn open(disk: &MemoryDisk, segment_bytes: u64) -> Result<(Journal, Recovered), JournalError> {
    Journal::open(Arc::new(disk.clone()) as Arc<dyn Disk>, options(segment_bytes))
}

/// The payload of a group: most are short, some span many sectors, some are all zeros, one in 40 needs its own segment of more
/// than 16 KiB.
pub fn payload(number: u64) -> Vec<u8> {
    let mut random = Random(number);
    let length = match random.below(40) {
        0 => 20_000,
        1..4 => 0,
        4..10 => random.below(6_000),
        _ => random.below(900),
    };
    if random.below(8) == 0 {
        return vec![0; length];
    }
    (0..length).map(|_| random.next() as u8).collect()
}

/// Writes a group and waits until it is durable.
pub fn commit(journal: &mut Journal, number: u64) -> Result<(), AppendError> {
    journal.append(number, &payload(number))?;
    Ok(journal.sync()?)
}

/// Reads all groups and compares them with what was written.
pub fn check_groups(journal: &Journal, recovered: Recovered, context: &str) {
    let mut next = recovered.first;
    for group in journal.groups(recovered.first) {
        let (number, read) = group.unwrap_or_else(|error| panic!("{context}: {error}"));
        assert_eq!(number, next, "{context}");
        assert!(read == payload(number), "{context}: group {number} differs from what was written");
        next += 1;
    }
    assert_eq!(next, recovered.last + 1, "{context}: groups missing at the end");
}
