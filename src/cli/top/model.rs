//! The displayed parts of the service's responses. Missing members count as zero or empty, so that a service of another
//! version is shown as far as possible.

use serde::Deserialize;

/// `GET /v1/metrics`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Metrics {
    pub as_of: String,
    pub policy_version: u64,
    pub tickets: u64,
    pub totals: Tally,
    pub by_priority: Vec<Named>,
    pub by_team: Vec<Named>,
    pub by_channel: Vec<Named>,
    pub by_category: Vec<Named>,
    pub by_clock: Vec<Clock>,
    /// Newest first.
    pub days: Vec<Day>,
    pub compliance_today: Compliance,
    pub oldest_open: Option<Oldest>,
    pub escalations: EscalationCounts,
    pub engine: Gauges,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Compliance {
    pub met: u64,
    pub missed: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct EscalationCounts {
    pub last_sequence: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Tally {
    pub open: u64,
    pub waiting: u64,
    pub at_risk: u64,
    pub breached: u64,
    pub done: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Named {
    pub name: String,
    #[serde(flatten)]
    pub tally: Tally,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Clock {
    pub clock: String,
    pub running: u64,
    pub paused: u64,
    pub at_risk: u64,
    pub breached: u64,
    /// Levels fired so far, from the first level on.
    pub fired_by_level: Vec<u64>,
}

/// Cycles that ended on a day (UTC); the day is named by its first instant.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Day {
    pub day: String,
    pub clock: String,
    pub met: u64,
    pub missed: u64,
    pub fired: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Oldest {
    pub id: String,
    pub opened_at: String,
}

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Gauges {
    pub lag_ms: i64,
    pub due_not_fired: u64,
    pub queue: u64,
    pub queue_capacity: u64,
    pub rows_accepted: u64,
    pub rows_rejected: u64,
    pub syncs: u64,
    pub sync_mean_seconds: f64,
    pub journal_bytes: u64,
    pub disk_full: bool,
    pub last_snapshot_at: Option<String>,
}

/// `GET /v1/forecast`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Forecast {
    pub hours: Vec<Hour>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Hour {
    pub hour: String,
    pub deadlines: u64,
    pub levels: u64,
}

/// `GET /v1/escalations`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Escalations {
    /// Oldest first.
    pub escalations: Vec<Escalation>,
    /// Where to continue.
    pub next_after: u64,
    /// The last record of the feed.
    pub last_sequence: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Escalation {
    pub sequence: u64,
    pub ticket: String,
    pub kind: String,
    pub clock: Option<String>,
    pub level: u8,
    pub due_at: String,
    pub fired_at: String,
    pub priority: Option<String>,
    pub owner: Option<String>,
    pub team: Option<String>,
    pub actions: Option<Actions>,
    pub actor: Option<String>,
    pub reason: Option<String>,
}

/// Actions of a level.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Actions {
    pub notify: Vec<String>,
    pub reassign: Option<String>,
    pub webhook: Option<String>,
    pub set_priority: Option<String>,
}

impl Escalation {
    /// The kind of record: `resolution 2`, `withdrawn: resolution 2`, `manual`.
    pub fn what(&self) -> String {
        match (self.kind.as_str(), &self.clock) {
            ("fired", Some(clock)) => format!("{clock} {}", self.level),
            (kind, Some(clock)) => format!("{kind}: {clock} {}", self.level),
            (kind, None) => kind.replace('_', " "),
        }
    }

    /// Who is notified, and which actions are taken.
    pub fn whom(&self) -> String {
        let mut parts: Vec<String> = Vec::new();
        if let Some(actions) = self.actions.as_ref().filter(|_| self.kind == "fired") {
            parts.extend(actions.notify.iter().map(|whom| match (whom.as_str(), &self.owner, &self.team) {
                ("owner", Some(owner), _) => owner.clone(),
                ("owner", None, _) => "owner (unassigned)".to_owned(),
                ("team_lead", _, Some(team)) => format!("{whom} of {team}"),
                _ => whom.clone(),
            }));
            let done = [("to", &actions.reassign), ("webhook", &actions.webhook), ("now", &actions.set_priority)];
            parts.extend(done.into_iter().filter_map(|(what, whom)| Some(format!("{what} {}", whom.as_ref()?))));
        }
        parts.extend(self.actor.iter().map(|actor| format!("by {actor}")));
        parts.extend(self.reason.iter().map(|reason| format!("{reason:?}")));
        parts.join(", ")
    }
}

/// All data on the screen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    pub metrics: Metrics,
    pub forecast: Forecast,
    /// Newest first.
    pub escalations: Vec<Escalation>,
}
