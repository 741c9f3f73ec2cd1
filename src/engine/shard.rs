//! A shard: its share of the tickets, with their timers and totals.
//!
//! Shards know nothing of each other. A batch's rows come to the shard of their ticket, the time and edits come to all; what
//! comes out is put together and sorted by the engine.

use super::clock_state::{ClockState, PackedClock};
use super::counters::{Class, Counters, Place};
use super::due_histogram::DueHistogram;
use super::fold::{Fold, Run, settle_clock};
use super::history::{Entry, PastFires};
use super::live::{Live, Told};
use super::meter::Meter;
use super::outcome::{CycleRecord, CycleResult, Escalation, EscalationKind, Passed, TicketRef};
use super::rows::{Growing, Row};
use super::symbols::{NO_SYMBOL, Symbol};
use super::tickets::Tickets;
use super::versions::{VersionId, Versions};
use super::wheel::Wheel;
use crate::limits::MAX_EVENTS_A_TICKET;
use crate::ticket::EventKind;
use crate::time::{HORIZON_MS, NEVER_MS, SECOND_MS};

/// A part of an engine's tickets.
#[derive(Debug)]
pub(super) struct Shard {
    pub number: u16,
    pub tickets: Tickets,
    pub wheel: Wheel,
    pub due_histogram: DueHistogram,
    pub counters: Counters,
    pub told: Told,
    pub due_now: Vec<u32>,
    spare: Vec<Entry>,
    /// Room for the ticket at hand.
    fold: Option<Box<Fold>>,
    before: Vec<ClockState>,
}

/// What a command may look at besides the shard.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub versions: &'a Versions,
    pub now_ms: i64,
    pub passed: Passed,
}

/// The second by which a timer must ring so that nothing fires early; 0 for what is never due.
fn timer_s(due_ms: i64) -> u32 {
    if due_ms > HORIZON_MS { 0 } else { ((due_ms + SECOND_MS - 1) / SECOND_MS) as u32 }
}

impl Shard {
    pub(super) fn new(number: u16) -> Self {
        Self {
            number,
            tickets: Tickets::new(),
            wheel: Wheel::new(0),
            due_histogram: DueHistogram::default(),
            counters: Counters::default(),
            told: Told::default(),
            due_now: Vec::new(),
            spare: Vec::new(),
            fold: None,
            before: Vec::new(),
        }
    }

    pub(super) fn ticket_ref(&self, slot: u32) -> TicketRef {
        TicketRef { shard: self.number, slot, ordinal: self.tickets.records[slot].ordinal() }
    }

    /// Room for the ticket at hand, to be given back by [`Shard::put_fold`].
    pub(super) fn take_fold(&mut self) -> Box<Fold> {
        self.fold.take().unwrap_or_default()
    }

    pub(super) fn put_fold(&mut self, fold: Box<Fold>) {
        self.fold = Some(fold);
    }

    /// A ticket as its record and clocks tell it.
    pub(super) fn unpack(&self, versions: &Versions, slot: u32, fold: &mut Fold) {
        let record = &self.tickets.records[slot];
        fold.begin(versions, record.version());
        fold.state = record.state();
        let count = versions.get(record.version()).meters.len();
        for (run, clock) in fold.runs.iter_mut().zip(self.tickets.clocks(slot, count)) {
            run.state = clock.unpack();
        }
    }

    /// A ticket as its history tells it, up to the engine's time.
    pub(super) fn rebuild(&self, versions: &Versions, slot: u32, entries: &[Entry], now_ms: i64, fold: &mut Fold) {
        tell(versions, entries, now_ms, fold, &mut super::change::Ignore);
        let version = self.tickets.records[slot].version();
        debug_assert_eq!(version, fold.version, "history and version of ticket {:?} differ", self.tickets.id(slot));
        let count = versions.get(version).meters.len();
        for (run, kept) in fold.runs.iter_mut().zip(self.tickets.clocks(slot, count)) {
            let kept = kept.unpack();
            run.state.fired = kept.fired;
            debug_assert_eq!(
                run.state,
                kept,
                "history and clock of ticket {:?} differ at {now_ms}: {entries:?}",
                self.tickets.id(slot)
            );
        }
    }

    /// The clocks of a ticket as they are counted.
    pub(super) fn counted(&mut self, versions: &Versions, slot: u32) -> Counted {
        let version = self.tickets.records[slot].version();
        let mut clocks = std::mem::take(&mut self.before);
        clocks.clear();
        let count = versions.get(version).meters.len();
        clocks.extend(self.tickets.clocks(slot, count).map(PackedClock::unpack));
        Counted { place: self.place(versions, slot), version, clocks }
    }

