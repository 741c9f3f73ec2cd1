//! `/v1/tickets/{id}/timeline`: what happened to a ticket and why.

use super::{TicketRow, look};
use crate::engine::{
    Apply, CycleResult, ExplainedCycle, ExplainedEvent, ExplainedLevel, ExplainedSegment, ExplainedTarget,
    ExplainedVersion, Explanation, LevelState,
};
use crate::server::auth::Viewer;
use crate::server::escalations::response::LevelActions;
use crate::server::params::timestamp::Timestamp;
use crate::server::problem::ApiResult;
use crate::server::state::AppState;
use actix_web::{get, web};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// The route of timelines.
pub fn routes(config: &mut ServiceConfig) {
    config.service(timeline);
}

/// What happened to a ticket, and why: every deadline with the time that it counted and the version of the rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TimelineResponse {
    pub ticket: TicketRow,
    /// The engine's time: what is to come is seen from there.
    pub as_of: Timestamp,
    /// Oldest first.
    pub events: Vec<EventRow>,
    /// Runs of clocks, by start.
    pub cycles: Vec<CycleRow>,
    /// Older runs that are left out, of tickets with very many.
    pub cycles_left_out: u64,
}

/// An event of a ticket's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventRow {
    #[schema(example = "agent_reply")]
    pub event: String,
    pub at: Timestamp,
    /// The state that it speaks of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub priority: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub team: Option<String>,
    /// An opening that nobody has told of: the ticket was opened by its first event.
    pub implied: bool,
    /// Whether the ticket was there already: it changed nothing.
    pub without_effect: bool,
}

/// A run of a clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CycleRow {
    #[schema(example = "resolution")]
    pub clock: String,
    /// From 1.
    pub cycle: u16,
    #[schema(inline)]
    pub status: CycleResult,
    /// Open, and held by an event or by the ticket's state.
    pub paused: bool,
    pub started_at: Timestamp,
    /// Missing while it is open.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stopped_at: Option<Timestamp>,
    /// Business time spent, up to its end or to now, in milliseconds.
    pub spent_ms: i64,
    /// The part of it that was taken over from other rules, in milliseconds.
    pub carried_ms: i64,
    /// The rule by which it ended, or runs.
    pub version: RuleVersion,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<TargetRow>,
    /// Stretches of time in which it ran.
    pub segments: Vec<SegmentRow>,
    /// Whether the segments count more intervals than are given.
    pub is_cut: bool,
    pub levels: Vec<LevelRow>,
}

/// A version of a priority.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleVersion {
    pub priority: String,
    /// From 1, counted for this priority.
    pub number: u64,
    /// Since when it is in force; missing for the first, which always was.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<Timestamp>,
    #[schema(inline)]
    pub apply: Apply,
    pub calendar: String,
}

/// A target, and the way to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TargetRow {
    /// As the policy has it.
    #[schema(example = "2bd")]
    pub target: String,
    /// The business time that it stands for in this run, in milliseconds.
    pub amount_ms: i64,
    /// When it ends or ended; of a paused run, when it would if it went on now. Missing where the calendar ends first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due_at: Option<Timestamp>,
    /// Of a run within its target: the business time still to come until then.
    pub ahead: Vec<IntervalRow>,
    /// Whether there are more intervals than are given.
    pub is_cut: bool,
}

/// A stretch of time in which a clock ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SegmentRow {
    pub from: Timestamp,
    /// Of the segment that is running, now.
    pub to: Timestamp,
    pub running: bool,
    /// Measured under other rules than the run's.
    pub carried: bool,
    /// Business time in it, in milliseconds.
    pub business_ms: i64,
    pub version: RuleVersion,
    /// The business time that it counted.
    pub intervals: Vec<IntervalRow>,
}

/// From its first instant to before its last.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IntervalRow {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl From<&(i64, i64)> for IntervalRow {
    fn from((from_ms, to_ms): &(i64, i64)) -> Self {
        Self { from: Timestamp(*from_ms), to: Timestamp(*to_ms) }
    }
}

/// A level of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LevelRow {
    /// From 1.
    pub level: u8,
    /// As the policy has it.
    #[schema(example = "50%")]
    pub at: String,
    /// When it was reached, or will be if nothing happens.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due_at: Option<Timestamp>,
    #[schema(inline)]
    pub status: LevelState,
    pub actions: LevelActions,
}

