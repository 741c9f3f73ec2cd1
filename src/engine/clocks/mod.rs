//! The effect of events on a ticket's clocks, one event at a time.
//!
//! A [`TicketClocks`] is a ticket between two events: its version, its state, its clocks. All changes of clocks happen here and
//! in `migrate.rs`, for live events, late events and whole event logs alike. The caller's [`Sink`] decides what happens to the
//! levels that are reached and the cycles that end.

pub(crate) mod deadlines;
pub(crate) mod event;
pub(crate) mod migrate;
pub(crate) mod state;
pub(crate) mod versions;

use super::interner::{NO_SYMBOL, Symbol};
use crate::limits::MAX_CLOCKS;
use crate::policy::Effect;
use crate::ticket::{EventKind, State};
use crate::time::NEVER_MS;
use deadlines::CompiledClock;
use event::{CurrentState, StoredEvent};
use serde::{Deserialize, Serialize};
use state::{AT_RISK, BREACH, ClockState, LEVEL_BITS};
use utoipa::ToSchema;
use versions::{VersionId, Versions};

/// How a cycle ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CycleResult {
    /// Stopped before its target was reached.
    Met,
    /// Stopped after its target was reached.
    Missed,
    /// Its clock has no target.
    NoTarget,
    /// Not stopped yet, target not reached.
    Open,
    /// Not stopped yet, target reached.
    OpenMissed,
    /// Reported before, then undone by a late event.
    Void,
}

impl CycleResult {
    pub const ALL: [CycleResult; 6] =
        [Self::Met, Self::Missed, Self::NoTarget, Self::Open, Self::OpenMissed, Self::Void];

    /// The name that tables use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::NoTarget => "no_target",
            Self::Open => "open",
            Self::OpenMissed => "open_missed",
            Self::Void => "void",
        }
    }
}

/// A cycle that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    pub clock: Symbol,
    pub cycle: u16,
    pub started_ms: i64,
    /// Where the target ends; [`NEVER_MS`] without a target.
    pub due_ms: i64,
    pub stopped_ms: i64,
    pub spent_ms: i64,
    /// `None` without a target.
    pub met: Option<bool>,
    /// Levels that had fired.
    pub fired: u16,
}

impl Ended {
    pub(crate) fn result(&self) -> CycleResult {
        match self.met {
            Some(true) => CycleResult::Met,
            Some(false) => CycleResult::Missed,
            None => CycleResult::NoTarget,
        }
    }
}

/// A level that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reached {
    pub clock: Symbol,
    pub cycle: u16,
    pub level: usize,
    pub due_ms: i64,
    /// Already reached when the cycle was re-measured.
    pub remeasured: bool,
}

/// Receives the output of a ticket's clocks.
pub(crate) trait Sink {
    /// A level is reached; returns whether it fires now.
    fn reached(&mut self, reached: Reached) -> bool;

    /// A cycle has ended; `run` still has its segments, `compiled` is the clock that measured it.
    fn ended(&mut self, ended: Ended, compiled: &CompiledClock, run: &ClockRun);
}

/// A period in which a cycle ran.
pub(crate) type Segment = (i64, i64);

/// A clock while its ticket is processed.
#[derive(Debug, Clone, Default)]
pub(crate) struct ClockRun {
    pub state: ClockState,
    /// Finished segments of the open cycle.
    pub segments: Vec<Segment>,
    /// How many of them were measured under another version, if the cycle was carried over from one.
    pub sealed: Option<usize>,
    /// When the target of the open cycle was reached, if the running segment does not give it.
    pub breach_ms: Option<i64>,
}

/// A ticket between two events. It is large, so one is reused for many tickets: see [`TicketClocks::begin`].
#[derive(Debug, Clone)]
pub(crate) struct TicketClocks {
    pub version: VersionId,
    pub state: State,
    pub owner: Symbol,
    pub team: Symbol,
    /// In the order of the version's clocks; entries beyond them are left over from other tickets.
    pub runs: [ClockRun; MAX_CLOCKS],
    /// Cycle numbers of clocks that earlier priorities had.
    pub retired: Vec<(Symbol, u16)>,
}

