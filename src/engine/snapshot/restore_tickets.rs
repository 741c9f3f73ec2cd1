//! Restores the rows of a shard, ticket by ticket: each with its clocks, its events and the levels that had fired.

use super::columns::ShardState;
use super::error::RestoreError;
use super::validate::Faults;
use crate::engine::clocks::deadlines::CompiledClock;
use crate::engine::clocks::event::{Basis, EventLog, PastFires, StoredEvent};
use crate::engine::clocks::state::{ClockState, LEVEL_BITS, MARKS, PackedClock};
use crate::engine::clocks::versions::{Version, Versions};
use crate::engine::interner::{NO_SYMBOL, Symbols};
use crate::engine::resolve::Interners;
use crate::engine::shard::Shard;
use crate::engine::shard::totals::TicketClass;
use crate::limits::{MAX_EVENTS_A_TICKET, MAX_TICKET_ID_BYTES};
use crate::ticket::{EventKind, Openings, TicketLabel};
use crate::time::{MAX_INPUT_MS, NEVER_MS, SECOND_MS};
use std::ops::Range;

/// What the rows are checked against: the head of the restored engine.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub versions: &'a Versions,
    pub labels: &'a Interners,
    pub clocks: &'a Symbols,
    pub now_ms: i64,
    pub shards: u16,
}

/// Puts the tickets of `state` into an empty shard.
pub(crate) fn read(engine: Known<'_>, state: &ShardState, shard: &mut Shard) -> Result<(), RestoreError> {
    let mut rows = Rows { engine, state, clocks: 0, events: 0, fires: 0 };
    for row in 0..state.tickets.ordinal.len() {
        rows.ticket(shard, row)?;
    }
    rows.gone(shard)?;
    // Remaining rows belong to no ticket, or are out of order.
    let left = [
        ("clocks", rows.clocks, &state.clocks.ticket),
        ("events", rows.events, &state.events.ticket),
        ("fires", rows.fires, &state.fires.ticket),
    ];
    for (table, row, tickets) in left {
        if let Some(ticket) = tickets.get(row) {
            let expected = "a row of the tickets table that has such rows, in order of tickets";
            return Err(Faults { shard: state.number, table, row }.value("ticket", ticket, expected));
        }
    }
    Ok(())
}

/// The tables, and how far each has been read.
struct Rows<'a> {
    engine: Known<'a>,
    state: &'a ShardState,
    clocks: usize,
    events: usize,
    fires: usize,
}

/// The rows from `from` on that belong to a ticket.
fn rows_of(tickets: &[u32], from: usize, ticket: usize) -> Range<usize> {
    let count = tickets[from..].iter().take_while(|other| **other as usize == ticket).count();
    from..from + count
}