/// Explain a ticket
///
/// What happened to it, and why: each run of a clock with its deadline, the stretches of business time that it counted, the
/// version of the rule it was measured by, and what became of each level.
#[utoipa::path(
    tag = "tickets",
    params(("id" = String, Path, description = "The ticket's id in the source system.", min_length = 1, max_length = 255)),
    responses((status = 200, description = "Its history, told again.", body = TimelineResponse)),
    security(("bearer" = ["viewer"]))
)]
#[get("/tickets/{id}/timeline")]
async fn timeline(
    _viewer: Viewer,
    state: web::Data<AppState>,
    id: web::Path<String>,
) -> ApiResult<web::Json<TimelineResponse>> {
    let reported = look(&state.service, id.into_inner(), |engine, ticket| {
        (TicketRow::of(&engine.ticket(ticket)), engine.explain(ticket))
    });
    let (ticket, explanation) = reported.await?;
    Ok(web::Json(TimelineResponse::new(ticket, &explanation)))
}

impl TimelineResponse {
    fn new(ticket: TicketRow, explanation: &Explanation) -> Self {
        Self {
            ticket,
            as_of: Timestamp(explanation.now_ms),
            events: explanation.events.iter().map(EventRow::from).collect(),
            cycles: explanation.cycles.iter().map(CycleRow::from).collect(),
            cycles_left_out: explanation.cycles_left_out as u64,
        }
    }
}

fn label(label: &Option<Arc<str>>) -> Option<String> {
    label.as_deref().map(str::to_owned)
}

impl From<&ExplainedEvent> for EventRow {
    fn from(event: &ExplainedEvent) -> Self {
        Self {
            event: event.kind.name().to_owned(),
            at: Timestamp(event.at_ms),
            state: event.state.map(|state| state.name().to_owned()),
            priority: label(&event.priority),
            owner: label(&event.owner),
            team: label(&event.team),
            implied: event.is_implied,
            without_effect: event.is_without_effect,
        }
    }
}

impl From<&ExplainedCycle> for CycleRow {
    fn from(cycle: &ExplainedCycle) -> Self {
        Self {
            clock: cycle.clock.to_string(),
            cycle: cycle.cycle,
            status: cycle.result.into(),
            paused: cycle.is_paused,
            started_at: Timestamp(cycle.started_ms),
            stopped_at: cycle.stopped_ms.map(Timestamp),
            spent_ms: cycle.spent_ms,
            carried_ms: cycle.carried_ms,
            version: (&cycle.version).into(),
            target: cycle.target.as_ref().map(TargetRow::from),
            segments: cycle.segments.iter().map(SegmentRow::from).collect(),
            is_cut: cycle.is_cut,
            levels: cycle.levels.iter().map(LevelRow::from).collect(),
        }
    }
}

impl From<&ExplainedVersion> for RuleVersion {
    fn from(version: &ExplainedVersion) -> Self {
        Self {
            priority: version.priority.to_string(),
            number: version.number as u64,
            since: version.since_ms.map(Timestamp),
            apply: version.apply.into(),
            calendar: version.calendar.clone(),
        }
    }
}

impl From<&ExplainedTarget> for TargetRow {
    fn from(target: &ExplainedTarget) -> Self {
        Self {
            target: target.text.clone(),
            amount_ms: target.amount_ms,
            due_at: target.due_ms.and_then(Timestamp::unless_never),
            ahead: target.ahead.iter().map(IntervalRow::from).collect(),
            is_cut: target.is_cut,
        }
    }
}

impl From<&ExplainedSegment> for SegmentRow {
    fn from(segment: &ExplainedSegment) -> Self {
        Self {
            from: Timestamp(segment.from_ms),
            to: Timestamp(segment.to_ms),
            running: segment.is_running,
            carried: segment.is_carried,
            business_ms: segment.business_ms,
            version: (&segment.version).into(),
            intervals: segment.intervals.iter().map(IntervalRow::from).collect(),
        }
    }
}

impl From<&ExplainedLevel> for LevelRow {
    fn from(level: &ExplainedLevel) -> Self {
        Self {
            level: level.number,
            at: level.at.clone(),
            due_at: level.due_ms.and_then(Timestamp::unless_never),
            status: level.state.into(),
            actions: (&level.actions).into(),
        }
    }
}
