//! What happened to a ticket and why: every cycle with the intervals of business time that it counted, the version that it was
//! measured by, and the result of each level.
//!
//! None of this is stored. It is a replay of the ticket's event log by the code that processed it the first time
//! ([`TicketClocks`]), with a [`Recorder`] that takes notes.

mod recorder;

use crate::engine::clocks::deadlines::CompiledClock;
use crate::engine::clocks::event::{Basis, CurrentState, StoredEvent};
use crate::engine::clocks::versions::{Apply, VersionId};
use crate::engine::clocks::{ClockRun, CycleResult, Ended, TicketClocks};
use crate::engine::commands::Engine;
use crate::engine::interner::{Symbol, Symbols};
use crate::engine::output::TicketRef;
use crate::limits::{MAX_EXPLAINED_CYCLES, MAX_EXPLAINED_INTERVALS};
use crate::policy::Actions;
use crate::ticket::{EventKind, State, TicketLabel};
use crate::time::NEVER_MS;
use recorder::{Past, Recorder, Stretch};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// What happened to a ticket, and why. Times are milliseconds since 1970 (UTC).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Explanation {
    /// The engine's time: pending levels are seen from there.
    pub now_ms: i64,
    /// Without reports of a priority, owner or team that the ticket already had.
    pub events: Vec<ExplainedEvent>,
    /// By start, then in the order of the priority's clocks.
    pub cycles: Vec<ExplainedCycle>,
    /// Number of older cycles that were left out, for tickets with very many.
    pub cycles_left_out: usize,
}

/// An event of a ticket's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedEvent {
    pub kind: EventKind,
    pub at_ms: i64,
    /// The state, priority and people that the event reports.
    pub state: Option<State>,
    pub priority: Option<Arc<str>>,
    pub owner: Option<Arc<str>>,
    pub team: Option<Arc<str>>,
    /// An opening that no `opened` event has reported.
    pub is_implied: bool,
    /// Whether the ticket was already as the event reports, so that it changed nothing.
    pub is_without_effect: bool,
}

/// The version of a priority by which something was measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedVersion {
    pub priority: Arc<str>,
    /// From 1, counted for this priority.
    pub number: usize,
    /// When it came into force; `None` for the first, which is always in force.
    pub since_ms: Option<i64>,
    /// The effect of its edit on tickets that were open already.
    pub apply: Apply,
    pub calendar: String,
}

/// A cycle of a clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedCycle {
    pub clock: Arc<str>,
    /// From 1.
    pub cycle: u16,
    pub result: CycleResult,
    /// Open, and paused by an event or by the ticket's state.
    pub is_paused: bool,
    pub started_ms: i64,
    /// `None` while it is open.
    pub stopped_ms: Option<i64>,
    /// Business time spent, up to its end or to now.
    pub spent_ms: i64,
    /// The part of it that was carried over from another version: the total of the segments that are
    /// [carried](ExplainedSegment::is_carried).
    pub carried_ms: i64,
    /// The version under which it ended, or runs.
    pub version: ExplainedVersion,
    pub target: Option<ExplainedTarget>,
    /// Periods in which it ran.
    pub segments: Vec<ExplainedSegment>,
    /// Whether there were more intervals in its segments than are given.
    pub is_cut: bool,
    pub levels: Vec<ExplainedLevel>,
}

/// A target, and the calculation of its due time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedTarget {
    /// As it is written: `4h`, `2bd`.
    pub text: String,
    /// Its business time (for calendar days, real time) in this cycle.
    pub amount_ms: i64,
    /// Where it ends or ended; of a paused cycle, where it would end if it resumed now. `None` if the calendar ends first.
    pub due_ms: Option<i64>,
    /// Of a running cycle within its target: the intervals of business time that remain until then.
    pub ahead: Vec<(i64, i64)>,
    /// Whether there were more intervals than are given.
    pub is_cut: bool,
}

