//! A service with something to escalate, and folders that are copied.

use crossbeam_channel::Sender;
use overdue::engine::{CatchUp, Engine};
use overdue::service::{ClockChoice, Config, Load, Seed, Service, StartError, Stopper};
use overdue::store::input::Origin;
use overdue::store::record::{EscalationFilter, EscalationRecord};
use overdue::ticket::{Batch, EventKind};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

pub const START_MS: i64 = 1_795_000_000_000;

/// Levels fire all the time, and cycles end.
pub const POLICY: &str = r#"
default_priority = "quick"
[calendars.always]
hours = "24x7"
[priorities.quick]
calendar = "always"
[priorities.quick.clocks.resolution]
target = "2m"
levels = [{ at = "1m", notify = ["owner"] }, { at = "3m", notify = ["team_lead"] }]
"#;

/// A number of the environment.
pub fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// How a service is started: a minute passes in a tenth of a second.
pub struct Start {
    pub cut_history: bool,
    pub snapshot_every: Duration,
}

impl Start {
    pub const PLAIN: Self = Self { cut_history: false, snapshot_every: Duration::from_secs(3_600) };
    pub const BUSY: Self = Self { cut_history: false, snapshot_every: Duration::from_millis(300) };
    pub const CUT: Self = Self { cut_history: true, snapshot_every: Duration::from_secs(3_600) };

    pub fn on(&self, folder: &Path) -> Result<(Service, Stopper), StartError> {
        Service::start(&Config {
            data_dir: folder.to_owned(),
            seed: Some(Seed { name: "test".into(), text: POLICY.into(), files: Vec::new() }),
            catch_up_after_downtime: CatchUp::Latest,
            snapshot_every: self.snapshot_every,
            snapshots_kept: 2,
            cut_history: self.cut_history,
            clock: ClockChoice::Fast { start_ms: START_MS, speed: 600.0 },
            threads: 1,
        })
    }
}

/// Why a start from a folder is refused.
pub fn refusal(folder: &Path) -> String {
    match Start::PLAIN.on(folder) {
        Err(StartError::Damaged(reason)) => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it has started"),
    }
}

pub fn send(service: &Service, event: EventKind, ids: &[String]) {
    let mut batch = Batch::default();
    ids.iter().for_each(|id| batch.push(id, service.now_ms(), event));
    let origin = Origin { actor: "test".into(), ..Origin::default() };
    let applied = service.load_blocking(Load { batch, catch_up: CatchUp::Latest, origin }).unwrap();
    assert_eq!(applied.accepted, ids.len() as u64);
}

pub fn open(service: &Service, prefix: &str, count: u64) -> Vec<String> {
    let ids: Vec<String> = (0..count).map(|number| format!("{prefix}-{number}")).collect();
    send(service, EventKind::Opened, &ids);
    ids
}

pub fn snapshot(service: &Service) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(service.snapshot()).unwrap().number
}

/// All records up to a number, which must be there without a gap.
pub fn records(service: &Service, last: u64) -> Vec<EscalationRecord> {
    let mut records = Vec::new();
    while (records.len() as u64) < last {
        let after = records.len() as u64;
        let looked = service.escalations(after, &EscalationFilter::default(), 1_000).unwrap();
        assert_eq!(looked.gaps, []);
        assert!(!looked.records.is_empty(), "records end with {after}, expected {last}");
        records.extend(looked.records);
    }
    records.truncate(last as usize);
    assert!(records.iter().zip(1..).all(|(record, number)| record.sequence == number));
    records
}

pub fn last(service: &Service) -> u64 {
    *service.last_escalation().borrow()
}

/// Waits for something that the passing of time brings.
#[expect(
    clippy::disallowed_methods,
    reason = "what the service does on its own threads is looked for until it is there"
)]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what} did not come");
}

/// Waits until so many more records are there; returns the last number.
pub fn more_records(service: &Service, count: u64) -> u64 {
    let from = last(service);
    until("records", || last(service) >= from + count);
    last(service)
}

/// Writers that do a round of requests for each permit; what was acknowledged is in the list.
pub struct Writers {
    permits: Sender<()>,
    acknowledged: Arc<Mutex<Vec<String>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Writers {
    pub fn start(service: &Service, count: u64) -> Self {
        let (permits, permitted) = crossbeam_channel::unbounded::<()>();
        let acknowledged = Arc::new(Mutex::new(Vec::new()));
        let writer = |number| {
            let (service, acknowledged) = (service.clone(), Arc::clone(&acknowledged));
            let permitted = permitted.clone();
            std::thread::spawn(move || {
                for (round, ()) in permitted.into_iter().enumerate() {
                    let ids = open(&service, &format!("W{number}-{round}"), 4);
                    send(&service, EventKind::Resolved, &ids[..2]);
                    acknowledged.lock().unwrap().extend(ids);
                }
            })
        };
        let threads = (0..count).map(writer).collect();
        Self { permits, acknowledged, threads }
    }

    /// Lets them do so many more rounds.
    pub fn permit(&self, rounds: u64) {
        (0..rounds).for_each(|_| self.permits.send(()).unwrap());
    }

    pub fn acknowledged(&self) -> Vec<String> {
        self.acknowledged.lock().unwrap().clone()
    }

    /// Waits until all permits are used.
    pub fn stop(self) {
        drop(self.permits);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

pub fn has_all(engine: &Engine, ids: &[String]) -> bool {
    ids.iter().all(|id| engine.find(id).is_some())
}

/// `cp -r`; files that vanish on the way are not in the copy.
pub fn copy(from: &Path, to: &Path) {
    // Its exit code says only that something vanished.
    Command::new("cp").arg("-r").arg(from).arg(to).stderr(std::process::Stdio::null()).status().unwrap();
}

/// Puts one thing in place of another.
pub fn put(from: &Path, to: &Path) {
    if to.is_dir() {
        fs::remove_dir_all(to).unwrap();
    } else if to.exists() {
        fs::remove_file(to).unwrap();
    }
    copy(from, to);
}

/// All files below a folder, in order.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}
