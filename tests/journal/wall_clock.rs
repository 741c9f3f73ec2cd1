//! The wall clock set forward and back, by minutes, days and years, while the service is down and while it runs.

use crate::service::fired;
use crate::support::config::config;
use crate::support::requests::input;
use crate::support::until::until;
use overdue::engine::{CatchUp, Symbol};
use overdue::limits::MAX_STEP_MS;
use overdue::service::{ClockChoice, NotReady, Service, StartError, Stopper, Trust, machine_wall};
use overdue::store::disk::FolderDisk;
use overdue::store::record::{EscalationFilter, EscalationRecord, RecordKind};
use overdue::ticket::{Batch, EventKind};
use overdue::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, format_rfc3339};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

const YEAR_MS: i64 = 365 * DAY_MS;

const POLICY: &str = r#"
default_priority = "slow"
[calendars.always]
hours = "24x7"
[priorities.slow]
calendar = "always"
[priorities.slow.clocks.resolution]
target = "8h"
levels = [{ at = "50%", notify = ["owner"] }, { at = "100%", notify = ["team_lead"] }]
[priorities.quick]
calendar = "always"
[priorities.quick.clocks.resolution]
levels = [{ at = "1s", notify = ["owner"] }]
"#;

/// A data folder, and a wall clock that differs from the machine's.
struct Host {
    outer: TempDir,
    shift_ms: Arc<AtomicI64>,
}

impl Host {
    fn new() -> Self {
        Self { outer: tempfile::tempdir().unwrap(), shift_ms: Arc::default() }
    }

    fn folder(&self) -> PathBuf {
        self.outer.path().join("data")
    }

    /// Sets the wall clock ahead of the machine's; a negative shift sets it behind.
    fn set(&self, shift_ms: i64) {
        self.shift_ms.store(shift_ms, Ordering::Relaxed);
    }

    fn wall_ms(&self) -> i64 {
        machine_wall()() + self.shift_ms.load(Ordering::Relaxed)
    }

    fn start(&self, accepted_ms: Option<i64>) -> Result<(Service, Stopper), StartError> {
        let clock = ClockChoice::Wall(Trust { accepted_ms, ..Trust::default() });
        let config = config(&self.folder(), POLICY, clock);
        let disk = FolderDisk::new(&config.data_dir.join("journal")).unwrap();
        let (unshifted, shift_ms) = (machine_wall(), Arc::clone(&self.shift_ms));
        let wall = move || unshifted() + shift_ms.load(Ordering::Relaxed);
        Service::start_on(&config, Arc::new(disk), Arc::new(wall))
    }

    /// Starts the service, runs a function on it, and stops it.
    fn with_service<T>(&self, accepted_ms: Option<i64>, run: impl FnOnce(&Service) -> T) -> T {
        let (service, stopper) = self.start(accepted_ms).unwrap();
        let result = run(&service);
        stopper.stop().unwrap();
        result
    }
}

fn open(service: &Service, ids: &[&str], priority: &str) {
    let mut batch = Batch::default();
    for id in ids {
        batch.push(id, service.now_ms(), EventKind::Opened);
        batch.set_last(overdue::ticket::Column::Priority, priority);
    }
    service.load_blocking(input(batch, CatchUp::Latest, "test")).unwrap();
}

/// The records that match, from the history and from memory.
fn matching(service: &Service, filter: &EscalationFilter) -> Vec<EscalationRecord> {
    let (mut records, mut after) = (Vec::new(), 0);
    while after < *service.last_escalation().borrow() {
        let page = service.escalations(after, filter, 1_000).unwrap();
        records.extend(page.records);
        after = page.up_to;
    }
    records
}

/// All records, numbered without a gap.
fn records(service: &Service) -> Vec<EscalationRecord> {
    let records = matching(service, &EscalationFilter::default());
    assert!((1..).zip(&records).all(|(sequence, record)| record.sequence == sequence), "{records:?}");
    records
}

/// Ticket, kind and level of each record, sorted.
fn levels(records: &[EscalationRecord]) -> Vec<(&str, RecordKind, u8)> {
    let mut levels: Vec<_> = records.iter().map(|it| (it.ticket.as_str(), it.kind, it.level)).collect();
    levels.sort();
    levels
}

/// The state hash, and counters of the first clock.
fn state(service: &Service) -> (u64, Vec<u64>) {
    let tally = |engine: &overdue::engine::Engine, clock: Symbol| {
        let tally = engine.counters().by_clock[clock as usize];
        vec![tally.running, tally.at_risk, tally.breached, tally.met, tally.missed]
    };
    service.read(|engine| (engine.state_hash(), tally(engine, 0)))
}