/// A period in which a cycle ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedSegment {
    pub from_ms: i64,
    /// Of the segment that is running, now.
    pub to_ms: i64,
    pub is_running: bool,
    /// Measured under another version than the cycle's: see [`ExplainedCycle::carried_ms`].
    pub is_carried: bool,
    /// Business time in it, by the calendar of `version`.
    pub business_ms: i64,
    pub version: ExplainedVersion,
    /// The intervals of business time that it counted.
    pub intervals: Vec<(i64, i64)>,
}

/// A level of a cycle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedLevel {
    /// From 1.
    pub number: u8,
    /// As it is written: `50%`, `2h`, `+30m`.
    pub at: String,
    /// When it was reached, or will be if no event happens; `None` if that is unknown or never.
    pub due_ms: Option<i64>,
    pub state: LevelState,
    pub actions: Actions,
}

/// The result of a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LevelState {
    Fired,
    /// Reached without firing: it was due already when the ticket arrived, or a higher level fired instead.
    Suppressed,
    /// Due later.
    Pending,
    /// The cycle paused or ended before it.
    NotReached,
}

impl Engine {
    /// Explains a ticket. For one that has left the explanation is empty.
    pub fn explain(&self, ticket: TicketRef) -> Explanation {
        let mut explanation = Explanation { now_ms: self.now_ms, ..Explanation::default() };
        let shard = &self.shards[usize::from(ticket.shard)];
        let record = &shard.tickets.records[ticket.slot];
        if !record.is_live() {
            return explanation;
        }
        let entries = shard.events(&self.versions, ticket.slot);
        explanation.events = self.explain_events(&entries);
        let mut ticket_clocks = Box::<TicketClocks>::default();
        let mut recorder = Recorder::new(&self.versions);
        recorder.replay(&entries, self.now_ms, &mut ticket_clocks);
        let history = shard.tickets.history(ticket.slot);
        for past in &mut recorder.past {
            let fires = history.map_or(&[][..], |history| &history.past_fires);
            let known = fires.iter().find(|fires| (fires.clock, fires.cycle) == (past.ended.clock, past.ended.cycle));
            past.ended.fired = known.map_or(0, |fires| fires.levels);
        }
        let open = ticket_clocks.clocks(&self.versions).filter(|(_, run)| run.state.open).count();
        let kept = MAX_EXPLAINED_CYCLES.saturating_sub(open);
        explanation.cycles_left_out = recorder.past.len().saturating_sub(kept);
        let past = &recorder.past[explanation.cycles_left_out..];
        explanation.cycles = past.iter().map(|past| self.explain_past(&recorder, past)).collect();
        let version = self.versions.get(ticket_clocks.version);
        let clocks = shard.tickets.clocks(ticket.slot, version.compiled.len());
        for ((compiled, run), kept) in ticket_clocks.clocks(&self.versions).zip(clocks) {
            if run.state.open {
                explanation.cycles.push(self.explain_open(
                    &recorder,
                    &ticket_clocks,
                    compiled,
                    run,
                    kept.unpack().fired,
                ));
            }
        }
        explanation.cycles.sort_by_key(|cycle| cycle.started_ms);
        explanation
    }

    fn explain_events(&self, entries: &[StoredEvent]) -> Vec<ExplainedEvent> {
        let label = |symbols: &Symbols, symbol: Symbol| symbols.labels().get(symbol as usize).cloned();
        let mut current = CurrentState::default();
        let explain = |entry: &StoredEvent| {
            let kind = current.kind_of(*entry);
            current.apply(*entry);
            // Rows of an export repeat their ticket's priority and people each time.
            if kind.is_none() && entry.state().is_none() {
                return None;
            }
            Some(ExplainedEvent {
                kind: kind.unwrap_or(entry.kind()),
                at_ms: entry.at_ms(),
                state: entry.state(),
                priority: entry
                    .priority()
                    .and_then(|priority| label(&self.labels.symbols[TicketLabel::Priority], priority)),
                owner: label(&self.labels.symbols[TicketLabel::Owner], entry.owner),
                team: label(&self.labels.symbols[TicketLabel::Team], entry.team),
                is_implied: entry.opening_basis() == Some(Basis::Implied),
                is_without_effect: kind.is_none(),
            })
        };
        entries.iter().filter_map(explain).collect()
    }

