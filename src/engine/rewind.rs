//! Sets the time back after it ran ahead of the correct time.
//!
//! Anything that tickets reached only because the time was ahead is no longer reached. The rule is the one for late events: a
//! ticket is a function of its event log and the time, so it is recalculated as of the earlier time, and the difference is
//! reported.

use super::clocks::TicketClocks;
use super::clocks::state::MARKS;
use super::clocks::versions::Versions;
use super::commands::{Engine, collect, is_held};
use super::output::{CatchUp, Outcome};
use super::shard::late_events::Trace;
use super::shard::{Buffers, Context, Shard};
use super::wheel::Wheel;
use crate::time::{NEVER_MS, SECOND_MS};
use rayon::prelude::*;

impl Engine {
    /// Sets the time back to `now_ms` (truncated to a whole second). Levels that fired and are not reached by then are
    /// withdrawn, suppressed ones are no longer suppressed: both fire when they are due. Edits of the policy made after
    /// `now_ms` count as made at it; `catch_up` selects which levels fire that are already due as a result. Events after
    /// `now_ms` stay where they are, ahead of the time.
    ///
    /// A time that is not earlier is handled as in [`Engine::catch_up`].
    pub fn rewind(&mut self, now_ms: i64, catch_up: CatchUp) -> Outcome {
        let now_ms = now_ms.max(0) / SECOND_MS * SECOND_MS;
        if now_ms >= self.now_ms {
            return self.catch_up(now_ms, catch_up);
        }
        self.reap();
        let after = self.versions.not_after(now_ms);
        let before = std::mem::replace(&mut self.versions, after);
        let was_ms = std::mem::replace(&mut self.now_ms, now_ms);
        let context = Context { versions: &self.versions, now_ms, catch_up };
        let held = &self.held;
        self.shards
            .par_iter_mut()
            .filter(|shard| !is_held(held, shard.number))
            .for_each(|shard| shard.rewind(&context, &before, was_ms));
        let mut outcome = collect(&mut self.shards);
        outcome.sort();
        outcome
    }

    /// Tickets with events after the engine's time, beyond the current second. Walks over all tickets.
    pub fn ahead_of_time(&self) -> usize {
        let is_ahead = |shard: &Shard, slot: u32| shard.tickets.has_events_after(slot, self.now_ms + SECOND_MS);
        self.shards.iter().map(|shard| shard.tickets.live().filter(|&slot| is_ahead(shard, slot)).count()).sum()
    }
}

impl Shard {
    fn rewind(&mut self, context: &Context<'_>, before: &Versions, was_ms: i64) {
        // A wheel cannot go back: set each timer again in a new one.
        let wheel = std::mem::replace(&mut self.wheel, Wheel::new((context.now_ms / SECOND_MS) as u32));
        let mut buffers = Buffers::default();
        for slot in 0..self.tickets.records.len() {
            if !self.tickets.records[slot].is_live() {
                continue;
            }
            if !self.is_beyond(slot, before, context.now_ms) {
                self.arm(slot, wheel.due(slot));
                continue;
            }
            let entries = self.entries(before, slot);
            let mut old = Trace::default();
            TicketClocks::default().replay(before, &entries, was_ms, &mut old);
            self.report_differences(&mut buffers, context, slot, context.versions, &old, &entries);
            self.tickets.drop_plain_history(slot, context.versions.get(self.tickets.records[slot].version()).priority);
        }
    }

    /// Whether a ticket may have another state at an earlier time.
    fn is_beyond(&self, slot: u32, before: &Versions, now_ms: i64) -> bool {
        let version = before.get(self.tickets.records[slot].version());
        if before.last_edit_ms(version.priority) > now_ms || self.is_ahead(slot, now_ms) {
            return true;
        }
        let clocks = self.tickets.clocks(slot, version.compiled.len());
        version.compiled.iter().zip(clocks).any(|(compiled, clock)| {
            let state = clock.unpack();
            // What a paused cycle reached, it reached before the pausing event, which is not ahead.
            state.running
                && (0..MARKS)
                    .filter(|mark| state.done & (1 << mark) != 0)
                    .any(|mark| (now_ms + 1..NEVER_MS).contains(&compiled.due_of(&state, mark)))
        })
    }
}
