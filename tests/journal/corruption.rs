//! Corruption: every bit of a small journal flipped, sectors blanked, files truncated, removed, exchanged. It is detected and
//! reported with its place, or has no effect on what is read. It is never read as data, nor mistaken for an interrupted write.

use crate::memory_disk::{Faults, MemoryDisk, Survives};
use crate::workload::{check_groups, commit, open, payload};
use overdue::store::journal::{Journal, JournalError, Recovered};
use std::collections::BTreeMap;

const SEGMENT_BYTES: u64 = 6 << 10;
const SECTOR: usize = 512;
const HEAD_BYTES: usize = SECTOR;
const GROUPS: u64 = 10;

type Files = BTreeMap<String, Vec<u8>>;

/// Where groups lie in a segment.
#[derive(Debug, Clone)]
struct Layout {
    name: String,
    /// First byte of each group, in order.
    groups: Vec<(u64, usize)>,
    /// End of the last group.
    end: usize,
}

/// Three segments with ten groups, all acknowledged, and their layout: each append changes the bytes of its group.
fn small() -> (Files, Vec<Layout>) {
    let disk = MemoryDisk::default();
    let (mut journal, _) = open(&disk, SEGMENT_BYTES).unwrap();
    let mut layouts: Vec<Layout> = Vec::new();
    for number in 1..=GROUPS {
        let before = disk.files();
        commit(&mut journal, number).unwrap();
        let files = disk.files();
        let (name, after) = files.last_key_value().unwrap();
        let blank = vec![0; after.len()];
        let was = before.get(name).unwrap_or(&blank);
        let changed = |at: &usize| *at >= HEAD_BYTES && was[*at] != after[*at];
        let (first, last) = ((0..after.len()).find(changed).unwrap(), (0..after.len()).rfind(changed).unwrap());
        if layouts.last().is_none_or(|layout| layout.name != *name) {
            layouts.push(Layout { name: name.clone(), groups: Vec::new(), end: 0 });
        }
        let layout = layouts.last_mut().unwrap();
        layout.groups.push((number, first / SECTOR * SECTOR));
        layout.end = (last / SECTOR + 1) * SECTOR;
    }
    assert_eq!(layouts.len(), 3, "{layouts:?}");
    (disk.files(), layouts)
}

fn open_files(files: &Files) -> Result<(Journal, Recovered), JournalError> {
    open(&MemoryDisk::with(files), SEGMENT_BYTES)
}

/// Checks that the journal opens and has what was written.
fn assert_intact(files: &Files, context: &str) {
    let (journal, recovered) = open_files(files).unwrap_or_else(|error| panic!("{context}: {error}"));
    assert_eq!(recovered, Recovered { first: 1, last: GROUPS, cut_bytes: 0 }, "{context}");
    check_groups(&journal, recovered, context);
}

/// The error with which the journal fails to open.
fn open_error(files: &Files, context: &str) -> JournalError {
    match open_files(files) {
        Ok((_, recovered)) => panic!("{context}: opened with {recovered:?}"),
        Err(error) => error,
    }
}

#[test]
fn a_flipped_bit_is_detected_or_has_no_effect() {
    let (files, layouts) = small();
    assert_intact(&files, "untouched");
    for (place, layout) in layouts.iter().enumerate() {
        let is_last = place == layouts.len() - 1;
        for at in 0..files[&layout.name].len() {
            for bit in 0..8 {
                let mut corrupt = files.clone();
                corrupt.get_mut(&layout.name).unwrap()[at] ^= 1 << bit;
                let context = format!("{}, byte {at}, bit {bit}", layout.name);
                if at >= layout.end && !is_last {
                    // After the last group of an earlier segment: the closing frame, blank sectors.
                    assert_intact(&corrupt, &context);
                    continue;
                }
                match open_error(&corrupt, &context) {
                    JournalError::Head { file, first_lost, .. } => {
                        assert!(at < HEAD_BYTES, "{context}");
                        assert_eq!((file, first_lost), (layout.name.clone(), layout.groups[0].0), "{context}");
                    }
                    JournalError::Damaged { file, offset, first_lost, .. } => {
                        let hit = layout.groups.iter().rev().find(|(_, start)| *start <= at && at < layout.end);
                        let lost = hit.map_or(GROUPS + 1, |(number, _)| *number);
                        let sector = (at / SECTOR * SECTOR) as u64;
                        assert_eq!((file, offset, first_lost), (layout.name.clone(), sector, lost), "{context}");
                    }
                    other => panic!("{context}: {other}"),
                }
            }
        }
    }
}

