//! The consumer: follows the escalations over HTTP and prints a line for each.

use crate::cli::common::client::Client;
use crate::cli::common::shutdown::Stop;
use crate::cli::top::{what, whom};
use crate::replay::grouped;
use crate::server::escalations::EscalationPage;
use crate::server::escalations::response::EscalationResponse;
use crate::server::monitoring::metrics::MetricsResponse;
use crate::server::params::timestamp::Timestamp;
use crate::time::civil;
use anyhow::Context;
use std::fmt::Write;
use std::time::Duration;

/// Interval between polls, and the number of polls between two lines of totals.
const EVERY: Duration = Duration::from_millis(250);
const LOOKS_A_TOTAL: u64 = 40;

/// Escalations printed per poll; more would only scroll past.
const SHOWN: usize = 12;

/// Records of one response.
const PAGE: usize = 1_000;

/// Timeout of one response.
const ANSWER: Duration = Duration::from_secs(30);

/// The number of the latest escalation.
///
/// # Errors
/// The service does not respond.
pub(super) fn last(client: &Client) -> anyhow::Result<u64> {
    let metrics: MetricsResponse =
        client.get("v1/metrics", ANSWER).context("cannot read the metrics of the service")?;
    Ok(metrics.escalations.last_sequence)
}

/// Prints escalations after `first` as they are emitted, and totals at intervals, until it is stopped. Returns their number.
///
/// # Errors
/// The service does not respond, or the terminal cannot be written to.
pub(super) fn follow(client: &Client, first: u64, stop: &Stop) -> anyhow::Result<u64> {
    let mut after = first;
    let mut looks = 0;
    loop {
        let is_last = stop.wait(EVERY);
        let page: EscalationPage = client
            .get(&format!("v1/escalations?after={after}&limit={PAGE}"), ANSWER)
            .context("cannot read the escalations of the service")?;
        after = page.next_after;
        looks += 1;
        let mut text = lines(&page.escalations);
        if looks % LOOKS_A_TOTAL == 0 || is_last {
            let metrics = client.get("v1/metrics", ANSWER).context("cannot read the metrics of the service")?;
            text.push_str(&totals(&metrics, after - first));
        }
        crate::cli::common::print::print(&text)?;
        if is_last {
            return Ok(after - first);
        }
    }
}

/// The header of the columns.
pub(super) fn header() -> String {
    format!("{:<16}  {:<9}  {:<8}  {:<20}  {}\n", "when (UTC)", "ticket", "priority", "what", "who is notified")
}

fn lines(escalations: &[EscalationResponse]) -> String {
    let mut text = String::new();
    for escalation in escalations.iter().take(SHOWN) {
        let priority = escalation.priority.as_deref().unwrap_or("");
        let (at, what, whom) = (when(escalation.fired_at), what(escalation), whom(escalation));
        let _ = writeln!(text, "{at:<16}  {:<9}  {priority:<8}  {what:<20}  {whom}", escalation.ticket);
    }
    if let Some(more @ 1..) = escalations.len().checked_sub(SHOWN) {
        let _ = writeln!(text, "{:<16}  and {} more", "", grouped(more as u64));
    }
    text
}

fn totals(metrics: &MetricsResponse, escalations: u64) -> String {
    let totals = metrics.totals;
    format!(
        "-- {}: {} open, {} at risk, {} breached; {} escalations so far; lag {:.1} s\n",
        when(metrics.as_of),
        grouped(totals.open),
        grouped(totals.at_risk),
        grouped(totals.breached),
        grouped(escalations),
        metrics.engine.lag_ms as f64 / 1_000.0,
    )
}

/// `Thu 15 Jan 07:52`, UTC.
fn when(at: Timestamp) -> String {
    civil(at.0).strftime("%a %d %b %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_counted() {
        let one = EscalationResponse {
            ticket: "T0000007".to_owned(),
            clock: Some("resolution".to_owned()),
            level: 2,
            fired_at: Timestamp(crate::time::parse_rfc3339("2026-01-15T07:52:09.000Z").unwrap()),
            priority: Some("high".to_owned()),
            ..EscalationResponse::default()
        };
        let line = lines(std::slice::from_ref(&one));
        assert_eq!(line.trim_end(), "Thu 15 Jan 07:52  T0000007   high      resolution 2");
        let flood = lines(&vec![one; 1_012]);
        assert_eq!(flood.lines().count(), SHOWN + 1);
        assert!(flood.ends_with("and 1,000 more\n"), "{flood}");
    }
}