    /// Where a ticket counts, as it is stored.
    pub(super) fn place(&self, versions: &Versions, slot: u32) -> Place {
        let record = &self.tickets.records[slot];
        Place {
            priority: versions.get(record.version()).priority,
            team: record.team(),
            channel: record.channel(),
            category: record.category(),
            class: Class::from_bits(record.class_bits()),
        }
    }

    /// Stores a ticket, counts it and sets its timer. `counted` is how it was counted before, if it was.
    pub(super) fn store(
        &mut self,
        versions: &Versions,
        slot: u32,
        fold: &Fold,
        counted: Option<Counted>,
        next_ms: i64,
    ) {
        let after = versions.get(fold.version);
        let class = Class::of(fold.state, fold.open_marks(versions));
        let from = counted.as_ref().map(|counted| counted.place);
        let before_len = counted.as_ref().map_or(0, |counted| counted.clocks.len());
        if let Some(counted) = counted {
            for (meter, state) in versions.get(counted.version).meters.iter().zip(&counted.clocks) {
                self.counters.count_run(meter.clock, state, false);
            }
            self.before = counted.clocks;
        }
        if before_len != after.meters.len() || from.is_none() {
            self.tickets.resize_clocks(slot, before_len, after.meters.len());
        }
        for (place, (meter, run)) in fold.clocks(versions).enumerate() {
            self.counters.count_run(meter.clock, &run.state, true);
            self.tickets.set_clock(slot, place, PackedClock::pack(&run.state));
        }
        let record = &mut self.tickets.records[slot];
        record.set_version(fold.version);
        record.set_state(fold.state);
        record.set_class_bits(class.to_bits());
        let place = self.place(versions, slot);
        self.counters.move_ticket(from, Some(place));
        self.arm(slot, timer_s(next_ms));
    }

    /// Sets the timer of a ticket; 0 for none.
    fn arm(&mut self, slot: u32, due_s: u32) {
        let before_s = self.wheel.due(slot);
        self.wheel.set(slot, due_s);
        self.due_histogram.move_timer(before_s, self.wheel.due(slot));
    }

    /// Applies rows of one ticket, in order of time. Returns how many were used: a ticket that leaves leaves the rest over.
    pub(super) fn apply_rows(
        &mut self,
        scene: &Scene<'_>,
        slot: u32,
        rows: &[Row],
        mut assign: impl FnMut(&Row) -> Symbol,
        refused: &mut Vec<u32>,
    ) -> usize {
        let versions = scene.versions;
        let is_live = self.tickets.records[slot].is_live();
        let priority = if is_live { versions.get(self.tickets.records[slot].version()).priority } else { 0 };
        let first_priority = self.first_priority(slot, priority);
        let spare = std::mem::take(&mut self.spare);
        let mut growing = Growing::new(self.tickets.take_entries(slot, first_priority, spare));
        let mut leaves_ms = None;
        let mut used = 0;
        for row in rows {
            used += 1;
            if matches!(row.kind, EventKind::Deleted | EventKind::Merged) {
                leaves_ms = Some(row.at_ms);
                break;
            }
            if growing.entries.len() + 3 > MAX_EVENTS_A_TICKET {
                refused.push(row.number);
                continue;
            }
            growing.add(row, || assign(row));
        }
        let known = growing.known();
        let changed = growing.before.is_some() || growing.entries.len() > known;
        if changed || is_live && leaves_ms.is_some() {
            self.tell_by_hand(slot, &growing);
            let late = growing.before.is_some() || self.is_late(scene, slot, &growing.entries, known);
            if is_live && late {
                self.refold(scene, slot, &growing);
            } else {
                self.go_on(scene, slot, &growing, leaves_ms);
            }
            let standing = growing.standing();
            let record = &mut self.tickets.records[slot];
            record.set_opened_ms(growing.entries[0].at_ms());
            record.owner = standing.owner;
            let before = self.place(versions, slot);
            self.tickets.records[slot].set_team(standing.team);
            let after = self.place(versions, slot);
            self.counters.move_ticket(Some(before), Some(after));
        }
        self.spare = if self.tickets.records[slot].is_live() {
            self.tickets.put_entries(slot, growing.entries)
        } else {
            growing.entries
        };
        if leaves_ms.is_some() {
            self.leave(versions, slot);
        }
        used
    }

