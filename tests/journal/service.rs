//! The service on a disk that is full, and on one that fails to sync.

use crate::memory_disk::{Faults, MemoryDisk, Survives};
use crate::support::config::config;
use crate::support::policies::around_the_clock;
use crate::support::requests::input;
use crate::support::until::until;
use overdue::engine::CatchUp;
use overdue::service::{ClockChoice, CommandError, NotReady, Obstacle, Service, Stopper, machine_wall};
use overdue::store::record::{EscalationFilter, RecordKind};
use overdue::ticket::{Batch, EventKind};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

const START_MS: i64 = 1_795_000_000_000;

/// Starts the service at 600 times real time. A level fires a minute after a ticket is opened.
fn start(folder: &Path, disk: &MemoryDisk) -> (Service, Stopper) {
    let policy = around_the_clock(&[("resolution", r#"levels = [{ at = "1m", notify = ["owner"] }]"#)]);
    let config = config(folder, &policy, ClockChoice::Fast { start_ms: START_MS, speed: 600.0 });
    Service::start_on(&config, Arc::new(disk.clone()), machine_wall()).unwrap()
}

fn open(service: &Service, id: &str) -> Result<u64, CommandError> {
    let mut batch = Batch::default();
    batch.push(id, service.now_ms(), EventKind::Opened);
    service.load_blocking(input(batch, CatchUp::Latest, "test")).map(|applied| applied.accepted)
}

/// The ticket of each record; all must be fired levels.
pub fn fired(service: &Service) -> Vec<String> {
    let records = service.escalations(0, &EscalationFilter::default(), 1_000).unwrap().records;
    assert!(records.iter().all(|record| record.kind == RecordKind::Fired));
    records.into_iter().map(|record| record.ticket).collect()
}

#[test]
fn a_full_disk_rejects_requests_loses_nothing_and_resumes() {
    let folder = tempfile::tempdir().unwrap();
    let disk = MemoryDisk::default();
    let (service, stopper) = start(folder.path(), &disk);
    assert_eq!(open(&service, "before"), Ok(1));

    disk.set_faults(Faults { room_bytes: Some(0), ..Faults::default() });
    assert_eq!(open(&service, "rejected"), Err(CommandError::DiskFull));
    until("the disk is reported full", || service.view().gauges.disk_full);
    // A level that falls due now cannot be recorded, so it fires later.
    until("a level is due", || service.view().gauges.due_not_fired > 0);
    assert!(fired(&service).is_empty());
    assert_eq!(open(&service, "rejected again"), Err(CommandError::DiskFull));
    assert_eq!(service.readiness(), Err(NotReady::Obstructed(Obstacle::DiskFull)));

    disk.set_faults(Faults::default());
    until("the level fires", || fired(&service) == ["before"]);
    assert_eq!(open(&service, "after"), Ok(1));
    until("the level of the later ticket fires", || fired(&service) == ["before", "after"]);
    assert!(!service.view().gauges.disk_full);
    assert_eq!(service.read(|engine| engine.len()), 2, "rejected tickets are not loaded");
    // Without any request the service detects that there is room again.
    disk.set_faults(Faults { room_bytes: Some(0), ..Faults::default() });
    assert_eq!(open(&service, "rejected at last"), Err(CommandError::DiskFull));
    assert_eq!(service.readiness(), Err(NotReady::Obstructed(Obstacle::DiskFull)));
    disk.set_faults(Faults::default());
    until("the service is ready", || service.readiness().is_ok());
    stopper.stop().unwrap();

    // Accepted tickets are durable, rejected ones are not there.
    let disk = disk.crash(Survives::Nothing);
    let (service, stopper) = start(folder.path(), &disk);
    assert_eq!(service.read(|engine| (engine.len(), engine.find("rejected").is_none())), (2, true));
    assert_eq!(fired(&service), ["before", "after"]);
    stopper.stop().unwrap();
}

/// Set in the child process of [`a_failed_sync_stops_the_process`], in which the sync fails.
const CHILD: &str = "OVERDUE_TEST_FAILING_SYNC";

#[test]
fn a_failed_sync_stops_the_process() {
    if std::env::var_os(CHILD).is_some() {
        let folder = tempfile::tempdir().unwrap();
        let disk = MemoryDisk::default();
        let (service, _stopper) = start(folder.path(), &disk);
        for number in 0.. {
            disk.set_faults(Faults { fail_sync: (number == 5).then(|| disk.syncs()), ..Faults::default() });
            let reply = open(&service, &format!("T{number}"));
            println!("REPLY {number} {}", reply.is_ok());
        }
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "service::a_failed_sync_stops_the_process", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(overdue::service::EXIT_SYNC_FAILED), "{stdout}");
    let replies: Vec<&str> = stdout.lines().filter(|line| line.contains("REPLY")).collect();
    assert_eq!(replies.len(), 5, "a request whose sync fails gets no reply: {stdout}");
    assert!(replies.iter().all(|line| line.ends_with("true")), "{stdout}");
}