    fn explain_past(&self, recorder: &Recorder<'_>, past: &Past) -> ExplainedCycle {
        let Ended { clock, cycle, started_ms, due_ms, stopped_ms, spent_ms, fired, .. } = past.ended;
        let mut levels = Vec::new();
        let mut target = None;
        if let Some(compiled) = recorder.compiled(past.version, clock) {
            levels = explain_levels(recorder, compiled, cycle, fired, |_| (None, LevelState::NotReached));
            target = explain_target(compiled, started_ms, due_ms);
        }
        let mut explained = self.frame(recorder, clock, cycle, past.version);
        explained.result = past.ended.result();
        explained.stopped_ms = Some(stopped_ms);
        explained.started_ms = started_ms;
        explained.spent_ms = spent_ms;
        explained.target = target;
        explained.levels = levels;
        self.add_segments(recorder, &mut explained, (clock, past.version), &past.segments, None);
        explained
    }

    fn explain_open(
        &self,
        recorder: &Recorder<'_>,
        ticket_clocks: &TicketClocks,
        compiled: &CompiledClock,
        run: &ClockRun,
        fired: u16,
    ) -> ExplainedCycle {
        let (state, now_ms) = (&run.state, self.now_ms);
        let due_ms = run.target_due_ms(compiled, now_ms);
        let to_come = |level: usize| match state {
            _ if state.done & (1 << level) != 0 => (None, LevelState::Suppressed),
            _ if state.running => (Some(compiled.due_of(state, level)), LevelState::Pending),
            _ => (None, LevelState::NotReached),
        };
        let mut explained = self.frame(recorder, compiled.clock, state.cycle, ticket_clocks.version);
        let breached = state.done & (1 << crate::engine::clocks::state::BREACH) != 0;
        explained.result = if breached && compiled.has_target() { CycleResult::OpenMissed } else { CycleResult::Open };
        explained.is_paused = !state.running;
        explained.started_ms = state.started_ms;
        let running_ms = if state.running { compiled.elapsed(state.segment_ms, now_ms) } else { 0 };
        explained.spent_ms = state.spent_ms + running_ms;
        explained.target = explain_target(compiled, state.started_ms, due_ms);
        if let Some(target) = explained.target.as_mut().filter(|_| state.running && !breached) {
            // A cycle that begins ahead of the engine's time has its whole target ahead.
            (target.ahead, target.is_cut) =
                intervals(compiled, now_ms.max(state.segment_ms), due_ms, MAX_EXPLAINED_INTERVALS);
        }
        explained.levels = explain_levels(recorder, compiled, state.cycle, fired, to_come);
        let segments = recorder.segments(compiled.clock, run, ticket_clocks.version);
        let running = state.running.then_some((state.segment_ms, now_ms.max(state.segment_ms)));
        self.add_segments(recorder, &mut explained, (compiled.clock, ticket_clocks.version), &segments, running);
        explained
    }

    /// An explained cycle with only its identity filled in.
    fn frame(&self, recorder: &Recorder<'_>, clock: Symbol, cycle: u16, version: VersionId) -> ExplainedCycle {
        ExplainedCycle {
            clock: self.clocks.labels().get(clock as usize).cloned().unwrap_or_default(),
            cycle,
            result: CycleResult::Open,
            is_paused: false,
            started_ms: 0,
            stopped_ms: None,
            spent_ms: 0,
            carried_ms: 0,
            version: self.explain_version(recorder, version),
            target: None,
            segments: Vec::new(),
            is_cut: false,
            levels: Vec::new(),
        }
    }

