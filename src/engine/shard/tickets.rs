//! Ticket storage of a shard: fixed-size records, clocks, ids and event logs, each in a store of its own.
//!
//! A ticket with only an opening takes a record of 40 bytes, 24 bytes per clock, its id and an index entry; its event log is
//! the record itself. The second event gives it a list of events.

use super::ids::Ids;
use crate::engine::clocks::event::{Basis, EventLog, StoredEvent};
use crate::engine::clocks::state::PackedClock;
use crate::engine::clocks::versions::{VersionId, Versions};
use crate::engine::interner::{NO_SYMBOL, Symbol};
use crate::engine::paged_vec::Paged;
use crate::limits::{MAX_CHANNELS, MAX_CLOCKS, MAX_SHORT_LABELS};
use crate::ticket::{EventKind, State, TicketLabel};
use hashbrown::HashTable;
use std::borrow::Cow;

const NONE: u32 = u32::MAX;
const TIME_BITS: u32 = 42;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
const LEFT_BEFORE: u32 = 52;
const ORDINAL_BITS: u32 = 40;
/// The version of a slot without a ticket, or of a ticket that is not open yet.
const NO_VERSION: VersionId = VersionId::MAX;

/// The fixed-size part of a ticket.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    /// Opening time, state, class, whether the ticket has left before, channel.
    opened: u64,
    /// Place in the order in which tickets were first seen, version.
    ordinal: u64,
    id_at: u32,
    clocks_at: u32,
    history: u32,
    pub owner: Symbol,
    customer: Symbol,
    team: u16,
    category: u16,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            opened: (MAX_CHANNELS as u64) << 56,
            ordinal: u64::from(NO_VERSION) << ORDINAL_BITS,
            id_at: NONE,
            clocks_at: NONE,
            history: NONE,
            owner: NO_SYMBOL,
            customer: NO_SYMBOL,
            team: MAX_SHORT_LABELS as u16,
            category: MAX_SHORT_LABELS as u16,
        }
    }
}

fn widen(symbol: u16) -> Symbol {
    if usize::from(symbol) == MAX_SHORT_LABELS { NO_SYMBOL } else { Symbol::from(symbol) }
}

fn narrow(symbol: Symbol) -> u16 {
    symbol.min(MAX_SHORT_LABELS as u32) as u16
}

impl Record {
    pub(crate) fn opened_ms(&self) -> i64 {
        (self.opened & TIME_MASK) as i64
    }

    pub(crate) fn set_opened_ms(&mut self, opened_ms: i64) {
        self.opened = self.opened & !TIME_MASK | opened_ms as u64;
    }

    pub(crate) fn state(&self) -> State {
        State::ALL[(self.opened >> TIME_BITS & 7) as usize]
    }

    pub(crate) fn set_state(&mut self, state: State) {
        self.opened = self.opened & !(7 << TIME_BITS) | (state as u64) << TIME_BITS;
    }

    pub(crate) fn class_bits(&self) -> u8 {
        (self.opened >> 45 & 15) as u8
    }

    pub(crate) fn set_class_bits(&mut self, bits: u8) {
        self.opened = self.opened & !(15 << 45) | u64::from(bits & 15) << 45;
    }

    /// Whether the ticket had left before it came back.
    pub(crate) fn has_left_before(&self) -> bool {
        self.opened >> LEFT_BEFORE & 1 != 0
    }

    pub(crate) fn set_left_before(&mut self) {
        self.opened |= 1 << LEFT_BEFORE;
    }

    fn channel(&self) -> Symbol {
        let channel = (self.opened >> 56) as usize;
        if channel == MAX_CHANNELS { NO_SYMBOL } else { channel as Symbol }
    }

    fn set_channel(&mut self, channel: Symbol) {
        self.opened = self.opened & !(255 << 56) | u64::from(channel.min(MAX_CHANNELS as u32)) << 56;
    }

    pub(crate) fn team(&self) -> Symbol {
        widen(self.team)
    }

    pub(crate) fn set_team(&mut self, team: Symbol) {
        self.team = narrow(team);
    }

