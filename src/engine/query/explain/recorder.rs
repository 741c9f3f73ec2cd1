//! Notes taken during the replay of a ticket's event log.

use crate::engine::clocks::deadlines::CompiledClock;
use crate::engine::clocks::event::StoredEvent;
use crate::engine::clocks::versions::{VersionId, Versions};
use crate::engine::clocks::{ClockRun, Ended, Reached, Sink, TicketClocks};
use crate::engine::interner::Symbol;

/// A finished segment, and the version that it was measured by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    pub from_ms: i64,
    pub to_ms: i64,
    pub version: VersionId,
    pub carried: bool,
}

/// A cycle that has ended.
pub(crate) struct Past {
    pub ended: Ended,
    pub version: VersionId,
    pub segments: Vec<Stretch>,
}

/// The notes.
pub(crate) struct Recorder<'a> {
    pub versions: &'a Versions,
    pub past: Vec<Past>,
    reached: Vec<Reached>,
    /// By clock: the versions that the finished segments of its open cycle were measured by, as of the last event.
    measured: Vec<(Symbol, Vec<VersionId>)>,
    /// The ticket's version before the current change.
    before: VersionId,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(versions: &'a Versions) -> Self {
        Self { versions, past: Vec::new(), reached: Vec::new(), measured: Vec::new(), before: 0 }
    }

    /// Replays the event log as [`TicketClocks::replay`] does, one change at a time.
    pub(crate) fn replay(&mut self, entries: &[StoredEvent], now_ms: i64, ticket_clocks: &mut TicketClocks) {
        let versions = self.versions;
        let opening = entries[0];
        ticket_clocks.begin(versions, versions.at_opening(opening.priority().unwrap_or(0), opening.at_ms()));
        for (index, &entry) in entries.iter().enumerate() {
            let before = &entries[..index];
            let entry = entry.not_before(opening.at_ms());
            self.edits(entry.at_ms(), before, ticket_clocks);
            ticket_clocks.settle(versions, entry.at_ms(), self);
            self.before = ticket_clocks.version;
            ticket_clocks.step(versions, entry, before, self);
            self.keep_up(ticket_clocks);
        }
        self.edits(now_ms + 1, entries, ticket_clocks);
        ticket_clocks.settle(versions, now_ms + 1, self);
    }

    fn edits(&mut self, before_ms: i64, before: &[StoredEvent], ticket_clocks: &mut TicketClocks) {
        let versions = self.versions;
        let priority = versions.get(ticket_clocks.version).priority;
        while let Some(next) = versions.next_move(priority, ticket_clocks.version, before_ms) {
            self.before = ticket_clocks.version;
            ticket_clocks.edits_until(versions, versions.get(next).since_ms + 1, before, self);
            self.keep_up(ticket_clocks);
        }
    }

    /// Records what the segments of open cycles were measured by.
    fn keep_up(&mut self, ticket_clocks: &TicketClocks) {
        let now: Vec<(Symbol, Vec<VersionId>)> = ticket_clocks
            .clocks(self.versions)
            .map(|(compiled, run)| {
                let segments = self.segments(compiled.clock, run, ticket_clocks.version);
                (compiled.clock, segments.iter().map(|segment| segment.version).collect())
            })
            .collect();
        self.measured = now;
    }

    /// The finished segments of a cycle that is measured by `version`.
    ///
    /// Sealed segments keep the version that they were measured by; segments sealed just now have the version before.
    pub(crate) fn segments(&self, clock: Symbol, run: &ClockRun, version: VersionId) -> Vec<Stretch> {
        let sealed = run.sealed.unwrap_or(0);
        let known = self.measured.iter().find(|(other, _)| *other == clock).map_or(&[][..], |(_, versions)| versions);
        let segments = run.segments.iter().enumerate();
        segments
            .map(|(place, &(from_ms, to_ms))| {
                let carried = place < sealed;
                let version = if carried { known.get(place).copied().unwrap_or(self.before) } else { version };
                Stretch { from_ms, to_ms, version, carried }
            })
            .collect()
    }

    /// A clock as a version measures it.
    pub(crate) fn compiled(&self, version: VersionId, clock: Symbol) -> Option<&'a CompiledClock> {
        self.versions.get(version).compiled.iter().find(|compiled| compiled.clock == clock)
    }

    /// When a level was reached.
    pub(crate) fn reached_ms(&self, clock: Symbol, cycle: u16, level: usize) -> Option<i64> {
        let same = |reached: &&Reached| (reached.clock, reached.cycle, reached.level) == (clock, cycle, level);
        self.reached.iter().rev().find(same).map(|reached| reached.due_ms)
    }
}

impl Sink for Recorder<'_> {
    fn reached(&mut self, reached: Reached) -> bool {
        self.reached.push(reached);
        false
    }

    fn ended(&mut self, ended: Ended, compiled: &CompiledClock, run: &ClockRun) {
        // An event that changes the priority may end the cycle under either version: the clock's address decides.
        let compiled = std::ptr::from_ref(compiled);
        let owner = self.versions.all.iter().position(|version| version.compiled.as_ptr_range().contains(&compiled));
        let version = owner.map_or(self.before, |place| place as VersionId);
        let segments = self.segments(ended.clock, run, version);
        self.measured.retain(|(clock, _)| *clock != ended.clock);
        self.past.push(Past { ended, version, segments });
    }
}
