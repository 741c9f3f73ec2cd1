//! The effect on a ticket's clocks when its priority changes or is edited.

use super::deadlines::CompiledClock;
use super::event::{CurrentState, StoredEvent};
use super::state::{AT_RISK, BREACH};
use super::versions::{Apply, VersionId, Versions};
use super::{ClockRun, Segment, Sink, TicketClocks, effects, settle_clock};
use crate::policy::OnPriorityChange;

impl Apply {
    /// An edit treats an open cycle as a change of priority does.
    pub(crate) fn how(self) -> OnPriorityChange {
        match self {
            Apply::FromStart => OnPriorityChange::FromStart,
            Apply::FromNow | Apply::NewTickets => OnPriorityChange::Carry,
        }
    }
}

impl TicketClocks {
    /// Applies the edits of the ticket's priority that lie before `before_ms`; settles what is due before each of them.
    pub(crate) fn edits_until(
        &mut self,
        versions: &Versions,
        before_ms: i64,
        before: &[StoredEvent],
        sink: &mut impl Sink,
    ) {
        let priority = versions.get(self.version).priority;
        while let Some(version) = versions.next_move(priority, self.version, before_ms) {
            let edited = versions.get(version);
            self.settle(versions, edited.since_ms + 1, sink);
            self.change(versions, version, edited.apply.how(), edited.since_ms, before, sink);
            for (compiled, run) in edited.compiled.iter().zip(&mut self.runs) {
                run.run_or_pause(compiled, self.state, edited.since_ms);
            }
        }
    }

    /// Moves the ticket to another version at `at_ms`. Whatever was due before has been settled.
    pub(crate) fn change(
        &mut self,
        versions: &Versions,
        version: VersionId,
        how: OnPriorityChange,
        at_ms: i64,
        before: &[StoredEvent],
        sink: &mut impl Sink,
    ) {
        let old = &versions.get(self.version).compiled;
        let new = &versions.get(version).compiled;
        for (place, compiled) in old.iter().enumerate() {
            if !new.iter().any(|other| other.clock == compiled.clock) {
                let run = &mut self.runs[place];
                run.end(compiled, at_ms, sink);
                self.retired.retain(|(clock, _)| *clock != compiled.clock);
                self.retired.push((compiled.clock, run.state.cycle));
            } else if how == OnPriorityChange::Restart && self.runs[place].state.open {
                let run = &mut self.runs[place];
                run.end(compiled, at_ms, sink);
                run.start(at_ms);
            }
        }
        self.version = version;
        if old.len() == new.len() && old.iter().zip(new).all(|(old, new)| old.clock == new.clock) {
            for ((run, old), new) in self.runs.iter_mut().zip(old).zip(new) {
                run.remeasure(old, new, how, at_ms, sink);
            }
            return;
        }
        let mut old_runs = std::mem::take(&mut self.runs);
        for (place, compiled) in new.iter().enumerate() {
            let run = &mut self.runs[place];
            match old.iter().position(|other| other.clock == compiled.clock) {
                Some(old_place) => {
                    *run = std::mem::take(&mut old_runs[old_place]);
                    run.remeasure(&old[old_place], compiled, how, at_ms, sink);
                }
                None => {
                    let retired = self.retired.iter().find(|(clock, _)| *clock == compiled.clock);
                    run.state.cycle = retired.map_or(0, |(_, cycle)| *cycle);
                    run.appear(compiled, how, at_ms, before, sink);
                }
            }
        }
    }
}

impl ClockRun {
    /// Continues under another clock of the same name.
    fn remeasure(
        &mut self,
        old: &CompiledClock,
        new: &CompiledClock,
        how: OnPriorityChange,
        at_ms: i64,
        sink: &mut impl Sink,
    ) {
        if !self.state.open {
            return;
        }
        match how {
            OnPriorityChange::FromStart => self.measure_from_start(new, at_ms, sink),
            // The new cycle has just begun; there is nothing to measure.
            OnPriorityChange::Restart => {}
            OnPriorityChange::Carry => {
                self.leave_segment(old, at_ms);
                self.state.broken = true;
            }
            OnPriorityChange::KeepLevel => {
                self.leave_segment(old, at_ms);
                let level = self.last_level();
                self.stand_at(new, level);
            }
        }
    }

