//! Requests with an `Idempotency-Key` that are repeated after a SIGKILL of the binary: the same body has no effect, another body
//! is rejected, whether the first request is known from the journal or from a snapshot.

mod support {
    mod command;
    pub mod http;
    pub mod policies;
    pub mod process;
    pub mod signal;
}

use reqwest::blocking::Client;
use serde_json::{Value, json};
use std::path::Path;
use support::http::client;
use support::policies::around_the_clock;
use support::process::{Process, serve};
use support::signal::send_signal;

/// A request with a key.
struct Keyed {
    path: &'static str,
    kind: &'static str,
    key: &'static str,
    body: String,
}

fn send(client: &Client, url: &str, keyed: &Keyed) -> (u16, Value) {
    let request = client.post(format!("{url}{}", keyed.path)).header("content-type", keyed.kind);
    let response = request.header("idempotency-key", keyed.key).body(keyed.body.clone()).send().unwrap();
    (response.status().as_u16(), serde_json::from_str(&response.text().unwrap()).unwrap())
}

/// One event per ticket, `count` in all, the last one of the ticket `last`.
fn events(count: usize, last: &str) -> String {
    let row =
        |ticket: &str| format!("{{\"ticket\":\"{ticket}\",\"at\":\"2026-11-22T09:05:00Z\",\"event\":\"opened\"}}\n");
    let many: String = (1..count).map(|number| row(&format!("long-{number}"))).collect();
    many + &row(last)
}

const NDJSON: &str = "application/x-ndjson";
const JSON: &str = "application/json";

/// Each kind of request that may have a key, and another body.
fn requests() -> Vec<(Keyed, String)> {
    let keyed = |path, kind, key, body: String, other: String| (Keyed { path, kind, key, body }, other);
    vec![
        keyed("/v1/tickets", NDJSON, "small", ticket("a", "billing"), ticket("a", "sales")),
        // Several batches; the bodies differ in the second.
        keyed("/v1/events", NDJSON, "long", events(90_000, "x"), events(90_000, "y")),
        keyed(
            "/v1/tickets/a/escalate",
            JSON,
            "raise",
            json!({ "reason": "now" }).to_string(),
            json!({ "reason": "no" }).to_string(),
        ),
        keyed(
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

/// Checks that each request is known, and that another body under its key is rejected.
fn check_known(client: &Client, url: &str, requests: &[(Keyed, String)]) {
    let metrics = || client.get(format!("{url}/v1/metrics")).send().unwrap().text().unwrap();
    let tickets = |text: &str| serde_json::from_str::<Value>(text).unwrap()["engine"]["tickets"].clone();
    let before = metrics();
    for (keyed, other) in requests {
        let other = Keyed { body: other.clone(), ..*keyed };
        let (status, problem) = send(client, url, &other);
        assert_eq!(status, 422, "{}: {problem}", keyed.path);
        assert!(problem["detail"].as_str().unwrap().contains("was used with another body"), "{problem}");
        // The reply to an escalation is its record again; the reply to a load reports the repeat.
        let (status, reply) = send(client, url, keyed);
        assert_eq!(status, 200, "{}: {reply}", keyed.path);
        if let Some(is_repeat) = reply["is_repeat"].as_bool() {
            assert!(is_repeat, "{reply}");
        }
    }
    assert_eq!(tickets(&before), tickets(&metrics()));
}

fn start(folder: &Path) -> Process {
    let policy = folder.join("policy.toml");
    let resolution = "target = \"8h\"\nlevels = [{ at = \"1s\", notify = [\"owner\"] }]";
    std::fs::write(&policy, around_the_clock(&[("resolution", resolution)])).unwrap();
    Process::start(serve(&folder.join("data"), &policy, &["--no-auth", "--snapshot-every", "1h"]))
}

#[test]
fn another_body_under_a_known_key_is_rejected_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let client = client();
    let requests = requests();
    let mut process = start(folder.path());
    for (keyed, _) in &requests {
        let (status, reply) = send(&client, &process.url, keyed);
        assert_eq!(status, 200, "{}: {reply}", keyed.path);
    }
    // While the service runs, by the replies that the middleware keeps.
    for (keyed, other) in &requests {
        let other = Keyed { body: other.clone(), ..*keyed };
        assert_eq!(send(&client, &process.url, &other).0, 422, "{}", keyed.path);
    }
    process.kill();
    let mut process = start(folder.path());
    check_known(&client, &process.url, &requests);
    // From a snapshot: the journal before it is not read again.
    let taken = client.post(format!("{}/v1/snapshots", process.url)).send().unwrap();
    assert!(taken.status().is_success(), "{}", taken.status());
    process.kill();
    let mut process = start(folder.path());
    check_known(&client, &process.url, &requests);
    send_signal(&process.child, "TERM");
    assert!(process.child.wait().unwrap().success());
}
