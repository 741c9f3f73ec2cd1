//! Validated clocks and levels.

use crate::calendar::Span;
use crate::ticket::{EventKind, State, StateSet};
use serde::{Deserialize, Serialize};

/// Effect of an event on a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    #[default]
    None,
    /// Begins a cycle if none is open.
    Start,
    /// Pauses an open cycle until `resume` or its end.
    Pause,
    /// Resumes a cycle that was paused by event.
    Resume,
    /// Ends the open cycle, if there is one, and begins the next.
    Restart,
    /// Ends the open cycle.
    Stop,
    /// If no cycle is open, begins one at the level where the last one stood (SuperOffice's Continue: "the times are not used,
    /// only the level"); resumes a cycle that was paused by event; otherwise does nothing.
    Continue,
}

impl Effect {
    pub const ALL: [Effect; 7] =
        [Self::None, Self::Start, Self::Pause, Self::Resume, Self::Restart, Self::Stop, Self::Continue];

    /// The name that policies use.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Start => "start",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Restart => "restart",
            Self::Stop => "stop",
            Self::Continue => "continue",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effect| effect.name() == name)
    }

    /// Whether it can begin a cycle.
    pub fn begins(self) -> bool {
        matches!(self, Self::Start | Self::Restart | Self::Continue)
    }
}

/// What an event does to a clock of a ticket in a state: see [`Clock::starts_when_done`].
pub fn effect_in(state: State, kind: EventKind, effect: Effect, starts_when_done: bool) -> Effect {
    let concerns_state = matches!(
        kind,
        EventKind::Opened | EventKind::Reopened | EventKind::Resolved | EventKind::Closed | EventKind::StateChanged
    );
    match effect {
        Effect::Start | Effect::Restart if state.is_done() && !concerns_state && !starts_when_done => Effect::None,
        // An open cycle goes on; none begins.
        Effect::Continue if state.is_done() && !concerns_state && !starts_when_done => Effect::Resume,
        effect => effect,
    }
}

/// When a level of a clock is reached, counted from the start of the cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threshold {
    /// Hundredths of a percent of the target: `"50%"` is 5,000.
    Percent(u32),
    /// This long after the start: `"2h"`, `"1bd"`.
    After(Span),
    /// This long after the target: `"+30m"`.
    AfterTarget(Span),
}

/// One step of a clock's chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    pub at: Threshold,
    /// What to do when it fires; the engine passes it on without reading it.
    pub actions: Actions,
}

/// The actions of a level. Stored as data: delivery is outside the engine.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Actions {
    /// Whom to notify: roles or names, such as `owner`, `team_lead`, `manager`.
    pub notify: Vec<String>,
    /// Whom to assign the ticket to.
    pub reassign: Option<String>,
    /// The webhook to call, by name.
    pub webhook: Option<String>,
    /// The priority to raise the ticket to.
    pub set_priority: Option<String>,
    /// No level may follow this one.
    pub ends_chain: bool,
}

/// One metric of a priority: when it starts, pauses and stops, how long it may take, and who is notified when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    pub name: String,
    /// Without a target a clock has levels only, and its cycles are neither met nor missed.
    pub target: Option<Span>,
    /// Hundredths of a percent of the target from which a running cycle is at risk.
    pub at_risk: u32,
    /// The effect of each event, by `EventKind as usize`.
    pub on: [Effect; EventKind::COUNT],
    /// States in which an open cycle is paused.
    pub pause_while: StateSet,
    /// Whether an event that leaves a resolved or closed ticket so begins a cycle. Without it only the opening and changes of
    /// the state do: a customer's thanks for the solution starts nothing.
    pub starts_when_done: bool,
    /// In order of their thresholds; at most [`crate::limits::MAX_LEVELS`].
    pub levels: Vec<Level>,
}