impl Default for TicketClocks {
    fn default() -> Self {
        let (state, owner, team) = (State::New, NO_SYMBOL, NO_SYMBOL);
        Self { version: 0, state, owner, team, runs: Default::default(), retired: Vec::new() }
    }
}

impl TicketClocks {
    /// Begins with a ticket without events.
    pub(crate) fn begin(&mut self, versions: &Versions, version: VersionId) {
        self.version = version;
        (self.state, self.owner, self.team) = (State::New, NO_SYMBOL, NO_SYMBOL);
        self.retired.clear();
        for run in &mut self.runs[..versions.get(version).compiled.len()] {
            run.clear();
        }
    }

    /// Replays a whole event log, and whatever is due up to the engine's time.
    pub(crate) fn replay(&mut self, versions: &Versions, entries: &[StoredEvent], now_ms: i64, sink: &mut impl Sink) {
        let opening = entries[0];
        self.begin(versions, versions.at_opening(opening.priority().unwrap_or(0), opening.at_ms()));
        for (index, &entry) in entries.iter().enumerate() {
            let before = &entries[..index];
            let entry = entry.not_before(opening.at_ms());
            self.edits_until(versions, entry.at_ms(), before, sink);
            self.settle(versions, entry.at_ms(), sink);
            self.step(versions, entry, before, sink);
        }
        self.edits_until(versions, now_ms + 1, entries, sink);
        self.settle(versions, now_ms + 1, sink);
    }

    fn current(&self, versions: &Versions) -> CurrentState {
        let Self { version, state, owner, team, .. } = *self;
        CurrentState { state, priority: versions.get(version).priority, owner, team }
    }

    /// The clocks of the ticket, each with its compiled form.
    pub(crate) fn clocks<'a>(
        &'a self,
        versions: &'a Versions,
    ) -> impl Iterator<Item = (&'a CompiledClock, &'a ClockRun)> {
        versions.get(self.version).compiled.iter().zip(&self.runs)
    }

    /// The marks that open cycles have reached.
    pub(crate) fn open_marks(&self, versions: &Versions) -> u16 {
        self.clocks(versions).filter(|(_, run)| run.state.open).fold(0, |marks, (_, run)| marks | run.state.done)
    }

    /// Reaches everything that is due before `until_ms`; returns when the next mark is due if no event happens.
    pub(crate) fn settle(&mut self, versions: &Versions, until_ms: i64, sink: &mut impl Sink) -> i64 {
        let mut next_ms = NEVER_MS;
        for (place, compiled) in versions.get(self.version).compiled.iter().enumerate() {
            let run = &mut self.runs[place];
            if run.state.running {
                next_ms = next_ms.min(settle_clock(compiled, run, until_ms, false, sink));
            }
        }
        next_ms
    }

    /// Applies an event to the clocks. Marks due before it have been settled; `before` are the events before it.
    pub(crate) fn step(
        &mut self,
        versions: &Versions,
        entry: StoredEvent,
        before: &[StoredEvent],
        sink: &mut impl Sink,
    ) {
        let at_ms = entry.at_ms();
        let mut current = self.current(versions);
        let Some(kind) = current.kind_of(entry) else { return };
        if let (EventKind::PriorityChanged, Some(priority)) = (kind, entry.priority()) {
            let version = versions.at_change(priority, at_ms);
            let how = versions.get(version).on_priority_change;
            self.change(versions, version, how, at_ms, before, sink);
        }
        current.apply(entry);
        (self.state, self.owner, self.team) = (current.state, current.owner, current.team);
        for (kind, state) in effects(kind, current.state) {
            for (place, compiled) in versions.get(self.version).compiled.iter().enumerate() {
                let run = &mut self.runs[place];
                run.apply(compiled, compiled.effect(kind, state), at_ms, sink);
                run.run_or_pause(compiled, state, at_ms);
            }
        }
    }
}

