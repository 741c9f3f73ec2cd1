//! `/v1/metrics`: the current metrics as one JSON document. It reads the view that the service publishes and never blocks.

use crate::engine::{ClockTally, Tally};
use crate::limits::{MAX_LEVELS, MAX_SHOWN_NAMES};
use crate::server::auth::Viewer;
use crate::server::params::timestamp::Timestamp;
use crate::server::state::AppState;
use crate::service::view::BREACH_BOUNDS_S;
use crate::service::{ClockView, Gauges, NamedTally, Scan, View};
use crate::store::record::RecordKind;
use crate::store::snapshot::DayRow;
use crate::ticket::TicketLabel;
use crate::time::DAY_MS;
use actix_web::{get, web};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// The route of the metrics.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(metrics);
}

/// The current metrics.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct MetricsResponse {
    /// The engine's time of these figures.
    pub as_of: Timestamp,
    /// The version of the policy in force.
    pub policy_version: u64,
    /// Tickets in the index, including resolved and closed ones.
    pub tickets: u64,
    pub totals: TicketCounts,
    /// Priorities with tickets; at most the thousand largest. The same holds for teams, channels and categories.
    pub by_priority: Vec<NamedCounts>,
    pub by_team: Vec<NamedCounts>,
    pub by_channel: Vec<NamedCounts>,
    pub by_category: Vec<NamedCounts>,
    pub by_clock: Vec<ClockCounts>,
    pub escalations: EscalationCounts,
    /// Results of the cycles that ended today (UTC).
    pub compliance_today: Compliance,
    /// By day (UTC) and clock, newest first.
    pub days: Vec<DayCounts>,
    /// The oldest open ticket. Missing if there is none, and before the first scan over all tickets.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub oldest_open: Option<OldestTicket>,
    /// Running cycles within their target, by remaining time.
    pub time_to_breach: TimeToBreach,
    pub engine: EngineGauges,
}

/// Tickets by status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct TicketCounts {
    /// Neither resolved nor closed.
    pub open: u64,
    /// Open and waiting.
    pub waiting: u64,
    /// Open, past the at-risk mark of a target and past no target.
    pub at_risk: u64,
    /// Open and past a target.
    pub breached: u64,
    /// Resolved or closed.
    pub done: u64,
}

/// Tickets with the same label.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct NamedCounts {
    pub name: String,
    #[serde(flatten)]
    pub counts: TicketCounts,
}

/// Cycles of a clock.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ClockCounts {
    pub clock: String,
    /// Open and running.
    pub running: u64,
    /// Open and paused.
    pub paused: u64,
    /// Open, past the at-risk mark, not past the target.
    pub at_risk: u64,
    /// Open and past the target.
    pub breached: u64,
    /// Ended within the target, since the data began.
    pub met: u64,
    /// Ended past the target, since the data began.
    pub missed: u64,
    /// Share of the ended cycles that met their target; missing before the first ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(minimum = 0, maximum = 1, example = 0.97)]
    pub compliance_ratio: Option<f64>,
    /// Escalations by level, from level 1, since the data began, less those withdrawn.
    #[schema(max_items = 12)]
    pub fired_by_level: Vec<u64>,
}

/// Escalation records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct EscalationCounts {
    /// By kind (fired, withdrawn, manual, acknowledged), since the start of the process.
    pub by_kind: BTreeMap<String, u64>,
    /// By level over all clocks, from level 1, less those withdrawn.
    #[schema(max_items = 12)]
    pub fired_by_level: Vec<u64>,
    /// The number of the last record; 0 before the first.
    pub last_sequence: u64,
}

/// Results of ended cycles. A count is negative on a day when more results were revoked than added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Compliance {
    pub met: i64,
    pub missed: i64,
    /// Share that met the target; missing if none ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(minimum = 0, maximum = 1, example = 0.97)]
    pub ratio: Option<f64>,
}

impl Compliance {
    fn new(met: i64, missed: i64) -> Self {
        let count = |count: i64| u64::try_from(count).unwrap_or(0);
        Self { met, missed, ratio: ratio(count(met), count(missed)) }
    }
}

fn ratio(met: u64, missed: u64) -> Option<f64> {
    let ended = met + missed;
    (ended > 0).then(|| met as f64 / ended as f64)
}

