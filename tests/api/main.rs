//! The resources of the API, over HTTP, against a live service with a clock that starts on Monday, 2026-11-23, 09:00 UTC.

mod escalations;
mod loads;
mod policy;
mod reads;
#[path = "../support"]
mod support {
    mod config;
    pub mod http;
    pub mod server;
    pub mod tables;
}

use overdue::service::ClockChoice;
use reqwest::Method;
use reqwest::blocking::{Body, Client, RequestBuilder, Response};
use serde_json::Value;
use support::http::client;
use support::server::{Settings, TestServer};
use tempfile::TempDir;

const NDJSON: &str = "application/x-ndjson";

/// 2026-11-23T09:00:00Z, in Oslo 10:00: the office is open.
const START_MS: i64 = 1_795_424_400_000;

const POLICY: &str = r#"# A comment of its author.
default_priority = "normal"

[calendars.office]
time_zone = "Europe/Oslo"
mon-fri = ["08:00-16:00"]

[calendars.always]
hours = "24x7"

[priorities.normal]
calendar = "office"
[priorities.normal.clocks.resolution]
target = "8h"
levels = [{ at = "50%", notify = ["owner"] }, { at = "100%", notify = ["team_lead"] }]

[priorities.critical]
calendar = "always"
[priorities.critical.clocks.first_response]
target = "15m"
levels = [{ at = "100%", notify = ["owner"] }]

[[rules]]
when = { channel = ["phone"] }
priority = "critical"
"#;

/// A server and its client, who is the administrator.
struct Running {
    server: TestServer,
    http: Client,
}

impl Running {
    fn new() -> Self {
        Self::on(tempfile::tempdir().unwrap())
    }

    /// Stopped, and started again on the same folder.
    fn restarted(self) -> Self {
        Self::on(self.server.stop())
    }

    fn on(folder: TempDir) -> Self {
        let clock = ClockChoice::Fast { start_ms: START_MS, speed: 1.0 };
        let settings = Settings { policy: POLICY, clock, needs_token: false, bulk_body_bytes: 8 << 20 };
        Self { server: TestServer::start(folder, settings), http: client() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.server.handle.address))
    }

    fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::GET, path).send().unwrap())
    }

    fn send(&self, method: Method, path: &str, kind: &str, body: impl Into<Body>) -> Reply {
        Reply::of(self.request(method, path).header("content-type", kind).body(body).send().unwrap())
    }

    fn post(&self, path: &str, kind: &str, body: impl Into<Body>) -> Reply {
        self.send(Method::POST, path, kind, body)
    }

    /// Loads tickets that must all be accepted.
    fn load(&self, rows: &[Value]) {
        let reply = self.post("/v1/tickets", NDJSON, lines(rows));
        assert_eq!((reply.status, reply.json["accepted"].as_u64()), (200, Some(rows.len() as u64)), "{}", reply.json);
    }

    fn stop(self) {
        self.server.stop();
    }
}

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// A response, read to its end.
struct Reply {
    status: u16,
    etag: Option<String>,
    text: String,
    /// Null unless the body is JSON.
    json: Value,
}

impl Reply {
    fn of(response: Response) -> Self {
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (etag, kind) = (header("etag"), header("content-type").unwrap_or_default());
        let text = response.text().unwrap();
        let json = if kind.contains("json") { serde_json::from_str(&text).unwrap() } else { Value::Null };
        if status >= 400 {
            assert_eq!(kind, "application/problem+json", "{status} {text}");
        }
        Self { status, etag, text, json }
    }

    /// The detail of a problem document and its first error.
    fn problem(&self) -> String {
        format!("{} {}", self.json["detail"], self.json["errors"][0])
    }
}
