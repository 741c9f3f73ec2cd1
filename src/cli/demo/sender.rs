//! The producer: sends the events of the contact centre to the service over HTTP, as a help desk would.

use super::traffic::Traffic;
use crate::cli::common::client::{Client, Failure};
use crate::cli::common::shutdown::Stop;
use crate::cli::load::{CONTENT_TYPE, Chunk, Patience, encode};
use crate::server::bulk::BulkReport;
use anyhow::Context;
use std::time::Duration;

/// Interval between deliveries.
const EVERY: Duration = Duration::from_millis(200);

/// Timeout of one response.
const ANSWER: Duration = Duration::from_secs(60);

/// Sends the events before `now_ms` with escalations suppressed (they would have been emitted long ago). Returns the number
/// of events.
///
/// # Errors
/// The service does not accept them.
pub(super) fn past(client: &Client, traffic: &mut Traffic, now_ms: i64) -> anyhow::Result<u64> {
    let mut events = 0;
    while let Some(chunk) = traffic.until(now_ms) {
        events += send(client, &chunk, "none", &Stop::default())?;
    }
    Ok(events)
}

/// Sends the events as they happen, until it is stopped. Returns the number of events.
///
/// # Errors
/// The service does not accept them.
pub(super) fn live(
    client: &Client,
    traffic: &mut Traffic,
    now_ms: impl Fn() -> i64,
    stop: &Stop,
) -> anyhow::Result<u64> {
    let mut events = 0;
    while !stop.wait(EVERY) {
        while let Some(chunk) = traffic.until(now_ms()) {
            events += send(client, &chunk, "latest", stop)?;
        }
    }
    Ok(events)
}

fn send(client: &Client, chunk: &Chunk, catch_up: &str, stop: &Stop) -> anyhow::Result<u64> {
    let body = bytes::Bytes::from(encode(chunk, false).context("cannot write events as Arrow")?);
    let (path, key) = (format!("v1/events?catch_up={catch_up}"), format!("demo-{}", chunk.number));
    let mut patience = Patience::new(0.0);
    loop {
        let response: Result<BulkReport, Failure> = client.post(&path, CONTENT_TYPE, &key, body.clone(), ANSWER);
        let failure = match response {
            Ok(response) => return Ok(response.events),
            Err(failure) => failure,
        };
        let wait = if failure.is_passing() { patience.after_failure(failure.retry_after()) } else { None };
        match wait {
            Some(wait) if !stop.wait(wait) => {}
            _ => return Err(failure).context("the service does not accept events"),
        }
    }
}