    /// The symbol of a label. The priority follows from the version: only a live ticket has one.
    #[inline]
    pub(crate) fn label(&self, versions: &Versions, label: TicketLabel) -> Symbol {
        match label {
            TicketLabel::Priority => versions.get(self.version()).priority,
            TicketLabel::Owner => self.owner,
            TicketLabel::Team => self.team(),
            TicketLabel::Channel => self.channel(),
            TicketLabel::Category => widen(self.category),
            TicketLabel::Customer => self.customer,
        }
    }

    /// Sets a label other than the priority, which follows from the version.
    #[inline]
    pub(crate) fn set_label(&mut self, label: TicketLabel, symbol: Symbol) {
        match label {
            TicketLabel::Priority => debug_assert!(false, "the priority {symbol} of a record without its version"),
            TicketLabel::Owner => self.owner = symbol,
            TicketLabel::Team => self.set_team(symbol),
            TicketLabel::Channel => self.set_channel(symbol),
            TicketLabel::Category => self.category = narrow(symbol),
            TicketLabel::Customer => self.customer = symbol,
        }
    }

    pub(crate) fn ordinal(&self) -> u64 {
        self.ordinal & ((1 << ORDINAL_BITS) - 1)
    }

    pub(crate) fn version(&self) -> VersionId {
        (self.ordinal >> ORDINAL_BITS) as VersionId
    }

    pub(crate) fn set_version(&mut self, version: VersionId) {
        self.ordinal = self.ordinal & ((1 << ORDINAL_BITS) - 1) | u64::from(version) << ORDINAL_BITS;
    }

    /// Whether the slot has a ticket that is open.
    pub(crate) fn is_live(&self) -> bool {
        self.version() != NO_VERSION
    }

    /// The opening, from the record of a ticket without a stored event log.
    fn opening(&self, priority: Symbol) -> StoredEvent {
        StoredEvent::new(self.opened_ms(), EventKind::Opened)
            .with_state(self.state())
            .with_priority(priority)
            .with_people(self.owner, self.team())
    }
}

/// All tickets of a shard.
#[derive(Debug)]
pub(crate) struct Tickets {
    pub records: Paged<Record>,
    clocks: Paged<PackedClock>,
    /// Freed runs of clocks, by length.
    free_clocks: [Vec<u32>; MAX_CLOCKS + 1],
    histories: Vec<EventLog>,
    free_histories: Vec<u32>,
    ids: Ids,
    index: HashTable<u32>,
    free_slots: Vec<u32>,
    /// Slots of tickets that have left; their ids stay readable until the next command.
    leaving: Vec<u32>,
}

impl Tickets {
    pub(crate) fn new() -> Self {
        Self {
            records: Paged::new(),
            clocks: Paged::new(),
            free_clocks: Default::default(),
            histories: Vec::new(),
            free_histories: Vec::new(),
            ids: Ids::default(),
            index: HashTable::new(),
            free_slots: Vec::new(),
            leaving: Vec::new(),
        }
    }

