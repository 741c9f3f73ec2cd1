//! Requests with an `Idempotency-Key` that come again after the real binary was killed: the same body changes nothing, and
//! another body is refused, whether the first one is known from the journal or from a snapshot.

#[path = "crash/process.rs"]
mod process;

use process::Process;
use reqwest::blocking::Client;
use serde_json::{Value, json};
use std::path::Path;

const POLICY: &str = r#"
default_priority = "normal"
[calendars.always]
hours = "24x7"
[priorities.normal]
calendar = "always"
[priorities.normal.clocks.resolution]
target = "8h"
levels = [{ at = "1s", notify = ["owner"] }]
"#;

struct Sent {
    path: &'static str,
    kind: &'static str,
    key: &'static str,
    body: String,
}

fn send(client: &Client, url: &str, sent: &Sent) -> (u16, Value) {
    let request = client.post(format!("{url}{}", sent.path)).header("content-type", sent.kind);
    let answer = request.header("idempotency-key", sent.key).body(sent.body.clone()).send().unwrap();
    (answer.status().as_u16(), serde_json::from_str(&answer.text().unwrap()).unwrap())
}

/// Events of so many tickets; the last one is of the ticket `last`.
fn events(count: usize, last: &str) -> String {
    let row =
        |ticket: &str| format!("{{\"ticket\":\"{ticket}\",\"at\":\"2026-11-22T09:05:00Z\",\"event\":\"opened\"}}\n");
    let many: String = (1..count).map(|number| row(&format!("long-{number}"))).collect();
    many + &row(last)
}

const NDJSON: &str = "application/x-ndjson";
const JSON: &str = "application/json";

/// Each kind of request that may have a key: what was sent first, and another body under its key.
fn requests() -> Vec<(Sent, String)> {
    let sent = |path, kind, key, body: String, other: String| (Sent { path, kind, key, body }, other);
    vec![
        sent("/v1/tickets", NDJSON, "small", ticket("a", "billing"), ticket("a", "sales")),
        // Several batches; the second has the difference.
        sent("/v1/events", NDJSON, "long", events(90_000, "x"), events(90_000, "y")),
        sent(
            "/v1/tickets/a/escalate",
            JSON,
            "raise",
            json!({ "reason": "now" }).to_string(),
            json!({ "reason": "no" }).to_string(),
        ),
        sent(
            "/v1/escalations/1/acknowledge",
            JSON,
            "seen",
            json!({ "note": "me" }).to_string(),
            json!({ "note": "you" }).to_string(),
        ),
    ]
}

fn ticket(id: &str, team: &str) -> String {
    json!({ "id": id, "opened_at": "2026-11-22T09:00:00Z", "team": team }).to_string() + "\n"
}

/// What was sent is known, and what is sent under its key is compared with it.
fn holds(client: &Client, url: &str, requests: &[(Sent, String)]) {
    let before = client.get(format!("{url}/v1/metrics")).send().unwrap().text().unwrap();
    let tickets = |text: &str| serde_json::from_str::<Value>(text).unwrap()["engine"]["tickets"].clone();
    for (sent, other) in requests {
        let other = Sent { body: other.clone(), ..*sent };
        let (status, problem) = send(client, url, &other);
        assert_eq!(status, 422, "{}: {problem}", sent.path);
        assert!(problem["detail"].as_str().unwrap().contains("was used with another body"), "{problem}");
        // The framework of escalations reads the record that it led to; a load says that it is a repeat.
        let (status, answer) = send(client, url, sent);
        assert_eq!(status, 200, "{}: {answer}", sent.path);
        if let Some(is_repeat) = answer["is_repeat"].as_bool() {
            assert!(is_repeat, "{answer}");
        }
    }
    let after = client.get(format!("{url}/v1/metrics")).send().unwrap().text().unwrap();
    assert_eq!(tickets(&before), tickets(&after));
}

fn start(folder: &Path) -> Process {
    let policy = folder.join("policy.toml");
    std::fs::write(&policy, POLICY).unwrap();
    Process::start(&folder.join("data"), &policy, &["--snapshot-every", "1h"])
}

#[test]
fn another_body_under_a_known_key_is_refused_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    // Another test of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().no_proxy().build().unwrap();
    let requests = requests();
    let mut process = start(folder.path());
    for (sent, _) in &requests {
        let (status, answer) = send(&client, &process.url, sent);
        assert_eq!(status, 200, "{}: {answer}", sent.path);
    }
    // While it runs, by the answers that are kept at the edge.
    for (sent, other) in &requests {
        let other = Sent { body: other.clone(), ..*sent };
        assert_eq!(send(&client, &process.url, &other).0, 422, "{}", sent.path);
    }
    process.kill();
    let mut process = start(folder.path());
    holds(&client, &process.url, &requests);
    // From a snapshot: the journal before it is not read again.
    let taken = client.post(format!("{}/v1/snapshots", process.url)).send().unwrap();
    assert!(taken.status().is_success(), "{}", taken.status());
    process.kill();
    let process = start(folder.path());
    holds(&client, &process.url, &requests);
    assert!(process.stop().success());
}
