//! JSON of tickets.

use crate::engine::{CycleResult, Engine, ExplainedCycle, TicketRef, TicketView};
use crate::server::params::timestamp::Timestamp;
use crate::ticket::{State, TicketLabel};
use crate::time::SECOND_MS;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A ticket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct TicketRow {
    /// Its id in the source system.
    #[schema(example = "T-4711")]
    pub id: String,
    pub opened_at: Timestamp,
    /// Its state: new, open, waiting, resolved or closed.
    #[schema(example = "open")]
    pub state: String,
    #[schema(example = "normal")]
    pub priority: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub team: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub channel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub category: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub customer: Option<String>,
    /// Whether it is open and past a target.
    pub breached: bool,
    /// Whether it is open, past the at-risk mark of a target and past no target.
    pub at_risk: bool,
    /// The second at which the next level or target is processed. Missing if none is pending.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next_due_at: Option<Timestamp>,
    /// The second at which the next at-risk mark is processed. Missing if none is pending.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at_risk_at: Option<Timestamp>,
}

/// A ticket with its open cycles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct TicketResponse {
    #[serde(flatten)]
    pub ticket: TicketRow,
    /// Cycles that are open now. The timeline has all cycles, with an explanation of each.
    pub clocks: Vec<ClockRow>,
}

/// An open cycle of a clock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ClockRow {
    #[schema(example = "first_response")]
    pub clock: String,
    /// Number of the cycle, from 1.
    pub cycle: u16,
    pub started_at: Timestamp,
    /// Whether it is paused, by an event or by the ticket's state.
    pub paused: bool,
    /// Whether it is past its target.
    pub breached: bool,
    /// Business time elapsed so far, in milliseconds.
    #[schema(example = 5_400_000)]
    pub spent_ms: i64,
    /// Business time of the target, in milliseconds; missing without a target.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target_ms: Option<i64>,
    /// Deadline of the target; for a paused cycle, the deadline if it resumed now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due_at: Option<Timestamp>,
}

impl TicketRow {
    pub(crate) fn of(ticket: &TicketView<'_>) -> Self {
        let owned = |label| ticket.labels[label].map(str::to_owned);
        let at_second = |due_s| Timestamp(i64::from(due_s) * SECOND_MS);
        Self {
            id: ticket.id.to_owned(),
            opened_at: Timestamp(ticket.opened_ms),
            state: State::name(ticket.state).to_owned(),
            priority: owned(TicketLabel::Priority).unwrap_or_default(),
            owner: owned(TicketLabel::Owner),
            team: owned(TicketLabel::Team),
            channel: owned(TicketLabel::Channel),
            category: owned(TicketLabel::Category),
            customer: owned(TicketLabel::Customer),
            breached: ticket.is_breached,
            at_risk: ticket.is_at_risk,
            next_due_at: ticket.next_due_s.map(at_second),
            at_risk_at: ticket.at_risk_s.map(at_second),
        }
    }
}

impl TicketResponse {
    pub(crate) fn of(engine: &Engine, ticket: TicketRef) -> Self {
        let explained = engine.explain(ticket);
        let open = explained.cycles.iter().filter(|cycle| cycle.stopped_ms.is_none());
        Self { ticket: TicketRow::of(&engine.ticket(ticket)), clocks: open.map(ClockRow::of).collect() }
    }
}

impl ClockRow {
    fn of(cycle: &ExplainedCycle) -> Self {
        Self {
            clock: cycle.clock.to_string(),
            cycle: cycle.cycle,
            started_at: Timestamp(cycle.started_ms),
            paused: cycle.is_paused,
            breached: cycle.result == CycleResult::OpenMissed,
            spent_ms: cycle.spent_ms,
            target_ms: cycle.target.as_ref().map(|target| target.amount_ms),
            due_at: cycle.target.as_ref().and_then(|target| target.due_ms).and_then(Timestamp::unless_never),
        }
    }
}