    /// Tickets in the index.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn id(&self, slot: u32) -> &str {
        self.ids.get(self.records[slot].id_at)
    }

    pub(crate) fn find(&self, hash: u64, id: &str) -> Option<u32> {
        self.index.find(hash, |&slot| self.ids.bytes(self.records[slot].id_at) == id.as_bytes()).copied()
    }

    /// The slot of a ticket; a new one (not live yet) for an unknown id.
    pub(crate) fn find_or_insert(&mut self, hash: u64, id: &str, ordinal: u64) -> u32 {
        if let Some(slot) = self.find(hash, id) {
            return slot;
        }
        let record = Record {
            id_at: self.ids.push(id),
            ordinal: ordinal & ((1 << ORDINAL_BITS) - 1) | u64::from(NO_VERSION) << ORDINAL_BITS,
            ..Record::default()
        };
        let slot = match self.free_slots.pop() {
            Some(slot) => {
                self.records[slot] = record;
                slot
            }
            None => self.records.push(record),
        };
        let (records, ids) = (&self.records, &self.ids);
        self.index.insert_unique(hash, slot, |&slot| crate::engine::hash::hash_id(ids.bytes(records[slot].id_at)));
        slot
    }

    /// Removes a ticket with this number of clocks from the index.
    pub(crate) fn remove(&mut self, slot: u32, clocks: usize) {
        let hash = crate::engine::hash::hash_id(self.id(slot).as_bytes());
        if let Ok(entry) = self.index.find_entry(hash, |&other| other == slot) {
            entry.remove();
        }
        self.records[slot].set_version(NO_VERSION);
        if clocks > 0 {
            self.free_clocks[clocks].push(self.records[slot].clocks_at);
        }
        self.leaving.push(slot);
    }

    /// Frees the memory of tickets that have left.
    pub(crate) fn reap(&mut self) {
        for slot in std::mem::take(&mut self.leaving) {
            let record = std::mem::take(&mut self.records[slot]);
            if record.history != NONE {
                self.histories[record.history as usize] = EventLog::default();
                self.free_histories.push(record.history);
            }
            self.ids.forget(record.id_at);
            self.free_slots.push(slot);
        }
        if self.ids.is_sparse() {
            let mut packed = Ids::default();
            for slot in 0..self.records.len() {
                let record = &mut self.records[slot];
                if record.id_at != NONE {
                    record.id_at = packed.push(self.ids.get(record.id_at));
                }
            }
            self.ids = packed;
        }
    }

    /// The clocks of a ticket.
    #[inline]
    pub(crate) fn clocks(&self, slot: u32, count: usize) -> impl Iterator<Item = PackedClock> {
        let at = self.records[slot].clocks_at;
        (0..count as u32).map(move |place| self.clocks[at + place])
    }

    /// A clock of a ticket.
    #[inline]
    pub(crate) fn clock(&self, slot: u32, place: usize) -> PackedClock {
        self.clocks[self.records[slot].clocks_at + place as u32]
    }

    /// Changes the number of a ticket's clocks; the caller then writes their states.
    pub(crate) fn resize_clocks(&mut self, slot: u32, before: usize, after: usize) {
        if before == after && self.records[slot].clocks_at != NONE {
            return;
        }
        let at = self.records[slot].clocks_at;
        if at != NONE && before > 0 {
            self.free_clocks[before].push(at);
        }
        self.records[slot].clocks_at = self.free_clocks[after].pop().unwrap_or_else(|| {
            let at = self.clocks.len();
            self.clocks.grow_to(at + after as u32);
            at
        });
    }

    #[inline]
    pub(crate) fn set_clock(&mut self, slot: u32, place: usize, clock: PackedClock) {
        let at = self.records[slot].clocks_at + place as u32;
        self.clocks[at] = clock;
    }

    #[inline]
    pub(crate) fn prefetch_clocks(&self, slot: u32) {
        self.clocks.prefetch(self.records[slot].clocks_at);
    }

    /// Takes the events of a ticket out, to be returned by [`Tickets::put_entries`]; `priority` is the ticket's.
    pub(crate) fn take_entries(
        &mut self,
        slot: u32,
        priority: Symbol,
        mut spare: Vec<StoredEvent>,
    ) -> Vec<StoredEvent> {
        let record = &self.records[slot];
        spare.clear();
        if !record.is_live() {
            spare
        } else if record.history == NONE {
            spare.push(record.opening(priority));
            spare
        } else {
            std::mem::take(&mut self.histories[record.history as usize].entries)
        }
    }

    /// Puts events back; returns the list if the ticket does not need one.
    pub(crate) fn put_entries(&mut self, slot: u32, mut entries: Vec<StoredEvent>) -> Vec<StoredEvent> {
        let record = &self.records[slot];
        let simple = entries.len() == 1 && entries[0].basis() == Basis::Opened;
        if record.history == NONE && simple {
            return entries;
        }
        if record.history == NONE {
            let described_ms = [record.opened_ms(); TicketLabel::DESCRIPTIVE.len()];
            let mut history = EventLog { described_ms, ..EventLog::default() };
            history.entries.extend_from_slice(&entries);
            let index = match self.free_histories.pop() {
                Some(index) => {
                    self.histories[index as usize] = history;
                    index
                }
                None => {
                    self.histories.push(history);
                    self.histories.len() as u32 - 1
                }
            };
            self.records[slot].history = index;
            entries.clear();
            return entries;
        }
        self.histories[record.history as usize].entries = entries;
        Vec::new()
    }

    /// The stored events of a ticket, mutable; none if the record is its event log.
    pub(crate) fn entries_mut(&mut self, slot: u32) -> &mut [StoredEvent] {
        let history = self.records[slot].history;
        if history == NONE { &mut [] } else { &mut self.histories[history as usize].entries }
    }

    pub(crate) fn history(&self, slot: u32) -> Option<&EventLog> {
        self.histories.get(self.records[slot].history as usize)
    }

    /// When a ticket was opened, also one that has just left; `None` if no `opened` row has reported it.
    pub(crate) fn reported_opening_ms(&self, slot: u32) -> Option<i64> {
        let is_implied = self
            .history(slot)
            .is_some_and(|history| history.entries.first().is_some_and(|opening| opening.basis() == Basis::Implied));
        (!is_implied).then(|| self.records[slot].opened_ms())
    }

    /// When the rows happened that reported each of the ticket's descriptive labels.
    pub(crate) fn described_ms(&self, slot: u32) -> [i64; TicketLabel::DESCRIPTIVE.len()] {
        let opened_ms = [self.records[slot].opened_ms(); TicketLabel::DESCRIPTIVE.len()];
        self.history(slot).map_or(opened_ms, |history| history.described_ms)
    }

    /// The event log of a ticket, created if there is none yet.
    pub(crate) fn history_mut(&mut self, slot: u32, priority: Symbol) -> &mut EventLog {
        if self.records[slot].history == NONE {
            let opening = self.records[slot].opening(priority);
            let index = self.free_histories.pop().unwrap_or_else(|| {
                self.histories.push(EventLog::default());
                self.histories.len() as u32 - 1
            });
            let described_ms = [opening.at_ms(); TicketLabel::DESCRIPTIVE.len()];
            self.histories[index as usize] = EventLog { entries: vec![opening], described_ms, ..EventLog::default() };
            self.records[slot].history = index;
        }
        let index = self.records[slot].history as usize;
        &mut self.histories[index]
    }

    /// Drops the event log of a ticket that is again as it was opened, with this priority.
    pub(crate) fn drop_plain_history(&mut self, slot: u32, priority: Symbol) {
        let record = &self.records[slot];
        let is_plain = self.history(slot).is_some_and(|history| {
            history.revision == 0
                && history.past_fires.is_empty()
                && history.entries == [record.opening(priority)]
                && history.described_ms.iter().all(|at_ms| *at_ms == record.opened_ms())
        });
        if is_plain {
            let index = std::mem::replace(&mut self.records[slot].history, NONE);
            self.histories[index as usize] = EventLog::default();
            self.free_histories.push(index);
        }
    }

    /// Time of the ticket's last event.
    pub(crate) fn last_ms(&self, slot: u32) -> i64 {
        let last = self.history(slot).and_then(|history| history.entries.last());
        let opened_ms = self.records[slot].opened_ms();
        last.map_or(opened_ms, |entry| entry.at_ms().max(opened_ms))
    }

    /// Whether the ticket has events after this time.
    pub(crate) fn has_events_after(&self, slot: u32, at_ms: i64) -> bool {
        self.last_ms(slot) > at_ms
    }

    /// The ticket's events; `priority` is the one with which a ticket without a stored event log was opened.
    pub(crate) fn entries(&self, slot: u32, priority: Symbol) -> Cow<'_, [StoredEvent]> {
        match self.history(slot) {
            Some(history) => Cow::Borrowed(&history.entries),
            None => Cow::Owned(vec![self.records[slot].opening(priority)]),
        }
    }

    /// Reserves capacity for this many tickets in the index.
    pub(crate) fn reserve(&mut self, tickets: usize) {
        let (records, ids) = (&self.records, &self.ids);
        self.index.reserve(tickets, |&slot| crate::engine::hash::hash_id(ids.bytes(records[slot].id_at)));
    }

    /// Restores the event log of a ticket.
    pub(crate) fn set_history(&mut self, slot: u32, history: EventLog) {
        self.histories.push(history);
        self.records[slot].history = self.histories.len() as u32 - 1;
    }

    /// Slots of live tickets.
    pub(crate) fn live(&self) -> impl Iterator<Item = u32> {
        (0..self.records.len()).filter(|&slot| self.records[slot].is_live())
    }
}
