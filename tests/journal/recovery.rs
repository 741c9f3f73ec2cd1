//! The service on a folder in which something is corrupt or missing.

use crate::support::config::config;
use crate::support::policies::around_the_clock;
use crate::support::requests::{input, snapshot};
use overdue::engine::CatchUp;
use overdue::service::{ClockChoice, Service, StartError, Stopper};
use overdue::ticket::{Batch, EventKind};
use std::fs;
use std::path::{Path, PathBuf};

fn start(folder: &Path) -> Result<(Service, Stopper), StartError> {
    let clock = ClockChoice::Fast { start_ms: 1_795_000_000_000, speed: 1.0 };
    Service::start(&config(folder, &around_the_clock(&[("resolution", "target = \"4h\"")]), clock))
}

pub fn load(service: &Service, ids: std::ops::Range<u64>) {
    let mut batch = Batch::default();
    ids.for_each(|id| batch.push(&format!("T{id}"), service.now_ms(), EventKind::Opened));
    service.load_blocking(input(batch, CatchUp::Latest, "test")).unwrap();
}

/// Writes a folder with two snapshots and a journal that continues after each; returns the numbers of the snapshots.
fn write(folder: &Path) -> (u64, u64) {
    let (service, stopper) = start(folder).unwrap();
    load(&service, 0..100);
    let older = snapshot(&service);
    load(&service, 100..150);
    let newer = snapshot(&service);
    load(&service, 150..160);
    // The stop takes a third snapshot and deletes the first.
    stopper.stop().unwrap();
    assert!(older < newer);
    let mut numbers: Vec<u64> = snapshots(folder).iter().filter_map(|path| name(path).parse().ok()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers.len(), 2);
    (numbers[0], numbers[1])
}

fn snapshots(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder.join("snapshots")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// Flips a bit in the middle of a file.
fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_start_with_a_corrupt_newest_snapshot_uses_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let (older, newer) = write(folder.path());
    let path = folder.path().join("snapshots").join(format!("{newer:020}"));
    damage(&path.join("tickets.parquet"));
    let (service, stopper) = start(folder.path()).unwrap();
    assert_eq!(stopper.started.snapshot, Some(older));
    assert_eq!(service.read(|engine| engine.len()), 160, "the journal has the later tickets");
    assert!(!path.exists() && path.with_extension("damaged").exists(), "the corrupt snapshot is renamed");
    stopper.stop().unwrap();
    let (service, stopper) = start(folder.path()).unwrap();
    assert_eq!(service.read(|engine| engine.len()), 160);
    stopper.stop().unwrap();
}

#[test]
fn a_start_without_a_valid_snapshot_needs_the_whole_journal() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path());
    for path in snapshots(folder.path()) {
        damage(&path.join("clocks.parquet"));
    }
    // The journal still has its first group, so no snapshot is needed.
    let journal = folder.path().join("journal");
    let (service, stopper) = match start(folder.path()) {
        Ok(started) => started,
        Err(error) => panic!("the journal is complete: {error}"),
    };
    assert_eq!((stopper.started.snapshot, service.read(|engine| engine.len())), (None, 160));
    stopper.stop().unwrap();
    fs::remove_dir_all(&journal).unwrap();
    let error = start(folder.path()).err().expect("the journal is gone");
    let reason = error.to_string();
    assert!(matches!(error, StartError::Damaged(_)), "{reason}");
    assert!(reason.contains("snapshots") && reason.contains("journal"), "{reason}");
}

#[test]
fn a_folder_belongs_to_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let (_service, stopper) = start(folder.path()).unwrap();
    let error = start(folder.path()).err().expect("the folder is in use");
    assert!(matches!(error, StartError::Locked(_)), "{error}");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    stopper.stop().unwrap();
}