#[test]
fn a_clock_a_year_ahead_fails_the_start_and_can_be_accepted_and_corrected() {
    let host = Host::new();
    let before = host.with_service(None, |service| {
        open(service, &["A", "B"], "slow");
        state(service)
    });

    host.set(YEAR_MS);
    let error = host.start(None).err().expect("a year ahead").to_string();
    for part in ["365 d after", "--max-clock-ahead is 7 d", "--accept-time 20"] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
    let other_ms = host.wall_ms() - YEAR_MS;
    assert!(host.start(Some(other_ms)).is_err(), "the start accepts a time that the wall clock does not show");
    host.set(0);
    assert_eq!(host.with_service(None, state), before, "a failed start has changed the state");

    // The operator accepts the time. What is due within the year fires.
    host.set(YEAR_MS);
    host.with_service(Some(host.wall_ms()), |service| {
        assert_eq!(levels(&records(service)), [("A", RecordKind::Fired, 2), ("B", RecordKind::Fired, 2)]);
        assert_eq!(service.readiness(), Ok(()));
    });

    // The wall clock is corrected: it is a year behind the last time of the folder.
    host.set(0);
    host.with_service(None, |service| {
        let error = service.readiness().expect_err("the time of the service stands still");
        let reason = error.to_string();
        assert!(matches!(error, NotReady::WallBehind { .. }), "{reason}");
        assert!(reason.contains("364 d 23 h") || reason.contains("365 d"), "{reason}");
        assert!(reason.contains("--accept-time"), "{reason}");
        until("the gauges are published", || service.view().gauges.wall_ms > 0);
        let gauges = service.view().gauges.clone();
        let about_a_year = (YEAR_MS - HOUR_MS)..(YEAR_MS + HOUR_MS);
        assert!(about_a_year.contains(&gauges.lag_ms), "{gauges:?}");
        assert!(about_a_year.contains(&-gauges.clock_offset_ms), "{gauges:?}");
    });
    let (corrected, count) = host.with_service(Some(host.wall_ms()), |service| {
        let records = records(service);
        let expected = [
            ("A", RecordKind::Fired, 2),
            ("A", RecordKind::Withdrawn, 2),
            ("B", RecordKind::Fired, 2),
            ("B", RecordKind::Withdrawn, 2),
        ];
        assert_eq!(levels(&records), expected);
        let now_ms = service.now_ms();
        assert!(records[2..].iter().all(|record| (record.recorded_ms - now_ms).abs() < MINUTE_MS), "{records:?}");
        assert_eq!(service.readiness(), Ok(()));
        assert_eq!(state(service), before, "tickets have the state from before");
        // Results by day: future days have none.
        assert!(
            service.view().days.iter().all(|day| day.day_ms <= now_ms && day.fired == 0),
            "{:?}",
            service.view().days
        );
        // A filter by time continues after records of future days.
        let filter = EscalationFilter { until_ms: Some(now_ms + HOUR_MS), ..EscalationFilter::default() };
        assert_eq!(matching(service, &filter).len(), 2);
        // Time continues from there.
        open(service, &["Q"], "quick");
        let expected = ("Q", RecordKind::Fired, 1);
        until("the level of the new ticket fires", || levels(&self::records(service)).contains(&expected));
        (state(service), self::records(service).len())
    });
    for snapshots in [true, false] {
        if !snapshots {
            fs::remove_dir_all(host.folder().join("snapshots")).unwrap();
        }
        host.with_service(None, |service| {
            assert_eq!((state(service), records(service).len()), (corrected.clone(), count), "{snapshots}");
            assert_eq!(service.readiness(), Ok(()));
        });
    }
}

#[test]
fn events_from_a_wrong_time_keep_it_until_their_opening_is_corrected() {
    let host = Host::new();
    host.with_service(None, |service| open(service, &["A"], "slow"));
    host.set(YEAR_MS);
    host.with_service(Some(host.wall_ms()), |service| open(service, &["B", "C"], "slow"));
    host.set(0);
    host.with_service(Some(host.wall_ms()), |service| {
        assert_eq!(service.read(|engine| engine.ahead_of_time()), 2);
        let mut batch = Batch::default();
        batch.push("B", service.now_ms() - 5 * HOUR_MS, EventKind::Opened);
        service.load_blocking(input(batch, CatchUp::Latest, "test")).unwrap();
        assert_eq!(service.read(|engine| engine.ahead_of_time()), 1);
        let all = records(service);
        let of = |id: &str| levels(&all).into_iter().filter(|it| it.0 == id).map(|it| (it.1, it.2)).collect::<Vec<_>>();
        assert_eq!(of("A"), [(RecordKind::Fired, 2), (RecordKind::Withdrawn, 2)]);
        assert_eq!((of("B"), of("C")), (vec![(RecordKind::Fired, 1)], Vec::new()));
    });
}

