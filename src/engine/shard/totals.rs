//! Running totals, kept on every change so that reading them costs nothing.

use crate::engine::clocks::Ended;
use crate::engine::clocks::state::{AT_RISK, BREACH, ClockState};
use crate::engine::interner::{NO_SYMBOL, Symbol};
use crate::limits::MAX_LEVELS;
use crate::ticket::{PerLabel, State, TicketLabel};

/// Tickets of one kind: all, or those of one priority, team, channel or category.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Neither resolved nor closed.
    pub open: u64,
    /// Open, and waiting.
    pub waiting: u64,
    /// Open, with an open cycle past its at-risk mark and none past its target.
    pub at_risk: u64,
    /// Open, with an open cycle past its target.
    pub breached: u64,
    /// Resolved or closed.
    pub done: u64,
}

/// Cycles of one clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClockTally {
    pub running: u64,
    pub paused: u64,
    /// Open, past the at-risk mark, not past the target.
    pub at_risk: u64,
    /// Open and past the target.
    pub breached: u64,
    /// Ended in time, so far.
    pub met: u64,
    /// Ended late, so far.
    pub missed: u64,
    /// Levels that have fired, so far; withdrawn ones are subtracted.
    pub fired: [u64; MAX_LEVELS],
}

/// All totals of an engine or of one of its shards. The lists are indexed by symbol.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    pub all: Tally,
    /// Empty for the labels by which tickets are not [counted](TicketLabel::COUNTED).
    pub by_label: PerLabel<Vec<Tally>>,
    pub by_clock: Vec<ClockTally>,
}

/// Where a ticket is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TotalsKey {
    /// In the order of [`TicketLabel::COUNTED`].
    pub labels: [Symbol; TicketLabel::COUNTED.len()],
    pub class: TicketClass,
}

/// How a ticket counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct TicketClass {
    done: bool,
    waiting: bool,
    at_risk: bool,
    breached: bool,
}

impl TicketClass {
    /// From the ticket's state and the marks that its open cycles have reached.
    pub(crate) fn of(state: State, marks: u16) -> Self {
        let breached = marks & (1 << BREACH) != 0;
        let done = state.is_done();
        TicketClass {
            done,
            waiting: state == State::Waiting,
            at_risk: !done && !breached && marks & (1 << AT_RISK) != 0,
            breached: !done && breached,
        }
    }

    pub(crate) fn is_at_risk(self) -> bool {
        self.at_risk
    }

    pub(crate) fn is_breached(self) -> bool {
        self.breached
    }

    pub(crate) fn to_bits(self) -> u8 {
        u8::from(self.done) | u8::from(self.waiting) << 1 | u8::from(self.at_risk) << 2 | u8::from(self.breached) << 3
    }

    pub(crate) fn from_bits(bits: u8) -> Self {
        TicketClass { done: bits & 1 != 0, waiting: bits & 2 != 0, at_risk: bits & 4 != 0, breached: bits & 8 != 0 }
    }
}

impl Tally {
    /// Adds or subtracts a ticket. Totals of a shard may wrap below zero; only the sum over shards is read.
    fn count(&mut self, class: TicketClass, add: u64) {
        let to = |counter: &mut u64, applies: bool| *counter = counter.wrapping_add(if applies { add } else { 0 });
        to(&mut self.open, !class.done);
        to(&mut self.done, class.done);
        to(&mut self.waiting, class.waiting);
        to(&mut self.at_risk, class.at_risk);
        to(&mut self.breached, class.breached);
    }

    fn merge(&mut self, other: &Self) {
        self.open = self.open.wrapping_add(other.open);
        self.waiting = self.waiting.wrapping_add(other.waiting);
        self.at_risk = self.at_risk.wrapping_add(other.at_risk);
        self.breached = self.breached.wrapping_add(other.breached);
        self.done = self.done.wrapping_add(other.done);
    }
}

const ONE_LESS: u64 = u64::MAX;

fn entry<T: Clone + Default>(list: &mut Vec<T>, symbol: Symbol) -> &mut T {
    let index = symbol as usize;
    if index >= list.len() {
        list.resize(index + 1, T::default());
    }
    &mut list[index]
}

impl Counters {
    pub(crate) fn move_ticket(&mut self, from: Option<TotalsKey>, to: Option<TotalsKey>) {
        if from == to {
            return;
        }
        for (place, add) in [(from, ONE_LESS), (to, 1)] {
            let Some(place) = place else { continue };
            self.all.count(place.class, add);
            for (label, symbol) in TicketLabel::COUNTED.into_iter().zip(place.labels) {
                if symbol != NO_SYMBOL {
                    entry(&mut self.by_label[label], symbol).count(place.class, add);
                }
            }
        }
    }

    /// Adds or subtracts an open cycle.
    pub(crate) fn count_run(&mut self, clock: Symbol, state: &ClockState, add: bool) {
        let add = if add { 1 } else { ONE_LESS };
        if !state.open {
            return;
        }
        let tally = entry(&mut self.by_clock, clock);
        let counter = if state.running { &mut tally.running } else { &mut tally.paused };
        *counter = counter.wrapping_add(add);
        if state.done & (1 << BREACH) != 0 {
            tally.breached = tally.breached.wrapping_add(add);
        } else if state.done & (1 << AT_RISK) != 0 {
            tally.at_risk = tally.at_risk.wrapping_add(add);
        }
    }

    /// Adds the result of a cycle, or subtracts it when it is revised.
    pub(crate) fn count_ended(&mut self, ended: &Ended, add: bool) {
        let add = if add { 1 } else { ONE_LESS };
        let tally = entry(&mut self.by_clock, ended.clock);
        match ended.met {
            Some(true) => tally.met = tally.met.wrapping_add(add),
            Some(false) => tally.missed = tally.missed.wrapping_add(add),
            None => {}
        }
    }

    /// Adds a level that has fired, or subtracts one that was withdrawn.
    pub(crate) fn count_fired(&mut self, clock: Symbol, level: usize, add: bool) {
        let counter = &mut entry(&mut self.by_clock, clock).fired[level];
        *counter = counter.wrapping_add(if add { 1 } else { ONE_LESS });
    }

    /// Adds the totals of another shard.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.all.merge(&other.all);
        for label in TicketLabel::COUNTED {
            for (symbol, tally) in other.by_label[label].iter().enumerate() {
                entry(&mut self.by_label[label], symbol as Symbol).merge(tally);
            }
        }
        merge_clocks(&mut self.by_clock, &other.by_clock);
    }
}

/// Adds the totals of clocks of another shard.
pub(crate) fn merge_clocks(totals: &mut Vec<ClockTally>, others: &[ClockTally]) {
    for (clock, other) in others.iter().enumerate() {
        let tally = entry(totals, clock as Symbol);
        tally.running = tally.running.wrapping_add(other.running);
        tally.paused = tally.paused.wrapping_add(other.paused);
        tally.at_risk = tally.at_risk.wrapping_add(other.at_risk);
        tally.breached = tally.breached.wrapping_add(other.breached);
        tally.met = tally.met.wrapping_add(other.met);
        tally.missed = tally.missed.wrapping_add(other.missed);
        for (fired, other) in tally.fired.iter_mut().zip(other.fired) {
            *fired = fired.wrapping_add(other);
        }
    }
}