/// Results of a clock on one day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct DayCounts {
    /// The day's first instant (UTC).
    pub day: Timestamp,
    pub clock: String,
    /// Levels that fired on that day, less those withdrawn on it.
    pub fired: i64,
    #[serde(flatten)]
    pub compliance: Compliance,
}

/// The oldest open ticket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct OldestTicket {
    pub id: String,
    pub opened_at: Timestamp,
    /// Time since it was opened, in seconds.
    pub age_seconds: i64,
}

/// Distribution of the remaining time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct TimeToBreach {
    /// The engine's time of the scan over all tickets; missing before the first scan.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub as_of: Option<Timestamp>,
    /// From the shortest remaining time.
    pub buckets: Vec<Bucket>,
}

/// Cycles in a range of remaining time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Bucket {
    /// Upper bound in seconds, inclusive; the previous bucket's bound is the lower bound. Missing for the last bucket, which has no
    /// upper bound.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub up_to_seconds: Option<i64>,
    pub cycles: u64,
}

/// Metrics of the service itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct EngineGauges {
    /// The wall clock.
    pub wall_clock: Timestamp,
    /// Distance of the engine's time from the wall clock, behind or ahead, in milliseconds.
    pub lag_ms: i64,
    /// How far the wall clock is ahead of the service's clock, in milliseconds; negative if behind. 0 except after a jump of the
    /// wall clock, or after a start with a wall clock behind the last known time.
    #[serde(default)]
    pub clock_offset_ms: i64,
    /// Tickets that are due and have not been processed yet. Must be 0.
    pub due_not_fired: u64,
    /// Commands in the queue; `queue_capacity` is the maximum.
    pub queue: u64,
    pub queue_capacity: u64,
    /// Groups of inputs written since the start of the process.
    pub groups: u64,
    /// Rows accepted, and rows rejected, since the start of the process.
    pub rows_accepted: u64,
    pub rows_rejected: u64,
    /// Syncs of the journal since the start of the process.
    pub syncs: u64,
    /// Mean duration of a sync, in seconds; missing before the first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sync_mean_seconds: Option<f64>,
    /// Size of the journal in bytes.
    pub journal_bytes: u64,
    /// Whether writes are rejected because the disk is full.
    pub disk_full: bool,
    /// Jumps of the wall clock that the service's clock did not follow.
    pub clock_jumps: u64,
    /// When the last snapshot was published.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_snapshot_at: Option<Timestamp>,
    /// Start time of the process.
    pub started_at: Timestamp,
}

/// Get the metrics
///
/// The latest published figures. The request never waits for the engine, even during bulk loads or many simultaneous escalations.
#[utoipa::path(
    tag = "metrics",
    responses((status = 200, description = "The current metrics.", body = MetricsResponse)),
    security(("bearer" = ["viewer"]))
)]
#[get("/metrics")]
async fn metrics(_viewer: Viewer, state: web::Data<AppState>) -> web::Json<MetricsResponse> {
    web::Json(MetricsResponse::of(&state.service.view()))
}

impl MetricsResponse {
    pub(crate) fn of(view: &View) -> Self {
        let today_ms = view.now_ms.div_euclid(DAY_MS) * DAY_MS;
        let today = view.days.iter().filter(|day| day.day_ms == today_ms);
        let (met, missed) = today.fold((0, 0), |(met, missed), day| (met + day.met, missed + day.missed));
        Self {
            as_of: Timestamp(view.now_ms),
            policy_version: view.policy_version,
            tickets: view.tickets,
            totals: (&view.totals.all).into(),
            by_priority: largest(&view.totals.by_label[TicketLabel::Priority]),
            by_team: largest(&view.totals.by_label[TicketLabel::Team]),
            by_channel: largest(&view.totals.by_label[TicketLabel::Channel]),
            by_category: largest(&view.totals.by_label[TicketLabel::Category]),
            by_clock: view.totals.by_clock.iter().map(ClockCounts::from).collect(),
            escalations: EscalationCounts::of(view),
            compliance_today: Compliance::new(met, missed),
            days: view.days.iter().map(DayCounts::from).collect(),
            oldest_open: view.scan.oldest.as_ref().map(|(id, opened_ms)| OldestTicket {
                id: id.clone(),
                opened_at: Timestamp(*opened_ms),
                age_seconds: (view.now_ms - opened_ms) / 1_000,
            }),
            time_to_breach: TimeToBreach::of(&view.scan),
            engine: (&view.gauges).into(),
        }
    }
}

