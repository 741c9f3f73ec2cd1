//! The service as a process, its HTTP API, and `overdue backup`.

use crate::running::policy;
use crate::support::http::client;
use crate::support::process::{Process, serve};
use crate::support::run::run;
use reqwest::blocking::Response;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;

/// Starts the service on a folder, at 600 times real time.
pub fn start(data: &Path) -> Process {
    let policy_file = data.with_extension("policy.toml");
    std::fs::write(&policy_file, policy()).unwrap();
    let settings = ["--no-auth", "--clock-speed", "600", "--clock-start", "2026-11-22T09:30:00Z"];
    let mut command = serve(data, &policy_file, &settings);
    command.stderr(Stdio::piped());
    Process::start(command)
}

/// Waits for a process to end by itself; returns its exit code and its log.
pub fn ended(mut process: Process) -> (Option<i32>, String) {
    let mut log = String::new();
    process.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    (process.child.wait().unwrap().code(), log)
}

/// Opens tickets; returns whether that was acknowledged.
pub fn open(url: &str, prefix: &str, count: u64) -> bool {
    let rows: String = (0..count)
        .map(|number| format!("{{\"id\":\"{prefix}-{number}\",\"opened_at\":\"2026-11-22T09:30:00Z\"}}\n"))
        .collect();
    let request = client().post(format!("{url}/v1/tickets?catch_up=all"));
    let request = request.header("Content-Type", "application/x-ndjson").body(rows);
    request.send().is_ok_and(|response| response.status().is_success())
}

pub fn page(url: &str, query: &str) -> serde_json::Value {
    client().get(format!("{url}/v1/escalations?{query}")).send().unwrap().json().unwrap()
}

/// Follows the feed, after an event unless its id is empty.
pub fn follow(url: &str, last_event_id: &str) -> Response {
    let request = client().get(format!("{url}/v1/escalations/feed?after=0"));
    let request = if last_event_id.is_empty() { request } else { request.header("Last-Event-ID", last_event_id) };
    request.send().unwrap()
}

/// Reads the next events of a feed: `id`, `event` and `data`.
pub fn events(feed: Response, count: usize) -> Vec<(String, String, serde_json::Value)> {
    let mut events = Vec::new();
    let (mut id, mut event) = (String::new(), String::new());
    for line in BufReader::new(feed).split(b'\n') {
        let line = String::from_utf8(line.unwrap()).unwrap();
        match line.split_once(": ") {
            Some(("id", value)) => id = value.to_owned(),
            Some(("event", value)) => event = value.to_owned(),
            Some(("data", value)) => events.push((id.clone(), event.clone(), serde_json::from_str(value).unwrap())),
            _ => {}
        }
        if events.len() == count {
            break;
        }
    }
    events
}

/// Runs `overdue backup`; returns its exit code and all of its output.
pub fn backup(arguments: &[&str], paths: &[&Path]) -> (Option<i32>, String) {
    let paths: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    let run = run(&[["backup"].as_slice(), arguments, &paths].concat());
    (run.code, run.stdout + &run.stderr)
}
