//! The service on a disk that is full, and on one that fails to sync.

use crate::storage::{Faults, MemoryDisk, Survives};
use overdue::engine::CatchUp;
use overdue::service::{
    ClockChoice, CommandError, Config, Load, NotReady, Obstacle, Seed, Service, Stopper, machine_wall,
};
use overdue::store::input::Origin;
use overdue::store::record::{EscalationFilter, RecordKind};
use overdue::ticket::{Batch, EventKind};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

const START_MS: i64 = 1_795_000_000_000;

const POLICY: &str = r#"
default_priority = "quick"
[calendars.always]
hours = "24x7"
[priorities.quick]
calendar = "always"
[priorities.quick.clocks.resolution]
levels = [{ at = "1m", notify = ["owner"] }]
"#;

/// A minute passes in a tenth of a second.
fn start(folder: &Path, disk: &MemoryDisk) -> (Service, Stopper) {
    let config = Config {
        data_dir: folder.to_owned(),
        seed: Some(Seed { name: "test".into(), text: POLICY.into(), files: Vec::new() }),
        catch_up_after_downtime: CatchUp::Latest,
        snapshot_every: Duration::from_secs(3_600),
        snapshots_kept: 2,
        cut_history: false,
        clock: ClockChoice::Fast { start_ms: START_MS, speed: 600.0 },
        threads: 1,
    };
    Service::start_on(&config, Arc::new(disk.clone()), machine_wall()).unwrap()
}

fn open(service: &Service, id: &str) -> Result<u64, CommandError> {
    let mut batch = Batch::default();
    batch.push(id, service.now_ms(), EventKind::Opened);
    let origin = Origin { actor: "test".into(), ..Origin::default() };
    service.load_blocking(Load { batch, catch_up: CatchUp::Latest, origin }).map(|applied| applied.accepted)
}

/// Waits for something that the passing of time brings.
#[expect(
    clippy::disallowed_methods,
    reason = "the service runs on threads of its own: what it does is looked for until it is there"
)]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{what} did not come");
}

pub fn fired(service: &Service) -> Vec<String> {
    let records = service.escalations(0, &EscalationFilter::default(), 1_000).unwrap().records;
    assert!(records.iter().all(|record| record.kind == RecordKind::Fired));
    records.into_iter().map(|record| record.ticket).collect()
}

#[test]
fn a_full_disk_refuses_loses_nothing_and_resumes() {
    let folder = tempfile::tempdir().unwrap();
    let disk = MemoryDisk::default();
    let (service, stopper) = start(folder.path(), &disk);
    assert_eq!(open(&service, "before"), Ok(1));

    disk.set_faults(Faults { room_bytes: Some(0), ..Faults::default() });
    assert_eq!(open(&service, "refused"), Err(CommandError::DiskFull));
    until("the word that the disk is full", || service.view().gauges.disk_full);
    // What falls due now cannot be written down, so it does not fire: but it is not forgotten.
    until("something due", || service.view().gauges.due_not_fired > 0);
    assert!(fired(&service).is_empty());
    assert_eq!(open(&service, "refused again"), Err(CommandError::DiskFull));
    assert_eq!(service.readiness(), Err(NotReady::Obstructed(Obstacle::DiskFull)));

    disk.set_faults(Faults::default());
    until("the level that fell due meanwhile", || fired(&service) == ["before"]);
    assert_eq!(open(&service, "after"), Ok(1));
    until("the level of the ticket after", || fired(&service) == ["before", "after"]);
    assert!(!service.view().gauges.disk_full);
    assert_eq!(service.read(|engine| engine.len()), 2, "what was refused was not taken");
    // Nobody writes while the service is not ready: it finds out by itself that there is room again.
    disk.set_faults(Faults { room_bytes: Some(0), ..Faults::default() });
    assert_eq!(open(&service, "refused at last"), Err(CommandError::DiskFull));
    assert_eq!(service.readiness(), Err(NotReady::Obstructed(Obstacle::DiskFull)));
    disk.set_faults(Faults::default());
    until("the word that there is room", || service.readiness().is_ok());
    stopper.stop().unwrap();

    // What was taken is durable, what was refused is nowhere.
    let disk = disk.crash(Survives::Nothing);
    let (service, stopper) = start(folder.path(), &disk);
    assert_eq!(service.read(|engine| (engine.len(), engine.find("refused").is_none())), (2, true));
    assert_eq!(fired(&service), ["before", "after"]);
    stopper.stop().unwrap();
}

/// Set for the process of [`a_failed_sync_stops_the_process`] in which the sync fails.
const CHILD: &str = "OVERDUE_TEST_FAILING_SYNC";

#[test]
fn a_failed_sync_stops_the_process() {
    if std::env::var_os(CHILD).is_some() {
        let folder = tempfile::tempdir().unwrap();
        let disk = MemoryDisk::default();
        let (service, _stopper) = start(folder.path(), &disk);
        for number in 0.. {
            disk.set_faults(Faults { fail_sync: (number == 5).then(|| disk.syncs()), ..Faults::default() });
            let answer = open(&service, &format!("T{number}"));
            println!("ANSWERED {number} {}", answer.is_ok());
        }
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "service::a_failed_sync_stops_the_process", "--nocapture"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(overdue::service::EXIT_SYNC_FAILED), "{said}");
    let answered: Vec<&str> = said.lines().filter(|line| line.contains("ANSWERED")).collect();
    assert_eq!(answered.len(), 5, "what could not be synced is not answered: {said}");
    assert!(answered.iter().all(|line| line.ends_with("true")), "{said}");
}