    fn explain_version(&self, recorder: &Recorder<'_>, number: VersionId) -> ExplainedVersion {
        let version = recorder.versions.get(number);
        let chain = recorder.versions.chain(version.priority);
        ExplainedVersion {
            priority: self.labels.symbols[TicketLabel::Priority]
                .labels()
                .get(version.priority as usize)
                .cloned()
                .unwrap_or_default(),
            number: chain.iter().position(|other| *other == number).map_or(0, |place| place + 1),
            since_ms: (version.since_ms != i64::MIN).then_some(version.since_ms),
            apply: version.apply,
            calendar: version.definition.calendar.name.clone(),
        }
    }

    fn add_segments(
        &self,
        recorder: &Recorder<'_>,
        explained: &mut ExplainedCycle,
        (clock, own): (Symbol, VersionId),
        finished: &[Stretch],
        running: Option<(i64, i64)>,
    ) {
        let running = running.map(|(from_ms, to_ms)| (Stretch { from_ms, to_ms, version: own, carried: false }, true));
        let mut counted_ms = 0;
        let mut room = MAX_EXPLAINED_INTERVALS;
        for (stretch, is_running) in finished.iter().map(|stretch| (*stretch, false)).chain(running) {
            let Stretch { from_ms, to_ms, version, carried } = stretch;
            let Some(compiled) = recorder.compiled(version, clock).or_else(|| recorder.compiled(own, clock)) else {
                continue;
            };
            let (intervals, is_cut) = intervals(compiled, from_ms, to_ms, room);
            room -= intervals.len();
            explained.is_cut |= is_cut;
            let business_ms = compiled.elapsed(from_ms, to_ms);
            counted_ms += if carried { 0 } else { business_ms };
            explained.segments.push(ExplainedSegment {
                from_ms,
                to_ms,
                is_running,
                is_carried: carried,
                business_ms,
                version: self.explain_version(recorder, version),
                intervals,
            });
        }
        explained.carried_ms = (explained.spent_ms - counted_ms).max(0);
    }
}

fn explain_target(compiled: &CompiledClock, started_ms: i64, due_ms: i64) -> Option<ExplainedTarget> {
    let target = compiled.definition().target?;
    Some(ExplainedTarget {
        text: target.to_string(),
        amount_ms: compiled.amount_of(started_ms, crate::engine::clocks::state::BREACH),
        due_ms: (due_ms < NEVER_MS).then_some(due_ms),
        ahead: Vec::new(),
        is_cut: false,
    })
}

/// The levels of a cycle; `open` gives the result of one that the replay did not reach.
fn explain_levels(
    recorder: &Recorder<'_>,
    compiled: &CompiledClock,
    cycle: u16,
    fired: u16,
    open: impl Fn(usize) -> (Option<i64>, LevelState),
) -> Vec<ExplainedLevel> {
    let levels = compiled.definition().levels.iter().enumerate();
    let explain = |(index, level): (usize, &crate::policy::Level)| {
        let reached = recorder.reached_ms(compiled.clock, cycle, index);
        let (due_ms, state) = match (fired & (1 << index) != 0, reached) {
            (true, reached) => (reached, LevelState::Fired),
            (false, Some(due_ms)) => (Some(due_ms), LevelState::Suppressed),
            (false, None) => open(index),
        };
        ExplainedLevel {
            number: index as u8 + 1,
            at: level.at.to_string(),
            due_ms: due_ms.filter(|due_ms| *due_ms < NEVER_MS),
            state,
            actions: level.actions.clone(),
        }
    };
    levels.map(explain).collect()
}

/// At most `most` intervals of business time, and whether there are more.
fn intervals(compiled: &CompiledClock, from_ms: i64, to_ms: i64, most: usize) -> (Vec<(i64, i64)>, bool) {
    let mut all = compiled.intervals(from_ms, to_ms);
    let some: Vec<(i64, i64)> = all.by_ref().take(most).collect();
    let is_cut = some.len() == most && all.next().is_some();
    (some, is_cut)
}
