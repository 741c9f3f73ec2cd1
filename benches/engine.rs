//! How fast is the engine? A batch of a million tickets with two clocks, a million events, a million levels falling due, a calendar
//! edit over a million open tickets. The rival does what the cron job of a helpdesk does: it recalculates the due times of every
//! ticket.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use overdue::calendar::{Calendar, CalendarDefinition, Span};
use overdue::engine::{Apply, CatchUp, Engine, Installed, ShardState};
use overdue::policy::{Actions, Clock, Effect, Level, OnPriorityChange, Policy, Priority, Rules, Threshold};
use overdue::ticket::{Batch, EventKind, StateSet};
use overdue::time::{DAY_MS, HOUR_MS, MINUTE_MS, parse_rfc3339};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

const TICKETS: u32 = 1_000_000;
const SHARDS: usize = 16;

fn clock(name: &str, target_ms: i64, stops: &[EventKind]) -> Clock {
    let mut on = [Effect::None; EventKind::COUNT];
    on[EventKind::Opened as usize] = Effect::Start;
    stops.iter().for_each(|kind| on[*kind as usize] = Effect::Stop);
    let level = |at| Level { at, actions: Actions::default() };
    Clock {
        name: name.to_owned(),
        target: Some(Span::Business { ms: target_ms }),
        at_risk: 7_500,
        on,
        pause_while: StateSet::EMPTY,
        starts_when_done: false,
        levels: vec![level(Threshold::Percent(5_000)), level(Threshold::Percent(10_000))],
    }
}

fn calendar(text: &str) -> Arc<Calendar> {
    let definition: CalendarDefinition = toml::from_str(text).expect("a calendar");
    Arc::new(
        Calendar::new("office", &definition, &mut |file| Err(format!("no file {file}")))
            .expect("a calendar that opens"),
    )
}

fn policy(calendar: &Arc<Calendar>) -> Arc<Policy> {
    let clocks = vec![
        clock("first_response", 4 * HOUR_MS, &[EventKind::AgentReply, EventKind::Resolved]),
        clock("resolution", 16 * HOUR_MS, &[EventKind::Resolved]),
    ];
    let priority = Priority {
        name: "normal".to_owned(),
        calendar: Arc::clone(calendar),
        on_priority_change: OnPriorityChange::FromStart,
        clocks,
    };
    Arc::new(Policy {
        calendars: vec![Arc::clone(calendar)],
        priorities: vec![Arc::new(priority)],
        default_priority: 0,
        rules: Rules::default(),
    })
}

fn office() -> Arc<Calendar> {
    calendar(
        "time_zone = \"Europe/Oslo\"\nmon-fri = [\"08:00-12:00\", \"12:30-17:00\"]\n\
         holidays = [\"--01-01\", \"--05-17\", \"--12-25\"]",
    )
}

fn shorter_office() -> Arc<Calendar> {
    calendar(
        "time_zone = \"Europe/Oslo\"\nmon-fri = [\"09:00-12:00\", \"12:30-16:00\"]\n\
         holidays = [\"--01-01\", \"--05-17\", \"--12-25\"]",
    )
}

fn start_ms() -> i64 {
    parse_rfc3339("2026-11-02T07:00:00Z").expect("an instant")
}

/// Tickets opened over the five days from `start_ms`.
fn opened(tickets: u32) -> Batch {
    let mut batch = Batch::default();
    for number in 0..tickets {
        let at_ms = start_ms() + i64::from(number) * (5 * DAY_MS / i64::from(tickets));
        batch.push(&format!("INC{number:08}"), at_ms, EventKind::Opened);
    }
    batch
}

fn events(tickets: u32, kind: EventKind) -> Batch {
    let mut batch = Batch::default();
    for index in 0..tickets {
        // In another order than that of the openings, as in live traffic.
        let number = (u64::from(index) * 7_919) % u64::from(tickets);
        let opened_ms = start_ms() + number as i64 * (5 * DAY_MS / i64::from(tickets));
        batch.push(&format!("INC{number:08}"), opened_ms + 10 * MINUTE_MS, kind);
    }
    batch
}

fn loaded(policy: &Arc<Policy>, batch: &Batch, now_ms: i64) -> Engine {
    let mut engine = Engine::new(Arc::clone(policy), SHARDS);
    engine.advance(now_ms);
    engine.apply(batch, CatchUp::Latest);
    engine
}

fn exported(engine: &Engine) -> Vec<ShardState> {
    (0..engine.shards()).map(|shard| engine.export(shard)).collect()
}

fn resident_bytes() -> Option<f64> {
    let status = std::fs::File::open("/proc/self/status").ok()?;
    let text = std::io::read_to_string(status).ok()?;
    let line = text.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024.0)
}

/// Ten million tickets with two clocks: bytes per ticket, from the memory of the process.
fn memory() {
    let tickets: u32 = 10_000_000;
    let policy = policy(&office());
    let before = resident_bytes();
    let mut engine = Engine::new(policy, SHARDS);
    engine.advance(start_ms() - DAY_MS);
    let mut first = 0;
    while first < tickets {
        let mut batch = Batch::default();
        for number in first..(first + 65_536).min(tickets) {
            let at_ms = start_ms() + i64::from(number) * (5 * DAY_MS / i64::from(tickets));
            batch.push(&format!("INC{number:08}"), at_ms, EventKind::Opened);
        }
        first += 65_536;
        engine.apply(&batch, CatchUp::Latest);
    }
    if let (Some(before), Some(after)) = (before, resident_bytes()) {
        println!("engine-bytes {} {:.1}", engine.len(), (after - before) / f64::from(tickets));
    }
}