#[test]
fn a_flipped_bit_in_a_journal_with_a_torn_tail_is_detected() {
    let disk = MemoryDisk::default();
    let (mut journal, _) = open(&disk, 16 << 10).unwrap();
    commit(&mut journal, 1).unwrap();
    commit(&mut journal, 2).unwrap();
    // The power fails before the sync of a third group of many sectors.
    disk.set_faults(Faults { cut_at: Some(disk.operations() + 1), ..Faults::default() });
    let long = (1..).find(|number| payload(*number).len() > 3_000 && payload(*number)[0] != 0).map(payload).unwrap();
    journal.append(3, &long).unwrap();
    journal.sync().unwrap_err();
    let torn = disk.crash(Survives::Some(4)).files();
    let (_, recovered) = open(&MemoryDisk::with(&torn), 16 << 10).unwrap();
    assert!(recovered.last == 2 && recovered.cut_bytes > 0, "{recovered:?}");
    let (name, bytes) = torn.first_key_value().unwrap();
    let mut opened = 0;
    for at in (0..bytes.len()).step_by(3) {
        for bit in 0..8 {
            let mut corrupt = torn.clone();
            corrupt.get_mut(name).unwrap()[at] ^= 1 << bit;
            if let Ok((journal, recovered)) = open(&MemoryDisk::with(&corrupt), 16 << 10) {
                opened += 1;
                assert_eq!(recovered.last, 2, "byte {at}, bit {bit}");
                check_groups(&journal, recovered, &format!("byte {at}, bit {bit}"));
            }
        }
    }
    assert_eq!(opened, 0, "journals with a flipped bit were opened");
}

/// A blank sector is detected, except in the last group: there it equals an interrupted write.
#[test]
fn a_blank_sector_is_detected_unless_it_is_in_the_last_group() {
    let (files, layouts) = small();
    for (place, layout) in layouts.iter().enumerate() {
        let is_last = place == layouts.len() - 1;
        for sector in 0..files[&layout.name].len() / SECTOR {
            let at = sector * SECTOR;
            let context = format!("{}, byte {at}", layout.name);
            let mut corrupt = files.clone();
            corrupt.get_mut(&layout.name).unwrap()[at..at + SECTOR].fill(0);
            let last_group = layout.groups.last().unwrap().1;
            if at >= layout.end {
                assert_intact(&corrupt, &context);
            } else if is_last && at >= last_group {
                // The same as an interrupted write. The start detects it if there is a later snapshot.
                let (journal, recovered) = open_files(&corrupt).unwrap();
                assert_eq!(recovered.last, GROUPS - 1, "{context}");
                check_groups(&journal, recovered, &context);
            } else {
                open_error(&corrupt, &context);
            }
        }
    }
}