    /// The priority with which a ticket without a history of its own was opened: the one it has.
    fn first_priority(&self, slot: u32, priority: Symbol) -> Symbol {
        let opening = self.tickets.history(slot).and_then(|history| history.entries.first());
        opening.and_then(|entry| entry.priority()).unwrap_or(priority)
    }

    /// Reports escalations by hand.
    fn tell_by_hand(&mut self, slot: u32, growing: &Growing) {
        let ticket = self.ticket_ref(slot);
        let count = growing.entries.iter().filter(|entry| entry.kind() == EventKind::Escalated).count();
        for (index, (at_ms, row)) in growing.by_hand.iter().enumerate() {
            let number = count - growing.by_hand.len() + index + 1;
            self.told.escalations.push(Escalation {
                kind: EscalationKind::ByHand,
                due_ms: *at_ms,
                fired_ms: *at_ms,
                ticket,
                clock: 0,
                cycle: number.min(usize::from(u16::MAX)) as u16,
                level: 0,
                version: 0,
                row: *row,
            });
        }
    }

    /// Whether the first new event lies before something that the ticket has told already.
    fn is_late(&self, scene: &Scene<'_>, slot: u32, entries: &[Entry], known: usize) -> bool {
        let record = &self.tickets.records[slot];
        if !record.is_live() {
            return false;
        }
        let Some(first) = entries.get(known) else { return false };
        let at_ms = first.not_before(entries[0].at_ms()).at_ms();
        let version = scene.versions.get(record.version());
        if at_ms <= scene.versions.last_edit_ms(version.priority) {
            return true;
        }
        at_ms <= scene.now_ms
            && version.meters.iter().zip(self.tickets.clocks(slot, version.meters.len())).any(|(meter, clock)| {
                let state = clock.unpack();
                state.running
                    && state.done != 0
                    && (0..u16::BITS as usize)
                        .filter(|mark| state.done & (1 << mark) != 0)
                        .any(|mark| (at_ms..NEVER_MS).contains(&meter.due_of(&state, mark)))
            })
    }

    /// New events after all that the ticket has told: they happen one after the other.
    fn go_on(&mut self, scene: &Scene<'_>, slot: u32, growing: &Growing, leaves_ms: Option<i64>) {
        let versions = scene.versions;
        let entries = &growing.entries;
        let known = growing.known();
        let ticket = self.ticket_ref(slot);
        let is_live = self.tickets.records[slot].is_live();
        let counted = is_live.then(|| self.counted(versions, slot));
        let mut fold = self.take_fold();
        match &counted {
            None => {
                let priority = entries[0].priority().unwrap_or(0);
                fold.begin(versions, versions.at_opening(priority, entries[0].at_ms()));
            }
            Some(counted) => {
                let changes = entries[known..].iter().any(|entry| entry.kind() == EventKind::PriorityChanged);
                if changes || counted.clocks.iter().any(|state| state.broken) {
                    self.rebuild(versions, slot, &entries[..known], scene.now_ms, &mut fold);
                } else {
                    self.unpack(versions, slot, &mut fold);
                }
            }
        }
        let first = if is_live { known } else { 0 };
        let mut told = std::mem::take(&mut self.told);
        let mut counters = std::mem::take(&mut self.counters);
        let mut live =
            Live::new(&mut told, &mut counters, ticket, fold.version, scene.passed, scene.now_ms, scene.now_ms);
        live.revision = self.tickets.history(slot).map_or(0, |history| history.revision);
        let mut caught_up = false;
        for (index, &entry) in entries.iter().enumerate().skip(first) {
            let before = &entries[..index];
            let entry = entry.not_before(entries[0].at_ms());
            if entry.at_ms() > scene.now_ms && !caught_up {
                caught_up = true;
                catch_up(scene, &mut fold, before, &mut live);
            }
            fold.edits_until(versions, entry.at_ms(), before, &mut live);
            fold.settle(versions, entry.at_ms(), &mut live);
            live.version = fold.version;
            fold.step(versions, entry, before, &mut live);
            live.version = fold.version;
            if caught_up {
                live.choose(versions, &mut fold);
            }
        }
        match leaves_ms {
            // It is gone by now: nobody is to be told of what would have passed since.
            Some(leaves_ms) if leaves_ms <= scene.now_ms => _ = fold.settle(versions, leaves_ms, &mut live),
            _ if !caught_up => catch_up(scene, &mut fold, entries, &mut live),
            _ => {}
        }
        if let Some(leaves_ms) = leaves_ms {
            fold.settle(versions, leaves_ms, &mut live);
        }
        let next_ms = fold.settle(versions, scene.now_ms + 1, &mut live);
        self.told = told;
        self.counters = counters;
        self.keep_past_fires(versions, slot, &fold);
        self.store(versions, slot, &fold, counted, next_ms);
        self.put_fold(fold);
    }

