//! Asking the service, again and again, on a thread of its own: a service that answers late must not freeze the keys.

use super::model::Page;
use crate::cli::common::client::{Client, Failure};
use crate::cli::common::shutdown::Stop;
use crate::server::escalations::EscalationPage;
use crate::server::monitoring::forecast::ForecastResponse;
use crate::server::monitoring::metrics::MetricsResponse;
use crossbeam_channel::Sender;
use std::time::Duration;

/// Escalations that are shown at most.
pub const ESCALATIONS: u64 = 50;

/// Hours of the forecast that are shown at most.
pub const HOURS: u64 = 24;

/// What is waited for one answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Asks for all that a page shows.
///
/// # Errors
/// The first [`Failure`]; nothing is shown of half an answer.
pub fn page(client: &Client) -> Result<Page, Failure> {
    let metrics: MetricsResponse = client.get("v1/metrics", ANSWER)?;
    let after = metrics.escalations.last_sequence.saturating_sub(ESCALATIONS);
    let EscalationPage { mut escalations, .. } =
        client.get(&format!("v1/escalations?after={after}&limit={ESCALATIONS}"), ANSWER)?;
    escalations.reverse();
    let forecast: ForecastResponse = client.get(&format!("v1/forecast?hours={HOURS}"), ANSWER)?;
    Ok(Page { metrics, forecast, escalations })
}

/// Sends a page, or why there is none, every `interval` until told to stop or nobody listens.
pub fn run(client: &Client, interval: Duration, stop: &Stop, pages: &Sender<Result<Page, Failure>>) {
    while pages.send(page(client)).is_ok() {
        if stop.wait(interval) {
            return;
        }
    }
}
