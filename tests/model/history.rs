//! The history of a ticket, replayed from its first event to its last.

use super::commands::{Apply, Version};
use super::measure::{Carried, Cycle, Due, Ruler, Segment};
use overdue::policy::{Clock, Effect, OnPriorityChange, Priority};
use overdue::ticket::{EventKind, State};
use overdue::time::NEVER_MS;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A primitive event other than the opening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    Priority(String),
    /// With the owner and the team of the row. A report is an event only if one of them differs from the ticket's.
    Assigned {
        owner: Option<String>,
        team: Option<String>,
        is_report: bool,
    },
    /// Any kind without a state.
    Event(EventKind),
    /// The ticket's state from then on.
    State(State),
}

impl What {
    /// Whether the event removes the ticket from the index.
    pub fn is_deletion(&self) -> bool {
        matches!(self, What::Event(EventKind::Deleted | EventKind::Merged))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Primitive {
    pub at_ms: i64,
    pub what: What,
    /// Reported by the row of an export without a time of its own.
    pub is_stated: bool,
}

/// All events of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    pub opened_ms: i64,
    pub priority: String,
    pub state: State,
    pub owner: Option<String>,
    pub team: Option<String>,
    /// By their time, then by arrival.
    pub events: Vec<Primitive>,
}

impl History {
    /// The time at which an event takes effect: not before the opening.
    pub fn effective_ms(&self, at_ms: i64) -> i64 {
        at_ms.max(self.opened_ms)
    }

    pub fn last_ms(&self) -> i64 {
        self.events.iter().map(|event| self.effective_ms(event.at_ms)).fold(self.opened_ms, i64::max)
    }

    /// Owner and team after everything up to an instant.
    pub fn assigned_at(&self, at_ms: i64) -> (Option<&str>, Option<&str>) {
        let (mut owner, mut team) = (self.owner.as_deref(), self.team.as_deref());
        for event in self.events.iter().filter(|event| event.at_ms <= at_ms) {
            if let What::Assigned { owner: next_owner, team: next_team, .. } = &event.what {
                owner = next_owner.as_deref().or(owner);
                team = next_team.as_deref().or(team);
            }
        }
        (owner, team)
    }

    /// The same opening, without events.
    pub fn opening(&self) -> History {
        History { events: Vec::new(), ..self.clone() }
    }

    /// Adds an event.
    pub fn insert(&mut self, event: Primitive) {
        self.events.push(event);
        self.events.sort_by_key(|event| event.at_ms);
    }
}

/// A cycle that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub number: u16,
    pub started_ms: i64,
    pub due_ms: i64,
    pub stopped_ms: i64,
    pub business_ms: i64,
    pub met: Option<bool>,
    /// Levels that were reached, and when.
    pub levels: BTreeMap<u8, Due>,
    /// Ended by the deletion of the ticket: not reported.
    pub without_result: bool,
}

/// The cycles of a clock.
#[derive(Debug, Clone, Default)]
pub struct Run {
    pub ended: Vec<Ended>,
    pub open: Option<Cycle>,
    /// The highest level that the last cycle reached.
    last_level: u8,
}

impl Run {
    fn next_number(&self) -> u16 {
        self.ended.last().map_or(0, |cycle| cycle.number) + 1
    }

    fn begin(&mut self, at_ms: i64, floor: u8, ruler: Ruler<'_>) {
        let carried = (floor > 0).then(|| Carried { at_ms, spent_ms: ruler.standing_at(at_ms, floor) });
        self.open = Some(Cycle {
            number: self.next_number(),
            started_ms: at_ms,
            carried,
            floor,
            segments: Vec::new(),
            paused_by_event: false,
            measured_ms: at_ms,
            reached: BTreeMap::new(),
        });
    }

    fn end(&mut self, at_ms: i64, ruler: Ruler<'_>, by: By) {
        let Some(mut cycle) = self.open.take() else { return };
        let is_reached = |due_ms: i64| by.comes_after(due_ms, at_ms);
        keep_reached(&mut cycle, ruler, is_reached);
        let business_ms = ruler.spent(&cycle, at_ms);
        let target = ruler.target(cycle.started_ms);
        let missed = target.map(|amount| ruler.reach(&cycle, amount).at_ms.is_some_and(is_reached));
        if missed == Some(false) && cycle.segments.last().is_none_or(|last| last.to_ms.is_some()) {
            // The due time counts as if the cycle had continued from its stop.
            cycle.segments.push(Segment { from_ms: at_ms, to_ms: None });
        }
        self.last_level = standing(&cycle);
        self.ended.push(Ended {
            number: cycle.number,
            started_ms: cycle.started_ms,
            due_ms: target.map_or(NEVER_MS, |amount| ruler.reach(&cycle, amount).due_ms),
            stopped_ms: at_ms,
            business_ms,
            met: missed.map(|missed| !missed),
            levels: cycle.reached,
            without_result: by == By::Deletion,
        });
    }
}

