//! The wall clock set forward and back, by minutes, days and years, while the service is down and while it runs.

use crate::service::{fired, until};
use overdue::engine::{CatchUp, Symbol};
use overdue::limits::MAX_STEP_MS;
use overdue::service::{ClockChoice, Config, Load, NotReady, Seed, Service, StartError, Stopper, Trust, machine_wall};
use overdue::store::disk::FolderDisk;
use overdue::store::input::Origin;
use overdue::store::record::{EscalationFilter, EscalationRecord, RecordKind};
use overdue::ticket::{Batch, EventKind};
use overdue::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, format_rfc3339};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
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

/// A data folder, and a wall clock beside the machine's.
struct StateMachine {
    all: TempDir,
    shift_ms: Arc<AtomicI64>,
}

impl StateMachine {
    fn new() -> Self {
        Self { all: tempfile::tempdir().unwrap(), shift_ms: Arc::default() }
    }

    fn folder(&self) -> PathBuf {
        self.all.path().join("data")
    }

    /// Sets the wall clock so far ahead of the machine's, or behind.
    fn set(&self, shift_ms: i64) {
        self.shift_ms.store(shift_ms, Ordering::Relaxed);
    }

    fn wall_ms(&self) -> i64 {
        machine_wall()() + self.shift_ms.load(Ordering::Relaxed)
    }

    fn start(&self, accepted_ms: Option<i64>) -> Result<(Service, Stopper), StartError> {
        let config = Config {
            data_dir: self.folder(),
            seed: Some(Seed { name: "test".into(), text: POLICY.into(), files: Vec::new() }),
            catch_up_after_downtime: CatchUp::Latest,
            snapshot_every: Duration::from_secs(3_600),
            snapshots_kept: 2,
            cut_history: false,
            clock: ClockChoice::Wall(Trust { accepted_ms, ..Trust::default() }),
            threads: 1,
        };
        let disk = FolderDisk::new(&config.data_dir.join("journal")).unwrap();
        let (machine, shift_ms) = (machine_wall(), Arc::clone(&self.shift_ms));
        let wall = move || machine() + shift_ms.load(Ordering::Relaxed);
        Service::start_on(&config, Arc::new(disk), Arc::new(wall))
    }

    /// Starts and stops; what was said in between.
    fn visit<T>(&self, accepted_ms: Option<i64>, look: impl FnOnce(&Service) -> T) -> T {
        let (service, stopper) = self.start(accepted_ms).unwrap();
        let seen = look(&service);
        stopper.stop().unwrap();
        seen
    }
}

fn open(service: &Service, ids: &[&str], priority: &str) {
    let mut batch = Batch::default();
    for id in ids {
        batch.push(id, service.now_ms(), EventKind::Opened);
        batch.set_last(overdue::ticket::Column::Priority, priority);
    }
    let origin = Origin { actor: "test".into(), ..Origin::default() };
    service.load_blocking(Load { batch, catch_up: CatchUp::Latest, origin }).unwrap();
}

/// All pages, from the history and from memory.
fn looked_up(service: &Service, filter: &EscalationFilter) -> Vec<EscalationRecord> {
    let (mut records, mut after) = (Vec::new(), 0);
    while after < *service.last_escalation().borrow() {
        let page = service.escalations(after, filter, 1_000).unwrap();
        records.extend(page.records);
        after = page.up_to;
    }
    records
}

fn records(service: &Service) -> Vec<EscalationRecord> {
    let records = looked_up(service, &EscalationFilter::default());
    assert!((1..).zip(&records).all(|(sequence, record)| record.sequence == sequence), "{records:?}");
    records
}

fn told(records: &[EscalationRecord]) -> Vec<(&str, RecordKind, u8)> {
    let mut told: Vec<_> = records.iter().map(|it| (it.ticket.as_str(), it.kind, it.level)).collect();
    told.sort();
    told
}

fn state(service: &Service) -> (u64, Vec<u64>) {
    let tally = |engine: &overdue::engine::Engine, clock: Symbol| {
        let tally = engine.counters().by_clock[clock as usize];
        vec![tally.running, tally.at_risk, tally.breached, tally.met, tally.missed]
    };
    service.read(|engine| (engine.state_hash(), tally(engine, 0)))
}

