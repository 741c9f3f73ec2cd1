//! The lock file, the journal or the whole folder deleted or moved away under a running service.

use super::process::{Process, open};
use super::support::{Start, until};
use overdue::engine::CatchUp;
use overdue::service::{CommandError, EXIT_SYNC_FAILED, Load};
use overdue::store::input::Origin;
use overdue::ticket::Batch;
use std::fs;
use std::path::Path;

/// Does something to the folder of a running service, and sees that it ends, acknowledging nothing afterwards.
fn ends_after(what: &str, words: &str, harm: impl FnOnce(&Path)) {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("data");
    let process = Process::start(&data, &[]);
    assert!(open(&process.url, "before", 3));
    harm(&data);
    let acknowledged = (0..1_000).take_while(|number| open(&process.url, &format!("after{number}"), 1)).count();
    let (code, said) = process.ended();
    assert_eq!(code, Some(EXIT_SYNC_FAILED), "{what}: {said}");
    assert!(said.contains(words), "{what}: {said}");
    // What is noticed by name only may take the second between two looks; what is deleted is noticed at once.
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
fn a_journal_that_was_replaced_ends_the_service() {
    ends_after("the journal is moved", "has been deleted, moved or replaced in the journal's folder", |data| {
        fs::rename(data.join("journal"), data.join("elsewhere")).unwrap();
        fs::create_dir(data.join("journal")).unwrap();
    });
}

#[test]
fn a_folder_that_was_moved_away_ends_the_service_even_when_nobody_asks() {
    let outer = tempfile::tempdir().unwrap();
    let data = outer.path().join("data");
    let process = Process::start(&data, &[]);
    assert!(open(&process.url, "before", 3));
    fs::rename(&data, outer.path().join("elsewhere")).unwrap();
    let (code, said) = process.ended();
    assert_eq!(code, Some(EXIT_SYNC_FAILED), "{said}");
    // What was acknowledged is where the folder went.
    let process = Process::start(&outer.path().join("elsewhere"), &[]);
    assert!(open(&process.url, "after", 1));
}

#[test]
fn a_service_that_was_left_behind_ends_alone() {
    let outer = tempfile::tempdir().unwrap();
    let (service, stopper) = Start::PLAIN.on(&outer.path().join("data")).unwrap();
    drop(stopper);
    drop(outer);
    // This process, which has other services, goes on.
    until("its end", || {
        let origin = Origin { actor: "test".into(), ..Origin::default() };
        let load = Load { batch: Batch::default(), catch_up: CatchUp::Latest, origin };
        service.load_blocking(load) == Err(CommandError::Stopping)
    });
}
