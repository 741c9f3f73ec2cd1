//! What the sequencer publishes for readers that must not wait: totals, and gauges of the service.

use crate::engine::{ClockTally, Tally};
use crate::store::snapshot::DayRow;
use crate::ticket::PerLabel;
use std::sync::Arc;

/// Totals at one moment.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The engine's time.
    pub now_ms: i64,
    /// The last group included.
    pub group: u64,
    pub policy_version: u64,
    /// Tickets in the index, including done ones.
    pub tickets: u64,
    pub totals: Arc<Totals>,
    /// Results by day (UTC) and clock, newest day first.
    pub days: Vec<DayRow>,
    /// The number of the last escalation record; 0 before the first.
    pub last_escalation: u64,
    /// Escalation records by kind, in the order of [`RecordKind::ALL`](crate::store::record::RecordKind::ALL), since the start
    pub records: [u64; 4],
    pub gauges: Gauges,
    pub scan: Arc<Scan>,
}

/// Tickets counted by their labels, cycles by their clocks.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    pub all: Tally,
    /// Empty for the labels by which tickets are not counted.
    pub by_label: PerLabel<Vec<NamedTally>>,
    pub by_clock: Vec<ClockView>,
}

/// Tickets that share a label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedTally {
    pub name: Arc<str>,
    pub tally: Tally,
}

/// Cycles of a clock.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClockView {
    pub name: Arc<str>,
    pub tally: ClockTally,
}

/// Gauges of the service.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gauges {
    /// The wall clock at publication.
    pub wall_ms: i64,
    /// Distance of the engine's time from the wall clock: behind it, not counting the second in progress, or ahead of it.
    pub lag_ms: i64,
    /// How far the wall clock is ahead of the service's clock; negative: behind. 0 except after a jump, or after a start with a
    /// wall clock that is behind the last known time.
    pub clock_offset_ms: i64,
    /// Tickets that are due and not processed yet. Must read 0.
    pub due_not_fired: u64,
    /// Commands queued.
    pub queue: u64,
    pub queue_capacity: u64,
    /// Groups written, rows accepted and rejected since the start of the process.
    pub groups: u64,
    pub rows_accepted: u64,
    pub rows_rejected: u64,
    /// Syncs of the journal since the start, their total time, and their histogram: counts up to each of `SYNC_BOUNDS_S`
    /// (cumulative, without the last bucket, which is `syncs`).
    pub syncs: u64,
    pub sync_sum_s: f64,
    pub sync_buckets: [u64; SYNC_BOUNDS_S.len()],
    pub journal_bytes: u64,
    /// Whether writes are rejected because the disk is full.
    pub disk_full: bool,
    /// Jumps of the wall clock that were ignored.
    pub clock_jumps: u64,
    /// When the last snapshot was published (wall clock); `None` before the first.
    pub last_snapshot_ms: Option<i64>,
    pub started_ms: i64,
}

/// Upper bounds of the buckets of sync times, in seconds.
pub(crate) const SYNC_BOUNDS_S: [f64; 10] = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0];

/// Result of the scan over all tickets; repeated alongside the engine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scan {
    /// The engine's time at which the scan began; 0 before the first.
    pub as_of_ms: i64,
    /// Running cycles within their target, by time left: counts up to each of `BREACH_BOUNDS_S` (not cumulative), then those
    /// beyond.
    pub time_to_breach: [u64; BREACH_BOUNDS_S.len() + 1],
    /// The open ticket that was opened first: id, opening time.
    pub oldest: Option<(String, i64)>,
    /// By hour, from the hour of `as_of_ms` on: targets that end then, and levels that fall due then, if nothing happens.
    pub deadlines_by_hour: Vec<u64>,
    pub levels_by_hour: Vec<u64>,
}

/// Upper bounds of the buckets of time to breach, in seconds.
pub(crate) const BREACH_BOUNDS_S: [i64; 9] = [300, 900, 1_800, 3_600, 14_400, 28_800, 86_400, 259_200, 604_800];

/// Hours of the forecast: seven days.
pub(crate) const FORECAST_HOURS: usize = 168;
