//! The folder of snapshots.

use super::synthetic::{shard, write};
use crate::store::snapshot::{SnapshotError, list, open, prune, set_aside};
use std::fs;

#[test]
fn the_newest_come_first_and_the_oldest_go() {
    let folder = tempfile::tempdir().unwrap();
    let only = [shard(0, 2, &mut |below| 1 % below)];
    assert!(list(&folder.path().join("nothing here")).unwrap().is_empty());
    for number in [3, 20, 100] {
        write(folder.path(), number, &only).unwrap();
    }
    let numbers = || list(folder.path()).unwrap().into_iter().map(|found| found.number).collect::<Vec<_>>();
    assert_eq!(numbers(), [100, 20, 3]);
    assert!(matches!(write(folder.path(), 20, &only), Err(SnapshotError::Exists { .. })));
    assert_eq!(prune(folder.path(), 2).unwrap(), [3]);
    assert_eq!(numbers(), [100, 20]);
    assert!(prune(folder.path(), 2).unwrap().is_empty());
    let newest = &list(folder.path()).unwrap()[0];
    let aside = set_aside(newest).unwrap();
    assert!(aside.exists());
    assert_eq!(numbers(), [20]);
    write(folder.path(), 100, &only).unwrap();
    assert_eq!(numbers(), [100, 20]);
}

#[test]
fn what_a_crash_left_is_swept_and_never_listed() {
    let folder = tempfile::tempdir().unwrap();
    let left = folder.path().join("00000000000000000009.partial");
    fs::create_dir(&left).unwrap();
    fs::write(left.join("tickets.parquet"), b"half").unwrap();
    assert!(list(folder.path()).unwrap().is_empty());
    write(folder.path(), 10, &[shard(0, 1, &mut |_| 0)]).unwrap();
    assert!(!left.exists());
}

#[test]
fn a_snapshot_under_another_number_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 10, &[shard(0, 1, &mut |_| 0)]).unwrap();
    let wrong = folder.path().join("00000000000000000011");
    fs::rename(folder.path().join("00000000000000000010"), &wrong).unwrap();
    assert!(open(&wrong).unwrap_err().to_string().contains("it belongs to snapshot 10"));
}
