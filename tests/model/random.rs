//! Random policies and workloads from a seed.

use super::run::{Command, Edited, Row, run_model};
use super::{Apply, CatchUp, Model, calendars};
use crate::support::random::Random;
use overdue::calendar::Span;
use overdue::limits::MAX_LEVELS;
use overdue::policy::{Actions, Clock, Effect, Level, OnPriorityChange, Policy, Priority, Rules, Threshold};
use overdue::ticket::{Column, EventKind, Openings, State, StateSet};
use overdue::time::{DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS};
use std::sync::Arc;

impl Random {
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

/// What a workload contains.
#[derive(Debug, Clone, Copy, Default)]
pub struct Profile {
    /// Events ahead of the time of the engine.
    pub ahead: bool,
    /// Events at or before the time of the engine, in order within their ticket.
    pub behind: bool,
    /// Events before the last one of their ticket, and repeated rows.
    pub late: bool,
    /// Changes of priority.
    pub priorities: bool,
    /// Tickets that are deleted or merged.
    pub deletions: bool,
    pub edits: bool,
    pub catch_ups: bool,
    /// Commands between whole seconds.
    pub milliseconds: bool,
    /// Batches of restated tickets.
    pub exports: bool,
    /// Rewinds of the time.
    pub rewinds: bool,
}

/// A workload with all of it.
pub const EVERYTHING: Profile = Profile {
    ahead: true,
    behind: true,
    late: true,
    priorities: true,
    deletions: true,
    edits: true,
    catch_ups: true,
    milliseconds: true,
    exports: true,
    rewinds: true,
};

/// A Thursday, three days before summer time begins in Europe.
const START_MS: i64 = 1_774_504_800_000;
const CLOCKS: [&str; 5] = ["first_response", "next_response", "resolution", "watch", "update"];
const PRIORITIES: [&str; 4] = ["low", "normal", "high", "urgent"];
const CATCH_UPS: [CatchUp; 3] = [CatchUp::All, CatchUp::Latest, CatchUp::None];

fn hours(hours: i64) -> Span {
    Span::Business { ms: hours * HOUR_MS }
}

fn level(at: Threshold) -> Level {
    Level { at, actions: Actions::default() }
}

fn random_levels(random: &mut Random, target: Option<Span>) -> Vec<Level> {
    let minutes = |minutes: i64| Span::Business { ms: minutes * MINUTE_MS };
    let mut candidates: Vec<Threshold> = Vec::new();
    let after = [minutes(0), Span::Business { ms: SECOND_MS }, minutes(20)].map(Threshold::After);
    candidates.extend(after);
    if target.is_some() {
        candidates.extend([2_500, 3_333, 5_000, 7_500, 9_000, 10_000].map(Threshold::Percent));
        let after_target = [minutes(30), hours(2), hours(4), Span::BusinessDays(1), Span::BusinessDays(3)];
        candidates.extend(after_target.map(Threshold::AfterTarget));
        if random.chance(30) {
            candidates.push(Threshold::AfterTarget(Span::CalendarDays(9)));
        }
    } else {
        let after = [minutes(30), hours(1), hours(2), hours(4), Span::BusinessDays(1), Span::BusinessDays(2)];
        candidates.extend(after.map(Threshold::After));
        if random.chance(30) {
            candidates.push(Threshold::After(Span::CalendarDays(9)));
        }
    }
    let keep = 10 + random.below(60);
    candidates.into_iter().filter(|_| random.chance(keep)).map(level).take(MAX_LEVELS).collect()
}

fn random_states(random: &mut Random) -> StateSet {
    let waiting = random.chance(50).then_some(State::Waiting);
    let any = random.chance(15).then(|| random.pick(&State::ALL));
    waiting.into_iter().chain(any).collect()
}

fn random_clock(random: &mut Random, name: &str) -> Clock {
    let targets = [
        None,
        Some(hours(2)),
        Some(hours(4)),
        Some(Span::Business { ms: 5 * HOUR_MS + 20 * MINUTE_MS + 17 }),
        Some(hours(20)),
        Some(Span::BusinessDays(1)),
        Some(Span::BusinessDays(2)),
        Some(Span::CalendarDays(1)),
        Some(Span::CalendarDays(3)),
    ];
    let target = random.pick(&targets);
    let mut on = [Effect::None; EventKind::COUNT];
    let effects =
        [Effect::Start, Effect::Pause, Effect::Resume, Effect::Restart, Effect::Stop, Effect::Continue, Effect::Stop];
    let density = random.pick(&[10, 25, 50]);
    for effect in &mut on {
        if random.chance(density) {
            *effect = random.pick(&effects);
        }
    }
    on[EventKind::Opened as usize] =
        random.pick(&[Effect::Start, Effect::Start, Effect::Start, Effect::Restart, Effect::Continue, Effect::None]);
    if random.chance(70) {
        on[EventKind::Resolved as usize] = random.pick(&[Effect::Stop, Effect::Stop, Effect::Pause]);
        on[EventKind::Closed as usize] = Effect::Stop;
        on[EventKind::Reopened as usize] =
            random.pick(&[Effect::Start, Effect::Restart, Effect::Continue, Effect::Resume]);
    }
    let at_risk = random.pick(&[7_500, 7_500, 5_000, 9_000, 10_000]);
    let (pause_while, levels) = (random_states(random), random_levels(random, target));
    Clock { name: name.to_owned(), target, at_risk, on, pause_while, starts_when_done: levels.len() % 3 == 1, levels }
}

fn random_priority(random: &mut Random, name: &str) -> Priority {
    let mut clocks: Vec<Clock> = Vec::new();
    for _ in 0..1 + random.below(4) {
        let name = random.pick(&CLOCKS);
        if clocks.iter().all(|clock| clock.name != name) {
            clocks.push(random_clock(random, name));
        }
    }
    let changes =
        [OnPriorityChange::FromStart, OnPriorityChange::Carry, OnPriorityChange::Restart, OnPriorityChange::KeepLevel];
    Priority {
        name: name.to_owned(),
        calendar: random.pick(calendars::all()),
        on_priority_change: random.pick(&changes),
        clocks,
    }
}

pub fn random_policy(random: &mut Random) -> Arc<Policy> {
    let count = 1 + random.below(PRIORITIES.len());
    let priorities: Vec<_> = PRIORITIES[..count].iter().map(|name| Arc::new(random_priority(random, name))).collect();
    Arc::new(Policy {
        calendars: calendars::all().to_vec(),
        default_priority: random.below(count) as u16,
        priorities,
        rules: Rules::default(),
    })
}

/// The same priorities, some of them changed.
fn random_edit(random: &mut Random, policy: &Policy) -> Arc<Policy> {
    let mut edited = policy.clone();
    for priority in &mut edited.priorities {
        if random.chance(40) {
            continue;
        }
        let mut changed = (**priority).clone();
        match random.below(5) {
            0 => changed.calendar = random.pick(calendars::all()),
            1 => changed = random_priority(random, &priority.name),
            2 => {
                let clock = random.below(changed.clocks.len());
                changed.clocks[clock].target = changed.clocks[clock].target.map(|_| hours(1 + random.below(9) as i64));
            }
            3 => {
                let clock = random.below(changed.clocks.len());
                changed.clocks[clock] = random_clock(random, &changed.clocks[clock].name.clone());
            }
            _ => {
                let clock = random.below(changed.clocks.len());
                changed.clocks[clock].levels = random_levels(random, changed.clocks[clock].target);
            }
        }
        *priority = Arc::new(changed);
    }
    Arc::new(edited)
}

/// A generator of commands. It runs a model of its own, to place events exactly at due times.
struct Workload<'a> {
    random: &'a mut Random,
    profile: Profile,
    model: Model,
    policy: Arc<Policy>,
    /// Every row so far, to repeat.
    rows: Vec<Row>,
    tickets: usize,
}

