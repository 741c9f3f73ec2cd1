//! Tickets by next due time, filtered, one page at a time.
//!
//! A page is found by a walk over the shard's records that keeps the smallest keys in a heap of the page's length: nothing is
//! allocated per ticket, most tickets are dismissed by their record alone, and no index has to be maintained during heavy load.
//!
//! The key is the next level or target. A ticket's timer may be earlier, for an at-risk mark, but is never later: it dismisses
//! most tickets before their clocks are read.

use crate::engine::clocks::versions::Versions;
use crate::engine::commands::Engine;
use crate::engine::interner::{Symbol, Symbols};
use crate::engine::output::TicketRef;
use crate::engine::shard::Shard;
use crate::engine::shard::tickets::Record;
use crate::engine::shard::totals::TicketClass;
use crate::ticket::{PerLabel, State};
use crate::time::SECOND_MS;
use std::collections::BinaryHeap;

/// A filter for tickets; `None` and `false` match any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TicketQuery {
    pub state: Option<State>,
    /// Neither resolved nor closed.
    pub open_only: bool,
    pub labels: PerLabel<Option<String>>,
    /// Open, with an open cycle past its target; or not so.
    pub breached: Option<bool>,
    /// Open, with an open cycle past its at-risk mark and none past its target; or not so.
    pub at_risk: Option<bool>,
    /// A level or target is due before this instant (milliseconds).
    pub due_before_ms: Option<i64>,
}

/// A [`TicketQuery`] with its labels resolved to symbols, see [`Engine::filter`]. Valid as long as the engine; it does not
/// match labels introduced after it was made.
#[derive(Debug, Clone)]
pub struct TicketFilter {
    query: TicketQuery,
    labels: PerLabel<Wanted>,
}

/// What a column must contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Any,
    Only(Symbol),
    /// A label that no ticket has.
    Unknown,
}

impl Wanted {
    fn new(label: Option<&str>, symbols: &Symbols) -> Self {
        match label {
            None => Self::Any,
            Some(label) => symbols.find(label).map_or(Self::Unknown, Self::Only),
        }
    }
}

/// A ticket's place in a list: by the second at which its next level or target is processed, then in the order in which tickets were
/// first seen. Only these two are compared, so they make a cursor that outlives the ticket.
#[derive(Debug, Clone, Copy)]
pub struct TicketKey {
    /// `u32::MAX` for a ticket with nothing pending: such tickets come last.
    pub due_s: u32,
    pub ordinal: u64,
    shard: u16,
    slot: u32,
}

impl TicketKey {
    /// A cursor: the list continues after it.
    pub fn cursor(due_s: u32, ordinal: u64) -> Self {
        Self { due_s, ordinal, shard: 0, slot: 0 }
    }

    /// The ticket. Valid until the next call that changes the engine; meaningless for a [cursor](TicketKey::cursor).
    pub fn ticket(&self) -> TicketRef {
        TicketRef { shard: self.shard, slot: self.slot, ordinal: self.ordinal }
    }

    fn place(&self) -> (u32, u64) {
        (self.due_s, self.ordinal)
    }
}

impl PartialEq for TicketKey {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for TicketKey {}

impl PartialOrd for TicketKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TicketKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.place().cmp(&other.place())
    }
}

impl TicketFilter {
    #[inline]
    fn admits(&self, record: &Record, versions: &Versions) -> bool {
        let query = &self.query;
        let class = TicketClass::from_bits(record.class_bits());
        query.state.is_none_or(|state| state == record.state())
            && !(query.open_only && record.state().is_done())
            && query.breached.is_none_or(|breached| breached == class.is_breached())
            && query.at_risk.is_none_or(|at_risk| at_risk == class.is_at_risk())
            && self.labels.iter().all(|(label, wanted)| match wanted {
                Wanted::Any => true,
                Wanted::Only(symbol) => record.label(versions, label) == *symbol,
                Wanted::Unknown => false,
            })
    }

    #[inline]
    fn admits_due(&self, due_s: u32) -> bool {
        let is_before = |due_ms| due_s != u32::MAX && i64::from(due_s) * SECOND_MS < due_ms;
        self.query.due_before_ms.is_none_or(is_before)
    }

    /// Whether the query has a label that the engine has never seen: then nothing matches.
    pub fn is_hopeless(&self) -> bool {
        self.labels.iter().any(|(_, wanted)| *wanted == Wanted::Unknown)
    }
}

impl Engine {
    /// Resolves the labels of a query.
    pub fn filter(&self, query: TicketQuery) -> TicketFilter {
        let wanted = |label| Wanted::new(query.labels[label].as_deref(), &self.labels.symbols[label]);
        TicketFilter { labels: PerLabel::from_fn(wanted), query }
    }

    /// Adds the tickets of a shard that match the filter and come after `after`, and keeps the first `limit` of all tickets in
    /// `into`, in order. Called for one shard after the other, it leaves a page of the whole engine in `into`.
    ///
    /// # Panics
    /// If there is no shard with this number.
    pub fn list(
        &self,
        shard: u16,
        filter: &TicketFilter,
        after: Option<&TicketKey>,
        limit: usize,
        into: &mut Vec<TicketKey>,
    ) {
        if limit == 0 || filter.is_hopeless() {
            return into.truncate(limit);
        }
        let mut page = BinaryHeap::from(std::mem::take(into));
        self.shards[usize::from(shard)].list(&self.versions, filter, after, limit, &mut page);
        while page.len() > limit {
            page.pop();
        }
        *into = page.into_sorted_vec();
    }
}

impl Shard {
    fn list(
        &self,
        versions: &Versions,
        filter: &TicketFilter,
        after: Option<&TicketKey>,
        limit: usize,
        page: &mut BinaryHeap<TicketKey>,
    ) {
        for slot in self.tickets.live() {
            let record = &self.tickets.records[slot];
            let key = |due_s| TicketKey { due_s, ordinal: record.ordinal(), shard: self.number, slot };
            let is_full = page.len() >= limit;
            let is_beyond = |key: TicketKey| is_full && page.peek().is_some_and(|last| *last <= key);
            // The second of the timer is a lower bound; a ticket without a timer has nothing pending.
            let timer_s = match self.wheel.due(slot) {
                0 => u32::MAX,
                timer_s => timer_s,
            };
            if is_beyond(key(timer_s)) || !filter.admits_due(timer_s) || !filter.admits(record, versions) {
                continue;
            }
            let due_s = self.next_dues(versions, slot).next_s.unwrap_or(u32::MAX);
            let key = key(due_s);
            if is_beyond(key) || after.is_some_and(|after| key <= *after) || !filter.admits_due(due_s) {
                continue;
            }
            if is_full {
                page.pop();
            }
            page.push(key);
        }
    }
}
