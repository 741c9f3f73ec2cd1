//! Applies events to a ticket of a shard: its event log grows, and its clocks continue or are replayed.

use super::emit::Emitter;
use super::event_builder::{EVENTS_A_ROW, EventLogBuilder, Row};
use super::{Buffers, Context, Shard, totals_key};
use crate::engine::clocks::TicketClocks;
use crate::engine::clocks::event::{PastFires, StoredEvent};
use crate::engine::clocks::versions::Versions;
use crate::engine::interner::Symbol;
use crate::engine::output::{CatchUp, Escalation, EscalationKind};
use crate::limits::MAX_EVENTS_A_TICKET;
use crate::ticket::EventKind;
use crate::time::NEVER_MS;

impl Shard {
    /// Applies rows of one ticket, in order of time. Returns how many were used: if the ticket leaves, the rest remains.
    pub(crate) fn apply_rows(
        &mut self,
        buffers: &mut Buffers,
        context: &Context<'_>,
        slot: u32,
        rows: &[Row],
        mut assign: impl FnMut(&Row) -> Symbol,
        rejected: &mut Vec<u32>,
    ) -> usize {
        let versions = context.versions;
        let is_live = self.tickets.records[slot].is_live();
        let priority = if is_live { versions.get(self.tickets.records[slot].version()).priority } else { 0 };
        let events = std::mem::take(&mut buffers.events);
        let mut builder = EventLogBuilder::new(self.tickets.take_entries(slot, priority, events));
        let mut leaves_ms = None;
        let mut used = 0;
        for row in rows {
            used += 1;
            if row.is_removal() {
                leaves_ms = Some(row.at_ms);
                break;
            }
            if builder.entries.len() + EVENTS_A_ROW > MAX_EVENTS_A_TICKET {
                rejected.push(row.number);
                continue;
            }
            builder.add(row, context.now_ms, || assign(row));
        }
        builder.finish();
        for row in &builder.opened_again {
            self.output.ignored.opened_again.add(*row);
        }
        let known = builder.known();
        let changed = builder.before.is_some() || builder.entries.len() > known;
        if changed || is_live && leaves_ms.is_some() {
            self.report_manual(slot, &builder);
            // Gone by now: levels due since then must not fire.
            let is_gone = leaves_ms.is_some_and(|leaves_ms| leaves_ms <= context.now_ms);
            let context = &Context { catch_up: if is_gone { CatchUp::None } else { context.catch_up }, ..*context };
            if !is_live {
                // Count it with its team from the start.
                self.tickets.records[slot].set_team(builder.standing().team);
            }
            let late = builder.before.is_some() || self.is_late(context, slot, &builder.entries, known);
            if is_live && late {
                self.replay_late_events(buffers, context, slot, &builder);
            } else {
                self.go_on(buffers, context, slot, &builder, leaves_ms);
            }
            let standing = builder.standing();
            let record = &mut self.tickets.records[slot];
            record.set_opened_ms(builder.entries[0].at_ms());
            record.owner = standing.owner;
            let before = totals_key(record, versions);
            record.set_team(standing.team);
            self.counters.move_ticket(Some(before), Some(totals_key(record, versions)));
        }
        buffers.events = if self.tickets.records[slot].is_live() {
            self.tickets.put_entries(slot, builder.entries)
        } else {
            builder.entries
        };
        if let Some(leaves_ms) = leaves_ms {
            let is_past = leaves_ms <= context.now_ms || leaves_ms < self.tickets.last_ms(slot);
            if is_past && self.tickets.records[slot].is_live() {
                self.withdraw_after(buffers, context, slot, leaves_ms);
            }
            self.leave(buffers, versions, slot);
        }
        used
    }