/// The kinds whose effects an event has, each with the state that the ticket then has: a ticket that is opened as done is opened
/// as new and done at once.
pub(crate) fn effects(kind: EventKind, state: State) -> impl Iterator<Item = (EventKind, State)> {
    let opened_done = (kind == EventKind::Opened && state.is_done()).then_some((EventKind::Opened, State::New));
    let kind = if opened_done.is_some() { event::state_event(State::New, state) } else { Some(kind) };
    opened_done.into_iter().chain(kind.map(|kind| (kind, state)))
}

/// Reaches the marks of one running clock that are due before `until_ms`; returns when the next one is due.
#[inline]
pub(crate) fn settle_clock(
    compiled: &CompiledClock,
    run: &mut ClockRun,
    until_ms: i64,
    remeasured: bool,
    sink: &mut impl Sink,
) -> i64 {
    while let Some((mark, due_ms)) = compiled.next(&run.state) {
        if due_ms >= until_ms {
            return due_ms;
        }
        run.reach(compiled, mark, due_ms, remeasured, sink);
    }
    NEVER_MS
}

impl ClockRun {
    /// Clears everything.
    pub(crate) fn clear(&mut self) {
        self.state = ClockState::default();
        self.segments.clear();
        self.sealed = None;
        self.breach_ms = None;
    }

    pub(crate) fn reach(
        &mut self,
        compiled: &CompiledClock,
        mark: usize,
        due_ms: i64,
        remeasured: bool,
        sink: &mut impl Sink,
    ) {
        self.state.done |= 1 << mark;
        match mark {
            BREACH => self.breach_ms = Some(due_ms),
            AT_RISK => {}
            level => {
                let reached = Reached { clock: compiled.clock, cycle: self.state.cycle, level, due_ms, remeasured };
                if sink.reached(reached) {
                    self.state.fired |= 1 << level;
                }
            }
        }
    }

    pub(crate) fn apply(&mut self, compiled: &CompiledClock, effect: Effect, at_ms: i64, sink: &mut impl Sink) {
        match effect {
            Effect::None => {}
            Effect::Start if self.state.open => {}
            Effect::Start => self.start(at_ms),
            Effect::Pause if self.state.open => self.state.held = true,
            Effect::Pause => {}
            Effect::Resume => self.state.held = false,
            Effect::Restart => {
                self.end(compiled, at_ms, sink);
                self.start(at_ms);
            }
            Effect::Stop => self.end(compiled, at_ms, sink),
            Effect::Continue if self.state.open || self.state.cycle == 0 => {
                self.state.held = false;
                if !self.state.open {
                    self.start(at_ms);
                }
            }
            Effect::Continue => {
                let level = self.last_level();
                self.start(at_ms);
                if level.is_some() {
                    self.stand_at(compiled, level);
                }
            }
        }
    }

    /// Begins the next cycle; [`ClockRun::run_or_pause`] then starts or pauses it.
    pub(crate) fn start(&mut self, at_ms: i64) {
        let cycle = self.state.cycle.saturating_add(1);
        self.state = ClockState { started_ms: at_ms, segment_ms: at_ms, cycle, open: true, ..ClockState::default() };
        self.segments.clear();
        self.sealed = None;
        self.breach_ms = None;
    }

    /// The level (as an index into the chain) that was reached last.
    pub(crate) fn last_level(&self) -> Option<usize> {
        let levels = self.state.done & LEVEL_BITS;
        (levels != 0).then(|| levels.ilog2() as usize)
    }

