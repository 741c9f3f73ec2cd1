//! `overdue backup`: made under load, incremental, checked to the last byte, restored.

use super::process::backup;
use super::support::{Start, Writers, files, has_all, last, more_records, open, records, refusal, send, snapshot};
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

/// Inodes of all files by their paths below the folder.
fn inodes(folder: &Path) -> BTreeMap<PathBuf, u64> {
    let below = |path: PathBuf| (path.strip_prefix(folder).unwrap().to_owned(), path.metadata().unwrap().ino());
    files(folder).into_iter().map(below).collect()
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
        // What the live service had told by that group is what the restored one tells.
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
    let (code, said) = backup(&["restore"], &[&store, &restored]);
    assert_eq!(code, Some(0), "{said}");
    let states = [&data, &restored].map(|folder| {
        let (service, stopper) = Start::PLAIN.on(folder).unwrap();
        let state = (service.read(|engine| engine.state_hash()), records(&service, last(&service)));
        stopper.stop().unwrap();
        state
    });
    assert_eq!(states[0], states[1]);
}

#[test]
fn what_has_not_changed_is_linked_and_each_backup_stands_alone() {
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
    // Nothing in the backups is a file of the service.
    let live = inodes(&data);
    assert!(after.values().all(|inode| !live.values().any(|other| other == inode)));
    // Without news all but the small files is linked.
    let third = create(&store, &data);
    assert_eq!(third.copied.files, 1, "{third:?}");
    stopper.stop().unwrap();

    let (code, said) = backup(&["create", "--keep", "2", "--data-dir"], &[&data, &store]);
    assert!(code == Some(0) && said.contains("removed: 2, 1"), "{said}");
    let (code, said) = backup(&["verify"], &[&store]);
    assert!(
        code == Some(0) && said.lines().count() == 2 && said.lines().all(|line| line.contains(": intact, ")),
        "{said}"
    );
}

#[test]
fn a_flipped_byte_is_found_in_each_file() {
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
    let all = files(&backup_path);
    for folder in
        ["journal", "snapshots", "history/escalations", "history/cycles", "epoch.json", "tokens.json", MANIFEST]
    {
        assert!(all.iter().any(|path| path.starts_with(backup_path.join(folder))), "{folder}");
    }
    for path in all {
        let contents = fs::read(&path).unwrap();
        let mut damaged = contents.clone();
        let place = contents.len() / 2;
        damaged[place] ^= 0x20;
        fs::write(&path, &damaged).unwrap();
        let found = Manifest::check(&backup_path).unwrap_err();
        assert!(matches!(&found, BackupError::Damaged { path: named, .. } if *named == path), "{path:?}: {found}");
        let restored = outer.path().join("restored");
        let found = backup::restore(&backup_path, &restored).unwrap_err();
        assert!(matches!(&found, BackupError::Damaged { path: named, .. } if *named == path), "{path:?}: {found}");
        if restored.exists() {
            assert!(restored.join(RESTORING).exists());
            assert!(refusal(&restored).contains("a restore into"), "{path:?}");
            fs::remove_dir_all(&restored).unwrap();
        }
        fs::write(&path, contents).unwrap();
    }
    let segment = files(&backup_path.join("journal")).remove(0);
    let contents = fs::read(&segment).unwrap();
    fs::write(&segment, &contents[..contents.len() - 1]).unwrap();
    let (code, said) = backup(&["verify"], &[&store]);
    assert!(code == Some(1) && said.contains("DAMAGED") && said.contains("bytes, expected"), "{said}");
    fs::write(&segment, contents).unwrap();
    fs::write(backup_path.join("history/more"), "").unwrap();
    let (code, said) = backup(&["verify"], &[&store]);
    assert!(code == Some(1) && said.contains("it does not belong to the backup"), "{said}");
}

#[test]
fn what_cannot_be_done_is_said() {
    let outer = tempfile::tempdir().unwrap();
    let path = |name: &str| outer.path().join(name);
    let (data, other, store) = (path("data"), path("other"), path("backups"));
    for folder in [&data, &other] {
        Start::PLAIN.on(folder).unwrap().1.stop().unwrap();
    }
    create(&store, &data);
    for (arguments, paths, words) in [
        (&["create", "--data-dir"][..], [&path("nothing"), &path("b")], "it has no journal"),
        (&["create", "--data-dir"], [&other, &store], "has backups of another data folder"),
        (&["restore"], [&store, &data], "is not empty"),
        (&["restore"], [&other, &path("r")], "there are no backups in"),
    ] {
        let (code, said) = backup(arguments, &paths.map(PathBuf::as_path));
        assert!(code == Some(2) && said.contains(words), "{arguments:?}: {said}");
    }
    let (code, said) = backup(&["verify"], &[&path("nothing")]);
    assert!(code == Some(2) && said.contains("there are no backups in"), "{said}");
}