#[test]
fn a_start_depends_on_how_far_the_wall_clock_is_off() {
    for (shift_ms, starts, is_ready) in [
        (5 * MINUTE_MS, true, true),
        (3 * DAY_MS, true, true),
        (30 * DAY_MS, false, false),
        (YEAR_MS, false, false),
        (-5 * SECOND_MS, true, true),
        (-5 * MINUTE_MS, true, false),
        (-3 * DAY_MS, true, false),
        (-YEAR_MS, true, false),
    ] {
        let context = format!("by {shift_ms} ms");
        let host = Host::new();
        host.with_service(None, |service| open(service, &["A"], "slow"));
        host.set(shift_ms);
        match host.start(None) {
            Ok((service, stopper)) => {
                assert!(starts, "{context}");
                assert_eq!(service.readiness().is_ok(), is_ready, "{context}: {:?}", service.readiness());
                let levels = fired(&service).len();
                assert_eq!(levels, usize::from(shift_ms == 3 * DAY_MS), "{context}: only what is due by then fires");
                stopper.stop().unwrap();
            }
            Err(error) => assert!(!starts && matches!(error, StartError::Ahead { .. }), "{context}: {error}"),
        }
        // Accepting the time makes the service ready in both directions; accepting it twice changes nothing.
        for _ in 0..2 {
            host.with_service(Some(host.wall_ms()), |service| {
                assert_eq!(service.readiness(), Ok(()), "{context}");
                assert!((service.now_ms() - host.wall_ms()).abs() <= MAX_STEP_MS, "{context}");
            });
        }
    }
}

#[test]
fn a_lasting_jump_of_the_wall_clock_is_detected_and_not_followed() {
    let host = Host::new();
    host.with_service(None, |service| {
        let mut jumps = 0;
        for shift_ms in [5 * MINUTE_MS, 3 * DAY_MS, YEAR_MS, -5 * MINUTE_MS, -3 * DAY_MS, -YEAR_MS] {
            let before_ms = service.now_ms();
            host.set(shift_ms);
            let mut reason = None;
            until("the jump is detected", || {
                // On a busy machine the engine may lag behind for a moment as well.
                reason = service.readiness().err();
                matches!(reason, Some(NotReady::WallJumped { .. }))
            });
            let text = reason.as_ref().map(ToString::to_string).unwrap_or_default();
            let side = if shift_ms < 0 { "before" } else { "after" };
            assert!(text.contains(side), "{text}");
            assert!((service.now_ms() - before_ms).abs() < MINUTE_MS, "the service does not follow the jump");
            jumps += 1;
            until("the gauges show the jump", || {
                let view = service.view();
                (view.gauges.clock_offset_ms - shift_ms).abs() < MINUTE_MS && view.gauges.clock_jumps == jumps
            });
            // Time continues at its own pace.
            open(service, &[&format!("T{jumps}")], "quick");
            until("a level fires", || fired(service).len() as u64 == jumps);
            host.set(0);
            until("the service is ready again", || service.readiness().is_ok());
        }
    });
}

#[test]
fn a_wall_clock_that_is_corrected_after_the_start_is_followed() {
    let host = Host::new();
    host.with_service(None, |service| open(service, &["A"], "slow"));
    // Such as a machine without a battery clock, before it has the time from the network.
    host.set(-40 * YEAR_MS);
    host.with_service(None, |service| {
        assert!(matches!(service.readiness(), Err(NotReady::WallBehind { .. })));
        host.set(30 * DAY_MS);
        until("the clock is too far ahead", || matches!(service.readiness(), Err(NotReady::WallJumped { .. })));
        host.set(9 * HOUR_MS);
        until("the service is ready", || service.readiness().is_ok());
        until("the latest level due meanwhile fires", || levels(&records(service)) == [("A", RecordKind::Fired, 2)]);
        assert!((service.now_ms() - host.wall_ms()).abs() <= MAX_STEP_MS);
    });
}

#[test]
fn a_service_without_requests_records_the_time_once_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let start_ms = 1_795_000_000_000;
    let config = config(folder.path(), POLICY, ClockChoice::Fast { start_ms, speed: 400_000.0 });
    let (service, stopper) = Service::start(&config).unwrap();
    until("some groups are written", || service.view().group > 4);
    let view = service.view();
    assert!(view.group as i64 <= 1 + (view.now_ms - start_ms) / DAY_MS, "{} groups by {}", view.group, view.now_ms);
    stopper.stop().unwrap();
}

#[test]
fn a_missing_data_folder_makes_the_service_unready() {
    let host = Host::new();
    let (folder, elsewhere) = (host.folder(), host.outer.path().join("elsewhere"));
    host.with_service(None, |service| {
        fs::rename(&folder, &elsewhere).unwrap();
        until("the missing folder is detected", || service.readiness() == Err(NotReady::FolderGone(folder.clone())));
        assert!(service.readiness().unwrap_err().to_string().contains(&folder.display().to_string()));
        fs::create_dir(&folder).unwrap();
        assert!(service.readiness().is_err());
        fs::remove_dir(&folder).unwrap();
        fs::rename(&elsewhere, &folder).unwrap();
        until("the service is ready again", || service.readiness().is_ok());
    });
    assert!(Path::new(&folder).exists(), "{}", format_rfc3339(host.wall_ms()));
}
