//! The lock file, the journal or the whole folder deleted or moved away under a running service.

use crate::process::{ended, open, start};
use crate::running::Start;
use crate::support::requests::input;
use crate::support::until::until;
use overdue::engine::CatchUp;
use overdue::service::{CommandError, EXIT_SYNC_FAILED};
use overdue::ticket::Batch;
use std::fs;
use std::path::Path;

/// Damages the folder of a running service, and checks that the service ends and acknowledges nothing afterwards.
fn ends_after(what: &str, error: &str, damage: impl FnOnce(&Path)) {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("data");
    let process = start(&data);
    assert!(open(&process.url, "before", 3));
    damage(&data);
    let acknowledged = (0..1_000).take_while(|number| open(&process.url, &format!("after{number}"), 1)).count();
    let (code, log) = ended(process);
    assert_eq!(code, Some(EXIT_SYNC_FAILED), "{what}: {log}");
    assert!(log.contains(error), "{what}: {log}");
    // A deleted file is detected at the next write, a moved one by the check once a second.
    assert!(acknowledged == 0 || what.contains("moved"), "{what}: {acknowledged} acknowledged");
}

#[test]
fn a_deleted_lock_ends_the_service() {
    ends_after("the lock is deleted", "lock has been deleted, moved or replaced", |data| {
        fs::remove_file(data.join("lock")).unwrap();
    });
}

#[test]
fn a_deleted_folder_ends_the_service() {
    ends_after("the folder is deleted", "has been deleted", |data| fs::remove_dir_all(data).unwrap());
}

#[test]
fn a_deleted_journal_ends_the_service() {
    ends_after("the journal is deleted", "has been deleted while it was written", |data| {
        fs::remove_dir_all(data.join("journal")).unwrap();
    });
}

#[test]
fn a_replaced_journal_ends_the_service() {
    ends_after("the journal is moved", "has been deleted, moved or replaced in the journal's folder", |data| {
        fs::rename(data.join("journal"), data.join("elsewhere")).unwrap();
        fs::create_dir(data.join("journal")).unwrap();
    });
}

#[test]
fn a_moved_folder_ends_the_service_without_a_request() {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("data");
    let process = start(&data);
    assert!(open(&process.url, "before", 3));
    fs::rename(&data, outer.path().join("elsewhere")).unwrap();
    let (code, log) = ended(process);
    assert_eq!(code, Some(EXIT_SYNC_FAILED), "{log}");
    // The moved folder has what was acknowledged.
    let process = start(&outer.path().join("elsewhere"));
    assert!(open(&process.url, "after", 1));
}

#[test]
fn a_service_without_its_stopper_and_folder_stops() {
    let outer = tempfile::tempdir().unwrap();
    let (service, stopper) = Start::PLAIN.on(&outer.path().join("data")).unwrap();
    drop(stopper);
    drop(outer);
    // It stops without ending this process, which runs other services.
    let load = || service.load_blocking(input(Batch::default(), CatchUp::Latest, "test"));
    until("the service has stopped", || load() == Err(CommandError::Stopping));
}