fn engine(criterion: &mut Criterion) {
    // Only in a run of all benchmarks, because it takes as long as the others together.
    if std::env::args().all(|argument| argument.starts_with("--") || !argument.starts_with("engine/")) {
        memory();
    }
    let office = office();
    let policy_now = policy(&office);
    let policy_next = policy(&shorter_office());
    let tickets = opened(TICKETS);
    let replies = events(TICKETS, EventKind::AgentReply);
    let mut group = criterion.benchmark_group("engine");
    group.sample_size(10).throughput(Throughput::Elements(u64::from(TICKETS)));
    group.warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(5));
    group.bench_function("open", |bencher| {
        bencher.iter_with_large_drop(|| loaded(&policy_now, &tickets, start_ms()));
    });
    group.bench_function("event", |bencher| {
        bencher.iter_batched(
            || loaded(&policy_now, &tickets, start_ms()),
            |mut engine| {
                black_box(engine.apply(&replies, CatchUp::Latest));
                engine
            },
            BatchSize::PerIteration,
        );
    });
    // Every ticket has four levels, and "at risk" and breach twice.
    let end_ms = start_ms() + 40 * DAY_MS;
    group.throughput(Throughput::Elements(4 * u64::from(TICKETS)));
    group.bench_function("fire-all-levels", |bencher| {
        bencher.iter_batched(
            || loaded(&policy_now, &tickets, start_ms()),
            |mut engine| {
                let outcome = engine.advance(end_ms);
                assert_eq!(outcome.escalations.len(), 4 * TICKETS as usize, "levels were lost");
                (engine, outcome)
            },
            BatchSize::PerIteration,
        );
    });
    // The next levels of all tickets fall due within one hour.
    group.throughput(Throughput::Elements(u64::from(TICKETS)));
    let burst = {
        let mut batch = Batch::default();
        (0..TICKETS).for_each(|number| {
            batch.push(&format!("INC{number:08}"), start_ms() + i64::from(number % 3_600_000), EventKind::Opened);
        });
        batch
    };
    group.bench_function("fire-burst", |bencher| {
        bencher.iter_batched(
            || loaded(&policy_now, &burst, start_ms()),
            |mut engine| {
                let outcome = engine.advance(start_ms() + 2 * HOUR_MS + 30 * MINUTE_MS);
                (engine, outcome)
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("edit", |bencher| {
        bencher.iter_batched(
            || loaded(&policy_now, &tickets, start_ms() + 5 * DAY_MS),
            |mut engine| {
                let edited = engine.edit(Arc::clone(&policy_next), Apply::FromStart, CatchUp::Latest);
                assert!(edited.is_ok(), "the edit failed");
                (engine, edited)
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("edit-dry-run", |bencher| {
        bencher.iter_batched(
            || loaded(&policy_now, &tickets, start_ms() + 5 * DAY_MS),
            |engine| {
                let preview = engine.preview(&policy_next, Apply::FromStart, CatchUp::Latest);
                (engine, preview)
            },
            BatchSize::PerIteration,
        );
    });
    group.bench_function("export", |bencher| {
        let engine = loaded(&policy_now, &tickets, start_ms() + 2 * DAY_MS);
        bencher.iter_with_large_drop(|| exported(&engine));
    });
    group.bench_function("restore", |bencher| {
        let engine = loaded(&policy_now, &tickets, start_ms() + 2 * DAY_MS);
        let head = engine.head();
        let installed = Installed { policy: Arc::clone(&policy_now), since_ms: 0, apply: Apply::FromStart };
        bencher.iter_batched(
            || exported(&engine),
            |states| {
                let restoring = Engine::restore(std::slice::from_ref(&installed), &head).expect("a head");
                let shards = states.into_iter().map(|state| restoring.shard(state).expect("a shard")).collect();
                restoring.finish(shards).expect("an engine")
            },
            BatchSize::PerIteration,
        );
    });
    // One run of the cron job: the due times of every open ticket, calculated and compared with the current time.
    let opened_ms: Vec<i64> = tickets.at_ms.clone();
    let timeline = office.timeline();
    group.bench_function("rival/scan-and-recompute", |bencher| {
        bencher.iter(|| {
            let now_ms = black_box(start_ms() + 5 * DAY_MS);
            let due = |at_ms: &i64, hours: i64| timeline.add(*at_ms, hours * HOUR_MS) <= now_ms;
            opened_ms.iter().filter(|at_ms| due(at_ms, 4)).count()
                + opened_ms.iter().filter(|at_ms| due(at_ms, 16)).count()
        });
    });
    // The work of the engine in a second in which nothing is due.
    group.bench_function("idle-tick", |bencher| {
        let mut engine = loaded(&policy_now, &tickets, start_ms() + 5 * DAY_MS);
        let mut now_ms = start_ms() + 5 * DAY_MS;
        bencher.iter(|| {
            now_ms += 1_000;
            engine.advance(now_ms).escalations.len()
        });
    });
    group.finish();
}

criterion_group!(benches, engine);
criterion_main!(benches);