pub fn random_commands(random: &mut Random, policy: &Arc<Policy>, profile: Profile, count: usize) -> Vec<Command> {
    let tickets = 1 + random.below(8);
    let model = Model::new(Arc::clone(policy));
    let mut workload = Workload { random, profile, model, policy: Arc::clone(policy), rows: Vec::new(), tickets };
    let mut commands = vec![Command::Advance(START_MS)];
    run_model(&mut workload.model, &commands[0]);
    while commands.len() < count {
        for command in workload.next() {
            run_model(&mut workload.model, &command);
            commands.push(command);
        }
    }
    commands.push(Command::Advance(workload.model.now_ms() + 30 * DAY_MS));
    commands
}

impl Workload<'_> {
    fn next(&mut self) -> Vec<Command> {
        match self.random.below(20) {
            0 if self.profile.edits => {
                // At an instant without other events.
                let now_ms = self.later() / MINUTE_MS * MINUTE_MS + MINUTE_MS + 7 * SECOND_MS;
                self.policy = random_edit(self.random, &self.policy);
                let apply = self.random.pick(&[Apply::FromStart, Apply::FromNow, Apply::NewTickets]);
                let edit = Command::Edit(Edited(Arc::clone(&self.policy)), apply, self.random.pick(&CATCH_UPS));
                vec![Command::Advance(now_ms), edit, Command::Advance(now_ms + SECOND_MS)]
            }
            1 if self.profile.catch_ups => vec![Command::CatchUp(self.later(), self.random.pick(&CATCH_UPS))],
            2 if self.profile.rewinds => {
                // At an instant without other events, because edits move to it.
                let step_ms = self.random.pick(&[SECOND_MS, HOUR_MS, DAY_MS, 40 * DAY_MS]);
                let back_ms = step_ms * (1 + self.random.below(3) as i64);
                let now_ms = (self.model.now_ms() - back_ms).max(START_MS - 2 * DAY_MS);
                let now_ms = now_ms / MINUTE_MS * MINUTE_MS + 7 * SECOND_MS;
                let rewind = Command::Rewind(now_ms, self.random.pick(&CATCH_UPS));
                vec![rewind, Command::Advance(now_ms + SECOND_MS)]
            }
            3 if self.profile.exports => vec![Command::FreeLabels],
            2..=7 => vec![Command::Advance(self.later())],
            _ => {
                let mut rows = (0..1 + self.random.below(5)).map(|_| self.row()).collect::<Vec<Row>>();
                if self.profile.exports && self.random.chance(50) {
                    self.export(&mut rows);
                }
                vec![Command::Apply(self.in_order(rows), self.random.pick(&CATCH_UPS))]
            }
        }
    }

    /// Repeats some openings, as exports do: of a log that repeats when tickets began; of tickets with the time of their last
    /// change; of tickets with their current values and no time of their own.
    fn export(&mut self, rows: &mut Vec<Row>) {
        let openings = self.random.pick(&[Openings::Known, Openings::Current, Openings::Current]);
        let has_values = openings == Openings::Current && self.random.chance(50);
        let opened: Vec<Row> = self.rows.iter().filter(|row| row.kind == EventKind::Opened).cloned().collect();
        for _ in 0..self.random.below(3).min(opened.len()) {
            let mut row = self.random.pick(&opened);
            let names: Vec<String> = self.policy.priorities.iter().map(|priority| priority.name.clone()).collect();
            row.labels.retain(|(column, _)| !matches!(column, Column::Priority | Column::Owner | Column::Team));
            row.state = None;
            if !has_values {
                rows.push(row.clone());
                // The values have a time of their own, in a row of another kind.
                let at_ms = self.at_ms(&row.ticket);
                row = Row { at_ms, kind: EventKind::StateChanged, ..row };
            }
            if self.random.chance(50) {
                row = row.priority(&self.random.pick(&names));
            }
            if self.random.chance(30) {
                row = row.label(Column::Owner, self.random.pick(&["ann", "bo", "cy"]));
            }
            if self.random.chance(30) {
                row = row.label(Column::Team, self.random.pick(&["billing", "network"]));
            }
            row.state = self.random.chance(50).then(|| self.random.pick(&State::ALL));
            rows.push(row);
        }
        rows.iter_mut().for_each(|row| row.openings = openings);
    }

    /// Sorts the rows of a batch, unless the workload has late events.
    fn in_order(&self, mut rows: Vec<Row>) -> Vec<Row> {
        if !self.profile.late {
            rows.sort_by_key(|row| row.at_ms);
        }
        rows
    }

    fn later(&mut self) -> i64 {
        let now_ms = self.model.now_ms();
        let due = self.some_due().filter(|due_ms| *due_ms > now_ms && self.random.chance(30));
        let step_ms = self.random.pick(&[SECOND_MS, 5 * MINUTE_MS, HOUR_MS, HOUR_MS, 6 * HOUR_MS, DAY_MS]);
        let now_ms = due.unwrap_or(now_ms + step_ms * (1 + self.random.below(3) as i64));
        if self.profile.milliseconds {
            now_ms + self.random.below(1_500) as i64
        } else {
            (now_ms + 999) / 1_000 * 1_000
        }
    }

    fn some_due(&mut self) -> Option<i64> {
        let ticket = format!("t{}", self.random.below(self.tickets));
        let dues = self.model.dues(&ticket);
        (!dues.is_empty()).then(|| self.random.pick(&dues))
    }

    fn at_ms(&mut self, ticket: &str) -> i64 {
        let now_ms = self.model.now_ms();
        let pending = self.rows.iter().filter(|row| row.ticket == ticket).map(|row| row.at_ms).max();
        let Profile { ahead, behind, late, .. } = self.profile;
        let lowest_ms = match (late, pending) {
            (false, Some(last_ms)) => last_ms,
            _ => START_MS - 2 * DAY_MS,
        };
        let lowest_ms = if behind { lowest_ms } else { lowest_ms.max(now_ms + 1) };
        let dues: Vec<i64> = self.model.dues(ticket);
        let offset_ms = MINUTE_MS * 5 * self.random.below(200) as i64;
        let mut at_ms = match self.random.below(10) {
            0..=2 if !dues.is_empty() => self.random.pick(&dues) + self.random.pick(&[0, 0, 0, -1, 1, 1_000]),
            3..=5 if behind => now_ms - offset_ms,
            6 => now_ms,
            7 => pending.unwrap_or(now_ms),
            _ => now_ms + if ahead { offset_ms } else { 0 },
        };
        if !ahead {
            at_ms = at_ms.min(now_ms);
        }
        at_ms.max(lowest_ms).max(START_MS - 2 * DAY_MS)
    }

    fn row(&mut self) -> Row {
        if self.profile.late && !self.rows.is_empty() && self.random.chance(10) {
            return self.random.pick(&self.rows.clone());
        }
        let ticket = format!("t{}", self.random.below(self.tickets));
        let at_ms = self.at_ms(&ticket);
        let is_new = self.rows.iter().all(|row| row.ticket != ticket);
        let mut kinds = vec![
            EventKind::Read,
            EventKind::AgentReply,
            EventKind::AgentReply,
            EventKind::CustomerReply,
            EventKind::CustomerReply,
            EventKind::Note,
            EventKind::Assigned,
            EventKind::StateChanged,
            EventKind::StateChanged,
            EventKind::StateChanged,
            EventKind::Escalated,
            EventKind::Acknowledged,
            EventKind::Snoozed,
            EventKind::Resolved,
            EventKind::Closed,
            EventKind::Reopened,
        ];
        if self.profile.priorities {
            kinds.extend([EventKind::PriorityChanged; 3]);
        }
        if self.profile.late {
            kinds.push(EventKind::Opened);
        }
        if self.profile.deletions && self.random.chance(30) {
            kinds.extend([EventKind::Deleted, EventKind::Merged]);
        }
        let kind = if is_new && self.random.chance(90) { EventKind::Opened } else { self.random.pick(&kinds) };
        let mut row = Row::new(&ticket, at_ms, kind);
        if kind == EventKind::StateChanged || self.random.chance(10) {
            row = row.state(self.random.pick(&State::ALL));
        }
        let names: Vec<String> = self.policy.priorities.iter().map(|priority| priority.name.clone()).collect();
        let changes = kind == EventKind::PriorityChanged || (self.profile.priorities && self.random.chance(5));
        if changes || (kind == EventKind::Opened && self.random.chance(70)) {
            row = row.priority(&self.random.pick(&names));
        } else if self.random.chance(1) {
            row = row.priority("unheard_of");
        }
        if kind == EventKind::Assigned {
            row = row.label(Column::Owner, self.random.pick(&["ann", "bo", "cy"]));
        }
        if matches!(kind, EventKind::Assigned | EventKind::Opened) && self.random.chance(50) {
            row = row.label(Column::Team, self.random.pick(&["billing", "network"]));
        }
        for column in [Column::Channel, Column::Category, Column::Customer] {
            if self.random.chance(15) {
                row = row.label(column, self.random.pick(&["a", "b", "c"]));
            }
        }
        self.rows.push(row.clone());
        row
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

/// The seeds of a random test: from 1 to a number of runs, or those of the environment.
pub fn seeds(default_runs: u64) -> std::ops::RangeInclusive<u64> {
    let runs = number("OVERDUE_RUNS").unwrap_or(default_runs);
    number("OVERDUE_SEED").map_or(1..=runs, |seed| seed..=seed)
}
