//! The resources of the API, over HTTP, against a live service with a clock that begins on Monday, 2026-11-23, 09:00 UTC.

mod escalations;
mod loads;
mod parts;
mod reads;

use overdue::engine::CatchUp;
use overdue::server::middleware::Timeouts;
use overdue::server::middleware::rate_limit::{Rate, Rates};
use overdue::server::state::Limits;
use overdue::server::{Handle, ServerConfig, start};
use overdue::service::{ClockChoice, Config, Seed, Service, Stopper};
use reqwest::Method;
use reqwest::blocking::{Body, Client, RequestBuilder, Response};
use serde_json::Value;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;
use tempfile::TempDir;

const LONG: Duration = Duration::from_secs(60);
const NDJSON: &str = "application/x-ndjson";

/// 2026-11-23T09:00:00Z, in Oslo 10:00: the office is open.
const START_MS: i64 = 1_795_424_400_000;

const POLICY: &str = r#"# The words of its author.
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

/// A running service with a server before it; whoever calls is its administrator.
struct Running {
    handle: Handle,
    stopper: Stopper,
    http: Client,
    folder: TempDir,
}

impl Running {
    fn new() -> Self {
        Self::on(tempfile::tempdir().unwrap())
    }

    /// Stopped, and started again on the same folder.
    fn restarted(self) -> Self {
        self.handle.stop().unwrap();
        self.stopper.stop().unwrap();
        Self::on(self.folder)
    }

    fn on(folder: TempDir) -> Self {
        let seed = Seed { name: "policy.toml".to_owned(), text: POLICY.to_owned(), files: Vec::new() };
        let (service, stopper) = Service::start(&Config {
            data_dir: folder.path().to_owned(),
            seed: Some(seed),
            catch_up_after_downtime: CatchUp::Latest,
            snapshot_every: Duration::from_secs(3_600),
            snapshots_kept: 2,
            cut_history: false,
            clock: ClockChoice::Fast { start_ms: START_MS, speed: 1.0 },
            threads: 2,
        })
        .unwrap();
        let plenty = Rate { per_second: NonZeroU32::MAX, burst: NonZeroU32::MAX };
        let config = ServerConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            metrics_listen: None,
            tokens_of: None,
            tls: None,
            workers: 2,
            connections: 1_024,
            limits: Limits { body_bytes: 1 << 20, bulk_body_bytes: 8 << 20 },
            timeouts: Timeouts { head: LONG, body_idle: LONG, body_total: LONG, keep_alive: LONG },
            rates: Rates { token: plenty, anonymous: plenty },
            drain: Duration::from_secs(5),
        };
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().no_proxy().timeout(LONG).build().unwrap();
        Self { handle: start(config, service).unwrap(), stopper, http, folder }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.handle.address))
    }

    fn get(&self, path: &str) -> Told {
        Told::of(self.request(Method::GET, path).send().unwrap())
    }

    fn send(&self, method: Method, path: &str, kind: &str, body: impl Into<Body>) -> Told {
        Told::of(self.request(method, path).header("content-type", kind).body(body).send().unwrap())
    }

    fn post(&self, path: &str, kind: &str, body: impl Into<Body>) -> Told {
        self.send(Method::POST, path, kind, body)
    }

    /// Loads tickets that must all be taken.
    fn load(&self, rows: &[Value]) {
        let told = self.post("/v1/tickets", NDJSON, lines(rows));
        assert_eq!((told.status, told.json["accepted"].as_u64()), (200, Some(rows.len() as u64)), "{}", told.json);
    }

    fn stop(self) {
        self.handle.stop().unwrap();
        self.stopper.stop().unwrap();
    }
}

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

/// An answer.
struct Told {
    status: u16,
    etag: Option<String>,
    text: String,
    /// Null unless it is JSON.
    json: Value,
}

impl Told {
    fn of(answer: Response) -> Self {
        let status = answer.status().as_u16();
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (etag, kind) = (header("etag"), header("content-type").unwrap_or_default());
        let text = answer.text().unwrap();
        let json = if kind.contains("json") { serde_json::from_str(&text).unwrap() } else { Value::Null };
        if status >= 400 {
            assert_eq!(kind, "application/problem+json", "{status} {text}");
        }
        Self { status, etag, text, json }
    }

    /// The words of a problem and of its first error.
    fn words(&self) -> String {
        format!("{} {}", self.json["detail"], self.json["errors"][0])
    }
}