#[test]
fn a_year_ahead_is_refused_accepted_and_taken_back() {
    let machine = StateMachine::new();
    let before = machine.visit(None, |service| {
        open(service, &["A", "B"], "slow");
        state(service)
    });

    machine.set(YEAR_MS);
    let error = machine.start(None).err().expect("a year ahead").to_string();
    for words in ["365 d after", "--max-clock-ahead is 7 d", "--accept-time 20"] {
        assert!(error.contains(words), "{words} is not in {error}");
    }
    assert!(machine.start(Some(machine.wall_ms() - YEAR_MS)).is_err(), "another time is accepted than it is");
    machine.set(0);
    assert_eq!(machine.visit(None, state), before, "a start that was refused changed something");

    // Somebody insists. What is due within the year fires.
    machine.set(YEAR_MS);
    machine.visit(Some(machine.wall_ms()), |service| {
        assert_eq!(told(&records(service)), [("A", RecordKind::Fired, 2), ("B", RecordKind::Fired, 2)]);
        assert_eq!(service.readiness(), Ok(()));
    });

    // The clock is set right: now it is a year behind what the folder knows.
    machine.set(0);
    machine.visit(None, |service| {
        let error = service.readiness().expect_err("time stands still");
        let words = error.to_string();
        assert!(matches!(error, NotReady::WallBehind { .. }), "{words}");
        assert!(words.contains("364 d 23 h") || words.contains("365 d"), "{words}");
        assert!(words.contains("--accept-time"), "{words}");
        until("the gauges", || service.view().gauges.wall_ms > 0);
        let gauges = service.view().gauges.clone();
        let about_a_year = (YEAR_MS - HOUR_MS)..(YEAR_MS + HOUR_MS);
        assert!(about_a_year.contains(&gauges.lag_ms), "{gauges:?}");
        assert!(about_a_year.contains(&-gauges.clock_offset_ms), "{gauges:?}");
    });
    let (taken_back, count) = machine.visit(Some(machine.wall_ms()), |service| {
        let records = records(service);
        let expected = [
            ("A", RecordKind::Fired, 2),
            ("A", RecordKind::Withdrawn, 2),
            ("B", RecordKind::Fired, 2),
            ("B", RecordKind::Withdrawn, 2),
        ];
        assert_eq!(told(&records), expected);
        let now_ms = service.now_ms();
        assert!(records[2..].iter().all(|record| (record.recorded_ms - now_ms).abs() < MINUTE_MS), "{records:?}");
        assert_eq!(service.readiness(), Ok(()));
        assert_eq!(state(service), before, "tickets are what they were before");
        // Results by day: nothing stays on days that have not come.
        assert!(
            service.view().days.iter().all(|day| day.day_ms <= now_ms && day.fired == 0),
            "{:?}",
            service.view().days
        );
        // Filters by time look on after records of days that have not come.
        let filter = EscalationFilter { until_ms: Some(now_ms + HOUR_MS), ..EscalationFilter::default() };
        assert_eq!(looked_up(service, &filter).len(), 2);
        // Time goes on from there.
        open(service, &["Q"], "quick");
        until("the level of the ticket after", || told(&self::records(service)).contains(&("Q", RecordKind::Fired, 1)));
        (state(service), self::records(service).len())
    });
    for snapshots in [true, false] {
        if !snapshots {
            fs::remove_dir_all(machine.folder().join("snapshots")).unwrap();
        }
        machine.visit(None, |service| {
            assert_eq!((state(service), records(service).len()), (taken_back.clone(), count), "{snapshots}");
            assert_eq!(service.readiness(), Ok(()));
        });
    }
}

#[test]
fn what_came_while_the_time_was_wrong_stays_at_its_time_and_can_be_moved() {
    let machine = StateMachine::new();
    machine.visit(None, |service| open(service, &["A"], "slow"));
    machine.set(YEAR_MS);
    machine.visit(Some(machine.wall_ms()), |service| open(service, &["B", "C"], "slow"));
    machine.set(0);
    machine.visit(Some(machine.wall_ms()), |service| {
        assert_eq!(service.read(|engine| engine.ahead_of_time()), 2);
        let origin = Origin { actor: "test".into(), ..Origin::default() };
        let mut batch = Batch::default();
        batch.push("B", service.now_ms() - 5 * HOUR_MS, EventKind::Opened);
        service.load_blocking(Load { batch, catch_up: CatchUp::Latest, origin }).unwrap();
        assert_eq!(service.read(|engine| engine.ahead_of_time()), 1);
        let all = records(service);
        let of = |id: &str| told(&all).into_iter().filter(|it| it.0 == id).map(|it| (it.1, it.2)).collect::<Vec<_>>();
        assert_eq!(of("A"), [(RecordKind::Fired, 2), (RecordKind::Withdrawn, 2)]);
        assert_eq!((of("B"), of("C")), (vec![(RecordKind::Fired, 1)], Vec::new()));
    });
}