    /// Puts aside the levels that fired in cycles that have ended.
    pub(super) fn keep_past_fires(&mut self, versions: &Versions, slot: u32, fold: &Fold) {
        if !self.told.past_fires.is_empty() {
            let fires: Vec<PastFires> = std::mem::take(&mut self.told.past_fires);
            let priority = self.first_priority(slot, versions.get(fold.version).priority);
            self.tickets.history_mut(slot, priority).past_fires.extend(fires);
        }
    }

    /// Takes a ticket out of the index; one that never opened was only a name.
    fn leave(&mut self, versions: &Versions, slot: u32) {
        if self.tickets.records[slot].is_live() {
            let counted = self.counted(versions, slot);
            let version = versions.get(counted.version);
            for (meter, state) in version.meters.iter().zip(&counted.clocks) {
                self.counters.count_run(meter.clock, state, false);
            }
            self.before = counted.clocks;
            self.counters.move_ticket(Some(counted.place), None);
            self.arm(slot, 0);
            self.tickets.remove(slot, version.meters.len());
        } else {
            self.tickets.remove(slot, 0);
        }
    }

    /// Replaces the words that only describe a ticket.
    pub(super) fn describe(
        &mut self,
        versions: &Versions,
        slot: u32,
        channel: Symbol,
        category: Symbol,
        customer: Symbol,
    ) {
        if customer != NO_SYMBOL {
            self.tickets.records[slot].customer = customer;
        }
        if channel == NO_SYMBOL && category == NO_SYMBOL {
            return;
        }
        let before = self.place(versions, slot);
        let record = &mut self.tickets.records[slot];
        if channel != NO_SYMBOL {
            record.set_channel(channel);
        }
        if category != NO_SYMBOL {
            record.set_category(category);
        }
        let after = self.place(versions, slot);
        self.counters.move_ticket(Some(before), Some(after));
    }

    /// Fires everything that is due up to `until_ms`. `passed_until_ms`: what is due until then counts as passed.
    pub(super) fn advance(&mut self, scene: &Scene<'_>, until_ms: i64, passed_until_ms: i64) {
        let versions = scene.versions;
        let until_s = (until_ms / SECOND_MS) as u32;
        let mut due_now = std::mem::take(&mut self.due_now);
        let mut told = std::mem::take(&mut self.told);
        let mut counters = std::mem::take(&mut self.counters);
        while let Some(second) = self.wheel.next_batch(until_s, &mut due_now) {
            self.due_histogram.come_up(second, due_now.len());
            for (index, &slot) in due_now.iter().enumerate() {
                if let Some(&ahead) = due_now.get(index + 16) {
                    self.tickets.records.prefetch(ahead);
                }
                if let Some(&ahead) = due_now.get(index + 8) {
                    self.tickets.prefetch_clocks(ahead);
                }
                let ticket = self.ticket_ref(slot);
                let version = self.tickets.records[slot].version();
                let mut live =
                    Live::new(&mut told, &mut counters, ticket, version, scene.passed, passed_until_ms, until_ms);
                let next_ms = self.ring(versions, slot, until_ms, &mut live);
                self.arm(slot, timer_s(next_ms));
            }
        }
        self.due_now = due_now;
        self.told = told;
        self.counters = counters;
    }

    /// A ticket's timer has come up: its clocks reach what is due up to `until_ms`. Returns when the next mark is due.
    ///
    /// Nothing but marks changes here, so the clocks are taken one by one, without the rest of the ticket.
    fn ring(&mut self, versions: &Versions, slot: u32, until_ms: i64, live: &mut Live<'_>) -> i64 {
        let mut next_ms = NEVER_MS;
        let mut marks = 0;
        for (place, meter) in versions.get(live.version).meters.iter().enumerate() {
            let mut run = Run { state: self.tickets.clock(slot, place).unpack(), ..Run::default() };
            let before = run.state;
            if before.running {
                next_ms = next_ms.min(settle_clock(meter, &mut run, until_ms + 1, false, live));
                live.choose_for(meter.clock, &mut run.state);
            }
            if before != run.state {
                live.counters.count_run(meter.clock, &before, false);
                live.counters.count_run(meter.clock, &run.state, true);
                self.tickets.set_clock(slot, place, PackedClock::pack(&run.state));
            }
            marks |= if run.state.open { run.state.done } else { 0 };
        }
        let bits = Class::of(self.tickets.records[slot].state(), marks).to_bits();
        if bits != self.tickets.records[slot].class_bits() {
            let from = self.place(versions, slot);
            self.tickets.records[slot].set_class_bits(bits);
            live.counters.move_ticket(Some(from), Some(self.place(versions, slot)));
        }
        next_ms
    }

