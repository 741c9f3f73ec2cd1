//! The service on a folder in which something is damaged or missing.

use overdue::engine::CatchUp;
use overdue::service::{ClockChoice, Config, Load, Seed, Service, StartError, Stopper};
use overdue::store::input::Origin;
use overdue::ticket::{Batch, EventKind};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const POLICY: &str = r#"
default_priority = "plain"
[calendars.always]
hours = "24x7"
[priorities.plain]
calendar = "always"
[priorities.plain.clocks.resolution]
target = "4h"
"#;

fn start(folder: &Path) -> Result<(Service, Stopper), StartError> {
    Service::start(&Config {
        data_dir: folder.to_owned(),
        seed: Some(Seed { name: "test".into(), text: POLICY.into(), files: Vec::new() }),
        catch_up_after_downtime: CatchUp::Latest,
        snapshot_every: Duration::from_secs(3_600),
        snapshots_kept: 2,
        cut_history: false,
        clock: ClockChoice::Fast { start_ms: 1_795_000_000_000, speed: 1.0 },
        threads: 1,
    })
}

fn load(service: &Service, ids: std::ops::Range<u32>) {
    let mut batch = Batch::default();
    ids.for_each(|id| batch.push(&format!("T{id}"), service.now_ms(), EventKind::Opened));
    let origin = Origin { actor: "test".into(), ..Origin::default() };
    service.load_blocking(Load { batch, catch_up: CatchUp::Latest, origin }).unwrap();
}

fn snapshot(service: &Service) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(service.snapshot()).unwrap().number
}

/// A folder with two snapshots and a journal that goes on after each; the numbers of the snapshots.
fn written(folder: &Path) -> (u64, u64) {
    let (service, stopper) = start(folder).unwrap();
    load(&service, 0..100);
    let older = snapshot(&service);
    load(&service, 100..150);
    let newer = snapshot(&service);
    load(&service, 150..160);
    // Stopping takes a third snapshot, after which the first goes.
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
fn a_damaged_newest_snapshot_gives_way_to_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let (older, newer) = written(folder.path());
    let path = folder.path().join("snapshots").join(format!("{newer:020}"));
    damage(&path.join("tickets.parquet"));
    let (service, stopper) = start(folder.path()).unwrap();
    assert_eq!(stopper.started.snapshot, Some(older));
    assert_eq!(service.read(|engine| engine.len()), 160, "the journal has what came after");
    assert!(!path.exists() && path.with_extension("damaged").exists(), "it is put aside");
    stopper.stop().unwrap();
    let (service, stopper) = start(folder.path()).unwrap();
    assert_eq!(service.read(|engine| engine.len()), 160);
    stopper.stop().unwrap();
}

#[test]
fn without_a_whole_snapshot_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    written(folder.path());
    for path in snapshots(folder.path()) {
        damage(&path.join("clocks.parquet"));
    }
    // The journal is young enough to reach back to the beginning, and that will do.
    let journal = folder.path().join("journal");
    let (service, stopper) = match start(folder.path()) {
        Ok(started) => started,
        Err(error) => panic!("the journal has all of it: {error}"),
    };
    assert_eq!((stopper.started.snapshot, service.read(|engine| engine.len())), (None, 160));
    stopper.stop().unwrap();
    fs::remove_dir_all(&journal).unwrap();
    let error = start(folder.path()).err().expect("the journal is gone");
    let words = error.to_string();
    assert!(matches!(error, StartError::Damaged(_)), "{words}");
    assert!(words.contains("snapshots") && words.contains("journal"), "{words}");
}

#[test]
fn a_folder_belongs_to_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let (_service, stopper) = start(folder.path()).unwrap();
    let error = start(folder.path()).err().expect("it is taken");
    assert!(matches!(error, StartError::Locked(_)), "{error}");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    stopper.stop().unwrap();
}
