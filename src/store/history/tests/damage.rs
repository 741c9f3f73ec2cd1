//! Damaged files are reported, never read; and the effects of a cut.

use super::files;
use super::synthetic::{Dice, blocks, cycle_block, records};
use crate::store::epochs::Epoch;
use crate::store::history::{History, HistoryError, Page};
use crate::store::record::{EscalationBlock, EscalationFilter};
use std::fs;
use std::path::Path;
use std::sync::Arc;

fn ask(folder: &Path) -> Result<Page, HistoryError> {
    History::open(folder)?.escalations_after(0, &EscalationFilter::default(), 1_000)
}

/// One call per block: files of one block each.
fn write_each(folder: &Path, blocks: &[Arc<EscalationBlock>]) {
    let history = History::open(folder).unwrap();
    blocks.iter().for_each(|block| history.write_escalations(std::slice::from_ref(block)).unwrap());
}

#[test]
fn flipped_bits_and_cut_files_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = blocks(&mut Dice(11), 3);
    History::open(folder.path()).unwrap().write_escalations(&blocks).unwrap();
    let rows: usize = blocks.iter().map(|block| block.len()).sum();
    assert_eq!(ask(folder.path()).unwrap().records.len(), rows);
    let file = files(&folder.path().join("escalations")).remove(0);
    let contents = fs::read(&file).unwrap();
    let is_missing = |what: String| {
        let scanned = ask(folder.path()).unwrap();
        let gap = &scanned.gaps[0];
        assert!(file.ends_with(&gap.file) && (gap.from, gap.to) == (1, scanned.up_to), "{what}: {gap:?}");
        assert!(scanned.records.iter().all(|record| record.sequence > gap.to), "{what}");
    };
    // A prime: so every position in a byte is tested.
    for bit in (0..contents.len() * 8).step_by(67) {
        let mut damaged = contents.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        fs::write(&file, damaged).unwrap();
        is_missing(format!("bit {bit}"));
    }
    for length in [0, contents.len() / 2, contents.len() - 1] {
        fs::write(&file, &contents[..length]).unwrap();
        is_missing(format!("{length} bytes"));
    }
    fs::write(&file, &contents).unwrap();
    let scanned = ask(folder.path()).unwrap();
    assert_eq!((scanned.records.len(), scanned.gaps), (rows, Vec::new()));
}

#[test]
fn a_damaged_file_costs_its_own_records_only() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = blocks(&mut Dice(5), 8);
    write_each(folder.path(), &blocks);
    let all = records(&blocks);
    let files = files(&folder.path().join("escalations"));
    for file in &files {
        let contents = fs::read(file).unwrap();
        fs::write(file, &contents[..contents.len() / 2]).unwrap();
        let scanned = ask(folder.path()).unwrap();
        let [gap] = scanned.gaps.as_slice() else { panic!("{:?}", scanned.gaps) };
        assert!(gap.reason.contains("checksum"), "{gap:?}");
        let left: Vec<_> = all.iter().filter(|it| !(gap.from..=gap.to).contains(&it.sequence)).cloned().collect();
        assert_eq!(scanned.records, left);
        assert_eq!(scanned.up_to, all.len() as u64);
        // A reader that starts within the gap gets the rest of it.
        let history = History::open(folder.path()).unwrap();
        let rest = history.escalations_after(gap.from, &EscalationFilter::default(), 1).unwrap();
        assert_eq!(rest.gaps.first().map(|gap| gap.from), (gap.from < gap.to).then_some(gap.from + 1));
        fs::write(file, contents).unwrap();
    }
    assert!(files.len() > 3);
}

#[test]
fn a_cut_puts_aside_what_lies_beyond_and_keeps_the_rest() {
    let blocks = blocks(&mut Dice(9), 12);
    let all = records(&blocks);
    let epoch = Epoch::after(None, 0xabc);
    for last in 0..all.len() as u64 {
        let folder = tempfile::tempdir().unwrap();
        write_each(folder.path(), &blocks);
        let history = History::open(folder.path()).unwrap();
        let cut = history.cut_escalations(last, epoch).unwrap().unwrap();
        assert_eq!((cut.from, cut.to), (last + 1, all.len() as u64));
        assert!(cut.files.iter().all(|file| file.exists()), "{cut:?}");
        // The history continues under new numbers, here and after a start.
        for history in [history, History::open(folder.path()).unwrap()] {
            assert_eq!(history.last_escalation(), last);
            let scanned = history.escalations_after(0, &EscalationFilter::default(), 1_000).unwrap();
            assert_eq!((scanned.records, scanned.gaps), (all[..last as usize].to_vec(), Vec::new()));
            assert_eq!(history.cut_escalations(last, epoch).unwrap(), None);
        }
        // As if a crash came before the file was set aside: the whole one counts, and can be cut again.
        let first = &cut.files[0];
        let name = first.file_name().unwrap().to_str().unwrap().strip_suffix(&format!(".cut-{epoch}")).unwrap();
        fs::rename(first, first.with_file_name(name)).unwrap();
        let history = History::open(folder.path()).unwrap();
        assert!(history.last_escalation() > last);
        history.cut_escalations(last, epoch).unwrap().unwrap();
        assert_eq!(History::open(folder.path()).unwrap().last_escalation(), last);
        history.write_escalations(&blocks).unwrap();
        assert_eq!(ask(folder.path()).unwrap().records, all);
    }
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
    let rejected = History::open(folder.path()).unwrap_err();
    assert!(matches!(rejected, HistoryError::NotContiguous { expected: 3, found: 5, .. }), "{rejected}");
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
