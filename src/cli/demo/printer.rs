//! The reader's side: follows the escalations over HTTP and prints a line for each.

use crate::cli::common::client::Client;
use crate::cli::common::shutdown::Stop;
use crate::cli::top::{what, whom};
use crate::replay::grouped;
use crate::server::escalations::EscalationPage;
use crate::server::escalations::response::EscalationResponse;
use crate::server::monitoring::metrics::MetricsResponse;
use crate::server::params::timestamp::Timestamp;
use anyhow::Context;
use chrono::DateTime;
use std::fmt::Write;
use std::time::Duration;

/// From one look to the next, and how many looks lie between two lines of totals.
const EVERY: Duration = Duration::from_millis(250);
const LOOKS_A_TOTAL: u64 = 40;

/// Escalations that are printed of one look; more would only rush by.
const SHOWN: usize = 12;

/// Records of one answer.
const PAGE: usize = 1_000;

/// What is waited for one answer.
const ANSWER: Duration = Duration::from_secs(30);

/// The number of the last escalation so far.
///
/// # Errors
/// When the service does not answer.
pub fn last(client: &Client) -> anyhow::Result<u64> {
    let metrics: MetricsResponse = client.get("v1/metrics", ANSWER).context("the service does not tell its metrics")?;
    Ok(metrics.escalations.last_sequence)
}

/// Prints escalations after the `first` as they come, and totals now and then, until told to stop. Returns how many there were.
///
/// # Errors
/// When the service does not answer, or the terminal cannot be written to.
pub fn follow(client: &Client, first: u64, stop: &Stop) -> anyhow::Result<u64> {
    let mut after = first;
    let mut looks = 0;
    loop {
        let is_last = stop.wait(EVERY);
        let page: EscalationPage = client
            .get(&format!("v1/escalations?after={after}&limit={PAGE}"), ANSWER)
            .context("the service does not tell its escalations")?;
        after = page.next_after;
        looks += 1;
        let mut text = lines(&page.escalations);
        if looks % LOOKS_A_TOTAL == 0 || is_last {
            let metrics = client.get("v1/metrics", ANSWER).context("the service does not tell its metrics")?;
            text.push_str(&totals(&metrics, after - first));
        }
        crate::cli::common::print::print(&text)?;
        if is_last {
            return Ok(after - first);
        }
    }
}

/// What the columns are.
pub fn header() -> String {
    format!("{:<16}  {:<9}  {:<8}  {:<20}  {}\n", "when (UTC)", "ticket", "priority", "what", "who hears of it")
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
    DateTime::from_timestamp_millis(at.0).unwrap_or_default().format("%a %d %b %H:%M").to_string()
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
