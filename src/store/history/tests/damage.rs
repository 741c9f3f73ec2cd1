//! Files that are not as they were written are told of, never read.

use super::made_up::{Dice, blocks, cycle_block};
use crate::store::history::{History, HistoryError};
use crate::store::record::EscalationFilter;
use std::fs;
use std::path::{Path, PathBuf};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .flat_map(|day| fs::read_dir(day.unwrap().path()).unwrap().map(|file| file.unwrap().path()))
        .collect();
    files.sort();
    files
}

fn ask(folder: &Path) -> Result<usize, HistoryError> {
    let history = History::open(folder)?;
    history.escalations_after(0, &EscalationFilter::default(), 1_000).map(|(records, _)| records.len())
}

#[test]
fn flipped_bits_and_cut_files_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = blocks(&mut Dice(11), 3);
    History::open(folder.path()).unwrap().write_escalations(&blocks).unwrap();
    let rows: usize = blocks.iter().map(|block| block.len()).sum();
    assert_eq!(ask(folder.path()).unwrap(), rows);
    let file = files(&folder.path().join("escalations")).remove(0);
    let contents = fs::read(&file).unwrap();
    // A prime: every place in a byte has its turn.
    for bit in (0..contents.len() * 8).step_by(67) {
        let mut damaged = contents.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&file, damaged).unwrap();
        let refused = ask(folder.path()).unwrap_err();
        assert!(matches!(&refused, HistoryError::Damaged { path, .. } if *path == file), "bit {bit}: {refused}");
    }
    for length in [0, contents.len() / 2, contents.len() - 1] {
        fs::write(&file, &contents[..length]).unwrap();
        assert!(ask(folder.path()).is_err(), "{length} bytes");
    }
    fs::write(&file, &contents).unwrap();
    assert_eq!(ask(folder.path()).unwrap(), rows);
}

#[test]
fn a_missing_file_is_found_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).unwrap();
    for first in [1, 3, 5] {
        history.write_cycles(&[cycle_block(first, 2)]).unwrap();
    }
    let second = files(&folder.path().join("cycles")).remove(1);
    fs::remove_file(second).unwrap();
    let refused = History::open(folder.path()).unwrap_err();
    assert!(matches!(refused, HistoryError::NotContiguous { expected: 3, found: 5, .. }), "{refused}");
}

#[test]
fn what_a_crash_left_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    History::open(folder.path()).unwrap().write_cycles(&[cycle_block(1, 2)]).unwrap();
    let left = folder.path().join("cycles/2026-11-22/3.partial");
    fs::write(&left, b"half a file").unwrap();
    let history = History::open(folder.path()).unwrap();
    assert!(!left.exists());
    assert_eq!(history.last_cycle(), 2);
    history.write_cycles(&[cycle_block(3, 1)]).unwrap();
    assert_eq!(files(&folder.path().join("cycles")).len(), 2);
}