impl Rows<'_> {
    fn faults(&self, table: &'static str, row: usize) -> Faults {
        Faults { shard: self.state.number, table, row }
    }

    /// A hash of an id that belongs to this shard.
    fn hash(&self, faults: Faults, id: &str) -> Result<u64, RestoreError> {
        if id.is_empty() || id.len() > MAX_TICKET_ID_BYTES {
            return Err(faults.value("id", format!("{id:?}"), "1 to 255 bytes"));
        }
        let hash = crate::engine::hash::hash_id(id.as_bytes());
        let home = crate::engine::hash::shard_of(hash, usize::from(self.engine.shards));
        if home != usize::from(self.state.number) {
            return Err(faults.value("id", format!("{id:?}"), &format!("an id of this shard, not of shard {home}")));
        }
        Ok(hash)
    }

    /// Restores which tickets have left; those that are back are in the shard already.
    fn gone(&self, shard: &mut Shard) -> Result<(), RestoreError> {
        for (row, (id, &left_ms)) in self.state.gone.id.iter().zip(&self.state.gone.left_ms).enumerate() {
            let faults = self.faults("gone", row);
            let hash = self.hash(faults, id)?;
            faults.time("left_ms", left_ms, NEVER_MS)?;
            if shard.gone.find(hash, id).is_some() {
                return Err(faults.value("id", format!("{id:?}"), "an id that no other row has"));
            }
            shard.gone.set(hash, id, left_ms);
            if let Some(slot) = shard.tickets.find(hash, id) {
                shard.tickets.records[slot].set_left_before();
            }
        }
        Ok(())
    }

    fn ticket(&mut self, shard: &mut Shard, row: usize) -> Result<(), RestoreError> {
        let (engine, columns) = (self.engine, &self.state.tickets);
        let faults = self.faults("tickets", row);
        let id = columns.id.get(row);
        let hash = self.hash(faults, id)?;
        let version_number = columns.version[row];
        faults.below("version", u64::from(version_number), engine.versions.len() as u64)?;
        let version = engine.versions.get(version_number);
        let priority = columns.labels[TicketLabel::Priority][row];
        if priority != version.priority {
            let expected = format!("{}, the priority of version {version_number}", version.priority);
            return Err(faults.value("priority", priority, &expected));
        }
        faults.below("ordinal", columns.ordinal[row], 1 << 40)?;
        faults.time("opened_ms", columns.opened_ms[row], MAX_INPUT_MS)?;
        for label in TicketLabel::INTRODUCED {
            faults.symbol(label.name(), columns.labels[label][row], &engine.labels.symbols[label])?;
        }
        let due_s = columns.next_due_s[row];
        if due_s != 0 && i64::from(due_s) * SECOND_MS <= engine.now_ms {
            let expected = format!("0, or a second after the engine's time, {}", engine.now_ms / SECOND_MS);
            return Err(faults.value("next_due_s", due_s, &expected));
        }

        let known = shard.tickets.len();
        let slot = shard.tickets.find_or_insert(hash, id, columns.ordinal[row]);
        if shard.tickets.len() == known {
            return Err(faults.value("id", format!("{id:?}"), "an id that no other row has"));
        }
        let marks = self.clocks(shard, slot, row, version)?;
        let record = &mut shard.tickets.records[slot];
        record.set_version(version_number);
        record.set_opened_ms(columns.opened_ms[row]);
        record.set_state(columns.state[row]);
        record.set_class_bits(TicketClass::of(columns.state[row], marks).to_bits());
        for label in TicketLabel::INTRODUCED {
            record.set_label(label, columns.labels[label][row]);
        }
        if columns.has_events[row] {
            let history = self.history(row)?;
            shard.tickets.set_history(slot, history);
        } else if columns.revision[row] != 0 {
            return Err(faults.value("revision", columns.revision[row], "0 for a ticket without events"));
        }
        shard.arm(slot, due_s);
        Ok(())
    }

    /// Restores the clocks of a ticket; returns the marks that its open cycles have reached.
    fn clocks(&mut self, shard: &mut Shard, slot: u32, row: usize, version: &Version) -> Result<u16, RestoreError> {
        shard.tickets.resize_clocks(slot, 0, version.compiled.len());
        let mut marks = 0;
        for (place, compiled) in version.compiled.iter().enumerate() {
            let ticket = self.state.clocks.ticket.get(self.clocks).copied();
            if ticket != Some(row as u32) {
                let value = ticket.map_or_else(|| "missing".to_owned(), |ticket| ticket.to_string());
                let expected = format!("{row}, a ticket with {} clocks", version.compiled.len());
                return Err(self.faults("clocks", self.clocks).value("ticket", value, &expected));
            }
            let state = self.clock(self.clocks, compiled)?;
            marks |= if state.open { state.done } else { 0 };
            shard.tickets.set_clock(slot, place, PackedClock::pack(&state));
            self.clocks += 1;
        }
        Ok(marks)
    }

    fn clock(&self, at: usize, compiled: &CompiledClock) -> Result<ClockState, RestoreError> {
        let (columns, faults) = (&self.state.clocks, self.faults("clocks", at));
        if columns.clock[at] != compiled.clock {
            return Err(faults.value(
                "clock",
                columns.clock[at],
                &format!("{}, by the ticket's version", compiled.clock),
            ));
        }
        let state = ClockState {
            started_ms: columns.started_ms[at],
            segment_ms: columns.segment_ms[at],
            spent_ms: columns.spent_ms[at],
            cycle: columns.cycle[at],
            open: columns.is_open[at],
            running: columns.is_running[at],
            held: columns.is_held[at],
            broken: columns.is_broken[at],
            done: columns.reached[at],
            fired: columns.fired[at],
        };
        faults.time("started_ms", state.started_ms, NEVER_MS + 1)?;
        faults.time("segment_ms", state.segment_ms, NEVER_MS + 1)?;
        faults.time("spent_ms", state.spent_ms, NEVER_MS + 1)?;
        faults.below("reached", u64::from(state.done), 1 << MARKS)?;
        faults.below("fired", u64::from(state.fired), u64::from(LEVEL_BITS) + 1)?;
        let none_without_open = [("is_running", state.running), ("is_held", state.held), ("is_broken", state.broken)];
        if let Some((column, _)) = none_without_open.into_iter().find(|(_, is)| *is && !state.open) {
            return Err(faults.value(column, true, "false while no cycle is open"));
        }
        if state.open && state.cycle == 0 {
            return Err(faults.value("cycle", 0, "1 or more while a cycle is open"));
        }
        if state.running && state.held {
            return Err(faults.value("is_held", true, "false while the cycle is running"));
        }
        if state.open && !state.running && !state.broken {
            return Err(faults.value("is_broken", false, "true while the cycle is paused"));
        }
        Ok(state)
    }

    fn history(&mut self, row: usize) -> Result<EventLog, RestoreError> {
        let events = rows_of(&self.state.events.ticket, self.events, row);
        let fires = rows_of(&self.state.fires.ticket, self.fires, row);
        if events.is_empty() || events.len() > MAX_EVENTS_A_TICKET {
            let expected =
                format!("false: the ticket has {} events, 1 to {MAX_EVENTS_A_TICKET} are kept", events.len());
            return Err(self.faults("tickets", row).value("has_events", true, &expected));
        }
        let mut entries: Vec<StoredEvent> = Vec::with_capacity(events.len());
        for at in events.clone() {
            let entry = self.event(at, at == events.start)?;
            let faults = self.faults("events", at);
            if let Some(before) =
                entries.get(1..).and_then(<[StoredEvent]>::last).filter(|before| before.at_ms() > entry.at_ms())
            {
                return Err(faults.value(
                    "at_ms",
                    entry.at_ms(),
                    &format!("{} or later, in order of time", before.at_ms()),
                ));
            }
            entries.push(entry);
        }
        let opened_ms = self.state.tickets.opened_ms[row];
        if entries[0].at_ms() != opened_ms {
            let expected = format!("{opened_ms}, when the ticket was opened");
            return Err(self.faults("events", events.start).value("at_ms", entries[0].at_ms(), &expected));
        }
        let mut past_fires = Vec::with_capacity(fires.len());
        for at in fires.clone() {
            let (columns, faults) = (&self.state.fires, self.faults("fires", at));
            faults.below("clock", u64::from(columns.clock[at]), self.engine.clocks.len() as u64)?;
            faults.below("levels", u64::from(columns.levels[at]), u64::from(LEVEL_BITS) + 1)?;
            let (clock, cycle, levels) = (columns.clock[at], columns.cycle[at], columns.levels[at]);
            past_fires.push(PastFires { clock, cycle, levels });
        }
        self.events = events.end;
        self.fires = fires.end;
        let revision = self.state.tickets.revision[row];
        Ok(EventLog { entries, past_fires, revision, described_ms: self.described_ms(row)? })
    }

    fn described_ms(&self, row: usize) -> Result<[i64; TicketLabel::DESCRIPTIVE.len()], RestoreError> {
        let times = self.state.tickets.described_ms.each_ref().map(|column| column[row]);
        let faults = self.faults("tickets", row);
        times.iter().try_for_each(|at_ms| faults.time("described_ms", *at_ms, NEVER_MS))?;
        Ok(times)
    }

    fn event(&self, at: usize, is_first: bool) -> Result<StoredEvent, RestoreError> {
        let (columns, faults) = (&self.state.events, self.faults("events", at));
        let kind = columns.kind[at];
        faults.time("at_ms", columns.at_ms[at], NEVER_MS)?;
        if is_first != (kind == EventKind::Opened) || matches!(kind, EventKind::Deleted | EventKind::Merged) {
            let expected = if is_first { "opened, the first of a ticket" } else { "an event of a ticket that is open" };
            return Err(faults.value("kind", kind.name(), expected));
        }
        let symbols = &self.engine.labels.symbols;
        faults.symbol("owner", columns.owner[at], &symbols[TicketLabel::Owner])?;
        faults.symbol("team", columns.team[at], &symbols[TicketLabel::Team])?;
        let mut entry = StoredEvent::new(columns.at_ms[at], kind).with_people(columns.owner[at], columns.team[at]);
        if let Some(state) = columns.state[at] {
            entry = entry.with_state(state);
        }
        if entry.state() != columns.state[at] {
            let value = columns.state[at].map_or("none", |state| state.name());
            return Err(faults.value("state", value, "a state with an event that speaks of it, and with no other"));
        }
        let priority = columns.priority[at];
        let speaks = matches!(kind, EventKind::Opened | EventKind::PriorityChanged);
        if speaks {
            faults.below("priority", u64::from(priority), symbols[TicketLabel::Priority].len() as u64)?;
            entry = entry.with_priority(priority);
        } else if priority != NO_SYMBOL {
            return Err(faults.value("priority", priority, "none: the event does not speak of it"));
        }
        let expected = "an opening";
        match (columns.is_implied[at], columns.only_time[at]) {
            (false, None | Some(Openings::Log)) => {}
            (true, _) if !is_first => return Err(faults.value("is_implied", true, expected)),
            (false, Some(_)) if !is_first => return Err(faults.value("only_time", true, expected)),
            (true, _) => entry = entry.based_on(Basis::Implied),
            (false, Some(Openings::Known)) => entry = entry.based_on(Basis::Known),
            (false, Some(Openings::Current)) => entry = entry.based_on(Basis::Current),
        }
        if columns.is_report[at] {
            if kind != EventKind::Assigned {
                return Err(faults.value("is_report", true, "an assignment"));
            }
            entry = entry.as_report();
        }
        if columns.is_stated[at] {
            if is_first {
                return Err(faults.value("is_stated", true, "an event after the opening"));
            }
            entry = entry.as_stated();
        }
        Ok(entry)
    }
}
