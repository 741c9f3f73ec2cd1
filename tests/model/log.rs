//! What the rows of a ticket have reported, and the history that follows from it.
//!
//! Everything reported is kept, in the order of arrival. The history is derived from all of it each time, so it is the same whatever
//! the order in which rows of different instants arrived.

use super::history::{History, Primitive, What};
use overdue::ticket::{Batch, Column, EventKind, Openings, State};

/// An `opened` row that reported how its ticket began.
#[derive(Debug, Clone)]
struct Opening {
    at_ms: i64,
    /// Whether the row reported more than the time.
    has_values: bool,
    reports: Openings,
    state: Option<State>,
    priority: Option<String>,
    owner: Option<String>,
    team: Option<String>,
    /// By the rules, or the default.
    assigned: String,
}

#[derive(Debug, Clone, Default)]
pub struct Log {
    openings: Vec<Opening>,
    /// Rows of other kinds: when, and the priority that the rules give them.
    others: Vec<(i64, String)>,
    reported: Vec<Primitive>,
    /// Labels with the time of the row that reported them.
    labels: Vec<(i64, &'static str, String)>,
}

/// Of what is reported at the least time, the last.
fn first<T>(reported: impl Iterator<Item = (i64, T)>) -> Option<(i64, T)> {
    let mut found: Option<(i64, T)> = None;
    for (at_ms, value) in reported {
        if found.as_ref().is_none_or(|(first_ms, _)| at_ms <= *first_ms) {
            found = Some((at_ms, value));
        }
    }
    found
}

impl Log {
    /// Adds a row. A row with the current values of a known ticket reports them from now on.
    pub fn add(&mut self, batch: &Batch, row: usize, assigned: String, now_ms: i64, was_known: bool) {
        let (at_ms, kind, state) = (batch.at_ms[row], batch.kind[row], batch.state[row]);
        let label = |column| batch.label(column, row).map(str::to_owned);
        let (priority, owner, team) = (label(Column::Priority), label(Column::Owner), label(Column::Team));
        let has_values = state.is_some() || priority.is_some() || owner.is_some() || team.is_some();
        let is_current = kind == EventKind::Opened && batch.openings == Openings::Current && has_values;
        for column in [Column::Channel, Column::Category, Column::Customer] {
            if let Some(label) = label(column) {
                let at_ms = if is_current && was_known { at_ms.max(now_ms) } else { at_ms };
                if self.label(column.name()) != Some(&label) || !(is_current && was_known) {
                    self.labels.push((at_ms, column.name(), label));
                }
            }
        }
        if kind != EventKind::Opened {
            self.others.push((at_ms, assigned));
            self.report(batch, row);
        } else if is_current && !self.openings.is_empty() {
            self.restate(at_ms.max(now_ms), state, priority, owner, team);
        } else {
            let reports = batch.openings;
            self.openings.push(Opening { at_ms, has_values, reports, state, priority, owner, team, assigned });
        }
    }

    fn report(&mut self, batch: &Batch, row: usize) {
        let (at_ms, kind) = (batch.at_ms[row], batch.kind[row]);
        let label = |column| batch.label(column, row).map(str::to_owned);
        let (owner, team) = (label(Column::Owner), label(Column::Team));
        let mut reported: Vec<What> = label(Column::Priority).map(What::Priority).into_iter().collect();
        if kind == EventKind::Assigned || owner.is_some() || team.is_some() {
            reported.push(What::Assigned { owner, team, is_report: kind != EventKind::Assigned });
        }
        let implied = match kind {
            EventKind::Resolved => Some(State::Resolved),
            EventKind::Closed => Some(State::Closed),
            EventKind::Reopened => Some(State::Open),
            EventKind::PriorityChanged | EventKind::Assigned | EventKind::StateChanged => None,
            _ => {
                reported.push(What::Event(kind));
                None
            }
        };
        reported.extend(batch.state[row].or(implied).map(What::State));
        self.reported.extend(reported.into_iter().map(|what| Primitive { at_ms, what, is_stated: false }));
    }

