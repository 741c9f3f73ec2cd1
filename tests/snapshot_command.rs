//! `overdue snapshot` on the command line, on the snapshot of the fixtures.

mod support {
    mod command;
    pub mod run;
}

use std::fs;
use std::path::Path;
use support::run::run;

const NUMBER: &str = "00000000000000004711";

/// A data folder with the snapshot.
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

/// Runs `overdue snapshot` on a folder; returns its exit code and all of its output.
fn snapshot(command: &str, folder: &Path) -> (Option<i32>, String) {
    let run = run(&["snapshot", command, folder.to_str().unwrap()]);
    (run.code, run.stdout + &run.stderr)
}

#[test]
fn inspect_prints_a_summary_of_each_snapshot() {
    let data = data();
    for place in [data.path().to_owned(), data.path().join("snapshots"), data.path().join("snapshots").join(NUMBER)] {
        let (code, output) = snapshot("inspect", &place);
        assert_eq!(code, Some(0), "{output}");
        let cells: Vec<&str> = output.lines().last().unwrap().split_whitespace().collect();
        assert_eq!(cells[..8], ["4711", "2026-11-22T09:30:00Z", "2", "3", "3", "4700", "to", "4701"], "{output}");
        assert_eq!(cells[10..], ["2026e", "1"], "{output}");
    }
}

#[test]
fn verify_detects_a_corrupt_snapshot() {
    let data = data();
    let (code, output) = snapshot("verify", data.path());
    assert!(code == Some(0) && output.contains("intact, 2 tickets, 3 clocks"), "{output}");

    let clocks = data.path().join("snapshots").join(NUMBER).join("clocks.parquet");
    let mut contents = fs::read(&clocks).unwrap();
    contents[100] ^= 4;
    fs::write(&clocks, contents).unwrap();
    let (code, output) = snapshot("verify", data.path());
    assert_eq!(code, Some(1), "{output}");
    assert!(output.contains("DAMAGED") && output.contains("clocks.parquet has the checksum"), "{output}");
}

#[test]
fn a_folder_without_snapshots_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (code, output) = snapshot("inspect", folder.path());
    assert_eq!(code, Some(2));
    assert!(output.contains("there are no snapshots in"), "{output}");
}