    /// Reports manual escalations.
    fn report_manual(&mut self, slot: u32, builder: &EventLogBuilder) {
        let ticket = self.ticket_ref(slot);
        let count = builder.entries.iter().filter(|entry| entry.kind() == EventKind::Escalated).count();
        for (index, (at_ms, row)) in builder.manual.iter().enumerate() {
            let number = count - builder.manual.len() + index + 1;
            self.output.escalations.push(Escalation {
                kind: EscalationKind::Manual,
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

    /// How many of a ticket's rows, in order of time, are applied next: together those up to the engine's time and those that
    /// are late, then one after the other those ahead of it (together where that makes no difference). A new ticket applies all.
    pub(crate) fn next_rows(&self, slot: u32, rows: &[Row], now_ms: i64) -> usize {
        if !self.tickets.records[slot].is_live() {
            return rows.len();
        }
        let last_ms = self.tickets.last_ms(slot);
        let at_once = rows.partition_point(|row| row.at_ms <= now_ms || row.at_ms < last_ms);
        if at_once > 0 {
            return at_once;
        }
        let log = self.tickets.history(slot).map_or(&[][..], |history| &history.entries);
        rows.iter().take_while(|row| !EventLogBuilder::may_change_opening(log, row)).count().max(1)
    }

    /// Whether the first new event lies before something that was already reported for the ticket.
    fn is_late(&self, context: &Context<'_>, slot: u32, entries: &[StoredEvent], known: usize) -> bool {
        let record = &self.tickets.records[slot];
        if !record.is_live() {
            return false;
        }
        let Some(first) = entries.get(known) else { return false };
        let at_ms = first.not_before(entries[0].at_ms()).at_ms();
        let version = context.versions.get(record.version());
        if at_ms <= context.versions.last_edit_ms(version.priority) {
            return true;
        }
        at_ms <= context.now_ms
            && version.compiled.iter().zip(self.tickets.clocks(slot, version.compiled.len())).any(
                |(compiled, clock)| {
                    let state = clock.unpack();
                    state.running
                        && state.done != 0
                        && (0..u16::BITS as usize)
                            .filter(|mark| state.done & (1 << mark) != 0)
                            .any(|mark| (at_ms..NEVER_MS).contains(&compiled.due_of(&state, mark)))
                },
            )
    }

    /// New events after everything reported for the ticket: they apply one after the other.
    fn go_on(
        &mut self,
        Buffers { clocks: ticket_clocks, counted, .. }: &mut Buffers,
        context: &Context<'_>,
        slot: u32,
        builder: &EventLogBuilder,
        leaves_ms: Option<i64>,
    ) {
        let versions = context.versions;
        let entries = &builder.entries;
        let known = builder.known();
        let ticket = self.ticket_ref(slot);
        let is_live = self.tickets.records[slot].is_live();
        if is_live {
            self.read_counted(versions, slot, counted);
            if builder.changes_priority || counted.clocks.iter().any(|state| state.broken) {
                self.rebuild(versions, slot, &entries[..known], context.now_ms, ticket_clocks);
            } else {
                self.unpack(versions, slot, ticket_clocks);
            }
        } else {
            let priority = entries[0].priority().unwrap_or(0);
            ticket_clocks.begin(versions, versions.at_opening(priority, entries[0].at_ms()));
        }
        let first = if is_live { known } else { 0 };
        let revision = self.next_revision(slot);
        let cycles_reported = self.output.cycles.len();
        let mut emitter = self.emitter(context, ticket, ticket_clocks.version, revision);
        let mut caught_up = false;
        for (index, &entry) in entries.iter().enumerate().skip(first) {
            let before = &entries[..index];
            let entry = entry.not_before(entries[0].at_ms());
            if entry.at_ms() > context.now_ms && !caught_up {
                caught_up = true;
                catch_up(context, ticket_clocks, before, &mut emitter);
            }
            ticket_clocks.edits_until(versions, entry.at_ms(), before, &mut emitter);
            ticket_clocks.settle(versions, entry.at_ms(), &mut emitter);
            emitter.version = ticket_clocks.version;
            ticket_clocks.step(versions, entry, before, &mut emitter);
            emitter.version = ticket_clocks.version;
            if caught_up {
                emitter.choose(versions, ticket_clocks);
            }
        }
        if !caught_up {
            catch_up(context, ticket_clocks, entries, &mut emitter);
        }
        if let Some(leaves_ms) = leaves_ms {
            ticket_clocks.settle(versions, leaves_ms, &mut emitter);
        }
        let next_ms = ticket_clocks.settle(versions, context.now_ms + 1, &mut emitter);
        self.keep_past_fires(versions, slot, ticket_clocks);
        self.keep_revision(slot, self.output.cycles.len() > cycles_reported);
        self.store(versions, slot, ticket_clocks, is_live.then_some(&*counted), next_ms);
    }

    /// The revision of the next records: higher than all earlier ones of the ticket once something was revised.
    pub(crate) fn next_revision(&self, slot: u32) -> u16 {
        let output = self.tickets.history(slot).map_or(0, |history| history.revision);
        output.saturating_add(u16::from(output > 0))
    }

    /// Records that cycles were reported with [`Shard::next_revision`].
    pub(crate) fn keep_revision(&mut self, slot: u32, has_output: bool) {
        let revision = self.next_revision(slot);
        if has_output && revision > 0 {
            self.tickets.history_mut(slot, 0).revision = revision;
        }
    }

    /// Stores the levels that fired in cycles that have ended.
    pub(crate) fn keep_past_fires(&mut self, versions: &Versions, slot: u32, ticket_clocks: &TicketClocks) {
        if !self.output.past_fires.is_empty() {
            let fires: Vec<PastFires> = std::mem::take(&mut self.output.past_fires);
            let priority = versions.get(ticket_clocks.version).priority;
            self.tickets.history_mut(slot, priority).past_fires.extend(fires);
        }
    }

    /// Removes a ticket from the index; one that never opened was only an id.
    fn leave(&mut self, Buffers { counted, .. }: &mut Buffers, versions: &Versions, slot: u32) {
        if self.tickets.records[slot].is_live() {
            self.read_counted(versions, slot, counted);
            let version = versions.get(counted.version);
            for (compiled, state) in version.compiled.iter().zip(&counted.clocks) {
                self.counters.count_run(compiled.clock, state, false);
            }
            self.counters.move_ticket(Some(counted.key), None);
            self.arm(slot, 0);
            self.tickets.remove(slot, version.compiled.len());
        } else {
            self.tickets.remove(slot, 0);
        }
    }
}

/// The events of a ticket up to the engine's time are in: settles what is due until then, and applies catch-up.
fn catch_up(
    context: &Context<'_>,
    ticket_clocks: &mut TicketClocks,
    before: &[StoredEvent],
    emitter: &mut Emitter<'_>,
) {
    ticket_clocks.edits_until(context.versions, context.now_ms + 1, before, emitter);
    emitter.version = ticket_clocks.version;
    ticket_clocks.settle(context.versions, context.now_ms + 1, emitter);
    emitter.choose(context.versions, ticket_clocks);
}