    /// The open cycles of a ticket as they stand at `now_ms`.
    pub(super) fn open_cycles(&mut self, versions: &Versions, slot: u32, now_ms: i64, cycles: &mut Vec<CycleRecord>) {
        let mut fold = self.take_fold();
        self.load(versions, slot, now_ms, &mut fold);
        let ticket = self.ticket_ref(slot);
        let revision = self.tickets.history(slot).map_or(0, |history| history.revision);
        for (meter, run) in fold.clocks(versions) {
            if run.state.open {
                cycles.push(open_cycle(meter, run, ticket, revision, fold.version, now_ms));
            }
        }
        self.put_fold(fold);
    }

    /// A ticket with everything known of its open cycles.
    pub(super) fn load(&self, versions: &Versions, slot: u32, now_ms: i64, fold: &mut Fold) {
        self.unpack(versions, slot, fold);
        if fold.clocks(versions).all(|(_, run)| !run.state.broken) {
            return;
        }
        let entries = self.entries(versions, slot);
        self.rebuild(versions, slot, &entries, now_ms, fold);
    }

    /// A copy of the ticket's events.
    pub(super) fn entries(&self, versions: &Versions, slot: u32) -> Vec<Entry> {
        self.tickets.entries(slot, versions.get(self.tickets.records[slot].version()).priority)
    }
}

/// How a ticket was counted.
pub(super) struct Counted {
    pub place: Place,
    pub version: VersionId,
    pub clocks: Vec<ClockState>,
}

/// What is known of an open cycle at `now_ms`.
fn open_cycle(
    meter: &Meter,
    run: &Run,
    ticket: TicketRef,
    revision: u16,
    version: VersionId,
    now_ms: i64,
) -> CycleRecord {
    let state = &run.state;
    let due_ms = run.target_due_ms(meter, now_ms);
    let running_ms = if state.running { meter.elapsed(state.segment_ms, now_ms) } else { 0 };
    let breached = state.done & (1 << super::clock_state::BREACH) != 0;
    CycleRecord {
        ticket,
        clock: meter.clock,
        cycle: state.cycle,
        revision,
        started_ms: state.started_ms,
        due_ms: if meter.has_target() { due_ms } else { NEVER_MS },
        stopped_ms: now_ms,
        business_ms: state.spent_ms + running_ms,
        wall_ms: (now_ms - state.started_ms).max(0),
        result: match (meter.has_target(), breached) {
            (true, true) => CycleResult::OpenMissed,
            _ => CycleResult::Open,
        },
        version,
    }
}

/// The events of a ticket up to the engine's time are in: what is due until then, and the choice among what had passed.
fn catch_up(scene: &Scene<'_>, fold: &mut Fold, before: &[Entry], live: &mut Live<'_>) {
    fold.edits_until(scene.versions, scene.now_ms + 1, before, live);
    live.version = fold.version;
    fold.settle(scene.versions, scene.now_ms + 1, live);
    live.choose(scene.versions, fold);
}

/// Tells a whole history, and what is due up to the engine's time.
pub(super) fn tell(
    versions: &Versions,
    entries: &[Entry],
    now_ms: i64,
    fold: &mut Fold,
    sink: &mut impl super::fold::Sink,
) {
    let opening = entries[0];
    fold.begin(versions, versions.at_opening(opening.priority().unwrap_or(0), opening.at_ms()));
    for (index, &entry) in entries.iter().enumerate() {
        let before = &entries[..index];
        let entry = entry.not_before(opening.at_ms());
        fold.edits_until(versions, entry.at_ms(), before, sink);
        fold.settle(versions, entry.at_ms(), sink);
        fold.step(versions, entry, before, sink);
    }
    fold.edits_until(versions, now_ms + 1, entries, sink);
    fold.settle(versions, now_ms + 1, sink);
}
