//! Cases of whole service levels: clocks with pauses, replies and closing, as another helpdesk computes them.
//!
//! The engine does the computation; this file maps a case to our policies and events, and the engine's results to the
//! conventions of the case's model:
//!
//! - Their `pause` and `resume` are our states waiting and open; `customer_contact` and `agent_contact` are customer and
//!   agent replies; their `first_response`, which the source reports as a separate event, is our `read`; `close` is closed.
//! - `elapsed` is the business time of a clock's finished cycle; of several (`update` runs once per exchange) the worst.
//!   `margin` is the target minus `elapsed`.
//! - `zammad-2022`: only running clocks are due, and none while the ticket is paused or closed; what ends at closing time is
//!   due at the next opening; due times are truncated to the minute. `zammad-2018`: due times stay after a clock is done.

use overdue::calendar::{Calendar, CalendarDefinition, Span};
use overdue::engine::{CatchUp, CycleRecord, Engine};
use overdue::policy::{Clock, Effect, OnPriorityChange, Policy, Priority, Rules};
use overdue::ticket::{Batch, EventKind, State, StateSet};
use overdue::time::{MINUTE_MS, NEVER_MS, SECOND_MS, format_rfc3339, parse_rfc3339};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug, Clone, Copy)]
struct Instant(i64);

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_rfc3339(&String::deserialize(deserializer)?).map(Self).map_err(serde::de::Error::custom)
    }
}

/// A calendar in the format of the cases.
#[derive(Debug, Deserialize)]
struct CaseCalendar {
    tz: String,
    weekly: BTreeMap<String, Vec<(String, String)>>,
    holidays: Vec<String>,
    overrides: BTreeMap<String, Vec<(String, String)>>,
}

impl CaseCalendar {
    fn compile(&self) -> Arc<Calendar> {
        let hours = |(day, hours): (&String, &Vec<(String, String)>)| {
            let hours: Vec<Value> = hours.iter().map(|(from, to)| format!("{from}-{to}").into()).collect();
            (day.clone(), Value::from(hours))
        };
        let mut definition: Map<String, Value> = self.weekly.iter().map(hours).collect();
        definition.insert("time_zone".to_owned(), self.tz.clone().into());
        definition.insert("holidays".to_owned(), json!(self.holidays));
        definition.insert("special".to_owned(), self.overrides.iter().map(hours).collect::<Map<_, _>>().into());
        let definition: CalendarDefinition = serde_json::from_value(definition.into()).unwrap();
        Arc::new(Calendar::new("case", &definition, &mut |_| Err("a case has no files".to_owned())).unwrap())
    }
}

#[derive(Debug, Deserialize)]
pub struct ServiceLevel {
    calendar: CaseCalendar,
    created: Instant,
    #[serde(default)]
    initially_paused: bool,
    targets: Targets,
    history: Vec<ClockEvent>,
    model: Model,
}

