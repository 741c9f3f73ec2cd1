//! A shard: its share of the tickets, with their timers and totals.
//!
//! Shards are independent of each other. A batch's rows go to the shard of their ticket, the time and edits go to all; the
//! engine collects and sorts the output.

mod apply;
pub(crate) mod emit;
pub(crate) mod event_builder;
mod gone;
mod ids;
pub(crate) mod late_events;
pub(crate) mod policy_edit;
pub(crate) mod tickets;
mod timers;
pub(crate) mod totals;

use super::clocks::deadlines::CompiledClock;
use super::clocks::event::StoredEvent;
use super::clocks::state::{ClockState, PackedClock};
use super::clocks::versions::{VersionId, Versions};
use super::clocks::{ClockRun, TicketClocks};
use super::interner::{NO_SYMBOL, Symbol};
use super::output::{CatchUp, CycleRecord, TicketRef};
use super::wheel::Wheel;
use crate::engine::clocks::CycleResult;
use crate::ticket::TicketLabel;
use crate::time::{HORIZON_MS, NEVER_MS, SECOND_MS};
use emit::{Emitter, ShardOutput};
use gone::Gone;
use std::borrow::Cow;
use tickets::{Record, Tickets};
use totals::{Counters, TicketClass, TotalsKey};

/// A part of an engine's tickets.
#[derive(Debug)]
pub(crate) struct Shard {
    pub number: u16,
    pub tickets: Tickets,
    pub gone: Gone,
    pub wheel: Wheel,
    pub counters: Counters,
    pub output: ShardOutput,
}

/// Buffers of a command, for one ticket after the other.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    pub clocks: TicketClocks,
    pub counted: CountedAs,
    pub events: Vec<StoredEvent>,
}

/// What a command may read besides the shard.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub versions: &'a Versions,
    pub now_ms: i64,
    pub catch_up: CatchUp,
}

/// The second at which a timer must fire so that nothing fires early; 0 for something that is never due.
pub(crate) fn timer_s(due_ms: i64) -> u32 {
    if due_ms > HORIZON_MS { 0 } else { ((due_ms + SECOND_MS - 1) / SECOND_MS) as u32 }
}

impl Shard {
    pub(crate) fn new(number: u16) -> Self {
        Self {
            number,
            tickets: Tickets::new(),
            gone: Gone::default(),
            wheel: Wheel::new(0),
            counters: Counters::default(),
            output: ShardOutput::default(),
        }
    }

    pub(crate) fn ticket_ref(&self, slot: u32) -> TicketRef {
        TicketRef { shard: self.number, slot, ordinal: self.tickets.records[slot].ordinal() }
    }

