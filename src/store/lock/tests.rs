use super::*;

#[test]
fn the_second_is_refused_by_name_until_the_first_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lock"), "123456789 of a process that died").unwrap();
    let first = DataLock::take(folder.path()).unwrap();
    let rejected = DataLock::take(folder.path()).unwrap_err();
    let reported = rejected.to_string();
    assert!(matches!(rejected, LockError::Held { pid: Some(pid), .. } if pid == std::process::id()), "{reported}");
    assert!(reported.contains(&format!("(process {})", std::process::id())), "{reported}");
    drop(first);
    DataLock::take(folder.path()).unwrap();
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let rejected = DataLock::take(&folder.path().join("missing")).unwrap_err().to_string();
    assert!(rejected.contains("missing") && rejected.contains("cannot open"), "{rejected}");
}

#[test]
fn a_lock_that_was_deleted_is_noticed_and_lets_no_other_in() {
    let folder = tempfile::tempdir().unwrap();
    let first = DataLock::take(folder.path()).unwrap();
    assert!(first.is_there() && first.check().is_ok());
    std::fs::remove_file(folder.path().join("lock")).unwrap();
    assert!(!first.is_there());
    assert!(matches!(first.check(), Err(LockError::Gone { .. })));
    assert!(matches!(DataLock::take(folder.path()), Err(LockError::Held { pid: None, .. })));
    // Nor a file that was put in its place.
    std::fs::write(folder.path().join("lock"), "1").unwrap();
    assert!(matches!(first.check(), Err(LockError::Gone { .. })));
    assert!(matches!(DataLock::take(folder.path()), Err(LockError::Held { pid: Some(1), .. })));
}

#[test]
fn a_folder_that_was_moved_is_noticed() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("data");
    std::fs::create_dir(&folder).unwrap();
    let first = DataLock::take(&folder).unwrap();
    std::fs::rename(&folder, outer.path().join("elsewhere")).unwrap();
    assert!(first.is_there(), "it still is, elsewhere");
    assert!(first.check().is_err());
    std::fs::create_dir(&folder).unwrap();
    assert!(first.check().is_err());
}
