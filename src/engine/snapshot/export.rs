//! Exports an engine as columns; see [`columns`](super::columns).
//!
//! A shard is copied in one walk: the packed fields of a ticket's record and clocks are unpacked; only the targets' due
//! instants are measured. Only for tickets with an interrupted cycle is the event log replayed, to get the segments.

use super::columns::{Head, LabelLists, ShardState};
use crate::engine::clocks::TicketClocks;
use crate::engine::clocks::deadlines::CompiledClock;
use crate::engine::clocks::event::{Basis, EventLog};
use crate::engine::clocks::versions::Versions;
use crate::engine::commands::Engine;
use crate::engine::interner::NO_SYMBOL;
use crate::engine::shard::Shard;
use crate::ticket::PerLabel;
use crate::time::NEVER_MS;

impl Engine {
    /// How many shards there are.
    pub fn shards(&self) -> u16 {
        self.shards.len() as u16
    }

    /// The part of the engine that belongs to no shard.
    pub fn head(&self) -> Head {
        let symbols = &self.labels.symbols;
        Head {
            now_ms: self.now_ms,
            rows: self.rows,
            shards: self.shards(),
            labels: LabelLists {
                clocks: self.clocks.labels().to_vec(),
                of_tickets: PerLabel::from_fn(|label| symbols[label].labels().to_vec()),
                introduced_by: PerLabel::from_fn(|label| match label.most() {
                    Some(_) => symbols[label].introduced_by(),
                    None => Vec::new(),
                }),
            },
        }
    }

    /// A shard as columns. Tickets that have left are not included.
    ///
    /// # Panics
    /// If there is no shard with this number.
    pub fn export(&self, shard: u16) -> ShardState {
        self.shards[usize::from(shard)].export(&self.versions, self.now_ms)
    }
}

impl Shard {
    fn export(&self, versions: &Versions, now_ms: i64) -> ShardState {
        let mut state = ShardState { number: self.number, counters: self.counters.clone(), ..ShardState::default() };
        state.reserve(self.tickets.len());
        let mut ticket_clocks = Box::<TicketClocks>::default();
        for slot in self.tickets.live() {
            let row = state.tickets.ordinal.len() as u32;
            let record = &self.tickets.records[slot];
            let version = versions.get(record.version());
            let history = self.tickets.history(slot);
            let tickets = &mut state.tickets;
            tickets.id.push(self.tickets.id(slot));
            tickets.ordinal.push(record.ordinal());
            tickets.opened_ms.push(record.opened_ms());
            tickets.state.push(record.state());
            tickets.version.push(record.version());
            for (label, column) in tickets.labels.iter_mut() {
                column.push(record.label(versions, label));
            }
            tickets.revision.push(history.map_or(0, |history| history.revision));
            tickets.next_due_s.push(self.wheel.due(slot));
            tickets.has_events.push(history.is_some());
            for (column, at_ms) in tickets.described_ms.iter_mut().zip(self.tickets.described_ms(slot)) {
                column.push(at_ms);
            }
            self.export_clocks(&mut state, slot, row, &version.compiled);
            let first = state.clocks.ticket.len() - version.compiled.len();
            if state.clocks.is_broken[first..].contains(&true) {
                self.load(versions, slot, now_ms, &mut ticket_clocks);
                for (place, (compiled, run)) in
                    ticket_clocks.clocks(versions).enumerate().filter(|(_, (_, run))| run.state.open)
                {
                    state.clocks.segments[first + place].clone_from(&run.segments);
                    if compiled.has_target() {
                        state.clocks.target_due_ms[first + place] = run.target_due_ms(compiled, now_ms);
                    }
                }
            }
            if let Some(history) = history {
                export_history(&mut state, row, history);
            }
        }
        let mut gone: Vec<(&str, i64)> = self.gone.iter().collect();
        gone.sort_unstable();
        for (id, left_ms) in gone {
            state.gone.id.push(id);
            state.gone.left_ms.push(left_ms);
        }
        state
    }

    fn export_clocks(&self, state: &mut ShardState, slot: u32, row: u32, compiled: &[CompiledClock]) {
        let columns = &mut state.clocks;
        for (compiled, clock) in compiled.iter().zip(self.tickets.clocks(slot, compiled.len())) {
            let clock = clock.unpack();
            columns.ticket.push(row);
            columns.clock.push(compiled.clock);
            columns.cycle.push(clock.cycle);
            columns.started_ms.push(clock.started_ms);
            columns.segment_ms.push(clock.segment_ms);
            columns.spent_ms.push(clock.spent_ms);
            columns.is_open.push(clock.open);
            columns.is_running.push(clock.running);
            columns.is_held.push(clock.held);
            columns.is_broken.push(clock.broken);
            columns.reached.push(clock.done);
            columns.fired.push(clock.fired);
            columns.segments.push(Vec::new());
            // A cycle that was never interrupted is running.
            let is_measured = clock.open && !clock.broken && compiled.has_target();
            columns.target_due_ms.push(if is_measured { compiled.target_due_ms(&clock) } else { NEVER_MS });
        }
    }
}

fn export_history(state: &mut ShardState, row: u32, history: &EventLog) {
    let events = &mut state.events;
    for entry in &history.entries {
        events.ticket.push(row);
        events.at_ms.push(entry.at_ms());
        events.kind.push(entry.kind());
        events.state.push(entry.state());
        events.priority.push(entry.priority().unwrap_or(NO_SYMBOL));
        events.owner.push(entry.owner);
        events.team.push(entry.team);
        let basis = entry.opening_basis();
        events.is_implied.push(basis == Some(Basis::Implied));
        events.only_time.push(basis.and_then(Basis::only_time));
        events.is_report.push(entry.is_report());
        events.is_stated.push(entry.is_stated());
    }
    let fires = &mut state.fires;
    for past in &history.past_fires {
        fires.ticket.push(row);
        fires.clock.push(past.clock);
        fires.cycle.push(past.cycle);
        fires.levels.push(past.levels);
    }
}

impl ShardState {
    fn reserve(&mut self, tickets: usize) {
        let columns = &mut self.tickets;
        columns.ordinal.reserve(tickets);
        columns.opened_ms.reserve(tickets);
        columns.state.reserve(tickets);
        columns.version.reserve(tickets);
        columns.next_due_s.reserve(tickets);
        columns.has_events.reserve(tickets);
        columns.revision.reserve(tickets);
        columns.labels.iter_mut().for_each(|(_, labels)| labels.reserve(tickets));
    }
}