#[test]
fn by_minutes_days_and_years_at_a_start() {
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
        let machine = StateMachine::new();
        machine.visit(None, |service| open(service, &["A"], "slow"));
        machine.set(shift_ms);
        match machine.start(None) {
            Ok((service, stopper)) => {
                assert!(starts, "{context}");
                assert_eq!(service.readiness().is_ok(), is_ready, "{context}: {:?}", service.readiness());
                let levels = fired(&service).len();
                assert_eq!(levels, usize::from(shift_ms == 3 * DAY_MS), "{context}: what is due by then, no more");
                stopper.stop().unwrap();
            }
            Err(error) => assert!(!starts && matches!(error, StartError::Ahead { .. }), "{context}: {error}"),
        }
        // The way out, in both directions; and what is wrong is not made worse by asking for it when nothing is.
        for _ in 0..2 {
            machine.visit(Some(machine.wall_ms()), |service| {
                assert_eq!(service.readiness(), Ok(()), "{context}");
                assert!((service.now_ms() - machine.wall_ms()).abs() <= MAX_STEP_MS, "{context}");
            });
        }
    }
}

#[test]
fn a_jump_that_lasts_is_seen_while_the_service_runs() {
    let machine = StateMachine::new();
    machine.visit(None, |service| {
        let mut jumps = 0;
        for shift_ms in [5 * MINUTE_MS, 3 * DAY_MS, YEAR_MS, -5 * MINUTE_MS, -3 * DAY_MS, -YEAR_MS] {
            let before_ms = service.now_ms();
            machine.set(shift_ms);
            let mut reason = None;
            until("the jump", || {
                reason = service.readiness().err();
                reason.is_some()
            });
            let words = reason.as_ref().map(ToString::to_string).unwrap_or_default();
            let side = if shift_ms < 0 { "before" } else { "after" };
            assert!(matches!(reason, Some(NotReady::WallJumped { .. })) && words.contains(side), "{words}");
            assert!((service.now_ms() - before_ms).abs() < MINUTE_MS, "it is not obeyed");
            jumps += 1;
            until("the gauges", || {
                let view = service.view();
                (view.gauges.clock_offset_ms - shift_ms).abs() < MINUTE_MS && view.gauges.clock_jumps == jumps
            });
            // Time goes on at its own pace.
            open(service, &[&format!("T{jumps}")], "quick");
            until("a level", || fired(service).len() as u64 == jumps);
            machine.set(0);
            until("that it is right again", || service.readiness().is_ok());
        }
    });
}

#[test]
fn a_wall_clock_that_is_set_right_after_the_start_is_followed() {
    let machine = StateMachine::new();
    machine.visit(None, |service| open(service, &["A"], "slow"));
    // As machines are that know the time from the network only, some seconds after they have started.
    machine.set(-40 * YEAR_MS);
    machine.visit(None, |service| {
        assert!(matches!(service.readiness(), Err(NotReady::WallBehind { .. })));
        machine.set(30 * DAY_MS);
        until("that it is too far ahead", || matches!(service.readiness(), Err(NotReady::WallJumped { .. })));
        machine.set(9 * HOUR_MS);
        until("that it goes on", || service.readiness().is_ok());
        until("what fell due meanwhile, the latest", || told(&records(service)) == [("A", RecordKind::Fired, 2)]);
        assert!((service.now_ms() - machine.wall_ms()).abs() <= MAX_STEP_MS);
    });
}

#[test]
fn a_quiet_service_writes_the_time_down_once_a_day() {
    let folder = tempfile::tempdir().unwrap();
    let start_ms = 1_795_000_000_000;
    let config = Config {
        data_dir: folder.path().to_owned(),
        seed: Some(Seed { name: "test".into(), text: POLICY.into(), files: Vec::new() }),
        catch_up_after_downtime: CatchUp::Latest,
        snapshot_every: Duration::from_secs(3_600),
        snapshots_kept: 2,
        cut_history: false,
        clock: ClockChoice::Fast { start_ms, speed: 400_000.0 },
        threads: 1,
    };
    let (service, stopper) = Service::start(&config).unwrap();
    until("some groups", || service.view().group > 4);
    let view = service.view();
    assert!(view.group as i64 <= 1 + (view.now_ms - start_ms) / DAY_MS, "{} groups by {}", view.group, view.now_ms);
    stopper.stop().unwrap();
}

#[test]
fn a_data_folder_that_is_gone_is_seen() {
    let machine = StateMachine::new();
    let (folder, aside) = (machine.folder(), machine.all.path().join("aside"));
    machine.visit(None, |service| {
        fs::rename(&folder, &aside).unwrap();
        until("that it is gone", || service.readiness() == Err(NotReady::FolderGone(folder.clone())));
        assert!(service.readiness().unwrap_err().to_string().contains(&folder.display().to_string()));
        fs::create_dir(&folder).unwrap();
        assert!(service.readiness().is_err());
        fs::remove_dir(&folder).unwrap();
        fs::rename(&aside, &folder).unwrap();
        until("that it is back", || service.readiness().is_ok());
    });
    assert!(Path::new(&folder).exists(), "{}", format_rfc3339(machine.wall_ms()));
}