    /// Collects what a ticket's clocks emit at the engine's time.
    pub(crate) fn emitter(
        &mut self,
        context: &Context<'_>,
        ticket: TicketRef,
        version: VersionId,
        revision: u16,
    ) -> Emitter<'_> {
        let now_ms = context.now_ms;
        let (output, counters) = (&mut self.output, &mut self.counters);
        let mut emitter = Emitter::new(output, counters, ticket, version, context.catch_up, now_ms, now_ms);
        emitter.revision = revision;
        emitter
    }

    /// Restores a ticket from its record and clocks.
    pub(crate) fn unpack(&self, versions: &Versions, slot: u32, ticket_clocks: &mut TicketClocks) {
        let record = &self.tickets.records[slot];
        ticket_clocks.begin(versions, record.version());
        (ticket_clocks.state, ticket_clocks.owner, ticket_clocks.team) = (record.state(), record.owner, record.team());
        let count = versions.get(record.version()).compiled.len();
        for (run, clock) in ticket_clocks.runs.iter_mut().zip(self.tickets.clocks(slot, count)) {
            run.state = clock.unpack();
        }
    }

    /// Restores a ticket from its event log, up to the engine's time.
    pub(crate) fn rebuild(
        &self,
        versions: &Versions,
        slot: u32,
        entries: &[StoredEvent],
        now_ms: i64,
        ticket_clocks: &mut TicketClocks,
    ) {
        ticket_clocks.replay(versions, entries, now_ms, &mut super::clocks::migrate::Ignore);
        let version = self.tickets.records[slot].version();
        debug_assert_eq!(
            version,
            ticket_clocks.version,
            "event log and version of ticket {:?} differ",
            self.tickets.id(slot)
        );
        let count = versions.get(version).compiled.len();
        for (run, kept) in ticket_clocks.runs.iter_mut().zip(self.tickets.clocks(slot, count)) {
            let kept = kept.unpack();
            run.state.fired = kept.fired;
            debug_assert_eq!(
                run.state,
                kept,
                "event log and clock of ticket {:?} differ at {now_ms}: {entries:?}",
                self.tickets.id(slot)
            );
        }
    }

    /// Reads how a ticket is counted, with the state of its clocks.
    pub(crate) fn read_counted(&self, versions: &Versions, slot: u32, counted: &mut CountedAs) {
        counted.version = self.tickets.records[slot].version();
        counted.key = self.totals_key(versions, slot);
        counted.clocks.clear();
        let count = versions.get(counted.version).compiled.len();
        counted.clocks.extend(self.tickets.clocks(slot, count).map(PackedClock::unpack));
    }

    /// Where a ticket counts in the totals, as it is stored.
    pub(crate) fn totals_key(&self, versions: &Versions, slot: u32) -> TotalsKey {
        totals_key(&self.tickets.records[slot], versions)
    }

    /// Stores a ticket, counts it and sets its timer. `counted` is how it was counted before, if it was.
    pub(crate) fn store(
        &mut self,
        versions: &Versions,
        slot: u32,
        ticket_clocks: &TicketClocks,
        counted: Option<&CountedAs>,
        next_ms: i64,
    ) {
        let after = versions.get(ticket_clocks.version);
        let class = TicketClass::of(ticket_clocks.state, ticket_clocks.open_marks(versions));
        let from = counted.map(|counted| counted.key);
        let before_len = counted.map_or(0, |counted| counted.clocks.len());
        if let Some(counted) = counted {
            for (compiled, state) in versions.get(counted.version).compiled.iter().zip(&counted.clocks) {
                self.counters.count_run(compiled.clock, state, false);
            }
        }
        if before_len != after.compiled.len() || from.is_none() {
            self.tickets.resize_clocks(slot, before_len, after.compiled.len());
        }
        for (place, (compiled, run)) in ticket_clocks.clocks(versions).enumerate() {
            self.counters.count_run(compiled.clock, &run.state, true);
            self.tickets.set_clock(slot, place, PackedClock::pack(&run.state));
        }
        let record = &mut self.tickets.records[slot];
        record.set_version(ticket_clocks.version);
        record.set_state(ticket_clocks.state);
        record.set_class_bits(class.to_bits());
        self.counters.move_ticket(from, Some(totals_key(record, versions)));
        self.arm(slot, timer_s(next_ms));
    }

    /// Sets the timer of a ticket; 0 for none.
    pub(crate) fn arm(&mut self, slot: u32, due_s: u32) {
        self.wheel.set(slot, due_s);
    }

    /// Replaces the descriptive labels of a ticket by those that a row at `at_ms` reports, unless a later row has reported others.
    pub(crate) fn describe(
        &mut self,
        versions: &Versions,
        slot: u32,
        labels: [(TicketLabel, Symbol); TicketLabel::DESCRIPTIVE.len()],
        at_ms: i64,
    ) {
        if labels.iter().all(|(_, symbol)| *symbol == NO_SYMBOL) {
            return;
        }
        let before = totals_key(&self.tickets.records[slot], versions);
        for (place, (label, symbol)) in labels.into_iter().enumerate() {
            let known = self.tickets.records[slot].label(versions, label);
            let known_ms = self.tickets.described_ms(slot)[place];
            if symbol == NO_SYMBOL || known != NO_SYMBOL && at_ms < known_ms {
                continue;
            }
            if at_ms != known_ms {
                let priority = versions.get(self.tickets.records[slot].version()).priority;
                self.tickets.history_mut(slot, priority).described_ms[place] = at_ms;
            }
            self.tickets.records[slot].set_label(label, symbol);
        }
        let record = &self.tickets.records[slot];
        self.counters.move_ticket(Some(before), Some(totals_key(record, versions)));
    }

    /// The open cycles of a ticket as they stand at `now_ms`.
    pub(crate) fn open_cycles(
        &self,
        versions: &Versions,
        slot: u32,
        now_ms: i64,
        ticket_clocks: &mut TicketClocks,
        cycles: &mut Vec<CycleRecord>,
    ) {
        self.load(versions, slot, now_ms, ticket_clocks);
        let ticket = self.ticket_ref(slot);
        let revision = self.tickets.history(slot).map_or(0, |history| history.revision);
        for (compiled, run) in ticket_clocks.clocks(versions) {
            if run.state.open {
                cycles.push(open_cycle(compiled, run, ticket, revision, ticket_clocks.version, now_ms));
            }
        }
    }

    /// A ticket with the full state of its open cycles.
    pub(crate) fn load(&self, versions: &Versions, slot: u32, now_ms: i64, ticket_clocks: &mut TicketClocks) {
        self.unpack(versions, slot, ticket_clocks);
        if ticket_clocks.clocks(versions).all(|(_, run)| !run.state.broken) {
            return;
        }
        self.rebuild(versions, slot, &self.events(versions, slot), now_ms, ticket_clocks);
    }

    /// The ticket's events.
    pub(crate) fn events(&self, versions: &Versions, slot: u32) -> Cow<'_, [StoredEvent]> {
        self.tickets.entries(slot, versions.get(self.tickets.records[slot].version()).priority)
    }

    /// A copy of the ticket's events.
    pub(crate) fn entries(&self, versions: &Versions, slot: u32) -> Vec<StoredEvent> {
        self.events(versions, slot).into_owned()
    }
}

/// Where a ticket counts in the totals.
pub(crate) fn totals_key(record: &Record, versions: &Versions) -> TotalsKey {
    TotalsKey {
        labels: TicketLabel::COUNTED.map(|label| record.label(versions, label)),
        class: TicketClass::from_bits(record.class_bits()),
    }
}

/// How a ticket was counted.
#[derive(Debug, Default)]
pub(crate) struct CountedAs {
    pub key: TotalsKey,
    pub version: VersionId,
    pub clocks: Vec<ClockState>,
}

/// The record of an open cycle at `now_ms`.
fn open_cycle(
    compiled: &CompiledClock,
    run: &ClockRun,
    ticket: TicketRef,
    revision: u16,
    version: VersionId,
    now_ms: i64,
) -> CycleRecord {
    let state = &run.state;
    let due_ms = run.target_due_ms(compiled, now_ms);
    let running_ms = if state.running { compiled.elapsed(state.segment_ms, now_ms) } else { 0 };
    let breached = state.done & (1 << super::clocks::state::BREACH) != 0;
    CycleRecord {
        ticket,
        clock: compiled.clock,
        cycle: state.cycle,
        revision,
        started_ms: state.started_ms,
        due_ms: if compiled.has_target() { due_ms } else { NEVER_MS },
        stopped_ms: now_ms,
        business_ms: state.spent_ms + running_ms,
        wall_ms: (now_ms - state.started_ms).max(0),
        result: match (compiled.has_target(), breached) {
            (true, true) => CycleResult::OpenMissed,
            _ => CycleResult::Open,
        },
        version,
    }
}
