//! A service in the process of the test whose levels fire all the time, and copies of its folder.

use crate::support::config::config;
use crate::support::policies::around_the_clock;
use crate::support::requests::input;
use crate::support::until::until;
use crossbeam_channel::Sender;
use overdue::engine::{CatchUp, Engine};
use overdue::service::{ClockChoice, Config, Service, StartError, Stopper};
use overdue::store::record::{EscalationFilter, EscalationRecord};
use overdue::ticket::{Batch, EventKind};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

const START_MS: i64 = 1_795_000_000_000;

/// Levels one and three minutes after the opening.
const RESOLUTION: &str = r#"target = "2m"
levels = [{ at = "1m", notify = ["owner"] }, { at = "3m", notify = ["team_lead"] }]"#;

pub fn policy() -> String {
    around_the_clock(&[("resolution", RESOLUTION)])
}

/// How a service starts. Its clock runs at 600 times real time.
pub struct Start {
    pub cut_history: bool,
    pub snapshot_every: Duration,
}

impl Start {
    pub const PLAIN: Self = Self { cut_history: false, snapshot_every: Duration::from_secs(3_600) };
    pub const BUSY: Self = Self { cut_history: false, snapshot_every: Duration::from_millis(300) };
    pub const CUT: Self = Self { cut_history: true, snapshot_every: Duration::from_secs(3_600) };

    pub fn on(&self, folder: &Path) -> Result<(Service, Stopper), StartError> {
        let clock = ClockChoice::Fast { start_ms: START_MS, speed: 600.0 };
        Service::start(&Config {
            snapshot_every: self.snapshot_every,
            cut_history: self.cut_history,
            ..config(folder, &policy(), clock)
        })
    }
}

/// The reason why a start on the folder fails.
pub fn start_error(folder: &Path) -> String {
    match Start::PLAIN.on(folder) {
        Err(StartError::Damaged(reason)) => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the service has started"),
    }
}

pub fn send(service: &Service, event: EventKind, ids: &[String]) {
    let mut batch = Batch::default();
    ids.iter().for_each(|id| batch.push(id, service.now_ms(), event));
    let applied = service.load_blocking(input(batch, CatchUp::Latest, "test")).unwrap();
    assert_eq!(applied.accepted, ids.len() as u64);
}

pub fn open(service: &Service, prefix: &str, count: u64) -> Vec<String> {
    let ids: Vec<String> = (0..count).map(|number| format!("{prefix}-{number}")).collect();
    send(service, EventKind::Opened, &ids);
    ids
}

/// All records up to a number; none may be missing.
pub fn records(service: &Service, last: u64) -> Vec<EscalationRecord> {
    let mut records = Vec::new();
    while (records.len() as u64) < last {
        let after = records.len() as u64;
        let page = service.escalations(after, &EscalationFilter::default(), 1_000).unwrap();
        assert_eq!(page.gaps, []);
        assert!(!page.records.is_empty(), "records end with {after}, expected {last}");
        records.extend(page.records);
    }
    records.truncate(last as usize);
    assert!(records.iter().zip(1..).all(|(record, number)| record.sequence == number));
    records
}

pub fn last(service: &Service) -> u64 {
    *service.last_escalation().borrow()
}

/// Waits for this many more records; returns the last number.
pub fn more_records(service: &Service, count: u64) -> u64 {
    let from = last(service);
    until("records", || last(service) >= from + count);
    last(service)
}

/// Threads that open and resolve tickets, one round per permit.
pub struct Writers {
    permits: Sender<()>,
    /// Ids of acknowledged tickets.
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

    /// Permits more rounds.
    pub fn permit(&self, rounds: u64) {
        (0..rounds).for_each(|_| self.permits.send(()).unwrap());
    }

    pub fn acknowledged(&self) -> Vec<String> {
        self.acknowledged.lock().unwrap().clone()
    }

    /// Waits until all permits are used, and ends the threads.
    pub fn stop(self) {
        drop(self.permits);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
}

pub fn has_all(engine: &Engine, ids: &[String]) -> bool {
    ids.iter().all(|id| engine.find(id).is_some())
}

/// `cp -r`; files that are deleted meanwhile are not in the copy.
pub fn copy(from: &Path, to: &Path) {
    // The exit code only shows that a file was deleted meanwhile.
    Command::new("cp").arg("-r").arg(from).arg(to).stderr(std::process::Stdio::null()).status().unwrap();
}

/// Replaces a file or folder by a copy of another.
pub fn replace(from: &Path, to: &Path) {
    if to.is_dir() {
        fs::remove_dir_all(to).unwrap();
    } else if to.exists() {
        fs::remove_file(to).unwrap();
    }
    copy(from, to);
}