#[test]
fn truncated_missing_and_exchanged_files_are_detected() {
    let (files, layouts) = small();
    let names: Vec<&String> = layouts.iter().map(|layout| &layout.name).collect();
    for name in &names {
        for length in (0..files[*name].len()).step_by(256) {
            let mut corrupt = files.clone();
            corrupt.get_mut(*name).unwrap().truncate(length);
            let error = open_error(&corrupt, &format!("{name} cut to {length}"));
            assert!(matches!(&error, JournalError::Head { file, .. } if file == *name), "{error}");
        }
    }
    for (place, layout) in layouts.iter().enumerate() {
        let mut corrupt = files.clone();
        corrupt.remove(&layout.name);
        if place == 0 {
            // The same as after retirement; reading the missing groups fails.
            let (journal, recovered) = open_files(&corrupt).unwrap();
            assert_eq!(recovered.first, layouts[1].groups[0].0);
            let first = journal.groups(1).next();
            assert!(matches!(first, Some(Err(JournalError::Gone { from: 1, .. }))));
            continue;
        }
        let error = open_error(&corrupt, &layout.name);
        let lost = layout.groups[0].0;
        let up_to = (place == 1).then(|| layout.groups.last().unwrap().0);
        assert!(
            matches!(&error, JournalError::Missing { file, first_lost, last_lost }
                if *file == layout.name && *first_lost == lost && *last_lost == up_to),
            "{error}"
        );
    }
    let mut exchanged = files.clone();
    exchanged.insert(names[1].clone(), files[names[2]].clone());
    exchanged.insert(names[2].clone(), files[names[1]].clone());
    assert!(matches!(open_error(&exchanged, "exchanged"), JournalError::Head { .. }));
}

#[test]
fn a_file_of_another_journal_or_a_later_release_is_rejected() {
    let (files, layouts) = small();
    let disk = MemoryDisk::default();
    let mut options = crate::workload::options(SEGMENT_BYTES);
    options.identity += 1;
    let (mut journal, _) = Journal::open(std::sync::Arc::new(disk.clone()), options).unwrap();
    (1..=GROUPS).for_each(|number| commit(&mut journal, number).unwrap());
    let mut mixed = files.clone();
    mixed.insert(layouts[1].name.clone(), disk.files()[&layouts[1].name].clone());
    let error = open_error(&mixed, "mixed").to_string();
    assert!(error.contains("it belongs to another journal"), "{error}");

    // A valid sector of one segment in the same place of another segment.
    let mut strayed = files.clone();
    let stray = files[&layouts[0].name][HEAD_BYTES..HEAD_BYTES + SECTOR].to_vec();
    strayed.get_mut(&layouts[1].name).unwrap()[HEAD_BYTES..HEAD_BYTES + SECTOR].copy_from_slice(&stray);
    open_error(&strayed, "strayed");

    let mut later = files;
    let head = &mut later.get_mut(&layouts[0].name).unwrap()[..HEAD_BYTES];
    head[12] = 2;
    let sum = crc32c::crc32c(&head[12..]);
    head[8..12].copy_from_slice(&sum.to_le_bytes());
    let error = open_error(&later, "later").to_string();
    assert_eq!(error, format!("{} has format version 2, and this release reads version 1", layouts[0].name));
}

#[test]
fn the_error_names_the_place_and_the_lost_groups() {
    let (mut files, layouts) = small();
    let (number, at) = layouts[1].groups[1];
    files.get_mut(&layouts[1].name).unwrap()[at + 40] ^= 4;
    let error = open_error(&files, "flipped").to_string();
    let known = layouts[2].groups[0].0 - 1;
    assert_eq!(
        error,
        format!(
            "{} is damaged at byte {at}: the checksum of these 512 bytes is wrong, and they are not blank; group {number} \
             cannot be read, and therefore none of the groups up to at least {known}; restore the file from a copy",
            layouts[1].name
        )
    );
}

#[test]
fn other_files_in_the_folder_are_not_touched() {
    let (mut files, _) = small();
    files.insert(".DS_Store".to_owned(), vec![1, 2, 3]);
    files.insert("00000000000000000002.log.bak".to_owned(), vec![0; 512]);
    files.insert("00000000000000000099.log.tmp".to_owned(), vec![0; 100]);
    let disk = MemoryDisk::with(&files);
    let (journal, recovered) = open(&disk, SEGMENT_BYTES).unwrap();
    check_groups(&journal, recovered, "other files");
    let left = disk.files();
    assert!(left.contains_key(".DS_Store") && left.contains_key("00000000000000000002.log.bak"));
    assert!(!left.contains_key("00000000000000000099.log.tmp"), "an unfinished file is removed");
}
