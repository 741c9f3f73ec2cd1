//! A client that records what is acknowledged, and repeats with the same key what is not.

use crate::support::http;
use reqwest::blocking::{Client as Http, RequestBuilder, Response};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The requests that were acknowledged.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Opening times by ticket.
    pub opened: HashMap<String, i64>,
    pub resolved: HashMap<String, i64>,
    /// Reasons of manual escalations; each is unique.
    pub manual: Vec<String>,
}

/// What all clients share.
pub struct Shared {
    url: Mutex<String>,
    is_over: AtomicBool,
    /// Records that the service has returned: kind and id by sequence number.
    seen: Mutex<BTreeMap<u64, String>>,
}

impl Shared {
    pub fn new(url: &str) -> Self {
        Self { url: Mutex::new(url.to_owned()), is_over: AtomicBool::new(false), seen: Mutex::default() }
    }

    pub fn set_url(&self, url: &str) {
        url.clone_into(&mut self.url.lock().unwrap());
    }

    pub fn finish(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    pub fn seen(&self) -> BTreeMap<u64, String> {
        self.seen.lock().unwrap().clone()
    }
}

/// xorshift64*.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % bound
    }
}

pub struct Client {
    number: u64,
    random: Random,
    shared: Arc<Shared>,
    http: Http,
    ledger: Ledger,
    /// Its tickets that are not resolved.
    open: Vec<String>,
    done: u64,
}

fn now_ms() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "the client of a live service sends real times")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

impl Client {
    pub fn new(number: u64, seed: u64, shared: Arc<Shared>) -> Self {
        let random = Random::new(seed.wrapping_add(number + 1));
        Self { number, random, shared, http: http::client(), ledger: Ledger::default(), open: Vec::new(), done: 0 }
    }

    pub fn run(&mut self) -> Ledger {
        while !self.shared.is_over.load(Ordering::Acquire) {
            self.done += 1;
            match self.random.below(10) {
                0..=4 => self.open_tickets(),
                5 | 6 => self.resolve(),
                7 | 8 => self.escalate(),
                _ => self.read(),
            }
        }
        std::mem::take(&mut self.ledger)
    }

    /// Sends a request until it is acknowledged; the key marks repeats.
    #[expect(clippy::disallowed_methods, reason = "a client retries after a while")]
    fn send(&self, path: &str, key: &str, with: impl Fn(RequestBuilder) -> RequestBuilder) {
        loop {
            let url = format!("{}{path}", self.shared.url.lock().unwrap());
            let request = with(self.http.post(url)).header("Idempotency-Key", key);
            match request.send().and_then(Response::error_for_status) {
                Ok(response) => {
                    // A response counts once it is complete.
                    if response.bytes().is_ok() {
                        return;
                    }
                }
                Err(error) if error.status().is_some_and(|status| status.is_client_error() && status != 409) => {
                    panic!("{path}: {error}")
                }
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    fn open_tickets(&mut self) {
        let mut body = String::new();
        let mut opened = Vec::new();
        for place in 0..=self.random.below(20) {
            let id = format!("c{}-{}-{place}", self.number, self.done);
            let at_ms = now_ms() - self.random.below(4_000) as i64;
            writeln!(body, "{}", json!({ "id": id, "opened_at": at_ms, "owner": "somebody" })).unwrap();
            opened.push((id, at_ms));
        }
        let key = format!("open-{}-{}", self.number, self.done);
        self.send("/v1/tickets", &key, |request| {
            request.header("Content-Type", "application/x-ndjson").body(body.clone())
        });
        self.open.extend(opened.iter().map(|(id, _)| id.clone()));
        self.ledger.opened.extend(opened);
    }

    fn resolve(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let at = self.random.below(self.open.len() as u64) as usize;
        let id = self.open.swap_remove(at);
        let at_ms = now_ms();
        let body = json!({ "ticket": id, "at": at_ms, "event": "resolved" }).to_string();
        let key = format!("resolve-{id}");
        self.send("/v1/events", &key, |request| {
            request.header("Content-Type", "application/x-ndjson").body(body.clone())
        });
        self.ledger.resolved.insert(id, at_ms);
    }

    fn escalate(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let id = &self.open[self.random.below(self.open.len() as u64) as usize];
        let reason = format!("{} {}", self.number, self.done);
        let body = json!({ "reason": reason });
        let key = format!("escalate-{}-{}", self.number, self.done);
        self.send(&format!("/v1/tickets/{id}/escalate"), &key, |request| request.json(&body));
        self.ledger.manual.push(reason);
    }

    /// Reads records, to compare them with those after the next kill.
    fn read(&mut self) {
        let after = self.shared.seen.lock().unwrap().last_key_value().map_or(0, |(last, _)| *last);
        let url = format!("{}/v1/escalations?after={after}&limit=200", self.shared.url.lock().unwrap());
        let Ok(page) = self.http.get(url).send().and_then(|response| response.json::<Value>()) else { return };
        let mut seen = self.shared.seen.lock().unwrap();
        for record in page["escalations"].as_array().into_iter().flatten() {
            let record_id =
                format!("{} {}", record["kind"].as_str().unwrap(), record["escalation_id"].as_str().unwrap());
            seen.insert(record["sequence"].as_u64().unwrap(), record_id);
        }
    }
}

/// Every escalation record, in order.
pub fn all_records(url: &str) -> Vec<Value> {
    let http = http::client();
    let mut records = Vec::new();
    let mut after = 0;
    loop {
        let page: Value =
            http.get(format!("{url}/v1/escalations?after={after}&limit=1000")).send().unwrap().json().unwrap();
        let found = page["escalations"].as_array().unwrap();
        records.extend(found.iter().cloned());
        let next = page["next_after"].as_u64().unwrap();
        if next == after {
            return records;
        }
        after = next;
    }
}

/// The state of every ticket.
pub fn all_tickets(url: &str) -> HashMap<String, String> {
    let http = http::client();
    let mut tickets = HashMap::new();
    let mut cursor = String::new();
    loop {
        let page: Value = http.get(format!("{url}/v1/tickets?limit=1000{cursor}")).send().unwrap().json().unwrap();
        for ticket in page["tickets"].as_array().unwrap() {
            let text = |field: &str| ticket[field].as_str().unwrap().to_owned();
            tickets.insert(text("id"), text("state"));
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return tickets,
        }
    }
}
