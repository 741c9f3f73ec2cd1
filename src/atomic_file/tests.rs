use super::*;
use std::io::{Read, Write};

#[test]
fn a_file_appears_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.txt");
    let read = || {
        let mut text = String::new();
        File::open(&path).unwrap().take(100).read_to_string(&mut text).map(|_| text).unwrap()
    };
    let (staged, mut file) = Staged::create(&path).unwrap();
    file.write_all(b"first").unwrap();
    assert!(!path.exists());
    staged.publish().unwrap();
    assert_eq!(read(), "first");

    let (staged, mut file) = Staged::create(&path).unwrap();
    file.write_all(b"second, given up").unwrap();
    drop(staged);
    assert_eq!(read(), "first");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_appears_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tables");
    let staged = Staged::create_folder(&path).unwrap();
    fs::write(staged.partial().join("a"), b"a").unwrap();
    assert!(!path.exists());
    let refused = staged.publish_checked(|partial| {
        assert!(partial.join("a").exists());
        Err(io::Error::other("not what was written"))
    });
    assert!(refused.is_err());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);

    let staged = Staged::create_folder(&path).unwrap();
    fs::write(staged.partial().join("a"), b"a").unwrap();
    staged.publish().unwrap();
    assert!(path.join("a").exists());
    retire_folder(&path).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_crashes_left_behind_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("7.partial")).unwrap();
    fs::write(folder.path().join("7.partial").join("a"), b"a").unwrap();
    fs::write(folder.path().join("b.parquet.partial"), b"b").unwrap();
    fs::write(folder.path().join("c.parquet"), b"c").unwrap();
    assert_eq!(sweep(folder.path()).unwrap(), 2);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
