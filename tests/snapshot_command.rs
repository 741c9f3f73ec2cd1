//! `overdue snapshot`, as a user calls it, on the snapshot that ships with the tests.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const NUMBER: &str = "00000000000000004711";

/// A data folder with that snapshot, twice.
fn data() -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/snapshot-v1").join(NUMBER);
    let to = data.path().join("snapshots").join(NUMBER);
    fs::create_dir_all(&to).unwrap();
    for file in fs::read_dir(from).unwrap().map(Result::unwrap) {
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
    data
}

fn overdue(arguments: &[&str], folder: &Path) -> (Output, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_overdue")).arg("snapshot").args(arguments).arg(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output, said)
}

#[test]
fn inspect_says_what_is_there() {
    let data = data();
    for place in [data.path().to_owned(), data.path().join("snapshots"), data.path().join("snapshots").join(NUMBER)] {
        let (output, said) = overdue(&["inspect"], &place);
        assert!(output.status.success(), "{said}");
        let cells: Vec<&str> = said.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(cells[..8], ["4711", "2026-11-22T09:30:00Z", "2", "3", "3", "4700", "to", "4701"], "{said}");
        assert_eq!(cells[10..], ["2026e", "1"], "{said}");
    }
}

#[test]
fn verify_tells_whole_from_damaged() {
    let data = data();
    let (output, said) = overdue(&["verify"], data.path());
    assert!(output.status.success() && said.contains("intact, 2 tickets, 3 clocks"), "{said}");

    let clocks = data.path().join("snapshots").join(NUMBER).join("clocks.parquet");
    let mut contents = fs::read(&clocks).unwrap();
    contents[100] ^= 4;
    fs::write(&clocks, contents).unwrap();
    let (output, said) = overdue(&["verify"], data.path());
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("DAMAGED") && said.contains("clocks.parquet has the checksum"), "{said}");
}

#[test]
fn a_place_without_snapshots_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (output, said) = overdue(&["inspect"], folder.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("there are no snapshots in"), "{said}");
}
