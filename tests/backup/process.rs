//! The service as a process of its own, and the commands for its data.

use reqwest::blocking::{Client, Response};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

pub struct Process {
    child: Child,
    pub url: String,
}

impl Process {
    /// Starts the service and waits until it says where it listens.
    pub fn start(data: &Path, settings: &[&str]) -> Self {
        let policy = data.with_extension("policy.toml");
        std::fs::write(&policy, super::support::POLICY).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_overdue"))
            .args(["serve", "--no-auth", "--listen", "127.0.0.1:0", "--log-level", "error"])
            .args(["--clock-speed", "600", "--clock-start", "2026-11-22T09:30:00Z"])
            .args(settings)
            .arg("--data-dir")
            .arg(data)
            .arg("--policy")
            .arg(policy)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).split(b'\n');
        let url = loop {
            let Some(Ok(line)) = lines.next() else {
                panic!("the service did not start: {:?}", child.wait_with_output())
            };
            let line = String::from_utf8_lossy(&line).into_owned();
            if let Some(at) = line.find("http://127.0.0.1:") {
                break line[at..].split_whitespace().next().unwrap().trim_end_matches('/').to_owned();
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url }
    }

    /// The exit code of a process that ends by itself, and what it said.
    pub fn ended(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn http() -> Client {
    // Another provider may have been installed by another test of this process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().timeout(Duration::from_secs(10)).no_proxy().build().unwrap()
}

/// Opens tickets; whether that was acknowledged.
pub fn open(url: &str, prefix: &str, count: u64) -> bool {
    let rows: String = (0..count)
        .map(|number| format!("{{\"id\":\"{prefix}-{number}\",\"opened_at\":\"2026-11-22T09:30:00Z\"}}\n"))
        .collect();
    let request =
        http().post(format!("{url}/v1/tickets?catch_up=all")).header("Content-Type", "application/x-ndjson").body(rows);
    request.send().is_ok_and(|answer| answer.status().is_success())
}

pub fn page(url: &str, query: &str) -> serde_json::Value {
    http().get(format!("{url}/v1/escalations?{query}")).send().unwrap().json().unwrap()
}

/// A follower of the feed who comes back.
pub fn follow(url: &str, last_event_id: &str) -> Response {
    let request = http().get(format!("{url}/v1/escalations/feed?after=0"));
    let request = if last_event_id.is_empty() { request } else { request.header("Last-Event-ID", last_event_id) };
    request.send().unwrap()
}

/// The next events of a feed: `id`, `event` and `data`.
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

/// `overdue backup` with these arguments: its exit code and all that it says.
pub fn backup(arguments: &[&str], paths: &[&Path]) -> (Option<i32>, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_overdue")).arg("backup").args(arguments).args(paths).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), said)
}
