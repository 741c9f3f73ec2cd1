//! A day of a ServiceNow log, sent over HTTP into the live service with a fast clock, gives the same cycles as its replay.

use crate::replay::{Cycle, cycles, replay, text};
use crate::support::files::files_below;
use crate::support::http::client;
use crate::support::process::{Process, serve};
use crate::support::shared_data::shared;
use crate::support::shipped::shipped;
use crate::support::signal::send_signal;
use overdue::ingest;
use overdue::ingest::{Mapping, Source};
use overdue::ticket::{Batch, Column};
use overdue::time::{DAY_MS, HOUR_MS, format_rfc3339, parse_rfc3339};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// A working day with 1,400 events.
const DAY: &str = "2016-03-09T00:00:00Z";

/// A day takes 17 seconds.
const SPEED: i64 = 5_000;

/// The events of the day as NDJSON, each with its time.
fn events(input: &Path, day_ms: i64) -> Vec<(i64, String)> {
    let mapping = Mapping::parse(&shipped("mappings/servicenow_incident_log.toml"), "mapping.toml").unwrap();
    let mut lines = Vec::new();
    let take = |batch: Batch| {
        for row in 0..batch.len() {
            let at_ms = batch.at_ms[row];
            if (day_ms..day_ms + DAY_MS).contains(&at_ms) {
                lines.push((at_ms, line(&batch, row)));
            }
        }
        ControlFlow::Continue(())
    };
    ingest::read([Source::file(input)], &mapping, &ingest::Options::default(), take, |_| Ok(())).unwrap();
    lines.sort_by_key(|(at_ms, _)| *at_ms);
    lines
}

fn line(batch: &Batch, row: usize) -> String {
    let mut object = serde_json::Map::new();
    let mut add = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            object.insert(name.to_owned(), value.into());
        }
    };
    add("ticket", Some(batch.ticket.get(row)));
    add("at", Some(&format_rfc3339(batch.at_ms[row])));
    add("event", Some(batch.kind[row].name()));
    add("state", batch.state[row].map(overdue::ticket::State::name));
    for column in Column::ALL {
        add(column.name(), batch.labels(column).get(row));
    }
    serde_json::Value::Object(object).to_string()
}

/// The record with the highest revision of each cycle that has ended.
fn ended(cycles: impl IntoIterator<Item = Cycle>) -> BTreeMap<(String, String, u16), Cycle> {
    let mut last: BTreeMap<(String, String, u16), Cycle> = BTreeMap::new();
    for cycle in cycles.into_iter().filter(|cycle| !cycle.result.starts_with("open")) {
        let known =
            last.entry((cycle.ticket.clone(), cycle.clock.clone(), cycle.cycle)).or_insert_with(|| cycle.clone());
        if cycle.revision >= known.revision {
            *known = Cycle { revision: cycle.revision, ..cycle };
        }
    }
    last.retain(|_, cycle| cycle.result != "void");
    // The number of revisions is not compared.
    last.into_iter().map(|(key, cycle)| (key, Cycle { revision: 0, ..cycle })).collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "events are sent when their time has come")]
fn a_day_over_http_has_the_same_cycles_as_its_replay() {
    let Some(input) = shared("data/uci_incident_log.csv.zst") else { return };
    let day_ms = parse_rfc3339(DAY).unwrap();
    let events = events(&input, day_ms);
    assert!(events.len() > 500, "{} events", events.len());
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("day.ndjson");
    let lines: Vec<&str> = events.iter().map(|(_, line)| line.as_str()).collect();
    std::fs::write(&whole, lines.join("\n")).unwrap();
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let policy = top.join("data/policies/itil_incidents.toml");
    let expected = ended(replay(&text(&policy), &text(&top.join("src/ingest/mapping/default.toml")), &whole));

    let data = folder.path().join("data");
    let speed = SPEED.to_string();
    let mut process =
        Process::start(serve(&data, &policy, &["--no-auth", "--clock-start", DAY, "--clock-speed", &speed]));
    let http = client();
    let mut rest = events.as_slice();
    for hour in 1..=24 {
        // A slow test sends events late: they still take effect at their own time.
        std::thread::sleep(Duration::from_millis((HOUR_MS / SPEED) as u64));
        let count = rest.partition_point(|(at_ms, _)| *at_ms < day_ms + hour * HOUR_MS);
        let (now, later) = rest.split_at(count);
        rest = later;
        let body: Vec<&str> = now.iter().map(|(_, line)| line.as_str()).collect();
        let request = http.post(format!("{}/v1/events", process.url)).header("Content-Type", "application/x-ndjson");
        let response = request.body(body.join("\n")).send().unwrap();
        assert!(response.status().is_success(), "{}", response.text().unwrap());
    }
    send_signal(&process.child, "TERM");
    assert!(process.child.wait().unwrap().success());
    let files = files_below(&data.join("history/cycles"));
    let parquet = files.iter().filter(|path| path.extension().is_some_and(|extension| extension == "parquet"));
    let live = ended(parquet.flat_map(|path| cycles(path)));
    assert!(expected.len() > 100, "{} cycles", expected.len());
    println!("{} events, {} cycles ended", events.len(), expected.len());
    for (key, cycle) in &expected {
        assert_eq!(live.get(key), Some(cycle), "{key:?}");
    }
    assert_eq!(live.len(), expected.len());
}
