//! A shard: its share of the tickets, with their timers and totals.
//!
//! Shards are independent of each other. A batch's rows go to the shard of their ticket, the time and edits go to all; the
//! engine collects and sorts the output.

mod apply;
pub(crate) mod emit;
pub(crate) mod event_builder;
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
use emit::ShardOutput;
use std::borrow::Cow;
use tickets::Tickets;
use totals::{Counters, TicketClass, TotalsKey};

/// A part of an engine's tickets.
#[derive(Debug)]
pub(crate) struct Shard {
    pub number: u16,
    pub tickets: Tickets,
    pub wheel: Wheel,
    pub counters: Counters,
    pub output: ShardOutput,
    pub due_now: Vec<u32>,
    pub(crate) spare: Vec<StoredEvent>,
    /// Buffer for the current ticket.
    ticket_clocks: Option<Box<TicketClocks>>,
    pub(crate) before: Vec<ClockState>,
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
            wheel: Wheel::new(0),
            counters: Counters::default(),
            output: ShardOutput::default(),
            due_now: Vec::new(),
            spare: Vec::new(),
            ticket_clocks: None,
            before: Vec::new(),
        }
    }

    pub(crate) fn ticket_ref(&self, slot: u32) -> TicketRef {
        TicketRef { shard: self.number, slot, ordinal: self.tickets.records[slot].ordinal() }
    }

    /// Buffer for the current ticket, to be returned by [`Shard::put_clocks`].
    pub(crate) fn take_clocks(&mut self) -> Box<TicketClocks> {
        self.ticket_clocks.take().unwrap_or_default()
    }

    pub(crate) fn put_clocks(&mut self, ticket_clocks: Box<TicketClocks>) {
        self.ticket_clocks = Some(ticket_clocks);
    }

    /// Restores a ticket from its record and clocks.
    pub(crate) fn unpack(&self, versions: &Versions, slot: u32, ticket_clocks: &mut TicketClocks) {
        let record = &self.tickets.records[slot];
        ticket_clocks.begin(versions, record.version());
        ticket_clocks.state = record.state();
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

    /// The counted state of a ticket's clocks.
    pub(crate) fn counted(&mut self, versions: &Versions, slot: u32) -> CountedAs {
        let version = self.tickets.records[slot].version();
        let mut clocks = std::mem::take(&mut self.before);
        clocks.clear();
        let count = versions.get(version).compiled.len();
        clocks.extend(self.tickets.clocks(slot, count).map(PackedClock::unpack));
        CountedAs { place: self.place(versions, slot), version, clocks }
    }

    pub(crate) fn put_counted(&mut self, counted: CountedAs) {
        self.before = counted.clocks;
    }

    /// Where a ticket counts in the totals, as it is stored.
    pub(crate) fn place(&self, versions: &Versions, slot: u32) -> TotalsKey {
        let record = &self.tickets.records[slot];
        TotalsKey {
            labels: TicketLabel::COUNTED.map(|label| record.label(versions, label)),
            class: TicketClass::from_bits(record.class_bits()),
        }
    }

    /// Stores a ticket, counts it and sets its timer. `counted` is how it was counted before, if it was.
    pub(crate) fn store(
        &mut self,
        versions: &Versions,
        slot: u32,
        ticket_clocks: &TicketClocks,
        counted: Option<CountedAs>,
        next_ms: i64,
    ) {
        let after = versions.get(ticket_clocks.version);
        let class = TicketClass::of(ticket_clocks.state, ticket_clocks.open_marks(versions));
        let from = counted.as_ref().map(|counted| counted.place);
        let before_len = counted.as_ref().map_or(0, |counted| counted.clocks.len());
        if let Some(counted) = counted {
            for (compiled, state) in versions.get(counted.version).compiled.iter().zip(&counted.clocks) {
                self.counters.count_run(compiled.clock, state, false);
            }
            self.before = counted.clocks;
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
        let place = self.place(versions, slot);
        self.counters.move_ticket(from, Some(place));
        self.arm(slot, timer_s(next_ms));
    }

    /// Sets the timer of a ticket; 0 for none.
    pub(crate) fn arm(&mut self, slot: u32, due_s: u32) {
        self.wheel.set(slot, due_s);
    }

    /// Replaces the descriptive labels of a ticket.
    pub(crate) fn describe(
        &mut self,
        versions: &Versions,
        slot: u32,
        labels: [(TicketLabel, Symbol); TicketLabel::DESCRIPTIVE.len()],
    ) {
        if labels.iter().all(|(_, symbol)| *symbol == NO_SYMBOL) {
            return;
        }
        let before = self.place(versions, slot);
        let record = &mut self.tickets.records[slot];
        for (label, symbol) in labels {
            if symbol != NO_SYMBOL {
                record.set_label(label, symbol);
            }
        }
        let after = self.place(versions, slot);
        self.counters.move_ticket(Some(before), Some(after));
    }

    /// The open cycles of a ticket as they stand at `now_ms`.
    pub(crate) fn open_cycles(&mut self, versions: &Versions, slot: u32, now_ms: i64, cycles: &mut Vec<CycleRecord>) {
        let mut ticket_clocks = self.take_clocks();
        self.load(versions, slot, now_ms, &mut ticket_clocks);
        let ticket = self.ticket_ref(slot);
        let revision = self.tickets.history(slot).map_or(0, |history| history.revision);
        for (compiled, run) in ticket_clocks.clocks(versions) {
            if run.state.open {
                cycles.push(open_cycle(compiled, run, ticket, revision, ticket_clocks.version, now_ms));
            }
        }
        self.put_clocks(ticket_clocks);
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

/// How a ticket was counted.
pub(crate) struct CountedAs {
    pub place: TotalsKey,
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
