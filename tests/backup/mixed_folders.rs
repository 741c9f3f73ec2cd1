//! Folders with parts of another time or of another folder.

use crate::running::{Start, copy, last, more_records, open, replace, start_error};
use crate::support::files::files_below;
use crate::support::requests::snapshot;
use crate::support::until::until;
use std::fs;
use std::path::Path;

/// Writes a folder with a snapshot and records before and after it.
fn write(folder: &Path, name: &str) {
    let (service, stopper) = Start::PLAIN.on(folder).unwrap();
    open(&service, name, 10);
    until("levels", || last(&service) >= 20);
    snapshot(&service);
    open(&service, &format!("{name}-later"), 10);
    more_records(&service, 20);
    stopper.stop().unwrap();
}

/// Continues in a folder for a while.
fn continue_in(folder: &Path, name: &str) {
    let (service, stopper) = Start::PLAIN.on(folder).unwrap();
    open(&service, name, 10);
    more_records(&service, 20);
    stopper.stop().unwrap();
}

#[test]
fn a_start_with_parts_of_another_folder_fails() {
    let outer = tempfile::tempdir().unwrap();
    let (mine, other) = (outer.path().join("mine"), outer.path().join("other"));
    write(&mine, "mine");
    write(&other, "other");
    for (part, error) in [
        ("journal", "has the journal of another data folder"),
        ("history", "does not belong to the present state of the folder"),
        ("snapshots", "does not belong to the present state of the folder"),
    ] {
        let mixed = outer.path().join("mixed");
        copy(&mine, &mixed);
        replace(&other.join(part), &mixed.join(part));
        let reason = start_error(&mixed);
        assert!(reason.contains(error) && reason.contains(part), "{part}: {reason}");
        fs::remove_dir_all(&mixed).unwrap();
    }
    continue_in(&mine, "again");
}

#[test]
fn a_start_with_older_parts_fails() {
    let outer = tempfile::tempdir().unwrap();
    let (data, old) = (outer.path().join("data"), outer.path().join("old"));
    write(&data, "a");
    copy(&data, &old);
    continue_in(&data, "b");
    continue_in(&data, "c");
    for (part, error) in [("history", "the records between are lost"), ("journal", "a part of it is missing")] {
        let mixed = outer.path().join("mixed");
        copy(&data, &mixed);
        replace(&old.join(part), &mixed.join(part));
        let reason = start_error(&mixed);
        assert!(reason.contains(error), "{part}: {reason}");
        fs::remove_dir_all(&mixed).unwrap();
    }
    // With an old snapshot and an old journal, the history is newer.
    let mixed = outer.path().join("mixed");
    copy(&data, &mixed);
    replace(&old.join("journal"), &mixed.join("journal"));
    replace(&old.join("snapshots"), &mixed.join("snapshots"));
    let reason = start_error(&mixed);
    assert!(reason.contains("the history is newer than the journal"), "{reason}");
    fs::remove_dir_all(mixed.join("history")).unwrap();
    let reason = start_error(&mixed);
    assert!(reason.contains("the records between are lost"), "{reason}");
}

#[test]
fn a_start_with_parts_that_diverged_from_a_restored_folder_fails() {
    let outer = tempfile::tempdir().unwrap();
    let (data, restored) = (outer.path().join("data"), outer.path().join("restored"));
    write(&data, "a");
    copy(&data, &restored);
    // Both folders continue from the same state, with different records.
    continue_in(&data, "b");
    continue_in(&data, "c");
    continue_in(&restored, "d");
    continue_in(&restored, "e");
    for part in ["journal", "history", "snapshots"] {
        let mixed = outer.path().join("mixed");
        copy(&restored, &mixed);
        replace(&data.join(part), &mixed.join(part));
        let reason = start_error(&mixed);
        assert!(
            reason.contains("does not belong to the present state of the folder") && reason.contains("copied"),
            "{part}: {reason}"
        );
        fs::remove_dir_all(&mixed).unwrap();
    }
}

#[test]
fn a_folder_restored_in_place_begins_an_epoch() {
    let outer = tempfile::tempdir().unwrap();
    let (data, old) = (outer.path().join("data"), outer.path().join("old"));
    write(&data, "a");
    copy(&data, &old);
    let (service, stopper) = Start::PLAIN.on(&data).unwrap();
    let epoch = service.epochs().current();
    open(&service, "b", 10);
    more_records(&service, 20);
    stopper.stop().unwrap();
    // A tool that replaces what differs does not replace epoch.json.
    for part in ["journal", "history", "snapshots"] {
        replace(&old.join(part), &data.join(part));
    }
    let (service, stopper) = Start::PLAIN.on(&data).unwrap();
    let begun = service.epochs().current();
    assert_ne!(begun, epoch);
    stopper.stop().unwrap();
    let (service, stopper) = Start::PLAIN.on(&data).unwrap();
    assert_eq!(service.epochs().current(), begun, "the second start begins no epoch");
    stopper.stop().unwrap();
}

#[test]
fn a_start_without_the_journal_fails() {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("data");
    write(&data, "a");
    fs::remove_dir_all(data.join("journal")).unwrap();
    for gone in ["epoch.json", "snapshots", "history"] {
        let reason = start_error(&data);
        assert!(reason.contains("but no journal"), "{reason}");
        assert!(files_below(&data.join("journal")).is_empty(), "no file is created");
        let path = data.join(gone);
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    Start::PLAIN.on(&data).unwrap().1.stop().unwrap();
}

#[test]
fn a_start_with_swapped_segments_fails() {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("data");
    let copied = outer.path().join("copied");
    let (service, stopper) = Start::PLAIN.on(&data).unwrap();
    open(&service, "a", 10);
    let between = outer.path().join("between");
    copy(&data, &between);
    stopper.stop().unwrap();
    // The first group of an epoch begins a segment.
    let (service, stopper) = Start::PLAIN.on(&between).unwrap();
    open(&service, "b", 10);
    copy(&between, &copied);
    stopper.stop().unwrap();
    let segments = files_below(&copied.join("journal"));
    let [.., first, second] = segments.as_slice() else { panic!("{segments:?}") };
    let aside = outer.path().join("aside");
    fs::rename(first, &aside).unwrap();
    fs::rename(second, first).unwrap();
    fs::rename(&aside, second).unwrap();
    let reason = start_error(&copied);
    assert!(reason.contains("is not a file of this journal: its head has the groups from"), "{reason}");
}

#[test]
fn a_folder_of_a_release_without_epochs_gets_its_first_epoch() {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("data");
    write(&data, "a");
    fs::remove_file(data.join("epoch.json")).unwrap();
    let (service, stopper) = Start::PLAIN.on(&data).unwrap();
    assert!(service.epochs().reason().contains("there was no epoch.json"), "{}", service.epochs().reason());
    more_records(&service, 0);
    stopper.stop().unwrap();
    continue_in(&data, "b");
}