impl From<&Tally> for TicketCounts {
    fn from(tally: &Tally) -> Self {
        Self {
            open: tally.open,
            waiting: tally.waiting,
            at_risk: tally.at_risk,
            breached: tally.breached,
            done: tally.done,
        }
    }
}

impl From<&NamedTally> for NamedCounts {
    fn from(named: &NamedTally) -> Self {
        Self { name: named.name.to_string(), counts: (&named.tally).into() }
    }
}

/// The largest entries of a list; in the list's order unless some are left out.
fn largest(list: &[NamedTally]) -> Vec<NamedCounts> {
    let mut shown: Vec<&NamedTally> = list.iter().collect();
    if shown.len() > MAX_SHOWN_NAMES {
        shown.sort_by_key(|named| std::cmp::Reverse(named.tally.open + named.tally.done));
        shown.truncate(MAX_SHOWN_NAMES);
    }
    shown.into_iter().map(NamedCounts::from).collect()
}

impl From<&ClockView> for ClockCounts {
    fn from(clock: &ClockView) -> Self {
        let ClockTally { running, paused, at_risk, breached, met, missed, fired } = clock.tally;
        Self {
            clock: clock.name.to_string(),
            running,
            paused,
            at_risk,
            breached,
            met,
            missed,
            compliance_ratio: ratio(met, missed),
            fired_by_level: up_to_last(&fired),
        }
    }
}

/// Counts by level, up to the last level that ever fired.
fn up_to_last(fired: &[u64; MAX_LEVELS]) -> Vec<u64> {
    let levels = fired.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
    fired[..levels].to_vec()
}

impl EscalationCounts {
    fn of(view: &View) -> Self {
        let mut by_level = [0_u64; MAX_LEVELS];
        for clock in &view.totals.by_clock {
            by_level.iter_mut().zip(clock.tally.fired).for_each(|(sum, fired)| *sum += fired);
        }
        let by_kind = RecordKind::ALL.into_iter().zip(view.records);
        Self {
            by_kind: by_kind.map(|(kind, count)| (kind.name().to_owned(), count)).collect(),
            fired_by_level: up_to_last(&by_level),
            last_sequence: view.last_escalation,
        }
    }
}

impl From<&DayRow> for DayCounts {
    fn from(day: &DayRow) -> Self {
        Self {
            day: Timestamp(day.day_ms),
            clock: day.clock.to_string(),
            fired: day.fired,
            compliance: Compliance::new(day.met, day.missed),
        }
    }
}

impl TimeToBreach {
    fn of(scan: &Scan) -> Self {
        let bounds = BREACH_BOUNDS_S.into_iter().map(Some).chain([None]);
        let bucket = |(up_to_seconds, cycles): (Option<i64>, &u64)| Bucket { up_to_seconds, cycles: *cycles };
        Self {
            as_of: (scan.as_of_ms > 0).then_some(Timestamp(scan.as_of_ms)),
            buckets: bounds.zip(&scan.time_to_breach).map(bucket).collect(),
        }
    }
}

impl From<&Gauges> for EngineGauges {
    fn from(gauges: &Gauges) -> Self {
        Self {
            wall_clock: Timestamp(gauges.wall_ms),
            lag_ms: gauges.lag_ms,
            clock_offset_ms: gauges.clock_offset_ms,
            due_not_fired: gauges.due_not_fired,
            queue: gauges.queue,
            queue_capacity: gauges.queue_capacity,
            groups: gauges.groups,
            rows_accepted: gauges.rows_accepted,
            rows_rejected: gauges.rows_rejected,
            syncs: gauges.syncs,
            sync_mean_seconds: (gauges.syncs > 0).then(|| gauges.sync_sum_s / gauges.syncs as f64),
            journal_bytes: gauges.journal_bytes,
            disk_full: gauges.disk_full,
            clock_jumps: gauges.clock_jumps,
            last_snapshot_at: gauges.last_snapshot_ms.map(Timestamp),
            started_at: Timestamp(gauges.started_ms),
        }
    }
}

#[cfg(test)]
mod tests;
