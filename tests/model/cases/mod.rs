//! Directed cases with their expected results, for model and engine.

mod changes;
mod deletion;
mod done;
mod late;
mod openings;
mod rewind;
mod superoffice;
mod time;

pub use super::calendars::{self, ALWAYS, EARLY, OFFICE};
pub use super::run::{Command, Edited, Row, check};
pub use super::{Apply, CatchUp, Kind, Output};
pub use overdue::calendar::Span;
pub use overdue::policy::{Actions, Clock, Effect, Level, OnPriorityChange, Policy, Priority, Rules, Threshold};
pub use overdue::ticket::{Column, EventKind, Openings, State, StateSet};
pub use overdue::time::{HOUR_MS, NEVER_MS, parse_rfc3339};
pub use std::sync::Arc;

/// An instant in Oslo in November 2026: `"16 09:00"`. The 16th is a Monday.
pub fn at(text: &str) -> i64 {
    let Some((day, time)) = text.split_once(' ') else { panic!("{text} is not a day and a time") };
    let text = format!("2026-11-{day}T{time}{}+01:00", if time.len() == 5 { ":00" } else { "" });
    parse_rfc3339(&text).unwrap_or_else(|error| panic!("{error}"))
}

pub fn hours(hours: i64) -> Span {
    Span::Business { ms: hours * HOUR_MS }
}

pub fn levels(thresholds: &[Threshold]) -> Vec<Level> {
    thresholds.iter().map(|at| Level { at: *at, actions: Actions::default() }).collect()
}

pub fn clock(target: Option<Span>, effects: &[(EventKind, Effect)], thresholds: &[Threshold]) -> Clock {
    let mut on = [Effect::None; EventKind::COUNT];
    effects.iter().for_each(|(kind, effect)| on[*kind as usize] = *effect);
    Clock {
        name: "watch".to_owned(),
        target,
        at_risk: 7_500,
        on,
        pause_while: StateSet::from_iter([State::Waiting]),
        starts_when_done: false,
        levels: levels(thresholds),
    }
}

/// From opening to resolution, and again from reopening.
pub fn resolution(target: Span, thresholds: &[Threshold]) -> Clock {
    use EventKind::{Opened, Reopened, Resolved};
    let effects = [(Opened, Effect::Start), (Resolved, Effect::Stop), (Reopened, Effect::Start)];
    clock(Some(target), &effects, thresholds)
}

pub fn priority(name: &str, calendar: &str, change: OnPriorityChange, clocks: Vec<Clock>) -> Arc<Priority> {
    let calendar = calendars::named(calendar);
    Arc::new(Priority { name: name.to_owned(), calendar, on_priority_change: change, clocks })
}

pub fn policy(priorities: Vec<Arc<Priority>>) -> Arc<Policy> {
    let calendars = calendars::all().to_vec();
    Arc::new(Policy { calendars, priorities, default_priority: 0, rules: Rules::default() })
}

/// A policy of one priority with one clock, in the office.
pub fn office(clock: Clock) -> Arc<Policy> {
    policy(vec![priority("normal", OFFICE, OnPriorityChange::FromStart, vec![clock])])
}

pub fn apply(rows: &[Row]) -> Command {
    Command::Apply(rows.to_vec(), CatchUp::Latest)
}

pub fn row(time: &str, kind: EventKind) -> Row {
    Row::new("T-1", at(time), kind)
}

pub fn opened(time: &str) -> Row {
    row(time, EventKind::Opened)
}

pub fn advance(time: &str) -> Command {
    Command::Advance(at(time))
}

/// Advances in steps, as a service does: hour by hour.
pub fn advance_slowly(from: &str, to: &str) -> Vec<Command> {
    (at(from)..=at(to)).step_by(HOUR_MS as usize).map(Command::Advance).collect()
}

/// Escalations in order of the commands: `(kind, due, cycle, level)`.
pub fn escalations(outputs: &[Output]) -> Vec<(Kind, i64, u16, u8)> {
    let all = outputs.iter().flat_map(|output| &output.escalations);
    all.map(|escalation| (escalation.kind, escalation.due_ms, escalation.cycle, escalation.level)).collect()
}

pub fn fired(expected: &[(&str, u16, u8)]) -> Vec<(Kind, i64, u16, u8)> {
    expected.iter().map(|(due, cycle, level)| (Kind::Fired, at(due), *cycle, *level)).collect()
}

/// Ended cycles in order of the commands: `(cycle, started, due, stopped, business hours, met)`.
pub fn cycles(outputs: &[Output]) -> Vec<(u16, i64, i64, i64, f64, Option<bool>)> {
    let all = outputs.iter().flat_map(|output| &output.cycles).filter(|cycle| !cycle.is_void);
    all.map(|c| (c.cycle, c.started_ms, c.due_ms, c.stopped_ms, c.business_ms as f64 / HOUR_MS as f64, c.met)).collect()
}

pub const TWO_HOURS: Threshold = Threshold::After(Span::Business { ms: 2 * HOUR_MS });
pub const FOUR_HOURS: Threshold = Threshold::After(Span::Business { ms: 4 * HOUR_MS });
pub const HALF: Threshold = Threshold::Percent(5_000);
pub const WHOLE: Threshold = Threshold::Percent(10_000);
pub const LATER: Threshold = Threshold::AfterTarget(Span::Business { ms: HOUR_MS });