    /// An export reported values without their time: those that differ from what it reported last hold from `at_ms` on.
    fn restate(
        &mut self,
        at_ms: i64,
        state: Option<State>,
        priority: Option<String>,
        owner: Option<String>,
        team: Option<String>,
    ) {
        let history = self.history();
        if let Some(opening) = self.deciding().filter(|opening| self.openings[*opening].at_ms >= at_ms) {
            let opening = &mut self.openings[opening];
            opening.priority = priority.or(opening.priority.take());
            opening.state = state.or(opening.state);
            opening.owner = owner.or(opening.owner.take());
            opening.team = team.or(opening.team.take());
            return;
        }
        let stated = || history.events.iter().rev().filter(|event| event.is_stated).map(|event| &event.what);
        let last_priority = stated().find_map(|what| match what {
            What::Priority(name) => Some(name.clone()),
            _ => None,
        });
        let last_owner = stated().find_map(|what| match what {
            What::Assigned { owner, .. } => owner.clone(),
            _ => None,
        });
        let last_team = stated().find_map(|what| match what {
            What::Assigned { team, .. } => team.clone(),
            _ => None,
        });
        let last_state = stated().find_map(|what| match what {
            What::State(state) => Some(*state),
            _ => None,
        });
        let priority = priority.filter(|name| *name != last_priority.unwrap_or(history.priority));
        let owner = owner.filter(|name| Some(name) != last_owner.or(history.owner).as_ref());
        let team = team.filter(|name| Some(name) != last_team.or(history.team).as_ref());
        let state = state.filter(|state| *state != last_state.unwrap_or(history.state));
        let mut reported: Vec<What> = priority.map(What::Priority).into_iter().collect();
        if owner.is_some() || team.is_some() {
            reported.push(What::Assigned { owner, team, is_report: true });
        }
        reported.extend(state.map(What::State));
        self.reported.extend(reported.into_iter().map(|what| Primitive { at_ms, what, is_stated: true }));
    }

    pub fn is_implied(&self) -> bool {
        self.openings.is_empty()
    }

    /// A label: the one that the latest row reported.
    pub fn label(&self, column: &str) -> Option<&String> {
        let of_column = self.labels.iter().filter(|(_, other, _)| *other == column);
        of_column.max_by_key(|(at_ms, ..)| *at_ms).map(|(.., label)| label)
    }

    /// The `opened` row whose own values count: the earliest one that has its own, or that is the event of a log.
    fn deciding(&self) -> Option<usize> {
        let own = |opening: &&Opening| match opening.reports {
            Openings::Log => true,
            Openings::Known => false,
            Openings::Current => opening.has_values,
        };
        let earliest = self.openings.iter().filter(own).map(|opening| opening.at_ms).min()?;
        self.openings.iter().position(|opening| own(&opening) && opening.at_ms == earliest)
    }

    pub fn history(&self) -> History {
        let mut events: Vec<Primitive> = Vec::new();
        for event in &self.reported {
            if !events.iter().any(|other| (other.at_ms, &other.what) == (event.at_ms, &event.what)) {
                events.push(event.clone());
            }
        }
        events.sort_by_key(|event| event.at_ms);
        if let Some(opening) = self.deciding().map(|opening| &self.openings[opening]) {
            let Opening { at_ms, state, priority, owner, team, assigned, .. } = opening.clone();
            let (priority, state) = (priority.unwrap_or(assigned), state.unwrap_or(State::New));
            return History { opened_ms: at_ms, priority, state, owner, team, events };
        }
        // Openings without values of their own take what was reported first; implied ones, what was reported at their time.
        let times = self.openings.iter().map(|opening| (opening.at_ms, &opening.assigned));
        let others = self.others.iter().map(|(at_ms, assigned)| (*at_ms, assigned));
        let earliest = |mut times: Vec<(i64, &String)>| {
            times.sort_by_key(|(at_ms, _)| *at_ms);
            times.first().map(|(at_ms, assigned)| (*at_ms, (*assigned).clone()))
        };
        let is_implied = self.is_implied();
        let found = earliest(if is_implied { others.collect() } else { times.collect() });
        let (opened_ms, assigned) = found.expect("a row opened the ticket");
        let counts = |at_ms: i64| !is_implied || at_ms == opened_ms;
        let reports_people = is_implied || self.openings.iter().any(|opening| opening.reports == Openings::Current);
        let priorities = events.iter().filter_map(|event| match &event.what {
            What::Priority(name) => Some((event.at_ms, name.clone())),
            _ => None,
        });
        let owners = events.iter().filter_map(|event| match &event.what {
            What::Assigned { owner, .. } => Some((event.at_ms, owner.clone()?)),
            _ => None,
        });
        let teams = events.iter().filter_map(|event| match &event.what {
            What::Assigned { team, .. } => Some((event.at_ms, team.clone()?)),
            _ => None,
        });
        let value =
            |reported: Option<(i64, String)>| reported.filter(|(at_ms, _)| counts(*at_ms)).map(|(_, name)| name);
        let priority = value(first(priorities)).unwrap_or(assigned);
        let owner = value(first(owners)).filter(|_| reports_people);
        let team = value(first(teams)).filter(|_| reports_people);
        History { opened_ms, priority, state: State::New, owner, team, events }
    }
}