/// What ends a cycle or recalculates it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Event,
    /// The event that removes the ticket from the index.
    Deletion,
    Edit,
}

impl By {
    /// At the same instant, events come first, then due levels, then edits.
    fn comes_after(self, due_ms: i64, at_ms: i64) -> bool {
        due_ms < at_ms || (self == By::Edit && due_ms == at_ms)
    }
}

fn pause(cycle: &mut Cycle, at_ms: i64) {
    if let Some(last) = cycle.segments.last_mut() {
        last.to_ms.get_or_insert(at_ms);
    }
}

fn standing(cycle: &Cycle) -> u8 {
    cycle.reached.keys().copied().fold(cycle.floor, u8::max)
}

/// Records the levels that are reached; they stay reached.
fn keep_reached(cycle: &mut Cycle, ruler: Ruler<'_>, is_reached: impl Fn(i64) -> bool) {
    for (level, due) in dues(cycle, ruler) {
        if is_reached(due.at_ms) {
            cycle.reached.insert(level, due);
        }
    }
}

/// All levels that are reached, and those that fall due if the open segment continues.
pub fn dues(cycle: &Cycle, ruler: Ruler<'_>) -> BTreeMap<u8, Due> {
    let mut dues = cycle.reached.clone();
    for level in cycle.floor + 1..=ruler.clock.levels.len() as u8 {
        let reach = ruler.level(cycle.started_ms, level).and_then(|amount| ruler.reach(cycle, amount).at_ms);
        if let Some(at_ms) = reach {
            dues.entry(level).or_insert(Due { at_ms, is_passed: at_ms < cycle.measured_ms });
        }
    }
    dues
}

/// A ticket after its history.
pub struct Replay {
    pub state: State,
    owner: Option<String>,
    team: Option<String>,
    pub priority: Arc<Priority>,
    pub runs: BTreeMap<String, Run>,
    pub is_deleted: bool,
}

impl Replay {
    pub fn of(history: &History, versions: &[Version]) -> Replay {
        let mut replay = Replay {
            state: State::New,
            owner: history.owner.clone(),
            team: history.team.clone(),
            priority: in_force(versions, &history.priority, |since_ms| since_ms <= history.opened_ms),
            runs: BTreeMap::new(),
            is_deleted: false,
        };
        let mut edits = (1..versions.len()).filter(|edit| versions[*edit].at_ms > history.opened_ms).peekable();
        replay.begin(history);
        for (index, event) in history.events.iter().enumerate() {
            let at_ms = history.effective_ms(event.at_ms);
            while let Some(edit) = edits.next_if(|edit| versions[*edit].at_ms < at_ms) {
                replay.edit(versions, edit, history, index);
            }
            if event.what.is_deletion() {
                replay.delete(at_ms);
                return replay;
            }
            if let What::Priority(name) = &event.what {
                if *name != replay.priority.name {
                    // At the same instant, events come before edits.
                    let is_in_force = |since_ms| since_ms < at_ms || since_ms <= history.opened_ms;
                    let next = in_force(versions, name, is_in_force);
                    let mode = next.on_priority_change;
                    replay.change(&next, mode, at_ms, By::Event, &history.events[..index], history);
                    replay.effects(EventKind::PriorityChanged, at_ms);
                }
            } else {
                replay.apply(&event.what, at_ms);
            }
            replay.run_or_pause(at_ms);
        }
        for edit in edits {
            replay.edit(versions, edit, history, history.events.len());
        }
        replay
    }

    pub fn ruler<'a>(priority: &'a Priority, clock: &'a Clock) -> Ruler<'a> {
        Ruler { timeline: priority.calendar.timeline(), clock }
    }

    /// The clocks with an open cycle.
    pub fn open(&self) -> impl Iterator<Item = (&Clock, &Cycle)> {
        self.priority.clocks.iter().filter_map(|clock| Some((clock, self.runs.get(&clock.name)?.open.as_ref()?)))
    }

