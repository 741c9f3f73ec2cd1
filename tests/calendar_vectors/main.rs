//! Calendars against results of other implementations: cases of business time through `overdue calendar eval`, and the due dates
//! that the system of a city computed. Without the shared data the tests are skipped.

mod service_level;
#[path = "../support"]
mod support {
    pub mod command;
    pub mod shared_data;
}

use jiff::civil::DateTime;
use overdue::calendar::{CalendarDefinition, Timeline};
use overdue::time::{SECOND_MS, parse_rfc3339};
use serde_json::Value;
use service_level::ServiceLevel;
use std::collections::HashMap;
use std::io::Write;
use std::process::Stdio;
use support::command::overdue;
use support::shared_data::shared;

/// Sends cases to `overdue calendar eval`; returns its results by id.
fn eval(cases: &str) -> HashMap<String, Value> {
    let mut command = overdue(&["calendar", "eval"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let cases = cases.to_owned();
    let feeder = std::thread::spawn(move || stdin.write_all(cases.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    feeder.join().unwrap();
    assert!(output.status.success());
    let lines = String::from_utf8(output.stdout).unwrap();
    let results = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    results.map(|result| (result["id"].as_str().unwrap().to_owned(), result)).collect()
}

#[test]
fn every_case_has_the_expected_result() {
    for (file, least) in [("peer_tests", 164), ("generated", 656), ("overnight_special", 65), ("dst_endpoints", 107)] {
        let Some(path) = shared(&format!("vectors/{file}.jsonl")) else { return };
        let text = std::fs::read_to_string(path).unwrap();
        let results = eval(&text);
        let mut count = 0;
        for case in text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
            let result = &results[case["id"].as_str().unwrap()];
            // Some cases have one result per convention; the convention here is the wall clock.
            let expected =
                case.get("by_convention").map_or(&case["expect"], |conventions| &conventions["wall"]["expect"]);
            let is_same = match (expected, &result["result"]) {
                (Value::String(want), Value::String(got)) => parse_rfc3339(want) == parse_rfc3339(got),
                (want, got) => want.as_f64().is_some() && want.as_f64() == got.as_f64(),
            };
            assert!(is_same, "{case}\n{result}");
            count += 1;
        }
        assert!(count >= least, "{file} has {count} cases, expected at least {least}");
    }
}

/// Service levels of another helpdesk: each value that its test cases assert.
#[test]
fn every_service_level_has_the_expected_result() {
    let Some(path) = shared("vectors/sla_zammad.jsonl") else { return };
    let text = std::fs::read_to_string(path).unwrap();
    let cases: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(cases.len() >= 13, "{} cases, expected at least 13", cases.len());
    for case in &cases {
        let result = serde_json::from_value::<ServiceLevel>(case.clone()).unwrap().result();
        for (key, want) in case["expect"].as_object().unwrap() {
            let got = result.get(key).unwrap_or(&Value::Null);
            let is_same = match (want, got) {
                (Value::String(want), Value::String(got)) => parse_rfc3339(want) == parse_rfc3339(got),
                (want, got) => want == got,
            };
            assert!(is_same, "{key}: {case}\n{result}");
        }
    }
}

/// Boston picks up dead animals within one working day; its system computed the due date of each request.
#[test]
fn due_dates_of_boston_are_one_business_day_later() {
    let Some(holidays) = shared("data/boston311_holidays_observed.txt") else { return };
    let Some(requests) = shared("data/boston311_2013_2019_dead_animal.csv.zst") else { return };
    let holidays = std::fs::read_to_string(holidays).unwrap();
    let holidays: Vec<String> =
        holidays.lines().filter(|line| !line.starts_with('#')).map(|date| format!("\"{date}\"")).collect();
    let definition: CalendarDefinition = toml::from_str(&format!(
        "time_zone = \"America/New_York\"\nmon-fri = [\"08:30-17:00\"]\nholidays = [{}]",
        holidays.join(", ")
    ))
    .unwrap();
    let timeline = Timeline::compile(&definition).unwrap();
    let instant = |text: &str| {
        let wall: DateTime = text.parse().unwrap();
        let local_ms = wall.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_millisecond();
        timeline.zone().first_instant_at(local_ms)
    };

    let mut rows = csv::Reader::from_reader(zstd::Decoder::new(std::fs::File::open(requests).unwrap()).unwrap());
    let headers = rows.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
    let (opened, target) = (column("open_dt"), column("target_dt"));
    let (mut total, mut within_60_s, mut within_120_s) = (0_u32, 0_u32, 0_u32);
    for row in rows.records() {
        let row = row.unwrap();
        if row[target].is_empty() {
            continue;
        }
        let due_ms = timeline.add_business_days(instant(&row[opened]), 1);
        let off_ms = (due_ms - instant(&row[target])).abs();
        total += 1;
        within_60_s += u32::from(off_ms <= 60 * SECOND_MS);
        within_120_s += u32::from(off_ms <= 120 * SECOND_MS);
    }
    let share = |count: u32| 100.0 * f64::from(count) / f64::from(total);
    eprintln!("{total} due dates: {:.2} % within 60 s, {:.2} % within 120 s", share(within_60_s), share(within_120_s));
    assert!(total > 20_000 && share(within_60_s) >= 99.6 && share(within_120_s) >= 99.8);
}
