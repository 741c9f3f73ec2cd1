//! Copies of a folder while its service runs; `OVERDUE_COPIES` is their number (default 12).

use crate::running::{Start, Writers, copy, has_all, last, more_records, open, records, start_error};
use crate::support::environment::setting;
use crate::support::files::files_below;
use crate::support::requests::snapshot;
use crate::support::until::until;
use overdue::service::StartError;
use overdue::store::disk::FolderDisk;
use overdue::store::epochs::{Epoch, Epochs, Numbers};
use overdue::store::journal::Stored;
use std::path::Path;
use std::sync::Arc;

/// How many copies started, and how.
#[derive(Debug, Default)]
struct Tally {
    complete: u64,
    cut: u64,
    failed: u64,
}

/// Copies of one folder. Then the next folder is used, so that copies stay small.
const COPIES_OF_ONE: u64 = 20;

#[test]
fn a_hot_copy_starts_complete_or_fails_and_loses_nothing() {
    let copies = setting("OVERDUE_COPIES", 12);
    let mut tally = Tally::default();
    for first in (0..copies).step_by(COPIES_OF_ONE as usize) {
        copies_of_one(first..copies.min(first + COPIES_OF_ONE), &mut tally);
    }
    println!("{copies} copies: {tally:?}");
    assert_eq!(tally.complete + tally.cut + tally.failed, copies);
}

fn copies_of_one(numbers: std::ops::Range<u64>, tally: &mut Tally) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (service, stopper) = Start::BUSY.on(&data).unwrap();
    let writers = Writers::start(&service, 2);
    let epoch = service.epochs().current().unwrap();
    for number in numbers {
        // At any moment of the snapshots that are being written.
        writers.permit(30);
        more_records(&service, 1 + number * 37 % 50);
        let acknowledged = writers.acknowledged();
        let seen = records(&service, last(&service));
        let target = folder.path().join(format!("copy-{number}"));
        copy(&data, &target);
        let (copied, copy_stopper) = match Start::PLAIN.on(&target) {
            Ok(started) => {
                tally.complete += 1;
                started
            }
            Err(StartError::Damaged(reason)) if reason.contains("--cut-history") => {
                tally.cut += 1;
                assert!(reason.contains("the history is newer than the journal, which ends with group"), "{reason}");
                Start::CUT.on(&target).unwrap()
            }
            Err(StartError::Damaged(reason)) => {
                tally.failed += 1;
                println!("copy {number}: {reason}");
                assert!(is_explained(&reason, &target), "{reason}");
                continue;
            }
            Err(other) => panic!("{other}"),
        };
        // The copy has all that was acknowledged or read before it began, and continues under its own epoch.
        assert!(copied.read(|engine| has_all(engine, &acknowledged)));
        assert_eq!(records(&copied, seen.len() as u64), seen);
        assert_ne!(copied.epochs().current().unwrap(), epoch);
        open(&copied, "after", 3);
        more_records(&copied, 3);
        let all = records(&copied, last(&copied));
        copy_stopper.stop().unwrap();
        let (again, stopper) = Start::PLAIN.on(&target).unwrap();
        assert_eq!(records(&again, all.len() as u64), all, "the history has the records of the copy");
        stopper.stop().unwrap();
        std::fs::remove_dir_all(&target).unwrap();
    }
    writers.stop();
    stopper.stop().unwrap();
}

/// Whether a reason names a part of the folder.
fn is_explained(reason: &str, folder: &Path) -> bool {
    reason.contains(&folder.display().to_string()) || reason.contains(".log") || reason.contains("journal")
}

/// The journal is copied first and the history last, with a snapshot in between: the history of the copy is newer.
#[test]
fn a_start_with_a_newer_history_fails_until_the_history_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let (data, target) = (folder.path().join("data"), folder.path().join("copy"));
    let (service, stopper) = Start::PLAIN.on(&data).unwrap();
    open(&service, "a", 20);
    until("levels", || last(&service) >= 40);
    snapshot(&service);
    let common = last(&service);
    std::fs::create_dir(&target).unwrap();
    for name in ["journal", "snapshots", "epoch.json"] {
        copy(&data.join(name), &target.join(name));
    }
    open(&service, "b", 20);
    until("levels", || last(&service) >= common + 40);
    snapshot(&service);
    let newest = last(&service);
    copy(&data.join("history"), &target.join("history"));
    let before = records(&service, newest);
    let epoch = service.epochs().current().unwrap();
    stopper.stop().unwrap();

    let reason = start_error(&target);
    assert!(
        reason.contains(&format!("escalation records up to {newest}, while the journal leads to {common}")),
        "{reason}"
    );
    assert!(reason.contains("cycle records up to") || !reason.contains("cycle"), "{reason}");
    assert!(reason.contains("overdue backup restore") && reason.contains("--cut-history"), "{reason}");
    assert_eq!(start_error(&target), reason, "nothing was changed");

    // A start with the flag that was killed before the cut: the next start cuts.
    let interrupted = folder.path().join("interrupted");
    copy(&target, &interrupted);
    begin_epoch(&interrupted, common);
    let reason = start_error(&interrupted);
    assert!(reason.contains("does not belong to the present state of the folder"), "{reason}");
    let (service, stopper) = Start::CUT.on(&interrupted).unwrap();
    assert_eq!(records(&service, common), before[..common as usize]);
    assert_eq!(service.epochs().last_common_escalation(epoch), Some(common));
    stopper.stop().unwrap();

    let (service, stopper) = Start::CUT.on(&target).unwrap();
    let cut = service.epochs().current().unwrap();
    assert!(cut.to_string().starts_with("2.") && cut != epoch, "{cut}");
    assert_eq!(service.epochs().last_common_escalation(epoch), Some(common));
    assert_eq!(records(&service, common), before[..common as usize]);
    open(&service, "c", 20);
    more_records(&service, 40);
    let all = records(&service, last(&service));
    let is_new = all[common as usize..].iter().any(|record| record.ticket.starts_with('c'));
    assert!(is_new, "the numbers of records that were cut are assigned again");
    stopper.stop().unwrap();
    let set_aside: Vec<_> = files_below(&target.join("history"))
        .into_iter()
        .filter(|path| path.to_string_lossy().ends_with(&format!(".cut-{cut}")))
        .collect();
    assert!(!set_aside.is_empty(), "what is cut is kept under another name");
    let (service, stopper) = Start::PLAIN.on(&target).unwrap();
    assert_eq!(service.epochs().current(), Some(cut), "a plain start begins no epoch");
    assert_eq!(records(&service, all.len() as u64), all);
    stopper.stop().unwrap();
}

/// Begins an epoch after these escalation records, as a start does.
fn begin_epoch(folder: &Path, escalation: u64) {
    let journal = Stored::read(Arc::new(FolderDisk::read_only(&folder.join("journal")))).unwrap().unwrap();
    let before = Epochs::read(folder).unwrap();
    let epoch = Epoch::after(before.as_ref().and_then(Epochs::current), 77);
    let next = Numbers { group: journal.last() + 1, escalation: escalation + 1, cycle: 1 };
    let why = ("2026-11-22T09:30:00Z".to_owned(), "test");
    Epochs::begin(folder, before, journal.identity(), (epoch, next), why).unwrap();
}
