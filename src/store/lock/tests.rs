use super::*;

#[test]
fn the_second_is_refused_by_name_until_the_first_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("lock"), "123456789 of a process that died").unwrap();
    let first = DataLock::take(folder.path()).unwrap();
    let refused = DataLock::take(folder.path()).unwrap_err();
    let told = refused.to_string();
    assert!(matches!(refused, LockError::Held { pid: Some(pid), .. } if pid == std::process::id()), "{told}");
    assert!(told.contains(&format!("(process {})", std::process::id())), "{told}");
    drop(first);
    DataLock::take(folder.path()).unwrap();
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let refused = DataLock::take(&folder.path().join("missing")).unwrap_err().to_string();
    assert!(refused.contains("missing") && refused.contains("cannot open"), "{refused}");
}