    /// Puts the cycle at a level: its amount is spent, and only higher levels can be reached.
    pub(crate) fn stand_at(&mut self, compiled: &CompiledClock, level: Option<usize>) {
        let level = level.filter(|_| compiled.levels > 0).map(|level| level.min(compiled.levels - 1));
        self.state.spent_ms = level.map_or(0, |level| compiled.amount_of(self.state.started_ms, level).min(NEVER_MS));
        self.state.done |= level.map_or(0, |level| (1 << (level + 1)) - 1);
        self.state.broken = true;
        self.sealed = Some(self.segments.len());
    }

    /// Runs or pauses an open cycle according to its pause by event and the ticket's state.
    pub(crate) fn run_or_pause(&mut self, compiled: &CompiledClock, ticket: State, at_ms: i64) {
        let state = &mut self.state;
        let runs = state.open && !state.held && !compiled.pause_while.contains(ticket);
        if runs && !state.running {
            state.running = true;
            state.segment_ms = at_ms;
            self.join_segment(compiled);
        } else if !runs && state.running {
            self.finish_segment(compiled, at_ms);
            self.state.running = false;
        }
        let state = &mut self.state;
        state.broken |= state.open && !state.running;
    }

    /// A pause of zero length does not count: a segment that begins where the last one ended continues it.
    fn join_segment(&mut self, compiled: &CompiledClock) {
        let sealed = self.sealed.unwrap_or(0);
        let state = &mut self.state;
        if let Some(&(from_ms, to_ms)) = self.segments[sealed..].last().filter(|last| last.1 == state.segment_ms) {
            self.segments.pop();
            state.segment_ms = from_ms;
            state.spent_ms -= compiled.elapsed(from_ms, to_ms);
        }
        let is_whole = self.segments.is_empty() && state.segment_ms == state.started_ms;
        state.broken = self.sealed.is_some() || !is_whole;
    }

    /// Counts the running segment as spent up to `at_ms`.
    pub(crate) fn finish_segment(&mut self, compiled: &CompiledClock, at_ms: i64) {
        self.remember_breach(compiled);
        let from_ms = self.state.segment_ms;
        self.state.spent_ms = (self.state.spent_ms + compiled.elapsed(from_ms, at_ms)).min(NEVER_MS);
        self.segments.push((from_ms, at_ms));
        self.state.segment_ms = at_ms;
        self.state.broken = true;
    }

    /// Keeps the instant at which the target was reached, before the segment that gives it is left.
    fn remember_breach(&mut self, compiled: &CompiledClock) {
        if self.state.done & (1 << BREACH) != 0 && self.breach_ms.is_none() {
            self.breach_ms = Some(compiled.due_of(&self.state, BREACH));
        }
    }

    /// When the target of the open cycle is or was reached, if it continues from `at_ms`.
    pub(crate) fn target_due_ms(&self, compiled: &CompiledClock, at_ms: i64) -> i64 {
        let as_if_running =
            ClockState { segment_ms: if self.state.running { self.state.segment_ms } else { at_ms }, ..self.state };
        self.breach_ms.unwrap_or_else(|| compiled.due_of(&as_if_running, BREACH))
    }

    /// Ends the open cycle, if there is one.
    pub(crate) fn end(&mut self, compiled: &CompiledClock, at_ms: i64, sink: &mut impl Sink) {
        if !self.state.open {
            return;
        }
        let due_ms = self.target_due_ms(compiled, at_ms);
        if self.state.running {
            self.finish_segment(compiled, at_ms);
        }
        let state = &mut self.state;
        let met = compiled.has_target().then_some(state.done & (1 << BREACH) == 0);
        let ended = Ended {
            clock: compiled.clock,
            cycle: state.cycle,
            started_ms: state.started_ms,
            due_ms,
            stopped_ms: at_ms,
            spent_ms: state.spent_ms,
            met,
            fired: state.fired,
        };
        state.open = false;
        state.running = false;
        state.held = false;
        state.broken = false;
        state.fired = 0;
        sink.ended(ended, compiled, self);
        self.segments.clear();
        self.breach_ms = None;
    }
}
