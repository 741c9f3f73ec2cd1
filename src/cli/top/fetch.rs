//! Polls the service on a separate thread, so that a slow response does not freeze the keys.

use super::model::Page;
use crate::cli::common::client::{Client, Failure};
use crate::cli::common::shutdown::Stop;
use crate::server::escalations::EscalationPage;
use crate::server::monitoring::forecast::ForecastResponse;
use crate::server::monitoring::metrics::MetricsResponse;
use crossbeam_channel::Sender;
use std::time::Duration;

/// Escalations shown, at most.
pub(super) const ESCALATIONS: u64 = 50;

/// Hours of the forecast shown, at most.
pub(super) const HOURS: u64 = 24;

/// Timeout of one response.
const ANSWER: Duration = Duration::from_secs(10);

/// Fetches all data of a page.
///
/// # Errors
/// The first [`Failure`]; a partial page is not shown.
pub(super) fn page(client: &Client) -> Result<Page, Failure> {
    let metrics: MetricsResponse = client.get("v1/metrics", ANSWER)?;
    let after = metrics.escalations.last_sequence.saturating_sub(ESCALATIONS);
    let EscalationPage { mut escalations, .. } =
        client.get(&format!("v1/escalations?after={after}&limit={ESCALATIONS}"), ANSWER)?;
    escalations.reverse();
    let forecast: ForecastResponse = client.get(&format!("v1/forecast?hours={HOURS}"), ANSWER)?;
    Ok(Page { metrics, forecast, escalations })
}

/// Sends a page, or the failure, every `interval`, until it is stopped or the receiver is gone.
pub(super) fn run(client: &Client, interval: Duration, stop: &Stop, pages: &Sender<Result<Page, Failure>>) {
    while pages.send(page(client)).is_ok() {
        if stop.wait(interval) {
            return;
        }
    }
}