    /// Opens the ticket; one that is opened as done is done at once.
    fn begin(&mut self, history: &History) {
        let at_ms = history.opened_ms;
        self.state = if history.state.is_done() { State::New } else { history.state };
        self.effects(EventKind::Opened, at_ms);
        self.run_or_pause(at_ms);
        self.apply(&What::State(history.state), at_ms);
        self.run_or_pause(at_ms);
    }

    /// Applies an event other than a change of priority.
    fn apply(&mut self, what: &What, at_ms: i64) {
        match what {
            What::Assigned { owner, team, is_report } => {
                let differs =
                    |reported: &Option<String>, known: &Option<String>| reported.is_some() && reported != known;
                let is_event = !is_report || differs(owner, &self.owner) || differs(team, &self.team);
                self.owner = owner.clone().or(self.owner.take());
                self.team = team.clone().or(self.team.take());
                if is_event {
                    self.effects(EventKind::Assigned, at_ms);
                }
            }
            What::Event(kind) => self.effects(*kind, at_ms),
            What::State(next) => {
                if let Some(kind) = state_event(self.state, *next) {
                    self.effects(kind, at_ms);
                    self.state = *next;
                }
            }
            What::Priority(_) => {}
        }
    }

    fn effects(&mut self, kind: EventKind, at_ms: i64) {
        use EventKind::{Closed, Opened, Reopened, Resolved, StateChanged};
        let priority = Arc::clone(&self.priority);
        for clock in &priority.clocks {
            let ruler = Self::ruler(&priority, clock);
            let run = self.runs.entry(clock.name.clone()).or_default();
            // A done ticket begins nothing, unless its state changes or the clock says so.
            let changes_state = [Opened, Reopened, Resolved, Closed, StateChanged].contains(&kind);
            let begins_nothing = self.state.is_done() && !changes_state && !clock.starts_when_done;
            match clock.on[kind as usize] {
                Effect::Start | Effect::Restart if begins_nothing => {}
                Effect::Continue if begins_nothing => set_paused_by_event(run, false),
                Effect::None => {}
                Effect::Start if run.open.is_none() => run.begin(at_ms, 0, ruler),
                Effect::Continue if run.open.is_none() => {
                    run.begin(at_ms, run.last_level.min(clock.levels.len() as u8), ruler);
                }
                Effect::Start => {}
                Effect::Pause => set_paused_by_event(run, true),
                Effect::Resume | Effect::Continue => set_paused_by_event(run, false),
                Effect::Restart => {
                    run.end(at_ms, ruler, By::Event);
                    run.begin(at_ms, 0, ruler);
                }
                Effect::Stop => run.end(at_ms, ruler, By::Event),
            }
        }
    }

    /// Opens and closes segments, by pauses of events and by the state of the ticket.
    fn run_or_pause(&mut self, at_ms: i64) {
        for clock in &self.priority.clocks {
            let Some(cycle) = self.runs.get_mut(&clock.name).and_then(|run| run.open.as_mut()) else { continue };
            if cycle.paused_by_event || clock.pause_while.contains(self.state) {
                pause(cycle, at_ms);
            } else {
                match cycle.segments.last_mut() {
                    Some(last) if last.to_ms.is_none() => {}
                    // A pause without duration does not count.
                    Some(last) if last.to_ms == Some(at_ms) => last.to_ms = None,
                    _ => cycle.segments.push(Segment { from_ms: at_ms, to_ms: None }),
                }
            }
        }
    }

    /// Removes the ticket from the index, independent of the effects of the event.
    fn delete(&mut self, at_ms: i64) {
        for clock in &self.priority.clocks {
            if let Some(run) = self.runs.get_mut(&clock.name) {
                run.end(at_ms, Self::ruler(&self.priority, clock), By::Deletion);
            }
        }
        self.is_deleted = true;
    }

    fn edit(&mut self, versions: &[Version], edit: usize, history: &History, before: usize) {
        let Version { at_ms, apply, .. } = versions[edit];
        let mode = match apply {
            Apply::NewTickets => return,
            Apply::FromStart => OnPriorityChange::FromStart,
            Apply::FromNow => OnPriorityChange::Carry,
        };
        let find = |version: &Version| version.policy.priorities.iter().find(|p| p.name == self.priority.name).cloned();
        // choice: a priority that the edit removes stays in force under its last version.
        let Some(next) = find(&versions[edit]) else { return };
        if find(&versions[edit - 1]).is_some_and(|last| last == next) {
            return;
        }
        // choice: an edit is no event of the ticket, so `priority_changed` has no effect.
        self.change(&next, mode, at_ms, By::Edit, &history.events[..before], history);
        self.run_or_pause(at_ms);
    }

