//! The real binary, killed again and again while eight clients write to it: nothing that was acknowledged may be missing,
//! nothing doubled, and every level that falls due fires once.
//!
//! What the clients were told is the oracle: each keeps a ledger of what was acknowledged, and repeats what was not with the
//! same key. `OVERDUE_KILLS` sets how often the process is killed (50 otherwise), `OVERDUE_SEED` the first random number.

mod client;
mod process;

use client::{Client, Ledger, Shared};
use process::Process;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

const CLIENTS: u64 = 8;

/// So often that kills hit snapshots being written, and starts begin with them.
const SNAPSHOTS: [&str; 2] = ["--snapshot-every", "1s"];

/// Two levels, a second and three seconds after the opening, around the clock.
const POLICY: &str = r#"
default_priority = "quick"
[calendars.always]
hours = "24x7"
[priorities.quick]
calendar = "always"
[priorities.quick.clocks.resolution]
target = "2s"
levels = [{ at = "1s", notify = ["owner"] }, { at = "3s", notify = ["team_lead"] }]
"#;
const LEVELS_MS: [i64; 2] = [1_000, 3_000];

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "kills come at random times")]
fn nothing_acknowledged_is_lost_or_doubled_by_kills() {
    let kills = setting("OVERDUE_KILLS", 50);
    let seed = setting("OVERDUE_SEED", 0x5eed);
    println!("OVERDUE_SEED={seed} OVERDUE_KILLS={kills}");
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    std::fs::write(&policy, POLICY).unwrap();
    let data = folder.path().join("data");

    let mut process = Process::start(&data, &policy, &SNAPSHOTS);
    let shared = Arc::new(Shared::new(&process.url));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let mut client = Client::new(number, seed, Arc::clone(&shared));
            std::thread::spawn(move || client.run())
        })
        .collect();
    let mut random = client::Random::new(seed);
    for _ in 0..kills {
        std::thread::sleep(Duration::from_millis(20 + random.below(300)));
        process.kill();
        process = Process::start(&data, &policy, &SNAPSHOTS);
        shared.set_url(&process.url);
    }
    std::thread::sleep(Duration::from_millis(300));
    shared.finish();
    let ledgers: Vec<Ledger> = clients.into_iter().map(|client| client.join().unwrap()).collect();

    // All levels are due in four seconds; what is overdue then is late, not merely slow.
    std::thread::sleep(Duration::from_secs(5));
    process.kill();
    let process = Process::start(&data, &policy, &SNAPSHOTS);
    let records = client::all_records(&process.url);
    let tickets = client::all_tickets(&process.url);
    let stopped = process.stop();
    assert!(stopped.success(), "a graceful stop ends with {stopped}");
    check(&ledgers, &records, &tickets, &shared.seen());
}

/// Holds what the service says against what it had acknowledged.
fn check(ledgers: &[Ledger], records: &[Value], tickets: &HashMap<String, String>, seen: &BTreeMap<u64, String>) {
    let text = |record: &Value, field: &str| record[field].as_str().unwrap_or_default().to_owned();
    for (index, record) in records.iter().enumerate() {
        assert_eq!(record["sequence"].as_u64(), Some(index as u64 + 1), "records are numbered without a gap");
    }
    for (sequence, said) in seen {
        let record = &records[*sequence as usize - 1];
        let says = format!("{} {}", text(record, "kind"), text(record, "escalation_id"));
        assert_eq!(says, *said, "record {sequence} was shown before a kill and is another now");
    }
    let mut fired: HashMap<(String, u64), i64> = HashMap::new();
    let mut manual: HashMap<String, u64> = HashMap::new();
    for record in records {
        let level = record["level"].as_u64().unwrap_or(0);
        match record["kind"].as_str() {
            Some("fired") => *fired.entry((text(record, "ticket"), level)).or_default() += 1,
            Some("withdrawn") => *fired.entry((text(record, "ticket"), level)).or_default() -= 1,
            Some("manual") => *manual.entry(text(record, "reason")).or_default() += 1,
            kind => assert_eq!(kind, Some("acknowledged")),
        }
    }
    let (mut loaded, mut resolved, mut escalated) = (0, 0, 0);
    for ledger in ledgers {
        for (id, opened_ms) in &ledger.opened {
            loaded += 1;
            let state = tickets.get(id).unwrap_or_else(|| panic!("ticket {id} was acknowledged and is not there"));
            let resolved_ms = ledger.resolved.get(id);
            resolved += u64::from(resolved_ms.is_some());
            assert_eq!(state == "resolved", resolved_ms.is_some(), "ticket {id} is {state}");
            for (level, after_ms) in (1..).zip(LEVELS_MS) {
                let times = fired.get(&(id.clone(), level)).copied().unwrap_or(0);
                let is_reached = resolved_ms.is_none_or(|resolved_ms| *resolved_ms > opened_ms + after_ms);
                // Of levels that had passed when the ticket came, or while nobody watched, only the last fires.
                let may_be_marked = level == 1 && resolved_ms.is_none_or(|at_ms| *at_ms > opened_ms + LEVELS_MS[1]);
                match times {
                    1 => assert!(is_reached, "level {level} of ticket {id} fired and was not reached"),
                    0 => assert!(
                        !is_reached || may_be_marked || resolved_ms.is_some(),
                        "level {level} of ticket {id} did not fire"
                    ),
                    times => panic!("level {level} of ticket {id} fired {times} times"),
                }
            }
        }
        for reason in &ledger.manual {
            escalated += 1;
            assert_eq!(manual.remove(reason), Some(1), "the escalation {reason:?} was acknowledged once");
        }
    }
    assert!(manual.is_empty(), "nobody asked for {manual:?}");
    assert_eq!(tickets.len(), loaded, "tickets that nobody loaded");
    assert!(loaded > 100 && resolved > 10 && escalated > 10, "too little happened: {loaded} {resolved} {escalated}");
    println!("{loaded} tickets, {resolved} resolved, {escalated} escalated by hand, {} records", records.len());
}
