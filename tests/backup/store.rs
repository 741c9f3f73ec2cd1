//! `overdue backup`: created under load, incremental, every byte verified, restored.

use crate::process::backup;
use crate::running::{Start, Writers, has_all, last, more_records, open, records, send, start_error};
use crate::support::files::files_below;
use crate::support::requests::snapshot;
use overdue::service;
use overdue::store::backup;
use overdue::store::backup::{BackupError, MANIFEST, Manifest, RESTORING};
use overdue::ticket::EventKind;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

const NOW: &str = "2026-11-22T09:30:00Z";

fn create(store: &Path, data: &Path) -> backup::Created {
    let created = backup::create(store, data, None, NOW).unwrap();
    assert_eq!(created.warnings, Vec::<String>::new());
    created
}

/// The inodes of all files, by path below the folder.
fn inodes(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let below = |path: PathBuf| (path.strip_prefix(folder).unwrap().to_owned(), path.metadata().unwrap().ino());
    files_below(folder).into_iter().map(below).collect()
}

#[test]
fn backups_under_load_have_all_that_was_acknowledged() {
    let outer = tempfile::tempdir().unwrap();
    let (data, store) = (outer.path().join("data"), outer.path().join("backups"));
    fs::create_dir(&data).unwrap();
    fs::write(data.join("tokens.json"), "{\"tokens\":[]}\n").unwrap();
    let (service, stopper) = Start::BUSY.on(&data).unwrap();
    let writers = Writers::start(&service, 2);
    let mut expected = Vec::new();
    for number in 1..=6 {
        writers.permit(60);
        more_records(&service, 30);
        let acknowledged = writers.acknowledged();
        let seen = last(&service);
        let created = create(&store, &data);
        assert_eq!(created.manifest.number, number);
        expected.push((created.path, acknowledged, seen));
    }
    writers.stop();
    let live = records(&service, last(&service));
    for (path, acknowledged, seen) in expected {
        Manifest::check(&path).unwrap();
        let found = service::inspect(&path).unwrap();
        let restored = outer.path().join("restored");
        let manifest = backup::restore(&path, &restored).unwrap();
        assert_eq!((manifest.group, manifest.now_ms), (found.group, found.at_ms));
        assert!(restored.join("tokens.json").is_file());
        // The restored service has the records that the live service had up to that group.
        assert!(found.escalation >= seen, "{found:?}");
        assert_eq!(service::inspect(&restored).unwrap(), found);
        let (again, stopper) = Start::PLAIN.on(&restored).unwrap();
        assert!(again.read(|engine| has_all(engine, &acknowledged)));
        assert_eq!(records(&again, found.escalation), live[..found.escalation as usize]);
        stopper.stop().unwrap();
        fs::remove_dir_all(&restored).unwrap();
    }
    stopper.stop().unwrap();
}

#[test]
fn a_backup_of_a_quiet_service_is_its_state() {
    let outer = tempfile::tempdir().unwrap();
    let (data, store) = (outer.path().join("data"), outer.path().join("backups"));
    let (service, stopper) = Start::PLAIN.on(&data).unwrap();
    open(&service, "a", 50);
    more_records(&service, 100);
    snapshot(&service);
    open(&service, "b", 50);
    more_records(&service, 100);
    stopper.stop().unwrap();
    create(&store, &data);
    let restored = outer.path().join("restored");
    let (code, output) = backup(&["restore"], &[&store, &restored]);
    assert_eq!(code, Some(0), "{output}");
    let states = [&data, &restored].map(|folder| {
        let (service, stopper) = Start::PLAIN.on(folder).unwrap();
        let state = (service.read(|engine| engine.state_hash()), records(&service, last(&service)));
        stopper.stop().unwrap();
        state
    });
    assert_eq!(states[0], states[1]);
}