    fn change(
        &mut self,
        next: &Arc<Priority>,
        mode: OnPriorityChange,
        at_ms: i64,
        by: By,
        before: &[Primitive],
        history: &History,
    ) {
        let last = std::mem::replace(&mut self.priority, Arc::clone(next));
        let named = |priority: &Priority, name: &str| priority.clocks.iter().position(|clock| clock.name == name);
        for old in &last.clocks {
            let ruler = Self::ruler(&last, old);
            let Some(run) = self.runs.get_mut(&old.name) else { continue };
            let Some(new) = named(next, &old.name) else {
                run.end(at_ms, ruler, by);
                continue;
            };
            let new_ruler = Self::ruler(next, &next.clocks[new]);
            let Some(cycle) = run.open.as_mut() else { continue };
            keep_reached(cycle, ruler, |due_ms| by.comes_after(due_ms, at_ms));
            cycle.measured_ms = at_ms;
            match mode {
                OnPriorityChange::FromStart => cycle.carried = None,
                OnPriorityChange::Carry => {
                    cycle.carried = Some(Carried { at_ms, spent_ms: ruler.spent(cycle, at_ms) });
                }
                OnPriorityChange::Restart => {
                    run.end(at_ms, ruler, by);
                    run.begin(at_ms, 0, new_ruler);
                }
                OnPriorityChange::KeepLevel => {
                    cycle.floor = standing(cycle);
                    let spent_ms = new_ruler.standing_at(cycle.started_ms, cycle.floor);
                    cycle.carried = Some(Carried { at_ms, spent_ms });
                }
            }
        }
        for new in next.clocks.iter().filter(|clock| named(&last, &clock.name).is_none()) {
            let mut started = as_if_always(new, next, before, history);
            let run = self.runs.entry(new.name.clone()).or_default();
            if let Some(cycle) = &mut started {
                cycle.number = run.next_number();
                cycle.measured_ms = at_ms;
                if mode != OnPriorityChange::FromStart {
                    // Without time spent so far.
                    cycle.carried = Some(Carried { at_ms, spent_ms: 0 });
                }
            }
            // choice: the clock has reached no level yet.
            run.last_level = 0;
            run.open = started;
        }
    }
}

fn set_paused_by_event(run: &mut Run, is_paused: bool) {
    if let Some(cycle) = &mut run.open {
        cycle.paused_by_event = is_paused;
    }
}

/// The open cycle of a clock that has always been part of the priority, measured from its last start.
fn as_if_always(clock: &Clock, priority: &Priority, before: &[Primitive], history: &History) -> Option<Cycle> {
    let alone = Priority { clocks: vec![clock.clone()], ..priority.clone() };
    let (state, owner, team) = (State::New, history.owner.clone(), history.team.clone());
    let mut replay = Replay { state, owner, team, priority: Arc::new(alone), runs: BTreeMap::new(), is_deleted: false };
    let mut name = history.priority.as_str();
    replay.begin(history);
    for event in before {
        let at_ms = history.effective_ms(event.at_ms);
        if let What::Priority(next) = &event.what {
            if name != next {
                name = next;
                replay.effects(EventKind::PriorityChanged, at_ms);
            }
        } else {
            replay.apply(&event.what, at_ms);
        }
        replay.run_or_pause(at_ms);
    }
    let mut cycle = replay.runs.remove(&clock.name)?.open?;
    // choice: the cycle has reached no level, even if an event would have continued an earlier one.
    cycle.floor = 0;
    cycle.carried = None;
    Some(cycle)
}

/// The kind of a change of state; `None` if the state is the same.
pub fn state_event(from: State, to: State) -> Option<EventKind> {
    match (from, to) {
        _ if from == to => None,
        (_, State::Resolved) => Some(EventKind::Resolved),
        (_, State::Closed) => Some(EventKind::Closed),
        (State::Resolved | State::Closed, _) => Some(EventKind::Reopened),
        _ => Some(EventKind::StateChanged),
    }
}

/// The version of a priority in force at an instant; its first version if it has none yet.
fn in_force(versions: &[Version], name: &str, is_in_force: impl Fn(i64) -> bool) -> Arc<Priority> {
    let named = |version: &Version| version.policy.priorities.iter().find(|priority| priority.name == name).cloned();
    let then = versions.iter().filter(|version| is_in_force(version.at_ms)).rev().find_map(named);
    then.or_else(|| versions.iter().find_map(named))
        .unwrap_or_else(|| panic!("no version has the priority {name}; its row must be rejected"))
}