    /// Settles the accounts of the old clock; the segment continues from `at_ms` under the new one.
    fn leave_segment(&mut self, old: &CompiledClock, at_ms: i64) {
        if self.state.running {
            self.finish_segment(old, at_ms);
        }
        self.sealed = Some(self.segments.len());
        self.forget_target();
    }

    /// Forgets at risk and breach, which are re-measured; levels stay.
    fn forget_target(&mut self) {
        self.state.done &= !(1 << AT_RISK | 1 << BREACH);
        self.breach_ms = None;
    }

    /// Re-measures every segment of the open cycle.
    fn measure_from_start(&mut self, compiled: &CompiledClock, at_ms: i64, sink: &mut impl Sink) {
        self.forget_target();
        if self.segments.is_empty() && self.state.running {
            self.sealed = None;
            self.state.spent_ms = 0;
            self.state.broken = self.state.segment_ms != self.state.started_ms;
            settle_clock(compiled, self, at_ms, true, sink);
            return;
        }
        let mut segments = std::mem::take(&mut self.segments);
        self.sealed = None;
        if self.state.running {
            segments.push((self.state.segment_ms, at_ms));
        }
        let mut joined: Vec<Segment> = Vec::with_capacity(segments.len());
        for (from_ms, to_ms) in segments {
            match joined.last_mut() {
                Some(last) if last.1 == from_ms => last.1 = to_ms,
                _ => joined.push((from_ms, to_ms)),
            }
        }
        let running = if self.state.running { joined.pop() } else { None };
        self.state.spent_ms = 0;
        self.state.broken = !joined.is_empty() || running.is_none_or(|(from_ms, _)| from_ms != self.state.started_ms);
        for (from_ms, to_ms) in joined {
            self.state.segment_ms = from_ms;
            // Before the first pause ended, the cycle was uninterrupted.
            let broken = std::mem::replace(
                &mut self.state.broken,
                !self.segments.is_empty() || from_ms != self.state.started_ms,
            );
            settle_clock(compiled, self, to_ms, true, sink);
            self.state.broken = broken;
            self.state.spent_ms += compiled.elapsed(from_ms, to_ms);
            self.state.segment_ms = to_ms;
            self.segments.push((from_ms, to_ms));
        }
        if let Some((from_ms, _)) = running {
            self.state.segment_ms = from_ms;
            settle_clock(compiled, self, at_ms, true, sink);
        }
    }

    /// A clock that only the new priority has: the state that its table gives for the ticket's event log.
    fn appear(
        &mut self,
        compiled: &CompiledClock,
        how: OnPriorityChange,
        at_ms: i64,
        before: &[StoredEvent],
        sink: &mut impl Sink,
    ) {
        let earlier_cycles = self.state.cycle;
        let mut current = CurrentState::default();
        let mut ignored = Ignore;
        for &entry in before {
            let entry = entry.not_before(before[0].at_ms());
            let Some(kind) = current.kind_of(entry) else { continue };
            current.apply(entry);
            for (kind, state) in effects(kind, current.state) {
                self.apply(compiled, compiled.effect(kind, state), entry.at_ms(), &mut ignored);
                self.run_or_pause(compiled, state, entry.at_ms());
            }
        }
        // Cycles that ended before the clock appeared were never reported: they have no number.
        self.state.cycle = earlier_cycles + u16::from(self.state.open);
        if !self.state.open {
            return;
        }
        if how == OnPriorityChange::FromStart {
            self.measure_from_start(compiled, at_ms, sink);
        } else {
            if self.state.running {
                self.finish_segment(compiled, at_ms);
            }
            self.state.spent_ms = 0;
            self.state.broken = true;
            self.sealed = Some(self.segments.len());
        }
    }
}

/// A sink that discards everything.
pub(crate) struct Ignore;

impl Sink for Ignore {
    fn reached(&mut self, _: super::Reached) -> bool {
        false
    }

    fn ended(&mut self, _: super::Ended, _: &CompiledClock, _: &ClockRun) {}
}
