//! The binary, killed again and again while eight clients write to it: nothing that was acknowledged is missing, nothing is
//! duplicated, and every level that falls due fires once.
//!
//! The clients are the oracle: each keeps a ledger of what was acknowledged, and repeats the rest with the same key.
//! `OVERDUE_KILLS` is the number of kills (default 50), `OVERDUE_SEED` the seed.

mod client;
#[path = "../support"]
mod support {
    mod command;
    pub mod environment;
    pub mod http;
    pub mod policies;
    pub mod process;
    pub mod signal;
}

use client::{Client, Ledger, Shared};
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use support::environment::setting;
use support::policies::around_the_clock;
use support::process::{Process, serve};
use support::signal::send_signal;

const CLIENTS: u64 = 8;

/// Two levels, a second and three seconds after the opening.
const RESOLUTION: &str = r#"target = "2s"
levels = [{ at = "1s", notify = ["owner"] }, { at = "3s", notify = ["team_lead"] }]"#;
const LEVELS_MS: [i64; 2] = [1_000, 3_000];

/// Starts the service with snapshots so frequent that kills interrupt them and starts use them.
fn start(data: &Path, policy: &Path) -> Process {
    Process::start(serve(data, policy, &["--no-auth", "--snapshot-every", "1s"]))
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the service is killed at random times")]
fn kills_lose_and_duplicate_nothing_that_was_acknowledged() {
    let kills = setting("OVERDUE_KILLS", 50);
    let seed = setting("OVERDUE_SEED", 0x5eed);
    println!("OVERDUE_SEED={seed} OVERDUE_KILLS={kills}");
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("policy.toml");
    std::fs::write(&policy, around_the_clock(&[("resolution", RESOLUTION)])).unwrap();
    let data = folder.path().join("data");

    let mut process = start(&data, &policy);
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
        process = start(&data, &policy);
        shared.set_url(&process.url);
    }
    std::thread::sleep(Duration::from_millis(300));
    shared.finish();
    let ledgers: Vec<Ledger> = clients.into_iter().map(|client| client.join().unwrap()).collect();

    // All levels are due within four seconds; what has not fired after five never does.
    std::thread::sleep(Duration::from_secs(5));
    process.kill();
    let mut process = start(&data, &policy);
    let records = client::all_records(&process.url);
    let tickets = client::all_tickets(&process.url);
    send_signal(&process.child, "TERM");
    let stopped = process.child.wait().unwrap();
    assert!(stopped.success(), "a graceful stop ends with {stopped}");
    check(&ledgers, &records, &tickets, &shared.seen());
}

/// Compares the state of the service with what it acknowledged.
fn check(ledgers: &[Ledger], records: &[Value], tickets: &HashMap<String, String>, seen: &BTreeMap<u64, String>) {
    let text = |record: &Value, field: &str| record[field].as_str().unwrap_or_default().to_owned();
    for (index, record) in records.iter().enumerate() {
        assert_eq!(record["sequence"].as_u64(), Some(index as u64 + 1), "records are numbered without a gap");
    }
    for (sequence, before) in seen {
        let record = &records[*sequence as usize - 1];
        let after = format!("{} {}", text(record, "kind"), text(record, "escalation_id"));
        assert_eq!(after, *before, "record {sequence} has changed after a kill");
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
            let state = tickets.get(id).unwrap_or_else(|| panic!("ticket {id} was acknowledged and is missing"));
            let resolved_ms = ledger.resolved.get(id);
            resolved += u64::from(resolved_ms.is_some());
            assert_eq!(state == "resolved", resolved_ms.is_some(), "ticket {id} is {state}");
            for (level, after_ms) in (1..).zip(LEVELS_MS) {
                let times = fired.get(&(id.clone(), level)).copied().unwrap_or(0);
                let is_reached = resolved_ms.is_none_or(|resolved_ms| *resolved_ms > opened_ms + after_ms);
                // Of the levels that were due when the ticket arrived, or during downtime, only the last fires.
                let may_be_suppressed = level == 1 && resolved_ms.is_none_or(|at_ms| *at_ms > opened_ms + LEVELS_MS[1]);
                match times {
                    1 => assert!(is_reached, "level {level} of ticket {id} fired and was not reached"),
                    0 => assert!(
                        !is_reached || may_be_suppressed || resolved_ms.is_some(),
                        "level {level} of ticket {id} did not fire"
                    ),
                    times => panic!("level {level} of ticket {id} fired {times} times"),
                }
            }
        }
        for reason in &ledger.manual {
            escalated += 1;
            assert_eq!(
                manual.remove(reason),
                Some(1),
                "the escalation {reason:?} was acknowledged, so it has one record"
            );
        }
    }
    assert!(manual.is_empty(), "escalations that no client requested: {manual:?}");
    assert_eq!(tickets.len(), loaded, "tickets that no client loaded");
    assert!(loaded > 100 && resolved > 10 && escalated > 10, "the run is too short: {loaded} {resolved} {escalated}");
    println!("{loaded} tickets, {resolved} resolved, {escalated} manual escalations, {} records", records.len());
}