#[derive(Debug, Deserialize)]
struct Targets {
    first_response: Option<u32>,
    update: Option<u32>,
    solution: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct ClockEvent {
    at: Instant,
    event: Event,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    Pause,
    Resume,
    CustomerContact,
    AgentContact,
    FirstResponse,
    Close,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Model {
    #[serde(rename = "zammad-2018")]
    Zammad2018,
    #[serde(rename = "zammad-2022")]
    Zammad2022,
}

/// Our clocks, with their names in the response.
const CLOCKS: [(&str, EventKind, EventKind); 3] = [
    ("first_response", EventKind::Opened, EventKind::Read),
    ("update", EventKind::CustomerReply, EventKind::AgentReply),
    ("close", EventKind::Opened, EventKind::Closed),
];

impl ServiceLevel {
    /// What the engine computes for the case, in the terms of its model.
    pub fn result(&self) -> Value {
        let calendar = &self.calendar.compile();
        let mut engine = Engine::new(self.policy(calendar), 1);
        let outcome = engine.apply(&self.events(), CatchUp::None);
        let open = engine.open_cycles();
        let is_idle = self.is_idle();
        let mut response = Map::new();
        let mut next_due_ms = NEVER_MS;
        for (name, ..) in CLOCKS {
            let of_clock = |cycle: &&CycleRecord| engine.clock_name(cycle.clock) == name;
            let done = || outcome.cycles.iter().filter(of_clock);
            let running = open.iter().find(of_clock);
            let due_ms = match self.model {
                Model::Zammad2022 => running.filter(|_| !is_idle).map(|cycle| {
                    let due_ms = calendar.timeline().next_open(cycle.due_ms);
                    due_ms - due_ms % MINUTE_MS
                }),
                Model::Zammad2018 => running.or(done().next_back()).map(|cycle| cycle.due_ms),
            };
            next_due_ms = next_due_ms.min(due_ms.unwrap_or(NEVER_MS));
            response.insert(format!("{name}_due"), due_ms.map_or(Value::Null, |due_ms| format_rfc3339(due_ms).into()));
            let worst = done().map(|cycle| cycle.business_ms).max();
            if let (Some(worst_ms), Some(target_s)) = (worst, self.target_s(name)) {
                response.insert(format!("{name}_elapsed"), seconds(worst_ms));
                response.insert(format!("{name}_margin"), seconds(i64::from(target_s) * SECOND_MS - worst_ms));
            }
        }
        let next_due = if next_due_ms == NEVER_MS { Value::Null } else { format_rfc3339(next_due_ms).into() };
        response.insert("next_due".to_owned(), next_due);
        Value::Object(response)
    }

    fn target_s(&self, clock: &str) -> Option<u32> {
        match clock {
            "first_response" => self.targets.first_response,
            "update" => self.targets.update,
            _ => self.targets.solution,
        }
    }

    fn policy(&self, calendar: &Arc<Calendar>) -> Arc<Policy> {
        let clocks = CLOCKS.iter().filter_map(|&(name, starts, stops)| {
            let target = Span::Business { ms: i64::from(self.target_s(name)?) * SECOND_MS };
            let mut on = [Effect::None; EventKind::COUNT];
            on[starts as usize] = Effect::Start;
            on[stops as usize] = Effect::Stop;
            Some(Clock {
                name: name.to_owned(),
                target: Some(target),
                at_risk: 10_000,
                on,
                pause_while: StateSet::from_iter([State::Waiting]),
                starts_when_done: false,
                levels: Vec::new(),
            })
        });
        let priority = Priority {
            name: "case".to_owned(),
            calendar: Arc::clone(calendar),
            on_priority_change: OnPriorityChange::FromStart,
            clocks: clocks.collect(),
        };
        Arc::new(Policy {
            calendars: vec![Arc::clone(calendar)],
            priorities: vec![Arc::new(priority)],
            default_priority: 0,
            rules: Rules::default(),
        })
    }

    fn events(&self) -> Batch {
        let mut batch = Batch::default();
        let mut push = |at: &Instant, kind: EventKind, state: Option<State>| {
            batch.push("case", at.0, kind);
            if let Some(last) = batch.state.last_mut() {
                *last = state;
            }
        };
        let first = if self.initially_paused { State::Waiting } else { State::Open };
        push(&self.created, EventKind::Opened, Some(first));
        for ClockEvent { at, event } in &self.history {
            match event {
                Event::Pause => push(at, EventKind::StateChanged, Some(State::Waiting)),
                Event::Resume => push(at, EventKind::StateChanged, Some(State::Open)),
                Event::CustomerContact => push(at, EventKind::CustomerReply, None),
                Event::AgentContact => push(at, EventKind::AgentReply, None),
                Event::FirstResponse => push(at, EventKind::Read, None),
                Event::Close => push(at, EventKind::Closed, None),
            }
        }
        batch
    }

    /// Whether the ticket ends up paused or closed, in the order of the list.
    fn is_idle(&self) -> bool {
        self.history.iter().fold(self.initially_paused, |is_idle, next| match next.event {
            Event::Pause | Event::Close => true,
            Event::Resume => false,
            _ => is_idle,
        })
    }
}

fn seconds(ms: i64) -> Value {
    if ms % SECOND_MS == 0 { (ms / SECOND_MS).into() } else { (ms as f64 / SECOND_MS as f64).into() }
}
