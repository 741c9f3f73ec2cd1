//! Time advances in a shard: timers fire, and so do the levels that are due.

use super::emit::Emitter;
use super::tickets::Tickets;
use super::totals::TicketClass;
use super::{Context, Shard, timer_s, totals_key};
use crate::engine::clocks::state::PackedClock;
use crate::engine::clocks::versions::Versions;
use crate::engine::clocks::{ClockRun, settle_clock};
use crate::engine::output::TicketRef;
use crate::time::{NEVER_MS, SECOND_MS};

impl Shard {
    /// Fires everything that is due up to `until_ms`. Whatever is due until `passed_until_ms` counts as already due:
    /// catch-up selects from it.
    pub(crate) fn advance(&mut self, context: &Context<'_>, until_ms: i64, passed_until_ms: i64) {
        let versions = context.versions;
        let until_s = (until_ms / SECOND_MS) as u32;
        let mut due_now = Vec::new();
        let Self { number, tickets, wheel, counters, output, .. } = self;
        while wheel.next_batch(until_s, &mut due_now).is_some() {
            for (index, &slot) in due_now.iter().enumerate() {
                if let Some(&ahead) = due_now.get(index + 16) {
                    tickets.records.prefetch(ahead);
                }
                if let Some(&ahead) = due_now.get(index + 8) {
                    tickets.prefetch_clocks(ahead);
                }
                let record = &tickets.records[slot];
                let ticket = TicketRef { shard: *number, slot, ordinal: record.ordinal() };
                let version = record.version();
                let mut emitter =
                    Emitter::new(output, counters, ticket, version, context.catch_up, passed_until_ms, until_ms);
                let next_ms = fire(tickets, versions, slot, until_ms, &mut emitter);
                wheel.set(slot, timer_s(next_ms));
            }
        }
    }
}

/// A ticket's timer has fired: its clocks reach whatever is due up to `until_ms`. Returns when the next mark is due.
///
/// Only marks change here, so the clocks are read one by one, without the rest of the ticket.
fn fire(tickets: &mut Tickets, versions: &Versions, slot: u32, until_ms: i64, emitter: &mut Emitter<'_>) -> i64 {
    let mut next_ms = NEVER_MS;
    let mut marks = 0;
    for (place, compiled) in versions.get(emitter.version).compiled.iter().enumerate() {
        let mut run = ClockRun { state: tickets.clock(slot, place).unpack(), ..ClockRun::default() };
        let before = run.state;
        if before.running {
            next_ms = next_ms.min(settle_clock(compiled, &mut run, until_ms + 1, false, emitter));
            emitter.choose_for(compiled.clock, &mut run.state);
        }
        if before != run.state {
            emitter.counters.count_run(compiled.clock, &before, false);
            emitter.counters.count_run(compiled.clock, &run.state, true);
            tickets.set_clock(slot, place, PackedClock::pack(&run.state));
        }
        marks |= if run.state.open { run.state.done } else { 0 };
    }
    let record = &mut tickets.records[slot];
    let bits = TicketClass::of(record.state(), marks).to_bits();
    if bits != record.class_bits() {
        let from = totals_key(record, versions);
        record.set_class_bits(bits);
        emitter.counters.move_ticket(Some(from), Some(totals_key(record, versions)));
    }
    next_ms
}
