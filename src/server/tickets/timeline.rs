//! `/v1/tickets/{id}/timeline`: the history of a ticket, explained.

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
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(timeline);
}

/// The history of a ticket, explained: each deadline with the business time counted and the version of the rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct TimelineResponse {
    pub ticket: TicketRow,
    /// The engine's time, from which future deadlines are calculated.
    pub as_of: Timestamp,
    /// Oldest first.
    pub events: Vec<EventRow>,
    /// Cycles of clocks, by start.
    pub cycles: Vec<CycleRow>,
    /// Number of older cycles left out, if the ticket has very many.
    pub cycles_left_out: u64,
}

/// An event of a ticket's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct EventRow {
    #[schema(example = "agent_reply")]
    pub event: String,
    pub at: Timestamp,
    /// The state that the event sets.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub priority: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub team: Option<String>,
    /// Whether it is an opening without an `opened` event: the ticket was opened by its first event.
    pub implied: bool,
    /// Whether the event changed nothing, because the ticket existed already.
    pub without_effect: bool,
}

/// A cycle of a clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct CycleRow {
    #[schema(example = "resolution")]
    pub clock: String,
    /// From 1.
    pub cycle: u16,
    #[schema(inline)]
    pub status: CycleResult,
    /// Open, and paused by an event or by the ticket's state.
    pub paused: bool,
    pub started_at: Timestamp,
    /// Missing while the cycle is open.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stopped_at: Option<Timestamp>,
    /// Business time elapsed until its end or until now, in milliseconds.
    pub spent_ms: i64,
    /// The part of it that was carried over from earlier rules, in milliseconds.
    pub carried_ms: i64,
    /// The rule in effect at its end, or now.
    pub version: RuleVersion,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<TargetRow>,
    /// Periods in which it ran.
    pub segments: Vec<SegmentRow>,
    /// Whether the segments' intervals are truncated.
    pub is_cut: bool,
    pub levels: Vec<LevelRow>,
}

/// A version of a priority.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct RuleVersion {
    pub priority: String,
    /// From 1, for this priority.
    pub number: u64,
    /// When it came into force; missing for the first version, which has always been in force.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<Timestamp>,
    #[schema(inline)]
    pub apply: Apply,
    pub calendar: String,
}

/// A target, and the business time until its deadline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct TargetRow {
    /// As defined in the policy.
    #[schema(example = "2bd")]
    pub target: String,
    /// Its business time in this cycle, in milliseconds.
    pub amount_ms: i64,
    /// Its deadline; for a paused cycle, the deadline if it resumed now. Missing if the calendar ends first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due_at: Option<Timestamp>,
    /// For a cycle within its target: the business time from now to the deadline.
    pub ahead: Vec<IntervalRow>,
    /// Whether the intervals are truncated.
    pub is_cut: bool,
}

/// A period in which a clock ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct SegmentRow {
    pub from: Timestamp,
    /// End of the segment; now if it is running.
    pub to: Timestamp,
    pub running: bool,
    /// Whether it was measured under other rules than the cycle's.
    pub carried: bool,
    /// Business time in the segment, in milliseconds.
    pub business_ms: i64,
    pub version: RuleVersion,
    /// The business time counted.
    pub intervals: Vec<IntervalRow>,
}

/// A half-open interval: `from` is included, `to` is not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct IntervalRow {
    pub from: Timestamp,
    pub to: Timestamp,
}

impl From<&(i64, i64)> for IntervalRow {
    fn from((from_ms, to_ms): &(i64, i64)) -> Self {
        Self { from: Timestamp(*from_ms), to: Timestamp(*to_ms) }
    }
}

/// A level of a cycle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct LevelRow {
    /// From 1.
    pub level: u8,
    /// As defined in the policy.
    #[schema(example = "50%")]
    pub at: String,
    /// When the level was reached, or will be if no further event occurs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due_at: Option<Timestamp>,
    #[schema(inline)]
    pub status: LevelState,
    pub actions: LevelActions,
}

/// Explain a ticket
///
/// The history of a ticket, explained: each cycle of a clock with its deadline, the business time counted, the version of the rule
/// that applied, and the state of each level.
#[utoipa::path(
    tag = "tickets",
    params(("id" = String, Path, description = "The ticket's id in the source system.", min_length = 1, max_length = 255)),
    responses((status = 200, description = "The explained history.", body = TimelineResponse)),
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
            status: cycle.result,
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
            apply: version.apply,
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
            status: level.state,
            actions: (&level.actions).into(),
        }
    }
}
