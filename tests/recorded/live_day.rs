//! A day of a ServiceNow log, sent over HTTP into the live service in fast motion, ends the same cycles as its replay.

use crate::process::Process;
use crate::support::{Cycle, cycles, replay, shared, shipped_mapping, text};
use overdue::ingest;
use overdue::ingest::{Mapping, Source};
use overdue::ticket::{Batch, Column};
use overdue::time::{DAY_MS, HOUR_MS, format_rfc3339, parse_rfc3339};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A working day on which 1,400 events happen.
const DAY: &str = "2016-03-09T00:00:00Z";

/// A day in 17 seconds.
const SPEED: i64 = 5_000;

/// The events of the day, in our own format.
fn events(input: &Path, day_ms: i64) -> Vec<(i64, String)> {
    let mapping = Mapping::parse(&shipped_mapping("servicenow_incident_log.toml"), "mapping.toml").unwrap();
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
    let mut add = |name: &str, word: Option<&str>| {
        if let Some(word) = word {
            object.insert(name.to_owned(), word.into());
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

/// What counts of each cycle that has ended: the record with the highest revision.
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
    // How often late events revised it is no part of the result.
    last.into_iter().map(|(key, cycle)| (key, Cycle { revision: 0, ..cycle })).collect()
}

fn parquet_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            parquet_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            into.push(path);
        }
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "events are sent as the day goes on")]
fn a_day_over_http_ends_the_same_cycles_as_its_replay() {
    let Some(input) = shared("uci_incident_log.csv.zst") else { return };
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
    let service = Process::start(&data, &policy, &["--clock-start", DAY, "--clock-speed", &speed]);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let mut rest = events.as_slice();
    for hour in 1..=24 {
        // Later than this it is sent too: then what happened counts at the time at which it happened.
        std::thread::sleep(Duration::from_millis((HOUR_MS / SPEED) as u64));
        let count = rest.partition_point(|(at_ms, _)| *at_ms < day_ms + hour * HOUR_MS);
        let (now, later) = rest.split_at(count);
        rest = later;
        let body: Vec<&str> = now.iter().map(|(_, line)| line.as_str()).collect();
        let request = http.post(format!("{}/v1/events", service.url)).header("Content-Type", "application/x-ndjson");
        let answer = request.body(body.join("\n")).send().unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().unwrap());
    }
    assert!(service.stop().success());
    let mut files = Vec::new();
    parquet_files(&data.join("history/cycles"), &mut files);
    let live = ended(files.iter().flat_map(|path| cycles(path)));
    assert!(expected.len() > 100, "{} cycles", expected.len());
    println!("{} events, {} cycles ended", events.len(), expected.len());
    for (key, cycle) in &expected {
        assert_eq!(live.get(key), Some(cycle), "{key:?}");
    }
    assert_eq!(live.len(), expected.len());
}
