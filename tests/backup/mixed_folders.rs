//! Parts of a folder that come from another time or another folder.

use super::support::{Start, copy, files, last, more_records, open, put, refusal, snapshot, until};
use std::fs;
use std::path::Path;

/// A folder with a snapshot and records before and after it.
fn written(folder: &Path, name: &str) {
    let (service, stopper) = Start::PLAIN.on(folder).unwrap();
    open(&service, name, 10);
    until("levels", || last(&service) >= 20);
    snapshot(&service);
    open(&service, &format!("{name}-later"), 10);
    more_records(&service, 20);
    stopper.stop().unwrap();
}

/// Goes on in a folder for a while.
fn go_on(folder: &Path, name: &str) {
    let (service, stopper) = Start::PLAIN.on(folder).unwrap();
    open(&service, name, 10);
    more_records(&service, 20);
    stopper.stop().unwrap();
}

#[test]
fn parts_of_another_folder_are_refused() {
    let outer = tempfile::tempdir().unwrap();
    let (mine, other) = (outer.path().join("mine"), outer.path().join("other"));
    written(&mine, "mine");
    written(&other, "other");
    for (part, words) in [
        ("journal", "has the journal of another data folder"),
        ("history", "does not belong to the present state of the folder"),
        ("snapshots", "does not belong to the present state of the folder"),
    ] {
        let mixed = outer.path().join("mixed");
        copy(&mine, &mixed);
        put(&other.join(part), &mixed.join(part));
        let reason = refusal(&mixed);
        assert!(reason.contains(words) && reason.contains(part), "{part}: {reason}");
        fs::remove_dir_all(&mixed).unwrap();
    }
    go_on(&mine, "again");
}

#[test]
fn parts_of_another_time_are_refused_or_caught_up_with() {
    let outer = tempfile::tempdir().unwrap();
    let (data, old) = (outer.path().join("data"), outer.path().join("old"));
    written(&data, "a");
    copy(&data, &old);
    go_on(&data, "b");
    go_on(&data, "c");
    for (part, words) in [("history", "the records between are lost"), ("journal", "a part of it is missing")] {
        let mixed = outer.path().join("mixed");
        copy(&data, &mixed);
        put(&old.join(part), &mixed.join(part));
        let reason = refusal(&mixed);
        assert!(reason.contains(words), "{part}: {reason}");
        fs::remove_dir_all(&mixed).unwrap();
    }
    // With an old snapshot and an old journal the history is newer.
    let mixed = outer.path().join("mixed");
    copy(&data, &mixed);
    put(&old.join("journal"), &mixed.join("journal"));
    put(&old.join("snapshots"), &mixed.join("snapshots"));
    let reason = refusal(&mixed);
    assert!(reason.contains("the history is newer than the journal"), "{reason}");
    fs::remove_dir_all(mixed.join("history")).unwrap();
    let reason = refusal(&mixed);
    assert!(reason.contains("the records between are lost"), "{reason}");
}

#[test]
fn what_a_restored_folder_has_given_up_is_not_taken_again() {
    let outer = tempfile::tempdir().unwrap();
    let (data, restored) = (outer.path().join("data"), outer.path().join("restored"));
    written(&data, "a");
    copy(&data, &restored);
    // Both go on from the same state, each in its own way.
    go_on(&data, "b");
    go_on(&data, "c");
    go_on(&restored, "d");
    go_on(&restored, "e");
    for part in ["journal", "history", "snapshots"] {
        let mixed = outer.path().join("mixed");
        copy(&restored, &mixed);
        put(&data.join(part), &mixed.join(part));
        let reason = refusal(&mixed);
        assert!(
            reason.contains("does not belong to the present state of the folder") && reason.contains("copied"),
            "{part}: {reason}"
        );
        fs::remove_dir_all(&mixed).unwrap();
    }
}

#[test]
fn a_folder_that_is_put_back_in_place_begins_an_epoch() {
    let outer = tempfile::tempdir().unwrap();
    let (data, old) = (outer.path().join("data"), outer.path().join("old"));
    written(&data, "a");
    copy(&data, &old);
    let (service, stopper) = Start::PLAIN.on(&data).unwrap();
    let epoch = service.epochs().current();
    open(&service, "b", 10);
    more_records(&service, 20);
    stopper.stop().unwrap();
    // As tools do that replace what differs: the epochs do not.
    for part in ["journal", "history", "snapshots"] {
        put(&old.join(part), &data.join(part));
    }
    let (service, stopper) = Start::PLAIN.on(&data).unwrap();
    let begun = service.epochs().current();
    assert_ne!(begun, epoch);
    stopper.stop().unwrap();
    let (service, stopper) = Start::PLAIN.on(&data).unwrap();
    assert_eq!(service.epochs().current(), begun, "and only one");
    stopper.stop().unwrap();
}

#[test]
fn a_folder_without_its_journal_does_not_begin_anew() {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("data");
    written(&data, "a");
    fs::remove_dir_all(data.join("journal")).unwrap();
    for gone in ["epoch.json", "snapshots", "history"] {
        let reason = refusal(&data);
        assert!(reason.contains("but no journal"), "{reason}");
        assert!(files(&data.join("journal")).is_empty(), "nothing was made");
        let path = data.join(gone);
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    Start::PLAIN.on(&data).unwrap().1.stop().unwrap();
}

#[test]
fn swapped_segments_are_refused() {
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
    let segments = files(&copied.join("journal"));
    let [.., first, second] = segments.as_slice() else { panic!("{segments:?}") };
    let aside = outer.path().join("aside");
    fs::rename(first, &aside).unwrap();
    fs::rename(second, first).unwrap();
    fs::rename(&aside, second).unwrap();
    let reason = refusal(&copied);
    assert!(reason.contains("is not a file of this journal: its head has the groups from"), "{reason}");
}

#[test]
fn a_folder_of_an_older_program_gets_its_first_epoch() {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("data");
    written(&data, "a");
    fs::remove_file(data.join("epoch.json")).unwrap();
    let (service, stopper) = Start::PLAIN.on(&data).unwrap();
    assert!(service.epochs().reason().contains("there was no epoch.json"), "{}", service.epochs().reason());
    more_records(&service, 0);
    stopper.stop().unwrap();
    go_on(&data, "b");
}