#[test]
fn unchanged_files_are_linked_between_backups_and_never_to_the_service() {
    let outer = tempfile::tempdir().unwrap();
    let (data, store) = (outer.path().join("data"), outer.path().join("backups"));
    let (service, stopper) = Start::PLAIN.on(&data).unwrap();
    open(&service, "a", 10);
    more_records(&service, 20);
    snapshot(&service);
    let first = create(&store, &data);
    assert_eq!(first.linked.files, 0);
    open(&service, "b", 10);
    more_records(&service, 20);
    let second = create(&store, &data);
    let (before, after) = (inodes(&first.path), inodes(&second.path));
    for (path, inode) in &before {
        let top = path.components().next().unwrap().as_os_str().to_str().unwrap();
        match top {
            "snapshots" | "history" => assert_eq!(after[path], *inode, "{path:?} is linked"),
            "journal" | "epoch.json" | MANIFEST => assert_ne!(after[path], *inode, "{path:?} is a copy"),
            other => panic!("{other}"),
        }
    }
    // Backups share no file with the service.
    let live = inodes(&data);
    assert!(after.values().all(|inode| !live.values().any(|other| other == inode)));
    // Without changes all but one file is linked.
    let third = create(&store, &data);
    assert_eq!(third.copied.files, 1, "{third:?}");
    stopper.stop().unwrap();

    let (code, output) = backup(&["create", "--keep", "2", "--data-dir"], &[&data, &store]);
    assert!(code == Some(0) && output.contains("removed: 2, 1"), "{output}");
    let (code, output) = backup(&["verify"], &[&store]);
    assert!(
        code == Some(0) && output.lines().count() == 2 && output.lines().all(|line| line.contains(": intact, ")),
        "{output}"
    );
}

#[test]
fn a_flipped_byte_in_any_file_is_detected() {
    let outer = tempfile::tempdir().unwrap();
    let (data, store) = (outer.path().join("data"), outer.path().join("backups"));
    let (service, stopper) = Start::PLAIN.on(&data).unwrap();
    fs::write(data.join("tokens.json"), "{\"tokens\":[]}\n").unwrap();
    let ids = open(&service, "a", 10);
    send(&service, EventKind::Resolved, &ids[..3]);
    more_records(&service, 14);
    snapshot(&service);
    stopper.stop().unwrap();
    let backup_path = create(&store, &data).path;
    Manifest::check(&backup_path).unwrap();
    let all = files_below(&backup_path);
    for folder in
        ["journal", "snapshots", "history/escalations", "history/cycles", "epoch.json", "tokens.json", MANIFEST]
    {
        assert!(all.iter().any(|path| path.starts_with(backup_path.join(folder))), "{folder}");
    }
    for path in all {
        let contents = fs::read(&path).unwrap();
        let mut corrupt = contents.clone();
        let place = contents.len() / 2;
        corrupt[place] ^= 0x20;
        fs::write(&path, &corrupt).unwrap();
        let found = Manifest::check(&backup_path).unwrap_err();
        assert!(matches!(&found, BackupError::Damaged { path: named, .. } if *named == path), "{path:?}: {found}");
        let restored = outer.path().join("restored");
        let found = backup::restore(&backup_path, &restored).unwrap_err();
        assert!(matches!(&found, BackupError::Damaged { path: named, .. } if *named == path), "{path:?}: {found}");
        if restored.exists() {
            assert!(restored.join(RESTORING).exists());
            assert!(start_error(&restored).contains("a restore into"), "{path:?}");
            fs::remove_dir_all(&restored).unwrap();
        }
        fs::write(&path, contents).unwrap();
    }
    let segment = files_below(&backup_path.join("journal")).remove(0);
    let contents = fs::read(&segment).unwrap();
    fs::write(&segment, &contents[..contents.len() - 1]).unwrap();
    let (code, output) = backup(&["verify"], &[&store]);
    assert!(code == Some(1) && output.contains("DAMAGED") && output.contains("bytes, expected"), "{output}");
    fs::write(&segment, contents).unwrap();
    fs::write(backup_path.join("history/more"), "").unwrap();
    let (code, output) = backup(&["verify"], &[&store]);
    assert!(code == Some(1) && output.contains("it does not belong to the backup"), "{output}");
}

#[test]
fn a_backup_that_is_not_possible_fails_with_a_reason() {
    let outer = tempfile::tempdir().unwrap();
    let path = |name: &str| outer.path().join(name);
    let (data, other, store) = (path("data"), path("other"), path("backups"));
    for folder in [&data, &other] {
        Start::PLAIN.on(folder).unwrap().1.stop().unwrap();
    }
    create(&store, &data);
    for (arguments, paths, error) in [
        (&["create", "--data-dir"][..], [&path("nothing"), &path("b")], "it has no journal"),
        (&["create", "--data-dir"], [&other, &store], "has backups of another data folder"),
        (&["restore"], [&store, &data], "is not empty"),
        (&["restore"], [&other, &path("r")], "there are no backups in"),
    ] {
        let (code, output) = backup(arguments, &paths.map(PathBuf::as_path));
        assert!(code == Some(2) && output.contains(error), "{arguments:?}: {output}");
    }
    let (code, output) = backup(&["verify"], &[&path("nothing")]);
    assert!(code == Some(2) && output.contains("there are no backups in"), "{output}");
}
